"""Synthetic control, synthetic difference-in-differences and ridge-augmented synthetic control, for many treated sets.

Each takes outcomes (school, period), sets of schools to treat as pilots (set, k), the periods after the start and the
schools that may stand in for each set, and returns the gap between a set's mean outcome and its synthetic twin.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from averting.effects.kernels.simplex import Array, Mask, simplex_weights

_TIME_RIDGE = 1e-6  # of the noise, as in the paper: time weights are hardly penalised
_PENALTIES, _SMALLEST_PENALTY = 20, 1e-8
_CELLS_AT_ONCE = 4_000_000


class Sets(NamedTuple):
    """``members`` (set, k): positions treated as pilots; ``donors`` (set, school): who may have weight."""

    members: NDArray[np.intp]
    donors: Mask


class Synthetic(NamedTuple):
    """``weights`` (set, school); ``period_weights`` (set, period before); ``gap`` (set, period)."""

    weights: Array
    period_weights: Array
    gap: Array


Method = Callable[[Array, Sets, Mask], Synthetic]


def in_parts(method: Method, outcomes: Array, sets: Sets, after: Mask) -> Synthetic:
    """Apply a method to sets in parts that fit in memory; the same answer as all at once."""
    rows = max(1, _CELLS_AT_ONCE // outcomes.size)
    firsts = range(0, len(sets.members), rows)
    parts = [method(outcomes, Sets(sets.members[i : i + rows], sets.donors[i : i + rows]), after) for i in firsts]
    return Synthetic(*(np.concatenate(field) for field in zip(*parts, strict=True)))


def synthetic_control(outcomes: Array, sets: Sets, after: Mask) -> Synthetic:
    """Weigh schools so that their mean follows each set's before the start, level included [abadie_2010]_.

    Weights are not negative, sum to one, and match outcomes before the start alone.

    References
    ----------
    .. [abadie_2010] Abadie, A., Diamond, A. and Hainmueller, J. (2010). Synthetic control methods for comparative
       case studies. Journal of the American Statistical Association 105(490).
    """
    treated = outcomes[sets.members].mean(axis=1)
    weights = simplex_weights(outcomes[:, ~after].T, treated[:, ~after], np.zeros(len(treated)), sets.donors)
    flat = np.zeros((len(treated), int((~after).sum())))
    return Synthetic(weights, flat, treated - weights @ outcomes)


def synthetic_did(outcomes: Array, sets: Sets, after: Mask) -> Synthetic:
    """Weigh schools to run parallel to each set, and periods before to stand for those after [arkhangelsky_2021]_.

    The mean of ``gap`` after the start is the estimate: gaps are measured from their weighted mean before it.

    References
    ----------
    .. [arkhangelsky_2021] Arkhangelsky, D., Athey, S., Hirshberg, D., Imbens, G. and Wager, S. (2021). Synthetic
       difference-in-differences. American Economic Review 111(12), algorithm 1.
    """
    before, treated = outcomes[:, ~after], outcomes[sets.members].mean(axis=1)
    noise = noise_level(before, sets.donors)
    size = (sets.members.shape[1] * int(after.sum())) ** 0.25
    centred = treated[:, ~after] - treated[:, ~after].mean(1, keepdims=True)
    parallel = before - before.mean(1, keepdims=True)
    ridge = (size * noise) ** 2 * before.shape[1]
    weights = simplex_weights(parallel.T, centred, ridge, sets.donors)
    period_weights = _period_weights(before, outcomes[:, after].mean(1), sets.donors, noise)
    gap = treated - weights @ outcomes
    level = (gap[:, ~after] * period_weights).sum(1, keepdims=True)
    return Synthetic(weights, period_weights, gap - level)


def _period_weights(before: Array, later: Array, donors: Mask, noise: Array) -> Array:
    """Weigh periods before so that donors' weighted mean differs from their mean after by a constant."""
    number = donors.sum(1)
    middle = (donors @ before) / number[:, None]
    rows = np.where(donors[..., None], before[None] - middle[:, None, :], 0.0)
    target = np.where(donors, later[None] - (donors @ later / number)[:, None], 0.0)
    everywhere = np.ones((len(donors), before.shape[1]), dtype=bool)
    return simplex_weights(rows, target, (_TIME_RIDGE * noise) ** 2 * number, everywhere)


def noise_level(before: Array, donors: Mask) -> Array:
    """Return the standard deviation of donors' changes from period to period, (set,)."""
    changes = np.diff(before, axis=1)
    number = donors.sum(1) * changes.shape[1]
    mean = donors @ changes.sum(1) / number
    squares = donors @ (changes**2).sum(1) / number
    # the two terms are of one size only where changes are all alike, and then rounding may fall below zero
    return np.asarray(np.sqrt(np.maximum(squares - mean**2, 0.0) * number / np.maximum(number - 1, 1)))


def augmented_synthetic_control(outcomes: Array, sets: Sets, after: Mask) -> Synthetic:
    """Mend what synthetic control leaves unmatched by ridge regression [ben_michael_2021]_.

    The penalty is the largest whose error in predicting a period left out is within one standard error of the
    smallest. Weights sum to one and may be negative.

    References
    ----------
    .. [ben_michael_2021] Ben-Michael, E., Feller, A. and Rothstein, J. (2021). The augmented synthetic control
       method. Journal of the American Statistical Association 116(536), sections 3 and 5.3.
    """
    plain = synthetic_control(outcomes, sets, after)
    rows, target = _centred(outcomes, sets, after)
    penalty = choose_penalty(rows, target, outcomes, sets, after)
    return ridge_augmented(outcomes, sets, after, penalty, plain=plain)


def ridge_augmented(
    outcomes: Array, sets: Sets, after: Mask, penalty: Array, *, plain: Synthetic | None = None
) -> Synthetic:
    """Augment synthetic control with a given ridge penalty of each set, (set,)."""
    base = synthetic_control(outcomes, sets, after) if plain is None else plain
    rows, target = _centred(outcomes, sets, after)
    missed = target - (rows @ base.weights[..., None])[..., 0]
    square = rows @ rows.swapaxes(1, 2) + penalty[:, None, None] * np.eye(rows.shape[1])
    weights = base.weights + (np.linalg.solve(square, missed[..., None]).swapaxes(1, 2) @ rows)[:, 0]
    treated = outcomes[sets.members].mean(axis=1)
    return Synthetic(weights, base.period_weights, treated - weights @ outcomes)


def _centred(outcomes: Array, sets: Sets, after: Mask) -> tuple[Array, Array]:
    """Outcomes before, less donors' mean of each period: donors' (set, period, school) and the set's (set, period)."""
    before = outcomes[:, ~after]
    middle = (sets.donors @ before) / sets.donors.sum(1)[:, None]
    rows = np.where(sets.donors[:, None, :], before.T[None] - middle[..., None], 0.0)
    return rows, before[sets.members].mean(axis=1) - middle


def choose_penalty(rows: Array, target: Array, outcomes: Array, sets: Sets, after: Mask) -> Array:
    """Return each set's ridge penalty by leaving out one period before the start at a time, (set,)."""
    top = np.linalg.eigvalsh(rows @ rows.swapaxes(1, 2))[:, -1]
    top = np.where(top > 0, top, 1.0)
    grid = top[:, None] * _SMALLEST_PENALTY ** (np.arange(-1, _PENALTIES) / _PENALTIES)
    columns = np.flatnonzero(~after)
    errors = np.stack(
        [
            _error_left_out(rows, target, np.delete(outcomes[:, columns], left, axis=1), sets, left, grid)
            for left in range(len(columns))
        ]
    )
    mean = errors.mean(0)
    best = mean.argmin(1)[:, None]
    spread = errors.std(0, ddof=1) / np.sqrt(len(columns))
    most = np.take_along_axis(mean + spread, best, axis=1)
    return np.asarray(np.where(mean <= most, grid, 0.0).max(1))


def _error_left_out(rows: Array, target: Array, kept: Array, sets: Sets, left: int, grid: Array) -> Array:
    """Squared error in the period left out, (set, penalty)."""
    others = np.delete(rows, left, axis=1)
    aim = np.delete(target, left, axis=1)
    weights = simplex_weights(kept.T, kept[sets.members].mean(1), np.zeros(len(aim)), sets.donors)[..., None]
    values, vectors = np.linalg.eigh(others @ others.swapaxes(1, 2))
    turned = vectors.swapaxes(1, 2)
    missed = (turned @ (aim[..., None] - others @ weights))[..., 0]
    carried = (turned @ others @ rows[:, left, :, None])[..., 0]
    mended = (missed * carried)[:, None, :] / (np.maximum(values, 0.0)[:, None, :] + grid[..., None])
    plain = target[:, left] - (rows[:, None, left] @ weights)[:, 0, 0]
    return np.asarray((plain[:, None] - mended.sum(-1)) ** 2)
