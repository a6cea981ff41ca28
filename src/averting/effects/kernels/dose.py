"""Whether pilots with a larger dose fared otherwise: a permuted score, given each pilot's own total; arrays in, arrays out.

Given its total before and after, a pilot's count after is binomial with odds ``expected * exp(a + b * dose)``, so that neither
its level nor a change common to all pilots plays a part. ``b`` is the log of the rate ratio for one more unit of dose. Its
reference is every order of the doses over the pilots: exact if doses had been drawn by lot, whatever the counts vary by.
"""

from __future__ import annotations

import math
from itertools import permutations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

MOST_ORDERS = 5_040
"""Of the doses, all of which are tried; beyond that as many are drawn."""
_STEPS = 60


def dose_orders(dose: Floats, rng: np.random.Generator) -> tuple[Floats, int]:
    """Return orders of the doses, shape (order, pilot), the observed one first, and how many there are that differ."""
    _, times = np.unique(dose, return_counts=True)
    differ = math.factorial(len(dose))
    for repeated in times.tolist():
        differ //= math.factorial(repeated)
    if math.factorial(len(dose)) <= MOST_ORDERS:
        return np.array(list(permutations(dose.tolist())), dtype=np.float64), differ
    drawn = np.array([rng.permutation(dose) for _ in range(MOST_ORDERS - 1)])
    return np.vstack([dose, drawn]), differ


def _common_change(after: Floats, total: Floats, log_odds: Floats) -> Floats:
    """Return each pilot's expected share after the start, with one change common to all fitted by Newton's method."""
    change = 0.0
    for _ in range(_STEPS):
        share = 1 / (1 + np.exp(-(log_odds + change)))
        weight = float((total * share * (1 - share)).sum())
        step = float((after - total * share).sum()) / max(weight, 1e-12)
        change += max(-2.0, min(2.0, step))
        if abs(step) < 1e-12:
            break
    return np.asarray(1 / (1 + np.exp(-(log_odds + change))))


def dose_statistics(before: Floats, after: Floats, log_odds: Floats, orders: Floats) -> Floats:
    """Return the studentised score of the slope for each order of the doses, shape (order,).

    Parameters
    ----------
    before, after, log_odds : array of float, shape (pilot,)
        Counts, and log odds of an event after the start with nothing but the comparison's path.
    orders : array of float, shape (order, pilot)
        Doses.
    """
    total = before + after
    share = _common_change(after, total, log_odds)
    weight = total * share * (1 - share)
    centred = orders - (orders @ weight / max(float(weight.sum()), 1e-12))[:, None]
    spread = np.sqrt((weight * centred**2).sum(axis=1))
    score = centred @ (after - total * share)
    return np.asarray(np.divide(score, spread, out=np.zeros_like(score), where=spread > 1e-12))


def dose_p_value(before: Floats, after: Floats, log_odds: Floats, orders: Floats, *, slope: float = 0.0) -> float:
    """Return the share of orders whose statistic is at least as far from 0 as the observed one's, if the slope were ``slope``."""
    found = np.abs(dose_statistics(before, after, log_odds + slope * orders[0], orders))
    return float((found >= found[0] - 1e-9).mean())


def dose_slope(before: Floats, after: Floats, log_odds: Floats, dose: Floats) -> float:
    """Return the slope at which the score is 0; infinite where counts after, or before, are all of one side."""
    reach = 1.0 / max(float(np.ptp(dose)), 1e-12)

    def score(slope: float) -> float:
        return float(dose_statistics(before, after, log_odds + slope * dose, dose[None])[0])

    return _crossing(score, -30 * reach, 30 * reach)


def _crossing(falls: object, low: float, high: float) -> float:
    """Return where a falling function crosses 0, or an infinity where it does not between two ends."""
    assert callable(falls)
    if falls(low) < 0:
        return -math.inf
    if falls(high) > 0:
        return math.inf
    for _ in range(_STEPS):
        middle = (low + high) / 2
        low, high = (middle, high) if falls(middle) > 0 else (low, middle)
    return (low + high) / 2


def dose_interval(
    before: Floats, after: Floats, log_odds: Floats, orders: Floats, *, slope: float, alpha: float
) -> tuple[float, float]:
    """Return the slopes that the orders do not reject, by bisection on either side of the estimate; infinite without an end."""
    reach = 30.0 / max(float(np.ptp(orders[0])), 1e-12)
    ends = []
    for side in (-1.0, 1.0):
        kept, lost = slope, slope + side * reach
        if not math.isfinite(slope) or dose_p_value(before, after, log_odds, orders, slope=lost) > alpha:
            ends.append(side * math.inf)
            continue
        for _ in range(30):
            middle = (kept + lost) / 2
            inside = dose_p_value(before, after, log_odds, orders, slope=middle) > alpha
            kept, lost = (middle, lost) if inside else (kept, middle)
        ends.append(lost)
    return ends[0], ends[1]
