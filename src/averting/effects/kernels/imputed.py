"""Borusyak, Jaravel and Spiess: outcomes without treatment imputed from unit and period effects [borusyak_2024]_.

The model is fitted to untreated outcomes alone; an effect is an outcome minus its imputed value, averaged.

.. [borusyak_2024] Borusyak, K., Jaravel, X. and Spiess, J. (2024). Revisiting event-study designs: robust and
   efficient estimation. Review of Economic Studies 91(6).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from averting.effects.kernels.aggregation import Array, Cells

_ZERO = 1e-8


class Imputed(NamedTuple):
    """Cells from each cohort's start on, and what :meth:`outcome_weights` needs."""

    cells: Cells
    untreated: NDArray[np.bool_]
    of_cell: NDArray[np.intp]  # (unit, period): cell of a treated outcome, -1 elsewhere
    size: Array  # (cell,)
    solved: Array  # (period + covariate, cell): regression weights of each cell
    covariates: Array
    weight: Array

    def outcome_weights(self, coefficients: Array) -> Array:
        """Return the weight of every outcome, (unit, period), in a combination of cells, (cell,)."""
        own = np.append(coefficients / self.size, 0.0)[self.of_cell]
        free = self.untreated / np.maximum(self.untreated.sum(1, keepdims=True), 1)
        toward = self.solved @ coefficients
        periods = self.untreated.shape[1]
        path = toward[:periods] + self.covariates @ toward[periods:]
        path = path - (path * free).sum(1, keepdims=True)
        borrowed = own.sum(1, keepdims=True) * free + self.weight[:, None] * self.untreated * path
        return np.asarray(own - borrowed)


def imputed_effects(
    outcome: Array, cohort: Array, time: Array, *, weight: Array | None = None, covariates: Array | None = None
) -> Imputed:
    """Impute what treated units would have had, and average by cohort and period.

    Parameters
    ----------
    outcome : array (unit, period)
        NaN where not known.
    cohort : array (unit,)
        First treated time of each unit, infinite where never treated.
    time : array (period,)
        Increasing, in the units of ``cohort``.
    weight : array (unit,), optional
        Positive weights of units in the fit; all alike by default. Effects are averaged over units alike.
    covariates : array (unit, period, covariate), optional
        Must change over time: what does not is part of a unit's own effect.

    Returns
    -------
    Imputed
        A cell's effect is NaN where no untreated outcome tells what to impute: a unit without any, a period in
        which nobody is untreated, or a covariate that tells nothing new. The influences give the authors'
        conservative variance, with departures of effects taken from each cell's own mean.
    """
    units, periods = outcome.shape
    seen = np.isfinite(outcome)
    x = np.zeros((units, periods, 0)) if covariates is None else np.nan_to_num(covariates)
    weight = np.ones(units) if weight is None else weight
    untreated = seen & (time < cohort[:, None])
    fit = _fit(np.nan_to_num(outcome), untreated, weight, x)
    of_cell, cohorts, times = _treated_cells(seen & ~untreated, cohort, time)
    wanted, size = _wanted(of_cell, len(cohorts), untreated, x)
    solved = fit.pseudo_inverse @ wanted
    lost = np.abs(fit.moments @ solved - wanted).max(0) > _ZERO * np.maximum(np.abs(wanted).max(0), 1.0)
    gap = np.where(seen, np.nan_to_num(outcome) - fit.imputed, 0.0)
    effect = np.bincount(of_cell[of_cell >= 0], gap[of_cell >= 0], len(cohorts)) / size
    influence = _influence(gap, of_cell, effect, size)
    rest = np.where(untreated, gap, 0.0) * weight[:, None]
    influence -= rest @ solved[:periods] + np.einsum("it,itk->ik", rest, x) @ solved[periods:]
    unknown = lost | _without_own(of_cell, len(cohorts), untreated)
    effect[unknown] = np.nan
    influence[:, unknown] = np.nan
    return Imputed(Cells(cohorts, times, effect, influence), untreated, of_cell, size, solved, x, weight)


class _Fit(NamedTuple):
    imputed: Array
    moments: Array
    pseudo_inverse: Array


def _fit(outcome: Array, untreated: NDArray[np.bool_], weight: Array, x: Array) -> _Fit:
    """Least squares with unit effects taken out, so that only periods and covariates are solved for."""
    periods = outcome.shape[1]
    free = untreated / np.maximum(untreated.sum(1, keepdims=True), 1)
    heavy = untreated * weight[:, None]
    x_apart = (x - np.einsum("itk,it->ik", x, free)[:, None]) * untreated[:, :, None]
    y_apart = (outcome - (outcome * free).sum(1, keepdims=True)) * untreated
    moments = np.zeros((periods + x.shape[2],) * 2)
    moments[:periods, :periods] = np.diag(heavy.sum(0)) - heavy.T @ free
    moments[:periods, periods:] = np.einsum("i,itk->tk", weight, x_apart)
    moments[periods:, :periods] = moments[:periods, periods:].T
    moments[periods:, periods:] = np.einsum("i,itk,itl->kl", weight, x_apart, x_apart)
    toward = np.concatenate([weight @ y_apart, np.einsum("i,itk,it->k", weight, x_apart, y_apart)])
    pseudo_inverse = _pseudo_inverse(moments)
    solved = pseudo_inverse @ toward
    path = solved[:periods] + x @ solved[periods:]
    own = ((outcome - path) * free).sum(1, keepdims=True)
    return _Fit(own + path, moments, pseudo_inverse)


def _pseudo_inverse(moments: Array) -> Array:
    scale = np.sqrt(np.maximum(np.diag(moments), 0.0))
    both = np.outer(*(2 * [np.where(scale > 0, scale, 1.0)]))
    return np.asarray(np.linalg.pinv(moments / both, rcond=1e-11, hermitian=True) / both)


def _treated_cells(
    treated: NDArray[np.bool_], cohort: Array, time: Array
) -> tuple[NDArray[np.intp], Array, Array]:
    of_cell = np.full(treated.shape, -1, dtype=np.intp)
    cohorts: list[float] = []
    times: list[float] = []
    for first in np.unique(cohort[np.isfinite(cohort)]):
        members = cohort == first
        for period in np.flatnonzero(treated[members].any(0)):
            of_cell[members & treated[:, period], period] = len(cohorts)
            cohorts.append(first)
            times.append(time[period])
    return of_cell, np.array(cohorts), np.array(times)


def _wanted(of_cell: NDArray[np.intp], cells: int, untreated: NDArray[np.bool_], x: Array) -> tuple[Array, Array]:
    """Mean over each cell's outcomes of the regressors with the unit's own untreated mean taken off."""
    periods = of_cell.shape[1]
    free = untreated / np.maximum(untreated.sum(1, keepdims=True), 1)
    units, at = np.nonzero(of_cell >= 0)
    cell = of_cell[units, at]
    size = np.bincount(cell, minlength=cells).astype(float)
    wanted = np.zeros((periods + x.shape[2], cells))
    np.add.at(wanted[:periods].T, cell, -free[units])
    np.add.at(wanted, (at, cell), 1.0)
    own_mean = np.einsum("itk,it->ik", x[units], free[units])
    np.add.at(wanted[periods:].T, cell, x[units, at] - own_mean)
    return wanted / size, size


def _influence(gap: Array, of_cell: NDArray[np.intp], effect: Array, size: Array) -> Array:
    found = np.zeros((len(gap), len(effect)))
    units, at = np.nonzero(of_cell >= 0)
    cell = of_cell[units, at]
    found[units, cell] = (gap[units, at] - effect[cell]) / size[cell]
    return found


def _without_own(of_cell: NDArray[np.intp], cells: int, untreated: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Cells with a unit that has no untreated outcome of its own."""
    lost = of_cell[~untreated.any(1)]
    return np.bincount(lost[lost >= 0], minlength=cells) > 0
