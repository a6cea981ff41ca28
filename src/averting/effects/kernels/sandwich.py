"""Cluster-robust covariance of a regression with school and period effects: CR1, CR2 and CR3 in closed form.

All three weigh each cluster's score. With G the cluster's part of the regressors' second moments, relative to the
whole, CR2 multiplies the score by (I - G)^(-1/2) and CR3 by (I - G)^(-1): no regression is fitted twice.
"""

from __future__ import annotations

from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from averting.effects.kernels.ols import Array, Fit, with_periods

SmallSample = Literal["none", "clusters", "nested", "all"]
"""Factor on a covariance of G clusters, n cells and k coefficients. ``clusters``: G/(G-1). ``nested``: times
(n-1)/(n-k-periods), school effects not counted because they lie within clusters (fixest, pyfixest). ``all``:
times (n-1)/(n-k-every effect), as a regression on dummies counts (Stata's regress, statsmodels)."""

_SINGULAR = 1e-9


class Covariance(NamedTuple):
    """Covariance (k, k) of the coefficients and degrees of freedom (k,) of their t statistics."""

    matrix: Array
    df: Array


class Blocks(NamedTuple):
    """A regression by cluster, in a basis where the second moments of all clusters are the identity.

    ``shares`` (G, p, p) of the second moments, ``scores`` (G, p), and ``root`` (p, p) from there to coefficients.
    """

    shares: Array
    scores: Array
    root: Array


def by_cluster(values: Array, clusters: NDArray[np.intp] | None) -> Array:
    """Sum values (school, ...) over clusters; ``clusters`` (school,) holds 0..G-1, None means each school."""
    if clusters is None:
        return values
    summed = np.zeros((int(clusters.max()) + 1, *values.shape[1:]))
    np.add.at(summed, clusters, values)
    return summed


def small_sample(kind: SmallSample, fit: Fit, clusters: int) -> float:
    """Return the factor that a covariance is multiplied with; see :data:`SmallSample`."""
    if kind == "none":
        return 1.0
    factor = clusters / (clusters - 1)
    if kind == "clusters":
        return factor
    schools = int((fit.weights.sum(axis=1) > 0).sum())
    count = len(fit.coefficients)
    effects = fit.absorbed if kind == "all" else fit.absorbed - schools + 1
    return factor * (fit.cells - 1) / (fit.cells - count - effects)


def _clusters_used(fit: Fit, clusters: NDArray[np.intp] | None) -> int:
    return int((by_cluster(fit.weights.sum(axis=1), clusters) > 0).sum())


def cr1(fit: Fit, clusters: NDArray[np.intp] | None = None, *, correction: SmallSample = "nested") -> Covariance:
    """Return the usual cluster-robust covariance [liang_zeger_1986]_, with t of G - 1 degrees of freedom.

    Parameters
    ----------
    fit : Fit
        From :func:`averting.effects.kernels.ols.ols`, or of a Poisson regression at its last step.
    clusters : array (school,), optional
        Cluster of each school, 0..G-1; each school by default.
    correction : str
        See :data:`SmallSample`.

    References
    ----------
    .. [liang_zeger_1986] Liang, K.-Y. and Zeger, S. (1986). Longitudinal data analysis using generalized linear
       models. Biometrika 73(1).
    """
    scores = by_cluster(np.einsum("stk,st->sk", fit.within, fit.weights * fit.residuals), clusters)
    used = _clusters_used(fit, clusters)
    meat = scores.T @ scores
    matrix = small_sample(correction, fit, used) * fit.bread @ meat @ fit.bread
    return Covariance(matrix, np.full(len(matrix), used - 1.0))


def blocks(fit: Fit, clusters: NDArray[np.intp] | None = None) -> Blocks:
    """Split a regression into clusters, with period effects as columns."""
    columns = with_periods(fit.regressors, fit.weights)
    weighted = fit.weights[..., None] * columns
    # a cluster's second moments first, (G, p, p): nothing larger than one school's cells is multiplied out
    moments = by_cluster(weighted.transpose(0, 2, 1) @ columns, clusters)
    scores = by_cluster(np.einsum("stp,st->sp", weighted, fit.residuals), clusters)
    values, vectors = np.linalg.eigh(moments.sum(axis=0))
    keep = values > 1e-12 * values[-1]
    root = vectors[:, keep] / np.sqrt(values[keep])
    return Blocks(root.T @ moments @ root, scores @ root, root)


class Leverage(NamedTuple):
    """Eigenvalues (G, p) of one less each cluster's share, and eigenvectors (G, p, p)."""

    left: Array
    vectors: Array


def leverage(parts: Blocks) -> Leverage:
    """Return what each cluster leaves of the second moments, by direction."""
    values, vectors = np.linalg.eigh(parts.shares)
    return Leverage(1.0 - values, vectors)


def cr3(
    fit: Fit, clusters: NDArray[np.intp] | None = None, *, correction: SmallSample | None = None
) -> Covariance:
    """Return the cluster jackknife covariance [mackinnon_nielsen_webb_2023]_ without refitting.

    Parameters
    ----------
    fit, clusters : Fit, array
        As in :func:`cr1`.
    correction : str, optional
        By default (G - 1)/G, as the jackknife is defined; pyfixest multiplies by ``nested`` instead.

    Returns
    -------
    Covariance
        For a Poisson regression, of one Newton step from the full estimate for each cluster left out.

    Raises
    ------
    numpy.linalg.LinAlgError
        If leaving a cluster out leaves a coefficient without data.

    References
    ----------
    .. [mackinnon_nielsen_webb_2023] MacKinnon, J., Nielsen, M. and Webb, M. (2023). Cluster-robust inference: a
       guide to empirical practice. Journal of Econometrics 232(2).
    """
    parts = blocks(fit, clusters)
    used, count = _clusters_used(fit, clusters), len(fit.coefficients)
    remaining = np.eye(parts.shares.shape[-1]) - parts.shares
    _refuse_singular(remaining)
    moved = np.linalg.solve(remaining, parts.scores[..., None])[..., 0] @ parts.root[:count].T
    factor = (used - 1) / used if correction is None else small_sample(correction, fit, used)
    return Covariance(factor * moved.T @ moved, np.full(count, used - 1.0))


def _refuse_singular(remaining: Array) -> None:
    # the determinant screens cheaply; only suspicious clusters are looked at closely
    suspicious = np.flatnonzero(np.linalg.det(remaining) < 1e-6)
    if suspicious.size and np.linalg.eigvalsh(remaining[suspicious])[:, 0].min() < _SINGULAR:
        raise np.linalg.LinAlgError("leaving one cluster out leaves a coefficient without data")


def cr2(fit: Fit, clusters: NDArray[np.intp] | None = None) -> Covariance:
    """Return the bias-reduced covariance with Satterthwaite's degrees of freedom [bell_mccaffrey_2002]_.

    Raises
    ------
    numpy.linalg.LinAlgError
        If leaving a cluster out leaves a coefficient without data.

    References
    ----------
    .. [bell_mccaffrey_2002] Bell, R. and McCaffrey, D. (2002). Bias reduction in standard errors for linear
       regression with multi-stage samples. Survey Methodology 28(2). With school effects taken out first:
       Pustejovsky, J. and Tipton, E. (2018), Journal of Business & Economic Statistics 36(4), theorem 2.
    """
    parts = blocks(fit, clusters)
    count = len(fit.coefficients)
    left, vectors = leverage(parts)
    if left.min() < _SINGULAR:
        raise np.linalg.LinAlgError("leaving one cluster out leaves a coefficient without data")
    rotated = np.einsum("gpq,gp->gq", vectors, parts.scores) / np.sqrt(left)
    moved = np.einsum("gpq,gq->gp", vectors, rotated) @ parts.root[:count].T
    df = np.array([_satterthwaite(left, vectors, direction) for direction in parts.root[:count]])
    return Covariance(moved.T @ moved, df)


def _satterthwaite(left: Array, vectors: Array, direction: Array) -> float:
    """Degrees of freedom of a direction (p,): squared trace over trace of square of the variance's matrix.

    The matrix, cluster by cluster, is diag(d) - B B' with d the squared length of a cluster's adjusted weights
    and B (G, p) what the regression takes back of them, so nothing of size G by G is formed.
    """
    along = np.einsum("gpq,p->gq", vectors, direction)
    share = 1.0 - left
    length = (along**2 * share / left).sum(axis=1)
    taken = np.einsum("gpq,gq->gp", vectors, along * share / np.sqrt(left))
    back = (taken**2).sum(axis=1)
    trace = (length - back).sum()
    cross = taken.T @ taken
    return float(trace**2 / (((length - back) ** 2 - back**2).sum() + (cross**2).sum()))
