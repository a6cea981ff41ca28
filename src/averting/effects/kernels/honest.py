"""Intervals that hold where trends were not quite parallel, by how far they may have departed.

Two ways to say how far. Smoothness: the slope of the difference in trends changes by at most ``M`` from one period
to the next. Relative magnitudes: after the start it changes by at most ``Mbar`` times its largest change before. The
first gives a fixed-length interval, the second the conditional test with a least-favourable first stage, inverted
[1]_, [2]_. The tests' linear programmes have few enough corners that all are listed, so nothing is solved step by step.

References
----------
.. [1] Rambachan, A. and Roth, J. (2023). A more credible approach to parallel trends. Review of Economic Studies
   90(5), sections 2 to 4.
.. [2] Andrews, I., Roth, J. and Pakes, A. (2023). Inference for linear conditional moment inequalities. Review of
   Economic Studies 90(6), sections 4 and 5.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import combinations
from math import comb
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import optimize, stats

Array = NDArray[np.float64]
Interval = tuple[float, float]

MOST_CORNERS = 4_000
_GRID = 801
_LEAST_FAVOURABLE_DRAWS = 10_000
_FIRST_STAGE = 0.1  # share of alpha spent on the first stage, as in [2]_


class EventStudy(NamedTuple):
    """Coefficients by period, the reference period left out, and their covariance.

    ``beta`` (k,), ``sigma`` (k, k); the first ``before`` of them lie before the reference period, in order, the rest
    after it. Periods are taken to be equally spaced.
    """

    beta: Array
    sigma: Array
    before: int

    @property
    def times(self) -> Array:
        """Periods from the reference period, (k,)."""
        after = len(self.beta) - self.before
        return np.concatenate([np.arange(-self.before, 0), np.arange(1, after + 1)]).astype(float)


def _differences(study: EventStudy) -> Array:
    """First differences of a path that is zero at the reference period, (k, k): row t is from t to t + 1."""
    size = len(study.beta)
    whole = np.diff(np.eye(size + 1), axis=0)
    return np.asarray(np.delete(whole, study.before, axis=1))


# --------------------------------------------------------------------------------------- smoothness: fixed length


def _folded_quantile(shift: float, alpha: float) -> float:
    """Return the quantile of |N(shift, 1)|; a little beyond where it is nearly linear it is exactly so."""

    def gap(c: float) -> float:
        return float(stats.norm.cdf(c - shift) - stats.norm.cdf(-c - shift)) - (1 - alpha)

    low, high = shift + stats.norm.ppf(1 - alpha), shift + stats.norm.ppf(1 - alpha / 2)
    return float(optimize.brentq(gap, low - 1e-9, high + 1e-9, xtol=1e-12))


def smoothness_interval(study: EventStudy, weights: Array, *, largest: float, alpha: float = 0.05) -> Interval:
    """Return the shortest fixed-length interval where slopes change by at most ``largest`` a period.

    Parameters
    ----------
    study : EventStudy
        With at least two periods before the reference period, or ``largest`` cannot bound anything.
    weights : array (k - before,)
        What is wanted of the later coefficients: their weighted sum.
    largest : float
        ``M``, in the coefficients' units per period squared; 0 allows straight differences in trend only.
    alpha : float
        One minus the level.

    Notes
    -----
    The estimator is ``weights @ later + v @ earlier``. A straight trend must cancel, and what is left of the bias is
    ``M`` times an L1 norm; the half-length is convex in ``v``.
    """
    start, basis = _unbiased_for_lines(study, weights)
    bends = np.linalg.pinv(
        np.diff(_differences(study), axis=0)
    )  # path from its second differences, straight lines aside

    def whole(free: Array) -> Array:
        return np.asarray(start + basis @ free)

    size = basis.shape[1]
    scale = float(np.sqrt(start @ study.sigma @ start))
    lightest = -np.linalg.lstsq(
        basis.T @ study.sigma @ basis, basis.T @ study.sigma @ start, rcond=None
    )[0] if size else np.zeros(0)  # fmt: skip
    chosen = whole(lightest)
    if size and largest > 0:
        chosen = whole(_shortest(start, basis, study.sigma, bends, largest / scale, alpha, lightest))
    spread = float(np.sqrt(chosen @ study.sigma @ chosen))
    bias = largest * float(np.abs(bends.T @ chosen).sum())
    half = spread * _folded_quantile(bias / spread, alpha)
    centre = float(chosen @ study.beta)
    return centre - half, centre + half


def _unbiased_for_lines(study: EventStudy, weights: Array) -> tuple[Array, Array]:
    """Return one set of weights under which a straight trend cancels, and directions that keep it so."""
    times, before = study.times, study.before
    early = times[:before]
    start = np.concatenate([-early * float(weights @ times[before:]) / float(early @ early), weights])
    _, _, right = np.linalg.svd(early[None, :])
    basis = np.vstack([right[1:].T, np.zeros((len(weights), before - 1))])
    return start, basis


def _shortest(
    start: Array, basis: Array, sigma: Array, bends: Array, largest: float, alpha: float, guess: Array
) -> Array:
    """Minimise the half-length over the free directions; bounds ``u`` on each bend make it smooth."""
    bent = bends.T @ basis
    unit = float(start @ sigma @ start)
    count, size = bent.shape

    def parts(point: Array) -> tuple[Array, float, float]:
        chosen = start + basis @ point[:size]
        return chosen, float(np.sqrt(chosen @ sigma @ chosen / unit)), largest * float(point[size:].sum())

    def half_length(point: Array) -> tuple[float, Array]:
        chosen, spread, bias = parts(point)
        shift = bias / spread
        quantile = _folded_quantile(shift, alpha)
        near, far = stats.norm.pdf(quantile - shift), stats.norm.pdf(quantile + shift)
        steep = float((near - far) / (near + far))
        by_spread = (quantile - shift * steep) * (basis.T @ sigma @ chosen) / (unit * spread)
        return spread * quantile, np.concatenate([by_spread, np.full(count, steep * largest)])

    eye = np.eye(count)
    offset = bends.T @ start
    found = optimize.minimize(  # type: ignore[call-overload]  # scipy-stubs know no linear constraints with SLSQP
        lambda point: half_length(point)[0],
        np.concatenate([guess, np.abs(offset + bent @ guess)]),
        jac=lambda point: half_length(point)[1],
        method="SLSQP",
        constraints=[
            optimize.LinearConstraint(np.hstack([sign * bent, eye]), -sign * offset, np.inf) for sign in (1, -1)
        ],
        options={"maxiter": 500, "ftol": 1e-12},
    )
    return np.asarray(found.x[:size])


# ------------------------------------------------------------------- relative magnitudes: conditional test, inverted


def relative_interval(
    study: EventStudy, weights: Array, *, times: float, rng: np.random.Generator, alpha: float = 0.05
) -> Interval:
    """Return the interval where a later change is at most ``times`` the largest earlier one (C-LF hybrid).

    Parameters
    ----------
    study : EventStudy
        With at least one period before the reference period.
    weights : array (k - before,)
        What is wanted of the later coefficients: their weighted sum.
    times : float
        ``Mbar``, 0 or more.
    rng : Generator
        Draws the least-favourable critical value.
    alpha : float
        One minus the level.

    Returns
    -------
    tuple of float
        Infinite at an end that lies beyond 20 standard errors and the largest bias the estimates suggest.

    Raises
    ------
    ValueError
        If there are too many later periods to list every corner.
    """
    study, weights = _needed(study, weights)
    pieces = [
        _Piece.of(study, weights, _restriction(study, earlier, sign, times), rng, alpha)
        for earlier in range(study.before)
        for sign in (1.0, -1.0)
    ]
    after = slice(study.before, None)
    estimate = float(weights @ study.beta[after])
    spread = float(np.sqrt(weights @ study.sigma[after, after] @ weights))
    moved = float(np.abs(_differences(study)[: study.before] @ study.beta).max())
    reach = 20 * spread + 3 * times * moved * float(np.abs(weights).sum()) * len(weights)
    grid = estimate + reach * np.linspace(-1, 1, _GRID)
    accepted = np.any([piece.accepts(grid) for piece in pieces], axis=0)
    if not accepted.any():
        return np.nan, np.nan
    first, last = np.flatnonzero(accepted)[[0, -1]]

    def accepts(value: float) -> bool:
        return any(bool(piece.accepts(np.array([value]))[0]) for piece in pieces)

    lower = -np.inf if first == 0 else _edge(accepts, grid[first], grid[first - 1])
    upper = np.inf if last == _GRID - 1 else _edge(accepts, grid[last], grid[last + 1])
    return lower, upper


def _needed(study: EventStudy, weights: Array) -> tuple[EventStudy, Array]:
    """Leave out the periods after the last one asked for: their effects are free, so they restrict nothing."""
    last = int(np.flatnonzero(weights)[-1]) + 1
    keep = study.before + last
    return EventStudy(study.beta[:keep], study.sigma[:keep, :keep], study.before), weights[:last]


def _edge(accepts: Callable[[float], bool], inside: float, outside: float) -> float:
    for _ in range(30):
        middle = 0.5 * (inside + outside)
        inside, outside = (middle, outside) if accepts(middle) else (inside, middle)
    return float(inside)


def _restriction(study: EventStudy, earlier: int, sign: float, times: float) -> Array:
    """Rows whose product with the path must not be positive: later changes are within ``times`` one earlier change.

    The earlier change is the largest, with its sign; that it is so restricts nothing that an effect could bear on.
    """
    changes = _differences(study)
    bound = times * sign * changes[earlier]
    later = changes[study.before :]
    return np.vstack([later - bound, -later - bound])


class _Piece(NamedTuple):
    """The test for one place and sign of the largest earlier change, over supposed effects.

    ``corners`` (v, m) are the corners of the dual of the test's linear programme, ``at_zero`` (m,) the moments at a
    supposed effect of 0, ``slope`` (m,) what they lose per unit of it, ``covariance`` (m, m) theirs, and ``critical``
    the first stage's critical value.
    """

    corners: Array
    at_zero: Array
    slope: Array
    covariance: Array
    critical: float
    alpha: float

    @classmethod
    def of(cls, study: EventStudy, weights: Array, rows: Array, rng: np.random.Generator, alpha: float) -> _Piece:
        later = rows[:, study.before :]
        # effects are written as the one asked for, and the others, which are free
        others = np.delete(np.eye(len(weights)), np.abs(weights).argmax(), axis=0)
        change = np.linalg.inv(np.vstack([weights, others]))
        mixed = later @ change
        covariance = rows @ study.sigma @ rows.T
        corners = _corners(mixed[:, 1:], np.sqrt(np.diag(covariance)))
        critical = _least_favourable(corners, covariance, alpha * _FIRST_STAGE, rng)
        return cls(corners, rows @ study.beta, mixed[:, 0], covariance, critical, alpha)

    def accepts(self, supposed: Array) -> NDArray[np.bool_]:
        """Say which supposed effects, (g,), the test does not reject."""
        statistics = self.corners @ (self.at_zero[:, None] - self.slope[:, None] * supposed)  # (v, g)
        best = statistics.argmax(axis=0)
        largest = statistics.max(axis=0)
        common = self.corners @ self.covariance @ self.corners.T
        variance = np.diag(common)[best]
        share = common[:, best] / variance  # regression of each corner's statistic on the largest
        rest = statistics - share * largest
        room = 1 - share
        with np.errstate(divide="ignore", invalid="ignore"):
            limit = rest / room
        lowest = np.where(room > 1e-9, limit, -np.inf).max(axis=0)
        highest = np.minimum(np.where(room < -1e-9, limit, np.inf).min(axis=0), self.critical)
        spread = np.sqrt(variance)
        first = self.alpha * _FIRST_STAGE
        size = (self.alpha - first) / (1 - first)
        cut = np.maximum(0.0, _truncated_quantile(1 - size, lowest / spread, highest / spread))
        rejected = (largest > self.critical) | (largest / spread > cut)
        return np.asarray(~rejected)


def _corners(free: Array, spread: Array) -> Array:
    """List the corners of {c >= 0, free' c = 0, spread' c = 1}, (v, m)."""
    rows, size = free.shape[0], free.shape[1] + 1
    if comb(rows, size) > MOST_CORNERS:
        raise ValueError(f"{rows} restrictions on {size - 1} free effects have too many corners to list")
    chosen = np.array(list(combinations(range(rows), size)))
    systems = np.concatenate([free, spread[:, None]], axis=1)[chosen].transpose(0, 2, 1)
    solvable = np.linalg.cond(systems) < 1e12
    wanted = np.zeros((int(solvable.sum()), size, 1))
    wanted[:, -1] = 1.0
    solved = np.linalg.solve(systems[solvable], wanted)[..., 0]
    feasible = (solved >= -1e-10).all(axis=1)
    corners = np.zeros((int(feasible.sum()), rows))
    np.put_along_axis(corners, chosen[solvable][feasible], np.maximum(solved[feasible], 0.0), axis=1)
    return corners


def _least_favourable(corners: Array, covariance: Array, kappa: float, rng: np.random.Generator) -> float:
    """Return the quantile of the statistic where every moment binds."""
    values, vectors = np.linalg.eigh(covariance)
    root = vectors * np.sqrt(np.maximum(values, 0.0))
    draws = rng.standard_normal((_LEAST_FAVOURABLE_DRAWS, len(covariance))) @ (corners @ root).T
    return float(np.quantile(draws.max(axis=1), 1 - kappa))


def _truncated_quantile(share: float, low: Array, high: Array) -> Array:
    """Quantile of a standard normal between two ends, from whichever tail keeps its digits."""
    upper = stats.norm.isf(share * stats.norm.sf(high) + (1 - share) * stats.norm.sf(low))
    lower = stats.norm.ppf(share * stats.norm.cdf(high) + (1 - share) * stats.norm.cdf(low))
    return np.asarray(np.clip(np.where(low > 0, upper, lower), low, np.maximum(low, high)))
