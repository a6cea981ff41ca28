"""Cells named by what they count, so that tables made from the same records share them and are protected together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
import pandas as pd

from averting.data.disclosure.tables import ALL, CountTable, Key, Sum


def cell_key(source: str, states: Mapping[str, str]) -> Key:
    """Return the key of rows of a source in some states; the same whichever table counts them, and in whichever order."""
    return (source, *sorted(f"{column} = {state}" for column, state in states.items() if state != ALL))


def crossed_counts(records: pd.DataFrame, columns: Sequence[str], *, name: str, source: str) -> CountTable:
    """Return counts of records by columns with every margin, keyed by :func:`cell_key`.

    Parameters
    ----------
    records : DataFrame
        One row each; states are text.
    columns : sequence of str
        What to count by.
    name, source : str
        What the table is called, and which records it counts: tables of one source share cells.
    """
    labels = [sorted(records[column].unique()) for column in columns]
    counts = np.zeros([len(texts) for texts in labels], dtype=np.int64)
    codes = [
        pd.Categorical(records[column], categories=texts).codes
        for column, texts in zip(columns, labels, strict=True)
    ]
    np.add.at(counts, tuple(codes), 1)
    made = CountTable.from_counts(name, labels, counts)

    def key(cell: Key) -> Key:
        return cell_key(source, dict(zip(columns, cell, strict=True)))

    sums = tuple(Sum(key(one.total), tuple(key(part) for part in one.parts)) for one in made.sums)
    return replace(made, keys=tuple(key(cell) for cell in made.keys), sums=sums)
