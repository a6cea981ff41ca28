"""``averting delivery``."""

from __future__ import annotations

from pathlib import Path

from averting.commands.findings import show
from averting.commands.options import Json, Page


def delivery(file: Path, *, json: Json = False, page: Page = None) -> None:
    """Describe what a programme delivered, against its plan, and what it was, version by version.

    How to write the TOML file: docs/delivery.md.

    Example: averting delivery delivery.toml

    Parameters
    ----------
    file
        TOML file with records, [plan], [dose] and [[version]].
    """
    from averting.evaluation.delivery import what_was_delivered

    show(what_was_delivered(file), json=json, page=page)
