"""Collect everything wrong with a table, and refuse it once, with file, row and column."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from difflib import get_close_matches
from itertools import chain, zip_longest

import numpy as np
import numpy.typing as npt

from averting.errors import DataError, Fault, refuse

SHOWN = 20
SHOWN_ROWS = 5  # of one fault that many rows have
SHOWN_COLUMNS = 12


def columns_there(columns: Collection[str]) -> str:
    """Say which columns a table has, for a message; names with digits could be a school's counts and are only counted."""
    plain = [name[:40] for name in columns if name and not any(character.isdigit() for character in name)]
    shown = [f"'{name}'" for name in plain[:SHOWN_COLUMNS]]
    more = len(columns) - len(shown)
    return f"The file has {', '.join(shown) or 'no column named in words'}{f', and {more} more' if more else ''}"


def safe(text: str) -> str:
    """Return a cell or name for a message; in a shifted column, text with digits could be a school's count."""
    return "(text with digits)" if any(character.isdigit() for character in text) else text[:40]


class FaultLog:
    """Faults of one table, kept by kind so that a frequent kind cannot hide a rare one.

    Parameters
    ----------
    source : str
        File name, or what the table is called.
    rows : sequence or array of int
        Line of each record in the file; the header is line 1.
    """

    def __init__(self, source: str, rows: Sequence[int] | npt.NDArray[np.int64]) -> None:
        self._source = source
        self._rows = rows
        self._kinds: dict[tuple[str, str], list[Fault]] = {}

    def add(self, kind: str, column: str, found: str, fix: str, *, records: Sequence[int] = ()) -> None:
        """Record one fault, at records (positions in the table) of one column."""
        self._note(kind, column, ", ".join(f"row {self._rows[record]}" for record in records), found, fix)

    def _note(self, kind: str, column: str, lines: str, found: str, fix: str) -> None:
        where = ", ".join(part for part in (self._source, lines, column) if part)
        self._kinds.setdefault((kind, column), []).append(Fault(where, found, fix))

    def each(self, kind: str, column: str, records: Iterable[int], found: str, fix: str) -> None:
        """Record the same fault of several records once, naming the first few rows."""
        rows = [str(self._rows[record]) for record in records]
        if rows:
            more = len(rows) - SHOWN_ROWS
            lines = f"{'row' if len(rows) == 1 else 'rows'} {', '.join(rows[:SHOWN_ROWS])}"
            self._note(kind, column, lines + (f" and {more:,} more" if more > 0 else ""), found, fix)

    def missing_column(self, column: str, columns: Collection[str]) -> None:
        """Record that a column is not there, with the nearest name that is."""
        near = get_close_matches(column, list(columns), n=1)
        hint = f"; '{near[0]}' is there and looks like it" if near else ""
        fix = f"Add the column, or name the right one under [data.columns]. {columns_there(columns)}"
        self.add("column", column, f"there is no column '{column}'{hint}", fix)

    def refuse(self, heading: str) -> None:
        """Raise one DataError with every kind of fault in it, or do nothing where there is none."""
        # one of each kind in turn, so that the first twenty show all kinds
        turns = zip_longest(*self._kinds.values())
        faults = [fault for fault in chain.from_iterable(turns) if fault is not None]
        refuse(DataError, heading, faults, most=SHOWN)
