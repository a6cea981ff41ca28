"""One comparison of changes: treated units against controls, over two periods, with or without covariates.

The effect is a weighted sum of changes, ``unit_weights @ change``, whichever way controls are made comparable: by a
regression of their change (outcome regression), by weighting them (inverse probability), or by both, which is right
where either is (doubly robust) [santanna_zhao_2020]_.

.. [santanna_zhao_2020] Sant'Anna, P. and Zhao, J. (2020). Doubly robust difference-in-differences estimators.
   Journal of Econometrics 219(1).
"""

from __future__ import annotations

from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

Array = NDArray[np.float64]
Adjustment = Literal["regression", "weighting", "doubly_robust"]

_NEWTON_STEPS = 50
_SINGULAR = 1e-12


class Change(NamedTuple):
    """Effect, the weight of each unit's change in it (unit,), and each unit's influence (unit,).

    The influence is scaled so that the sum of its squares is the variance of the effect. All are NaN where the
    effect cannot be estimated.
    """

    effect: float
    unit_weights: Array
    influence: Array


def compare_changes(
    change: Array,
    treated: NDArray[np.bool_],
    control: NDArray[np.bool_],
    *,
    weight: Array,
    covariates: Array | None = None,
    adjustment: Adjustment = "doubly_robust",
) -> Change:
    """Compare the mean change of treated units with that of controls.

    Parameters
    ----------
    change : array (unit,)
        Outcome later minus outcome earlier; finite, of any value where a unit is neither treated nor control.
    treated, control : array (unit,) of bool
        Who is compared with whom.
    weight : array (unit,)
        Positive.
    covariates : array (unit, covariate), optional
        Without a constant, which is added.
    adjustment : {"doubly_robust", "regression", "weighting"}
        How controls are made comparable, where there are covariates.

    Returns
    -------
    Change
        NaN where there is no treated unit or no control, where covariates are collinear among controls, or where
        they separate treated units from controls.
    """
    nothing = Change(np.nan, np.full(len(change), np.nan), np.full(len(change), np.nan))
    if not (treated.any() and control.any()):
        return nothing
    own = np.where(treated, weight, 0.0)
    other = np.where(control, weight, 0.0)
    own /= own.sum()
    if covariates is None:
        other /= other.sum()
        return _difference(change, own, other)
    regressors = np.column_stack([np.ones(len(change)), covariates])
    try:
        if adjustment == "regression":
            return _regression(change, own, other, regressors)
        score = _propensity(treated, np.where(treated | control, weight, 0.0), regressors)
        if adjustment == "weighting":
            return _weighting(change, own, other, regressors, score)
        return _doubly_robust(change, own, other, regressors, score)
    except np.linalg.LinAlgError:
        return nothing


def inverse(matrix: Array) -> Array:
    """Return the inverse of a symmetric positive matrix; raise LinAlgError where it is singular to rounding."""
    scale = np.sqrt(np.diag(matrix))
    if not (np.isfinite(scale).all() and (scale > 0).all()):
        raise np.linalg.LinAlgError
    scaled = matrix / np.outer(scale, scale)
    values, vectors = np.linalg.eigh(scaled)
    if values[0] < _SINGULAR * len(values):
        raise np.linalg.LinAlgError
    return np.asarray((vectors / values) @ vectors.T / np.outer(scale, scale))


class _Propensity(NamedTuple):
    """Odds of being treated (unit,), and each unit's influence on the coefficients (unit, regressor)."""

    odds: Array
    influence: Array


def _propensity(treated: NDArray[np.bool_], weight: Array, regressors: Array) -> _Propensity:
    """Logistic regression of being treated, by Newton's method."""
    coefficients = np.zeros(regressors.shape[1])
    outcome = treated.astype(float)
    for _ in range(_NEWTON_STEPS):
        chance = expit(regressors @ coefficients)
        information = inverse((regressors * (weight * chance * (1 - chance))[:, None]).T @ regressors)
        step = information @ (regressors.T @ (weight * (outcome - chance)))
        coefficients += step
        if np.abs(regressors @ step)[weight > 0].max() < 1e-10:
            scores = (weight * (outcome - chance))[:, None] * regressors
            return _Propensity(np.exp(regressors @ coefficients), scores @ information)
    raise np.linalg.LinAlgError  # treated units and controls are separated


def _difference(change: Array, own: Array, other: Array) -> Change:
    first, second = own @ change, other @ change
    influence = own * (change - first) - other * (change - second)
    return Change(float(first - second), own - other, influence)


def _regression(change: Array, own: Array, other: Array, regressors: Array) -> Change:
    moments = inverse((regressors * other[:, None]).T @ regressors)
    fitted = regressors @ (moments @ (regressors.T @ (other * change)))
    borrowed = other * (regressors @ (moments @ (own @ regressors)))
    effect = own @ (change - fitted)
    influence = own * (change - fitted - effect) - borrowed * (change - fitted)
    return Change(float(effect), own - borrowed, influence)


def _weighting(change: Array, own: Array, other: Array, regressors: Array, score: _Propensity) -> Change:
    like = other * score.odds
    like /= like.sum()
    first, second = own @ change, like @ change
    of_score = score.influence @ ((like * (change - second)) @ regressors)
    influence = own * (change - first) - like * (change - second) - of_score
    return Change(float(first - second), own - like, influence)


def _doubly_robust(change: Array, own: Array, other: Array, regressors: Array, score: _Propensity) -> Change:
    like = other * score.odds
    like /= like.sum()
    moments = inverse((regressors * other[:, None]).T @ regressors)
    rest = change - regressors @ (moments @ (regressors.T @ (other * change)))
    first, second = own @ rest, like @ rest
    gap = (own - like) @ regressors
    borrowed = other * (regressors @ (moments @ gap))
    of_score = score.influence @ ((like * (rest - second)) @ regressors)
    influence = own * (rest - first) - like * (rest - second) - of_score - borrowed * rest
    return Change(float(first - second), own - like - borrowed, influence)
