"""The same regression for every set of schools that might have been the pilots, without refitting it.

A set's coefficients need only sums over its members: of how the outcome lies along the treatment columns a
school would have, of those columns' second moments, and of what they share with the other regressors.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations
from math import comb, factorial
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from averting.effects.kernels.ols import Array, residualise, two_way, within_schools
from averting.effects.kernels.permutation import treated_sets

_IDENTIFIED = 1e-9


class Parts(NamedTuple):
    """What each school would add to a regression, were it the pilot of one kind, of J kinds and K columns.

    ``along`` (J, school, K, outcome) columns times residual outcomes; ``square`` (J, school, K, K) columns times
    columns, within school; ``shared`` (J, school, p, K) columns times the other regressors, scaled so that p of
    them are orthonormal.
    """

    along: Array
    square: Array
    shared: Array


def parts(outcomes: Array, paths: Array, others: Array, weights: Array) -> Parts:
    """Prepare the regressions of all sets.

    Parameters
    ----------
    outcomes : array (school, period, outcome)
        One or more outcomes.
    paths : array (J, period, K)
        Treatment columns of each kind of pilot, for example one kind per start.
    others : array (school, period, m)
        Covariates, in every set's regression.
    weights : array (school, period)
        0 where a cell is missing.
    """
    effects = two_way(weights)
    left = residualise(effects, outcomes)
    if others.shape[-1]:
        left = left - _projection(left, residualise(effects, others), weights)
    other = within_schools(others, weights)
    weighted = weights[..., None] * other
    root = _scaling(other, weighted, weights)
    along, square, shared = [], [], []
    for path in paths:
        own = within_schools(np.broadcast_to(path, (len(weights), *path.shape)), weights)
        spread = (weights[..., None] * own).transpose(0, 2, 1)
        along.append(spread @ left)
        square.append(spread @ own)
        # less its mean already, so a period's dummy need not be: its product with spread is the cell itself
        with_others = np.concatenate([spread @ other, spread], axis=-1)
        shared.append((with_others @ root).transpose(0, 2, 1))
    return Parts(np.stack(along), np.stack(square), np.stack(shared))


def _scaling(other: Array, weighted: Array, weights: Array) -> Array:
    """Return what makes other regressors and period dummies orthonormal, (m + period, p), without the dummies."""
    count = other.shape[-1]
    total = weights.sum(axis=1)
    share = weights / np.where(total > 0, total, 1.0)[:, None]
    across = weighted.sum(axis=0).T
    gram = np.block(
        [
            [weighted.reshape(weights.size, count).T @ other.reshape(weights.size, count), across],
            [across.T, np.diag(weights.sum(axis=0)) - weights.T @ share],
        ]
    )
    values, vectors = np.linalg.eigh(gram)
    keep = values > 1e-12 * max(float(values[-1]), 1e-300)
    return np.asarray(vectors[:, keep] / np.sqrt(values[keep]))


def _projection(values: Array, on: Array, weights: Array) -> Array:
    flat = on.reshape(-1, on.shape[-1])
    weighted = (weights[..., None] * on).reshape(flat.shape)
    coefficients = np.linalg.solve(weighted.T @ flat, weighted.T @ values.reshape(-1, values.shape[-1]))
    return np.asarray((flat @ coefficients).reshape(values.shape))


def set_sums(values: Array, sets: NDArray[np.intp], kinds: NDArray[np.intp]) -> Array:
    """Sum values (J, school, ...) over each set's members, member m being of kind ``kinds[m]``."""
    total = np.take(values[kinds[0]], sets[:, 0], axis=0)
    for member, kind in zip(sets.T[1:], kinds[1:], strict=True):
        total += np.take(values[kind], member, axis=0)
    return total


def set_coefficients(prepared: Parts, sets: NDArray[np.intp], kinds: NDArray[np.intp]) -> Array:
    """Return the coefficients each set would have.

    Parameters
    ----------
    prepared : Parts
        From :func:`parts`.
    sets : array (set, k)
        Schools of each set, in the order of the true pilots.
    kinds : array (k,)
        Kind of each pilot.

    Returns
    -------
    array (set, K, outcome)
        NaN for a set that leaves a coefficient without data.
    """
    along = set_sums(prepared.along, sets, kinds)
    square = set_sums(prepared.square, sets, kinds)
    shared = set_sums(prepared.shared, sets, kinds)
    gram = square - shared.transpose(0, 2, 1) @ shared
    if gram.shape[-1] == 1:
        identified = gram[:, 0, 0] > _IDENTIFIED * np.maximum(square[:, 0, 0], 1e-300)
        return np.where(identified[:, None, None], along / np.where(identified[:, None, None], gram, 1.0), np.nan)
    identified = np.linalg.eigvalsh(gram)[:, 0] > _IDENTIFIED * np.trace(square, axis1=1, axis2=2)
    gram[~identified] = np.eye(gram.shape[-1])
    return np.where(identified[:, None, None], np.linalg.solve(gram, along), np.nan)


def assignments(
    units: int, treated: NDArray[np.intp], kinds: NDArray[np.intp], *, most: int, rng: np.random.Generator
) -> tuple[NDArray[np.intp], bool]:
    """Return who could have been which pilot, the truth first; (set, k), and whether every way is listed.

    Parameters
    ----------
    units : int
        Number of schools.
    treated : array (k,)
        Positions of the true pilots, in order.
    kinds : array (k,)
        Kind of each, for example its start; pilots of one kind are interchangeable.
    most : int
        All ways are listed where there are at most this many; else this many are drawn.
    rng : Generator
        Draws them.
    """
    size = len(treated)
    counts = np.unique(kinds, return_counts=True)[1]
    orders = factorial(size)
    for count in counts:
        orders //= factorial(int(count))
    if comb(units, size) * orders <= most:
        return _listed(units, treated, kinds, most, rng), True
    if size * size > units:
        drawn = np.argsort(rng.random((most, units)), axis=1)[:, :size]
    else:
        drawn = rng.integers(units, size=(most, size))
        while (again := _repeats(drawn)).any():
            drawn[again] = rng.integers(units, size=(int(again.sum()), size))
    drawn[0] = treated
    return drawn.astype(np.intp), False


def _repeats(drawn: NDArray[np.int64]) -> NDArray[np.bool_]:
    ordered = np.sort(drawn, axis=1)
    return np.asarray((ordered[:, 1:] == ordered[:, :-1]).any(axis=1))


def _listed(
    units: int, treated: NDArray[np.intp], kinds: NDArray[np.intp], most: int, rng: np.random.Generator
) -> NDArray[np.intp]:
    """Return every set in every distinguishable order, the true one first."""
    sets, _ = treated_sets(units, np.sort(treated), most=most, rng=rng)
    different = np.unique(kinds)
    slots = [np.flatnonzero(kinds == kind) for kind in different]
    every = []
    for columns in _splits(tuple(range(len(kinds))), tuple(len(slot) for slot in slots)):
        placed = np.empty_like(sets)
        for slot, chosen in zip(slots, columns, strict=True):
            placed[:, slot] = sets[:, chosen]
        every.append(placed)
    rows = np.concatenate(every)
    same = np.ones(len(rows), dtype=bool)
    for slot in slots:
        same &= (np.sort(rows[:, slot], axis=1) == np.sort(treated[slot])).all(axis=1)
    return np.concatenate([rows[same], rows[~same]])


def _splits(positions: tuple[int, ...], sizes: tuple[int, ...]) -> Iterator[tuple[tuple[int, ...], ...]]:
    """Yield every way to split positions into groups of these sizes."""
    if len(sizes) == 1:
        yield (positions,)
        return
    for chosen in combinations(positions, sizes[0]):
        rest = tuple(position for position in positions if position not in chosen)
        for others in _splits(rest, sizes[1:]):
            yield (chosen, *others)
