"""Placements and moves of pupils: how long, how well attended, where to; before and after, beside a comparison group.

Records of single pupils stay inside; tables are of counts that are large enough, with the shares that follow from them.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.stats import norm

from averting.data.disclosure import CountTable, Rules, primary, protect
from averting.data.files import read_columns
from averting.errors import DataError, Fault, refuse
from averting.outcomes.delivery import waiting_quantile

PLACEMENT = ("pupil", "start", "end", "reason", "sessions_possible", "sessions_attended")
NO_GROUP = "everyone"
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
    names = [*([group] if group else []), before, after]
    _refuse_states(records, names)
    data = records[names].astype(str).apply(lambda column: column.str.strip())
    if group is None:
        data.insert(0, NO_GROUP, NO_GROUP)
        group = NO_GROUP
    labels = [sorted(data[name].unique()) for name in (group, before, after)]
    counts = np.zeros([len(texts) for texts in labels], dtype=np.int64)
    place = tuple(
        pd.Categorical(data[name], categories=texts).codes
        for name, texts in zip((group, before, after), labels, strict=True)
    )
    np.add.at(counts, place, 1)
    (public,), _ = protect([CountTable.from_counts(f"{before} to {after}", labels, counts)], rules)
    rows = []
    for i, held in enumerate(labels[0]):
        for j, state in enumerate(labels[1]):
            whole = int(counts[i, j].sum())
            if not whole:
                continue
            for k, then in enumerate(labels[2]):
                gone = bool({(held, state, then), (held, state, "all")} & public.withheld)
                low, high = wilson(int(counts[i, j, k]), whole, level)
                values = (np.nan,) * 3 if gone else (counts[i, j, k] / whole, low, high)
                rows.append((held, state, then, *values, gone))
    return pd.DataFrame(
        rows, columns=["group", "before", "after", "share", "share_lower", "share_upper", "withheld"]
    )


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
    frame = read_columns(path, lambda held: {name for name in held if name in called.values()}).astype(str)
    absent = [
        Fault(path.name, f"there is no column '{name}'", "Add it") for name in called.values() if name not in frame
    ]
    refuse(DataError, f"{path.name} is no table of placements", absent)
    text = frame.rename(columns={given: name for name, given in called.items()}).apply(
        lambda column: column.str.strip()
    )
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
    faults = [
        Fault(f"{path.name}, row {int(row) + 2}, {name}", found, fix)
        for name, (wrong, found, fix) in problems.items()
        for row in np.flatnonzero(wrong.to_numpy())
    ]
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


def placement_table(placements: pd.DataFrame, *, until: str, rules: Rules) -> pd.DataFrame:
    """Return, for each reason and in all, how long placements last and how regularly pupils attend.

    Parameters
    ----------
    placements : DataFrame
        From :func:`read_placements`.
    until : str
        Day of the extract, such as ``2024-07-31``: placements without an end last at least until then.
    rules : Rules
        Rule set of disclosure control.

    Returns
    -------
    DataFrame
        ``reason``, ``placements`` (rounded), ``median_days`` and ``three_quarter_days`` by the product-limit estimate,
        ``attendance`` (0 to 1), ``still_placed`` (share); NaN where few stand behind it, and one more where it is one row.
    """
    last = pd.Timestamp(until)
    if (placements["start"] > last).any():
        raise DataError(f"Some placements start after {until}. Give the day on which the records were taken out.")
    reasons = sorted(placements["reason"].unique())
    rows = [_placed(reason, placements[placements["reason"] == reason], last, rules) for reason in reasons]
    table = pd.DataFrame([*rows, _placed("all", placements, last, rules)])
    number = table["placements"].to_numpy(dtype=float)
    small = primary(number, number, rules)
    if small[:-1].sum() == 1:
        small[-1] = True
    shown = table.drop(columns="reason").mask(pd.Series(small), axis=0)
    shown["placements"] = rules.rounding * np.round(shown["placements"] / rules.rounding)
    return pd.concat([table[["reason"]], shown], axis=1)


def _placed(reason: str, rows: pd.DataFrame, last: pd.Timestamp, rules: Rules) -> dict[str, object]:
    ended = (rows["end"].notna() & (rows["end"] <= last)).to_numpy()
    days = (rows["end"].where(ended, last) - rows["start"]).dt.days.to_numpy().astype(np.float64)
    still = np.array([float((~ended).sum())])
    few = bool(primary(still, still, rules)[0] or primary(len(rows) - still, len(rows) - still, rules)[0])
    possible = float(rows["possible"].sum())
    return {
        "reason": reason,
        "placements": float(len(rows)),
        "median_days": waiting_quantile(days, ended, 0.5),
        "three_quarter_days": waiting_quantile(days, ended, 0.75),
        "attendance": float(rows["attended"].sum()) / possible if possible else np.nan,
        "still_placed": np.nan if few else float((~ended).mean()),
    }
