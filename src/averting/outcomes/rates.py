"""Rates with intervals, funnels and directions of change: arrays in, arrays out."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.stats import beta, chi2, norm, poisson, t

from averting.errors import EstimationError

Floats = NDArray[np.float64]
_TRIM = 0.1
_STEPS = 50


def rate_interval(
    lower: Floats, upper: Floats, of: Floats, *, share: bool, level: float = 0.95
) -> tuple[Floats, Floats]:
    """Return exact intervals of rates whose counts are known or lie between bounds.

    Parameters
    ----------
    lower, upper : array of float
        Bounds of the counts, equal where they are known.
    of : array of float
        What they are counted over.
    share : bool
        Whether the count is a part of what it is over (Clopper and Pearson), or events over it (Garwood).
    level : float
        Of the intervals.

    Returns
    -------
    low, high : array of float
        The lowest end at the lower bound, the highest at the upper.
    """
    tail = (1 - level) / 2
    if share:
        low = np.where(lower > 0, beta.ppf(tail, lower, of - lower + 1), 0.0)
        high = np.where(upper < of, beta.ppf(1 - tail, upper + 1, np.maximum(of - upper, 1e-9)), 1.0)
        return np.asarray(low, dtype=np.float64), np.asarray(high, dtype=np.float64)
    low = np.where(lower > 0, chi2.ppf(tail, 2 * lower) / 2, 0.0) / of
    high = chi2.ppf(1 - tail, 2 * (upper + 1)) / 2 / of
    return np.asarray(low, dtype=np.float64), np.asarray(high, dtype=np.float64)


class Funnel(NamedTuple):
    """What rates of areas of some size would be by chance and by how areas differ anyway [spiegelhalter_2005]_.

    .. [spiegelhalter_2005] Spiegelhalter, D. J. (2005). Funnel plots for comparing institutional performance. Statistics
       in Medicine, 24(8), 1185-1202.
    """

    target: float
    dispersion: float

    def limits(self, of: Floats, *, share: bool, level: float) -> tuple[Floats, Floats]:
        """Return the limits within which a level of areas of sizes ``of`` would lie."""
        z = norm.ppf((1 + level) / 2)
        spread = np.sqrt(self.dispersion * _variance(self.target, of, share))
        expected = self.target * of
        # small areas: at least what the exact distribution says
        exact_low = poisson.ppf((1 - level) / 2, expected) / of
        exact_high = poisson.ppf((1 + level) / 2, expected) / of
        low = np.maximum(np.minimum(self.target - z * spread, exact_low), 0.0)
        high = np.maximum(self.target + z * spread, exact_high)
        return np.asarray(low, dtype=np.float64), np.asarray(
            np.minimum(high, 1.0) if share else high, dtype=np.float64
        )


def _variance(target: float, of: Floats, share: bool) -> Floats:
    return np.asarray((target * (1 - target) if share else target) / of, dtype=np.float64)


def funnel(counts: Floats, of: Floats, *, share: bool) -> Funnel:
    """Return target and dispersion of areas' counts: the mean square of their z scores, the outer tenths drawn in.

    Raises
    ------
    EstimationError
        If there are fewer than ten areas, or none has an event.
    """
    if len(counts) < 10 or counts.sum() <= 0:
        raise EstimationError("A funnel needs ten areas or more, with events. Leave it out.")
    target = float(counts.sum() / of.sum())
    z = (counts / of - target) / np.sqrt(_variance(target, of, share))
    low, high = np.quantile(z, [_TRIM, 1 - _TRIM])
    return Funnel(target, max(1.0, float((np.clip(z, low, high) ** 2).mean())))


class Direction(NamedTuple):
    """Yearly change of a rate as a ratio, with its interval; widest over what suppressed counts can be."""

    change: float
    lower: float
    upper: float
    periods: int


def direction(lower: Floats, upper: Floats, of: Floats, at: Floats, *, level: float = 0.95) -> Direction:
    """Fit a straight line to log rates over time, and return the yearly ratio.

    Quasi-Poisson: counts vary about the line by as much as they are seen to, never less than by chance; the interval is by
    Student's t. With bounds, lines are fitted to the fills that fall most and rise most, and both intervals are covered.

    Parameters
    ----------
    lower, upper, of : array of float, shape (period,)
        Bounds of counts, and what they are over.
    at : array of float, shape (period,)
        Years.

    Raises
    ------
    EstimationError
        If there are fewer than four periods, or no events.
    """
    if len(of) < 4 or lower.sum() <= 0:
        raise EstimationError("A direction needs four periods or more, with events.")
    middle = at - at.mean()
    fills = [(lower + upper) / 2]
    if (upper > lower).any():
        fills += [np.where(middle < 0, upper, lower), np.where(middle < 0, lower, upper)]
    found = [_line(fill, of, middle, level) for fill in fills]
    return Direction(
        float(np.exp(found[0][0])),
        float(np.exp(min(low for _, low, _ in found))),
        float(np.exp(max(high for _, _, high in found))),
        len(of),
    )


def _line(counts: Floats, of: Floats, at: Floats, level: float) -> tuple[float, float, float]:
    x = np.column_stack([np.ones(len(at)), at])
    slope = np.array([np.log(counts.sum() / of.sum()), 0.0])
    for _ in range(_STEPS):
        mean = of * np.exp(x @ slope)
        information = (x * mean[:, None]).T @ x
        step = np.linalg.solve(information, x.T @ (counts - mean))
        slope = slope + step
        if np.abs(step).max() < 1e-10:
            break
    mean = of * np.exp(x @ slope)
    freedom = len(at) - 2
    dispersion = max(1.0, float(((counts - mean) ** 2 / mean).sum()) / freedom)
    error = float(np.sqrt(dispersion * np.linalg.inv((x * mean[:, None]).T @ x)[1, 1]))
    reach = float(t.ppf((1 + level) / 2, freedom)) * error
    return float(slope[1]), float(slope[1]) - reach, float(slope[1]) + reach
