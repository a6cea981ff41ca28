"""Statistical neighbours of local authorities: which are most alike, as the DfE publishes them or as given."""

from __future__ import annotations

import csv
import zipfile
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree

from averting.data.archives import check_size
from averting.errors import DataError

_CSV_COLUMNS = ("la_code", "neighbour_code", "rank")
# a damaged file fails in whatever part meets it first: a short row, a bad number, a cell without a place
_UNREADABLE = (
    *(OSError, LookupError, ValueError, AttributeError, TypeError, EOFError, NotImplementedError, RuntimeError),
    *(zipfile.BadZipFile, zlib.error, ElementTree.ParseError, csv.Error),
)
_SHEET = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"
_FIRST_NEIGHBOUR, _MOST = 5, 10  # column F, then one column for its code and one for how close it is


@dataclass(frozen=True)
class Neighbours:
    """Neighbours of each authority, closest first.

    Parameters
    ----------
    ranked : mapping of str to tuple of str
        Codes of the neighbours of each authority's code.
    names : mapping of str to str
        Each code's name; empty where the file has none.
    """

    ranked: Mapping[str, tuple[str, ...]]
    names: Mapping[str, str]

    def code_of(self, authority: str) -> str | None:
        """Return the code of an authority given by code or by name, whatever the case; None where unknown."""
        if authority in self.ranked or authority in self.names:
            return authority
        wanted = authority.casefold().strip()
        return next((code for code, name in self.names.items() if name.casefold() == wanted), None)


def read_neighbours(path: str | Path) -> Neighbours:
    """Read statistical neighbours.

    Parameters
    ----------
    path : str or Path
        The DfE's workbook as it is published (``.xlsx``; first sheet: code, name, then ten neighbours each with how
        close it is), or a ``.csv`` with the columns ``la_code,neighbour_code,rank``, rank 1 the closest. Either is
        read without any extra.

    Raises
    ------
    DataError
        If the file is of neither shape, or an authority's neighbours are not there or repeat.
    """
    path = Path(path)
    try:
        found = _from_workbook(path) if path.suffix == ".xlsx" else _from_csv(path)
    except _UNREADABLE as error:
        raise DataError(
            f"{path.name} cannot be read as statistical neighbours ({error}). Give the DfE's .xlsx, or a .csv with "
            f"the columns {','.join(_CSV_COLUMNS)}."
        ) from error
    repeated = sorted(code for code, others in found.ranked.items() if len(set(others)) < len(others))
    if not found.ranked or repeated:
        raise DataError(
            f"{path.name}: {'an authority has a neighbour twice: ' + ', '.join(repeated) if repeated else 'no rows'}. "
            "Give each authority its neighbours once, ranked."
        )
    return found


def _from_csv(path: Path) -> Neighbours:
    with path.open(encoding="utf-8-sig", newline="") as stream:
        rows = list(csv.DictReader(stream))
    absent = [column for column in _CSV_COLUMNS if rows and column not in rows[0]]
    if absent or not rows:
        raise ValueError(f"missing {', '.join(absent) or 'every row'}")
    ranked: dict[str, list[tuple[int, str]]] = {}
    for row in rows:
        code, other, rank = (row[column].strip() for column in _CSV_COLUMNS)
        ranked.setdefault(code, []).append((int(rank), other))
    return Neighbours({code: tuple(other for _, other in sorted(some)) for code, some in ranked.items()}, {})


def _from_workbook(path: Path) -> Neighbours:
    """Read the cells of the first sheet: an .xlsx is a zip of XML, so nothing else is needed for one plain table."""
    with zipfile.ZipFile(path) as book:
        check_size(path, book)
        texts = [
            "".join(part.text or "" for part in item.iter(f"{_SHEET}t"))
            for item in ElementTree.fromstring(book.read("xl/sharedStrings.xml"))
        ]
        sheet = ElementTree.fromstring(book.read("xl/worksheets/sheet1.xml"))
    ranked, names = {}, {}
    for row in sheet.iter(f"{_SHEET}row"):
        cells = {_column(cell.attrib["r"]): _text(cell, texts) for cell in row}
        code, name = cells.get(0, ""), cells.get(1, "")
        if not (code.isdecimal() and len(code) == 3 and name):
            continue  # the header, its numbering and notes
        at = range(_FIRST_NEIGHBOUR, _FIRST_NEIGHBOUR + 2 * _MOST, 2)
        others = tuple(other for column in at if (other := cells.get(column, "")).isdecimal())
        names[code] = name
        if others:
            ranked[code] = others
    return Neighbours(ranked, names)


def _column(reference: str) -> int:
    """Return the position of a cell's column from its reference, such as 27 for AB12."""
    position = 0
    for letter in reference:
        if letter.isalpha():
            position = 26 * position + ord(letter) - ord("A") + 1
    return position - 1


def _text(cell: ElementTree.Element, texts: list[str]) -> str:
    value = cell.find(f"{_SHEET}v")
    if value is None or value.text is None:
        return ""
    return texts[int(value.text)].strip() if cell.attrib.get("t") == "s" else value.text.strip()
