"""From the text of a table's cells to counts with bounds and a status.

A column is converted by its distinct values, of which there are few, and spread over the rows by position; so each
value is looked at once, in plain Python, and a file of any length stays fast.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

from averting.data.symbols import Symbol

OBSERVED, SUPPRESSED, MISSING, NOT_APPLICABLE = range(4)
STATUS_NAMES = ("observed", "suppressed", "missing", "not_applicable")

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]
Problem = Literal["", "negative", "fractional", "unknown", "unbounded", "huge"]
# no school or authority has as many pupils or events; floats would no longer be exact much further on
MOST = 1e9

_NUMBER = re.compile(r"[+-]?\d+(\.\d*)?([eE][+-]?\d+)?")
_STATUS_CODES = {name: code for code, name in enumerate(STATUS_NAMES)}


class _Cell(NamedTuple):
    value: float
    lower: float
    upper: float
    status: int
    problem: Problem


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
    problem : array of str, shape (rows,)
        What is wrong with the cell; empty where nothing is.
    text : array of object, shape (rows,)
        The cell as it stands in the file.
    """

    value: Floats
    lower: Floats
    upper: Floats
    status: npt.NDArray[np.int8]
    problem: npt.NDArray[np.str_]
    text: npt.NDArray[np.object_]

    def blanked(self, where: Bools) -> Cells:
        """Return the cells with those at ``where`` missing and free of problems."""
        return Cells(
            value=np.where(where, math.nan, self.value),
            lower=np.where(where, 0.0, self.lower),
            upper=np.where(where, math.inf, self.upper),
            status=np.where(where, MISSING, self.status).astype(np.int8),
            problem=np.where(where, "", self.problem),
            text=self.text,
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
    codes, values = pd.factorize(column)
    texts = [value.strip() if type(value) is str else as_text(value) for value in values]
    # missing values have the code -1, which points to the last text
    return codes.astype(np.int64, copy=False), [*texts, ""] if codes.min(initial=0) < 0 else texts


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
    cells = [_count(text, symbols) for text in texts]
    value, lower, upper = (np.array([cell[i] for cell in cells], dtype=float)[codes] for i in range(3))
    status = np.array([cell.status for cell in cells], dtype=np.int8)[codes]
    problem = np.array([cell.problem for cell in cells], dtype=str)[codes]
    return Cells(value, lower, upper, status, problem, np.array(texts, dtype=object)[codes])


def read_exposure(column: pd.Series[Any], symbols: Mapping[str, Symbol]) -> tuple[Floats, Bools]:
    """Convert the exposure column.

    Returns
    -------
    values : array of float, shape (rows,)
        Zero or more; NaN where blank or where a symbol says that there is none.
    bad : array of bool, shape (rows,)
        Where the cell is neither.
    """
    codes, texts = distinct(column)
    values = np.array([_exposure(text, symbols) for text in texts], dtype=float)
    # -1 marks a cell that is no exposure; a real one cannot be negative
    return np.where(values < 0, math.nan, values)[codes], (values < 0)[codes]


def _count(text: str, symbols: Mapping[str, Symbol]) -> _Cell:
    if text.isdecimal() and len(text) < 10:  # nearly all are
        return _Cell(float(text), float(text), float(text), OBSERVED, "")
    symbol = symbols.get(text)
    if symbol is not None:
        if symbol.lower is None or symbol.upper is None:
            return _Cell(math.nan, 0.0, math.inf, SUPPRESSED, "unbounded")
        return _Cell(math.nan, symbol.lower, symbol.upper, _STATUS_CODES[symbol.status], "")
    if _NUMBER.fullmatch(text) is None or math.isinf(float(text)):
        return _Cell(math.nan, 0.0, math.inf, MISSING, "unknown")
    number = float(text) + 0.0  # -0 is 0
    problem: Problem = (
        "huge" if number > MOST else "negative" if number < 0 else "" if number.is_integer() else "fractional"
    )
    return _Cell(number, number, number, OBSERVED, problem)


def _exposure(text: str, symbols: Mapping[str, Symbol]) -> float:
    if text.isdecimal() and len(text) < 10:
        return float(text)
    symbol = symbols.get(text)
    if text == "" or (symbol is not None and symbol.status != "suppressed"):
        return math.nan
    if _NUMBER.fullmatch(text) is None or not 0 <= float(text) <= MOST:
        return -1.0
    return float(text) + 0.0
