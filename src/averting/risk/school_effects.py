"""Logistic regression in which each school has a level of its own: arrays in, arrays out.

Levels are normal around zero in log odds and are integrated out of the likelihood by adaptive Gauss-Hermite
quadrature [pinheiro_bates_1995]_, all schools at once. The gradient is exact up to quadrature (Fisher's identity).

.. [pinheiro_bates_1995] Pinheiro, J. C. and Bates, D. M. (1995). Approximations to the log-likelihood function in the
   nonlinear mixed-effects model. Journal of Computational and Graphical Statistics, 4(1), 12-35.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.optimize import Bounds, minimize
from scipy.special import expit, logsumexp

from averting.errors import EstimationError
from averting.risk.logistic import Floats, Ints, LogitFit, fit_logit

NODES = 11
_Descent = Callable[[Floats], tuple[float, Floats]]
_NEWTON = 40
_LEAST = math.log(1e-3)  # of the spread in log odds: below it, schools do not differ


@dataclass(frozen=True, eq=False)
class _Schools:
    """Cells sorted by school, and the first cell of each."""

    x: Floats
    events: Floats
    trials: Floats
    school: Ints
    first: Ints

    @classmethod
    def of(cls, x: Floats, events: Floats, trials: Floats, school: Ints) -> _Schools:
        order = np.argsort(school, kind="stable")
        _, first, place = np.unique(school[order], return_index=True, return_inverse=True)
        return cls(x[order], events[order], trials[order], place.astype(np.int64), first.astype(np.int64))

    def sums(self, values: Floats) -> Floats:
        """Add up cells by school, along the first axis."""
        return np.asarray(np.add.reduceat(values, self.first, axis=0), dtype=np.float64)


def quadrature(nodes: int = NODES) -> tuple[Floats, Floats]:
    """Return nodes and weights with which the mean over a standard normal is ``weights @ f(nodes)``."""
    at, weight = np.polynomial.hermite.hermgauss(nodes)
    return np.asarray(np.sqrt(2.0) * at, dtype=np.float64), np.asarray(weight / np.sqrt(np.pi), dtype=np.float64)


def fit_school_logit(
    x: Floats,
    events: Floats,
    trials: Floats,
    school: Ints,
    *,
    prior_mean: Floats | None = None,
    prior_precision: Floats | None = None,
    nodes: int = NODES,
) -> LogitFit:
    """Fit a logistic regression with a normal level for each school.

    Parameters
    ----------
    x, events, trials, prior_mean, prior_precision
        As for :func:`averting.risk.logistic.fit_logit`.
    school : array of int, shape (cell,)
        School of each cell.
    nodes : int
        Of the quadrature; 1 is Laplace's approximation.

    Raises
    ------
    EstimationError
        If the likelihood has no maximum, or there are fewer than two schools.
    """
    if len(np.unique(school)) < 2:
        raise EstimationError("Levels of schools need two schools or more. Leave school out.")
    plain = fit_logit(x, events, trials, prior_mean=prior_mean, prior_precision=prior_precision)
    p = x.shape[1]
    mean = np.zeros(p) if prior_mean is None else prior_mean
    precision = np.zeros(p) if prior_precision is None else prior_precision
    cells = _Schools.of(x, events, trials, school)

    def descend(at: Floats) -> tuple[float, Floats]:
        value, gradient = marginal(at, cells, nodes)
        off = at[:p] - mean
        gradient[:p] -= precision * off
        return -(value - 0.5 * float(precision @ off**2)), -gradient

    # in units of about one standard error, so that the search is round
    scale = np.append(np.sqrt(np.diag(plain.covariance)), 0.3)
    begin: Floats = np.append(plain.coefficients, math.log(0.5)) / scale

    def scaled(at: Floats) -> tuple[float, Floats]:
        value, gradient = descend(at * scale)
        return value, gradient * scale

    found = minimize(
        scaled,
        begin,
        jac=True,
        method="L-BFGS-B",
        bounds=Bounds(np.append(np.full(p, -np.inf), _LEAST / scale[-1]), np.full(p + 1, np.inf)),
        options={"maxiter": 500, "ftol": 1e-13, "gtol": 1e-6},
    )
    at = np.asarray(found.x * scale, dtype=np.float64)
    if not np.isfinite(found.fun) or np.abs(at[:p]).max() > 15:
        raise EstimationError(
            "The model with levels of schools has no maximum. Leave a characteristic out, or school."
        )
    covariance = _covariance(descend, at, scale)
    return LogitFit(at[:p], covariance, marginal(at, cells, nodes)[0], spread=float(np.exp(at[p])))


def _covariance(descend: _Descent, at: Floats, scale: Floats) -> Floats:
    """Invert the information, from differences of the gradient; a spread at its least has none."""
    size = len(at)
    information = np.zeros((size, size))
    for i in range(size):
        step = np.zeros(size)
        step[i] = 1e-3 * scale[i]
        up, down = descend(at + step)[1], descend(at - step)[1]
        information[i] = (up - down) / (2 * step[i])
    information = (information + information.T) / 2
    if at[-1] <= _LEAST + 1e-6 or information[-1, -1] <= 0:
        covariance = np.zeros((size, size))
        covariance[:-1, :-1] = np.linalg.inv(information[:-1, :-1])
        return covariance
    return np.asarray(np.linalg.inv(information), dtype=np.float64)


def marginal(at: Floats, cells: _Schools, nodes: int) -> tuple[float, Floats]:
    """Return the log likelihood with schools' levels integrated out, and its gradient.

    Parameters
    ----------
    at : array of float, shape (p + 1,)
        Coefficients and the log of the spread.
    """
    beta, spread = at[:-1], float(np.exp(at[-1]))
    eta = cells.x @ beta
    mode, width = _modes(eta, spread, cells)
    point, weight = quadrature(nodes)
    # standardised levels at which each school's likelihood is looked at, (school, node)
    level = mode[:, None] + width[:, None] * point
    shifted = eta[:, None] + spread * level[cells.school]
    fit = cells.sums(cells.events[:, None] * shifted - cells.trials[:, None] * np.logaddexp(0.0, shifted))
    terms = fit - 0.5 * level**2 + 0.5 * point**2 + np.log(weight) + np.log(width)[:, None]
    each = logsumexp(terms, axis=1)
    posterior = np.exp(terms - each[:, None])
    residual = (cells.events[:, None] - cells.trials[:, None] * expit(shifted)) * posterior[cells.school]
    gradient = np.append(cells.x.T @ residual.sum(axis=1), spread * float((residual * level[cells.school]).sum()))
    return float(each.sum()), np.asarray(gradient, dtype=np.float64)


def _modes(eta: Floats, spread: float, cells: _Schools) -> tuple[Floats, Floats]:
    """Return where each school's standardised level is likeliest, and its width there."""
    level = np.zeros(len(cells.first))
    for _ in range(_NEWTON):
        risk = expit(eta + spread * level[cells.school])
        score = spread * cells.sums(cells.events - cells.trials * risk) - level
        curvature = spread**2 * cells.sums(cells.trials * risk * (1 - risk)) + 1.0
        step = np.clip(score / curvature, -2.0, 2.0)
        level = level + step
        if np.abs(step).max() < 1e-10:
            break
    return level, curvature**-0.5
