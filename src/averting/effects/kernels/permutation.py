"""Randomisation inference: which units were treated is permuted, and the same statistic computed for each set."""

from __future__ import annotations

from itertools import combinations
from math import comb

import numpy as np
from numpy.typing import NDArray

from averting.effects.kernels.conditional import Array, Scores

COMPARISONS_PER_PILOT = 6
"""With fewer comparison units to a pilot, sets that hold pilots are compared as well: chosen by measured size."""

_TIE = 1e-9
_CELLS_AT_ONCE = 4_000_000


def treated_sets(
    units: int, treated: NDArray[np.intp], *, most: int, rng: np.random.Generator
) -> tuple[NDArray[np.intp], bool]:
    """Return the sets of units that could have been treated, the true one first.

    Parameters
    ----------
    units : int
        Number of units.
    treated : array (k,)
        Positions of the units that were treated.
    most : int
        All sets are listed where there are at most this many; else this many are drawn at random.
    rng : Generator
        Draws the sets where they are too many to list.

    Returns
    -------
    sets : array (set, k)
        Row 0 is the true set.
    exact : bool
        Whether every possible set is listed, once.
    """
    size = len(treated)
    truth = np.sort(np.asarray(treated, dtype=np.intp))
    if comb(units, size) <= most:
        every = np.array(list(combinations(range(units), size)), dtype=np.intp)
        is_truth = (every == truth).all(axis=1)
        return np.concatenate([every[is_truth], every[~is_truth]]), True
    drawn = np.empty((most, size), dtype=np.intp)
    rows = max(1, _CELLS_AT_ONCE // units)  # the same draws as all at once, without the memory
    for first in range(0, most, rows):
        part = drawn[first : first + rows]
        part[:] = np.argpartition(rng.random((len(part), units)), size, axis=1)[:, :size]
    drawn[0] = truth
    return drawn, False


def reference_sets(
    units: int, pilots: int, *, most: int, rng: np.random.Generator
) -> tuple[NDArray[np.intp], bool]:
    """Return the pilots' set and the sets it is compared with.

    Those that hold a pilot are left out: under an effect they share it, and would hide it. Leaving them out makes
    the tail of few sets a little short, so below :data:`COMPARISONS_PER_PILOT` every set of units is used.

    Parameters
    ----------
    units : int
        Number of units; the pilots come first.
    pilots : int
        Number of pilots.
    most, rng
        As in :func:`treated_sets`.

    Returns
    -------
    sets : array (set, pilots)
        Row 0 is the pilots.
    exact : bool
        Whether every set that qualifies is listed, once.
    """
    others = units - pilots
    if others < COMPARISONS_PER_PILOT * pilots:
        return treated_sets(units, np.arange(pilots), most=most, rng=rng)
    sets, exact = treated_sets(others, np.arange(pilots), most=most, rng=rng)
    truth = np.arange(pilots, dtype=np.intp)[None]
    return np.concatenate([truth, sets + pilots if exact else sets[1:] + pilots]), exact


def set_statistics(scores: Scores, sets: NDArray[np.intp], cohort: NDArray[np.intp] | None = None) -> Array:
    """Return each set's studentised score: sum of scores over the root of what it varies by.

    A sum over units that also took part in fitting the common ratio varies by ``V (1 - V / sum of all V)``, as a
    regression's residual does: without the bracket, sets with many events would look closer to the rest than they
    are [cox_hinkley_1974]_.

    Parameters
    ----------
    scores : Scores, arrays (..., unit), or (..., cohort, unit) with ``cohort``
        From :func:`averting.effects.kernels.conditional.unit_scores`.
    sets : array (set, k)
        From :func:`treated_sets`.
    cohort : array (k,), optional
        Where pilots start at different times: which cohort's scores count for each place in a set. Cohorts share
        comparison units, but a unit stands in one place at a time, so their sums vary apart.

    Returns
    -------
    array (..., set)
        About standard normal for sets that were not treated, whatever their size and level. Zero for a set
        without events.

    References
    ----------
    .. [cox_hinkley_1974] Cox, D. R. and Hinkley, D. V. (1974). Theoretical Statistics. Chapman and Hall, chapter 9
       (score tests with a nuisance parameter).
    """
    if cohort is None:
        cohort, scores = (
            np.zeros(sets.shape[1], dtype=np.intp),
            Scores(*(values[..., None, :] for values in scores)),
        )
    total, variance = np.zeros(()), np.zeros(())
    for each in range(scores.score.shape[-2]):
        score, own = (_sum_over_sets(values[..., each, :], sets[:, cohort == each]) for values in scores)
        every = np.maximum(scores.variance[..., each, :].sum(axis=-1), 1e-12)[..., None]
        total, variance = total + score, variance + own * np.maximum(1.0 - own / every, 0.0)
    return np.where(variance > 1e-12, total / np.sqrt(np.maximum(variance, 1e-12)), 0.0)


def _sum_over_sets(values: Array, sets: NDArray[np.intp]) -> Array:
    """Sum (..., unit) over each set's units to (..., set), one member at a time: half the time of one gather."""
    total = np.take(values, sets[:, 0], axis=-1)
    for member in sets.T[1:]:
        total += np.take(values, member, axis=-1)
    return total


def two_sided_p(statistics: Array) -> Array:
    """Return the share of sets whose statistic is at least as far from zero as the true set's.

    ``statistics`` is (..., set) with the true set first; the result is (...), never below 1 / sets.
    """
    size = np.abs(statistics)
    return np.asarray(np.count_nonzero(size >= size[..., :1] - _TIE, axis=-1) / statistics.shape[-1])


def lower_mid_p(statistics: Array) -> Array:
    """Return the share of sets below the true one, counting ties by half (mid-p); (..., set) to (...)."""
    truth = statistics[..., :1]
    below, not_above = (np.count_nonzero(statistics <= truth + tie, axis=-1) for tie in (-_TIE, _TIE))
    return np.asarray(0.5 * (below + not_above) / statistics.shape[-1])


def linear_two_sided_p(estimates: Array, overlap: Array, supposed: Array) -> Array:
    """Return the p-value of each supposed effect for an estimator that is linear in outcomes.

    Supposing an effect ``tau`` of the true assignment takes ``tau`` off every treated outcome, which moves each
    set's estimate by ``tau`` times that set's estimate of the true assignment itself: no estimate is made twice.

    Parameters
    ----------
    estimates : array (set,)
        Estimate from the outcomes, each set taken as treated; the true set first.
    overlap : array (set,)
        The same estimates from the true treatment (0 or 1) in place of outcomes; 1 for the true set.
    supposed : array (g,)
        Supposed effects.

    Returns
    -------
    array (g,)
        Share of sets at least as far from zero as the true one.
    """
    return two_sided_p(estimates[None, :] - supposed[:, None] * overlap[None, :])
