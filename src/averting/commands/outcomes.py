"""``averting outcomes``."""

from __future__ import annotations

from pathlib import Path

from averting.commands.options import Json, Quiet, print_json
from averting.commands.progress import timed


def outcomes(
    board: Path,
    folder: Path,
    *,
    page: bool = True,
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Make an outcomes board: an area against alike and all areas, over time, as a page and a spreadsheet.

    How to write the TOML file: docs/outcomes-board.md.

    Example: averting outcomes board.toml our-board

    Parameters
    ----------
    board
        TOML file that says what to show.
    folder
        Where to write tables, board.xlsx and board.html.
    page
        Render board.html.
    """
    from averting.evaluation.outcomes import outcomes_board
    from averting.evaluation.usual_pages import ONE_PAGE

    with timed(folder, "outcomes", quiet=quiet or json, usual=ONE_PAGE) as progress:
        made = outcomes_board(board, folder, page=page, progress=progress)
    if json:
        print_json([str(path) for path in made])
        return
    for path in made:
        print(path)
