"""``permutation`` of which schools are pilots, for any contrast of a regression with school and period effects."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from averting.effects.inference.linear import STEPS, Inferred, Linear
from averting.effects.kernels.inversion import accepted_interval, confidence_draws
from averting.effects.kernels.ols import Array
from averting.effects.kernels.permutation import linear_two_sided_p, lower_mid_p
from averting.effects.kernels.set_regression import assignments, parts, set_coefficients

MOST_SETS = 20_000
"""Sets are listed one by one up to this number, and drawn at random beyond it."""

_MOST_CELLS = 20_000_000
_REACH = 4.0  # an interval further than this many of the largest placebo estimate is not looked for


@dataclass(frozen=True, eq=False)
class Permuted:
    """Coefficients every set would have, (set, K), the true one first; and of the truth in outcome's place.

    ``overlap`` (set, K) is what each set's regression finds if the outcome is the true treatment with an effect of
    one; ``sets`` (set, pilot) and ``exact``, whether every set is listed.
    """

    coefficients: Array
    overlap: Array
    sets: NDArray[np.intp]
    exact: bool


def permute(problem: Linear, rng: np.random.Generator, *, most: int = MOST_SETS) -> Permuted:
    """Compute the regression for every set of schools; each keeps its own weight and covariates."""
    pilots = np.arange(len(problem.kinds))
    columns = problem.paths.shape[-1]
    most = max(1_000, min(most, _MOST_CELLS // (columns * (columns + problem.outcome.shape[1]))))
    sets, exact = assignments(len(problem.outcome), pilots, problem.kinds, most=most, rng=rng)
    # an effect of one at every treated time: what supposing an effect takes off the outcome
    treated = problem.treatment @ (problem.contrast > 0)
    outcomes = np.stack([np.where(problem.weights > 0, problem.outcome, 0.0), treated], axis=-1)
    prepared = parts(outcomes, problem.paths, problem.covariates, problem.weights)
    found = set_coefficients(prepared, sets, problem.kinds)
    return Permuted(found[..., 0], found[..., 1], sets, exact)


def permuted(problem: Linear, rng: np.random.Generator) -> Inferred:
    """Infer a contrast by permutation: interval by test inversion, draws from the confidence distribution."""
    return judge(permute(problem, rng), problem, rng)


def judge(found: Permuted, problem: Linear, rng: np.random.Generator) -> Inferred:
    """Turn permuted coefficients into an interval, a p-value and draws.

    A set that leaves a coefficient without data counts as further from zero than the truth, which is cautious.
    """
    estimates = found.coefficients @ problem.contrast
    overlap = np.nan_to_num(found.overlap @ problem.contrast)
    usable = np.where(np.isfinite(estimates), estimates, np.inf)
    truth = float(estimates[0])
    reach = _REACH * max(float(np.abs(estimates[np.isfinite(estimates)]).max()), 1e-9)
    grid = truth + np.linspace(-reach, reach, STEPS)

    def p_value(supposed: Array) -> Array:
        return linear_two_sided_p(usable, overlap, supposed)

    lower = np.concatenate([lower_mid_p(usable[None] - part[:, None] * overlap) for part in np.split(grid, STEPS)])
    kind = "every set listed" if found.exact else "sets drawn at random"
    return Inferred(
        truth,
        accepted_interval(p_value, grid, problem.alpha),
        float(p_value(np.zeros(1))[0]),
        confidence_draws(grid, lower, problem.draws, rng),
        f"permutation of who is a pilot, {kind} ({len(found.sets):,})",
    )
