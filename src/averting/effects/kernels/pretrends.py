"""What a test of earlier trends can see, and what passing it does to the estimate.

A test that finds no trend before the start reassures only if it would have found one that matters; and estimates that
are looked at only after such a test passed are biased by it [1]_.

References
----------
.. [1] Roth, J. (2022). Pretest with caution: event-study estimates after testing for parallel trends. American
   Economic Review: Insights 4(3), sections 1 and 2.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import optimize, stats

Array = NDArray[np.float64]

_DRAWS = 40_000


class JointTest(NamedTuple):
    """Wald test that every coefficient is zero, with its degrees of freedom."""

    statistic: float
    freedom: int
    p_value: float


def joint_test(beta: Array, sigma: Array, *, clusters: int | None = None) -> JointTest:
    """Test that all coefficients are zero.

    Parameters
    ----------
    beta : array (k,)
        Coefficients before the start.
    sigma : array (k, k)
        Their covariance.
    clusters : int, optional
        Independent units behind ``sigma``. Given, the statistic is Hotelling's, which allows for a covariance
        estimated from that many; without, a chi-squared distribution is used.
    """
    size = len(beta)
    statistic = float(beta @ np.linalg.solve(sigma, beta))
    if clusters is None:
        return JointTest(statistic, size, float(stats.chi2.sf(statistic, size)))
    freedom = clusters - size
    scaled = statistic * freedom / (size * (clusters - 1))
    return JointTest(statistic, size, float(stats.f.sf(scaled, size, freedom)))


def chance_of_detection(trend: Array, sigma: Array, *, level: float = 0.95) -> float:
    """Return the chance that at least one coefficient is significant by itself, if the truth is ``trend``.

    Parameters
    ----------
    trend : array (k,)
        True coefficients before the start.
    sigma : array (k, k)
        Covariance of the estimates.
    level : float
        Level at which each coefficient is judged.
    """
    spread = np.sqrt(np.diag(sigma))
    bound = stats.norm.ppf(0.5 + level / 2)
    correlation = sigma / np.outer(spread, spread)
    inside = stats.multivariate_normal.cdf(
        np.full(len(trend), bound),
        mean=trend / spread,
        cov=correlation,
        allow_singular=True,
        lower_limit=np.full(len(trend), -bound),
        rng=np.random.default_rng(0),  # the integration's own points: the same question, the same answer
        maxpts=20_000 * len(trend),
        abseps=5e-5,
        releps=5e-5,
    )
    return float(1.0 - inside)


def slope_found(times: Array, sigma: Array, *, chance: float, level: float = 0.95) -> float:
    """Return the slope per period of a straight trend that would be found with a given chance.

    Parameters
    ----------
    times : array (k,)
        Periods from the reference period, negative before it.
    sigma : array (k, k)
        Covariance of the coefficients at those times.
    chance : float
        Between the chance of a false alarm and 1, for example 0.5 or 0.8.
    level : float
        Level of the test of each coefficient.

    Returns
    -------
    float
        Positive, in the coefficients' units per period; zero where even no trend is "found" that often.
    """

    def gap(slope: float) -> float:
        return chance_of_detection(slope * times, sigma, level=level) - chance

    if gap(0.0) >= 0:
        return 0.0
    highest = float(np.min(np.sqrt(np.diag(sigma)) / np.abs(times)))
    while gap(highest) < 0:
        highest *= 2.0
    return float(optimize.brentq(gap, 0.0, highest, xtol=1e-3 * highest))


def bias_after_passing(
    trend: Array, sigma: Array, *, before: int, rng: np.random.Generator, level: float = 0.95
) -> tuple[Array, float]:
    """Return the bias of later coefficients under a trend, given that the test of the earlier ones passed.

    Parameters
    ----------
    trend : array (k,)
        True departures from parallel trends, earlier periods first.
    sigma : array (k, k)
        Covariance of all coefficients.
    before : int
        How many of them lie before the start.
    rng : Generator
        Draws earlier coefficients.
    level : float
        Level of the test of each earlier coefficient.

    Returns
    -------
    bias : array (k - before,)
        Mean error of each later coefficient where the test passed; ``trend[before:]`` is what it would be without
        a test. NaN where it hardly ever passes.
    passed : float
        Share of draws that passed.
    """
    early, late = slice(0, before), slice(before, None)
    draws = rng.multivariate_normal(trend[early], sigma[early, early], size=_DRAWS, method="cholesky")
    bound = stats.norm.ppf(0.5 + level / 2) * np.sqrt(np.diag(sigma)[early])
    kept = draws[(np.abs(draws) <= bound).all(axis=1)]
    if len(kept) < 100:
        return np.full(len(trend) - before, np.nan), len(kept) / _DRAWS
    shift = kept.mean(axis=0) - trend[early]
    carried = sigma[late, early] @ np.linalg.solve(sigma[early, early], shift)
    return trend[late] + carried, len(kept) / _DRAWS
