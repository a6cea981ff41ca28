"""Files that count by reason, age, length or setting: the total by default, one part by name, several added up."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from averting.checks import CheckResult
from averting.data.faults import SHOWN, safe
from averting.errors import DataError, Fault, refuse

type Rows = Mapping[str, Sequence[str]]

_MOST_PARTS = 500
"""Parts that may be added up: a panel is held for each."""


@dataclass(frozen=True)
class Breakdown:
    """How a published file breaks its counts down.

    Parameters
    ----------
    counts : mapping of str to str
        Indicator and its column; where ``wide`` is given, the column's name with ``{wide}`` where the part stands.
    totals : mapping of str to str
        Columns that say what a row counts, and the word for all of it.
    wide : str
        What the parts of columns are called in place of a column of rows; empty where rows say it.
    unlisted_is_zero : bool
        Whether a part without a row is nothing, because the file lists only what there was.
    """

    counts: Mapping[str, str]
    totals: Mapping[str, str]
    wide: str = ""
    unlisted_is_zero: bool = False

    @property
    def names(self) -> tuple[str, ...]:
        """Names by which ``rows`` may choose."""
        return (*self.totals, *([self.wide] if self.wide else []))

    def columns(self, header: Sequence[str]) -> dict[str, dict[str, str]]:
        """Return each indicator's columns by part; one part without a name where rows say it."""
        if not self.wide:
            return {key: {"": column} for key, column in self.counts.items() if column in header}
        found = {}
        for key, pattern in self.counts.items():
            before, _, after = pattern.partition(f"{{{self.wide}}}")
            found[key] = {
                name[len(before) : len(name) - len(after)]: name
                for name in header
                if name.startswith(before) and name.endswith(after) and name != before + after
            }
        return found


def keep_rows(frame: pd.DataFrame, rows: Rows, *, source: str) -> tuple[pd.DataFrame, int]:
    """Keep the rows that have one of the texts asked for in each column asked for.

    Returns
    -------
    frame : DataFrame
        Index unchanged.
    left_out : int
        How many rows have other texts.

    Raises
    ------
    DataError
        If there is no such column, or no row has the text.
    """
    kept = frame
    for column, texts in rows.items():
        if column not in frame:
            raise DataError(
                f"{source}: rows names column '{safe(column)}', which is not there. Name a column of the file."
            )
        _known(column, texts, sorted(set(frame[column].astype(str))), source)
        kept = kept[kept[column].astype(str).isin(list(texts))]
    if len(kept) == 0:
        raise DataError(f"{source}: no row has all that rows asks for. Ask for less.")
    return kept, len(frame) - len(kept)


def _known(column: str, texts: Sequence[str], held: Sequence[str], source: str) -> None:
    shown = ", ".join(f"'{text[:60]}'" for text in held[:60])
    faults = [
        Fault(source, f"{column} is nowhere '{safe(text)}'", f"Use any of: {shown}")
        for text in texts
        if text not in held
    ]
    if len(set(texts)) < len(texts):
        faults.append(Fault(source, f"rows names one of {column} twice", "Name each once: they are added up"))
    if not texts:
        faults.append(Fault(source, f"rows names nothing of {column}", "Name one or more, or leave it out"))
    refuse(DataError, f"{source} cannot be read by rows", faults)


def spread(
    frame: pd.DataFrame, breakdown: Breakdown, rows: Rows, keys: Sequence[str], *, source: str
) -> tuple[pd.DataFrame, dict[str, tuple[str, ...]]]:
    """Give each part that is asked for a column of its own, one row for each of ``keys``.

    Parameters
    ----------
    frame : DataFrame
        Rows of one level, phase and frequency, cells as text.
    breakdown : Breakdown
        How the file breaks its counts down.
    rows : mapping of str to sequence of str
        What to count; all of it where a name is left out.
    keys : sequence of str
        Columns that say of whom and when a row is, and describe them.

    Returns
    -------
    frame : DataFrame
        The index is that of the first row of each.
    parts : dict of str to tuple of str
        Columns of each indicator's parts.

    Raises
    ------
    DataError
        If a part is not there, or a row for it occurs twice.
    """
    columns = _wide_columns(frame, breakdown, rows, source)
    chosen = {name: tuple(rows.get(name, (total,))) for name, total in breakdown.totals.items()}
    for name, texts in chosen.items():
        _known(name, texts, sorted(set(frame[name].astype(str))), source)
    if np.prod([len(texts) for texts in chosen.values()]) > _MOST_PARTS:
        raise DataError(f"{source}: rows asks for more than {_MOST_PARTS} parts. Ask for fewer.")
    kept, _ = keep_rows(frame, chosen, source=source) if chosen else (frame, 0)
    # where only what there was is listed, one without a row for a part has none of it
    listed = frame if breakdown.unlisted_is_zero else kept
    made, parts = listed.loc[~listed.duplicated(list(keys)), list(keys)], {}
    blank = "0" if breakdown.unlisted_is_zero else ""
    for key, of_part in columns.items():
        names = []
        for place, (column, *each) in enumerate(itertools.product(of_part, *chosen.values())):
            part = kept.loc[(kept[list(chosen)].astype(str) == each).all(axis=1)] if each else kept
            _refuse_twice(part, keys, source)
            names.append(f"{key} {place}")
            if not each:
                made = made.assign(**{names[-1]: part[column]})
                continue
            found = part[[*keys, column]].rename(columns={column: names[-1]})
            cells = made.merge(found, on=list(keys), how="left")[names[-1]].astype(object)
            made = made.assign(**{names[-1]: cells.where(cells.notna(), blank).to_numpy()})
        parts[key] = tuple(names)
    return made, parts


def _wide_columns(
    frame: pd.DataFrame, breakdown: Breakdown, rows: Rows, source: str
) -> dict[str, tuple[str, ...]]:
    """Return the columns of each indicator that are asked for."""
    found = breakdown.columns([str(name) for name in frame.columns])
    if not breakdown.wide or breakdown.wide not in rows:
        return {key: tuple(columns.values()) for key, columns in found.items() if columns}
    asked = rows[breakdown.wide]
    _known(breakdown.wide, asked, sorted({part for columns in found.values() for part in columns}), source)
    return {key: tuple(columns[part] for part in asked if part in columns) for key, columns in found.items()}


def _refuse_twice(part: pd.DataFrame, keys: Sequence[str], source: str) -> None:
    twice = np.flatnonzero(part.duplicated(list(keys), keep="first").to_numpy())
    faults = [
        Fault(f"{source}, row {part.index[place] + 2}", "the same part occurs twice", "Keep one row for each")
        for place in twice.tolist()
    ]
    refuse(DataError, f"{source} cannot be read by rows", faults, most=SHOWN)


def rows_check(breakdown: Breakdown | None, rows: Rows) -> tuple[CheckResult, ...]:
    """Say which rows are counted."""
    totals = dict.fromkeys(breakdown.names, "all") if breakdown else {}
    chosen = {name: words(texts) for name, texts in rows.items()}
    said = "; ".join(f"{name}: {text}" for name, text in {**totals, **chosen}.items())
    return (CheckResult("data/rows", "info", f"Counted are {said}."),) if said else ()


def words(texts: Sequence[str]) -> str:
    """Return texts in a few words: all of a few, the first and last of many."""
    return ", ".join(texts) if len(texts) <= 3 else f"{texts[0]} to {texts[-1]} ({len(texts)})"
