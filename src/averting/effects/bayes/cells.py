"""The known cells of one count, flattened, and the refusal of data from which only the prior would come back."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from averting.design import Counts, Design
from averting.errors import EstimationError

WIDEST_INTERVAL = 20


class Places(Protocol):
    """What the part without the programme needs of flattened cells; see :class:`Cells`."""

    @property
    def school(self) -> NDArray[np.intp]:
        """Position in the design's schools, pilots first."""
        ...

    @property
    def period(self) -> NDArray[np.intp]:
        """Position in the design's periods."""
        ...

    @property
    def after(self) -> NDArray[np.float64]:
        """1 once the school's lasting shock has set in."""
        ...

    @property
    def event_time(self) -> NDArray[np.intp]:
        """Periods since each pilot's own start, (pilot, period)."""
        ...

    @property
    def centre(self) -> float:
        """What the linear predictor is relative to."""
        ...


@dataclass(frozen=True)
class Cells:
    """Known cells of one indicator, flattened: positions, bounds, exposure and treatment, each (cell,).

    Parameters
    ----------
    school, period : array of int
        Positions in the design's schools (pilots first) and periods.
    lower, upper : array of int
        Bounds of the count; equal where it is known.
    log_exposure : array
        Log of the number of pupils.
    treated : array
        1 from a pilot's start.
    after : array
        1 once the school's lasting shock has set in: a pilot's at its own start, another school's at the first.
    pilot : array
        1 for pilots, in every period.
    centre : float
        Log of the comparison schools' pooled rate before the first start.
    event_time : array of int (pilot, period)
        Periods since each pilot's own start, those left out included; -1 before it.
    years : array (period,)
        Periods since the first one used, those left out included.
    """

    school: NDArray[np.intp]
    period: NDArray[np.intp]
    lower: NDArray[np.int64]
    upper: NDArray[np.int64]
    log_exposure: NDArray[np.float64]
    treated: NDArray[np.float64]
    after: NDArray[np.float64]
    pilot: NDArray[np.float64]
    centre: float
    event_time: NDArray[np.intp]
    years: NDArray[np.float64]

    @property
    def at_event(self) -> NDArray[np.intp]:
        """Event time of each cell, 0 where the cell is not treated."""
        row = np.minimum(self.school, len(self.event_time) - 1)
        return np.where(self.treated > 0, self.event_time[row, self.period], 0)

    @property
    def trials(self) -> NDArray[np.float64]:
        """Exposure as whole numbers, for counts out of it."""
        return np.asarray(np.rint(np.exp(self.log_exposure)))

    @property
    def exact(self) -> NDArray[np.bool_]:
        """Whether each count is known, not only its bounds."""
        return np.equal(self.lower, self.upper)


def flatten(design: Design, counts: Counts, *, method: str, indicator: str) -> Cells:
    """Return the known cells.

    Raises
    ------
    EstimationError
        Where one side of the comparison is not known at all, or a suppressed count's bounds are far apart.
    """
    _refuse_unusable(design, counts, method, indicator)
    known = np.isfinite(counts.upper)
    if (counts.upper[known] - counts.lower[known]).max(initial=0.0) > WIDEST_INTERVAL:
        raise EstimationError(f"{method}: a suppressed count's bounds are more than {WIDEST_INTERVAL} apart.")
    school, period = np.nonzero(known)
    late = first_period_on(design)
    is_pilot = np.arange(len(known)) < len(design.pilots)
    after = np.where(is_pilot[:, None], counts.treated, late)
    before = ~late[None, :] & known & ~is_pilot[:, None]
    events = 0.5 * (counts.lower + counts.upper)[before].sum()
    return Cells(
        school,
        period,
        counts.lower[known].astype(np.int64),
        counts.upper[known].astype(np.int64),
        np.log(counts.exposure[known]),
        counts.treated[known].astype(np.float64),
        after[known].astype(np.float64),
        is_pilot[school].astype(np.float64),
        float(np.log(max(events, 0.5) / counts.exposure[before].sum())),
        event_times(design),
        years_used(design),
    )


def subset(cells: Cells, which: NDArray[np.bool_]) -> Cells:
    """Return some of the cells."""
    by_cell = ("school", "period", "lower", "upper", "log_exposure", "treated", "after", "pilot")
    return replace(cells, **{name: getattr(cells, name)[which] for name in by_cell})


def years_used(design: Design) -> NDArray[np.float64]:
    """Return periods since the first one used, those left out included, (period,)."""
    every = list(design.panel.periods)
    at = np.array([every.index(period) for period in design.periods], dtype=np.float64)
    return np.asarray(at - at[0])


def event_times(design: Design) -> NDArray[np.intp]:
    """Return periods since each pilot's own start, those left out included, (pilot, period); -1 before it."""
    every = list(design.panel.periods)
    at, start = [every.index(p) for p in design.periods], [every.index(design.starts[p]) for p in design.pilots]
    return np.asarray(np.maximum(np.subtract.outer(start, at) * -1, -1), dtype=np.intp)


def first_period_on(design: Design) -> NDArray[np.bool_]:
    """Return which periods used are not before the first start."""
    first = min(design.starts.values())
    return np.array([label >= first for label in design.periods])


def _refuse_unusable(design: Design, counts: Counts, method: str, indicator: str) -> None:
    known, late = np.isfinite(counts.upper), first_period_on(design)
    pilots, first = len(design.pilots), min(design.starts.values())
    for part, whose in (
        (known[:pilots] & counts.treated[:pilots], "the pilots from their start on"),
        (known[:pilots] & ~counts.treated[:pilots], "the pilots before their start"),
        (known[pilots:] & ~late, f"the comparison {design.panel.units} before {first}"),
        (known[pilots:] & late, f"the comparison {design.panel.units} from {first} on"),
    ):
        if not part.any():
            raise EstimationError(f"{method}: no {indicator} is known for {whose}. Add those years' data.")
