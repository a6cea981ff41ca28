"""Counts of pilots and comparison units under one fill of what is suppressed, and the tests they allow."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from averting.draws import stream
from averting.effects.kernels.conditional import Array, Scores, unit_scores
from averting.effects.kernels.parametric import Noise, simulated_statistics
from averting.effects.kernels.permutation import lower_mid_p, set_statistics, two_sided_p
from averting.errors import EstimationError

_LOG_RATIOS = np.linspace(-5.0, 5.0, 201)
_COUNTERFACTUAL_POINTS = 201
_CELLS_AT_ONCE = 1_000_000  # of (grid, set)


class Judge(Protocol):
    """What the pilots' statistic is compared with, for each of several suppositions."""

    def __call__(self, before: Array, after: Array, offset: Array) -> Array:
        """Return statistics (g, 1 + reference), the pilots' first.

        ``before`` is (cohort, unit), ``after`` and ``offset`` are (g, cohort, unit).
        """
        ...


@dataclass(frozen=True)
class Permuted:
    """Compares the pilots with other sets of units, (set, pilots), the pilots first.

    ``cohort`` (pilots,) is the cohort whose start each place in a set takes.
    """

    sets: NDArray[np.intp]
    cohort: NDArray[np.intp]

    def __call__(self, before: Array, after: Array, offset: Array) -> Array:
        """Return the statistic of every set."""
        scores = unit_scores(before, after, offset)
        step = max(1, _CELLS_AT_ONCE // len(self.sets))
        rows = range(0, len(scores.score), step)
        parts = [Scores(scores.score[i : i + step], scores.variance[i : i + step]) for i in rows]
        return np.concatenate([set_statistics(part, self.sets, self.cohort) for part in parts])


@dataclass(frozen=True)
class Redrawn:
    """Compares the pilots, who start together, with themselves redrawn supposing the null, given their totals."""

    pilots: int
    noise: Noise
    seed: int

    def __call__(self, before: Array, after: Array, offset: Array) -> Array:
        """Return the statistic as found, and of each redrawn panel; each supposition meets the same chances."""
        few = slice(None, self.pilots)
        rows = [
            simulated_statistics(before[0, few], events[few], row[few], self.noise, stream(self.seed, "redrawn"))
            for events, row in zip(after[:, 0], offset[:, 0], strict=True)
        ]
        return np.array(rows)


class Curve(NamedTuple):
    """P-values of supposed log ratios, each (g,): two-sided, and one-sided mid-p that falls along the grid."""

    log_ratio: Array
    two_sided: Array
    lower_mid: Array


def _nothing(before: Array, after: Array, offset: Array) -> Array:
    """Stand in for a judge where only the estimate is wanted."""
    raise EstimationError("These counts have no judge: no test was asked for.")


@dataclass(frozen=True)
class FilledCounts:
    """Counts with every suppressed cell set to one value, and the test they allow; units are pilots first.

    Pilots that start together are a cohort. Each cohort is compared with the comparison units over its own periods
    before and after; in its rows, the pilots of other cohorts have no events.

    Parameters
    ----------
    counts : array (cohort, unit, period)
        NaN where not known. Cohorts may fill a comparison unit's cell differently.
    exposure : array (unit, period)
        NaN where not known.
    after_periods : array (cohort, period)
        True from the cohort's start.
    cohort : array (pilot,)
        Each pilot's cohort.
    judge : Judge
        What the pilots' statistic is compared with.
    """

    counts: NDArray[np.float64]
    exposure: NDArray[np.float64]
    after_periods: NDArray[np.bool_]
    cohort: NDArray[np.intp]
    judge: Judge = _nothing

    @property
    def pilots(self) -> int:
        """Number of pilots."""
        return len(self.cohort)

    @cached_property
    def _of_others(self) -> NDArray[np.bool_]:
        """Which units are pilots of another cohort, (cohort, unit)."""
        cohorts, units = self.counts.shape[:2]
        others = np.zeros((cohorts, units), dtype=bool)
        others[:, : self.pilots] = self.cohort != np.arange(cohorts)[:, None]
        return others

    def _events(self, periods: NDArray[np.bool_]) -> Array:
        events = np.where(periods[:, None, :], np.nan_to_num(self.counts), 0.0).sum(-1)
        return np.where(self._of_others, 0.0, events)

    @cached_property
    def before(self) -> Array:
        """Events before the cohort's start, (cohort, unit)."""
        return self._events(~self.after_periods)

    @cached_property
    def after(self) -> Array:
        """Events from the cohort's start on, (cohort, unit)."""
        return self._events(self.after_periods)

    @cached_property
    def offset(self) -> Array:
        """Log of exposure after over exposure before, (cohort, unit)."""
        known = np.where(np.isnan(self.counts), 0.0, self.exposure)
        late, early = (
            np.where(periods[:, None, :], known, 0.0).sum(-1)
            for periods in (self.after_periods, ~self.after_periods)
        )
        # other cohorts' pilots may not have both sides, and count for nothing
        return np.asarray(np.log(np.where(self._of_others, 1.0, late) / np.where(self._of_others, 1.0, early)))

    def _of_pilots(self, values: Array) -> Array:
        """Each pilot's value among (cohort, unit)."""
        return np.asarray(values[self.cohort, np.arange(self.pilots)])

    @cached_property
    def estimate(self) -> float:
        """The pilots' events over those expected of them; infinite where nothing was expected."""
        rest = slice(self.pilots, None)
        expected = (self.before * np.exp(self.offset))[:, rest].sum(1)
        followed = self.after[:, rest].sum(1)
        # a cohort's pilots are expected to change as the comparison units did, (cohort,)
        owed = np.bincount(self.cohort, self.expected_pilots, minlength=len(expected))
        if (owed * followed).sum() == 0:
            return np.inf
        if (expected == 0).any():  # comparison units without events before grew without bound
            return 0.0
        return float(self._of_pilots(self.after).sum() / (owed * followed / expected).sum())

    @cached_property
    def expected_pilots(self) -> Array:
        """Events after that each pilot's own rate before would give, (pilot,)."""
        return self._of_pilots(self.before * np.exp(self.offset))

    @cached_property
    def treated(self) -> NDArray[np.bool_]:
        """Whether each pilot has started, (pilot, period)."""
        return np.asarray(self.after_periods[self.cohort])

    @cached_property
    def counterfactual_shares(self) -> NDArray[np.float64]:
        """Share of the pilots' counterfactual events by pilot and treated period, (pilot, period); sums to one.

        A pilot's own rate before the start, drawn towards the pilots' common rate with the weight of one
        period, follows the comparison units' path.
        """
        own = self.counts[self.cohort, np.arange(self.pilots)]
        seen = np.where(np.isnan(own), 0.0, self.exposure[: self.pilots])
        early = ~self.treated
        exposed, begun = np.where(early, seen, 0.0).sum(1), np.where(early, np.nan_to_num(own), 0.0).sum(1)
        common = begun.sum() / exposed.sum()
        one_period = exposed / early.sum(1)
        rate = (begun + common * one_period) / (exposed + one_period)
        if common == 0:  # a fill without events before: exposure alone tells the pilots apart
            rate = np.ones(self.pilots)
        cells = rate[:, None] * seen * self._relative_path()[self.cohort] * self.treated
        if cells.sum() <= 0:  # no event in any comparison unit after the start: follow exposure alone
            cells = rate[:, None] * seen * self.treated
        shares: NDArray[np.float64] = cells / cells.sum()
        return shares

    def _relative_path(self) -> Array:
        """Comparison units' rate in each period over their rate before the cohort's start, (cohort, period)."""
        rest = slice(self.pilots, None)
        events = np.nan_to_num(self.counts[:, rest]).sum(1)
        pupils = np.where(np.isnan(self.counts[:, rest]), 0.0, self.exposure[rest]).sum(1)
        late, early = (
            np.where(periods, events, 0.0).sum(1) / np.where(periods, pupils, 0.0).sum(1)
            for periods in (self.after_periods, ~self.after_periods)
        )
        # where no comparison unit is known, the path is level with all periods from the start
        path = np.where(pupils > 0, events / np.maximum(pupils, 1.0), late[:, None])
        return np.asarray(path / np.where(early > 0, early, 1.0)[:, None])

    def statistics_at_ratio(self, log_ratio: Array) -> Array:
        """Statistics of all sets supposing each log ratio, (g,) to (g, set)."""
        offset = np.tile(self.offset, (len(log_ratio), 1, 1))
        offset[..., : self.pilots] += log_ratio[:, None, None]
        return self.judge(self.before, np.broadcast_to(self.after, offset.shape), offset)

    def p_at_ratio(self, log_ratio: Array) -> Array:
        """Two-sided p-value of each supposed log ratio, (g,) to (g,)."""
        return two_sided_p(self.statistics_at_ratio(log_ratio))

    @cached_property
    def ratio_curve(self) -> Curve:
        """The test over the grid and at the estimate, which an interval narrower than a step would else miss."""
        centre = np.clip(np.log(max(self.estimate, 1e-9)), _LOG_RATIOS[0], _LOG_RATIOS[-1])
        grid = np.union1d(_LOG_RATIOS, [centre])
        statistics = self.statistics_at_ratio(grid)
        return Curve(grid, two_sided_p(statistics), lower_mid_p(statistics))

    def statistics_at_counterfactual(self, events: Array) -> Array:
        """Statistics of all sets supposing the pilots' events without the programme, (g,) to (g, set)."""
        after = np.tile(self.after, (len(events), 1, 1))
        after[:, self.cohort, np.arange(self.pilots)] = events[:, None] * self.counterfactual_shares.sum(1)
        return self.judge(self.before, after, np.broadcast_to(self.offset, after.shape))

    def counterfactual_grid(self) -> Array:
        """Return the numbers of events without the programme that are tried."""
        largest = 10.0 + 6.0 * max(self._of_pilots(self.after).sum(), self.expected_pilots.sum())
        return np.linspace(0.0, largest, _COUNTERFACTUAL_POINTS)
