"""A contrast of a regression's coefficients with all that its kinds of inference need, and what they return."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from averting.effects.kernels.ols import Array, Fit, ols

STEPS = 201
"""Supposed effects at which a test is inverted, before its ends are refined."""


@dataclass(frozen=True, eq=False)
class Inferred:
    """What one kind of inference says of one effect.

    Parameters
    ----------
    estimate : float
        The contrast.
    interval : tuple of float
        Infinite where there is no bound.
    p_value : float
        Two-sided, of no effect.
    draws : array (draw,)
        Of the confidence distribution.
    words : str
        How it was made, for the report.
    """

    estimate: float
    interval: tuple[float, float]
    p_value: float
    draws: Array
    words: str


@dataclass(frozen=True, eq=False)
class Linear:
    """An outcome, who was treated when, and the contrast wanted.

    Parameters
    ----------
    outcome, weights : array (school, period)
        Pilots first; weight 0 where a cell is missing.
    paths : array (kind, period, K)
        Treatment columns of a pilot of each kind, for example of each start.
    kinds : array (pilot,)
        Kind of each pilot.
    covariates : array (school, period, m)
        Further regressors.
    contrast : array (K,)
        The effect as a combination of treatment coefficients.
    sizes : array (school,)
        Pupils of each school, which tell how noisy it is.
    alpha : float
        One minus the level of the interval.
    draws : int
        Number of draws wanted.
    clusters : array (school,) or None
        Cluster of each school, 0..G-1, for standard errors; None where each is its own.
    cluster : str
        What a cluster is, for the report.
    """

    outcome: Array
    weights: Array
    paths: Array
    kinds: NDArray[np.intp]
    covariates: Array
    contrast: Array
    sizes: Array
    alpha: float
    draws: int
    clusters: NDArray[np.intp] | None = None
    cluster: str = "school"

    @property
    def treatment(self) -> Array:
        """Treatment columns of the true pilots, (school, period, K)."""
        columns = np.zeros((*self.outcome.shape, self.paths.shape[-1]))
        columns[: len(self.kinds)] = self.paths[self.kinds]
        return columns

    @property
    def regressors(self) -> Array:
        """Treatment columns, then covariates; (school, period, K + m)."""
        return np.concatenate([self.treatment, self.covariates], axis=-1)

    def padded(self, contrast: Array | None = None) -> Array:
        """Return a contrast with a zero for every covariate."""
        return np.concatenate(
            [self.contrast if contrast is None else contrast, np.zeros(self.covariates.shape[-1])]
        )

    def fit(self) -> Fit:
        """Return the regression."""
        return ols(self.outcome, self.regressors, self.weights)

    def fit_contrast(self) -> Fit:
        """Return the same regression, written so that its first coefficient is the contrast."""
        count = self.paths.shape[-1] + self.covariates.shape[-1]
        change = np.eye(count)
        lead = int(np.flatnonzero(self.contrast)[0])
        change[[0, lead]] = change[[lead, 0]]
        change[0] = self.padded()
        return ols(self.outcome, self.regressors @ np.linalg.inv(change), self.weights)


def spread_draws(n: int, rng: np.random.Generator) -> Array:
    """Return n probabilities, one in each n-th part of 0 to 1, in random order."""
    return rng.permutation((np.arange(n) + rng.random(n)) / n)


def joined(by_fill: dict[str, Inferred]) -> Inferred:
    """Return one answer from those of every fill of suppressed cells.

    The estimate is the middle's, the interval runs from the lowest to the highest end, the p-value is the largest,
    and 1 where fills lie on both sides of no effect; draws come equally from the extremes.
    """
    middle = by_fill["middle"]
    extremes = [found for name, found in by_fill.items() if name != "middle"]
    if not extremes:
        return middle
    every = list(by_fill.values())
    estimates = [found.estimate for found in every]
    both = min(estimates) < 0 < max(estimates)
    n = len(middle.draws)
    return Inferred(
        middle.estimate,
        (
            float(np.fmin.reduce([found.interval[0] for found in every])),
            float(np.fmax.reduce([found.interval[1] for found in every])),
        ),
        1.0 if both else max(found.p_value for found in every),
        np.concatenate([found.draws[i :: len(extremes)] for i, found in enumerate(extremes)])[:n],
        middle.words,
    )
