"""Wooldridge's extended two-way regression: one mean path for each cohort, linear or Poisson with exposure.

Without treatment, a unit of cohort ``g`` in period ``t`` has index ``z'(a_g + b_t)``, where ``z`` is 1 and its
covariates: a level for each cohort and a common path, both depending on covariates. Every cohort and period after a start
has an effect of its own that may depend on covariates too, so that the other parameters are those of the untreated
outcomes alone [wooldridge_2021]_ [wooldridge_2023]_.

.. [wooldridge_2021] Wooldridge, J. (2021). Two-way fixed effects, the two-way Mundlak regression, and
   difference-in-differences estimators. Working paper; Empirical Economics 69 (2025).
.. [wooldridge_2023] Wooldridge, J. (2023). Simple approaches to nonlinear difference-in-differences with panel
   data. Econometrics Journal 26(3).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from averting.effects.kernels.aggregation import Array, Cells

_ZERO = 1e-8
_STEPS = 60


class CohortFit(NamedTuple):
    """Fit of a cohort regression.

    ``expected`` (unit, period) is the outcome without treatment. ``observed`` and ``without`` are cells of the mean
    outcome and of the mean expected without treatment.
    """

    expected: Array
    observed: Cells
    without: Cells

    @property
    def cells(self) -> Cells:
        """Effects: observed minus without treatment."""
        return self.observed._replace(
            effect=self.observed.effect - self.without.effect,
            influence=self.observed.influence - self.without.influence,
        )


class _Layout(NamedTuple):
    """Cohort number of each unit (never treated last), who is treated, (cohort, period), and regressors."""

    member: NDArray[np.intp]
    treated: NDArray[np.bool_]
    z: Array
    weight: Array

    def columns(self, group: int, period: int) -> NDArray[np.intp]:
        """Positions of the parameters of a cohort and a period; the first period has none of its own."""
        width = self.z.shape[1]
        own = np.arange(group * width, (group + 1) * width)
        shared = (len(self.treated) + period - 1) * width + np.arange(width)
        return own if period == 0 else np.concatenate([own, shared])

    @property
    def parameters(self) -> int:
        groups, periods = self.treated.shape
        return int((groups + periods - 1) * self.z.shape[1])


def linear_cohort_fit(
    outcome: Array, cohort: Array, time: Array, *, weight: Array | None = None, covariates: Array | None = None
) -> CohortFit:
    """Fit the linear regression.

    Parameters
    ----------
    outcome : array (unit, period)
        All known.
    cohort : array (unit,)
        First treated time of each unit, infinite where never treated.
    time : array (period,)
        Increasing, in the units of ``cohort``.
    weight : array (unit,), optional
        Positive; all alike by default.
    covariates : array (unit, covariate), optional
        Fixed over time.

    Returns
    -------
    CohortFit
        NaN where nobody is untreated in a period. Influences are of the cluster-robust variance with the usual
        factor for its degrees of freedom, units being the clusters.
    """
    layout = _layout(cohort, time, weight, covariates)
    moments = _moments(layout, np.ones_like(outcome))
    expected = _index(layout, _solver(moments)[0] @ _scores(layout, outcome))
    fit = _Untreated(expected, np.ones_like(outcome), moments)
    return _assemble(layout, outcome, fit, np.unique(cohort), time)


def poisson_cohort_fit(
    events: Array,
    exposure: Array,
    cohort: Array,
    time: Array,
    *,
    weight: Array | None = None,
    covariates: Array | None = None,
) -> CohortFit:
    """Fit the Poisson regression of events with exposure; as :func:`linear_cohort_fit` otherwise.

    Returns
    -------
    CohortFit
        In events. NaN where the fit does not settle, as where a cohort has no event before its start.
    """
    layout = _layout(cohort, time, weight, covariates)
    offset = np.log(exposure)
    with np.errstate(over="ignore", invalid="ignore"):
        parameters = _poisson_parameters(layout, events, offset)
        expected = np.exp(np.clip(_index(layout, parameters) + offset, -700, 700))
    settled = bool(np.isfinite(expected).all())
    expected = expected if settled else np.exp(offset)
    untreated = _Untreated(expected, expected, _moments(layout, expected))
    fit = _assemble(layout, events, untreated, np.unique(cohort), time, offset=offset)
    if settled:
        return fit
    return fit._replace(without=fit.without._replace(effect=np.full_like(fit.without.effect, np.nan)))


def cohort_outcome_weights(
    outcome_shape: tuple[int, int],
    cohort: Array,
    time: Array,
    coefficients: Array,
    *,
    weight: Array | None = None,
    covariates: Array | None = None,
) -> Array:
    """Return the weight of every outcome, (unit, period), in a combination of the linear fit's cells, (cell,)."""
    layout = _layout(cohort, time, weight, covariates)
    solver, _ = _solver(_moments(layout, np.ones(outcome_shape)))
    wanted = np.stack([_wanted(layout, np.ones(outcome_shape), g, t) for g, t in np.argwhere(layout.treated)], 1)
    toward = solver @ wanted @ coefficients
    found = -_index(layout, toward) * layout.weight[:, None]
    for value, (group, period) in zip(coefficients, np.argwhere(layout.treated), strict=True):
        members = layout.member == group
        found[members, period] = value * layout.weight[members] / layout.weight[members].sum()
    return found


def _layout(cohort: Array, time: Array, weight: Array | None, covariates: Array | None) -> _Layout:
    starts = np.unique(cohort)
    member = np.searchsorted(starts, cohort).astype(np.intp)
    ones = np.ones((len(cohort), 1))
    z = ones if covariates is None else np.column_stack([ones, covariates])
    return _Layout(member, time >= starts[:, None], z, np.ones(len(cohort)) if weight is None else weight)


def _index(layout: _Layout, parameters: Array) -> Array:
    width = layout.z.shape[1]
    groups = len(layout.treated)
    own = parameters[: groups * width].reshape(groups, width)
    shared = np.vstack([np.zeros(width), parameters[groups * width :].reshape(-1, width)])
    return np.asarray((layout.z * own[layout.member]).sum(1, keepdims=True) + layout.z @ shared.T)


def _moments(layout: _Layout, variance: Array) -> Array:
    """Sum of weight times variance times products of regressors, over untreated outcomes."""
    found = np.zeros((layout.parameters,) * 2)
    for group, treated in enumerate(layout.treated):
        members = layout.member == group
        z, heavy = layout.z[members], variance[members] * layout.weight[members, None]
        for period in np.flatnonzero(~treated):
            block = (z * heavy[:, [period]]).T @ z
            columns = layout.columns(group, int(period))
            found[np.ix_(columns, columns)] += np.tile(block, (len(columns) // len(block),) * 2)
    return found


def _scores(layout: _Layout, values: Array) -> Array:
    """Sum of weight times value times regressors, over untreated outcomes."""
    found = np.zeros(layout.parameters)
    for group, treated in enumerate(layout.treated):
        members = layout.member == group
        by_period = (layout.z[members] * layout.weight[members, None]).T @ values[members]
        for period in np.flatnonzero(~treated):
            columns = layout.columns(group, int(period))
            found[columns] += np.tile(by_period[:, period], len(columns) // len(by_period))
    return found


def _solver(moments: Array) -> tuple[Array, int]:
    """Pseudo-inverse of the moments, and their rank."""
    scale = np.sqrt(np.maximum(np.diag(moments), 0.0))
    scale = np.where(scale > 0, scale, 1.0)
    values, vectors = np.linalg.eigh(moments / np.outer(scale, scale))
    kept = values > 1e-11 * values[-1]
    inverse = (vectors[:, kept] / values[kept]) @ vectors[:, kept].T
    return np.asarray(inverse / np.outer(scale, scale)), int(kept.sum())


def _poisson_parameters(layout: _Layout, events: Array, offset: Array) -> Array:
    """Newton's method from the common rate, halving steps that lower the likelihood."""
    width = layout.z.shape[1]
    parameters = np.zeros(layout.parameters)
    untreated = ~layout.treated[layout.member] * layout.weight[:, None]
    rate = (events * untreated).sum() / (np.exp(offset) * untreated).sum()
    parameters[: len(layout.treated) * width : width] = np.log(max(rate, 1e-12))

    def fit_of(values: Array) -> tuple[float, Array]:
        index = _index(layout, values) + offset
        expected = np.exp(index)
        return float((untreated * (events * index - expected)).sum()), expected

    likelihood, expected = fit_of(parameters)
    for _ in range(_STEPS):
        solver, _ = _solver(_moments(layout, expected))
        step = solver @ _scores(layout, events - expected)
        for _ in range(30):
            raised, expected = fit_of(parameters + step)
            if raised >= likelihood - 1e-9 * abs(likelihood):
                break
            step = 0.5 * step
        parameters, likelihood = parameters + step, raised
        if np.abs(step).max() < 1e-10 * max(1.0, float(np.abs(parameters).max())):
            return parameters
    return np.full(layout.parameters, np.nan)


def _wanted(layout: _Layout, derivative: Array, group: int, period: int) -> Array:
    """Return the derivative by the parameters of the mean expected outcome of a cohort in a period."""
    members = layout.member == group
    heavy = layout.weight[members] / layout.weight[members].sum()
    mean = (heavy * derivative[members, period]) @ layout.z[members]
    found = np.zeros(layout.parameters)
    columns = layout.columns(group, period)
    found[columns] = np.tile(mean, len(columns) // len(mean))
    return found


class _Untreated(NamedTuple):
    """Fit to untreated outcomes: expected outcomes and their derivative by the index, (unit, period), and moments."""

    expected: Array
    derivative: Array
    moments: Array


def _assemble(
    layout: _Layout, outcome: Array, fit: _Untreated, starts: Array, time: Array, *, offset: Array | None = None
) -> CohortFit:
    """Average by cell, with influences through the cell's own outcomes and through the parameters."""
    places = np.argwhere(layout.treated)
    units, periods = outcome.shape
    solver, spent = _solver(fit.moments)
    observed, without = np.empty(len(places)), np.empty(len(places))
    own = np.zeros((units, len(places)))
    for cell, (group, period) in enumerate(places):
        members = layout.member == group
        heavy = layout.weight[members] / layout.weight[members].sum()
        observed[cell] = heavy @ outcome[members, period]
        without[cell] = heavy @ fit.expected[members, period]
        gone = None if offset is None else offset[members, period]
        fitted, used = _cell_fit(layout.z[members], outcome[members, period], layout.weight[members], gone)
        own[members, cell] = heavy * (outcome[members, period] - fitted)
        spent += used
    wanted = np.stack([_wanted(layout, fit.derivative, g, t) for g, t in places], 1)
    solved = solver @ wanted
    without[np.abs(fit.moments @ solved - wanted).max(0) > _ZERO * np.abs(wanted).max(0)] = np.nan
    rest = np.where(layout.treated[layout.member], 0.0, outcome - fit.expected) * layout.weight[:, None]
    # the usual factor for clusters and parameters
    factor = np.sqrt(units / (units - 1) * (units * periods - 1) / max(units * periods - spent, 1))
    cohorts, times = starts[places[:, 0]], time[places[:, 1]]
    return CohortFit(
        fit.expected,
        Cells(cohorts, times, observed, factor * own),
        Cells(cohorts, times, without, factor * _through_parameters(layout, rest, solved)),
    )


def _through_parameters(layout: _Layout, rest: Array, solved: Array) -> Array:
    """Influence of each unit through the parameters, (unit, cell)."""
    width, cells = layout.z.shape[1], solved.shape[1]
    groups = len(layout.treated)
    own = solved[: groups * width].reshape(groups, width, cells)
    shared = np.concatenate([np.zeros((width, cells)), solved[groups * width :]])
    total = layout.z * rest.sum(1, keepdims=True)
    found = (rest[:, :, None] * layout.z[:, None, :]).reshape(len(rest), -1) @ shared
    for group in range(groups):
        members = layout.member == group
        found[members] += total[members] @ own[group]
    return np.asarray(found)


def _cell_fit(z: Array, outcome: Array, weight: Array, offset: Array | None) -> tuple[Array, int]:
    """Fit one treated cell on its regressors; return fitted values and how many parameters that took."""
    root = np.sqrt(weight)
    if offset is None:
        solution, _, rank, _ = np.linalg.lstsq(z * root[:, None], outcome * root, rcond=None)
        return np.asarray(z @ solution), int(rank)
    used = int(np.linalg.matrix_rank(z * root[:, None]))
    level = np.log(max((weight * outcome).sum() / (weight * np.exp(offset)).sum(), 1e-12))
    parameters = np.zeros(z.shape[1])
    parameters[0] = level
    for _ in range(_STEPS if used > 1 and outcome.any() else 0):
        fitted = np.exp(np.clip(z @ parameters + offset, -50, 50))
        information = (z * (weight * fitted)[:, None]).T @ z
        step = np.linalg.pinv(information) @ (z.T @ (weight * (outcome - fitted)))
        parameters = parameters + step
        if np.abs(step).max() < 1e-10:
            break
    return np.asarray(np.exp(np.clip(z @ parameters + offset, -50, 50))), used
