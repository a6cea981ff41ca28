"""Dose and response between pilots: an association, because schools and needs choose the dose and nobody draws it by lot."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from averting.design import Design
from averting.draws import stream
from averting.effects.kernels.dose import Floats, dose_interval, dose_orders, dose_p_value, dose_slope
from averting.errors import EstimationError

CAVEAT = (
    "Dose is chosen, not drawn by lot: more goes where needs are greater, or where a school does more of everything. What goes "
    "with dose is therefore an association between pilots and no effect of dose."
)


@dataclass(frozen=True)
class DoseResponse:
    """What goes with a larger dose, from pilot to pilot.

    Parameters
    ----------
    pilots, orders : int
        Number of pilots, and of orders of their doses that differ.
    ratio, lower, upper : float
        Rate ratio for one more unit of dose with its interval; NaN where it cannot be told.
    p_value : float
        Share of orders at least as extreme; NaN where it cannot be told.
    level : float
        Of the interval.
    why : str
        Why it cannot be told; empty where it can.
    """

    pilots: int
    orders: int
    ratio: float
    lower: float
    upper: float
    p_value: float
    level: float
    why: str = ""

    @property
    def told(self) -> bool:
        """Whether anything can be told."""
        return not self.why

    def sentence(self, unit: str) -> str:
        """Return what may be said, of a dose in a unit such as ``contacts per 100 pupils``."""
        if not self.told:
            return f"By dose ({unit}): it cannot be told. {self.why}"
        span = f"{self.level:.0%} interval {self.lower:.2f} to {_end(self.upper)}; p {self.p_value:.2f}"
        where = f"times {self.ratio:.2f} for one more ({span})"
        clear = (
            "goes with a different change"
            if self.p_value <= round(1 - self.level, 9)
            else "cannot be told to go with any change"
        )
        return (
            f"By dose ({unit}), between {self.pilots} pilots: a larger dose {clear} of the rate, {where}. {CAVEAT}"
        )


def _end(value: float) -> str:
    return "no upper end" if math.isinf(value) else f"{value:.2f}"


def dose_response(
    design: Design, indicator: str, dose: Mapping[str, float], *, level: float = 0.95, seed: int = 1
) -> DoseResponse:
    """Return how the change since the start differs between pilots of small and large dose.

    Each pilot's count after the start is held against its count before and the comparison's path, so that neither its level nor a
    change common to all pilots plays a part. The slope's reference is every order of the doses over the pilots, and its interval
    holds the slopes that those orders do not reject. It would be a test of dose only if doses had been drawn by lot.

    Parameters
    ----------
    design : Design
        Pilots that all start together, and comparison schools.
    indicator : str
        A count of its panel.
    dose : mapping of str to float
        Of every pilot, since the start: contacts, referrals, decisions or pounds, over pupils.
    level : float
        Of the interval.
    seed : int
        Of the orders, where there are too many to try all.

    Returns
    -------
    DoseResponse
        It cannot be told where even the most extreme order would be no surprise: with three pilots there are six.

    Raises
    ------
    EstimationError
        If a pilot has no dose, a dose is no number from 0 up, or pilots start at different times.
    """
    _refuse(design, dose, level)
    doses = np.array([dose[pilot] for pilot in design.pilots], dtype=np.float64)
    orders, differ = dose_orders(doses, stream(seed, f"dose/{indicator}"))
    pilots, alpha = len(doses), round(1 - level, 9)
    before, after, log_odds = _counts(design, indicator)
    why = ""
    if differ * alpha < 1:
        why = (
            f"{pilots} pilots have {differ} order{'s' * (differ > 1)} of their doses, so even the most extreme comes up once in "
            f"{differ} where dose means nothing, and {1 / alpha:.0f} orders or more are needed."
        )
    elif not (before.sum() > 0 and after.sum() > 0):
        why = "The pilots together have no event before the start, or none after it."
    elif len(np.unique(doses[before + after > 0])) < 2:
        why = "All events are of pilots of one dose, so there is nothing to compare them with."
    if why:
        return DoseResponse(pilots, differ, math.nan, math.nan, math.nan, math.nan, level, f"{why} {CAVEAT}")
    slope = dose_slope(before, after, log_odds, doses)
    low, high = dose_interval(before, after, log_odds, orders, slope=slope, alpha=alpha)
    p_value = dose_p_value(before, after, log_odds, orders)
    with np.errstate(over="ignore"):
        ratio, lower, upper = (float(np.exp(value)) for value in (slope, low, high))
    return DoseResponse(pilots, differ, ratio, lower, upper, p_value, level)


def _refuse(design: Design, dose: Mapping[str, float], level: float) -> None:
    absent = [pilot for pilot in design.pilots if pilot not in dose]
    if absent:
        raise EstimationError(
            f"{len(absent)} pilots have no dose. Give a number for each, 0 where nothing was done."
        )
    if any(not (math.isfinite(value) and value >= 0) for value in dose.values()):
        raise EstimationError("A dose is no number from 0 up. Give amounts, over pupils.")
    if design.common_start is None:
        raise EstimationError(
            "Pilots start at different times, so their doses ran for different times. Use those of one start."
        )
    if not 0.5 <= level <= 0.999:
        raise EstimationError(f"level is {level}; it must be between 0.5 and 0.999.")


def _counts(design: Design, indicator: str) -> tuple[Floats, Floats, Floats]:
    """Return pilots' counts before and after, and log odds of an event after the start by the comparison's path."""
    counts, size = design.counts(indicator), len(design.pilots)
    middle, late = (counts.lower + counts.upper) / 2, counts.treated[:size].any(axis=0)
    rate = _weighted(middle[size:], counts.weights[size:]) / _weighted(
        counts.exposure[size:], counts.weights[size:]
    )
    expected = np.nan_to_num(counts.exposure[:size]) * rate
    whole = np.nan_to_num(middle[:size])
    odds = expected[:, late].sum(axis=1) / expected[:, ~late].sum(axis=1)
    return whole[:, ~late].sum(axis=1), whole[:, late].sum(axis=1), np.log(odds)


def _weighted(values: Floats, weights: Floats) -> Floats:
    return np.asarray(np.nansum(values * weights[:, None], axis=0))
