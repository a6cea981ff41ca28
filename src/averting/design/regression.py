"""Were pilots chosen when they were at their worst? Then they would have improved without any programme."""

from __future__ import annotations

from itertools import combinations
from math import comb
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from averting.checks import CheckResult
from averting.design.design import Design
from averting.draws import stream

Array = NDArray[np.float64]

_MOST_SETS = 5_000
_SUSPICIOUS = 0.1


class RegressionToMean(NamedTuple):
    """What the check found.

    ``table`` has a row for pilots and one for comparison schools: rate per 100 in earlier years and in the last
    one before the start, and their ratio. ``p_value`` is the share of sets of schools of the pilots' number whose
    last year stood out upwards as much; ``expected_fall`` is the share by which pilots' rate would fall after the
    start if the last year's excess over comparison schools were chance; both NaN where they cannot be found.
    """

    check: CheckResult
    table: pd.DataFrame
    p_value: float
    expected_fall: float


def regression_to_mean(design: Design, indicator: str, *, last: int = 1, seed: int = 1) -> RegressionToMean:
    """Hold the pilots' last years before the start against their own earlier ones, and against other schools'.

    Parameters
    ----------
    design : Design
        Only periods before the first start are looked at.
    indicator : str
        What is counted; suppressed counts enter at the middle of their bounds.
    last : int
        How many periods before the start may have led to the choice.
    seed : int
        Draws sets of schools where there are more than 5,000.

    Notes
    -----
    A school's events in earlier and in last years, given their sum, split binomially by exposure and the
    comparison schools' common change; a set's statistic is its excess over that, in standard deviations. Weights of
    comparison schools play no part: every set of schools must be as likely as the pilots' own.
    """
    early, late, exposures = _before_and_last(design, indicator, last)
    pilots = np.arange(len(early)) < len(design.pilots)
    table = _rates(early, late, exposures, pilots)
    usable = (exposures[0] > 0) & (exposures[1] > 0)
    others = usable & ~pilots
    if (
        last < 1
        or not usable[pilots].all()
        or others.sum() < 2
        or early[others].sum() == 0
        or late[others].sum() == 0
    ):
        message = f"{indicator}: too few years or events before the start to see whether the last stood out."
        return RegressionToMean(CheckResult(_KEY, "info", message), table, np.nan, np.nan)
    scaled = np.where(usable, exposures[1] / np.where(usable, exposures[0], 1.0), 0.0)
    scaled = scaled * late[others].sum() / (early * scaled)[others].sum()
    share = scaled / (1.0 + scaled)
    excess = late - (early + late) * share
    variance = (early + late) * share * (1.0 - share)
    sets = _sets(np.flatnonzero(usable), np.flatnonzero(pilots), stream(seed, f"design/regression/{indicator}"))
    spread = variance[sets].sum(axis=1)
    statistics = np.where(spread > 0, excess[sets].sum(axis=1) / np.sqrt(np.maximum(spread, 1e-12)), 0.0)
    p_value = float((statistics >= statistics[0] - 1e-9).mean())
    expected = (early * scaled)[pilots].sum()
    total = (early + late)[pilots].sum()
    fall = float(max(late[pilots].sum() - expected, 0.0) / total) if total > 0 else np.nan
    return RegressionToMean(_check(indicator, table, p_value, fall), table, p_value, fall)


_KEY = "design/regression_to_mean"


def _before_and_last(design: Design, indicator: str, last: int) -> tuple[Array, Array, tuple[Array, Array]]:
    """Return events of each school in earlier and in last periods, and its exposure in each."""
    counts = design.counts(indicator)
    before = np.flatnonzero([period < min(design.starts.values()) for period in design.periods])
    parts = (before[:-last], before[-last:]) if last >= 1 else (before, before[:0])
    events = np.nan_to_num(0.5 * (counts.lower + counts.upper))
    known = np.nan_to_num(counts.exposure)
    early, late = (events[:, part].sum(axis=1) for part in parts)
    exposed = tuple(known[:, part].sum(axis=1) for part in parts)
    return early, late, (exposed[0], exposed[1])


def _rates(early: Array, late: Array, exposures: tuple[Array, Array], pilots: NDArray[np.bool_]) -> pd.DataFrame:
    rows = []
    for group, part in (("pilots", pilots), ("comparison", ~pilots)):
        rates = [
            100 * events[part].sum() / exposed[part].sum() if exposed[part].sum() > 0 else np.nan
            for events, exposed in zip((early, late), exposures, strict=True)
        ]
        ratio = rates[1] / rates[0] if rates[0] > 0 else np.nan
        rows.append({"group": group, "earlier_rate": rates[0], "last_rate": rates[1], "ratio": ratio})
    return pd.DataFrame(rows)


def _sets(usable: NDArray[np.intp], pilots: NDArray[np.intp], rng: np.random.Generator) -> NDArray[np.intp]:
    """Return sets of as many schools as pilots, the pilots first: all, or a random sample."""
    size = len(pilots)
    if comb(len(usable), size) <= _MOST_SETS:
        every = np.array(list(combinations(usable.tolist(), size)), dtype=np.intp)
        return np.concatenate([pilots[None], every[~(every == pilots).all(axis=1)]])
    drawn = rng.permuted(np.tile(usable, (_MOST_SETS - 1, 1)), axis=1)[:, :size]
    return np.concatenate([pilots[None], drawn])


def _check(indicator: str, table: pd.DataFrame, p_value: float, fall: float) -> CheckResult:
    pilots, others = (float(ratio) for ratio in table["ratio"])
    stood_out = p_value <= _SUSPICIOUS
    name = indicator.replace("_", " ")
    message = (
        f"Before the start, the pilots' last rate of {name} was {pilots:.2f} times their earlier one "
        f"(comparison: {others:.2f}); of sets of as many, {p_value:.0%} stood out upwards as much."
    )
    advice = (
        f"If that was chance, their rate would have fallen by about {fall:.0%} without any programme. Say how pilots "
        "were chosen, and see whether the effect holds with that year left out."
    )
    return CheckResult(_KEY, "warn" if stood_out else "pass", message, advice if stood_out else "")
