"""Tables in Excel workbooks, as text."""

from __future__ import annotations

import datetime
import importlib
import warnings
import zipfile
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pandas as pd

from averting.data.archives import check_size
from averting.data.cells import as_text
from averting.errors import AvertingError, DataError, Fault, MissingExtraError, refuse


def read_sheet(
    path: Path, wanted: Callable[[Iterable[str]], set[str]], *, sheet: str | None = None
) -> pd.DataFrame:
    """Read some columns of one sheet.

    Parameters
    ----------
    path : Path
        ``.xlsx``. The first row of the sheet holds the column names.
    wanted : callable
        Given the column names, returns those to read; where none is there, all are read.
    sheet : str, optional
        Name of the sheet; may be left out where there is one only.

    Returns
    -------
    DataFrame
        All text, blanks as empty text, blank rows left out. The index counts records from 0.

    Raises
    ------
    DataError
        If the workbook cannot be opened, has several sheets and none is named, has no such sheet, names a column
        twice or not at all, or holds formulas whose results are not stored.
    MissingExtraError
        If openpyxl is not installed.
    """
    return _frame(path.name, _computed(path, sheet), wanted)


def read_sheets(path: Path) -> dict[str, list[tuple[Any, ...]]]:
    """Read every sheet of a workbook as it stands, one tuple of cells a row; for layouts with several rows of headings.

    Raises
    ------
    DataError, MissingExtraError
        As :func:`read_sheet`.
    """
    if not path.is_file():
        raise DataError(
            f"{path.name}: there is no such file in {path.parent.name or 'this folder'}. Check the path."
        )
    names: list[str] = []
    _computed(path, None, names)
    return {name: _computed(path, name) for name in names}


def _computed(path: Path, sheet: str | None, names: list[str] | None = None) -> list[tuple[Any, ...]]:
    """Return the rows of a sheet whose formulas have results; where ``names`` is given, only fill it with the sheets'."""
    try:
        openpyxl = importlib.import_module("openpyxl")
    except ImportError as error:
        raise MissingExtraError("excel", "Reading an Excel workbook") from error
    try:
        with zipfile.ZipFile(path) as archive:
            check_size(path, archive)
        if names is not None:
            names += _sheet_names(openpyxl, path)
            return []
        records = _records(openpyxl, path, sheet, values=True)
        formulas = _uncomputed(openpyxl, path, sheet, records)
    except AvertingError:
        raise
    # a damaged workbook fails in whatever part of openpyxl meets it first
    except Exception as error:
        kind = type(error).__name__
        raise DataError(
            f"{path.name} is not a readable .xlsx workbook ({kind}). Save it again in Excel."
        ) from error
    refuse(DataError, f"{path.name} cannot be read", formulas, most=20)
    return records


def _sheet_names(openpyxl: Any, path: Path) -> list[str]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        book = openpyxl.load_workbook(path, read_only=True)
        try:
            return list(book.sheetnames)
        finally:
            book.close()


def _records(openpyxl: Any, path: Path, sheet: str | None, *, values: bool) -> list[tuple[Any, ...]]:
    # openpyxl warns of styles and validations it drops, which no table needs
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        book = openpyxl.load_workbook(path, read_only=True, data_only=values)
        try:
            chosen = _chosen(book, path.name, sheet)
            # the size a workbook states may be wrong, and then rows would be left out without a word
            chosen.reset_dimensions()
            return list(chosen.iter_rows(values_only=True))
        finally:
            book.close()


def _chosen(book: Any, name: str, sheet: str | None) -> Any:
    names = list(book.sheetnames)
    if sheet is None and len(names) == 1:
        return book[names[0]]
    if sheet not in names:
        found = "has several sheets" if sheet is None else f"has no sheet '{sheet}'"
        raise DataError(f"{name} {found}: {', '.join(names)}. Name one with sheet=.")
    return book[sheet]


def _uncomputed(openpyxl: Any, path: Path, sheet: str | None, records: list[tuple[Any, ...]]) -> list[Fault]:
    """Find formulas that no program has computed: their cells would read as blank."""
    if all(cell is not None for record in records for cell in record):
        return []
    written = _records(openpyxl, path, sheet, values=False)
    fix = "Open and save the workbook in Excel, or paste the values"
    return [
        Fault(f"{path.name}, row {number}, column {place}", "a formula without a stored result", fix)
        for number, (record, cells) in enumerate(zip(records, written, strict=False), 1)
        for place, (value, cell) in enumerate(zip(record, cells, strict=False), 1)
        if value is None and isinstance(cell, str) and cell.startswith("=")
    ]


def _frame(name: str, records: list[tuple[Any, ...]], wanted: Callable[[Iterable[str]], set[str]]) -> pd.DataFrame:
    if not records:
        raise DataError(f"{name} is empty. Its first row must be the column names.")
    width = max(
        (place + 1 for record in records for place, cell in enumerate(record) if cell is not None), default=0
    )
    table = [[_text(cell) for cell in record[:width]] + [""] * (width - len(record)) for record in records]
    header = table[0] if table else []
    faults = [
        Fault(f"{name}, row 1, column {place}", "a column without a name", "Name it, or delete it")
        for place, column in enumerate(header, 1)
        if column == ""
    ]
    twice = sorted({column for column in header if column and header.count(column) > 1})
    faults += [
        Fault(f"{name}, row 1", f"column '{column}' occurs twice", "Rename or drop one") for column in twice
    ]
    fix = f"{name} must have its column names in the first row of the sheet, and nothing above them"
    refuse(DataError, fix, faults, most=20)
    frame = pd.DataFrame(table[1:], columns=header, dtype=object)
    columns = wanted(header) & set(header) or set(header)
    kept = frame.loc[(frame != "").any(axis=1), [column for column in header if column in columns]]
    return kept


def _text(cell: Any) -> str:
    if isinstance(cell, datetime.datetime) and cell.time() == datetime.time():
        return cell.date().isoformat()
    return as_text(cell)
