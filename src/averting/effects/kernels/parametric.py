"""A parametric bootstrap of the score test: pilots' events after the start are drawn again, given their totals."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from scipy.special import expit

from averting.effects.kernels.conditional import Array, fit_common_ratio

_LEAST_CORRELATION = 1e-6  # a beta distribution needs some spread; this is binomial to six digits


class Noise(NamedTuple):
    """Common log ratio, correlation and precision of comparison units: as found (first), then of redrawn panels.

    Each has shape (1 + draw,).
    """

    log_ratio: Array
    correlation: Array
    precision: Array


def _draw_after(total: Array, p: Array, correlation: Array, rng: np.random.Generator) -> Array:
    """Draw beta-binomial events after, for whole totals."""
    size = 1.0 / np.maximum(correlation, _LEAST_CORRELATION) - 1.0
    chance = rng.beta(size * p, size * (1.0 - p))
    return np.asarray(rng.binomial(np.rint(total).astype(np.int64), chance), dtype=np.float64)


def comparison_noise(before: Array, after: Array, offset: Array, *, draws: int, rng: np.random.Generator) -> Noise:
    """Fit comparison units, redraw them from the fit, and fit again: how far the fit itself is uncertain.

    Parameters
    ----------
    before, after, offset : array (unit,)
        Of comparison units, as in :func:`averting.effects.kernels.conditional.fit_common_ratio`.
    draws : int
        Redrawn panels.
    rng : Generator
        Redraws them.
    """
    log_ratio, correlation = fit_common_ratio(before, after, offset)
    total = np.rint(before + after)
    p = np.broadcast_to(expit(log_ratio + offset), (draws, len(total)))
    redrawn = _draw_after(np.broadcast_to(total, p.shape), p, correlation, rng)
    logs, correlations = fit_common_ratio(total - redrawn, redrawn, np.broadcast_to(offset, p.shape))
    logs = np.concatenate([[log_ratio], logs])
    correlations = np.concatenate([[correlation], correlations])
    shares = expit(logs[:, None] + offset)
    weight = 1.0 / (1.0 + np.maximum(total - 1.0, 0.0) * correlations[:, None])
    return Noise(logs, correlations, (weight * total * shares * (1.0 - shares)).sum(-1))


def _studentised(total: Array, after: Array, offset: Array, noise: Noise) -> Array:
    """Score of the pilots over its root variance, the fit's own error included; units on the last axis."""
    p = expit(noise.log_ratio[:, None] + offset)
    weight = 1.0 / (1.0 + np.maximum(total - 1.0, 0.0) * noise.correlation[:, None])
    score = (weight * (after - total * p)).sum(-1)
    variance = (weight * total * p * (1.0 - p)).sum(-1)
    variance = variance * (1.0 + variance / np.maximum(noise.precision, 1e-12))
    return np.where(variance > 1e-12, score / np.sqrt(np.maximum(variance, 1e-12)), 0.0)


def simulated_statistics(
    before: Array, after: Array, offset: Array, noise: Noise, rng: np.random.Generator
) -> Array:
    """Return the pilots' statistic, and that of pilots redrawn supposing the offset is right.

    Parameters
    ----------
    before, after, offset : array (unit,)
        Of the pilots; ``offset`` holds the log ratio supposed.
    noise : Noise
        Of the comparison units: each redrawn set of pilots meets the fit of its own redrawn panel.
    rng : Generator
        Redraws the pilots.

    Returns
    -------
    array (1 + draw,)
        The true pilots' first, as a permutation's statistics are.
    """
    draws = len(noise.log_ratio) - 1
    found = Noise(*(values[:1] for values in noise))
    truth = _studentised(before + after, after, offset, found)
    total = np.rint(before + after)
    p = np.broadcast_to(expit(noise.log_ratio[0] + offset), (draws, len(total)))
    redrawn = _draw_after(np.broadcast_to(total, p.shape), p, noise.correlation[0], rng)
    return np.concatenate([truth, _studentised(total, redrawn, offset, Noise(*(v[1:] for v in noise)))])
