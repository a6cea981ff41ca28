"""Standard errors from school-clustered covariances: ``cr1``, ``cr2``, ``cr3``; and bands for many coefficients."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from averting.effects.inference.linear import Inferred, Linear, spread_draws
from averting.effects.kernels import sandwich as kernels
from averting.effects.kernels.ols import Array, Fit
from averting.errors import EstimationError

WORDS = {
    "cr1": "standard errors clustered by {cluster} (CR1), t with one less than the number of clusters",
    "cr2": "bias-reduced standard errors clustered by {cluster} (CR2), t with Satterthwaite's degrees of freedom",
    "cr3": "jackknife standard errors, each {cluster} left out in turn (CR3), t with one less than their number",
}

BAND_DRAWS = 20_000


def covariance(kind: str, fit: Fit, clusters: NDArray[np.intp] | None = None) -> kernels.Covariance:
    """Return the covariance of a fit's coefficients.

    Parameters
    ----------
    kind : {"cr1", "cr2", "cr3"}
        See :mod:`averting.effects.kernels.sandwich`.
    fit : Fit
        A regression.
    clusters : array (school,), optional
        Cluster of each school; each school by default.

    Raises
    ------
    EstimationError
        If leaving out one cluster leaves the effect without data, so that CR2 and CR3 do not exist.
    """
    try:
        return {"cr1": kernels.cr1, "cr2": kernels.cr2, "cr3": kernels.cr3}[kind](fit, clusters)
    except np.linalg.LinAlgError as error:
        raise EstimationError(
            f"inference '{kind}' leaves out one cluster at a time, and without one of them an effect has no data "
            "(pilots in one cluster only, in all or at some time since the start). Use 'permutation', or 'cr1' to see "
            "what others would report."
        ) from error


def with_standard_error(
    estimate: float, error: float, df: float, *, alpha: float, draws: int, words: str, rng: np.random.Generator
) -> Inferred:
    """Return the interval, p-value and draws of a t distribution about an estimate."""
    quantile = float(stats.t.ppf(1 - alpha / 2, df))
    p_value = float(2 * stats.t.sf(abs(estimate) / error, df)) if error > 0 else float(estimate == 0)
    return Inferred(
        estimate,
        (estimate - quantile * error, estimate + quantile * error),
        p_value,
        estimate + error * stats.t.ppf(spread_draws(draws, rng), df),
        words,
    )


def clustered(kind: str, problem: Linear, rng: np.random.Generator) -> Inferred:
    """Infer a contrast from ``cr1``, ``cr2`` or ``cr3``."""
    fit = problem.fit_contrast()
    found = covariance(kind, fit, problem.clusters)
    return with_standard_error(
        float(fit.coefficients[0]),
        float(np.sqrt(found.matrix[0, 0])),
        float(found.df[0]),
        alpha=problem.alpha,
        draws=problem.draws,
        words=WORDS[kind].format(cluster=problem.cluster),
        rng=rng,
    )


def sup_t(matrix: Array, df: float, alpha: float, rng: np.random.Generator) -> float:
    """Return the multiple of standard errors that covers all coefficients at once [montiel_plagborg_2019]_.

    Parameters
    ----------
    matrix : array (k, k)
        Covariance.
    df : float
        Degrees of freedom of the t statistics.
    alpha : float
        One minus the level.
    rng : Generator
        Simulates the largest t statistic.

    References
    ----------
    .. [montiel_plagborg_2019] Montiel Olea, J. and Plagborg-Moller, M. (2019). Simultaneous confidence bands:
       theory, implementation, and an application to SVARs. Journal of Applied Econometrics 34(1).
    """
    errors = np.sqrt(np.diag(matrix))
    values, vectors = np.linalg.eigh(matrix / np.outer(errors, errors))
    normal = rng.standard_normal((BAND_DRAWS, len(errors))) @ (vectors * np.sqrt(np.maximum(values, 0))).T
    largest = np.abs(normal).max(axis=1) / np.sqrt(rng.chisquare(df, BAND_DRAWS) / df)
    return float(np.quantile(largest, 1 - alpha))


def wald_p(coefficients: Array, matrix: Array, df: float) -> float:
    """Return the p-value of all coefficients being zero, by F with the clusters' degrees of freedom."""
    rank = int(np.linalg.matrix_rank(matrix, hermitian=True))
    statistic = coefficients @ np.linalg.pinv(matrix, hermitian=True) @ coefficients
    return float(stats.f.sf(statistic / rank, rank, df))
