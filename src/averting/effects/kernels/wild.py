"""Wild cluster bootstrap of one coefficient, restricted or not, without refitting; every supposed value at once.

A bootstrap sample flips or stretches whole clusters of residuals. Its coefficient and its CR1 variance need only
each cluster's score and second moments. Both follow the supposed value in closed form, so that inverting the test
into an interval costs no further bootstrap.
"""

from __future__ import annotations

from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from averting.effects.kernels.ols import Array, Fit, with_periods
from averting.effects.kernels.sandwich import by_cluster

Multipliers = Literal["rademacher", "webb"]

_TIE = 1e-9
_CELLS_AT_ONCE = 4_000_000


class Wild(NamedTuple):
    """Bootstrap draws; for a supposed value b, numerator is n0 + b n1 and squared denominator v0 + b v1 + b^2 v2.

    ``numerator`` (draw, 2) and ``variance`` (draw, 3) of the bootstrap; ``estimate`` and ``error`` of the data.
    """

    numerator: Array
    variance: Array
    estimate: float
    error: float


def multipliers(
    clusters: int, draws: int, kind: Multipliers, rng: np.random.Generator
) -> tuple[NDArray[np.float64], bool]:
    """Return multipliers (draw, cluster), and whether they list every possibility.

    Rademacher's are -1 and 1, all of them listed where there are no more than ``draws``; Webb's are the roots of
    1/2, 1 and 3/2 with either sign [webb_2023]_, and give few clusters many more different samples.

    References
    ----------
    .. [webb_2023] Webb, M. (2023). Reworking wild bootstrap-based inference for clustered errors. Canadian
       Journal of Economics 56(3).
    """
    if kind == "rademacher":
        if clusters < 31 and 2**clusters <= draws:
            bits = (np.arange(2**clusters)[:, None] >> np.arange(clusters)) & 1
            return np.where(bits == 1, -1.0, 1.0), True
        return rng.choice(np.array([-1.0, 1.0]), size=(draws, clusters)), False
    six = np.sqrt([0.5, 1.0, 1.5])
    return rng.choice(np.concatenate([-six, six]), size=(draws, clusters)), False


class _Moments(NamedTuple):
    """By unit that is flipped: scores of residuals (unit, p, 2); by cluster: second moments (G, p, p)."""

    scores: Array
    squares: Array
    inverse: Array


def _moments(
    fit: Fit, clusters: NDArray[np.intp] | None, units: NDArray[np.intp] | None, restricted: bool
) -> _Moments:
    columns = with_periods(fit.regressors, fit.weights)
    weighted = fit.weights[..., None] * columns
    squares = by_cluster(weighted.transpose(0, 2, 1) @ columns, clusters)
    inverse = np.linalg.pinv(squares.sum(axis=0), rcond=1e-12, hermitian=True)
    parts = np.stack([fit.residuals, np.zeros_like(fit.residuals)], axis=-1)
    if restricted:
        parts = _restricted(fit)
    return _Moments(by_cluster(np.einsum("stp,stj->spj", weighted, parts), units), squares, inverse)


def _restricted(fit: Fit) -> Array:
    """Residuals with the first coefficient held at b: e + (estimate - b) r, as (school, period, constant and b)."""
    own = fit.within[..., 0]
    other = fit.within[..., 1:]
    left = own
    if other.shape[-1]:
        flat = other.reshape(-1, other.shape[-1])
        weighted = (fit.weights[..., None] * other).reshape(flat.shape)
        left = own - (flat @ np.linalg.solve(weighted.T @ flat, weighted.T @ own.ravel())).reshape(own.shape)
    return np.stack([fit.residuals + fit.coefficients[0] * left, -left], axis=-1)


def wild_bootstrap(
    fit: Fit,
    *,
    draws: int,
    rng: np.random.Generator,
    kind: Multipliers = "webb",
    restricted: bool = True,
    clusters: NDArray[np.intp] | None = None,
    units: NDArray[np.intp] | None = None,
) -> Wild:
    """Bootstrap the first coefficient's t statistic [cameron_gelbach_miller_2008]_.

    Parameters
    ----------
    fit : Fit
        From :func:`averting.effects.kernels.ols.ols`.
    draws : int
        Number of samples, where not all are listed.
    rng : Generator
        Draws the multipliers.
    kind : {"webb", "rademacher"}
        See :func:`multipliers`.
    restricted : bool
        Impose the supposed value (WCR), or not (WCU).
    clusters : array (school,), optional
        Cluster of each school for the variance; each school by default.
    units : array (school,), optional
        What is flipped together, nested in clusters: the subcluster bootstrap [mackinnon_webb_2018]_. The
        clusters by default.

    References
    ----------
    .. [cameron_gelbach_miller_2008] Cameron, A., Gelbach, J. and Miller, D. (2008). Bootstrap-based improvements
       for inference with clustered errors. Review of Economics and Statistics 90(3).
    .. [mackinnon_webb_2018] MacKinnon, J. and Webb, M. (2018). The wild bootstrap for few (treated) clusters.
       Econometrics Journal 21(2).
    """
    flipped = clusters if units is None else units
    found = _moments(fit, clusters, flipped, restricted)
    group = _group_of_units(len(fit.weights), clusters, flipped)
    row = found.inverse[0]
    lead = np.einsum("p,upj->uj", row, found.scores)
    curvature = np.einsum("p,gpq->gq", row, found.squares)
    sheets, _ = multipliers(len(lead), draws, kind, rng)
    step = max(1, _CELLS_AT_ONCE // len(lead))
    pieces = [
        _bootstrap_block(sheets[i : i + step], found, lead, curvature, group) for i in range(0, len(sheets), step)
    ]
    truth = by_cluster(np.einsum("stk,st->sk", fit.within, fit.weights * fit.residuals), clusters) @ fit.bread[0]
    return Wild(
        np.concatenate([piece[0] for piece in pieces]),
        np.concatenate([piece[1] for piece in pieces]),
        float(fit.coefficients[0]),
        float(np.sqrt((truth**2).sum())),
    )


def _group_of_units(
    schools: int, clusters: NDArray[np.intp] | None, units: NDArray[np.intp] | None
) -> NDArray[np.intp] | None:
    """Return the cluster of each flipped unit, or None where they are the clusters themselves."""
    if units is clusters:
        return None
    of_school = np.arange(schools) if clusters is None else clusters
    if units is None:
        return of_school
    group = np.zeros(int(units.max()) + 1, dtype=np.intp)
    group[units] = of_school
    return group


def _bootstrap_block(
    sheet: Array, found: _Moments, lead: Array, curvature: Array, group: NDArray[np.intp] | None
) -> tuple[Array, Array]:
    numerator = sheet @ lead
    scores = []
    for part in range(2):
        moved = (sheet @ found.scores[:, :, part]) @ found.inverse
        own = sheet * lead[:, part]
        if group is not None:
            own = by_cluster(own.T, group).T
        scores.append(own - moved @ curvature.T)
    first, second = scores
    variance = np.stack([(first**2).sum(1), 2 * (first * second).sum(1), (second**2).sum(1)], axis=-1)
    return numerator, variance


def wild_t(wild: Wild, supposed: Array) -> tuple[Array, Array]:
    """Return the data's t statistic (g,) and the bootstrap's (g, draw) for supposed values (g,)."""
    value = np.asarray(supposed, dtype=np.float64)[:, None]
    numerator = wild.numerator[:, 0] + value * wild.numerator[:, 1]
    variance = wild.variance[:, 0] + value * wild.variance[:, 1] + value**2 * wild.variance[:, 2]
    draws = numerator / np.sqrt(np.maximum(variance, 1e-300))
    return (wild.estimate - value[:, 0]) / wild.error, draws


def wild_p(wild: Wild, supposed: Array) -> Array:
    """Return the symmetric p-value of supposed values, (g,): the share of samples at least as extreme."""
    truth, draws = wild_t(wild, supposed)
    return np.asarray((np.abs(draws) >= np.abs(truth)[:, None] * (1 - _TIE)).mean(axis=1))
