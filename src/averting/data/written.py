"""Tables as CSV: equal tables give equal bytes, and no cell is one that a spreadsheet would run."""

from __future__ import annotations

import re
from collections.abc import Collection
from pathlib import Path

import pandas as pd
from pandas.api.types import is_bool_dtype, is_numeric_dtype

_FORMULA = re.compile(r"[ ']*[=+\-@\t\r\n]")
_PLAIN = re.compile(r"'[ ']*[=+\-@\t\r\n]")


def harmless(cell: object) -> object:
    """Return text that a spreadsheet would run as a formula as plain text; anything else as it is.

    An apostrophe is put before text that starts with ``=``, ``+``, ``-``, ``@`` or a control character (OWASP, CSV
    injection), also behind spaces or apostrophes. Numbers are numbers and stay so.
    """
    return f"'{cell}" if isinstance(cell, str) and _FORMULA.match(cell) else cell


def plain(cell: object) -> object:
    """Return what :func:`harmless` was given."""
    return cell[1:] if isinstance(cell, str) and _PLAIN.match(cell) else cell


def harmless_table(frame: pd.DataFrame) -> pd.DataFrame:
    """Return a table with every text, column names too, made :func:`harmless`."""
    texts = {at: frame.iloc[:, at] for at in range(frame.shape[1]) if _may_hold_text(frame.iloc[:, at])}
    made = frame.copy(deep=False) if texts else frame
    for at, column in texts.items():
        made[made.columns[at]] = column.astype(object).map(harmless)
    return made.set_axis([harmless(name) for name in made.columns], axis=1)


def csv_text(frame: pd.DataFrame) -> str:
    """Return a table as the text of a CSV file: no index, lines that end alike everywhere, nothing to run."""
    text: str = harmless_table(frame).to_csv(index=False, lineterminator="\n")
    return text


def write_table(frame: pd.DataFrame, path: Path) -> None:
    """Write a table as :func:`csv_text` has it, in UTF-8."""
    path.write_text(csv_text(frame), encoding="utf-8", newline="\n")


def read_table(path: Path, *, texts: Collection[str] = ()) -> pd.DataFrame:
    """Read what :func:`write_table` wrote, with every text as it was.

    Parameters
    ----------
    path : Path
        The file.
    texts : collection of str
        Columns that are text whatever they look like: "1.00" and "07" stay so.
    """
    # nothing but an empty cell is absent: "None" and "NA" are words here
    kinds = {str(harmless(name)): str for name in texts}
    frame = pd.read_csv(path, dtype=kinds, keep_default_na=False, na_values=[""])
    for at in range(frame.shape[1]):
        if _may_hold_text(frame.iloc[:, at]):
            frame[frame.columns[at]] = frame.iloc[:, at].map(plain)
    return frame.set_axis([plain(name) for name in frame.columns], axis=1)


def _may_hold_text(column: pd.Series) -> bool:
    return not (is_numeric_dtype(column) or is_bool_dtype(column))
