"""Reading records of single pupils: columns as text, and every row that cannot be used named without what is in it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from averting.data.files import read_columns
from averting.errors import DataError, Fault, refuse


def read_texts(path: Path, columns: Sequence[str], *, needed: Sequence[str], what: str) -> pd.DataFrame:
    """Return the named columns of a file as text without spaces around.

    Raises
    ------
    DataError
        Naming the needed columns that are not there; ``what`` says what the file is not.
    """
    frame = read_columns(path, lambda held: {name for name in held if name in columns}).astype(str)
    absent = [Fault(path.name, f"there is no column '{name}'", "Add it") for name in needed if name not in frame]
    refuse(DataError, f"{path.name} {what}", absent)
    text: pd.DataFrame = frame.apply(lambda column: column.str.strip())
    return text


def row_faults(path: Path, problems: Mapping[str, tuple[pd.Series, str, str]]) -> list[Fault]:
    """Return a fault for each row and column that is wrong: by column, which rows are, what was found, and what to do."""
    return [
        Fault(f"{path.name}, row {int(row) + 2}, {name}", found, fix)
        for name, (wrong, found, fix) in problems.items()
        for row in np.flatnonzero(wrong.to_numpy())
    ]
