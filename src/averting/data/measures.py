"""Numbers that are no counts: shares and means, as they stand in a table, neither rounded nor added up."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

from averting.data.cells import distinct
from averting.data.faults import FaultLog
from averting.data.symbols import Symbol

KINDS = ("share", "mean")


class Measure(NamedTuple):
    """Which column a measure is in, and whether it is a ``share`` or a ``mean``."""

    column: str
    kind: str


def read_measure(
    column: pd.Series[Any], name: str, kind: str, symbols: Mapping[str, Symbol], log: FaultLog
) -> npt.NDArray[np.float64]:
    """Read a column of shares or means.

    Parameters
    ----------
    column : Series
        Text or numbers; blanks, and symbols for what is suppressed or missing, become NaN.
    name, kind : str
        Its column, and ``share`` (from 0 to 1) or ``mean`` (any number).
    symbols : mapping of str to Symbol
        What may stand where a number would be.
    log : FaultLog
        Told what is neither.

    Returns
    -------
    array (rows,)
    """
    codes, texts = distinct(column)
    values = np.array([math.nan if text in symbols else _number(text) for text in texts], dtype=float)
    wrong = np.flatnonzero(np.isinf(values)[codes])
    log.each("measure", name, wrong, f"a {kind} that is not a number", "Write a number, or leave it blank")
    if kind == "share":
        outside = np.isfinite(values) & ((values < 0) | (values > 1))
        found = "a share that is not between 0 and 1"
        log.each("share", name, np.flatnonzero(outside[codes]), found, "Write 63 % as 0.63")
    return np.where(np.isinf(values), math.nan, values)[codes]


def _number(text: str) -> float:
    """Return a text as a number, NaN where blank, infinity where it is none."""
    if text == "":
        return math.nan
    try:
        value = float(text)
    except ValueError:
        return math.inf
    return value if math.isfinite(value) and "_" not in text else math.inf
