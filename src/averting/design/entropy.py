"""Weights under which comparison schools were, before the start, on average what the pilots were."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linprog

from averting.data import Panel
from averting.design.comparison import SameAsPilots
from averting.design.features import measure, measured_schools
from averting.errors import DesignError, Fault, refuse

Array = NDArray[np.float64]

_ANY = SameAsPilots(on=())
_STEPS = 200
_EXACT = 1e-9  # of a standard deviation: far below any rounding of a published table
_HALVINGS = 40


@dataclass(frozen=True)
class EntropyBalancing:
    """Weights that make the comparison schools' means before the start equal to the pilots'.

    Parameters
    ----------
    on : sequence of str
        Measures whose mean over all periods before the start is matched: indicators (their rate), ``size``,
        covariates; all where empty.
    by_period : sequence of str
        Indicators whose rate in each period before the start is matched as well: whole paths, not only their level.
    moments : {1, 2}
        2 matches the spread of ``on`` among pilots too, which needs two pilots or more.
    pool : SameAsPilots
        Donor pool: which schools may have a weight at all, and which are left out because of spill-over.

    Notes
    -----
    Of all weights that match, these are the nearest to equal ones in relative entropy: the sum of w log w is least,
    with w above 0 and summing to 1 [1]_. Every donor keeps a weight, so the pool matters as much as the weights.
    Suppressed counts enter at the middle of their bounds. Matching each period on few pilots copies their chance
    ups and downs into the weights; the check of regression to the mean says whether the last year was one.

    References
    ----------
    .. [1] Hainmueller, J. (2012). Entropy balancing for causal effects. Political Analysis 20, 25-46.
    """

    on: Sequence[str] = ()
    by_period: Sequence[str] = ()
    moments: int = 1
    pool: SameAsPilots = field(default=_ANY)

    def __post_init__(self) -> None:
        if self.moments not in (1, 2):
            raise DesignError(f"comparison rule: moments is {self.moments}. Use 1 (means) or 2 (and spread).")

    def select(
        self, panel: Panel, pilots: tuple[str, ...], periods: tuple[str, ...], before: tuple[str, ...] = ()
    ) -> dict[str, float]:
        """Return the schools the rule keeps, in the panel's order, with weights of mean 1."""
        if self.moments == 2 and len(pilots) < 2:
            raise DesignError("comparison rule: one pilot has no spread to match. Use moments = 1.")
        donors = tuple(self.pool.select(panel, pilots, periods, before))
        values, names = self._measures(panel, (*pilots, *donors), before)
        kept = measured_schools(values, names, len(pilots))
        mine, theirs = values[: len(pilots)], values[len(pilots) :][kept]
        if self.moments == 2:
            # about the pilots' mean, so that numbers stay small; the spread is matched because the mean is
            level = mine[:, : self._means(names)].mean(axis=0)
            squares = [(part[:, : len(level)] - level) ** 2 for part in (mine, theirs)]
            mine, theirs = (np.hstack(pair) for pair in zip((mine, theirs), squares, strict=True))
            names = (*names, *(f"spread of {name}" for name in names[: len(level)]))
        weights = balanced_weights(theirs, mine.mean(axis=0), names) * len(kept)
        return {donors[i]: float(weight) for i, weight in zip(kept, weights, strict=True)}

    def _means(self, names: Sequence[str]) -> int:
        return sum(": " not in name for name in names)

    def _measures(
        self, panel: Panel, schools: tuple[str, ...], before: tuple[str, ...]
    ) -> tuple[Array, tuple[str, ...]]:
        values, names = measure(panel, schools, before, self.on)
        strange = [name for name in self.by_period if name not in panel.indicators]
        if strange:
            had = ", ".join(panel.indicators)
            raise DesignError(f"by_period names {', '.join(strange)}. Name indicators of the data: {had}.")
        if self.by_period:
            parts = [measure(panel, schools, (period,), self.by_period) for period in before]
            values = np.hstack([values, *(part for part, _ in parts)])
            names = (
                *names,
                *(f"{period}: {name}" for period, (_, own) in zip(before, parts, strict=True) for name in own),
            )
        return values, names

    def describe(self) -> str:
        """Return the rule in words."""
        on = ", ".join(self.on) if self.on else "every measure in the data"
        spread = " and their spread" if self.moments == 2 else ""
        paths = f"; each period's rate of {', '.join(self.by_period)}" if self.by_period else ""
        return (
            f"entropy balancing: weights under which means before the start{spread} equal the pilots', on {on}"
            f"{paths}; from: {self.pool.describe()}"
        )


def balanced_weights(donors: Array, target: Array, names: Sequence[str]) -> Array:
    """Return the weights nearest to equal ones under which donors' means are the target [1]_.

    Parameters
    ----------
    donors : array (donor, measure)
        Without NaN.
    target : array (measure,)
        Means to match, exactly.
    names : sequence of str
        Measures, for messages.

    Returns
    -------
    array (donor,)
        Above 0, summing to 1.

    Raises
    ------
    DesignError
        Naming the measures that no weights can match.

    Notes
    -----
    The weights are ``exp(-x b) / sum exp(-x b)``, where b minimises the convex dual ``log sum exp(-x b)``, x being
    measured from the target; its gradient is the imbalance left and its Hessian the weighted covariance, so that
    Newton's method needs few steps. Without a minimum, the target lies outside what the donors span; on its edge, the
    schools that make up the edge share all weight, and the effective number of schools says so.

    References
    ----------
    .. [1] Hainmueller, J. (2012). Entropy balancing for causal effects. Political Analysis 20, 25-46.
    """
    spread = donors.std(axis=0)
    gaps = (donors - target) / np.where(spread > 0, spread, 1.0)
    found = _newton(gaps)
    if found is None:
        _refuse_unmatched(gaps, names)
        raise DesignError(
            "The pilots can be matched only by giving some comparison schools no weight at all: they stand at the "
            f"edge of the donor pool in {', '.join(names)}. Widen the pool, or match fewer measures."
        )
    return found


def _newton(gaps: Array) -> Array | None:
    """Return the weights at the dual's minimum, or None where it is not reached."""
    slope = np.zeros(gaps.shape[1])
    value, weights = _dual(gaps, slope)
    for _ in range(_STEPS):
        left = weights @ gaps
        if np.abs(left).max(initial=0.0) < _EXACT:
            return weights if bool((weights > 0).all()) else None
        centred = gaps - left
        # measures that repeat one another leave the Hessian singular: the shortest step will do
        step = np.linalg.lstsq((weights[:, None] * centred).T @ centred, left, rcond=1e-12)[0]
        for halving in range(_HALVINGS):
            tried = slope + step * 0.5**halving
            new_value, new_weights = _dual(gaps, tried)
            if new_value < value or np.abs(new_weights @ gaps).max() < np.abs(left).max() * 0.5:
                break
        else:
            return None
        slope, value, weights = tried, new_value, new_weights
    return None


def _dual(gaps: Array, slope: Array) -> tuple[float, Array]:
    score = -(gaps @ slope)
    top = score.max()
    raised = np.exp(score - top)
    return float(top + np.log(raised.sum())), raised / raised.sum()


def _refuse_unmatched(gaps: Array, names: Sequence[str]) -> None:
    """Refuse, naming the fewest measures that must give way and how far off they stay."""
    donors, measures = gaps.shape
    # the least sum of deviations is sparse: weights, then deviations above and below
    found = linprog(
        np.concatenate([np.zeros(donors), np.ones(2 * measures)]),
        A_eq=np.vstack(
            [
                np.hstack([gaps.T, np.eye(measures), -np.eye(measures)]),
                np.concatenate([np.ones(donors), np.zeros(2 * measures)]),
            ]
        ),
        b_eq=np.concatenate([np.zeros(measures), [1.0]]),
        method="highs",
    )
    if found.x is None:  # a match within any distance always exists: only the solver can have failed
        raise DesignError(f"Entropy balancing found no weights ({found.message}). Match fewer measures.")
    off = found.x[donors : donors + measures] - found.x[donors + measures :]
    faults = [
        Fault(
            name,
            f"the pilots' mean stays {abs(gap):.2f} standard deviations {'below' if gap < 0 else 'above'} any match",
            "Leave it out, or widen the donor pool",
        )
        for name, gap in zip(names, off, strict=True)
        if abs(gap) > 1e-7
    ]
    refuse(DesignError, "No weights make the comparison schools like the pilots before the start", faults)
