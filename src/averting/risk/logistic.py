"""Logistic regression on grouped pupils: arrays in, arrays out.

A cell is a group of pupils alike in everything the model sees, with how many they are and to how many the outcome
happened. The likelihood of cells is that of the single pupils, so eight million pupils cost no more than their cells.
Newton's method (iteratively reweighted least squares) [mccullagh_nelder_1989]_; some coefficients may be held near zero by a
normal distribution whose variance is estimated with them (Fellner-Schall) [wood_fasiolo_2017]_: partial pooling.

.. [mccullagh_nelder_1989] McCullagh, P. and Nelder, J. A. (1989). Generalized Linear Models, 2nd ed., chapter 4.
.. [wood_fasiolo_2017] Wood, S. N. and Fasiolo, M. (2017). A generalized Fellner-Schall method for smoothing parameter
   optimization with application to Tweedie location, scale and shape models. Biometrics, 73(4), 1071-1081.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, xlogy

from averting.errors import EstimationError

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

_STEPS, _HALVINGS, _ROUNDS = 60, 30, 200
_CLOSE = 1e-9
_FAR = 15.0  # a logit beyond it is an odds ratio of three million: the likelihood has no maximum
_MOST_PRECISION = 1e6  # a spread of a thousandth: no difference between levels is left


@dataclass(frozen=True, eq=False)
class LogitFit:
    """A fitted logistic regression.

    Parameters
    ----------
    coefficients : array of float, shape (p,)
        Log odds ratios.
    covariance : array of float, shape (p, p)
        Inverse of the observed information, with the prior's where there is one; where schools have levels of their
        own, of coefficients and the log of their spread: shape (p + 1, p + 1).
    log_likelihood : float
        At the coefficients, without the binomial constant.
    spread : float
        Standard deviation of schools' own levels, in log odds; 0 where there are none.
    pooled : tuple of float
        Estimated standard deviation of each block of pooled coefficients.
    """

    coefficients: Floats
    covariance: Floats
    log_likelihood: float
    spread: float = 0.0
    pooled: tuple[float, ...] = ()


def log_likelihood(events: Floats, trials: Floats, risk: Floats) -> float:
    """Return the binomial log likelihood of cells, without its constant."""
    return float((xlogy(events, risk) + xlogy(trials - events, 1.0 - risk)).sum())


def fit_logit(
    x: Floats,
    events: Floats,
    trials: Floats,
    *,
    prior_mean: Floats | None = None,
    prior_precision: Floats | None = None,
    pooled: Sequence[Ints] = (),
) -> LogitFit:
    """Fit a logistic regression to cells.

    Parameters
    ----------
    x : array of float, shape (cell, p)
        Design matrix with a column of ones.
    events, trials : array of float, shape (cell,)
        Pupils to whom it happened, and pupils.
    prior_mean, prior_precision : array of float, shape (p,), optional
        Normal prior of each coefficient; a precision of 0 is none.
    pooled : sequence of arrays of int
        Columns of each block that is partially pooled: normal around 0 with one unknown variance a block.

    Raises
    ------
    EstimationError
        If the likelihood has no maximum: some combination of columns never, or always, has the outcome.
    """
    p = x.shape[1]
    mean = np.zeros(p) if prior_mean is None else prior_mean
    precision = np.zeros(p) if prior_precision is None else prior_precision.copy()
    beta = np.zeros(p)
    beta[0] = _start(events, trials)
    for block in pooled:
        precision[block] = 1.0
    for _ in range(_ROUNDS if pooled else 1):
        beta, information = _maximise(x, events, trials, mean, precision, beta)
        covariance = _inverse(information)
        before = precision.copy()
        for block in pooled:
            precision[block] = _updated(beta[block], covariance[np.ix_(block, block)], float(precision[block][0]))
        if np.allclose(before, precision, rtol=1e-4):
            break
    risk = expit(x @ beta)
    spreads = tuple(float(precision[block][0] ** -0.5) for block in pooled)
    return LogitFit(beta, covariance, log_likelihood(events, trials, risk), pooled=spreads)


def _start(events: Floats, trials: Floats) -> float:
    share = (events.sum() + 0.5) / (trials.sum() + 1.0)
    return float(np.log(share / (1.0 - share)))


def _updated(beta: Floats, covariance: Floats, precision: float) -> float:
    """Return the next precision of a pooled block: effective coefficients over their sum of squares."""
    effective = len(beta) - precision * float(np.trace(covariance))
    squares = float(beta @ beta)
    if effective <= 0 or squares <= effective / _MOST_PRECISION:
        return _MOST_PRECISION
    return min(effective / squares, _MOST_PRECISION)


def _maximise(
    x: Floats, events: Floats, trials: Floats, mean: Floats, precision: Floats, beta: Floats
) -> tuple[Floats, Floats]:
    """Climb to the maximum by Newton steps, halved where they overshoot; return it and the information there."""

    def height(at: Floats) -> float:
        eta = x @ at
        fit = float(events @ eta - trials @ np.logaddexp(0.0, eta))
        return fit - 0.5 * float(precision @ (at - mean) ** 2)

    now = height(beta)
    for _ in range(_STEPS):
        risk = expit(x @ beta)
        information = (x * (trials * risk * (1.0 - risk))[:, None]).T @ x + np.diag(precision)
        score = x.T @ (events - trials * risk) - precision * (beta - mean)
        step = _solve(information, score)
        # half the squared Newton decrement: how much there is still to gain
        if 0.5 * float(score @ step) < _CLOSE:
            _refuse_runaway(beta + step)
            return beta + step, information
        for _ in range(_HALVINGS):
            if (then := height(beta + step)) >= now:
                break
            step = step / 2
        beta, now = beta + step, then
        _refuse_runaway(beta)
    raise EstimationError(_NO_MAXIMUM)


_NO_MAXIMUM = (
    "The association cannot be estimated: some level of a characteristic never, or always, has the outcome, or two "
    "characteristics say the same. Merge levels, leave a characteristic out, or name it in pool, which holds its levels together."
)


def _refuse_runaway(beta: Floats) -> None:
    if np.abs(beta).max() > _FAR:
        raise EstimationError(_NO_MAXIMUM)


def _solve(information: Floats, score: Floats) -> Floats:
    try:
        return np.asarray(np.linalg.solve(information, score), dtype=np.float64)
    except np.linalg.LinAlgError as error:
        raise EstimationError(_NO_MAXIMUM) from error


def _inverse(information: Floats) -> Floats:
    # near-singular information is a column that others already say
    if np.linalg.cond(information) > 1e13:
        raise EstimationError(_NO_MAXIMUM)
    return np.asarray(np.linalg.inv(information), dtype=np.float64)
