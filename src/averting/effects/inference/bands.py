"""Bands for event studies: each coefficient's interval, one that covers all at once, and a joint test of leads."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from averting.effects.inference.linear import Linear
from averting.effects.inference.permutation import permute
from averting.effects.inference.sandwich import covariance, sup_t, wald_p
from averting.effects.kernels.ols import Array


class Bands(NamedTuple):
    """Coefficients (K,), half-widths of single intervals and of the simultaneous band (K,), p-value of the leads.

    ``words`` say how they were made.
    """

    estimates: Array
    single: Array
    simultaneous: Array
    leads_p: float
    words: str


def clustered_bands(kind: str, problem: Linear, leads: NDArray[np.bool_], rng: np.random.Generator) -> Bands:
    """Return bands from a school-clustered covariance.

    Parameters
    ----------
    kind : {"cr1", "cr2", "cr3"}
        See :mod:`averting.effects.kernels.sandwich`.
    problem : Linear
        With one treatment column for each event time.
    leads : array (K,)
        Which columns lie before the start; the p-value is 1 where none does.
    rng : Generator
        Simulates the largest t statistic.
    """
    fit = problem.fit()
    count = problem.paths.shape[-1]
    found = covariance(kind, fit, problem.clusters)
    matrix, df = found.matrix[:count, :count], found.df[:count]
    errors = np.sqrt(np.diag(matrix))
    everywhere = sup_t(matrix, float(df.min()), problem.alpha, rng)
    estimates = fit.coefficients[:count]
    p_value = wald_p(estimates[leads], matrix[np.ix_(leads, leads)], float(df.min())) if leads.any() else 1.0
    single = stats.t.ppf(1 - problem.alpha / 2, df) * errors
    # a band is never narrower than the single intervals, whatever the simulation's noise
    return Bands(
        estimates, single, np.maximum(everywhere * errors, single), p_value, f"sup-t and Wald test, {kind}"
    )


def permuted_bands(problem: Linear, leads: NDArray[np.bool_], rng: np.random.Generator) -> Bands:
    """Return bands from the coefficients that sets of comparison schools would have.

    A band is as wide as those coefficients spread; the simultaneous one uses the largest of each set's, in standard
    deviations. The joint test of the leads compares the pilots' largest with every set's.
    """
    found = permute(problem, rng)
    coefficients = found.coefficients
    placebo = (found.sets >= len(problem.kinds)).all(axis=1) & np.isfinite(coefficients).all(axis=1)
    if placebo.sum() < 2:
        wide = np.full(coefficients.shape[1], np.inf)
        return Bands(coefficients[0], wide, wide, 1.0, "too few sets to compare with for a band")
    others = coefficients[placebo]
    deviations = np.maximum(others.std(axis=0), 1e-300)
    single = _upper_quantile(np.abs(others), problem.alpha)
    simultaneous = _upper_quantile((np.abs(others) / deviations).max(axis=1)[:, None], problem.alpha) * deviations
    p_value = 1.0
    if leads.any():
        largest = (np.abs(coefficients[:, leads]) / deviations[leads]).max(axis=1)
        p_value = float((~(largest < largest[0] * (1 - 1e-9))).mean())
    return Bands(
        coefficients[0],
        single,
        np.maximum(simultaneous, single),
        p_value,
        "spread of coefficients over sets without pilots",
    )


def _upper_quantile(sizes: Array, alpha: float) -> Array:
    """Return the (1 - alpha) quantile with the truth counted in, (set, K) to (K,); infinite with too few sets."""
    place = int(np.ceil((1 - alpha) * (len(sizes) + 1)))
    if place > len(sizes):
        return np.full(sizes.shape[1], np.inf)
    return np.asarray(np.sort(sizes, axis=0)[place - 1])
