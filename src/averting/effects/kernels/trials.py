"""What the permuted test would have said of many simulated pilots at once."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from averting.effects.kernels.conditional import Array, unit_scores
from averting.effects.kernels.permutation import set_statistics, two_sided_p

REDUCTION, INCREASE, UNCERTAIN, NOT_ESTIMABLE = range(4)

_WIDEST_LOG_RATIO = 5.0  # the end of the grid over which ratio_did inverts its test
_FEW_EVENTS = 40  # with more events at the pilots, one of the two ends is always rejected

Fill = tuple[Array, Array]


def change_counts(
    counts: NDArray[np.int64], expected: Array, ratio: float, rng: np.random.Generator
) -> NDArray[np.int64]:
    """Turn counts without a programme into counts with one.

    Parameters
    ----------
    counts, expected : array, same shape
        Counts, and what they would be on average.
    ratio : float
        True rate ratio: each event is kept with this chance below one; Poisson events are added above one.
    rng : Generator
        Decides which.
    """
    if ratio <= 1:
        return np.asarray(rng.binomial(counts, ratio), dtype=np.int64)
    return np.asarray(counts + rng.poisson((ratio - 1) * expected), dtype=np.int64)


def _fills(
    counts: Array, after: NDArray[np.bool_], pilots: int, hidden: tuple[int, int] | None
) -> tuple[Fill, ...]:
    """Return events before and after: as they are, or with hidden counts for, against and between."""
    if hidden is None:
        return ((counts[..., ~after].sum(-1), counts[..., after].sum(-1)),)
    low, high = hidden
    suppressed = (counts >= low) & (counts <= high)
    lower, upper = np.where(suppressed, low, counts), np.where(suppressed, high, counts)
    raises = (np.arange(counts.shape[-2]) < pilots)[:, None] == after[None, :]
    filled = (
        0.5 * (lower + upper),
        np.where(raises, lower, upper),
        np.where(raises, upper, lower),
    )
    return tuple((fill[..., ~after].sum(-1), fill[..., after].sum(-1)) for fill in filled)


def _open_ended(
    fills: tuple[Fill, ...], offset: Array, sets: NDArray[np.intp], pilots: int, alpha: float
) -> Array:
    """Whether each problem's interval has neither end: even the smallest and the largest ratio are accepted."""
    accepted = []
    for end in (-_WIDEST_LOG_RATIO, _WIDEST_LOG_RATIO):
        shifted = offset.copy()
        shifted[..., :pilots] += end
        p_values = [two_sided_p(set_statistics(unit_scores(*fill, shifted), sets)) for fill in fills]
        accepted.append(np.max(p_values, axis=0) > alpha)
    return np.asarray(accepted[0] & accepted[1])


def call_verdicts(
    counts: Array,
    exposure: Array,
    after: NDArray[np.bool_],
    *,
    pilots: int,
    sets: NDArray[np.intp],
    alpha: float,
    hidden: tuple[int, int] | None = None,
) -> NDArray[np.int8]:
    """Apply the test of ``ratio_did`` at no effect, and its verdict, to many problems.

    Parameters
    ----------
    counts, exposure : array (problem, unit, period)
        Pilots first; where a cell is not known both are zero.
    after : array (period,)
        True from the start.
    pilots : int
        Number of pilots.
    sets : array (set, pilots)
        From :func:`averting.effects.kernels.permutation.reference_sets`, the pilots first.
    alpha : float
        One minus the level of the interval.
    hidden : tuple of int, optional
        Counts from the first to the second are published as that interval: the verdict must hold at both ends.

    Returns
    -------
    array (problem,)
        ``REDUCTION``, ``INCREASE``, ``UNCERTAIN`` or ``NOT_ESTIMABLE``.
    """
    offset = np.log(exposure[..., after].sum(-1)) - np.log(exposure[..., ~after].sum(-1))
    fills = _fills(np.asarray(counts, dtype=np.float64), after, pilots, hidden)
    truth, p_values = [], []
    for fill in fills:
        statistics = set_statistics(unit_scores(*fill, offset), sets)
        truth.append(statistics[:, 0])
        p_values.append(two_sided_p(statistics))
    low, high = np.min(truth, axis=0), np.max(truth, axis=0)
    significant = np.max(p_values, axis=0) <= alpha
    codes = np.full(len(counts), UNCERTAIN, dtype=np.int8)
    codes[significant & (high < 0)] = REDUCTION
    codes[significant & (low > 0)] = INCREASE
    few = (codes == UNCERTAIN) & (np.max([(b + a)[:, :pilots].sum(1) for b, a in fills], axis=0) < _FEW_EVENTS)
    if few.any():
        some = tuple((before[few], events[few]) for before, events in fills)
        codes[np.flatnonzero(few)[_open_ended(some, offset[few], sets, pilots, alpha).astype(bool)]] = (
            NOT_ESTIMABLE
        )
    most_before = np.max([before for before, _ in fills], axis=0)
    most_after = np.max([events for _, events in fills], axis=0)
    # what ratio_did refuses: nothing to form a ratio from
    empty = (most_before[:, :pilots].sum(1) == 0) | (most_before[:, pilots:].sum(1) == 0)
    codes[empty | (most_after[:, pilots:].sum(1) == 0)] = NOT_ESTIMABLE
    return codes
