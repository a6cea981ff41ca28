"""From a design to the arrays that kernels for staggered starts take; what none of them can use is refused."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from averting.design import Counts, Design
from averting.effects.outcomes import PER_PUPILS
from averting.errors import EstimationError, Fault, refuse

Array = NDArray[np.float64]

_COLLINEAR = 1e-7


@dataclass(frozen=True)
class Sample:
    """One indicator of a design, pilots first.

    Parameters
    ----------
    design : Design
        Where it came from.
    counts : Counts
        Bounds of events by school and period.
    intensity : array (school, period)
        Events that make the outcome vary, suppressed cells in the middle; NaN where not known.
    cohort : array (school,)
        Position of each pilot's start among the panel's periods, infinite for comparison schools.
    time : array (period,)
        Positions of the periods used among the panel's.
    covariates : array (school, period, covariate)
        Empty where none were asked for.
    names : tuple of str
        Names of the covariates.
    """

    design: Design
    counts: Counts
    intensity: Array
    cohort: Array
    time: Array
    covariates: Array
    names: tuple[str, ...]

    @property
    def pilots(self) -> int:
        """Number of pilots."""
        return len(self.design.pilots)

    @property
    def weights(self) -> Array:
        """Weight of each school, 1 for pilots."""
        return self.counts.weights

    @cached_property
    def exchangeable(self) -> bool:
        """Whether weights of outcomes depend on starts alone: no covariates, no weights, nothing unknown."""
        known = bool(np.isfinite(self.counts.upper).all())
        return known and not self.names and not self.design.weighted

    @cached_property
    def cohort_sizes(self) -> dict[str, int]:
        """Number of pilots by their start."""
        starts = list(self.design.starts.values())
        return {first: starts.count(first) for first in sorted(set(starts))}

    def cohort_label(self, cohort: float) -> str:
        """Return the period that a cohort starts in."""
        return self.design.panel.periods[int(cohort)]

    def before_first(self) -> Array:
        """Return covariates in the last period used before the first start, (school, covariate)."""
        last = int(np.searchsorted(self.time, self.cohort.min())) - 1
        return np.asarray(self.covariates[:, last])

    def level(self, taken_off: Array | None = None) -> Array:
        """Return each school's usual rate per 100 pupils, drawn towards the comparison schools' by one period.

        ``taken_off`` (g,), effects supposed on the pilots in events per 100 pupils, gives the pilots' alone, (g, pilot).
        """
        pupils = np.where(np.isfinite(self.intensity), self.counts.exposure, 0.0)
        events, total = np.nansum(self.intensity, axis=1), pupils.sum(1)
        one = total / np.maximum((pupils > 0).sum(1), 1)
        common = events[self.pilots :].sum() / max(float(total[self.pilots :].sum()), 1.0)
        if taken_off is not None:
            part = slice(0, self.pilots)
            treated = (pupils * self.counts.treated)[part].sum(1)
            without = np.maximum(events[part] - taken_off[:, None] * treated / PER_PUPILS, 0.0)
            return np.asarray(PER_PUPILS * (without + common * one[part]) / (total + one)[part])
        return np.asarray(PER_PUPILS * (events + common * one) / (total + one))


def sample_of(design: Design, indicator: str, covariates: Sequence[str], method: str) -> Sample:
    """Read one indicator of a design.

    Raises
    ------
    EstimationError
        With pilots without any event, an unknown covariate cell, covariates that are
        collinear, or a school that is never seen before or after.
    """
    counts = design.counts(indicator)
    positions = {period: float(at) for at, period in enumerate(design.panel.periods)}
    never = [np.inf] * len(design.comparison)
    sample = Sample(
        design,
        counts,
        0.5 * (counts.lower + counts.upper),
        np.array([positions[first] for first in design.starts.values()] + never),
        np.array([positions[period] for period in design.periods]),
        design.covariates(covariates),
        tuple(covariates),
    )
    refuse(EstimationError, f"{method} cannot be estimated", _faults(sample, indicator))
    return sample


def _faults(sample: Sample, indicator: str) -> list[Fault]:
    counts = sample.counts
    faults = []
    if np.nansum(counts.upper[: sample.pilots]) == 0:
        fix = "No fall could have been seen. Choose a commoner indicator, or pool more pilots."
        faults.append(Fault("pilots", f"they have no {indicator} in any period", fix))
    faults += _unseen(sample, indicator)
    unknown = ~np.isfinite(sample.covariates).all((0, 1))
    for name in np.array(sample.names)[unknown] if sample.names else ():
        fix = "Give it for every school and period used, or leave it out."
        faults.append(Fault(f"covariate {name}", "it is not known for some schools", fix))
    return faults or _collinear(sample)


def _unseen(sample: Sample, indicator: str) -> list[Fault]:
    seen, treated = np.isfinite(sample.counts.upper), sample.counts.treated
    first = treated.any(0)
    faults = []
    for row, school in enumerate(sample.design.schools):
        after = treated[row] if row < sample.pilots else first
        if not (seen[row] & after).any() or not (seen[row] & ~after).any():
            found = f"its {indicator} are known in no period before, or in none after, the start"
            faults.append(Fault(f"school {school}", found, "Leave it out, or use a balanced comparison rule."))
    return faults[:5]


def _collinear(sample: Sample) -> list[Fault]:
    """Name the first covariate that is constant over schools or follows from those before it."""
    flat = sample.before_first() if sample.names else np.empty((len(sample.cohort), 0))
    known = np.ones((len(flat), 1)) / np.sqrt(len(flat))
    for name, values in zip(sample.names, flat.T, strict=True):
        rest = values - known @ (known.T @ values)
        size = float(np.linalg.norm(rest))
        if size <= _COLLINEAR * max(float(np.linalg.norm(values)), 1e-12):
            found = "it is the same for all schools, or follows from the covariates before it"
            return [Fault(f"covariate {name}", found, "Leave it out.")]
        known = np.column_stack([known, rest / size])
    return []


def refuse_gaps(sample: Sample, method: str) -> None:
    """Refuse a panel with unknown cells, for methods that need every one.

    Raises
    ------
    EstimationError
        Naming schools with gaps.
    """
    gaps = [
        school
        for school, known in zip(sample.design.schools, np.isfinite(sample.counts.upper).all(1), strict=True)
        if not known
    ]
    if gaps:
        raise EstimationError(
            f"{method} needs every period of every school, and {len(gaps)} have gaps: {', '.join(gaps[:5])}. Leave them "
            "out, or use imputation or callaway_santanna, which can do without."
        )
