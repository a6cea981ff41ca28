"""An outcomes board: where an area stands, against whom, and which way it goes, with small numbers withheld.

Colours follow intervals: green or red only where all of an interval is on one side, amber where it is not, grey where
nothing can or should be judged. Every colour stands beside words.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
import pandas as pd

from averting.data import Indicator, load_indicators
from averting.data.disclosure import Decision, DisclosureRecord, Rules, load_rules, primary
from averting.data.tables import read_toml
from averting.errors import DataError, EstimationError
from averting.outcomes.rates import direction, funnel, rate_interval
from averting.outcomes.series import is_share
from averting.resources import models_dir
from averting.years import TERMS, Period

PER = 100
GROUPS = ("local", "neighbours", "others")
LAST = 6
"""Periods that a direction is judged by, where nothing else is asked for."""
GREEN, RED, AMBER, GREY = "green", "red", "amber", "grey"
WIDE = 0.998
"""The outer limits of a funnel."""


@dataclass(frozen=True, eq=False)
class Board:
    """Tables of a board; nothing in them must be withheld any more.

    Parameters
    ----------
    summary : DataFrame
        One row a measure: ``indicator``, ``label``, ``domain``, ``level``, ``period`` (the latest), ``rate`` with
        ``rate_lower`` and ``rate_upper``, ``neighbours`` and ``others`` (rates), ``standing`` and ``standing_colour``,
        ``change`` (yearly ratio) with its interval, ``direction`` and ``direction_colour``, ``note``. Rates are per 100.
    over_time : DataFrame
        ``indicator``, ``group`` (local, neighbours, others), ``period``, ``rate`` with its interval, ``status``
        (shown, withheld, suppressed) and ``in_direction``.
    funnels : DataFrame
        Areas in the latest period: ``indicator``, ``of``, ``rate``, ``local``, and limits at 95 % and 99.8 %.
    statements : tuple of str
        What to know before reading it.
    """

    summary: pd.DataFrame
    over_time: pd.DataFrame
    funnels: pd.DataFrame
    statements: tuple[str, ...]


def make_board(
    series: pd.DataFrame,
    *,
    local: str,
    measures: Sequence[str],
    neighbours: Collection[str] = (),
    leave_out: Collection[str] | None = None,
    last: int = LAST,
    rules: str = "under_five",
    level: float = 0.95,
    indicators: Mapping[str, Indicator] | None = None,
) -> Board:
    """Make a board of outcomes.

    Parameters
    ----------
    series : DataFrame
        From :func:`averting.outcomes.from_panel`, :func:`averting.outcomes.read_own`, or several of them together.
    local : str
        Area the board is about.
    measures : sequence of str
        Indicators, in order; one without data is said to have none.
    neighbours : collection of str
        Areas that are most alike.
    leave_out : collection of str, optional
        Periods that no direction is judged by; shown all the same. A year stands for its terms, unless some of its
        terms are named: then for those alone. The closures of ``models/events.toml`` by default.
    last : int
        Direction is judged by at most this many periods, the latest ones.
    rules : str
        Rule set of ``models/disclosure.toml``.
    level : float
        Of the intervals.
    indicators : mapping, optional
        Declared indicators; those that ship by default.

    Raises
    ------
    DataError
        If the area has no row, or a measure is not declared.
    """
    known = load_indicators() if indicators is None else indicators
    absent = [name for name in measures if name not in known]
    if absent or not measures:
        raise DataError(f"measures: {', '.join(absent) or 'none'} not declared. Use: {', '.join(known)}.")
    if local not in set(series["area"]):
        raise DataError(f"local: '{local}' is in none of the data. Use the code or name that the data use.")
    if last < 4:
        raise DataError(f"last is {last}. A direction needs four periods or more.")
    out = closures() if leave_out is None else leave_out
    asked = _Asked(local, frozenset(neighbours), frozenset(out), last, load_rules(rules), level)
    rows, paths, funnels = [], [], []
    for name in measures:
        data = series[series["indicator"] == name]
        row, path, spread = _measure(data, known[name], asked)
        rows.append(row)
        paths.append(path)
        funnels.append(spread)
    summary = pd.DataFrame(rows)
    over_time = pd.concat([one for one in paths if len(one)], ignore_index=True)
    shown = [one for one in funnels if len(one)]
    spread = pd.concat(shown, ignore_index=True) if shown else pd.DataFrame(columns=["indicator"])
    return Board(summary, over_time, spread, _statements(summary, over_time, asked))


@cache
def closures() -> tuple[str, ...]:
    """Return the years, and of their terms those alone, in which schools were closed: what evaluations leave out too."""
    tables = read_toml(models_dir() / "events.toml").values()
    left = [table for table in tables if isinstance(table, Mapping) and table["treatment"] == "exclude"]
    return tuple(label for name in ("periods", "terms") for table in left for label in table[name])


def left_out(period: str, leave_out: Collection[str]) -> bool:
    """Say whether a period is left out: named itself, or a term of a year of which no term is named."""
    year = Period.parse(period).year.label
    terms = any(other.startswith(f"{year} ") for other in leave_out)
    return period in leave_out or (period != year and year in leave_out and not terms)


@dataclass(frozen=True)
class _Asked:
    local: str
    neighbours: frozenset[str]
    leave_out: frozenset[str]
    last: int
    rules: Rules
    level: float


def _measure(
    data: pd.DataFrame, indicator: Indicator, asked: _Asked
) -> tuple[dict[str, Any], pd.DataFrame, pd.DataFrame]:
    share = is_share(indicator)
    known = data["lower"] == data["upper"]  # before small counts are made no more than small
    few = pd.Series(_small(data, asked.rules, share), index=data.index)
    data = _coarse(data, asked.rules, share).assign(known=known, few=few)
    own = data[data["area"] == asked.local].sort_values("period")  # labels are in order of time as text
    small = own["few"].to_numpy()
    row: dict[str, Any] = {
        "indicator": indicator.key, "label": indicator.label, "domain": indicator.domain, "level": indicator.level,
    }  # fmt: skip
    if own.empty:
        empty = pd.DataFrame()
        return row | _nothing("no data"), empty, empty
    path = _path(data, own, small, asked, share).assign(indicator=indicator.key)
    latest = str(own["period"].iloc[-1])
    last = own.iloc[-1]
    at = path[path["period"] == latest].set_index("group")
    row |= {"period": latest, **{key: at.loc["local", key] for key in ("rate", "rate_lower", "rate_upper")}}
    row |= {group: at["rate"].get(group, np.nan) for group in GROUPS[1:]}
    spread, standing = _standing(data[data["period"] == latest], last, indicator, asked, share)
    row |= standing
    row |= _going(own, indicator, asked)
    row["note"] = "withheld: few pupils stand behind it" if small[-1] else ""
    return row, path, spread.assign(indicator=indicator.key)


def board_record(board: Board, rules: Rules) -> DisclosureRecord:
    """Return the record of what a board withholds: every rate of the area that rests on few.

    Nothing else needs protection: all that is shown was computed with every small count as any that it can be, so nothing
    depends on which it is.
    """
    own = board.over_time[board.over_time["group"] == "local"] if len(board.over_time) else board.over_time
    decisions = [
        Decision(str(row["indicator"]), ("local", str(row["period"])), "primary")
        for row in own.to_dict("records")
        if row["status"] == "withheld"
    ]
    note = "Small counts of every area, shown or not, enter as any count that they can be: nothing shown depends on which."
    return DisclosureRecord(rules, tuple(decisions), notes=(note,))


def _nothing(why: str) -> dict[str, Any]:
    numbers = ("rate", "rate_lower", "rate_upper", *GROUPS[1:], "change", "change_lower", "change_upper")
    words = {
        "period": "",
        "standing": why,
        "standing_colour": GREY,
        "direction": why,
        "direction_colour": GREY,
        "note": why,
    }
    return dict.fromkeys(numbers, np.nan) | words


def _small(rows: pd.DataFrame, rules: Rules, share: bool) -> np.ndarray[tuple[int, ...], np.dtype[np.bool_]]:
    """Return which counts, or what is left of a share, are or could be small."""
    lower, upper = rows["lower"].to_numpy(dtype=float), rows["upper"].to_numpy(dtype=float)
    small = primary(lower, upper, rules)
    if share:
        of = rows["of"].to_numpy(dtype=float)
        small |= primary(of - upper, of - lower, rules)
    return small


def _coarse(rows: pd.DataFrame, rules: Rules, share: bool) -> pd.DataFrame:
    """Return rows in which a small count is no more than small, so that nothing made from them tells which it is."""
    lower, upper, of = (rows[name].to_numpy(dtype=float) for name in ("lower", "upper", "of"))
    small = primary(lower, upper, rules)
    low = np.where(small, np.minimum(lower, rules.smallest), lower)
    high = np.where(small, np.maximum(upper, rules.threshold - 1), upper)
    if share:
        few = primary(of - upper, of - lower, rules)
        low = np.where(few, np.minimum(low, of - rules.threshold + 1), low)
        high = np.where(few, np.maximum(high, of - rules.smallest), high)
        high = np.minimum(high, of)
    return rows.assign(lower=np.maximum(low, 0.0), upper=high)


def _path(
    data: pd.DataFrame,
    own: pd.DataFrame,
    small: np.ndarray[tuple[int, ...], np.dtype[np.bool_]],
    asked: _Asked,
    share: bool,
) -> pd.DataFrame:
    """Return rates of the area, its neighbours and all others by period."""
    parts = []
    for group, rows in (
        ("local", own),
        ("neighbours", data[data["area"].isin(asked.neighbours - {asked.local})]),
        ("others", data[data["area"] != asked.local]),
    ):
        summed = rows.groupby("period", as_index=False)[["lower", "upper", "of"]].sum()
        if summed.empty:
            continue
        lower, upper, of = (summed[name].to_numpy(dtype=float) for name in ("lower", "upper", "of"))
        low, high = rate_interval(lower, upper, of, share=share, level=asked.level)
        hidden = small if group == "local" else np.zeros(len(summed), dtype=bool)
        status = np.where(hidden, "withheld", np.where(upper > lower, "suppressed", "shown"))
        numbers = np.stack([(lower + upper) / 2 / of, low, high]) * PER
        # others' rates are rounded, so that no count can be had from them and a known total
        numbers = np.where(hidden, np.nan, numbers if group == "local" else np.vectorize(_rounded)(numbers))
        parts.append(
            pd.DataFrame(
                {
                    "group": group,
                    "period": summed["period"],
                    "rate": numbers[0],
                    "rate_lower": numbers[1],
                    "rate_upper": numbers[2],
                    "status": status,
                    "in_direction": [not left_out(period, asked.leave_out) for period in summed["period"]],
                }
            )
        )
    return pd.concat(parts).sort_values("period", kind="stable").reset_index(drop=True)


def _rounded(value: float) -> float:
    return float(f"{value:.3g}")


def _standing(
    at: pd.DataFrame, last: pd.Series, indicator: Indicator, asked: _Asked, share: bool
) -> tuple[pd.DataFrame, dict[str, Any]]:
    """Return the funnel of the latest period, and where the area stands in it."""
    others = at[(at["area"] != asked.local) & at["known"]]
    middle = (others["lower"] + others["upper"]) / 2  # of a small count: whichever it is, the limits are the same
    try:
        made = funnel(middle.to_numpy(dtype=float), others["of"].to_numpy(dtype=float), share=share)
    except EstimationError:
        return pd.DataFrame(), {"standing": "fewer than ten areas to compare with", "standing_colour": GREY}
    # an area whose count is small is no dot, for its rate and size are its count
    shown = at[~at["few"] & at["known"]]
    of = shown["of"].to_numpy(dtype=float)
    limits = [made.limits(of, share=share, level=one) for one in (asked.level, WIDE)]
    spread = pd.DataFrame(
        {
            "of": of,
            "rate": PER * shown["lower"].to_numpy(dtype=float) / of,
            "local": (shown["area"] == asked.local).to_numpy(),
            "target": PER * made.target,
            "dispersion": made.dispersion,
            "lower": PER * limits[0][0],
            "upper": PER * limits[0][1],
            "outer_lower": PER * limits[1][0],
            "outer_upper": PER * limits[1][1],
        }
    )
    size = np.array([float(last["of"])])
    low, high = (float(end[0]) for end in made.limits(size, share=share, level=asked.level))
    ends = float(last["lower"]) / size[0], float(last["upper"]) / size[0]
    if (ends[0] < low and ends[1] < low) or (ends[0] > high and ends[1] > high):
        word = "lower than areas differ anyway" if ends[1] < low else "higher than areas differ anyway"
        return spread, {"standing": word, "standing_colour": _colour(ends[1] < low, indicator)}
    inside = low <= ends[0] and ends[1] <= high
    word = "within what areas differ by" if inside else "cannot be told: its count is suppressed"
    return spread, {"standing": word, "standing_colour": AMBER if indicator.direction != "none" else GREY}


def _colour(lower: bool, indicator: Indicator) -> str:
    if indicator.direction == "none":
        return GREY
    return GREEN if lower == (indicator.direction == "lower") else RED


def _going(own: pd.DataFrame, indicator: Indicator, asked: _Asked) -> dict[str, Any]:
    """Return the yearly change of the area's rate, and what may be said of it."""
    used = own[[not left_out(period, asked.leave_out) for period in own["period"]]].tail(asked.last)
    at = np.array([_year(period) for period in used["period"]], dtype=float)
    lower, upper, of = (used[name].to_numpy(dtype=float) for name in ("lower", "upper", "of"))
    try:
        found = direction(lower, upper, of, at, level=asked.level)
    except EstimationError:
        none = dict.fromkeys(("change", "change_lower", "change_upper"), np.nan)
        return none | {"direction": "fewer than four periods with events", "direction_colour": GREY}
    told = {"change": found.change, "change_lower": found.lower, "change_upper": found.upper}
    if found.lower <= 1 <= found.upper:
        colour = AMBER if indicator.direction != "none" else GREY
        return told | {"direction": f"cannot be told from {found.periods} periods", "direction_colour": colour}
    word = "falling" if found.upper < 1 else "rising"
    return told | {
        "direction": f"{word} over {found.periods} periods",
        "direction_colour": _colour(word == "falling", indicator),
    }


def _year(period: str) -> float:
    parsed = Period.parse(period)
    return parsed.year.start + (TERMS.index(parsed.term) / len(TERMS) if parsed.term else 0.0)


def _statements(summary: pd.DataFrame, over_time: pd.DataFrame, asked: _Asked) -> tuple[str, ...]:
    judged = int(summary["standing_colour"].isin([GREEN, RED, AMBER]).sum())
    said = [
        f"Standing: the area against the limits within which {asked.level:.0%} of areas of its size would lie by chance and "
        f"by how areas differ anyway. With nothing amiss, one measure in {round(1 / (1 - asked.level))} would lie outside; "
        f"{judged} {'is' if judged == 1 else 'are'} judged here. Brackets hold {asked.level:.0%} intervals.",
        f"Direction: a line through the area's own latest rates, at most {asked.last}. It says nothing of why, and is no effect "
        "of a programme.",
        "Green is better and red is worse, whichever way is better for the measure. Amber means that it cannot be told, not that "
        "all is well. Grey: there is nothing to judge.",
    ]
    left = sorted({period for period in over_time["period"] if left_out(period, asked.leave_out)})
    if left:
        said.append(f"Shown but not judged by, because schools were closed to most pupils: {', '.join(left)}.")
    hidden = over_time[(over_time["group"] == "local") & (over_time["status"] != "shown")]
    if len(hidden):
        said.append(
            f"{len(hidden)} of the area's yearly rates {'is' if len(hidden) == 1 else 'are'} withheld or suppressed, because few "
            "pupils stand behind them; directions cover all they can be."
        )
    return tuple(said)
