"""Intervals and confidence draws by inverting a test over a grid of supposed effects."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from averting.effects.kernels.conditional import Array

_REFINEMENTS = 20


def _cross(p_value: Callable[[Array], Array], inside: float, outside: float, alpha: float) -> float:
    for _ in range(_REFINEMENTS):
        middle = 0.5 * (inside + outside)
        if p_value(np.array([middle]))[0] > alpha:
            inside = middle
        else:
            outside = middle
    return 0.5 * (inside + outside)


def accepted_interval(
    p_value: Callable[[Array], Array], grid: Array, alpha: float, *, on_grid: Array | None = None
) -> tuple[float, float]:
    """Return the smallest and largest supposed effect that the test does not reject.

    Parameters
    ----------
    p_value : callable
        Takes supposed effects (g,), returns two-sided p-values (g,).
    grid : array (g,)
        Increasing; wide enough that both ends are rejected where the data allow it.
    alpha : float
        Size of the test, one minus the level of the interval.
    on_grid : array (g,), optional
        The p-values on the grid, where they are known already.

    Returns
    -------
    lower, upper : float
        Ends found by bisection between grid points; minus or plus infinity where the end of the grid is
        still accepted, NaN twice where everything is rejected.
    """
    accepted = np.flatnonzero((p_value(grid) if on_grid is None else on_grid) > alpha)
    if accepted.size == 0:
        return np.nan, np.nan
    first, last = accepted[0], accepted[-1]
    lower = -np.inf if first == 0 else _cross(p_value, grid[first], grid[first - 1], alpha)
    upper = np.inf if last == len(grid) - 1 else _cross(p_value, grid[last], grid[last + 1], alpha)
    return float(lower), float(upper)


def confidence_draws(grid: Array, lower_p: Array, n: int, rng: np.random.Generator) -> Array:
    """Draw supposed effects with the test's confidence distribution [schweder_hjort_2016]_.

    Parameters
    ----------
    grid : array (g,)
        Supposed effects, increasing.
    lower_p : array (g,)
        One-sided mid-p-value of the true set at each: falls from 1 to 0 as the supposed effect grows.
    n : int
        Number of draws; stratified, so that quantiles of the draws are stable.
    rng : Generator
        Places each draw within its stratum and shuffles them.

    Returns
    -------
    array (n,)
        Draws stay inside the grid: where the test cannot reject its end, they pile up there.

    References
    ----------
    .. [schweder_hjort_2016] Schweder, T. and Hjort, N. L. (2016). Confidence, Likelihood, Probability.
       Cambridge University Press, chapter 3.
    """
    distribution = np.maximum.accumulate(1.0 - lower_p)
    uniform = (np.arange(n) + rng.random(n)) / n
    return rng.permutation(np.interp(uniform, distribution, grid))
