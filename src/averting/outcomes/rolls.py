"""Rolls compared term by term: who is on another kind of roll than a term before, or on none."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import pandas as pd

from averting.errors import AvertingError, DataError, Fault, refuse
from averting.outcomes.records import read_texts, row_faults
from averting.years import Period

COLUMNS = ("pupil", "period", "setting")
NOWHERE = "on no roll"
"""Where a pupil is who was on a roll at another time: moved away, at home, or missing; a roll cannot tell which."""
TERM, FROM, TO = "between", "from", "to"


def read_rolls(path: str | Path) -> pd.DataFrame:
    """Read rolls of several periods.

    Parameters
    ----------
    path : str or Path
        One row a pupil and period: ``pupil``, ``period`` (2022/23, or a term of it) and ``setting``, the kind of setting or
        state (mainstream, alternative provision, special, educated at home ...), never a school's name.

    Returns
    -------
    DataFrame
        The same columns, as text.

    Raises
    ------
    DataError
        Naming rows that cannot be used, never what is in them; if there is only one period.
    """
    path = Path(path)
    text = read_texts(path, COLUMNS, needed=COLUMNS, what="holds no rolls")
    known = {one: _period(one) for one in text["period"].unique()}
    problems = {
        "pupil": (text["pupil"] == "", "it is blank", "Give each pupil a code"),
        "period": (text["period"].map(known).isna(), "it is no academic year or term", "Write 2022/23"),
        "setting": (
            text["setting"].isin(["", NOWHERE]),
            f"it is blank or '{NOWHERE}'",
            "Name the kind of setting",
        ),
        "pupil and period": (text.duplicated(["pupil", "period"]), "they stand twice", "Keep one row for each"),
    }
    faults = row_faults(path, problems)
    if not faults and text["period"].nunique() < 2:
        faults.append(Fault(path.name, "it holds one period", "Give two or more, to compare each with the next"))
    refuse(DataError, f"{path.name} cannot be used", faults, most=20)
    read: pd.DataFrame = text.assign(period=text["period"].map(known))[list(COLUMNS)]
    return read


def roll_changes(rolls: pd.DataFrame) -> pd.DataFrame:
    """Return, for each period and the next, where everybody on either roll was and is.

    Parameters
    ----------
    rolls : DataFrame
        From :func:`read_rolls`.

    Returns
    -------
    DataFrame
        One row a pupil and pair of periods: ``between`` (both periods), ``from`` and ``to`` (settings, or :data:`NOWHERE`). For
        :func:`averting.outcomes.moves.transitions`.
    """
    periods = sorted(rolls["period"].unique(), key=Period.parse)
    settings = {period: part.set_index("pupil")["setting"] for period, part in rolls.groupby("period")}
    made = []
    for first, then in pairwise(periods):
        both = pd.concat([settings[first].rename(FROM), settings[then].rename(TO)], axis=1).fillna(NOWHERE)
        made.append(both.assign(**{TERM: f"{first} and {then}"}))
    return pd.concat(made, ignore_index=True)[[TERM, FROM, TO]]


def _period(text: str) -> str | None:
    try:
        return str(Period.parse(text))
    except AvertingError:
        return None
