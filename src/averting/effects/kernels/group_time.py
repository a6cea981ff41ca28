"""Callaway and Sant'Anna's effects by cohort (first treated period) and period, with their influence functions."""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import NDArray

from averting.effects.kernels.aggregation import Array, CellChanges, Cells
from averting.effects.kernels.two_period import Adjustment, compare_changes

Control = Literal["never", "not_yet"]
Base = Literal["varying", "universal"]


def group_time_effects(
    outcome: Array,
    cohort: Array,
    time: Array,
    *,
    weight: Array | None = None,
    covariates: Array | None = None,
    control: Control = "never",
    adjustment: Adjustment = "doubly_robust",
    base: Base = "varying",
) -> CellChanges:
    """Estimate the effect for each cohort and period.

    Parameters
    ----------
    outcome : array (unit, period)
        NaN where not known; a unit counts in the cells whose two periods are known.
    cohort : array (unit,)
        First treated time of each unit, infinite where never treated.
    time : array (period,)
        Increasing, in the units of ``cohort``.
    weight : array (unit,), optional
        Positive; all alike by default.
    covariates : array (unit, period, covariate), optional
        Taken from each cell's base period.
    control : {"never", "not_yet"}
        Compare with units never treated, or also with those not treated yet.
    adjustment : {"doubly_robust", "regression", "weighting"}
        How covariates are used.
    base : {"varying", "universal"}
        What periods before the start are compared with: the period before each, or always the last before the start.

    Returns
    -------
    CellChanges
        Without cohorts that have no period before their start. A cell's effect is NaN where it has no controls,
        or where covariates are collinear or separate treated units from controls.
    """
    units = len(outcome)
    seen = np.isfinite(outcome)
    # by period first, so that each is contiguous
    known, by_period = seen.T.copy(), np.nan_to_num(outcome).T.copy()
    weight = np.ones(units) if weight is None else weight
    plan = _plan(cohort, time, base)
    effect = np.empty(len(plan))
    unit_weights, influence = np.empty((len(plan), units)), np.empty((len(plan), units))
    for cell, (first, later, earlier) in enumerate(plan):
        both = known[later] & known[earlier]
        found = compare_changes(
            by_period[later] - by_period[earlier],
            both & (cohort == first),
            both & _controls(cohort, first, float(max(time[later], time[earlier])), control),
            weight=weight,
            covariates=None if covariates is None else np.nan_to_num(covariates[:, earlier]),
            adjustment=adjustment,
        )
        effect[cell], unit_weights[cell], influence[cell] = found
    positions = np.array([(later, earlier) for _, later, earlier in plan], dtype=np.intp).reshape(-1, 2)
    cohorts = np.array([first for first, _, _ in plan])
    cells = Cells(cohorts, time[positions[:, 0]], effect, influence.T)
    return CellChanges(cells, unit_weights.T, positions[:, 0], positions[:, 1])


def _plan(cohort: Array, time: Array, base: Base) -> list[tuple[float, int, int]]:
    """Cohort, and positions of the later and the earlier period compared, of every cell."""
    plan = []
    for first in np.unique(cohort[np.isfinite(cohort)]):
        last_before = int(np.searchsorted(time, first)) - 1
        if last_before < 0:
            continue
        for period in range(len(time)):
            earlier = last_before if period > last_before or base == "universal" else period - 1
            if earlier >= 0 and earlier != period:
                plan.append((float(first), period, earlier))
    return plan


def _controls(cohort: Array, first: float, until: float, control: Control) -> NDArray[np.bool_]:
    if control == "never":
        return np.isinf(cohort)
    return np.asarray((cohort > until) & (cohort != first))
