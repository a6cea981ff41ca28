"""From the text of a table's cells to counts with bounds and a status.

A column is converted by its distinct values, of which there are few, and spread over the rows by position; so each
value is looked at once, in plain Python, and a file of any length stays fast.
"""

from __future__ import annotations

import math
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

from averting.data.symbols import Symbol

OBSERVED, SUPPRESSED, MISSING, NOT_APPLICABLE = range(4)
STATUS_NAMES = ("observed", "suppressed", "missing", "not_applicable")

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]
# what is wrong with a cell; numbers, because comparing 20,000 texts takes a hundred times as long
FINE, NEGATIVE, FRACTIONAL, UNKNOWN, UNBOUNDED, HUGE = range(6)
# no school or authority has as many pupils or events; floats would no longer be exact much further on
MOST = 1e9
# the nation's pupils could attend some two thousand million sessions a year
MOST_NATIONAL = 1e11

_NUMBER = re.compile(r"[+-]?\d+(\.\d*)?([eE][+-]?\d+)?")
_STATUS_CODES = {name: code for code, name in enumerate(STATUS_NAMES)}


class _Cell(NamedTuple):
    value: float
    lower: float
    upper: float
    status: int
    problem: int


@dataclass(frozen=True)
class Cells:
    """One column of counts.

    Parameters
    ----------
    value : array of float, shape (rows,)
        The count where it was observed, else NaN.
    lower, upper : array of float, shape (rows,)
        Bounds: the count itself where observed; [0, inf] where missing; NaN where not applicable.
    status : array of int8, shape (rows,)
        Position in ``STATUS_NAMES``.
    problem : array of int8, shape (rows,)
        What is wrong with the cell: one of the numbers above, ``FINE`` where nothing is.
    code : array of int, shape (rows,)
        Position in ``texts``.
    texts : list of str
        The distinct texts of the column, as they stand in the file.
    """

    value: Floats
    lower: Floats
    upper: Floats
    status: npt.NDArray[np.int8]
    problem: npt.NDArray[np.int8]
    code: Ints
    texts: list[str]

    def text(self, record: int) -> str:
        """Return one cell as it stands in the file."""
        return str(self.texts[self.code[record]])

    def blanked(self, where: Bools) -> Cells:
        """Return the cells with those at ``where`` missing and free of problems."""
        if not where.any():
            return self
        return Cells(
            value=np.where(where, math.nan, self.value),
            lower=np.where(where, 0.0, self.lower),
            upper=np.where(where, math.inf, self.upper),
            status=np.where(where, MISSING, self.status).astype(np.int8),
            problem=np.where(where, FINE, self.problem).astype(np.int8),
            code=self.code,
            texts=self.texts,
        )


def as_text(value: Any) -> str:
    """Return a cell as a file would hold it: no NaN, and no ``.0`` on a whole number."""
    if isinstance(value, str):
        return value.strip()
    if value is None or value is pd.NA or value != value:
        return ""
    if isinstance(value, float | np.floating) and float(value).is_integer():
        return str(int(value))
    return str(value).strip()


def distinct(column: pd.Series[Any]) -> tuple[Ints, list[str]]:
    """Return the distinct values of a column as text, and each row's position among them (shape (rows,))."""
    if isinstance(column.dtype, pd.CategoricalDtype):
        codes, values = _used(column)
    else:
        codes, values = pd.factorize(column)
    try:
        texts = list(map(str.strip, values))
    except TypeError:  # not all are text
        texts = [as_text(value) for value in values]
    # missing values have the code -1, which points to the last text
    return codes, [*texts, ""] if codes.min(initial=0) < 0 else texts


def _used(column: pd.Series[Any]) -> tuple[Ints, Collection[Any]]:
    """Return the codes and categories of a column of categories, without those that no row has."""
    held = column.array
    codes = held.codes.astype(np.int64)
    values = held.categories.tolist()
    used = np.zeros(len(values) + 1, dtype=bool)
    used[codes] = True  # the code -1, of missing values, falls on the last
    used = used[:-1]
    if used.all():
        return codes, values
    place = np.append(np.cumsum(used) - 1, -1)  # the code -1, of missing values, points to the last
    return place[codes], [value for value, kept in zip(values, used, strict=True) if kept]


def all_plain(texts: list[str]) -> bool:
    """Whether every text is ASCII digits and nothing else."""
    together = "".join(texts)  # asked once, not once for each text
    return together.isdecimal() and together.isascii() and "" not in texts


def read_counts(column: pd.Series[Any], symbols: Mapping[str, Symbol]) -> Cells:
    """Convert one column of counts.

    Parameters
    ----------
    column : Series
        Text or numbers.
    symbols : mapping of str to Symbol
        What may stand where a count would be.

    Returns
    -------
    Cells
        With problems marked, not raised: the caller knows the rows.
    """
    codes, texts = distinct(column)
    # nearly all are plain numbers
    value = np.array([float(t) if t.isdecimal() and len(t) < 10 else math.nan for t in texts], dtype=float)
    lower, upper = value.copy(), value.copy()
    status, problem = np.zeros((2, len(texts)), dtype=np.int8)  # observed, fine
    for i in np.flatnonzero(np.isnan(value)).tolist():
        value[i], lower[i], upper[i], status[i], problem[i] = _count(texts[i], symbols)
    return Cells(value[codes], lower[codes], upper[codes], status[codes], problem[codes], codes, texts)


def read_exposure(
    column: pd.Series[Any], symbols: Mapping[str, Symbol], *, most: float = MOST
) -> tuple[Floats, Bools]:
    """Convert the exposure column; what is above the most it can be is bad.

    Returns
    -------
    values : array of float, shape (rows,)
        Zero or more; NaN where blank or where a symbol says that there is none.
    bad : array of bool, shape (rows,)
        Where the cell is neither.
    """
    codes, texts = distinct(column)
    short = all_plain(texts) and max(map(len, texts)) < 10
    values = np.array(
        list(map(float, texts)) if short else [_exposure(text, symbols, most) for text in texts], dtype=float
    )
    # -1 marks a cell that is no exposure; a real one cannot be negative
    return np.where(values < 0, math.nan, values)[codes], (values < 0)[codes]


def _count(text: str, symbols: Mapping[str, Symbol]) -> _Cell:
    symbol = symbols.get(text)
    if symbol is not None:
        if symbol.lower is None or symbol.upper is None:
            return _Cell(math.nan, 0.0, math.inf, SUPPRESSED, UNBOUNDED)
        return _Cell(math.nan, symbol.lower, symbol.upper, _STATUS_CODES[symbol.status], FINE)
    if _NUMBER.fullmatch(text) is None or math.isinf(float(text)):
        return _Cell(math.nan, 0.0, math.inf, MISSING, UNKNOWN)
    number = float(text) + 0.0  # -0 is 0
    problem = HUGE if number > MOST else NEGATIVE if number < 0 else FINE if number.is_integer() else FRACTIONAL
    return _Cell(number, number, number, OBSERVED, problem)


def _exposure(text: str, symbols: Mapping[str, Symbol], most: float) -> float:
    if text.isdecimal() and len(text) < 10:
        return float(text)
    symbol = symbols.get(text)
    if text == "" or (symbol is not None and symbol.status != "suppressed"):
        return math.nan
    if _NUMBER.fullmatch(text) is None or not 0 <= float(text) <= most:
        return -1.0
    return float(text) + 0.0
