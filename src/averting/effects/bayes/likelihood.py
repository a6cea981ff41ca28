"""Negative-binomial counts, some known only to lie within bounds: in PyMC for fitting, in NumPy for drawing."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import gammaln, logsumexp

from averting.effects.bayes.cells import Cells

Array = NDArray[np.float64]


def observe_counts(cells: Cells, mean: Any, size: Any) -> None:
    """Add the likelihood of every cell to the PyMC model in whose context this is called.

    Parameters
    ----------
    cells : Cells
        Bounds of the counts.
    mean : tensor (cell,)
        Expected count.
    size : tensor
        Inverse of the dispersion: the variance is ``mean + mean**2 / size``.
    """
    import pymc as pm

    exact = np.flatnonzero(cells.exact)
    counts = pm.NegativeBinomial.dist(mu=mean[pm.Data("exact_at", exact)], alpha=size)
    pm.Potential("observed", pm.logp(counts, pm.Data("exact_count", cells.lower[exact])).sum())
    if len(exact) < len(cells.lower):
        pm.Potential("suppressed", _interval_log_probability(cells, mean, size).sum())


def _interval_log_probability(cells: Cells, mean: Any, size: Any) -> Any:
    """Log probability that each suppressed count lies within its bounds, summed over the few values it can be."""
    import pymc as pm
    import pytensor.tensor as pt
    from pytensor.tensor.special import logsumexp as logsumexp_of

    hidden = np.flatnonzero(~cells.exact)
    at = pm.Data("hidden_at", hidden)
    lower, upper = pm.Data("hidden_lower", cells.lower[hidden]), pm.Data("hidden_upper", cells.upper[hidden])
    terms = []
    for extra in range(int((cells.upper - cells.lower).max()) + 1):
        log_p = pm.logp(pm.NegativeBinomial.dist(mu=mean[at], alpha=size), pt.minimum(lower + extra, upper))
        terms.append(pt.switch(pt.le(lower + extra, upper), log_p, -np.inf))
    return logsumexp_of(pt.stack(terms), axis=0)  # type: ignore[no-untyped-call]


def log_pmf(k: Array, mean: Array, size: Array) -> Array:
    """Return the negative-binomial log probability of ``k``; all broadcast."""
    share = np.log(size / (size + mean))
    return np.asarray(
        gammaln(k + size) - gammaln(size) - gammaln(k + 1) + size * share + k * np.log(mean / (size + mean))
    )


def cell_log_likelihood(lower: Array, upper: Array, mean: Array, size: Array) -> Array:
    """Return the log probability of each cell's bounds, (draw, cell), for leave-one-out checks.

    Parameters
    ----------
    lower, upper : array (cell,)
        Bounds of the counts.
    mean : array (draw, cell)
        Expected counts.
    size : array (draw,)
        Inverse of the dispersion.
    """
    found = log_pmf(lower, mean, size[:, None])
    for extra in range(1, int((upper - lower).max(initial=0)) + 1):
        inside = lower + extra <= upper
        value = log_pmf(lower[inside] + extra, mean[:, inside], size[:, None])
        found[:, inside] = np.logaddexp(found[:, inside], value)
    return found


def draw_counts(mean: Array, size: Array, rng: np.random.Generator) -> Array:
    """Draw a count for each mean; ``size`` broadcasts."""
    return np.asarray(rng.poisson(rng.gamma(np.broadcast_to(size, mean.shape), np.maximum(mean, 1e-12) / size)))


def draw_within_bounds(lower: Array, upper: Array, mean: Array, size: Array, rng: np.random.Generator) -> Array:
    """Draw each observed count, (draw, school, period): itself, or within its bounds where it is hidden.

    Parameters
    ----------
    lower, upper : array (school, period)
        Bounds; NaN, which gives 0, where the count is missing.
    mean : array (draw, school, period)
        Expected counts.
    size : array (draw,)
        Inverse of the dispersion.
    """
    observed = np.broadcast_to(np.nan_to_num(lower), mean.shape).copy()
    for row, column in np.argwhere(upper > lower):
        values = np.arange(lower[row, column], upper[row, column] + 1)
        log_p = log_pmf(values, mean[:, row, column, None], size[:, None])
        share = np.exp(log_p - logsumexp(log_p, axis=1, keepdims=True)).cumsum(1)
        pick = (rng.random(len(share))[:, None] > share).sum(1)
        observed[:, row, column] = values[np.minimum(pick, len(values) - 1)]
    return observed
