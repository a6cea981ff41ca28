"""Placements and moves of pupils: how long, how well attended, where to; before and after, beside a comparison group.

Records of single pupils stay inside; tables are of counts that are large enough, with the shares that follow from them.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from itertools import product
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.stats import norm

from averting.data.disclosure import ALL, CountTable, PublicTable, Rules, protect
from averting.data.disclosure.shared import cell_key, crossed_counts
from averting.errors import DataError, Fault, refuse
from averting.outcomes.delivery import waiting_quantile
from averting.outcomes.records import read_texts, row_faults

PLACEMENT = ("pupil", "start", "end", "reason", "sessions_possible", "sessions_attended")
NO_GROUP = "everyone"
_LASTS, _ENDED = "still placed", "ended"
MOST_STATES = 30


def transitions(
    records: pd.DataFrame, *, before: str, after: str, rules: Rules, group: str | None = None, level: float = 0.95
) -> pd.DataFrame:
    """Return how many of those in each state before are in each state after, by group.

    Parameters
    ----------
    records : DataFrame
        One row a pupil, or a move of one.
    before, after : str
        Columns of states, such as where a move is from and to, or special needs before and after an exclusion.
    rules : Rules
        Rule set of disclosure control.
    group : str, optional
        Column that tells whom to hold against whom, such as excluded pupils and others like them.
    level : float
        Of the intervals (Wilson).

    Returns
    -------
    DataFrame
        ``group``, ``before``, ``after``, ``share`` of those in ``before`` (0 to 1) with ``share_lower`` and ``share_upper``, and
        ``withheld``. Counts, and shares whose count is small or gives one away, are not told.

    Raises
    ------
    DataError
        If a column is absent or blank, or has too many states to be one.
    """
    counts, names = transition_counts(records, before=before, after=after, group=group)
    (public,), _ = protect([counts], rules)
    return told_transitions(counts, public, names, level=level)


def transition_counts(
    records: pd.DataFrame, *, before: str, after: str, group: str | None = None, source: str = "records"
) -> tuple[CountTable, tuple[str, ...]]:
    """Return the counts behind a table of transitions, for protection together with others, and the columns they are by.

    Parameters
    ----------
    records, before, after, group
        As for :func:`transitions`.
    source : str
        Which records these are: tables of one source share cells.
    """
    names = (*([group] if group else []), before, after)
    _refuse_states(records, list(names))
    data = records[list(names)].astype(str).apply(lambda column: column.str.strip())
    return crossed_counts(data, names, name=f"{before} to {after}", source=source), names


def told_transitions(
    counts: CountTable, public: PublicTable, names: tuple[str, ...], *, level: float = 0.95
) -> pd.DataFrame:
    """Return a table of transitions, as :func:`transitions` does, from counts that were protected."""
    at = dict(zip(counts.keys, counts.lower.astype(int).tolist(), strict=True))
    source, (*group, before, after) = counts.keys[0][0], names
    rows = []
    for held, state in product(_states(counts, group[0]) if group else [ALL], _states(counts, before)):
        start = {**({group[0]: held} if group else {}), before: state}
        whole = cell_key(source, start)
        for then in _states(counts, after) if at[whole] else []:
            cell = cell_key(source, {**start, after: then})
            gone = bool({cell, whole} & public.withheld)
            low, high = wilson(at[cell], at[whole], level)
            values = (np.nan,) * 3 if gone else (at[cell] / at[whole], low, high)
            rows.append((NO_GROUP if held == ALL else held, state, then, *values, gone))
    return pd.DataFrame(
        rows, columns=["group", "before", "after", "share", "share_lower", "share_upper", "withheld"]
    )


def _states(counts: CountTable, column: str) -> list[str]:
    parts = {part.partition(" = ")[::2] for key in counts.keys for part in key[1:]}
    return sorted(state for name, state in parts if name == column)


def compared(table: pd.DataFrame, *, one: str, other: str, level: float = 0.95) -> pd.DataFrame:
    """Return by how much shares of one group exceed those of another [newcombe_1998]_: a description, not an effect.

    .. [newcombe_1998] Newcombe, R. G. (1998). Interval estimation for the difference between independent proportions. Statistics
       in Medicine, 17(8), 873-890 (method 10).

    Parameters
    ----------
    table : DataFrame
        From :func:`transitions`.
    one, other : str
        Groups.
    level : float
        Of the table's intervals.

    Returns
    -------
    DataFrame
        ``before``, ``after``, ``difference`` of shares with ``difference_lower`` and ``difference_upper``; NaN where withheld.
    """
    absent = [name for name in (one, other) if name not in set(table["group"])]
    if absent:
        raise DataError(f"No group '{', '.join(absent)}'. Groups: {', '.join(sorted(set(table['group'])))}.")
    first, second = (table[table["group"] == name].set_index(["before", "after"]) for name in (one, other))
    both = first.add_suffix("_1").join(second.add_suffix("_2"), how="inner")
    gap = both["share_1"] - both["share_2"]
    down = np.hypot(both["share_1"] - both["share_lower_1"], both["share_upper_2"] - both["share_2"])
    up = np.hypot(both["share_upper_1"] - both["share_1"], both["share_2"] - both["share_lower_2"])
    made = pd.DataFrame({"difference": gap, "difference_lower": gap - down, "difference_upper": gap + up})
    return made.reset_index()


def wilson(count: int, of: int, level: float) -> tuple[float, float]:
    """Return Wilson's interval of a share."""
    z = float(norm.ppf((1 + level) / 2))
    share = count / of
    centre = (share + z**2 / (2 * of)) / (1 + z**2 / of)
    reach = z / (1 + z**2 / of) * math.sqrt(share * (1 - share) / of + z**2 / (4 * of**2))
    return max(0.0, centre - reach), min(1.0, centre + reach)


def _refuse_states(records: pd.DataFrame, names: list[str]) -> None:
    faults = [
        Fault("records", f"there is no column '{name}'", "Name the right one")
        for name in names
        if name not in records
    ]
    for name in (name for name in names if name in records):
        text = records[name].astype(str).str.strip()
        blank = int((text.isin(["", "nan"]) | records[name].isna()).sum())
        if blank:
            faults.append(Fault(f"records, {name}", f"{blank:,} rows are blank", "Name what is not known as such"))
        if text.nunique() > MOST_STATES:
            fix = f"At most {MOST_STATES} are allowed: name kinds of settings, not schools or pupils"
            faults.append(Fault(f"records, {name}", f"it has {text.nunique()} states", fix))
        if "all" in set(text):
            faults.append(
                Fault(f"records, {name}", "a state is called 'all'", "Call it otherwise: that is the sum's name")
            )
    refuse(DataError, "Transitions cannot be counted", faults)


def read_placements(path: str | Path, *, columns: Mapping[str, str] | None = None) -> pd.DataFrame:
    """Read placements in alternative provision: why, how long and how regularly attended (Timpson Review, recommendation 24).

    Parameters
    ----------
    path : str or Path
        One row a placement: ``pupil``, ``start``, ``end`` (blank while it lasts), ``reason``, ``sessions_possible`` and
        ``sessions_attended``.
    columns : mapping of str to str, optional
        Column of each where it is called otherwise.

    Raises
    ------
    DataError
        Naming rows and columns that cannot be read; never what is in them.
    """
    path, called = Path(path), {name: (columns or {}).get(name, name) for name in PLACEMENT}
    text = read_texts(path, list(called.values()), needed=list(called.values()), what="is no table of placements")
    text = text.rename(columns={given: name for name, given in called.items()})
    start, end = (pd.to_datetime(text[name], format="%Y-%m-%d", errors="coerce") for name in ("start", "end"))
    possible, attended = (
        pd.to_numeric(text[name], errors="coerce") for name in ("sessions_possible", "sessions_attended")
    )
    problems = {
        "start": (start.isna(), "it is no date", "Write 2022-11-30"),
        "end": (
            (text["end"] != "") & (end.isna() | (end < start)),
            "it is no date from the start on",
            "Leave it blank while it lasts",
        ),
        "reason": (text["reason"] == "", "it is blank", "Say 'not recorded'"),
        "sessions_possible": (~(possible >= 0), "it is no number from 0 up", "Give half days"),
        "sessions_attended": (
            ~((attended >= 0) & (attended <= possible)),
            "it is not from 0 to those possible",
            "Give half days",
        ),
    }
    faults = row_faults(path, problems)
    refuse(DataError, f"{path.name} cannot be used", faults, most=20)
    return pd.DataFrame(
        {
            "pupil": text["pupil"],
            "start": start,
            "end": end,
            "reason": text["reason"],
            "possible": possible,
            "attended": attended,
        }
    )


def placement_counts(placements: pd.DataFrame, *, until: str, source: str = "placements") -> CountTable:
    """Return how many placements of each reason still last and have ended, for protection.

    Parameters
    ----------
    placements : DataFrame
        From :func:`read_placements`.
    until : str
        Day of the extract.
    source : str
        Which records these are: tables of one source share cells.
    """
    last = pd.Timestamp(until)
    if (placements["start"] > last).any():
        raise DataError(f"Some placements start after {until}. Give the day on which the records were taken out.")
    state = np.where(placements["end"].notna() & (placements["end"] <= last), _ENDED, _LASTS)
    data = pd.DataFrame({"reason": placements["reason"], f"on {until}": state})
    return crossed_counts(data, ("reason", f"on {until}"), name="placements", source=source)


def placement_table(
    placements: pd.DataFrame, *, until: str, rules: Rules, public: PublicTable | None = None
) -> pd.DataFrame:
    """Return, for each reason and in all, how long placements last and how regularly pupils attend.

    Parameters
    ----------
    placements : DataFrame
        From :func:`read_placements`.
    until : str
        Day of the extract, such as ``2024-07-31``: placements without an end last at least until then.
    rules : Rules
        Rule set of disclosure control.
    public : PublicTable, optional
        :func:`placement_counts` after protection with other tables; protected on its own without it.

    Returns
    -------
    DataFrame
        ``reason``, ``placements`` (rounded), ``median_days`` and ``three_quarter_days`` by the product-limit estimate,
        ``attendance`` (0 to 1), ``still_placed`` (share); NaN where few stand behind it, or what would give a few away.
    """
    last, source = pd.Timestamp(until), "placements"
    if public is None:
        ((public,), _) = protect([placement_counts(placements, until=until)], rules)
    source = public.keys[0][0]
    shown = dict(zip(public.keys, public.lower.tolist(), strict=True))
    rows = []
    for reason in [*sorted(placements["reason"].unique()), ALL]:
        row = _placed(reason, placements if reason == ALL else placements[placements["reason"] == reason], last)
        states = [{"reason": reason}, *({"reason": reason, f"on {until}": one} for one in (_LASTS, _ENDED))]
        number, *parts = (shown.get(cell_key(source, state), 0.0) for state in states)
        if np.isnan(number):
            row = {name: reason if name == "reason" else np.nan for name in row}
        elif np.isnan(parts).any():
            row["still_placed"] = np.nan
        rows.append({**row, "placements": number})
    return pd.DataFrame(rows)


def _placed(reason: str, rows: pd.DataFrame, last: pd.Timestamp) -> dict[str, object]:
    ended = (rows["end"].notna() & (rows["end"] <= last)).to_numpy()
    days = (rows["end"].where(ended, last) - rows["start"]).dt.days.to_numpy().astype(np.float64)
    possible = float(rows["possible"].sum())
    return {
        "reason": reason,
        "placements": np.nan,
        "median_days": waiting_quantile(days, ended, 0.5),
        "three_quarter_days": waiting_quantile(days, ended, 0.75),
        "attendance": float(rows["attended"].sum()) / possible if possible else np.nan,
        "still_placed": float((~ended).mean()),
    }
