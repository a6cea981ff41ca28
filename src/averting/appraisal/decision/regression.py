"""Smooth functions of parameters, fitted by penalised splines: NumPy and SciPy only.

Each column of ``y`` is fitted by least squares on cubic B-splines of each input, with the integrated squared second
derivative as penalty (O'Sullivan splines: Wand & Ormerod 2008, Australian & New Zealand Journal of Statistics 50,
179-198). Groups add products of a coarser basis for every pair of inputs. The weight of the penalty is chosen by
generalised cross-validation (GCV), for each column of ``y`` alone.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import combinations

import numpy as np
from numpy.typing import NDArray
from scipy import linalg, sparse
from scipy.interpolate import BSpline

type Array = NDArray[np.float64]
type Design = Array | sparse.csr_array
type Basis = Callable[[slice], Design]

_BLOCK = 16_384
_FEW = 12
"""An input with no more values than this is fitted by a mean for each."""
_KNOTS, _KNOTS_IN_GROUP, _KNOTS_IN_PAIR = 20, 10, 3
_MOST_PAIRS = 10
"""With more pairs of inputs than this (more than five inputs), pairs enter as plain products."""
_PENALTIES = np.exp(np.linspace(-16, 16, 65))
_RIDGE = 1e-10


def _knots(x: Array, inner: int) -> Array:
    """Knots at quantiles, so that every piece holds draws; the outer ones four times."""
    quantiles = np.unique(np.quantile(x, np.linspace(0, 1, inner + 2)))
    return np.concatenate([np.repeat(quantiles[0], 3), quantiles, np.repeat(quantiles[-1], 3)])


def _spline(x: Array, inner: int) -> tuple[Basis, Array]:
    """Cubic B-spline basis of one input and its penalty matrix."""
    knots = _knots(x, inner)
    width = len(knots) - 4

    def basis(rows: slice) -> Design:
        return BSpline.design_matrix(x[rows], knots, 3)

    # the second derivative is linear between knots, so two Gauss points integrate its square exactly
    left, right = knots[3:-4], knots[4:-3]
    half = (right - left) / 2
    points = np.concatenate([(left + right) / 2 - half / np.sqrt(3), (left + right) / 2 + half / np.sqrt(3)])
    bend = BSpline(knots, np.eye(width), 3).derivative(2)(points)
    return basis, np.asarray(bend.T @ (np.tile(half, 2)[:, None] * bend), dtype=np.float64)


def _levels(x: Array, values: Array) -> tuple[Basis, Array]:
    """One column for each value, without penalty."""
    return (lambda rows: (x[rows, None] == values).astype(np.float64)), np.zeros((len(values), len(values)))


def _dense(design: Design) -> Array:
    return design if isinstance(design, np.ndarray) else np.asarray(design.toarray(), dtype=np.float64)


def _cross(design: Design) -> Array:
    product = design.T @ design
    return product if isinstance(product, np.ndarray) else np.asarray(product.toarray(), dtype=np.float64)


def _single(x: Array, inner: int) -> tuple[Basis, Array]:
    values = np.unique(x)
    return _levels(x, values) if len(values) <= _FEW else _spline(x, inner)


def _standardised(x: Array) -> Array:
    scaled: Array = (x - x.mean()) / x.std()
    return scaled


def _pair(left: Basis, right: Basis) -> Basis:
    """Products of two bases, row by row."""

    def basis(rows: slice) -> Array:
        a, b = _dense(left(rows)), _dense(right(rows))
        return (a[:, :, None] * b[:, None, :]).reshape(len(a), -1)

    return basis


def _parts(x: Array) -> list[tuple[Basis, Array]]:
    """Bases with their penalties: one for each input, then one for each pair of inputs."""
    columns = list(x.T)
    parts = [_single(column, _KNOTS if len(columns) == 1 else _KNOTS_IN_GROUP) for column in columns]
    pairs = list(combinations(range(len(columns)), 2))
    if len(pairs) > _MOST_PAIRS:
        scaled = [_standardised(column) for column in columns]
        products = [scaled[i] * scaled[j] for i, j in pairs]
        return [*parts, *((lambda rows, p=p: p[rows, None], np.zeros((1, 1))) for p in products)]
    coarse = [_single(column, _KNOTS_IN_PAIR) for column in columns]
    for i, j in pairs:
        (left, bend_left), (right, bend_right) = coarse[i], coarse[j]
        penalty = np.kron(bend_left, np.eye(len(bend_right))) + np.kron(np.eye(len(bend_left)), bend_right)
        parts.append((_pair(left, right), penalty))
    return parts


def _blocks(n: int) -> list[slice]:
    return [slice(start, min(start + _BLOCK, n)) for start in range(0, n, _BLOCK)]


def _design(parts: Sequence[tuple[Basis, Array]], rows: slice) -> Design:
    """Columns of all bases; one alone stays sparse, which is five times faster."""
    if len(parts) == 1:
        return parts[0][0](rows)
    return np.hstack([_dense(basis(rows)) for basis, _ in parts])


def _normal_equations(parts: Sequence[tuple[Basis, Array]], y: Array) -> tuple[Array, Array]:
    """Cross-products of the basis with itself and with ``y``, a block of draws at a time."""
    gram, right = np.zeros(()), np.zeros(())
    for rows in _blocks(len(y)):
        design = _design(parts, rows)
        gram, right = gram + _cross(design), right + design.T @ y[rows]
    return gram, right


def _coefficients(gram: Array, penalty: Array, right: Array, y: Array) -> Array:
    """Penalised least squares in the basis that makes both matrices diagonal; GCV for each column of ``y``."""
    size = np.trace(gram) / len(gram)
    root = linalg.cholesky(gram + _RIDGE * size * np.eye(len(gram)), lower=True)
    half = linalg.solve_triangular(root, penalty, lower=True)
    strength, turn = linalg.eigh(linalg.solve_triangular(root, half.T, lower=True))
    strength = np.maximum(strength, 0) / max(float(strength.max()), np.finfo(float).tiny)
    scores = turn.T @ linalg.solve_triangular(root, right, lower=True)
    shrink = 1 / (1 + _PENALTIES[:, None] * len(strength) * strength)
    # residual sum of squares = that of y, less what the kept part of each direction explains
    rest = (y**2).sum(axis=0) - (2 * shrink - shrink**2) @ scores**2
    best = np.argmin(np.maximum(rest, 0) / (len(y) - shrink.sum(axis=1)[:, None]) ** 2, axis=0)
    solved = turn @ (shrink[best].T * scores)
    return np.asarray(linalg.solve_triangular(root.T, solved, lower=False), dtype=np.float64)


def fitted(x: Array, y: Array) -> Array:
    """Fit each column of ``y`` as a smooth function of the columns of ``x``.

    Parameters
    ----------
    x : array, shape (draws, inputs)
        Inputs; one that does not vary tells nothing and is left out.
    y : array, shape (draws, outputs)
        Outputs.

    Returns
    -------
    array, shape (draws, outputs)
        Fitted values: the mean of ``y`` where no input varies.
    """
    varying = x[:, np.ptp(x, axis=0) > 0]
    centre = y.mean(axis=0)
    if not varying.shape[1]:
        return np.broadcast_to(centre, y.shape).copy()
    scale = np.where(np.ptp(y, axis=0) > 0, y.std(axis=0), 1.0)
    outputs = (y - centre) / scale
    parts = _parts(np.apply_along_axis(_standardised, 0, varying))
    gram, right = _normal_equations(parts, outputs)
    beta = _coefficients(gram, linalg.block_diag(*(penalty for _, penalty in parts)), right, outputs)
    made = [_design(parts, rows) @ beta for rows in _blocks(len(y))]
    return np.asarray(centre + scale * np.vstack(made), dtype=np.float64)
