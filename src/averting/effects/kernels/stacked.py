"""Stacked difference-in-differences with corrective weights [wing_2024]_.

Each cohort and its clean controls, over one window around the start, make a stack. Stacks are put together with the
weights that make every event time the same average over cohorts: their shares of treated units.

.. [wing_2024] Wing, C., Freedman, S. and Hollingsworth, A. (2024). Stacked difference-in-differences. NBER Working
   Paper 32054.
"""

from __future__ import annotations

import numpy as np

from averting.effects.kernels.aggregation import Array, CellChanges, Cells


def widest_window(cohort: Array, time: Array) -> tuple[int, int]:
    """Return how many periods before the start, and after its first, every cohort has."""
    last_before = np.searchsorted(time, np.unique(cohort[np.isfinite(cohort)])) - 1
    return int(last_before.min()) + 1, len(time) - 2 - int(last_before.max())


def stacked_effects(
    outcome: Array, cohort: Array, time: Array, *, before: int, after: int, weight: Array | None = None
) -> CellChanges:
    """Estimate the effects of every cohort within a window around its start.

    Parameters
    ----------
    outcome : array (unit, period)
        All known.
    cohort : array (unit,)
        First treated time of each unit, infinite where never treated.
    time : array (period,)
        Increasing, in the units of ``cohort``.
    before, after : int
        Periods before the start, at least 1, and after the first treated one, at least 0.
    weight : array (unit,), optional
        Positive; all alike by default.

    Returns
    -------
    CellChanges
        Of cohorts with the whole window. Controls of a stack are units not treated before the window ends. Influences
        hold departures from the mean over stacks at each event time, as the weighted regression has one mean for
        treated and one for controls; averaged over cohorts by share they give its cluster-robust variance.
    """
    weight = np.ones(len(outcome)) if weight is None else weight
    # window, own and other of every stack
    stacks = []
    for first in np.unique(cohort[np.isfinite(cohort)]):
        base = int(np.searchsorted(time, first)) - 1
        if base - before + 1 < 0 or base + 1 + after >= len(time):
            continue
        own, other = weight * (cohort == first), weight * (cohort > time[base + 1 + after])
        stacks.append((float(first), base, own, other))
    shares = np.array([own.sum() for _, _, own, _ in stacks])
    shares = shares / shares.sum()
    found: list[tuple[float, int, int, float, Array, Array]] = []
    for step in [*range(-before + 1, 0), *range(1, after + 2)]:
        found += _event_time(outcome, stacks, shares, step)
    cohorts, later, earlier, effects, weights, influences = zip(*found, strict=True)
    positions = np.array(later)
    factor = _freedom([own + other for _, _, own, other in stacks], before + after + 1)
    cells = Cells(np.array(cohorts), time[positions], np.array(effects), factor * np.column_stack(influences))
    return CellChanges(cells, np.column_stack(weights), positions, np.array(earlier))


def _freedom(in_stack: list[Array], periods: int) -> float:
    """Root of the usual factor for clusters and parameters, of a regression on all stacks."""
    kept = np.array([part > 0 for part in in_stack])
    units, rows = int(kept.any(0).sum()), int(kept.sum()) * periods
    return float(np.sqrt(units / (units - 1) * (rows - 1) / (rows - 2 * periods)))


def _event_time(
    outcome: Array, stacks: list[tuple[float, int, Array, Array]], shares: Array, step: int
) -> list[tuple[float, int, int, float, Array, Array]]:
    """Cohort, positions, effect, unit weights and influence of every stack, so many periods from the base."""
    changes, means = [], []
    for _, base, own, other in stacks:
        change = outcome[:, base + step] - outcome[:, base]
        own, other = own / own.sum(), (other / other.sum() if other.any() else np.full(len(other), np.nan))
        changes.append((change, own, other))
        means.append((own @ change, other @ change))
    pooled = shares @ np.array(means)
    rows = []
    for (first, base, _, _), (change, own, other), (mean, compared) in zip(stacks, changes, means, strict=True):
        influence = own * (change - pooled[0]) - other * (change - pooled[1])
        rows.append((first, base + step, base, float(mean - compared), own - other, influence))
    return rows
