"""From one column for each indicator and period to one row for each school and period."""

from __future__ import annotations

import re
from collections.abc import Iterable

import pandas as pd

from averting.errors import DataError, Fault, refuse
from averting.years import Period

PERIOD = "period"
_YEAR = r"(?:19|20)\d\d[/_–-]?(?:(?:19|20)\d\d|\d\d)"
_TERM = r"(?:[ _-](?:autumn|spring|summer)(?:[ _-]term)?)?"


def long_from_wide(frame: pd.DataFrame, pattern: str, *, source: str) -> pd.DataFrame:
    """Give a wide table one row for each school and period.

    Parameters
    ----------
    frame : DataFrame
        One row per school. Columns that fit the pattern hold an indicator, or the exposure, in a period; all others
        describe the school.
    pattern : str
        How those columns are named, such as ``"{indicator}_{period}"``: ``suspensions_2016/17``, ``headcount_201617``,
        ``suspensions_2016_17_autumn``.
    source : str
        What to call the table in messages.

    Returns
    -------
    DataFrame
        The other columns, ``period``, and one column for each indicator; blank where the table has no such column.
        The index repeats that of ``frame``, so that rows of the file can still be named.

    Raises
    ------
    DataError
        If the pattern lacks a part or fits no column, or two columns are the same indicator and period.
    """
    expression = _expression(pattern)
    places: dict[tuple[str, str], list[str]] = {}
    for column in map(str, frame.columns):
        if match := expression.fullmatch(column):
            places.setdefault((match["indicator"], _label(match["period"])), []).append(column)
    if not places:
        held = ", ".join(map(str, frame.columns[:10]))
        raise DataError(
            f"{source}: no column is named like '{pattern}'; it has {held}. Correct the pattern of [data.wide]."
        )
    _refuse_clashes(places, frame.columns, source)
    words = dict.fromkeys(word for word, _ in places)
    periods = sorted({period for _, period in places}, key=Period.parse)
    moved = {column for columns in places.values() for column in columns}
    kept = frame[[column for column in frame.columns if column not in moved]]
    parts = [
        kept.assign(
            **{PERIOD: period},
            **{word: frame[places[word, period][0]] if (word, period) in places else "" for word in words},
        )
        for period in periods
    ]
    return pd.concat(parts).sort_index(kind="stable")


def _expression(pattern: str) -> re.Pattern[str]:
    parts = re.split(r"(\{indicator\}|\{period\})", pattern)
    if sorted(parts[1::2]) != ["{indicator}", "{period}"]:
        raise DataError(
            f"The pattern of a wide table is '{pattern}'. Write {{indicator}} and {{period}} once each, "
            "such as '{indicator}_{period}'."
        )
    groups = {"{indicator}": "(?P<indicator>.+?)", "{period}": f"(?P<period>{_YEAR}{_TERM})"}
    return re.compile("".join(groups.get(part, re.escape(part)) for part in parts), re.IGNORECASE)


def _label(text: str) -> str:
    """Return the label of a period in a column's name, where years and terms may be joined by anything."""
    match = re.match(_YEAR, text)
    year = match.group() if match else text
    term = text[len(year) :].replace("_", " ").replace("-", " ").strip()
    return Period.parse(f"{year.replace('_', '/')} {term}".strip()).label


def _refuse_clashes(places: dict[tuple[str, str], list[str]], columns: Iterable[str], source: str) -> None:
    faults = [
        Fault(source, f"columns {' and '.join(names)} are both {word} in {period}", "Keep one")
        for (word, period), names in places.items()
        if len(names) > 1
    ]
    others = {str(column) for column in columns} - {name for names in places.values() for name in names}
    taken = sorted(others & {PERIOD, *(word for word, _ in places)})
    faults += [Fault(source, f"column '{name}' is also made from other columns", "Rename it") for name in taken]
    refuse(DataError, f"{source} cannot be turned from wide to long", faults)
