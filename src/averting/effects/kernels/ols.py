"""Least squares with school and period effects, on arrays (school, period); a cell of weight 0 is missing.

School effects are taken out by averaging and period effects by one small system, periods by periods: exact for
any pattern of weights and missing cells, without iterating. The other regressors follow by Frisch, Waugh and
Lovell: regressing what is left of the outcome on what is left of them gives the coefficients of the full
regression.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

_DEPENDENT = 1e-8
"""Share of a column's own size that must be left by effects and other columns; rounding leaves far less."""


class TwoWay(NamedTuple):
    """Weights (school, period), their school totals (school,), and the inverse of the periods' system."""

    weights: Array
    school_total: Array
    inverse: Array
    rank: int

    @property
    def absorbed(self) -> int:
        """Number of independent school and period effects."""
        return int((self.school_total > 0).sum()) + self.rank


class Fit(NamedTuple):
    """A weighted regression with school and period effects.

    ``coefficients`` (k,); ``residuals`` and ``weights`` (school, period), the residuals not multiplied by root
    weights and 0 in missing cells; ``regressors`` as given and ``within`` after the effects are taken out, both
    (school, period, k); ``bread`` (k, k), the inverse of within' W within; ``absorbed``, how many effects.
    """

    coefficients: Array
    residuals: Array
    weights: Array
    regressors: Array
    within: Array
    bread: Array
    absorbed: int

    @property
    def cells(self) -> int:
        """Number of cells that are not missing."""
        return int((self.weights > 0).sum())


def two_way(weights: Array) -> TwoWay:
    """Prepare the two-way within transformation for weights (school, period), 0 where a cell is missing."""
    total = weights.sum(axis=1)
    share = weights / np.where(total > 0, total, 1.0)[:, None]
    system = np.diag(weights.sum(axis=0)) - weights.T @ share
    inverse = np.linalg.pinv(system, rcond=1e-12, hermitian=True)
    rank = int(np.linalg.matrix_rank(system, tol=1e-12 * max(float(system.max()), 1e-300), hermitian=True))
    return TwoWay(weights, total, inverse, rank)


def within_schools(values: Array, weights: Array) -> Array:
    """Return values (school, period, ...) less each school's weighted mean; 0 in missing cells."""
    shaped = weights.reshape(*weights.shape, *[1] * (values.ndim - 2))
    total = shaped.sum(axis=1, keepdims=True)
    known = np.where(shaped > 0, values, 0.0)
    means = (shaped * known).sum(axis=1, keepdims=True) / np.where(total > 0, total, 1.0)
    return np.where(shaped > 0, known - means, 0.0)


def residualise(effects: TwoWay, values: Array) -> Array:
    """Take weighted school and period effects out of values.

    Parameters
    ----------
    effects : TwoWay
        From :func:`two_way`.
    values : array (school, period, ...)
        Whatever stands in missing cells is not read.

    Returns
    -------
    array (school, period, ...)
        Residuals, 0 in missing cells.
    """
    demeaned = within_schools(values, effects.weights)
    flat = demeaned.reshape(*values.shape[:2], int(np.prod(values.shape[2:])))
    by_period = np.einsum("st,stk->tk", effects.weights, flat)
    period = effects.inverse @ by_period
    total = np.where(effects.school_total > 0, effects.school_total, 1.0)
    flat -= period[None]
    flat += ((effects.weights @ period) / total[:, None])[:, None, :]
    flat *= (effects.weights > 0)[..., None]
    return np.asarray(flat.reshape(values.shape))


def dependent_columns(regressors: Array, within: Array, weights: Array) -> list[int]:
    """Return the positions of regressors that effects and earlier regressors determine.

    Parameters
    ----------
    regressors, within : array (school, period, k)
        Before and after the effects are taken out.
    weights : array (school, period)
        0 where a cell is missing.
    """
    root = np.sqrt(weights)[..., None]
    before = (root * np.where(weights[..., None] > 0, regressors, 0.0)).reshape(-1, regressors.shape[-1])
    left = (root * within).reshape(before.shape)
    size = np.maximum(np.linalg.norm(before, axis=0), 1e-300)
    found: list[int] = []
    # pivots of Q R, one column after another: a small one adds nothing to those before it
    upper = np.linalg.qr(left / size, mode="r")
    for column in range(left.shape[1]):
        pivot = abs(upper[column, column]) if column < upper.shape[0] else 0.0
        if pivot < _DEPENDENT:
            found.append(column)
    return found


def ols(outcome: Array, regressors: Array, weights: Array) -> Fit:
    """Regress an outcome on regressors, school effects and period effects.

    Parameters
    ----------
    outcome : array (school, period)
        Any value, NaN too, where the weight is 0.
    regressors : array (school, period, k)
        Without constant, school or period columns. They must not depend on each other given the effects:
        see :func:`dependent_columns`.
    weights : array (school, period)
        Not negative; 0 where a cell is missing.

    Raises
    ------
    numpy.linalg.LinAlgError
        If a regressor depends exactly on the others.
    """
    effects = two_way(weights)
    left = residualise(effects, np.concatenate([outcome[..., None], regressors], axis=-1))
    return fit_within(left[..., 0], left[..., 1:], regressors, effects)


def fit_within(outcome: Array, within: Array, regressors: Array, effects: TwoWay) -> Fit:
    """Finish a regression whose outcome and regressors have had their effects taken out."""
    weights = effects.weights
    count = within.shape[-1]
    flat = within.reshape(weights.size, count)
    weighted = (weights[..., None] * within).reshape(weights.size, count)
    bread = np.linalg.inv(weighted.T @ flat)
    coefficients = bread @ (weighted.T @ outcome.ravel())
    residuals = outcome - within @ coefficients
    return Fit(coefficients, residuals, weights, regressors, within, bread, effects.absorbed)


def with_periods(regressors: Array, weights: Array) -> Array:
    """Return regressors followed by dummies of all periods but the first, less school means.

    Sandwich corrections and bootstraps need the periods as columns, because a school's own cells move them.

    Parameters
    ----------
    regressors : array (school, period, k)
    weights : array (school, period)

    Returns
    -------
    array (school, period, k + periods - 1)
    """
    schools, periods, _ = regressors.shape
    known = np.flatnonzero(weights.sum(axis=0) > 0)[1:]
    dummies = np.broadcast_to(np.eye(periods)[:, known], (schools, periods, len(known)))
    return within_schools(np.concatenate([regressors, dummies], axis=-1), weights)


def cell_influence(fit: Fit, contrast: Array) -> Array:
    """Return by how much each cell's outcome moves a contrast of coefficients, (school, period)."""
    return np.asarray(fit.weights * (fit.within @ (fit.bread @ contrast)))
