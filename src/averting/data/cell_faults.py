"""What is wrong with cells of counts and of exposure, each fault said once with what to do."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from averting.data.cells import FRACTIONAL, HUGE, NEGATIVE, UNBOUNDED, UNKNOWN, Cells, Ints
from averting.data.faults import FaultLog
from averting.data.symbols import Symbol

_THOUSANDS = re.compile(r"\d{1,3}(,\d{3})+")
_COMMAS = "a number with a comma in it"
_NO_COMMAS = "Write it without commas: in Excel, give the column the number format General, and save again"
_COUNT_FIX = "A count is a whole number, 0 or more, or a declared symbol"


def note_counts(
    cells: Cells, name: str, symbols: Mapping[str, Symbol], log: FaultLog, *, fractions: bool = False
) -> None:
    """Record every fault of a column of counts.

    Parameters
    ----------
    cells : Cells
        As :func:`averting.data.cells.read_counts` reads them.
    name : str
        The column.
    symbols : mapping of str to Symbol
        What may stand where a count would be.
    log : FaultLog
        Where to.
    fractions : bool
        Whether the publisher is known for fractional counts, which then are no fault.
    """

    def rows(problem: int) -> Ints:
        return np.flatnonzero(cells.problem == problem)

    if not fractions:
        log.each("fractional", name, rows(FRACTIONAL), "a fractional count", f"{_COUNT_FIX}; rates are not counts")
    log.each("negative", name, rows(NEGATIVE), "a negative count", _COUNT_FIX)
    log.each("huge", name, rows(HUGE), "a number too large to be a count", _COUNT_FIX)
    declared = ", ".join(f"'{text}'" for text in symbols) or "none"
    for said, (text, records) in _by_what_is_said(cells, UNKNOWN).items():
        found = f"{said} is neither a count nor a declared symbol (declared: {declared})"
        fix = f"Correct it, or say from what to what it stands for, such as {_declare(text, said)}"
        if said == _COMMAS:
            found, fix = said, _NO_COMMAS
        log.each("symbol", name, records, found, fix)
    for text, records in _by_what_is_said(cells, UNBOUNDED).values():
        fix = f"Give the bounds its publisher states, such as {_declare(text, text)}"
        log.each("bounds", name, records, f"'{text}' is {symbols[text].meaning}", fix)


def note_exposure(column: pd.Series[Any], wrong: Ints, name: str, log: FaultLog) -> None:
    """Record cells that are no exposure, those with commas apart from the rest."""
    commas = np.array([bool(_THOUSANDS.fullmatch(str(column.iloc[at]).strip())) for at in wrong], dtype=bool)
    log.each("commas", name, wrong[commas], _COMMAS, _NO_COMMAS)
    fix = "Exposure is a number, 0 or more, or blank where it is not known"
    log.each("exposure", name, wrong[~commas], "not a number that an exposure can be", fix)


def _by_what_is_said(cells: Cells, problem: int) -> dict[str, tuple[str, list[int]]]:
    """Return the records with a problem, by what is said of their text, and one such text."""
    found: dict[str, tuple[str, list[int]]] = {}
    for record in np.flatnonzero(cells.problem == problem).tolist():
        text = cells.text(record)
        found.setdefault(_shown(text), (text, []))[1].append(record)
    return found


def _shown(text: str) -> str:
    """Return an unknown cell for a message, without anything that could be a school's count."""
    if text == "":
        return "a blank cell"
    if _THOUSANDS.fullmatch(text):
        return _COMMAS
    if any(character.isdigit() for character in text) and not text.startswith(("<", ">")):
        return "text with digits that is not a plain number"
    return f"'{text[:40]}'"


def _declare(text: str, said: str) -> str:
    """Return how a symbol is declared, in the file and in Python; of text that is not shown, an example."""
    symbol = text if text and text in said else "c"
    key = symbol if symbol.isalnum() and symbol.isascii() else f'"{symbol}"'
    return f"{key} = [1, 4] under [data.symbols] in evaluation.toml, or symbols={{'{symbol}': (1, 4)}} in Python"
