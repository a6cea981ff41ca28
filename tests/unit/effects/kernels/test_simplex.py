"""Weights on the simplex against the conditions that define the optimum, and against SciPy's solvers."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import optimize

from averting.effects.kernels.simplex import SMALLEST_RIDGE, project_to_simplex, simplex_weights


def ridge_used(design: np.ndarray, ridge: float) -> float:
    spread = design - design.mean(1, keepdims=True)
    return max(ridge, SMALLEST_RIDGE * (spread**2).sum(0).max())


@pytest.mark.parametrize(
    ("rows", "columns", "ridge"), [(4, 60, 1.0), (4, 60, 0.0), (13, 80, 5.0), (57, 6, 0.0), (19, 38, 0.0)]
)
def test_no_weights_are_better(rows: int, columns: int, ridge: float) -> None:
    rng = np.random.default_rng(rows)
    design = rng.gamma(2.0, 1.0, (rows, columns))
    target = design[:, :3].mean(1) + rng.normal(0, 0.3, (20, rows))
    allowed = np.ones((20, columns), dtype=bool)
    allowed[np.arange(20), rng.integers(0, columns, 20)] = False
    weights = simplex_weights(design, target, np.full(20, ridge), allowed)
    assert weights.min() >= 0
    assert weights[~allowed].max() == 0
    np.testing.assert_allclose(weights.sum(1), 1.0, atol=1e-7)
    penalty = ridge_used(design, ridge)
    for aim, may, found in zip(target, allowed, weights, strict=True):
        # Karush-Kuhn-Tucker: one slope for all columns with weight, none lower. The problem is convex, so this is all.
        slope = design.T @ (design @ found - aim) + penalty * found
        held = found > 1e-6
        assert np.ptp(slope[held]) < 1e-5
        assert slope[may].min() > slope[held].mean() - 1e-5


def test_same_as_scipys_nonnegative_least_squares() -> None:
    rng = np.random.default_rng(3)
    design, target = rng.gamma(2.0, 1.0, (8, 12)), rng.gamma(2.0, 1.0, 8)
    heavy = 1e5  # a row that makes weights sum to one, as nnls knows no equality
    stacked = np.vstack([design, np.sqrt(2.0) * np.eye(12), np.full((1, 12), heavy)])
    expected, _ = optimize.nnls(stacked, np.concatenate([target, np.zeros(12), [heavy]]))
    found = simplex_weights(design, target[None], np.array([2.0]), np.ones((1, 12), dtype=bool))[0]
    np.testing.assert_allclose(found, expected, atol=1e-8)  # the heavy row leaves 1e-10


def test_a_mixture_inside_the_hull_is_found() -> None:
    rng = np.random.default_rng(4)
    design = rng.normal(size=(10, 5))
    truth = np.array([0.5, 0.0, 0.2, 0.3, 0.0])
    found = simplex_weights(design, (design @ truth)[None], np.zeros(1), np.ones((1, 5), dtype=bool))[0]
    np.testing.assert_allclose(found, truth, atol=1e-6)  # what the smallest ridge moves


def test_columns_that_are_alike_share_weight() -> None:
    found = simplex_weights(np.ones((3, 4)), np.zeros((1, 3)), np.zeros(1), np.array([[True, True, False, True]]))
    np.testing.assert_allclose(found, [[1 / 3, 1 / 3, 0, 1 / 3]], atol=1e-12)


def test_one_at_a_time_is_the_same_as_all_at_once() -> None:
    rng = np.random.default_rng(5)
    design, target = rng.normal(size=(7, 5, 9)), rng.normal(size=(7, 5))
    ridge, allowed = rng.gamma(1.0, 1.0, 7), rng.random((7, 9)) < 0.7
    together = simplex_weights(design, target, ridge, allowed)
    for i in range(7):
        alone = simplex_weights(design[i], target[i : i + 1], ridge[i : i + 1], allowed[i : i + 1])[0]
        np.testing.assert_allclose(alone, together[i], atol=1e-9)


def test_what_columns_share_does_not_matter() -> None:
    rng = np.random.default_rng(6)
    design, target = rng.normal(size=(5, 9)), rng.normal(size=(1, 5))
    everyone = np.ones((1, 9), dtype=bool)
    plain = simplex_weights(design, target, np.ones(1), everyone)
    np.testing.assert_allclose(simplex_weights(design + 1e3, target + 1e3, np.ones(1), everyone), plain, atol=1e-9)


@pytest.mark.parametrize("unit", [2.0**-300, 2.0**30])
def test_units_of_measurement_do_not_matter(unit: float) -> None:
    rng = np.random.default_rng(8)
    design, target = rng.normal(size=(5, 9)), rng.normal(size=(1, 5))
    everyone = np.ones((1, 9), dtype=bool)
    plain = simplex_weights(design, target, np.ones(1), everyone)
    found = simplex_weights(design * unit, target * unit, np.full(1, unit**2), everyone)
    np.testing.assert_allclose(found, plain, atol=1e-9)


def test_projection_is_the_nearest_point() -> None:
    rng = np.random.default_rng(7)
    points, allowed = rng.normal(size=(50, 6)), np.ones((50, 6), dtype=bool)
    found = project_to_simplex(points, allowed)
    others = rng.dirichlet(np.ones(6), 2_000)
    nearest = ((points[:, None] - others) ** 2).sum(-1).min(1)
    assert (((points - found) ** 2).sum(1) <= nearest).all()
    np.testing.assert_allclose(found.sum(1), 1.0, atol=1e-12)
