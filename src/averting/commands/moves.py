"""``averting moves``."""

from __future__ import annotations

from pathlib import Path

from averting.commands.options import Json, print_answer


def moves(file: Path, *, json: Json = False) -> None:
    """Describe placements in alternative provision, moves between settings, and what was recorded before and after.

    How to write the TOML file: docs/moves.md.

    Example: averting moves moves.toml

    Parameters
    ----------
    file
        TOML file with [placements] and [[transitions]].
    """
    from averting.evaluation.moves import where_pupils_went

    found = where_pupils_went(file)
    print_answer(found, json)
