"""Score test of a ratio for every set of schools, from one Poisson regression with the ratio imposed.

A school's score is how many more events it had while treated than the regression expects, given its total. Counts
vary more than Poisson because schools drift, so a score's variance is the Poisson one times 1 + (total - 1) rho,
as for a beta-binomial, rho solving Pearson's moment equation over all schools.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from averting.effects.kernels.ols import Array
from averting.effects.kernels.poisson import poisson_fe
from averting.effects.kernels.set_regression import parts, set_sums

_MOST_RHO = 0.95
_HALVINGS = 40


def dispersion(scores: Array, variance: Array, totals: Array) -> float:
    """Return rho, between 0 and 0.95 [williams_1982]_.

    Parameters
    ----------
    scores, variance, totals : array (school,)
        Score, its Poisson variance, and all events of the school.

    References
    ----------
    .. [williams_1982] Williams, D. (1982). Extra-binomial variation in logistic linear models. Applied Statistics
       31(2).
    """
    used = variance > 1e-9
    squares, extra = scores[used] ** 2 / variance[used], np.maximum(totals[used] - 1, 0)
    wanted = used.sum() - 1

    def excess(rho: float) -> float:
        return float((squares / (1 + extra * rho)).sum() - wanted)

    if excess(0.0) <= 0:
        return 0.0
    low, high = 0.0, _MOST_RHO
    if excess(high) > 0:
        return high
    for _ in range(_HALVINGS):
        middle = 0.5 * (low + high)
        low, high = (middle, high) if excess(middle) > 0 else (low, middle)
    return 0.5 * (low + high)


def set_scores(
    counts: Array,
    exposure: Array,
    paths: Array,
    covariates: Array,
    weights: Array,
    *,
    sets: NDArray[np.intp],
    kinds: NDArray[np.intp],
    log_ratio: float,
) -> Array:
    """Return each set's studentised score, supposing a log ratio of the true pilots, (set,).

    Parameters
    ----------
    counts, exposure, weights : array (school, period)
        Pilots first; weight 0 where a cell is missing.
    paths : array (kind, period, 1)
        When a pilot of each kind is treated.
    covariates : array (school, period, m)
        In the regression.
    sets : array (set, k)
        Schools of each set in the order of the true pilots, the true one first.
    kinds : array (k,)
        Kind of each pilot.
    log_ratio : float
        Supposed.
    """
    fixed = np.zeros_like(counts)
    fixed[: len(kinds)] = log_ratio * paths[kinds, :, 0]
    fit = poisson_fe(counts, exposure, covariates, weights, fixed=fixed).fit
    prepared = parts(fit.residuals[..., None], paths, covariates, fit.weights)
    scores, poisson = prepared.along[..., 0, 0], prepared.square[..., 0, 0]
    totals = np.where(weights > 0, counts, 0.0).sum(axis=1)
    rho = dispersion(scores[kinds[0]], poisson[kinds[0]], totals)
    variance = poisson * (1 + np.maximum(totals - 1, 0) * rho)
    total = set_sums(scores, sets, kinds)
    spread = set_sums(variance, sets, kinds)
    return np.where(spread > 1e-12, total / np.sqrt(np.maximum(spread, 1e-12)), 0.0)
