"""``averting moves``."""

from __future__ import annotations

from pathlib import Path

from averting.commands.findings import show
from averting.commands.options import Json, Page


def moves(file: Path, *, json: Json = False, page: Page = None) -> None:
    """Describe placements in alternative provision, moves between settings, and what was recorded before and after.

    How to write the TOML file: docs/moves.md.

    Example: averting moves moves.toml

    Parameters
    ----------
    file
        TOML file with [placements], [suspensions], [rolls] and [[transitions]].
    """
    from averting.evaluation.moves import where_pupils_went

    show(where_pupils_went(file), json=json, page=page)
