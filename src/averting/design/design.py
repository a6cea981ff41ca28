"""``Design``: a panel, plus who is a pilot, since when, against whom, over which periods."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from averting.checks import CheckResult
from averting.data import Panel
from averting.design.comparison import ComparisonRule, choose_comparison
from averting.design.events import default_events
from averting.design.one_sided import one_sided
from averting.errors import DesignError, Fault, UnitError, refuse
from averting.notebook import card
from averting.years import Period, covered

COVID_PERIODS = ("2019/20", "2020/21")
"""Academic years with school closures: left out of yearly data unless an evaluation says otherwise."""

FEW_COMPARISONS = 10


class Counts(NamedTuple):
    """One indicator as arrays over (school, period): pilots first, then comparison schools.

    ``lower`` and ``upper`` bound each count and ``exposure`` is what it is counted over; all three are NaN where
    the cell is missing. ``treated`` is true from each pilot's start. ``weights`` (school,) is 1 for pilots.
    """

    lower: NDArray[np.float64]
    upper: NDArray[np.float64]
    exposure: NDArray[np.float64]
    treated: NDArray[np.bool_]
    weights: NDArray[np.float64]


@dataclass(frozen=True, init=False)
class Design:
    """A comparison of pilots with schools that had no programme.

    Parameters
    ----------
    panel : Panel
        Counts and exposure by school and period.
    pilots : sequence of str, or mapping of str to str
        Pilot schools, or each pilot with its own first treated period. A school that was joined to a series may be
        named by its own id or the series'.
    start : str, optional
        First treated period of every pilot, for example ``2021/22`` or ``2021/22 Spring``; left out where
        ``pilots`` is a mapping. In termly data a year stands for its first term that the data have.
    comparison : "all", sequence of str, or a rule of this package
        Schools to compare with: every other school with complete data, a list, or a rule.
    exclude_periods : sequence of str, optional
        Periods to leave out, a year standing for its terms. By default what :func:`averting.design.default_events`
        leaves out, where the data have it: the two Covid years, and in termly data their terms with closures.
    weights : mapping of str to float, optional
        Weight of each comparison school, positive, in any units; they are scaled to a mean of 1. Schools without a
        weight are refused: leave them out of the comparison instead. A rule that weights schools itself leaves no
        room for others.

    Raises
    ------
    DesignError
        Listing every fault: a pilot not in the data, a start outside them, no period before or after, a
        comparison school that is a pilot, too few comparison schools, weights that are not positive or not of
        exactly the comparison schools.

    Examples
    --------
    >>> made = av.simulate_pilot(seed=1, pilots=2, comparison=12)
    >>> design = av.Design(made.panel(), pilots=list(made.pilots), start="2021/22", comparison="all")
    >>> design
    Design(2 pilots from 2021/22, 12 comparison schools, 10 periods used, 2 left out)
    """

    panel: Panel
    pilots: tuple[str, ...]
    starts: Mapping[str, str]
    comparison: tuple[str, ...]
    rule: str
    excluded: tuple[str, ...]
    weights: Mapping[str, float]
    checks: tuple[CheckResult, ...]

    def __init__(
        self,
        panel: Panel,
        pilots: Sequence[str] | Mapping[str, str],
        *,
        start: str | None = None,
        comparison: str | Sequence[str] | ComparisonRule = "all",
        exclude_periods: Sequence[str] | None = None,
        weights: Mapping[str, float] | None = None,
    ) -> None:
        starts = _first_terms(_followed(panel, _starts(pilots, start)), panel)
        asked = {period: covered(period, panel.periods) for period in _periods(exclude_periods, panel)}
        unknown = [period for period, found in asked.items() if not found and period not in COVID_PERIODS]
        faults = [_unknown_period("exclude_periods", period, panel) for period in unknown]
        excluded = {period for found in asked.values() for period in found}
        used = tuple(period for period in panel.periods if period not in excluded)
        faults += _pilot_faults(panel, starts, used)
        refuse(DesignError, "The design does not fit the data", faults)
        before = tuple(period for period in used if period < min(starts.values()))
        chosen, rule = choose_comparison(panel, tuple(starts), comparison, periods=used, before=before)
        given = _weights(weights, chosen)
        kept = panel.select(schools=(*starts, *chosen))
        for name, value in {
            "panel": kept,
            "pilots": tuple(starts),
            "starts": starts,
            "comparison": tuple(chosen),
            "rule": rule,
            "excluded": tuple(period for period in panel.periods if period in excluded),
            "weights": given,
        }.items():
            object.__setattr__(self, name, value)
        object.__setattr__(self, "checks", _design_checks(self))

    @property
    def periods(self) -> tuple[str, ...]:
        """Periods used, in order."""
        return tuple(period for period in self.panel.periods if period not in self.excluded)

    @property
    def schools(self) -> tuple[str, ...]:
        """Pilots, then comparison schools."""
        return (*self.pilots, *self.comparison)

    @property
    def common_start(self) -> str | None:
        """First treated period where all pilots share it, else None."""
        first = set(self.starts.values())
        return first.pop() if len(first) == 1 else None

    @property
    def weighted(self) -> bool:
        """Whether comparison schools differ in weight."""
        return len(set(self.weights.values())) > 1

    @property
    def effective_comparison(self) -> float:
        """How many comparison schools of equal weight would tell as much: (sum w)^2 / sum w^2 (Kish, 1965)."""
        weights = np.array(list(self.weights.values()))
        return float(weights.sum() ** 2 / (weights**2).sum())

    @property
    def treated_periods(self) -> tuple[str, ...]:
        """Periods used in which at least one pilot is treated."""
        first = min(self.starts.values())
        return tuple(period for period in self.periods if period >= first)

    def counts(self, indicator: str) -> Counts:
        """Return one indicator as arrays over (school, period).

        Raises
        ------
        DesignError
            If the panel does not have the indicator.
        """
        if indicator not in self.panel.indicators:
            raise DesignError(f"'{indicator}' is not in the data, which have: {', '.join(self.panel.indicators)}.")
        cells = self.panel.data.sel(school=list(self.schools), period=list(self.periods))
        exposure = cells["exposure"].transpose("school", "period").to_numpy()
        bounds = [
            cells[name].sel(indicator=indicator).transpose("school", "period").to_numpy()
            for name in ("lower", "upper")
        ]
        missing = ~np.isfinite(bounds[1]) | ~np.isfinite(exposure) | (exposure <= 0)
        lower, upper, exposure = (
            np.where(missing, np.nan, array).astype(np.float64) for array in (*bounds, exposure)
        )
        treated = np.zeros(lower.shape, dtype=bool)
        for row, pilot in enumerate(self.pilots):
            treated[row] = [period >= self.starts[pilot] for period in self.periods]
        weights = np.array([1.0] * len(self.pilots) + [self.weights[school] for school in self.comparison])
        return Counts(lower, upper, exposure, treated, weights)

    def covariates(self, names: Sequence[str]) -> NDArray[np.float64]:
        """Return covariates as an array (school, period, covariate), NaN where not known.

        Raises
        ------
        DesignError
            If the panel does not have one of them.
        """
        unknown = [name for name in names if name not in self.panel.covariates]
        if unknown:
            had = ", ".join(self.panel.covariates) or "no covariates; name them when reading the file"
            raise DesignError(f"'{unknown[0]}' is not among the data's covariates, which have: {had}.")
        if not names:
            return np.empty((len(self.schools), len(self.periods), 0))
        cells = self.panel.data["covariates"].sel(
            covariate=list(names), school=list(self.schools), period=list(self.periods)
        )
        return np.asarray(cells.transpose("school", "period", "covariate").to_numpy(), dtype=np.float64)

    def __repr__(self) -> str:
        start = self.common_start or "staggered"
        return (
            f"Design({len(self.pilots)} pilots from {start}, {len(self.comparison)} comparison schools, "
            f"{len(self.periods)} periods used, {len(self.excluded)} left out)"
        )

    def _repr_html_(self) -> str:
        """Return who is compared with whom, from when, and what calls for attention."""
        facts = {
            "pilots": ", ".join(f"{pilot} from {self.starts[pilot]}" for pilot in self.pilots),
            "compared with": f"{len(self.comparison):,} {self.panel.units}: {self.rule}",
            "periods": f"{self.periods[0]} to {self.periods[-1]}, without {', '.join(self.excluded) or 'none'}",
        }
        return card(f"Design: {len(self.pilots)} pilots", facts, checks=self.checks)


def _periods(periods: Sequence[str] | None, panel: Panel) -> tuple[str, ...]:
    if periods is None:
        return tuple(label for event in default_events() for label in event.within(panel.periods))
    try:
        return tuple(period.label for period in sorted({Period.parse(period) for period in periods}))
    except UnitError as error:
        raise DesignError(f"exclude_periods: {error.message}") from error


def _starts(pilots: Sequence[str] | Mapping[str, str], start: str | None) -> dict[str, str]:
    if isinstance(pilots, str):
        raise DesignError('pilots must be a list of schools, even if there is only one: ["111429"].')
    if isinstance(pilots, Mapping):
        if start is not None:
            raise DesignError("Give one start, or a start with each pilot, not both.")
        given = {str(pilot): first for pilot, first in pilots.items()}
    else:
        if start is None:
            raise DesignError("The design has no start. Give the first treated period, for example '2021/22'.")
        repeated = sorted({str(pilot) for pilot in pilots if list(pilots).count(pilot) > 1})
        if repeated:
            raise DesignError(f"pilots lists a school more than once: {', '.join(repeated)}.")
        given = {str(pilot): start for pilot in pilots}
    if not given:
        raise DesignError("The design has no pilots. Name at least one school.")
    try:
        return {pilot: Period.parse(first).label for pilot, first in given.items()}
    except UnitError as error:
        raise DesignError(f"start: {error.message}") from error


def _weights(given: Mapping[str, float] | None, chosen: Mapping[str, float]) -> dict[str, float]:
    """Return each comparison school's weight, the rule's own where none is given, scaled to a mean of 1."""
    if given is not None and len(set(chosen.values())) > 1:
        raise DesignError(
            "The comparison rule weights schools itself. Leave weights out, or give a list of schools."
        )
    weights, comparison = chosen if given is None else given, tuple(chosen)
    stray, without = sorted(set(weights) - set(comparison)), sorted(set(comparison) - set(weights))
    if stray or without:
        what = (
            f"a weight for {stray[0]}, which is no comparison school" if stray else f"no weight for {without[0]}"
        )
        raise DesignError(f"weights have {what}. Give one weight for each comparison school.")
    wrong = [school for school in comparison if not (np.isfinite(weights[school]) and weights[school] > 0)]
    if wrong:
        raise DesignError(f"the weight of {wrong[0]} is {weights[wrong[0]]}; weights are finite and above 0.")
    mean = sum(weights[school] for school in comparison) / len(comparison)
    return {school: float(weights[school] / mean) for school in comparison}


def _first_terms(starts: Mapping[str, str], panel: Panel) -> dict[str, str]:
    """Let a year stand for its first term, where the data are by term."""
    return {pilot: next(iter(covered(first, panel.periods)), first) for pilot, first in starts.items()}


def _followed(panel: Panel, starts: dict[str, str]) -> dict[str, str]:
    """Call each pilot by the id of the series it was joined to; pilots of one series must start together."""
    found: dict[str, str] = {}
    for pilot, first in starts.items():
        (series,) = panel.ids([pilot])
        if found.setdefault(series, first) != first:
            raise DesignError(
                f"Pilot {pilot} starts in {first}, but belongs to the joined series {series}, which another pilot "
                f"starts in {found[series]}. Give both one start, or name the series once."
            )
    return found


def _unknown_period(where: str, period: str, panel: Panel) -> Fault:
    kind = " by term" if panel.termly else ""
    fix = f"The data run{kind} from {panel.periods[0]} to {panel.periods[-1]}."
    return Fault(where, f"{period} is not in the data", fix)


def _pilot_faults(panel: Panel, starts: Mapping[str, str], used: tuple[str, ...]) -> list[Fault]:
    faults = []
    known = set(panel.schools)
    for pilot, first in starts.items():
        if pilot not in known:
            faults.append(
                Fault(
                    f"pilot {pilot}",
                    "this school is not in the data",
                    f"Identifiers look like {panel.schools[0]}; check for a new URN after conversion or merger.",
                )
            )
        if not _inside(first, panel):
            faults.append(_unknown_period(f"start of pilot {pilot}", first, panel))
        elif not any(period < first for period in used):
            faults.append(Fault(f"start of pilot {pilot}", f"no period before {first} is used", _BOTH_SIDES))
        elif not any(period >= first for period in used):
            faults.append(Fault(f"start of pilot {pilot}", f"no period from {first} on is used", _BOTH_SIDES))
        elif pilot in known:
            faults += one_sided(panel, pilot, first, used)
    return faults


def _inside(first: str, panel: Panel) -> bool:
    """Whether a start lies within the data, and is a term where, and only where, they are by term."""
    start, periods = Period.parse(first), [Period.parse(period) for period in panel.periods]
    return periods[0] <= start <= periods[-1] and (start.term is not None) == panel.termly


_BOTH_SIDES = "A comparison needs at least one period before and one from the start; see exclude_periods."


def _design_checks(design: Design) -> tuple[CheckResult, ...]:
    few = len(design.comparison) < FEW_COMPARISONS
    before = [period for period in design.periods if period < min(design.starts.values())]
    excluded = ", ".join(design.excluded) or "none"
    weighted = (_effective_check(design),) if design.weighted else ()
    return (
        CheckResult(
            "design/comparison_schools",
            "warn" if few else "pass",
            f"{len(design.comparison)} comparison {design.panel.units} ({design.rule}); fewer than {FEW_COMPARISONS} leave "
            "little to judge chance by.",
            "Widen the comparison rule." if few else "",
        ),
        *weighted,
        CheckResult(
            "design/pre_periods",
            "warn" if len(before) < 3 else "pass",
            f"{len(before)} periods before the first start; with fewer than three, earlier trends cannot be seen.",
            "Add earlier years." if len(before) < 3 else "",
        ),
        CheckResult("design/excluded_periods", "info", f"Periods left out: {excluded}."),
    )


def _effective_check(design: Design) -> CheckResult:
    """Say how many equally weighted schools would tell as much, and how much hangs on the heaviest."""
    few = design.effective_comparison < FEW_COMPARISONS
    largest = max(design.weights.values()) / len(design.comparison)
    return CheckResult(
        "design/effective_comparison",
        "warn" if few else "pass",
        f"Weighted, the {len(design.comparison)} comparison {design.panel.units} tell as much as "
        f"{design.effective_comparison:.1f} of equal weight; the heaviest has {largest:.0%} of all weight. Fewer than "
        f"{FEW_COMPARISONS} leave little to judge chance by.",
        "Match fewer measures, or widen the donor pool." if few else "",
    )
