"""Follow schools through conversion, merger and split, and authorities through reorganisation, as one series.

The schools of a joined series are those that a chain of links binds together. They are added up in every period, so
that nothing is counted twice or lost: before a merger the parts, after a split the successors, and in the year of a
change, in which both may have rows, both.
"""

from __future__ import annotations

import json
from bisect import bisect_left
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
import xarray as xr
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from averting.checks import CheckResult
from averting.data import successors
from averting.data.assemble import ATTRIBUTES, OPTIONAL_ATTRIBUTES
from averting.data.join import Presence, add_up, presence
from averting.data.links import load_reorganisations, read_links, reorganisation_links
from averting.data.panel import Panel
from averting.errors import DataError
from averting.years import TERMS, AcademicYear, Period

JOINED = "joined"
COLUMNS = ("series", "kind", "before", "before_name", "after", "after_name", "how", "date", "year", "outcome")


class Joined(NamedTuple):
    """A panel in which series are joined, and what was done.

    Parameters
    ----------
    panel : Panel
        Joined series stand under one id; ``panel.joined`` leads from each school's own id to it.
    table : DataFrame
        One row for each link that concerns the panel's schools and years: series (the joined id, or empty), kind
        (conversion, merger, split, reorganisation or several), before, before_name, after, after_name, how (the
        link's type), date, year (academic, of the change; its term where the panel is by term) and outcome: ``joined``,
        or why not.
    """

    panel: Panel
    table: pd.DataFrame


def join_schools(panel: Panel, links: pd.DataFrame | str | Path) -> Joined:
    """Join schools with their predecessors and successors.

    Parameters
    ----------
    panel : Panel
        At school level. Links dated outside its years change nothing in it and are not used, save that a successor
        may have rows up to a year before its date.
    links : DataFrame, str or Path
        A map read by :func:`averting.data.links.read_links`, or its path.

    Returns
    -------
    Joined
        A series is called by the URN of the school in which it ends; where it ends in several, by all their URNs
        with + between them. Its covariates are the means of its schools', weighted by pupils in each year; where a
        school with pupils has no value, the series has none.

    Raises
    ------
    DataError
        If the panel is of authorities or joined already, or the map cannot be read.
    """
    if panel.level != "school":
        raise DataError("join_schools: this panel is of local authorities. Use join_authorities.")
    frame = links if isinstance(links, pd.DataFrame) else read_links(links)
    return _join(panel, frame, {})


def join_authorities(panel: Panel) -> Joined:
    """Join local authorities across the reorganisations declared in ``models/la_reorganisations.toml``.

    Returns
    -------
    Joined
        The new authorities' sum continues the old ones'; what the series is called is declared there, for example
        ``895+896``. Only reorganisations within the panel's years are applied.

    Raises
    ------
    DataError
        If the panel is of schools or joined already.
    """
    if panel.level != "local authority":
        raise DataError("join_authorities: this panel is of schools. Use join_schools with a map of their links.")
    entries = load_reorganisations()
    names = {code: (entry.id, entry.label) for entry in entries for code in (*entry.before, *entry.after)}
    return _join(panel, reorganisation_links(), names)


@dataclass(frozen=True)
class _Where:
    """The panel's schools: their positions, names, rows, its first day, and the last day of each of its periods."""

    at: Mapping[str, int]
    names: list[str]
    seen: Presence
    first_day: pd.Timestamp
    ends: tuple[pd.Timestamp, ...]
    terms: tuple[str | None, ...]
    """Of a year: the terms of a panel by term, else None alone."""

    @property
    def last_day(self) -> pd.Timestamp:
        return self.ends[-1]

    @property
    def year(self) -> int:
        """How many periods a year has."""
        return len(self.terms)

    def name(self, school: str) -> str:
        return self.names[self.at[school]] if school in self.at else ""


def _join(panel: Panel, links: pd.DataFrame, named: Mapping[str, tuple[str, str]]) -> Joined:
    if panel.joined:
        raise DataError("This panel's series are joined already. Join the panel as it was read.")
    periods = [Period.parse(period) for period in panel.periods]
    where = _Where(
        {school: i for i, school in enumerate(panel.schools)},
        panel.data["name"].to_numpy().astype(str).tolist(),
        presence(panel.data),
        pd.Timestamp(periods[0].first_day),
        tuple(pd.Timestamp(period.last_day) for period in periods),
        TERMS if panel.termly else (None,),
    )
    bridged = _bridge(links, where)
    outcomes = [_outcome(*link, where=where) for link in bridged.itertuples(index=False, name=None)]
    table = bridged.assign(outcome=[outcome for _, outcome in outcomes])
    turned = np.array([turn for turn, _ in outcomes], dtype=bool)
    table[["before", "after"]] = np.where(
        turned[:, None], table[["after", "before"]].to_numpy(), table[["before", "after"]].to_numpy()
    )
    table = table[table["outcome"] != ""].drop_duplicates(["before", "after"])
    used = table[table["outcome"] == JOINED]
    groups = _groups(used, where)
    followed = set(used["before"])
    ids = {group: _series_id(group, followed, where, named) for group in groups}
    joined = {school: ids[group] for group in groups for school in group}
    _refuse_clash(joined, where)
    result = _joined_panel(panel, groups, ids, joined, where, named) if groups else panel
    described = _describe(table, joined, where)
    check = _summary(described, panel, result, int(links.attrs.get("left_out", 0)))
    before = [found for found in panel.checks if found.key != successors.KEY]
    after = successors.check_successors(result.data)
    return Joined(Panel(result.data, (*before, *after, check)), described)


def _bridge(links: pd.DataFrame, where: _Where) -> pd.DataFrame:
    """Keep links of the panel's schools; a school not in it that had one predecessor and one successor is a step."""
    columns = ["before", "after", "how", "date", "directed"]
    before, after = links["before"].isin(where.at.keys()), links["after"].isin(where.at.keys())
    direct = links[before & after][columns]
    nexts = links.groupby("before")["after"].nunique()
    pasts = links.groupby("after")["before"].nunique()
    single = set(nexts.index[nexts == 1]) & set(pasts.index[pasts == 1]) - set(where.at)
    onward = {
        str(row.before): (str(row.after), str(row.how), row.date)
        for row in links[links["before"].isin(single)].itertuples()
    }
    rows = []
    for row in links[before != after].itertuples():
        school, how, day, seen = str(row.after), str(row.how), row.date, set[str]()
        while row.before in where.at and school in onward and school not in seen:
            seen.add(school)
            school, how, day = onward[school]
        if row.before not in where.at and row.before in single:
            continue  # reached, if at all, from the school before it
        if school not in where.at or school != row.before:
            rows.append((str(row.before), school, how, day, bool(row.directed)))
    found = pd.concat([direct, pd.DataFrame(rows, columns=columns).astype(direct.dtypes.to_dict())])
    return found.drop_duplicates(["before", "after"]).sort_values(["before", "after"], ignore_index=True)


def _outcome(
    before: str, after: str, how: str, day: pd.Timestamp, directed: bool, *, where: _Where
) -> tuple[bool, str]:
    """Say whether a link must be read the other way round, and what becomes of it; nothing where it is none of ours."""
    dated = not pd.isna(day)
    inside = dated and where.first_day < day < where.last_day
    if before not in where.at or after not in where.at:
        return False, _absent(before, after, where, day) if inside else ""
    seen = where.seen
    turned = not directed and bool(seen.last[where.at[after]] < seen.last[where.at[before]])
    old, new = (where.at[school] for school in ((after, before) if turned else (before, after)))
    follows = seen.last[old] <= seen.first[new] and seen.first[old] < seen.first[new]
    if not dated:
        next_year = follows and seen.first[new] - seen.last[old] <= where.year
        return turned, JOINED if next_year else "no date, and the rows do not follow each other"
    if not inside:
        soon = follows and where.last_day <= day < where.last_day + pd.DateOffset(years=1)
        return turned, JOINED if soon else ""
    if seen.last[old] > _change(day, where) + where.year and not follows and "split" not in how.lower():
        return turned, "the predecessor goes on after the date"
    return turned, JOINED


def _change(day: pd.Timestamp, where: _Where) -> int:
    """Return the position of the period in which a day falls."""
    return bisect_left(where.ends, day)


def _absent(before: str, after: str, where: _Where, day: pd.Timestamp) -> str:
    """Say which end is not in the data; nothing where a successor has rows of its own from before."""
    if after not in where.at:
        return "the successor is not in the data"
    began = where.seen.first[where.at[after]]
    return "the predecessor is not in the data" if began >= _change(day, where) else ""


def _groups(used: pd.DataFrame, where: _Where) -> list[tuple[str, ...]]:
    """Return the schools that links bind together, each group and all groups sorted; cycles are as good as chains."""
    if used.empty:
        return []
    members, codes = np.unique(used[["before", "after"]].to_numpy().astype(str), return_inverse=True)
    pairs = codes.reshape(-1, 2)
    graph = coo_array((np.ones(len(pairs)), (pairs[:, 0], pairs[:, 1])), shape=(len(members), len(members)))
    _, labels = connected_components(graph, directed=False)
    frame = pd.DataFrame({"group": labels, "school": members})
    return [tuple(part["school"].tolist()) for _, part in frame.groupby("group", sort=True)]


def _series_id(
    group: tuple[str, ...], followed: set[str], where: _Where, named: Mapping[str, tuple[str, str]]
) -> str:
    """Return the schools of a group that nobody succeeds; in a cycle, the one whose rows begin last."""
    if group[0] in named:
        return named[group[0]][0]
    ends = [school for school in group if school not in followed]
    return "+".join(ends or [max(group, key=lambda school: (where.seen.first[where.at[school]], school))])


def _refuse_clash(joined: Mapping[str, str], where: _Where) -> None:
    clash = sorted(unit for unit in set(joined.values()) if unit in where.at and unit not in joined)
    if clash:
        raise DataError(
            f"A joined series would be called {clash[0]}, which another school is. Rename that school."
        )


def _joined_panel(
    panel: Panel,
    groups: list[tuple[str, ...]],
    ids: Mapping[tuple[str, ...], str],
    joined: Mapping[str, str],
    where: _Where,
    named: Mapping[str, tuple[str, str]],
) -> Panel:
    order = np.array([where.at[school] for group in groups for school in group], dtype=np.int64)
    starts = np.cumsum([0, *(len(group) for group in groups[:-1])]).astype(np.int64)
    kept = np.array([i for school, i in where.at.items() if school not in joined], dtype=np.int64)
    alone = panel.data.isel(school=kept)
    coords: dict[str, tuple[str, np.ndarray[tuple[int], np.dtype[np.str_]]]] = {
        "school": ("school", np.array([ids[group] for group in groups], dtype=str))
    }
    main = np.array([_main(group, ids[group], where) for group in groups], dtype=np.int64)
    for attribute in (*ATTRIBUTES, *(name for name in OPTIONAL_ATTRIBUTES if name in panel.data.coords)):
        coords[attribute] = ("school", panel.data[attribute].to_numpy()[main].astype(str))
    names = [_name(group, ids[group], where, named) for group in groups]
    coords["name"] = ("school", np.array(names, dtype=str))
    shared = ("indicator", "period", "covariate", "measure", "measure_kind")
    fixed = {name: panel.data[name] for name in shared if name in panel.data.coords}
    sums = xr.Dataset(add_up(panel.data, order, starts), coords={**fixed, **coords})
    both = xr.concat([alone, sums], "school", join="outer", combine_attrs="override", data_vars="minimal")
    data = both.sortby("school").transpose("indicator", ..., "school", "period")
    data = data.assign({name: data[name].assign_attrs(panel.data[name].attrs) for name in data.data_vars})
    data.attrs = {**panel.data.attrs, "joined": json.dumps(dict(sorted(joined.items())))}
    return Panel(data, panel.checks)


def _main(group: tuple[str, ...], unit: str, where: _Where) -> int:
    """Return the position of the school that describes a series: of those in which it ends, the last with rows."""
    ends = [school for school in unit.split("+") if school in where.at] or list(group)
    return where.at[max(ends, key=lambda school: (where.seen.last[where.at[school]], school))]


def _name(group: tuple[str, ...], unit: str, where: _Where, named: Mapping[str, tuple[str, str]]) -> str:
    if group[0] in named:
        return named[group[0]][1]
    return " and ".join(dict.fromkeys(where.name(school) for school in unit.split("+")))


def _describe(table: pd.DataFrame, joined: Mapping[str, str], where: _Where) -> pd.DataFrame:
    """Return the table that users see."""
    used = table["outcome"] == JOINED
    series = [joined[before] if join else "" for before, join in zip(table["before"], used, strict=True)]
    starts = [pd.NaT if pd.isna(day) else day for day in table["date"]]
    years = ["" if pd.isna(day) else _label(day, where) for day in starts]
    frame = table.assign(
        series=series,
        kind=_kinds(table.assign(series=series)),
        before_name=[where.name(school) for school in table["before"]],
        after_name=[where.name(school) for school in table["after"]],
        date=["" if pd.isna(day) else day.date().isoformat() for day in starts],
        year=years,
    )
    return frame[list(COLUMNS)].sort_values(["series", "before", "after"], ignore_index=True)


def _label(day: pd.Timestamp, where: _Where) -> str:
    """Return the academic year of a day, or its term where the panel is by term."""
    year = AcademicYear(day.year - (day.month < 9))
    periods = (Period(year, term) for term in where.terms)
    return next(period.label for period in periods if day <= pd.Timestamp(period.last_day))


def _kinds(table: pd.DataFrame) -> list[str]:
    """Say what made each series: n to 1 is a merger, 1 to n a split, 1 to 1 a conversion."""
    used = table[table["series"] != ""]
    pairs = set(zip(used["before"], used["after"], strict=True))
    into, out = Counter(after for _, after in pairs), Counter(before for before, _ in pairs)
    kinds: dict[str, set[str]] = {}
    for row in used.itertuples():
        many, split = into[row.after] > 1, out[row.before] > 1
        kind = "reorganisation" if many and split else "merger" if many else "split" if split else "conversion"
        kinds.setdefault(str(row.series), set()).add(kind)
    return [" and ".join(sorted(kinds.get(str(series), set()))) for series in table["series"]]


def _summary(table: pd.DataFrame, panel: Panel, result: Panel, left_out: int) -> CheckResult:
    units = "schools" if panel.level == "school" else "local authorities"
    used = table[table["outcome"] == JOINED]
    kinds = used.drop_duplicates("series")["kind"].value_counts().sort_index()
    told = ", ".join(f"{count:,} by {kind}" for kind, count in kinds.items())
    parts = [
        f"{len(result.joined):,} {units} are joined to {used['series'].nunique():,} series ({told})."
        if len(used)
        else f"No {units} are joined: no link falls within the panel's years."
    ]
    parts += [
        f"{count:,} links are not used: {reason}."
        for reason, count in table.loc[table["outcome"] != JOINED, "outcome"].value_counts().sort_index().items()
    ]
    if left_out:
        parts.append(f"{left_out:,} records are of links that are no succession.")
    return CheckResult("data/succession", "info", " ".join(parts), _guidance(table))


def _guidance(table: pd.DataFrame) -> str:
    absent = any(str(outcome).endswith("is not in the data") for outcome in table["outcome"])
    return (
        "A series one of whose parts is not in the data changes size there; see succession.csv." if absent else ""
    )
