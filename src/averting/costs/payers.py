"""Who pays and who saves: the budgets that cost lines name."""

from __future__ import annotations

from functools import cache

from averting.resources import read_model


@cache
def known_payers() -> dict[str, str]:
    """Return every payer's label by key, in the order tables show them."""
    return {key: str(entry["label"]) for key, entry in read_model("payers.toml").items()}
