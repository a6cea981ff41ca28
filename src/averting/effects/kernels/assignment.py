"""Permutation of which units are treated, and from when, for estimators that are linear in outcomes.

An assignment gives each start to one unit. An estimate is a weighted sum of outcomes, so supposing an effect moves it
by that effect times the assignment's overlap with the true one. It is judged against its own standard deviation,
foretold from each unit's level and exposure: else units with many events, or few pupils, would decide how far chance
can reach [ferman_pinto_2019]_.

.. [ferman_pinto_2019] Ferman, B. and Pinto, C. (2019). Inference in differences-in-differences with few treated
   groups and heteroskedasticity. Review of Economics and Statistics 101(3).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import combinations
from math import comb, prod
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from averting.effects.kernels.permutation import lower_mid_p, treated_sets, two_sided_p

Array = NDArray[np.float64]
Units = NDArray[np.intp]

_FLOOR = 1e-9


def labelled_sets(units: int, starts: Array, *, most: int, rng: np.random.Generator) -> tuple[Units, bool]:
    """Return the ways to give pilots' starts to units, the true one first.

    Parameters
    ----------
    units : int
        Number of units; the first are the pilots.
    starts : array (pilot,)
        Each pilot's start.
    most : int
        All ways are listed where there are at most this many; else this many are drawn at random.
    rng : Generator
        Draws them where they are too many to list.

    Returns
    -------
    sets : array (set, pilot)
        Unit that takes each pilot's start. Row 0 is the truth.
    exact : bool
        Whether every distinct way is listed, once.
    """
    pilots = len(starts)
    cohorts = [np.flatnonzero(starts == first) for first in np.unique(starts)]
    if len(cohorts) == 1:
        return treated_sets(units, np.arange(pilots), most=most, rng=rng)
    left = units - np.cumsum([0, *(len(cohort) for cohort in cohorts[:-1])])
    if prod(comb(int(n), len(cohort)) for n, cohort in zip(left, cohorts, strict=True)) <= most:
        order = np.argsort(np.concatenate(cohorts))
        every = np.array(list(_listed(frozenset(range(units)), [len(c) for c in cohorts])), dtype=np.intp)[
            :, order
        ]
        truth = (every == np.arange(pilots)).all(1)
        return np.concatenate([every[truth], every[~truth]]), True
    drawn = np.stack([rng.choice(units, pilots, replace=False) for _ in range(most)]).astype(np.intp)
    drawn[0] = np.arange(pilots)
    return drawn, False


def _listed(free: frozenset[int], sizes: list[int]) -> Iterator[tuple[int, ...]]:
    if not sizes:
        yield ()
        return
    for chosen in combinations(sorted(free), sizes[0]):
        for rest in _listed(free - set(chosen), sizes[1:]):
            yield (*chosen, *rest)


class Noise(NamedTuple):
    """What makes outcomes vary: variance of a cell is ``level * unit_variance + spread * level ** 2``.

    ``level`` (unit,) is each unit's usual outcome; ``unit_variance`` (unit, period) the variance of a cell whose
    level is 1, as a Poisson count has it; ``spread`` the squared coefficient of variation beyond that.
    """

    level: Array
    unit_variance: Array
    spread: float


def fit_noise(outcome: Array, unit_variance: Array, level: Array, contrast: Array, pilots: int) -> Noise:
    """Find the spread beyond Poisson from how far comparison units' contrasts reach, by moments.

    Parameters
    ----------
    outcome, unit_variance : array (unit, period)
        Pilots first; NaN outcomes are left out.
    level : array (unit,)
        Usual outcome of each unit.
    contrast : array (period,)
        Weights of a pilot's outcomes in the estimate, which sum to about zero.
    pilots : int
        Number of pilots, which do not enter.
    """
    seen = np.isfinite(outcome[pilots:]).all(1)
    y, each = outcome[pilots:][seen], unit_variance[pilots:][seen]
    rate = level[pilots:][seen]
    reach = (y - y.mean(0) * (rate / max(float(rate.mean()), _FLOOR))[:, None]) @ contrast
    poisson = rate * (each @ contrast**2)
    beyond = float((reach**2 - poisson).sum())
    return Noise(
        level, unit_variance, max(beyond / max(float((rate**2).sum() * (contrast**2).sum()), _FLOOR), 0.0)
    )


class Permuted(NamedTuple):
    """Every assignment's estimate, overlap with the true one, and variance; the true one first.

    The variance is ``fixed`` (set,), of the outcomes of units that were not treated, plus what the pilots' add, whose
    level depends on the effect supposed: ``linear`` and ``square``, (set, pilot), times their level and its square.
    """

    estimate: Array
    overlap: Array
    fixed: Array
    linear: Array
    square: Array

    def statistics(self, supposed: Array, levels: Array) -> Array:
        """Return each assignment's studentised estimate at each supposed effect, (g,) to (g, set).

        ``levels`` (g, pilot) are the pilots' levels if the supposed effect is taken off.
        """
        variance = self.fixed + levels @ self.linear.T + levels**2 @ self.square.T
        apart = self.estimate - supposed[:, None] * self.overlap
        return np.asarray(apart / np.sqrt(np.maximum(variance, _FLOOR)))


def permute_exchangeable(
    outcome: Array, weights: Array, treated: NDArray[np.bool_], sets: Units, noise: Noise
) -> Permuted:
    """Permute where the weights of an outcome depend on its unit's start alone: no covariates, all known, all alike.

    Parameters
    ----------
    outcome, weights : array (unit, period)
        Weights are the true assignment's; rows 0 to k - 1 are the pilots'.
    treated : array (unit, period) of bool
        The true treatment.
    sets : array (set, k)
        From :func:`labelled_sets`.
    noise : Noise
        Of the outcomes.
    """
    pilots = sets.shape[1]
    own, other = weights[:pilots], weights[pilots]
    each, spread = noise.unit_variance, noise.spread
    apart = own - other  # (label, period)
    squared = own**2 - other**2
    per_label = np.stack([outcome @ apart.T, treated @ apart.T, each @ squared.T])  # (3, unit, label)
    of_square = squared.sum(1)
    variance = noise.level[:, None] * per_label[2] + spread * noise.level[:, None] ** 2 * of_square
    variance[:pilots] = 0.0
    base = noise.level * (each @ other**2) + spread * noise.level**2 * (other**2).sum()
    linear = np.tile(each[:pilots] @ other**2, (len(sets), 1))
    square = np.full((len(sets), pilots), spread * (other**2).sum())
    rows, label = np.nonzero(sets < pilots)
    unit = sets[rows, label]
    np.add.at(linear, (rows, unit), per_label[2][unit, label])
    np.add.at(square, (rows, unit), spread * of_square[label])
    labels = np.arange(pilots)
    return Permuted(
        per_label[0][sets, labels].sum(1) + (outcome @ other).sum(),
        per_label[1][sets, labels].sum(1) + (treated @ other).sum(),
        variance[sets, labels].sum(1) + base[pilots:].sum(),
        linear,
        square,
    )


def permute_refitted(
    outcome: Array,
    weights_of: Callable[[Array], Array],
    cohort: Array,
    treated: NDArray[np.bool_],
    sets: Units,
    noise: Noise,
) -> Permuted:
    """Permute by working out the weights of every assignment anew: with covariates, weights or unknown outcomes.

    Parameters
    ----------
    outcome : array (unit, period)
        NaN where not known.
    weights_of : callable
        Takes the start of every unit (unit,), returns the weights of outcomes (unit, period), NaN where this
        assignment cannot be estimated.
    cohort : array (unit,)
        The true starts, pilots first.
    treated, sets, noise
        As for :func:`permute_exchangeable`. Assignments that cannot be estimated are left out.
    """
    pilots = sets.shape[1]
    y, each = np.nan_to_num(outcome), np.nan_to_num(noise.unit_variance)
    rows = []
    for chosen in sets:
        given = np.full(len(cohort), np.inf)
        given[chosen] = cohort[:pilots]
        weights = weights_of(given)
        if not np.isfinite(weights).all():
            continue
        linear, square = (weights**2 * each).sum(1), noise.spread * (weights**2).sum(1)
        fixed = (linear * noise.level + square * noise.level**2)[pilots:].sum()
        rows.append((np.vdot(weights, y), weights[treated].sum(), fixed, linear[:pilots], square[:pilots]))
    return Permuted(*(np.array(column) for column in zip(*rows, strict=True)))


class Curve(NamedTuple):
    """P-values of supposed effects, each (g,): two-sided, and one-sided mid-p that falls along the grid."""

    grid: Array
    two_sided: Array
    lower_mid: Array


def curve_of(permuted: Permuted, levels_at: Callable[[Array], Array], *, points: int = 101) -> Curve:
    """Return the test's p-values over a grid that is wide beside the estimate's own standard deviation."""
    estimate = permuted.estimate[:1]
    spread = (
        abs(float(estimate[0] / permuted.statistics(np.zeros(1), levels_at(np.zeros(1)))[0, 0]))
        if estimate[0]
        else 0.0
    )
    wide = max(spread, float(np.std(permuted.estimate)), _FLOOR)
    grid = estimate[0] + wide * np.linspace(-10.0, 10.0, points)
    statistics = np.concatenate([permuted.statistics(part, levels_at(part)) for part in np.array_split(grid, 8)])
    return Curve(grid, two_sided_p(statistics), lower_mid_p(statistics))
