"""Placebo inference in space: every set of comparison schools is put in the pilots' place."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from averting.effects.kernels.inversion import accepted_interval, confidence_draws
from averting.effects.kernels.permutation import lower_mid_p, treated_sets, two_sided_p
from averting.effects.kernels.simplex import Array
from averting.effects.kernels.synthetic import Sets

_GRID_POINTS = 201
_ROOM = 1.25  # the grid reaches this far beyond the last effect that any placebo could reach


class Placebos(NamedTuple):
    """What each set shows after the start, (set,), the pilots first.

    ``average`` is the mean gap, ``spread`` the variance of single periods about it, ``scale`` what both are judged
    against. With a spread of zero and a scale of one the statistic is the absolute mean gap.
    """

    average: Array
    spread: Array
    scale: Array


def placebo_sets(pilots: int, comparison: int, *, most: int, rng: np.random.Generator) -> tuple[Sets, bool]:
    """Return the pilots and the sets of as many comparison schools, with who may stand in for each.

    Pilots never stand in for a placebo: their outcomes may hold an effect.

    Parameters
    ----------
    pilots, comparison : int
        Numbers of schools; pilots come first.
    most : int
        All sets are listed where there are at most this many; else this many are drawn.
    rng : Generator
        Draws the sets where they are too many to list.

    Returns
    -------
    sets : Sets
        Row 0 is the pilots.
    exact : bool
        Whether every possible set is listed, once.
    """
    drawn, exact = treated_sets(comparison, np.arange(pilots), most=most, rng=rng)
    if not exact:  # row 0 is not random there
        drawn, _ = treated_sets(comparison, np.arange(pilots), most=most + 1, rng=rng)
        drawn = drawn[1:]
    members = np.concatenate([np.arange(pilots)[None], drawn + pilots])
    donors = np.ones((len(members), pilots + comparison), dtype=bool)
    donors[:, :pilots] = False
    np.put_along_axis(donors, members, False, axis=1)
    return Sets(members, donors), exact


def gap_placebos(gap: Array, after: NDArray[np.bool_]) -> Placebos:
    """Judge the mean gap as it is: (set, period) to (set,)."""
    average = gap[:, after].mean(1)
    return Placebos(average, np.zeros_like(average), np.ones_like(average))


def ratio_placebos(gap: Array, after: NDArray[np.bool_], floor: float) -> Placebos:
    """Judge the root mean square gap after over that before: (set, period) to (set,).

    ``floor`` is the least gap before that is told from a perfect fit. Without it, a set that is matched exactly
    would have an infinite ratio whatever happened to it.
    """
    before = np.sqrt((gap[:, ~after] ** 2).mean(1))
    later = gap[:, after]
    return Placebos(later.mean(1), later.var(1), np.maximum(before, max(floor, 1e-12)))


def _statistics(placebos: Placebos, supposed: Array) -> Array:
    average = np.tile(placebos.average, (len(supposed), 1))
    average[:, 0] -= supposed
    return np.asarray(np.sqrt(placebos.spread + average**2) / placebos.scale)


def placebo_p(placebos: Placebos, supposed: Array) -> Array:
    """Return the two-sided p-value of each supposed constant effect, (g,) to (g,).

    Weights come from periods before the start and from schools that are no pilots, so an effect taken off the
    pilots' outcomes moves their gap by itself and no weight: nothing is fitted twice.
    """
    return two_sided_p(_statistics(placebos, supposed))


def effect_grid(placebos: Placebos) -> Array:
    """Return supposed effects that reach beyond any that the test could accept, with the estimate in the middle."""
    largest = _statistics(placebos, np.zeros(1))[0, 1:].max()
    reach = max(_ROOM * largest * placebos.scale[0], 1e-9 * (1.0 + abs(placebos.average[0])))
    return np.asarray(placebos.average[0] + reach * np.linspace(-1.0, 1.0, _GRID_POINTS))


def placebo_interval(placebos: Placebos, alpha: float) -> tuple[float, float]:
    """Return the constant effects that the test does not reject; NaN where it rejects all."""
    return accepted_interval(lambda supposed: placebo_p(placebos, supposed), effect_grid(placebos), alpha)


def placebo_draws(placebos: Placebos, n: int, rng: np.random.Generator) -> Array:
    """Draw constant effects from the confidence distribution of the signed statistic, (n,)."""
    grid = effect_grid(placebos)
    signed = np.tile(placebos.average, (len(grid), 1))
    signed[:, 0] -= grid
    return confidence_draws(grid, lower_mid_p(signed / placebos.scale), n, rng)
