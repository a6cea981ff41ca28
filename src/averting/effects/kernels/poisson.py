"""Poisson regression with exposure, school effects and period effects, the effects concentrated out."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from averting.effects.kernels.ols import Array, Fit, fit_within, residualise, two_way

_TOLERANCE = 1e-10
_STEPS = 200
_VANISHING = 1e-7
"""An expected count this small where none was observed, beside ordinary ones, means that it runs off to zero."""


class PoissonFit(NamedTuple):
    """``fit`` at the last step (weights are expected counts), expected counts (school, period), and outcome."""

    fit: Fit
    expected: Array
    converged: bool
    separated: bool


def informative(counts: Array, known: Array) -> Array:
    """Return which known cells carry information: of schools and of periods with an event, (school, period).

    A school or period without any event has an effect of minus infinity, and its cells say nothing.
    """
    used = known > 0
    while True:
        events = np.where(used, counts, 0.0)
        kept = used & (events.sum(1) > 0)[:, None] & (events.sum(0) > 0)[None, :]
        if (kept == used).all():
            return used.astype(np.float64)
        used = kept


def poisson_fe(
    counts: Array, exposure: Array, regressors: Array, weights: Array, *, fixed: Array | None = None
) -> PoissonFit:
    """Fit log expected count = log exposure + fixed + school + period + regressors by iterated least squares.

    Each step is a weighted least squares with both sets of effects taken out exactly [correia_et_al_2020]_.

    Parameters
    ----------
    counts, exposure : array (school, period)
        Events, and what they are counted over (above 0 where the weight is).
    regressors : array (school, period, k)
        May have no column.
    weights : array (school, period)
        0 where a cell is missing; multiplied with a cell's log-likelihood otherwise.
    fixed : array (school, period), optional
        A known part of the log expected count.

    Returns
    -------
    PoissonFit
        ``separated`` where an expected count runs off to zero, so that no finite estimate exists.

    References
    ----------
    .. [correia_et_al_2020] Correia, S., Guimaraes, P. and Zylkin, T. (2020). Fast Poisson estimation with
       high-dimensional fixed effects. Stata Journal 20(1).
    """
    kept = weights * informative(counts, weights)
    known = kept > 0
    counts = np.where(known, counts, 0.0)
    offset = np.log(np.where(known, exposure, 1.0)) + (0.0 if fixed is None else np.where(known, fixed, 0.0))
    rate = (kept * counts).sum() / (kept * np.where(known, np.exp(offset), 0.0)).sum()
    expected = np.where(known, 0.5 * (counts + rate * np.exp(offset)), 0.0)
    deviance, converged = np.inf, False
    for _ in range(_STEPS):
        working = np.log(np.where(known, expected, 1.0)) - offset + _ratio(counts - expected, expected)
        effects = two_way(kept * expected)
        left = residualise(effects, np.concatenate([working[..., None], regressors], axis=-1))
        fit = fit_within(left[..., 0], left[..., 1:], regressors, effects)
        expected = np.where(known, np.exp(np.clip(offset + working - fit.residuals, -700, 60)), 0.0)
        previous, deviance = deviance, _deviance(counts, expected, kept)
        converged = abs(previous - deviance) <= _TOLERANCE * (0.1 + abs(deviance))
        if converged:
            break
    vanishing = known & (counts == 0) & (expected < _VANISHING * max(float(expected.max()), 1e-300))
    return PoissonFit(_at(counts, expected, regressors, kept, fit), expected, converged, bool(vanishing.any()))


def _ratio(numerator: Array, denominator: Array) -> Array:
    return np.divide(numerator, denominator, out=np.zeros_like(denominator), where=denominator > 0)


def _deviance(counts: Array, expected: Array, weights: Array) -> float:
    logs = np.log(np.where(counts > 0, counts, 1.0) / np.where(expected > 0, expected, 1.0))
    return float(2 * (weights * (np.where(counts > 0, counts * logs, 0.0) - (counts - expected))).sum())


def _at(counts: Array, expected: Array, regressors: Array, kept: Array, last: Fit) -> Fit:
    """Return the last step's regression with weights and residuals at the final expected counts."""
    effects = two_way(kept * expected)
    within = residualise(effects, regressors)
    residuals = _ratio(counts - expected, expected)
    fit = fit_within(residuals, within, regressors, effects)
    return fit._replace(coefficients=last.coefficients, residuals=residuals)
