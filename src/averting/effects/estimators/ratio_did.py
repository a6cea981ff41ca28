"""Ratio difference-in-differences, judged by permuting which schools are pilots.

The estimate is the pilots' ratio of rates, after over before, divided by the comparison schools'. Few pilots
cannot carry a standard error, so chance is judged by asking how unusual the true pilots are among sets of
as many schools that hold no pilot. The statistic conditions on each school's total and is studentised, so that the
comparison stays fair when pilots are larger, or exclude more, than the rest.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from averting.checks import CheckResult
from averting.design import Counts, Design
from averting.draws import stream
from averting.effects.diagnostics.areas import Areas, areas_check, judge_areas
from averting.effects.diagnostics.detectable import detectable_reduction, detection_check
from averting.effects.estimator import Estimator, Request
from averting.effects.filled import FilledCounts, Judge, Permuted, Redrawn
from averting.effects.kernels.inversion import accepted_interval, confidence_draws
from averting.effects.kernels.parametric import comparison_noise
from averting.effects.kernels.permutation import lower_mid_p, reference_sets, two_sided_p
from averting.effects.outcomes import label_change, label_draws, pilots_in_words, since_when
from averting.effects.result import Effect, Estimand
from averting.errors import EstimationError

MOST_SETS = 20_000
"""Sets are listed one by one up to this number, and drawn at random beyond it."""

REDRAWN = 999
"""Panels redrawn by ``inference="bootstrap"``."""


class _Cohorts(NamedTuple):
    """Pilots by when they start: each pilot's cohort (pilot,), and where each cohort is treated (cohort, period)."""

    of_pilot: NDArray[np.intp]
    after: NDArray[np.bool_]

    @classmethod
    def of(cls, counts: Counts, pilots: int) -> _Cohorts:
        after, cohort = np.unique(counts.treated[:pilots], axis=0, return_inverse=True)
        return cls(cohort.ravel().astype(np.intp), after)


def _refuse_unusable(design: Design, counts: Counts, cohorts: _Cohorts, indicator: str) -> None:
    pilots, units = len(design.pilots), design.panel.units
    seen, events = np.isfinite(counts.upper), np.nan_to_num(counts.upper)
    for number, after in enumerate(cohorts.after):
        start = design.periods[int(after.argmax())]
        rows = np.append(np.flatnonzero(cohorts.of_pilot == number), np.arange(pilots, len(seen)))
        empty = [design.schools[row] for row in rows if not (seen[row, after].any() and seen[row, ~after].any())]
        if empty:
            raise EstimationError(
                f"ratio_did: no {indicator} is known before, or none after, {start} for "
                f"{', '.join(empty[:5])}. Leave them out, or use a balanced comparison rule."
            )
        if events[pilots:][:, ~after].sum() == 0 or events[pilots:][:, after].sum() == 0:
            raise EstimationError(
                f"ratio_did: the comparison {units} have no {indicator} before or after {start}."
            )
    if (events[:pilots] * ~counts.treated[:pilots]).sum() == 0:
        raise EstimationError(
            f"ratio_did: the pilots have no {indicator} before {_start(design)}, so no ratio can be formed."
        )


def _start(design: Design) -> str:
    return design.common_start or "their start"


def _fills(counts: Counts, cohorts: _Cohorts, judge: Callable[[FilledCounts], Judge]) -> dict[str, FilledCounts]:
    """Fill suppressed cells so as to favour the programme, in the middle, and against it.

    The ratio grows with pilots' events after and comparison schools' before, and falls with the others, so the
    two extremes bound it over every fill. Between two starts a comparison school's cell is after for one cohort and
    before for the other: each takes the end that is worse for it, which bounds more than any one fill.
    """
    few = len(cohorts.of_pilot)
    is_pilot = np.arange(len(counts.lower)) < few
    raises = is_pilot[None, :, None] == cohorts.after[:, None, :]
    lower, upper = (np.broadcast_to(bound, raises.shape) for bound in (counts.lower, counts.upper))
    fills = {"middle": 0.5 * (lower + upper)}
    if not np.array_equal(counts.lower, counts.upper, equal_nan=True):
        fills["favourable"] = np.where(raises, lower, upper)
        fills["unfavourable"] = np.where(raises, upper, lower)
    bare = {
        name: FilledCounts(filled, counts.exposure, cohorts.after, cohorts.of_pilot)
        for name, filled in fills.items()
    }
    return {name: replace(fill, judge=judge(fill)) for name, fill in bare.items()}


def _redrawn(fill: FilledCounts, seed: int) -> Redrawn:
    rest = slice(fill.pilots, None)
    noise = comparison_noise(
        fill.before[0, rest],
        fill.after[0, rest],
        fill.offset[0, rest],
        draws=REDRAWN,
        rng=stream(seed, "ratio_did/noise"),
    )
    return Redrawn(fill.pilots, noise, seed)


class _Reference(NamedTuple):
    """What pilots are compared with: a judge for each fill, how many references, of which kind, in words."""

    judge: Callable[[FilledCounts], Judge]
    number: int
    distinct: int
    exact: bool
    words: str


def _reference(design: Design, request: Request, areas: Areas | None, cohorts: _Cohorts) -> _Reference:
    if request.inference == "bootstrap":
        if len(cohorts.after) > 1:
            raise EstimationError(
                "ratio_did: inference 'bootstrap' needs pilots that start together. Use inference='permutation'."
            )
        words = "parametric bootstrap of the pilots' counts under no effect, given their totals"
        number = REDRAWN + 1
        return _Reference(lambda fill: _redrawn(fill, request.seed), number, number, False, words)
    start = f"permutation of which {design.panel.units} are pilots, studentised conditional score, "
    if areas is not None and areas.sets is not None:
        sets, exact = areas.sets, False
        words = start + "sets drawn at random with the pilots' split over local authorities"
    else:
        rng = stream(request.seed, f"effects/ratio_did/{request.indicator}/sets")
        sets, exact = reference_sets(len(design.schools), len(design.pilots), most=MOST_SETS, rng=rng)
        words = start + ("every set listed" if exact else "sets drawn at random")
    distinct = len(sets) if exact else len(np.unique(np.sort(sets, axis=1), axis=0))
    if len(cohorts.after) > 1:
        # who of a set takes which start is drawn too
        rng = stream(request.seed, f"effects/ratio_did/{request.indicator}/starts")
        sets = np.concatenate([sets[:1], rng.permuted(sets[1:], axis=1)])
        words += ", starts dealt out at random"
    permuted = Permuted(sets, cohorts.of_pilot)
    return _Reference(lambda fill: permuted, len(sets), distinct, exact, words)


def _ratio_interval(fills: dict[str, FilledCounts], alpha: float) -> tuple[float, float]:
    ends = [
        accepted_interval(fill.p_at_ratio, fill.ratio_curve.log_ratio, alpha, on_grid=fill.ratio_curve.two_sided)
        for fill in fills.values()
    ]
    # a fill that rejects every ratio (NaN) adds nothing to what the others accept
    lower, upper = np.fmin.reduce([end[0] for end in ends]), np.fmax.reduce([end[1] for end in ends])
    return float(np.exp(lower)), float(np.exp(upper))


def _p_value(fills: dict[str, FilledCounts]) -> float:
    """Largest p-value of no effect over the fills; 1 where they fall on both sides of it, as one between would."""
    statistics = np.concatenate([fill.statistics_at_ratio(np.zeros(1)) for fill in fills.values()])
    if statistics[:, 0].min() < 0 < statistics[:, 0].max():
        return 1.0
    return float(two_sided_p(statistics).max())


def _draw_effects(
    fills: dict[str, FilledCounts], draws: int, seed: int, indicator: str
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return ratio draws (draw,) and change draws (draw, pilot, period), shared equally by the extreme fills."""
    used = [fill for name, fill in fills.items() if name != "middle"] or list(fills.values())
    sizes = [len(part) for part in np.array_split(np.arange(draws), len(used))]
    ratios: list[NDArray[np.float64]] = []
    changes: list[NDArray[np.float64]] = []
    for fill, size in zip(used, sizes, strict=True):
        rng = stream(seed, f"effects/ratio_did/{indicator}/{len(ratios)}")
        curve = fill.ratio_curve
        ratios.append(np.exp(confidence_draws(curve.log_ratio, curve.lower_mid, size, rng)))
        grid = fill.counterfactual_grid()
        above = lower_mid_p(-fill.statistics_at_counterfactual(grid))
        without = confidence_draws(grid, above, size, rng)
        own = fill.counts[fill.cohort, np.arange(fill.pilots)]
        observed = np.where(fill.treated, np.nan_to_num(own), 0.0)
        changes.append(observed - without[:, None, None] * fill.counterfactual_shares)
    return np.concatenate(ratios), np.concatenate(changes)


def _reference_check(design: Design, reference: _Reference, alpha: float) -> CheckResult:
    smallest = 1.0 / reference.distinct
    blind = smallest > alpha
    few, plural = len(design.pilots), design.panel.units
    if reference.words.startswith("parametric"):
        said = f"{reference.number - 1:,} redrawn panels were compared"
    else:
        kind = "all" if reference.exact else "a random sample of"
        of = f"{few} {design.panel.level if few == 1 else plural}"
        said = f"{kind} {reference.number:,} sets of {of} were compared"
    return CheckResult(
        "ratio_did/permutations",
        "fail" if blind else "pass",
        f"{said}; the smallest p-value this design can give is {smallest:.3g}.",
        f"No result of this design could be significant at {alpha:.3g}: add comparison {plural}." if blind else "",
    )


def _checks(design: Design, counts: Counts, interval: tuple[float, float]) -> list[CheckResult]:
    suppressed = int((counts.upper > counts.lower).sum())
    cells = int(np.isfinite(counts.upper).sum())
    unbounded = not np.isfinite(interval[1])
    return [
        CheckResult(
            "ratio_did/suppression",
            "warn" if suppressed else "pass",
            f"{suppressed} of {cells} cells are suppressed; the interval covers the fills that favour and oppose "
            "the programme most."
            if suppressed
            else "No cell is suppressed.",
        ),
        CheckResult(
            "ratio_did/bounded",
            "warn" if unbounded else "pass",
            "The data set no upper limit to the ratio." if unbounded else "The interval is bounded.",
        ),
    ]


def _estimand(design: Design, indicator: str) -> Estimand:
    return Estimand(
        indicator,
        contrast="rate with the programme over the rate without it",
        population=f"{pilots_in_words(design)}, {since_when(design)}",
        scale="ratio",
    )


def _permutation_table(fill: FilledCounts) -> pd.DataFrame:
    statistics = fill.statistics_at_ratio(np.zeros(1))[0]
    return pd.DataFrame({"statistic": statistics, "is_pilots": np.arange(len(statistics)) == 0})


def _detectable(counts: Counts, middle: FilledCounts, request: Request) -> pd.DataFrame:
    """Simulate what could have been detected; staggered pilots are taken to start with the largest cohort."""
    largest = int(np.bincount(middle.cohort).argmax())
    after = middle.after_periods[largest]
    alike = FilledCounts(
        middle.counts[[largest]], middle.exposure, after[None], np.zeros(middle.pilots, dtype=np.intp)
    )
    hidden = 0.5 * np.nan_to_num(counts.upper - counts.lower)
    return detectable_reduction(
        alike.before[0],
        alike.after[0],
        alike.offset[0],
        pilots=middle.pilots,
        level=request.level,
        rng=stream(request.seed, f"power/{request.indicator}"),
        hidden_before=hidden[:, ~after].sum(1),
        hidden_after=hidden[:, after].sum(1),
    )


def fit(design: Design, request: Request) -> Effect:
    """Estimate the pilots' rate ratio and judge it by permutation.

    Returns
    -------
    Effect
        Scale ``ratio``; ``interval`` inverts the permutation test of each supposed ratio; ``draws`` follow the
        test's confidence distribution; ``change`` inverts the test of each supposed number of events without
        the programme. With suppressed counts, ``p_value`` and ``interval`` are the widest over three fills, and
        ``p_value`` is 1 where the fills lie on both sides of no effect.

    Raises
    ------
    EstimationError
        Without events to compare.
    """
    indicator, draws, seed = request.indicator, request.draws, request.seed
    counts = design.counts(indicator)
    pilots = len(design.pilots)
    cohorts = _Cohorts.of(counts, pilots)
    _refuse_unusable(design, counts, cohorts, indicator)
    areas = judge_areas(design, rng=stream(seed, "effects/ratio_did/areas"))
    reference = _reference(design, request, areas, cohorts)
    permuted = request.inference == "permutation"
    what = f"permuting which {design.panel.units} are pilots" if permuted else "redrawing the pilots' counts"
    request.progress(f"{what}: {reference.number:,} {'sets' if permuted else 'panels'}")
    fills = _fills(counts, cohorts, reference.judge)
    interval = _ratio_interval(fills, request.alpha)
    p_value = _p_value(fills)
    ratio, change = _draw_effects(fills, draws, seed, indicator)
    request.progress("finding what could have been detected")
    detectable = _detectable(counts, fills["middle"], request)
    checks = [
        *design.checks,
        _reference_check(design, reference, request.alpha),
        areas_check(areas, permuted=permuted, units=design.panel.units),
        *_checks(design, counts, interval),
        detection_check(detectable, units=design.panel.units),
    ]
    return Effect(
        estimand=_estimand(design, indicator),
        method="ratio_did",
        inference=reference.words,
        estimate=fills["middle"].estimate,
        interval=interval,
        level=request.level,
        draws=label_draws(ratio, "ratio"),
        draw_kind="confidence",
        change=label_change(change, design),
        p_value=p_value,
        checks=tuple(checks),
        tables={"permutation": _permutation_table(fills["middle"]), "detectable": detectable},
    )


ESTIMATOR = Estimator(
    label="Ratio difference-in-differences, permuted",
    assumption="Without the programme, pilots' rates would have changed in the same proportion as comparison "
    "schools' rates, up to differences between schools of the size seen among comparison schools.",
    inferences=("permutation", "bootstrap"),
    supports=frozenset({"staggered"}),
    reference="Fisher (1935); conditional score after Cox and Hinkley (1974), beta-binomial by moments after "
    "Williams (1982)",
    fit=fit,
)
