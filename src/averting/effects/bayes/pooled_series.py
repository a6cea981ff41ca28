"""The pilots' pooled count over time beside each comparison school's rate: what a synthetic control compares."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from averting.design import Counts, Design
from averting.effects.bayes.cells import WIDEST_INTERVAL, Cells, years_used
from averting.errors import EstimationError

Array = NDArray[np.float64]


@dataclass(frozen=True)
class PooledSeries:
    """A pooled count and the rates of donors.

    Parameters
    ----------
    cells : Cells
        The pilots' pooled count, one cell a period.
    rates : array (period, donor)
        Events per pupil; suppressed counts stand at the middle of their bounds.
    donors : tuple of str
        Comparison schools whose count is known in every period used, at least within bounds.
    shares : array (pilot, period)
        Each pilot's share of the pooled count without the programme, from rates before the start.
    """

    cells: Cells
    rates: Array
    donors: tuple[str, ...]
    shares: Array


def pool(design: Design, counts: Counts, *, method: str, indicator: str) -> PooledSeries:
    """Pool the pilots, and find the donors.

    Raises
    ------
    EstimationError
        If a pilot's count is not known in some period, fewer than two donors are left, or pooled bounds are far
        apart.
    """
    pilots = len(design.pilots)
    lower, upper, exposure = counts.lower, counts.upper, counts.exposure
    if not np.isfinite(upper[:pilots]).all():
        raise EstimationError(
            f"{method}: pooling needs every pilot's {indicator} in every period used, suppressed or not. Leave out "
            "periods or pilots that lack it, or use method='bayes_count'."
        )
    known = np.isfinite(upper[pilots:]).all(axis=1)
    if known.sum() < 2:
        raise EstimationError(
            f"{method}: {known.sum()} comparison schools have {indicator} in every period used; two or more are needed."
        )
    low, high, pupils = (array[:pilots].sum(axis=0) for array in (lower, upper, exposure))
    if (high - low).max() > WIDEST_INTERVAL:
        raise EstimationError(f"{method}: the pilots' pooled bounds are more than {WIDEST_INTERVAL} apart.")
    middle = 0.5 * (lower + upper)[pilots:][known]
    # half an event in all keeps a period without any from having a rate of zero, whose log is not finite
    rates = (middle + 0.5 / known.sum()) / exposure[pilots:][known]
    names = tuple(school for school, there in zip(design.comparison, known, strict=True) if there)
    cells = _cells(low, high, pupils, counts.treated[0], years_used(design))
    return PooledSeries(cells, rates.T, names, _shares(counts, pilots))


def _cells(low: Array, high: Array, pupils: Array, treated: NDArray[np.bool_], years: Array) -> Cells:
    zeros, flags = np.zeros(len(low), dtype=np.intp), treated.astype(np.float64)
    since = np.where(treated, np.cumsum(treated) - 1, -1)[None].astype(np.intp)
    first, last = low.astype(np.int64), high.astype(np.int64)
    return Cells(
        zeros, np.arange(len(low)), first, last, np.log(pupils), flags, flags, np.ones(len(low)), 0.0, since, years
    )


def _shares(counts: Counts, pilots: int) -> Array:
    """Return pilots' shares from their rates before, drawn towards their common rate with the weight of a period."""
    before = ~counts.treated[0]
    events = (0.5 * (counts.lower + counts.upper))[:pilots, before].sum(axis=1)
    pupils = counts.exposure[:pilots, before].sum(axis=1)
    one_period = pupils / before.sum()
    common = max(events.sum(), 0.5) / pupils.sum()
    expected = ((events + common * one_period) / (pupils + one_period))[:, None] * counts.exposure[:pilots]
    return np.asarray(expected / expected.sum(axis=0))
