"""Quotation marks that do not pair: readers take them for text, and may take rows for one cell."""

from __future__ import annotations

import codecs
import csv
import io

import numpy as np

from averting.errors import DataError, Fault, refuse

_QUOTE = ord('"')
_BESIDE = np.frombuffer(b',\r\n"', dtype=np.uint8)


def refuse_stray_quotes(name: str, content: bytes) -> None:
    """Refuse a CSV file with a quoted cell that goes on after its closing mark, or never closes.

    ``"The "Port" School"`` is read in one way by one reader and in another by the next, and a mark that is missing makes
    rows into one cell without a word. A mark inside a cell that is not quoted is text to every reader, and is let pass.

    Raises
    ------
    DataError
        Naming the line; never what is in it.
    """
    if b'"' not in content or _paired(np.frombuffer(content.removeprefix(codecs.BOM_UTF8), dtype=np.uint8)):
        return
    # rare, so it may be slow: the reader of the standard library says where
    records = csv.reader(io.TextIOWrapper(io.BytesIO(content), encoding="utf-8-sig", newline=""), strict=True)
    start = 1
    try:
        for _ in records:
            start = records.line_num + 1
    except csv.Error:
        where = f"line {start}" if records.line_num == start else f"lines {start} to {records.line_num}"
        found = "a quotation mark within a quoted cell, or one that is missing"
        fix = 'Write a mark within a quoted cell twice, as in "The ""Port"" School", and close every cell'
        refuse(DataError, f"{name} is not a well-formed CSV file", [Fault(f"{name}, {where}", found, fix)])


def _paired(text: np.ndarray[tuple[int], np.dtype[np.uint8]]) -> bool:
    """Say whether every mark opens a cell, closes one, or is half of a doubled one."""
    marks = np.flatnonzero(text == _QUOTE)
    if len(marks) % 2:
        return False
    opening, closing = marks[::2], marks[1::2]
    before = text[opening[opening > 0] - 1]
    after = text[closing[closing < len(text) - 1] + 1]
    return bool(np.isin(before, _BESIDE).all() and np.isin(after, _BESIDE).all())
