"""Who pays and who saves: the budgets that cost lines name."""

from __future__ import annotations

import tomllib
from functools import cache

from averting.resources import models_dir


@cache
def known_payers() -> dict[str, str]:
    """Return every payer's label by key, in the order tables show them."""
    with (models_dir() / "payers.toml").open("rb") as handle:
        declared = tomllib.load(handle)
    return {key: str(entry["label"]) for key, entry in declared.items()}
