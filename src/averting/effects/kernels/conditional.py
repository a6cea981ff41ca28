"""Counts before and after, given each unit's total.

A unit with rate ``r`` before and ``R r`` after, and exposures ``e0`` and ``e1``, has its ``m = y0 + y1`` events
fall after with probability ``p = R e1 / (e0 + R e1)``: the unit's own rate cancels, so units of any size and
level can be compared. Overdispersion is beta-binomial: ``var(y1 | m) = m p (1 - p) (1 + (m - 1) rho)``.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

Array = NDArray[np.float64]

_SWEEPS = 25
_NEWTON_STEPS = 40
_MAX_CORRELATION = 0.95


class Scores(NamedTuple):
    """Score of each unit for a shift of its odds, and that score's variance.

    Both have the shape of the counts, (..., unit).
    """

    score: Array
    variance: Array


def _moment_correlation(squared: Array, total: Array, freedom: Array) -> Array:
    """Solve sum(squared / (1 + (m - 1) rho)) = freedom for rho in [0, 0.95], row by row.

    Newton's method on the reciprocal of the sum, which is concave in rho: it comes from below and cannot
    overshoot, and is exact in one step where all units have the same total.
    """
    extra = np.maximum(total - 1.0, 0.0)
    target = np.maximum(freedom, 1.0)
    rho = np.zeros(squared.shape[:-1])
    for _ in range(_NEWTON_STEPS):
        shrink = 1.0 / (1.0 + extra * rho[..., None])
        terms = squared * shrink
        value, slope = terms.sum(-1), (terms * shrink * extra).sum(-1)
        updated = np.clip(rho + value * (value / target - 1.0) / np.maximum(slope, 1e-12), 0.0, _MAX_CORRELATION)
        moved = np.abs(updated - rho).max(initial=0.0)
        rho = updated
        if moved < 1e-12:
            break
    return np.where(freedom > 0, rho, 0.0)


def fit_common_ratio(before: Array, after: Array, offset: Array) -> tuple[Array, Array]:
    """Fit one ratio after : before to all units, with beta-binomial weights.

    Parameters
    ----------
    before, after : array (..., unit)
        Events before and after; leading axes are independent problems.
    offset : array (..., unit)
        Log of exposure after over exposure before, plus the log ratio supposed for treated units.

    Returns
    -------
    log_ratio, correlation : array (...)
        The common log rate ratio, and the intra-unit correlation by Pearson moments (0 where the counts
        are no more variable than binomial).
    """
    before, after, offset = np.broadcast_arrays(before, after, offset)
    total = before + after
    informative = total > 0
    freedom = np.asarray(informative.sum(-1) - 1.0, dtype=np.float64)
    log_ratio = np.log(np.maximum(after.sum(-1), 0.5) / np.maximum(before.sum(-1), 0.5)) - np.where(
        total.sum(-1) > 0, (total * offset).sum(-1) / np.maximum(total.sum(-1), 1.0), 0.0
    )
    correlation = np.zeros_like(log_ratio)
    for _ in range(_SWEEPS):
        weight = 1.0 / (1.0 + np.maximum(total - 1.0, 0.0) * correlation[..., None])
        for _ in range(3):
            p = expit(log_ratio[..., None] + offset)
            slope = np.maximum((weight * total * p * (1.0 - p)).sum(-1), 1e-12)
            step = (weight * (after - total * p)).sum(-1) / slope
            log_ratio = log_ratio + np.clip(step, -2.0, 2.0)
        p = expit(log_ratio[..., None] + offset)
        spread = np.where(informative, total * p * (1.0 - p), 1.0)
        squared = np.where(informative, (after - total * p) ** 2 / np.maximum(spread, 1e-12), 0.0)
        updated = _moment_correlation(squared, total, freedom)
        moved = np.abs(updated - correlation).max(initial=0.0)
        correlation = updated
        if moved < 1e-6:
            break
    return log_ratio, correlation


def unit_scores(before: Array, after: Array, offset: Array) -> Scores:
    """Score each unit's departure from the ratio common to all.

    Parameters
    ----------
    before, after, offset : array (..., unit)
        As in :func:`fit_common_ratio`.

    Returns
    -------
    Scores
        ``w (y1 - m p)`` and its variance ``w m p (1 - p)``, with ``w = 1 / (1 + (m - 1) rho)``.
    """
    before, after, offset = np.broadcast_arrays(before, after, offset)
    log_ratio, correlation = fit_common_ratio(before, after, offset)
    total = before + after
    p = expit(log_ratio[..., None] + offset)
    weight = 1.0 / (1.0 + np.maximum(total - 1.0, 0.0) * correlation[..., None])
    return Scores(weight * (after - total * p), weight * total * p * (1.0 - p))
