"""Write a board's tables, and read them again for its page."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from averting.effects.estimator import Progress, silent
from averting.outcomes import Board
from averting.reporting.parts import draw_page, read_parts, write_parts
from averting.reporting.spreadsheet import NOTES, SourcedTable, notes_of, write_excel

_PAGE = Path(__file__).with_name("board.qmd")
_RECORD = "board.json"
_TABLES = {
    "summary": "Where the area stands",
    "over_time": "Rates over time",
    "funnels": "Areas in the latest period",
}


@dataclass(frozen=True, eq=False)
class BoardFiles:
    """A board as it was written.

    Parameters
    ----------
    title, local, note : str
        What the board is called, which area it is about, and what to know of its set of measures.
    board : Board
        Its tables.
    source : str
        Where the numbers come from.
    """

    title: str
    local: str
    note: str
    board: Board
    source: str = ""


def write_board(files: BoardFiles, folder: Path, *, source: str) -> Path:
    """Write tables (CSV) and a spreadsheet to a folder; return the spreadsheet.

    Parameters
    ----------
    files : BoardFiles
        Board and its names.
    folder : Path
        Made where it is not there.
    source : str
        Where the numbers come from, for the notes of the spreadsheet.

    Raises
    ------
    MissingExtraError
        Without the ``excel`` extra.
    """
    board = files.board
    sourced = {
        name: SourcedTable(getattr(board, name), f"{title}: {files.local}, rates per 100", source)
        for name, title in _TABLES.items()
    }
    tables = {name: table.frame for name, table in sourced.items()} | {NOTES: notes_of(sourced)}
    named = {"title": files.title, "local": files.local, "note": files.note, "source": source}
    words = {**named, "statements": list(board.statements)}
    write_parts(folder / "tables" / _RECORD, words, tables, files={name: f"{name}.csv" for name in tables})
    write_excel(sourced, folder / "board.xlsx")
    return folder / "board.xlsx"


def draw_board(folder: Path, *, draft: bool, progress: Progress = silent) -> Path:
    """Render the page of a board that is written; every page is a draft but those of a release.

    Returns
    -------
    Path
        The page, ``board.html``.
    """
    return draw_page(_PAGE, folder / "board.qmd", draft=draft, progress=progress)


def open_board(folder: str | Path = "tables") -> BoardFiles:
    """Read what :func:`write_board` wrote.

    Raises
    ------
    RenderError
        If the folder holds no board.
    """
    words, tables = read_parts(Path(folder) / _RECORD, advice="Make it with: averting outcomes.")
    del tables[NOTES]
    board = Board(**tables, statements=tuple(words.pop("statements")))
    return BoardFiles(**words, board=board)
