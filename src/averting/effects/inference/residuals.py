"""``conley_taber`` and ``ferman_pinto``: chance judged by what comparison schools' residuals would have given.

Each pilot's estimate is weighed from its periods. Put any comparison school's residuals in a pilot's place, and the
same weights give a change that no programme made. Ferman and Pinto rescale it by how noisy schools of the two sizes
are, so that a small comparison school does not stand for a large pilot.
"""

from __future__ import annotations

import numpy as np

from averting.effects.inference.linear import Inferred, Linear, spread_draws
from averting.effects.kernels.ols import Array, cell_influence
from averting.errors import EstimationError

SAMPLES = 9_999

WORDS = {
    "conley_taber": "comparison schools' residuals in the pilots' place (Conley and Taber)",
    "ferman_pinto": "comparison schools' residuals in the pilots' place, rescaled by size (Ferman and Pinto)",
}


def size_variance(squares: Array, sizes: Array) -> tuple[float, float]:
    """Return (constant, slope) of variance = constant + slope / size, neither below 0 [ferman_pinto_2019]_.

    Parameters
    ----------
    squares : array (school,)
        Squared residual changes.
    sizes : array (school,)
        Pupils.

    References
    ----------
    .. [ferman_pinto_2019] Ferman, B. and Pinto, C. (2019). Inference in differences-in-differences with few
       treated groups and heteroskedasticity. Review of Economics and Statistics 101(3).
    """
    inverse = 1.0 / sizes
    mean, centred = squares.mean(), inverse - inverse.mean()
    slope = (
        float(centred @ squares / (centred @ centred)) if centred @ centred > 1e-12 * inverse.mean() ** 2 else 0.0
    )
    constant = float(mean - slope * inverse.mean())
    if slope < 0:
        return float(mean), 0.0
    if constant < 0:
        return 0.0, float((inverse @ squares) / (inverse @ inverse))
    return constant, slope


def placebo_changes(problem: Linear, *, rescaled: bool) -> Array:
    """Return what each comparison school's residuals would add in each pilot's place, (pilot, comparison).

    Raises
    ------
    EstimationError
        If cells are missing: then one school's periods cannot stand for another's.
    """
    if (problem.weights == 0).any():
        raise EstimationError(
            "conley_taber and ferman_pinto need every school in every period used, and some cells are missing. "
            "Use a balanced comparison rule, or inference 'permutation'."
        )
    fit = problem.fit()
    pilots = len(problem.kinds)
    moves = cell_influence(fit, problem.padded())[:pilots]
    changes = np.asarray(moves @ fit.residuals[pilots:].T)
    if rescaled:
        for row in range(pilots):
            constant, slope = size_variance(changes[row] ** 2, problem.sizes[pilots:])
            variance = constant + slope / problem.sizes
            changes[row] *= np.sqrt(variance[row] / np.maximum(variance[pilots:], 1e-300))
    return changes


def by_residuals(kind: str, problem: Linear, rng: np.random.Generator) -> Inferred:
    """Infer a contrast by ``conley_taber`` [conley_taber_2011]_ or ``ferman_pinto``.

    References
    ----------
    .. [conley_taber_2011] Conley, T. and Taber, C. (2011). Inference with "difference in differences" with a small
       number of policy changes. Review of Economics and Statistics 93(1).
    """
    changes = placebo_changes(problem, rescaled=kind == "ferman_pinto")
    fit = problem.fit()
    estimate = float(fit.coefficients @ problem.padded())
    pilots, controls = changes.shape
    if pilots == 1:
        sample = changes[0]
    else:
        drawn = rng.integers(controls, size=(SAMPLES, pilots))
        sample = changes[np.arange(pilots), drawn].sum(axis=1)
    sizes = np.sort(np.abs(sample))[::-1]
    # the truth is counted in, so no p-value is below one over the number of samples plus one
    p_value = (1 + np.count_nonzero(sizes >= abs(estimate) - 1e-12)) / (1 + len(sizes))
    place = int(np.floor(problem.alpha * (1 + len(sizes)) + 1e-9))
    half = float(sizes[place - 1]) if place >= 1 else np.inf
    draws = estimate - np.quantile(sample, spread_draws(problem.draws, rng))
    return Inferred(estimate, (estimate - half, estimate + half), float(p_value), draws, WORDS[kind])
