"""The known school means of one measure, standardised and flattened, with the number of pupils behind each."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from averting.design import Design
from averting.effects.bayes.cells import event_times, first_period_on
from averting.errors import EstimationError

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Means:
    """Known means of one measure, each (cell,), pilots first.

    Parameters
    ----------
    school, period : array of int
        Positions in the design's schools and periods.
    value : array
        The mean less the comparison schools' mean before the start, in units of ``scale``.
    pupils : array
        Number of pupils behind the mean.
    treated, after : array
        1 from a pilot's start; 1 once the school's lasting shock has set in.
    event_time : array of int (pilot, period)
        Periods since each pilot's own start; -1 before it.
    middle, scale : float
        The comparison schools' mean before the start, and the standard deviation of their values then.
    centre : float
        0: of the linear predictor, which is standardised.
    """

    school: NDArray[np.intp]
    period: NDArray[np.intp]
    value: Array
    pupils: Array
    treated: Array
    after: Array
    event_time: NDArray[np.intp]
    middle: float
    scale: float
    centre: float = 0.0


def flatten_means(design: Design, indicator: str, *, method: str) -> Means:
    """Return the known means.

    Raises
    ------
    EstimationError
        Where one side of the comparison is not known at all, or comparison schools all have the same mean.
    """
    data = design.panel.data.sel(school=list(design.schools), period=list(design.periods))
    values = data["measures"].sel(measure=indicator).transpose("school", "period").to_numpy()
    pupils = data["exposure"].transpose("school", "period").to_numpy()
    known = np.isfinite(values) & np.isfinite(pupils) & (pupils > 0)
    times, late = event_times(design), first_period_on(design)
    is_pilot = np.arange(len(known)) < len(design.pilots)
    treated = np.zeros(known.shape, dtype=bool)
    treated[: len(times)] = times >= 0
    _refuse_unknown(design, known, treated, late, indicator, method)
    before = values[~is_pilot[:, None] & ~late & known]
    scale = float(before.std(ddof=1)) if len(before) > 1 else 0.0
    if scale <= 0:
        raise EstimationError(
            f"{method}: the comparison {design.panel.units} do not differ in {indicator} before the start, so there is no "
            "scale to judge a change by. Add comparison schools or earlier periods."
        )
    school, period = np.nonzero(known)
    after = np.where(is_pilot[:, None], treated, late)
    return Means(
        school,
        period,
        (values[known] - before.mean()) / scale,
        pupils[known].astype(np.float64),
        treated[known].astype(np.float64),
        after[known].astype(np.float64),
        times,
        float(before.mean()),
        scale,
    )


def _refuse_unknown(
    design: Design,
    known: NDArray[np.bool_],
    treated: NDArray[np.bool_],
    late: NDArray[np.bool_],
    indicator: str,
    method: str,
) -> None:
    pilots = len(design.pilots)
    for part, whose in (
        (known[:pilots] & treated[:pilots], "the pilots from their start on"),
        (known[:pilots] & ~treated[:pilots], "the pilots before their start"),
        (known[pilots:] & ~late, f"the comparison {design.panel.units} before the first start"),
        (known[pilots:] & late, f"the comparison {design.panel.units} from the first start on"),
    ):
        if not part.any():
            raise EstimationError(f"{method}: no {indicator} is known for {whose}. Add those years' data.")
