"""Write a board's tables, and read them again for its page."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from averting.data.written import read_table
from averting.errors import RenderError
from averting.outcomes import Board
from averting.reporting.spreadsheet import SourcedTable, write_csv, write_excel

PAGE = Path(__file__).with_name("board.qmd")
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


def write_board(files: BoardFiles, folder: Path, *, source: str, excel: bool = True) -> None:
    """Write tables, a spreadsheet and the page's source to a folder.

    Parameters
    ----------
    files : BoardFiles
        Board and its names.
    folder : Path
        Made where it is not there.
    source : str
        Where the numbers come from, for the notes of the spreadsheet.
    excel : bool
        Whether to write ``board.xlsx`` besides (the ``excel`` extra).
    """
    board = files.board
    tables = {
        name: SourcedTable(getattr(board, name), f"{title}: {files.local}, rates per 100", source)
        for name, title in _TABLES.items()
        if len(getattr(board, name).columns)
    }
    write_csv(tables, folder / "tables")
    words = {"title": files.title, "local": files.local, "note": files.note, "source": source}
    record = {**words, "statements": list(board.statements)}
    text = json.dumps(record, indent=2, ensure_ascii=False) + "\n"
    (folder / "tables" / "board.json").write_text(text, encoding="utf-8")
    (folder / "board.qmd").write_text(PAGE.read_text(encoding="utf-8"), encoding="utf-8")
    if excel:
        write_excel(tables, folder / "board.xlsx")


def open_board(folder: str | Path = "tables") -> BoardFiles:
    """Read what :func:`write_board` wrote.

    Raises
    ------
    RenderError
        If the folder holds no board.
    """
    folder = Path(folder)
    try:
        record = json.loads((folder / "board.json").read_text(encoding="utf-8"))
        tables = {name: read_table(folder / f"{name}.csv") for name in _TABLES}
    except (OSError, ValueError) as error:
        raise RenderError(
            f"{folder} holds no board ({type(error).__name__}). Make it with: averting outcomes."
        ) from error
    board = Board(**tables, statements=tuple(record.pop("statements")))
    return BoardFiles(**record, board=board)
