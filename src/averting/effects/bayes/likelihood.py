"""Counts of which some are known only to lie within bounds: in PyMC for fitting, in NumPy for drawing."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import logsumexp

from averting.effects.bayes.cells import Cells
from averting.effects.bayes.families import NEGATIVE_BINOMIAL, Family

Array = NDArray[np.float64]
_ANY = np.array(1.0)


def observe_counts(
    cells: Cells, mean: Any, size: Any, *, family: Family = NEGATIVE_BINOMIAL, suffix: str = ""
) -> None:
    """Add the likelihood of every cell to the PyMC model in whose context this is called.

    Parameters
    ----------
    cells : Cells
        Bounds of the counts.
    mean : tensor (cell,)
        Expected count.
    size : tensor
        Inverse of the dispersion.
    family : Family
        Distribution of a count.
    suffix : str
        Added to the names of variables, where a model has several indicators.
    """
    import pymc as pm

    def data(name: str, values: NDArray[Any]) -> Any:
        return pm.Data(f"{name}{suffix}", values)

    exact = np.flatnonzero(cells.exact)
    trials = data("cell_trials", cells.trials) if family.bounded else None
    at = data("exact_at", exact)
    counts = family.dist(mean[at], size, trials if trials is None else trials[at])
    pm.Potential(f"observed{suffix}", pm.logp(counts, data("exact_count", cells.lower[exact])).sum())
    if len(exact) == len(cells.lower):
        return
    hidden = np.flatnonzero(~cells.exact)
    at = data("hidden_at", hidden)
    bounds = data("hidden_lower", cells.lower[hidden]), data("hidden_upper", cells.upper[hidden])
    widest = int((cells.upper - cells.lower).max())
    within = _interval_log_probability(
        family.dist(mean[at], size, trials if trials is None else trials[at]), *bounds, widest
    )
    pm.Potential(f"suppressed{suffix}", within.sum())


def _interval_log_probability(counts: Any, lower: Any, upper: Any, widest: int) -> Any:
    """Log probability that each suppressed count lies within its bounds, summed over the few values it can be."""
    import pymc as pm
    import pytensor.tensor as pt
    from pytensor.tensor.special import logsumexp as logsumexp_of

    terms = []
    for extra in range(widest + 1):
        log_p = pm.logp(counts, pt.minimum(lower + extra, upper))
        terms.append(pt.switch(pt.le(lower + extra, upper), log_p, -np.inf))
    return logsumexp_of(pt.stack(terms), axis=0)  # type: ignore[no-untyped-call]


def log_pmf(k: Array, mean: Array, size: Array) -> Array:
    """Return the negative-binomial log probability of ``k``; all broadcast."""
    return NEGATIVE_BINOMIAL.log_pmf(k, mean, size, _ANY)


def draw_counts(mean: Array, size: Array, rng: np.random.Generator) -> Array:
    """Draw a negative-binomial count for each mean; ``size`` broadcasts."""
    return NEGATIVE_BINOMIAL.draw(mean, size, _ANY, rng)


def draw_within_bounds(
    lower: Array,
    upper: Array,
    mean: Array,
    size: Array,
    rng: np.random.Generator,
    trials: Array = _ANY,
    *,
    family: Family = NEGATIVE_BINOMIAL,
) -> Array:
    """Draw each observed count, (draw, school, period): itself, or within its bounds where it is hidden.

    Parameters
    ----------
    lower, upper : array (school, period)
        Bounds; NaN, which gives 0, where the count is missing.
    mean : array (draw, school, period)
        Expected counts.
    size : array (draw,)
        Inverse of the dispersion.
    trials : array (school, period)
        Exposure, for counts out of it.
    family : Family
        Distribution of a count.
    """
    observed = np.broadcast_to(np.nan_to_num(lower), mean.shape).copy()
    trials = np.broadcast_to(trials, lower.shape)
    for row, column in np.argwhere(upper > lower):
        values = np.arange(lower[row, column], upper[row, column] + 1)
        log_p = family.log_pmf(values, mean[:, row, column, None], size[:, None], trials[row, column])
        share = np.exp(log_p - logsumexp(log_p, axis=1, keepdims=True)).cumsum(1)
        pick = (rng.random(len(share))[:, None] > share).sum(1)
        observed[:, row, column] = values[np.minimum(pick, len(values) - 1)]
    return observed
