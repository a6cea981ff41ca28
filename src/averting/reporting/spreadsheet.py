"""Tables as tidy CSV and as one accessible spreadsheet: a sheet for each, one header row, nothing merged."""

from __future__ import annotations

import io
import math
import re
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from averting.data.written import harmless_table, write_table
from averting.errors import EvaluationError, Fault, MissingExtraError, refuse

if TYPE_CHECKING:
    from openpyxl.worksheet.worksheet import Worksheet

NOTES = "notes"

_THOUSANDS = 1_000


@dataclass(frozen=True, eq=False)
class SourcedTable:
    """A table with what a reader must know to use it.

    Parameters
    ----------
    frame : DataFrame
        One row an observation, one column a variable.
    title : str
        What it shows, with unit, price year and basis where it holds money.
    source : str
        Where its numbers come from.
    """

    frame: pd.DataFrame
    title: str
    source: str


def _checked(tables: Mapping[str, SourcedTable]) -> None:
    faults = []
    for name, table in tables.items():
        if not re.fullmatch(r"[a-z][a-z0-9_]{0,30}", name) or name == NOTES:
            faults.append(
                Fault(f"table '{name}'", "it cannot be a sheet's name", "Use up to 31 of a-z, 0-9 and _.")
            )
        if not table.title.strip() or not table.source.strip():
            faults.append(Fault(f"table '{name}'", "it has no title or source", "Give both."))
        if table.frame.columns.duplicated().any() or isinstance(table.frame.columns, pd.MultiIndex):
            faults.append(Fault(f"table '{name}'", "two columns share a name", "Give one header row of names."))
    if not tables:
        faults.append(Fault("tables", "there are none", "Give at least one."))
    refuse(EvaluationError, "Tables cannot be exported", faults)


def _safe(frame: pd.DataFrame) -> pd.DataFrame:
    return harmless_table(frame.set_axis([str(column) for column in frame.columns], axis=1))


def write_csv(tables: Mapping[str, SourcedTable], folder: Path) -> None:
    """Write each table as ``<name>.csv``, and ``notes.csv`` with titles and sources.

    Raises
    ------
    EvaluationError
        For names that cannot be sheets, or a table without title or source.
    """
    _checked(tables)
    folder.mkdir(parents=True, exist_ok=True)
    for name, table in tables.items():
        write_table(table.frame, folder / f"{name}.csv")
    write_table(notes_of(tables), folder / f"{NOTES}.csv")


def notes_of(tables: Mapping[str, SourcedTable]) -> pd.DataFrame:
    """Return titles and sources, a row for each table."""
    rows = [{"sheet": name, "shows": table.title, "source": table.source} for name, table in tables.items()]
    return pd.DataFrame(rows)


def write_excel(tables: Mapping[str, SourcedTable], path: Path) -> None:
    """Write every table as a sheet of one spreadsheet, after a sheet of notes.

    Each sheet has one header row, no merged cells, a named table and a frozen header, as the Analysis Function asks of
    accessible spreadsheets. Text that looks like a formula is kept as text.

    Raises
    ------
    EvaluationError
        As for :func:`write_csv`.
    MissingExtraError
        Without the ``excel`` extra.
    """
    try:
        from openpyxl import Workbook
    except ImportError as missing:
        raise MissingExtraError("excel", "A spreadsheet") from missing
    _checked(tables)
    book = Workbook()
    assert book.active is not None  # a new workbook has one sheet
    book.remove(book.active)
    book.properties.title = "Appraisal tables"
    for name, frame in {NOTES: notes_of(tables), **{name: table.frame for name, table in tables.items()}}.items():
        _fill(book.create_sheet(name), _safe(frame), name)
    made = io.BytesIO()
    book.save(made)
    path.write_bytes(_timeless(made.getvalue()))


def _timeless(spreadsheet: bytes) -> bytes:
    """Return a spreadsheet without the time at which it was written, so that the same tables give the same bytes."""
    stamp = "1980-01-01T00:00:00Z"
    made = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(spreadsheet)) as old, zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as new:
        for name in old.namelist():
            content = old.read(name)
            if name == "docProps/core.xml":
                text = content.decode("utf-8")
                content = re.sub(r"(<dcterms:(\w+)[^>]*>)[^<]*", rf"\g<1>{stamp}", text).encode("utf-8")
            # a fixed date, and the same system whatever machine writes it
            entry = zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0))
            entry.compress_type, entry.create_system = zipfile.ZIP_DEFLATED, 3
            new.writestr(entry, content)
    return made.getvalue()


def _fill(sheet: Worksheet, frame: pd.DataFrame, name: str) -> None:
    from openpyxl.styles import Alignment, Font
    from openpyxl.utils import get_column_letter
    from openpyxl.worksheet.table import Table

    sheet.append(list(frame.columns))
    for row in frame.itertuples(index=False):
        sheet.append([None if pd.isna(cell) else cell for cell in row])
    for at, column in enumerate(frame.columns, 1):
        places = _places(frame[column])
        longest = max([len(column), *(_width(cell, places) for cell in frame[column])])
        # two more for the margins, and as many for the button that the header of a table has
        sheet.column_dimensions[get_column_letter(at)].width = min(60, longest + 4)
        sheet.cell(1, at).font = Font(bold=True)
        for cells in sheet.iter_rows(min_row=2, min_col=at, max_col=at):
            cells[0].alignment = Alignment(wrap_text=True, vertical="top")
            if isinstance(cells[0].value, float):
                cells[0].number_format = "#,##0" + ("." + "0" * places if places else "")
    sheet.freeze_panes = "A2"
    last = f"{get_column_letter(len(frame.columns))}{len(frame) + 1}"
    if len(frame):
        sheet.add_table(Table(displayName=f"table_{name}", ref=f"A1:{last}"))


def _places(column: pd.Series) -> int:
    """Decimals to show of a column: pounds in thousands need none. Cells hold every digit whatever is shown."""
    largest = max((abs(cell) for cell in column if isinstance(cell, float) and math.isfinite(cell)), default=0.0)
    return 0 if largest >= _THOUSANDS else 2


def _width(cell: object, places: int) -> int:
    return len(f"{cell:,.{places}f}" if isinstance(cell, float) else str(cell))
