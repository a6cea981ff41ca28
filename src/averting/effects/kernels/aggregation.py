"""From effects by cohort and period to fewer numbers: overall, by event time, by cohort, by period.

An average over cohorts weights each by its share of treated units. Where those shares are taken as estimated from
the sample, as Callaway and Sant'Anna do, their sampling adds to the influence [callaway_santanna_2021]_.

.. [callaway_santanna_2021] Callaway, B. and Sant'Anna, P. (2021). Difference-in-differences with multiple time
   periods. Journal of Econometrics 225(2).
"""

from __future__ import annotations

from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.stats import norm

Array = NDArray[np.float64]
By = Literal["event_time", "cohort", "period"]

_BLOCK = 64
_QUARTILES = float(norm.ppf(0.75) - norm.ppf(0.25))


class Cells(NamedTuple):
    """Effects by cohort and period, each (cell,), and the influence of each unit (unit, cell).

    ``influence.T @ influence`` is the covariance of the effects.
    """

    cohort: Array
    time: Array
    effect: Array
    influence: Array

    @property
    def after(self) -> NDArray[np.bool_]:
        """Cells at or after their cohort's start."""
        return np.asarray(self.time >= self.cohort)


class CellChanges(NamedTuple):
    """Cells; the weight of each unit's change in each, (unit, cell); positions of its two periods, each (cell,)."""

    cells: Cells
    unit_weights: Array
    later: NDArray[np.intp]
    earlier: NDArray[np.intp]

    def outcome_weights(self, coefficients: Array, periods: int) -> Array:
        """Return the weight of every outcome, (unit, period), in a combination of cells, (cell,)."""
        found = np.zeros((periods, len(self.unit_weights)))  # by period first, so that each is contiguous
        for cell in np.flatnonzero(coefficients):
            part = coefficients[cell] * self.unit_weights[:, cell]
            found[self.later[cell]] += part
            found[self.earlier[cell]] -= part
        return found.T


class Average(NamedTuple):
    """Averages of cells: what each is for (row,), effect (row,), and influence (unit, row)."""

    label: Array
    effect: Array
    influence: Array


class Aggregated(NamedTuple):
    """Averages by one thing, and their own average."""

    rows: Average
    overall: Average


class Shares(NamedTuple):
    """Cohort of each unit (unit,), infinite where never treated, its weight, and whether shares are estimated."""

    cohort: Array
    weight: Array
    estimated: bool

    def of(self, cohorts: Array) -> Array:
        """Return the share of each cohort among all units, (cell,) to (cell,)."""
        return np.asarray([self.weight[self.cohort == cohort].sum() for cohort in cohorts]) / len(self.cohort)


def overall(cells: Cells, shares: Shares) -> Average:
    """Return the average over treated units and their treated periods ("simple")."""
    return _average(np.zeros(1), cells, cells.after[None, :], shares)


def coefficients(cells: Cells, kept: NDArray[np.bool_], shares: Shares) -> Array:
    """Return the coefficient of each cell in averages over the cells each row keeps, (row, cell) to (row, cell)."""
    share = np.where(kept, shares.of(cells.cohort), 0.0)
    return np.asarray(share / share.sum(1, keepdims=True))


def rows_by(cells: Cells, by: By) -> tuple[Array, NDArray[np.bool_]]:
    """Return the label of each row of :func:`aggregate`, (row,), and the cells it averages, (row, cell)."""
    if by == "event_time":
        position, used = cells.time - cells.cohort, np.ones(len(cells.time), dtype=bool)
    else:
        position, used = (cells.cohort if by == "cohort" else cells.time), cells.after
    labels = np.unique(position[used])
    return labels, used & (position == labels[:, None])


def aggregate(cells: Cells, shares: Shares, by: By) -> Aggregated:
    """Average effects by event time ("dynamic"), by cohort, or by period ("calendar").

    Rows by event time include those before the start; their average over rows is of event times 0 and later. The
    average over cohorts weights each by its share; the one over periods weights all alike.
    """
    labels, kept = rows_by(cells, by)
    rows = _average(labels, cells, kept, shares)
    if by == "cohort":
        as_cells = Cells(labels, labels, rows.effect, rows.influence)
        return Aggregated(rows, overall(as_cells, shares))
    counted = labels >= 0 if by == "event_time" else np.ones(len(labels), dtype=bool)
    mean = Average(
        np.zeros(1), rows.effect[counted].mean(keepdims=True), rows.influence[:, counted].mean(1, keepdims=True)
    )
    return Aggregated(rows, mean)


def _average(labels: Array, cells: Cells, kept: NDArray[np.bool_], shares: Shares) -> Average:
    """Average over the cells each row keeps, (row, cell), by share of cohort."""
    part = coefficients(cells, kept, shares)
    ever = kept.any(0)
    effect = part[:, ever] @ cells.effect[ever]
    influence = cells.influence[:, ever] @ part[:, ever].T
    if shares.estimated:
        influence = influence + _of_shares(cells, kept, effect, shares) / (kept @ shares.of(cells.cohort))
    return Average(labels, effect, influence)


def _of_shares(cells: Cells, kept: NDArray[np.bool_], effect: Array, shares: Shares) -> Array:
    """Influence through the cohorts' shares, (unit, row), before division by the row's share."""
    apart = np.where(kept, cells.effect - effect[:, None], 0.0)
    units = len(shares.cohort)
    found = np.zeros((units, len(kept)))
    for cohort in np.unique(cells.cohort):
        total = apart[:, cells.cohort == cohort].sum(1)
        member = shares.weight * (shares.cohort == cohort)
        found += (member - member.mean())[:, None] * total / units
    return found


def standard_errors(influence: Array) -> Array:
    """Return the standard error of each column of influences, (unit, row) to (row,)."""
    return np.asarray(np.sqrt(np.einsum("ur,ur->r", influence, influence)))


def multiplier_draws(influence: Array, draws: int, rng: np.random.Generator) -> Array:
    """Return estimates minus the truth under the multiplier bootstrap, (draw, row), with Rademacher weights.

    Every unit's influence, (unit, row), is taken with a random sign; nothing is estimated twice.
    """
    units = len(influence)
    single = influence.astype(np.float32)
    found = np.empty((draws, influence.shape[1]))
    for first in range(0, draws, _BLOCK):
        size = min(_BLOCK, draws - first)
        packed = np.frombuffer(rng.bytes(size * ((units + 7) // 8)), dtype=np.uint8).reshape(size, -1)
        signs = np.unpackbits(packed, axis=1)[:, :units].astype(np.float32)
        found[first : first + size] = (2 * signs - 1) @ single
    return found


def bootstrap_errors(drawn: Array) -> Array:
    """Return standard errors from the quartiles of bootstrap draws, (draw, row) to (row,): robust to a few far ones."""
    low, high = np.quantile(drawn, [0.25, 0.75], axis=0)
    return np.asarray((high - low) / _QUARTILES)


def simultaneous_critical(drawn: Array, errors: Array, level: float) -> float:
    """Return the number of standard errors within which all rows stay together with the probability given."""
    usable = errors > 0
    if not usable.any():
        return float("nan")
    return float(np.quantile(np.abs(drawn[:, usable] / errors[usable]).max(1), level))
