"""Least squares over the simplex, for many targets at once: weights of synthetic control methods.

Minimises ``|A x - b|^2 + ridge |x|^2`` over weights ``x`` that are not negative and sum to one. The dual has one
smooth, strongly convex unknown for each row of ``A`` (a period), however many columns (schools) there are, so
Newton's method solves a thousand placebo problems together in small dense systems. It stops at the exact set of
columns with weight: no step size, no random start.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]

SMALLEST_RIDGE = 1e-6
"""Ridge, relative to the largest squared column, that picks the most even weights where many fit equally well."""

_STAGE = 10.0  # the ridge falls by this factor from stage to stage, each warm-started from the last
_STEPS = 60
_HALVINGS = 30
_TOLERANCE, _ON_THE_WAY = 1e-12, 1e-3  # of the target's size, at the last ridge and at those before it
_UNSETTLED = 1e-4  # of the target's size: weights that miss the optimum by more are not returned
_ROUNDING = 1e-14


class _Problem(NamedTuple):
    """``design`` (batch or 1, row, column), ``target`` (batch, row), ``ridge`` (batch,), ``allowed`` (batch, column)."""

    design: Array
    target: Array
    ridge: Array
    allowed: Mask

    def of(self, rows: NDArray[np.intp]) -> _Problem:
        design = self.design if len(self.design) == 1 else self.design[rows]
        return _Problem(design, self.target[rows], self.ridge[rows], self.allowed[rows])


def project_to_simplex(points: Array, allowed: Mask) -> Array:
    """Return the nearest weights to each point: not negative, summing to one, zero where not allowed.

    Parameters
    ----------
    points, allowed : arrays (batch, column)
        At least one column of each row is allowed.
    """
    masked = np.where(allowed, points, -np.inf)
    falling = -np.sort(-masked, axis=1)
    shown = np.where(np.isfinite(falling), falling, 0.0)
    ranks = np.arange(1, points.shape[1] + 1)
    thresholds = (np.cumsum(shown, axis=1) - 1.0) / ranks
    kept = np.count_nonzero((falling > thresholds) & np.isfinite(falling), axis=1)
    threshold = np.take_along_axis(thresholds, kept[:, None] - 1, axis=1)
    return np.maximum(masked - threshold, 0.0)


def simplex_weights(design: Array, target: Array, ridge: Array, allowed: Mask) -> Array:
    """Return weights that bring ``design`` nearest to each target.

    Parameters
    ----------
    design : array (row, column) or (batch, row, column)
        What is combined, for example periods by schools.
    target : array (batch, row)
        What is to be matched.
    ridge : array (batch,)
        Penalty on the squared weights; raised to :data:`SMALLEST_RIDGE` of the largest squared column.
    allowed : array (batch, column) of bool
        Columns that may have weight.

    Returns
    -------
    array (batch, column)
        Not negative, summing to one.

    Raises
    ------
    ArithmeticError
        If the optimum is not reached, rather than return weights that are none.
    """
    stacked = design[None] if design.ndim == 2 else design
    middle = stacked.mean(axis=2)  # weights sum to one, so what columns share can be taken off both sides
    stacked, reduced = _fewer_rows(stacked - middle[..., None], target - middle)
    scale = (stacked**2).sum(1).max(1) * np.ones(len(reduced))
    scale = np.where(scale > 0, scale, 1.0)
    last = np.maximum(ridge, SMALLEST_RIDGE * scale)
    stages = max(1, int(np.ceil(np.log(np.max(scale / last)) / np.log(_STAGE))) + 1)
    dual = np.zeros_like(reduced)
    for left in range(stages - 1, -1, -1):
        now = np.maximum(last, np.minimum(scale, last * _STAGE**left))
        # what rounding leaves of a step grows as the ridge falls beside the columns
        near = np.maximum(_TOLERANCE, 1e-15 * scale / now) if left == 0 else np.full(len(now), _ON_THE_WAY)
        dual = _newton(_Problem(stacked, reduced, now, allowed), dual, near)
    problem = _Problem(stacked, reduced, last, allowed)
    weights = _primal(problem, dual)
    missed = np.abs(dual - reduced + _times(stacked, weights)).max(1)
    if (missed > _UNSETTLED * _size(problem)).any():
        raise ArithmeticError("weights on the simplex did not settle")
    return weights


def _size(problem: _Problem) -> Array:
    return np.asarray(np.sqrt(np.maximum((problem.target**2).sum(1), (problem.design**2).sum(1).max(1))))


def _fewer_rows(design: Array, target: Array) -> tuple[Array, Array]:
    """Rotate away rows beyond the number of columns, which no weights can fit."""
    if design.shape[1] <= design.shape[2]:
        return design, target
    turn, triangle = np.linalg.qr(design)
    return triangle, np.asarray((turn.swapaxes(1, 2) @ target[..., None])[..., 0])


def _times(design: Array, weights: Array) -> Array:
    """Multiply out ``A x`` of each problem, (batch, column) to (batch, row)."""
    if len(design) == 1:
        return np.asarray(weights @ design[0].T)
    return np.asarray((design @ weights[..., None])[..., 0])


def _primal(problem: _Problem, dual: Array) -> Array:
    pulls = (
        dual @ problem.design[0]
        if len(problem.design) == 1
        else (problem.design.swapaxes(1, 2) @ dual[..., None])[..., 0]
    )
    return project_to_simplex(pulls / problem.ridge[:, None], problem.allowed)


def _dual_value(problem: _Problem, dual: Array, weights: Array) -> Array:
    fitted = _times(problem.design, weights)
    own = 0.5 * (dual**2).sum(1) - (problem.target * dual).sum(1)
    return np.asarray(own + (dual * fitted).sum(1) - 0.5 * problem.ridge * (weights**2).sum(1))


def _newton(problem: _Problem, dual: Array, near: Array) -> Array:
    """Minimise the dual of each problem from where it stands; rows that have converged are left alone."""
    dual = dual.copy()
    open_rows = np.arange(len(dual))
    tolerance = near * _size(problem)
    for _ in range(_STEPS):
        part = problem.of(open_rows)
        weights = _primal(part, dual[open_rows])
        gradient = dual[open_rows] - part.target + _times(part.design, weights)
        unsolved = np.abs(gradient).max(1) > tolerance[open_rows]
        if not unsolved.any():
            break
        open_rows, weights, gradient = open_rows[unsolved], weights[unsolved], gradient[unsolved]
        part = problem.of(open_rows)
        dual[open_rows] = _search(part, dual[open_rows], weights, gradient)
    return dual


def _search(part: _Problem, dual: Array, weights: Array, gradient: Array) -> Array:
    """Take each problem's Newton step, halved until the dual falls."""
    step = _newton_step(part, weights, gradient)
    value = _dual_value(part, dual, weights)
    slope = (step * gradient).sum(1)
    length = np.ones(len(dual))
    rounding = _ROUNDING * ((part.target**2).sum(1) + np.abs(value))
    trying = np.arange(len(dual))
    for _ in range(_HALVINGS):
        some = part.of(trying)
        tried = dual[trying] + length[trying, None] * step[trying]
        reached = _dual_value(some, tried, _primal(some, tried))
        enough = value[trying] + 1e-4 * length[trying] * slope[trying] + rounding[trying]
        trying = trying[reached > enough]
        if not trying.size:
            break
        length[trying] *= 0.5
    return np.asarray(dual + length[:, None] * step)


def _newton_step(part: _Problem, weights: Array, gradient: Array) -> Array:
    """Solve with the curvature of the columns that have weight: identity + A (I - 11'/s) A' / ridge."""
    held = (weights > 0).astype(float)
    number = held.sum(1)
    rows = part.design.shape[1]
    if len(part.design) == 1:
        columns = part.design[0]
        outer = (columns[:, None, :] * columns[None, :, :]).reshape(rows * rows, -1)
        square = (held @ outer.T).reshape(-1, rows, rows)
    else:
        square = (part.design * held[:, None, :]) @ part.design.swapaxes(1, 2)
    mean = _times(part.design, held)
    square -= mean[:, :, None] * mean[:, None, :] / number[:, None, None]
    curvature = np.eye(rows) + square / part.ridge[:, None, None]
    return np.asarray(-np.linalg.solve(curvature, gradient[..., None])[..., 0])
