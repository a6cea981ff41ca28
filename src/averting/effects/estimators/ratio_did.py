"""Ratio difference-in-differences, judged by permuting which schools are pilots.

The estimate is the pilots' ratio of rates, after over before, divided by the comparison schools'. Few pilots
cannot carry a standard error, so chance is judged by asking how unusual the true pilots are among every set of
schools of that number. The statistic conditions on each school's total and is studentised, so that the
comparison stays fair when pilots are larger, or exclude more, than the rest.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import NDArray

from averting import units
from averting.checks import CheckResult
from averting.design import Counts, Design
from averting.draws import stream
from averting.effects.diagnostics.detectable import detectable_reduction, detection_check
from averting.effects.estimator import Estimator, Request
from averting.effects.kernels.conditional import Array, Scores, unit_scores
from averting.effects.kernels.inversion import accepted_interval, confidence_draws
from averting.effects.kernels.permutation import lower_mid_p, set_statistics, treated_sets, two_sided_p
from averting.effects.outcomes import label_change
from averting.effects.result import Effect, Estimand
from averting.errors import EstimationError

MOST_SETS = 20_000
"""Sets are listed one by one up to this number, and drawn at random beyond it."""

_LOG_RATIOS = np.linspace(-5.0, 5.0, 201)
_COUNTERFACTUAL_POINTS = 201
_CELLS_AT_ONCE = 1_000_000  # of (grid, set)


class _Curve(NamedTuple):
    """P-values of supposed log ratios, each (g,): two-sided, and one-sided mid-p that falls along the grid."""

    log_ratio: Array
    two_sided: Array
    lower_mid: Array


@dataclass(frozen=True)
class _Fill:
    """Counts with every suppressed cell set to one value, and the test they allow; schools are pilots first."""

    counts: NDArray[np.float64]
    exposure: NDArray[np.float64]
    after_periods: NDArray[np.bool_]
    pilots: int
    sets: NDArray[np.intp]

    @cached_property
    def before(self) -> Array:
        return np.nansum(self.counts[:, ~self.after_periods], axis=1)

    @cached_property
    def after(self) -> Array:
        return np.nansum(self.counts[:, self.after_periods], axis=1)

    @cached_property
    def offset(self) -> Array:
        known = np.where(np.isnan(self.counts), 0.0, self.exposure)
        return np.log(known[:, self.after_periods].sum(1)) - np.log(known[:, ~self.after_periods].sum(1))

    @cached_property
    def estimate(self) -> float:
        expected = (self.before * np.exp(self.offset))[self.pilots :].sum()
        scaled = self.after[: self.pilots].sum() * expected
        compared = self.expected_pilots.sum() * self.after[self.pilots :].sum()
        return float(scaled / compared) if compared > 0 else np.inf

    @cached_property
    def expected_pilots(self) -> Array:
        return (self.before * np.exp(self.offset))[: self.pilots]

    @cached_property
    def counterfactual_shares(self) -> NDArray[np.float64]:
        """Share of the pilots' counterfactual events by pilot and treated period; sums to one.

        A pilot's own rate before the start, drawn towards the pilots' common rate with the weight of one
        period, follows the comparison schools' path.
        """
        seen = np.where(np.isnan(self.counts), 0.0, self.exposure)
        exposed = seen[: self.pilots, ~self.after_periods].sum(1)
        common = self.before[: self.pilots].sum() / exposed.sum()
        one_period = exposed / (~self.after_periods).sum()
        rate = (self.before[: self.pilots] + common * one_period) / (exposed + one_period)
        if common == 0:  # a fill without events before: exposure alone tells the pilots apart
            rate = np.ones(self.pilots)
        events, pupils = np.nansum(self.counts[self.pilots :], axis=0), seen[self.pilots :].sum(0)
        # where no comparison school is known, the path is level with all years from the start
        level = events[self.after_periods].sum() / pupils[self.after_periods].sum()
        path = np.where(pupils > 0, events / np.maximum(pupils, 1.0), level)
        cells = rate[:, None] * seen[: self.pilots] * path
        cells[:, ~self.after_periods] = 0.0
        if cells.sum() <= 0:  # no event in any comparison school after the start: follow exposure alone
            cells = rate[:, None] * seen[: self.pilots] * self.after_periods
        shares: NDArray[np.float64] = cells / cells.sum()
        return shares

    def _statistics(self, after: Array, offset: Array) -> Array:
        scores = unit_scores(self.before, after, offset)
        step = max(1, _CELLS_AT_ONCE // len(self.sets))
        rows = range(0, len(scores.score), step)
        parts = [Scores(scores.score[i : i + step], scores.variance[i : i + step]) for i in rows]
        return np.concatenate([set_statistics(part, self.sets) for part in parts])

    def statistics_at_ratio(self, log_ratio: Array) -> Array:
        """Statistics of all sets supposing each log ratio, (g,) to (g, set)."""
        offset = np.tile(self.offset, (len(log_ratio), 1))
        offset[:, : self.pilots] += log_ratio[:, None]
        return self._statistics(np.broadcast_to(self.after, offset.shape), offset)

    def p_at_ratio(self, log_ratio: Array) -> Array:
        """Two-sided p-value of each supposed log ratio, (g,) to (g,)."""
        return two_sided_p(self.statistics_at_ratio(log_ratio))

    @cached_property
    def ratio_curve(self) -> _Curve:
        """The test over the grid and at the estimate, which an interval narrower than a step would else miss."""
        centre = np.clip(np.log(max(self.estimate, 1e-9)), _LOG_RATIOS[0], _LOG_RATIOS[-1])
        grid = np.union1d(_LOG_RATIOS, [centre])
        statistics = self.statistics_at_ratio(grid)
        return _Curve(grid, two_sided_p(statistics), lower_mid_p(statistics))

    def statistics_at_counterfactual(self, events: Array) -> Array:
        """Statistics of all sets supposing the pilots' events without the programme, (g,) to (g, set)."""
        after = np.tile(self.after, (len(events), 1))
        after[:, : self.pilots] = events[:, None] * self.counterfactual_shares.sum(1)
        return self._statistics(after, np.broadcast_to(self.offset, after.shape))

    def counterfactual_grid(self) -> Array:
        largest = 10.0 + 6.0 * max(self.after[: self.pilots].sum(), self.expected_pilots.sum())
        return np.linspace(0.0, largest, _COUNTERFACTUAL_POINTS)


def _refuse_unusable(design: Design, counts: Counts, indicator: str) -> None:
    pilots = len(design.pilots)
    after = counts.treated[0]
    empty = [
        school
        for school, seen in zip(design.schools, np.isfinite(counts.upper), strict=True)
        if not (seen[after].any() and seen[~after].any())
    ]
    if empty:
        raise EstimationError(
            f"ratio_did: no {indicator} is known before, or none after, {design.common_start} for "
            f"{', '.join(empty[:5])}. Leave them out, or use a balanced comparison rule."
        )
    events = np.nan_to_num(counts.upper)
    if events[:pilots][:, ~after].sum() == 0:
        raise EstimationError(
            f"ratio_did: the pilots have no {indicator} before {design.common_start}, so no ratio can be formed."
        )
    if events[pilots:][:, ~after].sum() == 0 or events[pilots:][:, after].sum() == 0:
        raise EstimationError(
            f"ratio_did: the comparison schools have no {indicator} before or after {design.common_start}."
        )


def _fills(counts: Counts, pilots: int, sets: NDArray[np.intp]) -> dict[str, _Fill]:
    """Fill suppressed cells so as to favour the programme, in the middle, and against it.

    The ratio grows with pilots' events after and comparison schools' before, and falls with the others, so the
    two extremes bound it over every fill.
    """
    after = counts.treated[0]
    is_pilot = np.arange(len(counts.lower)) < pilots
    raises = is_pilot[:, None] == after[None, :]
    lowest = np.where(raises, counts.lower, counts.upper)
    highest = np.where(raises, counts.upper, counts.lower)
    fills = {"middle": 0.5 * (counts.lower + counts.upper)}
    if not np.array_equal(counts.lower, counts.upper, equal_nan=True):
        fills |= {"favourable": lowest, "unfavourable": highest}
    return {name: _Fill(filled, counts.exposure, after, pilots, sets) for name, filled in fills.items()}


def _ratio_interval(fills: dict[str, _Fill], alpha: float) -> tuple[float, float]:
    ends = [
        accepted_interval(fill.p_at_ratio, fill.ratio_curve.log_ratio, alpha, on_grid=fill.ratio_curve.two_sided)
        for fill in fills.values()
    ]
    # a fill that rejects every ratio (NaN) adds nothing to what the others accept
    lower, upper = np.fmin.reduce([end[0] for end in ends]), np.fmax.reduce([end[1] for end in ends])
    return float(np.exp(lower)), float(np.exp(upper))


def _p_value(fills: dict[str, _Fill]) -> float:
    """Largest p-value of no effect over the fills; 1 where they fall on both sides of it, as one between would."""
    statistics = np.concatenate([fill.statistics_at_ratio(np.zeros(1)) for fill in fills.values()])
    if statistics[:, 0].min() < 0 < statistics[:, 0].max():
        return 1.0
    return float(two_sided_p(statistics).max())


def _draw_effects(
    fills: dict[str, _Fill], draws: int, seed: int, indicator: str
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
        observed = np.where(fill.after_periods, np.nan_to_num(fill.counts[: fill.pilots]), 0.0)
        changes.append(observed - without[:, None, None] * fill.counterfactual_shares)
    return np.concatenate(ratios), np.concatenate(changes)


def _checks(
    design: Design, counts: Counts, exact: bool, sets: int, interval: tuple[float, float], alpha: float
) -> list[CheckResult]:
    smallest = 1.0 / sets
    blind = smallest > alpha
    suppressed = int((counts.upper > counts.lower).sum())
    cells = int(np.isfinite(counts.upper).sum())
    unbounded = not np.isfinite(interval[1])
    kind = "all" if exact else "a random sample of"
    return [
        *design.checks,
        CheckResult(
            "ratio_did/permutations",
            "fail" if blind else "pass",
            f"{kind} {sets:,} sets of {len(design.pilots)} schools were compared; the smallest p-value this "
            f"design can give is {smallest:.3g}.",
            f"No result of this design could be significant at {alpha:.3g}: add comparison schools."
            if blind
            else "",
        ),
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


def _permutation_table(fill: _Fill) -> pd.DataFrame:
    statistics = fill.statistics_at_ratio(np.zeros(1))[0]
    return pd.DataFrame({"statistic": statistics, "is_pilots": np.arange(len(statistics)) == 0})


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
    _refuse_unusable(design, counts, indicator)
    pilots = len(design.pilots)
    rng = stream(seed, f"effects/ratio_did/{indicator}/sets")
    sets, exact = treated_sets(len(design.schools), np.arange(pilots), most=MOST_SETS, rng=rng)
    fills = _fills(counts, pilots, sets)
    request.progress(f"permuting which schools are pilots: {len(sets):,} sets")
    interval = _ratio_interval(fills, request.alpha)
    p_value = _p_value(fills)
    ratio, change = _draw_effects(fills, draws, seed, indicator)
    request.progress("finding what could have been detected")
    middle = fills["middle"]
    hidden = 0.5 * np.nan_to_num(counts.upper - counts.lower)
    detectable = detectable_reduction(
        middle.before,
        middle.after,
        middle.offset,
        pilots=pilots,
        level=request.level,
        rng=stream(seed, f"power/{indicator}"),
        hidden_before=hidden[:, ~counts.treated[0]].sum(1),
        hidden_after=hidden[:, counts.treated[0]].sum(1),
    )
    checks = [*_checks(design, counts, exact, len(sets), interval, request.alpha), detection_check(detectable)]
    return Effect(
        estimand=Estimand(
            indicator,
            contrast="rate with the programme over the rate without it",
            population=f"{pilots} pilot schools, {design.common_start} on",
            scale="ratio",
        ),
        method="ratio_did",
        inference="permutation of which schools are pilots, studentised conditional score, "
        + ("every set listed" if exact else "sets drawn at random"),
        estimate=middle.estimate,
        interval=interval,
        level=request.level,
        draws=units.label(xr.DataArray(ratio, dims="draw", coords={"draw": np.arange(draws)}), "ratio"),
        draw_kind="confidence",
        change=label_change(change, design),
        p_value=p_value,
        checks=tuple(checks),
        tables={"permutation": _permutation_table(middle), "detectable": detectable},
    )


ESTIMATOR = Estimator(
    label="Ratio difference-in-differences, permuted",
    assumption="Without the programme, pilots' rates would have changed in the same proportion as comparison "
    "schools' rates, up to differences between schools of the size seen among comparison schools.",
    inferences=("permutation",),
    supports=frozenset(),
    reference="Fisher (1935); conditional score after Cox and Hinkley (1974), beta-binomial by moments after "
    "Williams (1982)",
    fit=fit,
)
