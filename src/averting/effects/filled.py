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
        """Return statistics (g, 1 + reference), the pilots' first; before is (unit,), the others (g, unit)."""
        ...


@dataclass(frozen=True)
class Permuted:
    """Compares the pilots with other sets of units, (set, pilots), the pilots first."""

    sets: NDArray[np.intp]

    def __call__(self, before: Array, after: Array, offset: Array) -> Array:
        """Return the statistic of every set."""
        scores = unit_scores(before, after, offset)
        step = max(1, _CELLS_AT_ONCE // len(self.sets))
        rows = range(0, len(scores.score), step)
        parts = [Scores(scores.score[i : i + step], scores.variance[i : i + step]) for i in rows]
        return np.concatenate([set_statistics(part, self.sets) for part in parts])


@dataclass(frozen=True)
class Redrawn:
    """Compares the pilots with themselves redrawn supposing the null, given their totals."""

    pilots: int
    noise: Noise
    seed: int

    def __call__(self, before: Array, after: Array, offset: Array) -> Array:
        """Return the statistic as found, and of each redrawn panel; each supposition meets the same chances."""
        few = slice(None, self.pilots)
        rows = [
            simulated_statistics(before[few], events[few], row[few], self.noise, stream(self.seed, "redrawn"))
            for events, row in zip(after, offset, strict=True)
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

    Parameters
    ----------
    counts, exposure : array (unit, period)
        NaN where not known.
    after_periods : array (period,)
        True from the start.
    pilots : int
        Number of pilots.
    judge : Judge
        What the pilots' statistic is compared with.
    """

    counts: NDArray[np.float64]
    exposure: NDArray[np.float64]
    after_periods: NDArray[np.bool_]
    pilots: int
    judge: Judge = _nothing

    @cached_property
    def before(self) -> Array:
        """Events of each unit before the start."""
        return np.nansum(self.counts[:, ~self.after_periods], axis=1)

    @cached_property
    def after(self) -> Array:
        """Events of each unit from the start on."""
        return np.nansum(self.counts[:, self.after_periods], axis=1)

    @cached_property
    def offset(self) -> Array:
        """Log of exposure after over exposure before, of each unit."""
        known = np.where(np.isnan(self.counts), 0.0, self.exposure)
        return np.log(known[:, self.after_periods].sum(1)) - np.log(known[:, ~self.after_periods].sum(1))

    @cached_property
    def estimate(self) -> float:
        """The pilots' ratio of ratios; infinite where nothing was expected of them."""
        expected = (self.before * np.exp(self.offset))[self.pilots :].sum()
        scaled = self.after[: self.pilots].sum() * expected
        compared = self.expected_pilots.sum() * self.after[self.pilots :].sum()
        return float(scaled / compared) if compared > 0 else np.inf

    @cached_property
    def expected_pilots(self) -> Array:
        """Events after that each pilot's own rate before would give."""
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

    def statistics_at_ratio(self, log_ratio: Array) -> Array:
        """Statistics of all sets supposing each log ratio, (g,) to (g, set)."""
        offset = np.tile(self.offset, (len(log_ratio), 1))
        offset[:, : self.pilots] += log_ratio[:, None]
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
        after = np.tile(self.after, (len(events), 1))
        after[:, : self.pilots] = events[:, None] * self.counterfactual_shares.sum(1)
        return self.judge(self.before, after, np.broadcast_to(self.offset, after.shape))

    def counterfactual_grid(self) -> Array:
        """Return the numbers of events without the programme that are tried."""
        largest = 10.0 + 6.0 * max(self.after[: self.pilots].sum(), self.expected_pilots.sum())
        return np.linspace(0.0, largest, _COUNTERFACTUAL_POINTS)
