"""Intervals, p-values and draws of the overall effect: from influences, from a multiplier bootstrap, by permutation."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from scipy.stats import norm

from averting.draws import stream
from averting.effects.estimator import Request
from averting.effects.kernels.aggregation import (
    Cells,
    Shares,
    bootstrap_errors,
    multiplier_draws,
    overall,
    simultaneous_critical,
    standard_errors,
)
from averting.effects.kernels.assignment import (
    Curve,
    Noise,
    Permuted,
    Units,
    curve_of,
    fit_noise,
    labelled_sets,
    permute_exchangeable,
    permute_refitted,
)
from averting.effects.kernels.inversion import accepted_interval, confidence_draws
from averting.effects.kernels.permutation import two_sided_p
from averting.effects.outcomes import PER_PUPILS
from averting.effects.staggered.sample import Array, Sample

MOST_SETS = 10_000
"""Assignments are listed up to this number, and drawn at random beyond it."""

REFITTED_SETS = 499
"""Where every assignment must be worked out anew, this many are drawn."""

_MOST_CELLS = 20_000_000  # of (set, pilot, pilot's moments)
_EIGEN_ZERO = 1e-12


class Answer(NamedTuple):
    """Interval, p-value, draws of the overall effect (draw,) and of each cell (draw, cell)."""

    interval: tuple[float, float]
    p_value: float
    draws: Array
    by_cell: Array


def analytic_answer(cells: Cells, shares: Shares, size: int, level: float, rng: np.random.Generator) -> Answer:
    """Return the normal interval from the influences, and draws from their joint normal distribution."""
    average = overall(cells, shares)
    error = float(standard_errors(average.influence)[0])
    joint = np.column_stack([cells.influence, average.influence])
    centre = np.append(cells.effect, average.effect)
    values, vectors = np.linalg.eigh(joint.T @ joint)
    root = vectors * np.sqrt(np.maximum(values, 0.0))
    drawn = centre + rng.standard_normal((size, len(centre))) @ root.T
    reach = float(norm.ppf(0.5 + level / 2)) * error
    estimate = float(average.effect[0])
    p_value = float(2 * norm.sf(abs(estimate) / error)) if error > 0 else 1.0
    return Answer((estimate - reach, estimate + reach), p_value, drawn[:, -1], drawn[:, :-1])


def bootstrap_answer(cells: Cells, shares: Shares, size: int, level: float, rng: np.random.Generator) -> Answer:
    """Return the symmetric interval of the multiplier bootstrap."""
    average = overall(cells, shares)
    drawn = multiplier_draws(np.column_stack([cells.influence, average.influence]), size, rng)
    last = drawn[:, -1:]
    error = bootstrap_errors(last)
    estimate = float(average.effect[0])
    reach = simultaneous_critical(last, error, level) * float(error[0])
    p_value = float((1 + np.count_nonzero(np.abs(last) >= abs(estimate))) / (size + 1))
    return Answer(
        (estimate - reach, estimate + reach), p_value, estimate + drawn[:, -1], cells.effect + drawn[:, :-1]
    )


class Permutation(NamedTuple):
    """The assignments compared, whether all were, and what the test needs of every fill."""

    sets: Units
    exact: bool
    refitted: bool


def choose_sets(sample: Sample, request: Request, method: str) -> Permutation:
    """Return the assignments to compare."""
    most = max(min(MOST_SETS, _MOST_CELLS // sample.pilots), 199)
    rng = stream(request.seed, f"effects/{method}/{request.indicator}/sets")
    most = most if sample.exchangeable else REFITTED_SETS
    sets, exact = labelled_sets(len(sample.cohort), sample.cohort[: sample.pilots], most=most, rng=rng)
    return Permutation(sets, exact, not sample.exchangeable)


def noise_of(sample: Sample, outcome: Array, weights: Array) -> Noise:
    """Return how far chance moves each school's rates."""
    each = PER_PUPILS / sample.counts.exposure
    return fit_noise(outcome, each, sample.level(), weights[: sample.pilots].mean(0), sample.pilots)


def permute(
    sample: Sample, outcome: Array, weights: Array, weights_of: Callable[[Array], Array], plan: Permutation
) -> Permuted:
    """Return every assignment's estimate."""
    noise = noise_of(sample, outcome, weights)
    if not plan.refitted:
        return permute_exchangeable(outcome, weights, sample.counts.treated, plan.sets, noise)
    return permute_refitted(outcome, weights_of, sample.cohort, sample.counts.treated, plan.sets, noise)


def permuted_answer(
    sample: Sample, permuted: dict[str, Permuted], cells: Cells, request: Request, method: str
) -> tuple[Answer, Array]:
    """Invert the test in every fill of suppressed cells; also return the middle fill's statistics of no effect."""
    curves = {name: curve_of(one, sample.level) for name, one in permuted.items()}
    ends = [_interval(permuted[name], curve, sample, request.alpha) for name, curve in curves.items()]
    zero = np.zeros(1)
    statistics = {name: one.statistics(zero, sample.level(zero))[0] for name, one in permuted.items()}
    signs = {np.sign(one.estimate[0]) for one in permuted.values()}
    p_value = 1.0 if len(signs) > 1 else max(float(two_sided_p(one)) for one in statistics.values())
    used = [name for name in curves if name != "middle"] or ["middle"]
    parts = np.array_split(np.arange(request.draws), len(used))
    rng = stream(request.seed, f"effects/{method}/{request.indicator}/draws")
    draws = np.concatenate(
        [
            confidence_draws(curves[name].grid, curves[name].lower_mid, len(part), rng)
            for name, part in zip(used, parts, strict=True)
        ]
    )
    shift = draws - permuted["middle"].estimate[0]
    by_cell = np.where(cells.after, cells.effect + shift[:, None], 0.0)
    interval = (float(np.fmin.reduce([low for low, _ in ends])), float(np.fmax.reduce([high for _, high in ends])))
    return Answer(interval, p_value, draws, by_cell), statistics["middle"]


def _interval(permuted: Permuted, curve: Curve, sample: Sample, alpha: float) -> tuple[float, float]:
    def p_value(supposed: Array) -> Array:
        return two_sided_p(permuted.statistics(supposed, sample.level(supposed)))

    return accepted_interval(p_value, curve.grid, alpha, on_grid=curve.two_sided)
