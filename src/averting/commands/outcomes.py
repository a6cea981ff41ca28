"""``averting outcomes``."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter


def outcomes(
    board: Path,
    folder: Path,
    *,
    page: bool = True,
    quiet: Annotated[bool, Parameter(name=["--quiet", "-q"], negative="")] = False,
) -> None:
    """Make an outcomes board: an area against alike and all areas, over time, as a page and a spreadsheet.

    Parameters
    ----------
    board
        TOML file that says what to show.
    folder
        Where to write tables, board.xlsx and board.html.
    page
        Render board.html.
    quiet
        Print only where the files are.
    """
    from averting.evaluation.outcomes import outcomes_board

    def tell(message: str) -> None:
        if not quiet:
            print(message, file=sys.stderr, flush=True)

    for path in outcomes_board(board, folder, page=page, progress=tell):
        print(path)
