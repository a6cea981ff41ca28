"""What could have been detected: the chance of seeing a true reduction of each size, in this design."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from averting.checks import CheckResult
from averting.effects.kernels.conditional import Array, unit_scores
from averting.effects.kernels.permutation import reference_sets, set_statistics, treated_sets, two_sided_p

REDUCTIONS = np.arange(0, 100, 10) / 100
TARGET = 0.8
"""Chance of detection that a design should give, by convention [cohen_1988]_.

.. [cohen_1988] Cohen, J. (1988). Statistical Power Analysis for the Behavioral Sciences, section 2.4.
"""

_PLACEBOS = 400
_CANDIDATES = 4_000
_SETS = 1_000


def _expected_total(before: Array, after: Array, offset: Array, pilots: int) -> Array:
    """Events of each unit over the whole time; of pilots, as if they had followed the comparison schools."""
    expected = before * np.exp(offset)
    trend = after[pilots:].sum() / expected[pilots:].sum()
    total = before + after
    total[:pilots] = (before + expected * trend)[:pilots]
    return total


def _placebo_sets(total: Array, pilots: int, rng: np.random.Generator) -> NDArray[np.intp]:
    """Return sets of comparison schools whose total of events comes closest to the pilots'.

    Matching on totals, which the test conditions on, leaves their split before and after to chance; matching on
    events before would build in a return to the mean.
    """
    drawn, _ = treated_sets(len(total) - pilots, np.arange(pilots), most=_CANDIDATES, rng=rng)
    drawn = pilots + np.unique(np.sort(drawn, axis=1), axis=0)
    gap = np.abs(np.log1p(total[drawn].sum(1)) - np.log1p(total[:pilots].sum()))
    nearest = drawn[np.argsort(gap, kind="stable")[:_PLACEBOS]]
    return nearest[np.resize(np.arange(len(nearest)), _PLACEBOS)]


def _chance(before: Array, after: Array, offset: Array, *, sets: NDArray[np.intp], alpha: float) -> float:
    """Share of placebo problems, arrays (problem, unit), in which a reduction is called."""
    statistics = set_statistics(unit_scores(before, after, offset), sets)
    return float(((two_sided_p(statistics) <= alpha) & (statistics[:, 0] < 0)).mean())


def detectable_reduction(
    before: Array,
    after: Array,
    offset: Array,
    *,
    pilots: int,
    level: float,
    rng: np.random.Generator,
    hidden_before: Array | float = 0.0,
    hidden_after: Array | float = 0.0,
) -> pd.DataFrame:
    """Simulate the chance that a true reduction of each size would have been called one.

    Sets of comparison schools, of the pilots' number and close to their total of events, are treated as if they
    were pilots; their events after are thinned by each reduction; the same test is applied. Suppressed counts are
    then filled against the reduction, as the test does, so that a reduction counts as found only if every fill
    would show it.

    Parameters
    ----------
    before, after, offset : array (unit,)
        Events, suppressed ones at the middle of their bounds, and log exposure ratios; pilots first. The pilots
        themselves are left out.
    pilots : int
        Number of pilots.
    level : float
        Level of the interval that must exclude no effect.
    rng : Generator
        Draws placebo sets, thinning and permutations.
    hidden_before, hidden_after : array (unit,) or float
        Half the distance between the bounds of each unit's events; 0 where nothing is suppressed.

    Returns
    -------
    DataFrame
        Columns reduction (0 to 0.9) and chance (0 to 1); at a reduction of 0, the chance of a false alarm
        in that direction.
    """
    units = len(before) - pilots
    if units <= pilots + 1:
        return pd.DataFrame({"reduction": REDUCTIONS, "chance": np.full(len(REDUCTIONS), np.nan)})
    placebo = _placebo_sets(_expected_total(before, after, offset, pilots), pilots, rng)
    # each problem sees the comparison schools in an order that puts its placebo pilots first
    others = np.array([np.setdiff1d(np.arange(pilots, len(before)), row) for row in placebo])
    order = np.concatenate([placebo, others], axis=1)
    sets, _ = reference_sets(units, pilots, most=_SETS, rng=rng)
    whole = np.round(after[order]).astype(int)
    alpha = round(1 - level, 9)
    against = np.where(np.arange(units) < pilots, 1.0, -1.0)  # placebo pilots up after the start, the others down
    shift_before = -against * np.broadcast_to(hidden_before, before.shape)[order]
    shift_after = against * np.broadcast_to(hidden_after, after.shape)[order]
    chances = []
    for reduction in REDUCTIONS:
        thinned = whole.astype(float)
        thinned[:, :pilots] = rng.binomial(whole[:, :pilots], 1 - reduction)
        filled = np.maximum(thinned + shift_after, 0.0)
        chances.append(_chance(before[order] + shift_before, filled, offset[order], sets=sets, alpha=alpha))
    return pd.DataFrame({"reduction": REDUCTIONS, "chance": chances})


def smallest_detectable(detectable: pd.DataFrame, target: float = TARGET) -> float | None:
    """Return the smallest reduction detected with the target chance, interpolated; None where there is none."""
    reduction, chance = (detectable[name].to_numpy(dtype=float) for name in ("reduction", "chance"))
    reached = np.flatnonzero(chance >= target)
    if reached.size == 0:
        return None
    first = reached[0]
    if first == 0:
        return float(reduction[0])
    share = (target - chance[first - 1]) / (chance[first] - chance[first - 1])
    return float(reduction[first - 1] + share * (reduction[first] - reduction[first - 1]))


def detection_check(detectable: pd.DataFrame, *, units: str = "schools") -> CheckResult:
    """Say in words what the design could have detected; ``units`` is what rows are of, in the plural."""
    if detectable["chance"].isna().any():
        return CheckResult(
            "design/detectable",
            "warn",
            f"What could have been detected is not known: too few comparison {units} to stand in for the pilots.",
            f"Add comparison {units}.",
        )
    smallest = smallest_detectable(detectable)
    if smallest is None:
        return CheckResult(
            "design/detectable",
            "warn",
            f"No true reduction up to {REDUCTIONS[-1]:.0%} would have been detected four times in five.",
            f"Only more pilot {units}, more years or a commoner outcome can answer the question.",
        )
    return CheckResult(
        "design/detectable",
        "warn" if smallest > 0.5 else "pass",
        f"A true reduction of {smallest:.0%} or more would have been detected four times in five.",
        "Smaller reductions cannot be told from chance in this design." if smallest > 0.3 else "",
    )
