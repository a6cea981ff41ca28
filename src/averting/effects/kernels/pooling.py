"""Normal effects in a normal population of areas, the spread between areas integrated out on a grid: arrays only.

Given the spread tau all is closed form: with weights ``w = 1 / (se**2 + tau**2)`` and a flat prior, the shared mean is normal
with mean ``sum(w y) / sum(w)`` and variance ``1 / sum(w)`` [roever_2020]_. Only tau needs a sum over a grid.

References
----------
.. [roever_2020] Röver, C. (2020). Bayesian random-effects meta-analysis using the bayesmeta R package. Journal of
   Statistical Software 93(6), section 2.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr, ndtri

Floats = NDArray[np.float64]
_STEPS, _MOST = 10, 20_001


class Mixture(NamedTuple):
    """A mixture of normals: ``mean``, ``sd`` and ``weight``, each (g,); weights sum to 1."""

    mean: Floats
    sd: Floats
    weight: Floats


def spread_grid(y: Floats, se: Floats, scale: float) -> Floats:
    """Return values of the spread (g,) that reach from 0 to where neither prior nor data leave weight.

    Steps are a tenth of the smaller of the prior's scale and the smallest error: the integrand is smooth and even, so the
    trapezoid rule on it is exact to far more digits than are printed.
    """
    most = max(8 * scale, 4 * float(np.ptp(y)))
    step = min(scale, float(se.min())) / _STEPS
    return np.linspace(0.0, most, min(_MOST, int(np.ceil(most / step)) + 1))


def given_spread(y: Floats, se: Floats, tau: Floats) -> tuple[Floats, Floats, Floats]:
    """Return the shared mean (g,), its variance (g,) and the log likelihood of tau (g,), the mean integrated out."""
    total = se**2 + tau[:, None] ** 2
    variance = 1 / (1 / total).sum(axis=1)
    mean = variance * (y / total).sum(axis=1)
    log_density = -0.5 * (np.log(2 * np.pi * total) + (y - mean[:, None]) ** 2 / total).sum(axis=1)
    return mean, variance, log_density + 0.5 * np.log(2 * np.pi * variance)


def spread_weights(tau: Floats, log_likelihood: Floats, scale: float) -> Floats:
    """Return the posterior weight (g,) of each spread under a half-normal prior."""
    log_weight = log_likelihood - 0.5 * (tau / scale) ** 2
    weight = np.exp(log_weight - log_weight.max())
    weight[[0, -1]] *= 0.5
    return np.asarray(weight / weight.sum(), dtype=np.float64)


def local_given_spread(y: Floats, se: Floats, tau: Floats, mean: Floats, variance: Floats) -> tuple[Floats, ...]:
    """Return each area's own mean, variance and the share it borrows from the shared one, each (g, area)."""
    borrowed = se**2 / (se**2 + tau[:, None] ** 2)
    centre = (1 - borrowed) * y + borrowed * mean[:, None]
    return centre, (1 - borrowed) * se**2 + borrowed**2 * variance[:, None], borrowed


def mixture_quantile(mixture: Mixture, probability: float) -> float:
    """Return a quantile of a mixture of normals, by bisection to rounding error."""
    ends = mixture.mean + ndtri(probability) * mixture.sd
    low, high = float(ends.min()), float(ends.max())
    for _ in range(200):
        middle = 0.5 * (low + high)
        if not low < middle < high:
            break
        below = float(mixture.weight @ ndtr((middle - mixture.mean) / np.maximum(mixture.sd, 1e-300)))
        low, high = (middle, high) if below < probability else (low, middle)
    return 0.5 * (low + high)
