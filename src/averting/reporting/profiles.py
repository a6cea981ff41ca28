"""One page for each pilot, for the school itself: its own years beside the others' mean, what chance does, no ranking.

A single school's counts are small, so nothing of this leaves: `averting publish` does not write profiles.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from averting.data import Panel
from averting.errors import RenderError
from averting.reporting import numbers, wording
from averting.reporting.figures import COMPARISON, INK, PILOT, STYLE, ReportFigure, finish, new_axes
from averting.reporting.results import Results
from averting.reporting.tables import ReportTable

NAME = "profiles"
"""Name of the report that is never published, and of the folder with a file for each school."""

_CHANCE = (0.025, 0.975)
_LONGEST = 60


@dataclass(frozen=True)
class Profile:
    """A pilot's own years.

    Parameters
    ----------
    name : str
        What the school is called, else its number.
    start : str
        Its first period with the programme.
    periods : tuple of str
        All periods in the data.
    lower, upper : array (period)
        Bounds of its count; NaN where missing.
    exposure : array (period)
        Pupils, or what else rates are counted over.
    others : array (period)
        The comparison's rate per 100.
    """

    name: str
    start: str
    periods: tuple[str, ...]
    lower: NDArray[np.float64]
    upper: NDArray[np.float64]
    exposure: NDArray[np.float64]
    others: NDArray[np.float64]

    def rates(self) -> NDArray[np.float64]:
        """Return the least and most its rate per 100 can be, (2, period)."""
        with np.errstate(divide="ignore", invalid="ignore"):
            return 100 * np.array([self.lower, self.upper]) / self.exposure


def files(results: Results) -> dict[str, str]:
    """Return the file name, without its ending, of each pilot's page, by the pilot's number.

    It is the pilot's name in plain small letters, digits and hyphens; where that leaves nothing, or two pilots share
    it, its number joins it.
    """
    pilots: Mapping[str, Mapping[str, str]] = results.record("design/design")["pilots"]
    slugs = {pilot: _slug(about["name"] or pilot) for pilot, about in pilots.items()}
    made: dict[str, str] = {}
    for pilot, slug in slugs.items():
        alone = slug and list(slugs.values()).count(slug) == 1
        name = slug if alone else "-".join(part for part in (slug, _slug(pilot)) if part) or "pilot"
        while name in made.values():
            name += "-again"
        made[pilot] = name
    return made


def _slug(text: str) -> str:
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9]+", "-", plain).strip("-")[:_LONGEST].strip("-")


def profiles(results: Results, pilot: str = "") -> tuple[Profile, ...]:
    """Return a profile of every pilot on the primary outcome, by name: the order says nothing.

    Parameters
    ----------
    results : Results
    pilot : str
        Number of the one pilot whose profile is wanted; empty for all.

    Raises
    ------
    RenderError
        Under disclosure control: single schools stay inside. Where there is no such pilot.
    """
    if results.disclosure is not None:
        raise RenderError("Profiles show single schools' small counts and are not published.")
    if pilot and pilot not in results.record("design/design")["pilots"]:
        raise RenderError(
            f"There is no pilot {pilot!r} in these results. Give the number of one, or nothing for all."
        )
    design, key = results.record("design/design"), results.primary.estimand.indicator
    panel = Panel.from_netcdf(results.folder / "data" / "panel.nc").data.sel(indicator=key)
    paths = results.table(f"design/paths_{key}")
    others = paths[paths["group"] == "comparison"].set_index("period")["rate"]
    periods = tuple(str(period) for period in panel["period"].to_numpy())
    made = []
    for number in [pilot] if pilot else design["pilots"]:
        own, about = panel.sel(school=number), design["pilots"][number]
        lower, upper, exposure = (own[name].to_numpy().astype(float) for name in ("lower", "upper", "exposure"))
        rates = others.reindex(list(periods)).to_numpy(dtype=float)
        made.append(Profile(about["name"] or number, about["start"], periods, lower, upper, exposure, rates))
    return tuple(sorted(made, key=lambda one: one.name))


def purpose(results: Results) -> str:
    """Say for whom a page is, and what it is not."""
    level = results.record("design/design")["level"]
    return (
        f"For the people of one {level}. Its own years stand beside the mean of the {wording.unit(results)} it is compared "
        f"with. No pilot is set against another, and nothing here says whether one did well: the counts of one {level} are "
        "too small for that."
    )


def told(results: Results, profile: Profile) -> list[str]:
    """Return what can be said of one pilot: its own before and after beside the others', and what chance does."""
    what, units = results.indicator(results.primary.estimand.indicator), wording.unit(results)
    per, used = results.per(results.primary.estimand.indicator), _used(results, profile)
    late = np.array([period >= profile.start for period in profile.periods])
    before, after = (_mean_rate(profile, used & side) for side in (~late, late))
    known = used & np.isfinite(profile.others)
    theirs = [_shown(_mean(profile.others[known & side])) for side in (~late, late)]
    said = [
        f"Before the programme, {what} {per} a year: {before} here, {theirs[0]} in the comparison {units}.",
        f"Since {profile.start}: {after} here, {theirs[1]} in the comparison {units}.",
    ]
    expected = _expected(profile, used & ~late)
    low, high = _by_chance(expected)
    said.append(
        f"At this size and the rate before, about {numbers.decimal(expected, 1)} would be expected in a year. By chance alone, "
        f"any count from {low} to {high} would be no surprise in one year. So one year says little."
    )
    return said


def how_to_read(results: Results, profile: Profile) -> str:
    """Say what marks, bars and shades of a pilot's figure are."""
    design = results.record("design/design")
    grey = " Years in grey are left out of the comparison." if design["excluded"] else ""
    bar = "; a bar shows where it may lie, because a small count is hidden" if _hidden(profile) else ""
    return f"A diamond is this {design['level']}'s rate in one year{bar}. The dotted line is the start of the programme.{grey}"


def _hidden(profile: Profile) -> bool:
    return bool((profile.lower < profile.upper).any())


def figure(results: Results, profile: Profile) -> ReportFigure:
    """Draw one pilot's rate over the years as bars between its bounds, with the comparison's mean."""
    import matplotlib as mpl

    per = f"{results.indicator(results.primary.estimand.indicator)}\n{results.per(results.primary.estimand.indicator)}"
    low, high = profile.rates()
    at = np.arange(len(profile.periods))
    units, level = wording.unit(results), results.record("design/design")["level"]
    with mpl.rc_context(STYLE):
        drawn, axes = new_axes(3.0)
        axes.plot(
            at, profile.others, color=COMPARISON, marker="o", markersize=4, label=f"Comparison {units}, mean"
        )
        axes.plot(
            at, (low + high) / 2, color=PILOT, marker="D", markersize=5, linestyle="none", label=f"This {level}",
            clip_on=False, zorder=3,  # a year without any stands on the axis
        )  # fmt: skip
        axes.vlines(at, low, high, color=PILOT, linewidth=2)
        axes.axvline(profile.periods.index(profile.start) - 0.5, color=INK, linewidth=1, linestyle=":")
        for period in results.record("design/design")["excluded"]:
            if period in profile.periods:
                place = profile.periods.index(period)
                axes.axvspan(place - 0.5, place + 0.5, color="#e8e8e8", zorder=0, linewidth=0)
        axes.set_xticks(at, profile.periods, rotation=45, ha="right")
        axes.margins(y=0.12)
        axes.set(ylabel=per, ylim=(0, None))
        axes.legend(loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=2, fontsize=9)
        rows = [
            (period, _between(float(low[i]), float(high[i])), _shown(float(profile.others[i])))
            for i, period in enumerate(profile.periods)
        ]
        points = "; ".join(f"{period} {own} (comparison {theirs})" for period, own, theirs in rows)
        alt = f"Rate by year, between its bounds where the count is suppressed, with the comparison's mean. {points}."
        return finish(drawn, alt, ReportTable(("Year", profile.name, "Comparison, mean"), rows, numeric=(1, 2)))


def _used(results: Results, profile: Profile) -> NDArray[np.bool_]:
    periods = set(results.record("design/design")["periods"])
    counts = np.isfinite(profile.lower + profile.upper)
    pairs = zip(profile.periods, counts, profile.exposure, strict=True)
    return np.array([bool(known and size > 0) and period in periods for period, known, size in pairs])


def _mean_rate(profile: Profile, chosen: NDArray[np.bool_]) -> str:
    """Return the rate over some years together, between its bounds where counts are suppressed."""
    if not chosen.any():
        return "not known"
    size = profile.exposure[chosen].sum()
    return _between(100 * profile.lower[chosen].sum() / size, 100 * profile.upper[chosen].sum() / size)


def _between(low: float, high: float) -> str:
    if not np.isfinite(low + high):
        return "missing"
    one, other = numbers.decimal(low), numbers.decimal(high)
    return one if one == other else f"between {one} and {other}"


def _mean(values: NDArray[np.float64]) -> float:
    return float(values.mean()) if len(values) else np.nan


def _shown(value: float) -> str:
    return numbers.decimal(value) if np.isfinite(value) else "missing"


def _expected(profile: Profile, chosen: NDArray[np.bool_]) -> float:
    """Return the mean count of a year before the start, at the middle of bounds."""
    middle = (profile.lower + profile.upper)[chosen] / 2
    return float(middle.mean()) if chosen.any() else 0.0


def _by_chance(expected: float) -> tuple[int, int]:
    """Return the counts between which 95 % of years lie if nothing but chance moves them (Poisson)."""
    from scipy import stats

    low, high = (int(stats.poisson.ppf(share, expected)) if expected > 0 else 0 for share in _CHANCE)
    return low, high
