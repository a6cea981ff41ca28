from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from scipy import stats

from averting.effects.kernels.inversion import accepted_interval, confidence_draws

GRID = np.linspace(-5, 5, 201)


def z_test(estimate: float, error: float) -> Callable[[np.ndarray], np.ndarray]:
    return lambda supposed: 2 * stats.norm.sf(np.abs(estimate - supposed) / error)


@pytest.mark.parametrize(("estimate", "error", "alpha"), [(0.3, 0.4, 0.05), (-1.234, 0.7, 0.1), (2.0, 0.02, 0.05)])
def test_inverting_a_normal_test_gives_its_interval(estimate: float, error: float, alpha: float) -> None:
    found = accepted_interval(z_test(estimate, error), GRID, alpha)
    assert found == pytest.approx(stats.norm.interval(1 - alpha, estimate, error), abs=1e-6)


def test_ends_that_are_still_accepted_are_infinite() -> None:
    assert accepted_interval(z_test(4.9, 1.0), GRID, 0.05)[1] == np.inf
    assert accepted_interval(z_test(-4.9, 1.0), GRID, 0.05)[0] == -np.inf
    assert accepted_interval(z_test(0.0, 50.0), GRID, 0.05) == (-np.inf, np.inf)
    lower, _ = accepted_interval(z_test(4.9, 1.0), GRID, 0.05)
    assert lower == pytest.approx(4.9 - stats.norm.isf(0.025), abs=1e-6)


def test_nothing_accepted_is_nan_twice() -> None:
    assert np.isnan(accepted_interval(lambda supposed: np.zeros(len(supposed)), GRID, 0.05)).all()


def test_a_p_value_equal_to_alpha_is_rejected() -> None:
    def step(supposed: np.ndarray) -> np.ndarray:
        return np.where(np.abs(supposed) < 1, 0.5, 0.05)

    assert accepted_interval(step, GRID, 0.05) == pytest.approx((-1, 1), abs=1e-6)


def test_a_gap_inside_is_covered() -> None:
    def two_bumps(supposed: np.ndarray) -> np.ndarray:
        return np.where(np.abs(np.abs(supposed) - 2) < 1, 0.5, 0.01)

    assert accepted_interval(two_bumps, GRID, 0.05) == pytest.approx((-3, 3), abs=1e-6)


def test_known_p_values_on_the_grid_are_not_asked_for_again() -> None:
    test = z_test(0.3, 0.4)
    asked: list[int] = []

    def counting(supposed: np.ndarray) -> np.ndarray:
        asked.append(len(supposed))
        return test(supposed)

    found = accepted_interval(counting, GRID, 0.05, on_grid=test(GRID))
    assert found == accepted_interval(test, GRID, 0.05)
    assert max(asked) == 1


def test_draws_follow_a_known_confidence_distribution() -> None:
    estimate, error = 0.3, 0.5
    below = stats.norm.sf(GRID, estimate, error)
    draws = confidence_draws(GRID, below, 20_000, np.random.default_rng(1))
    levels = [0.025, 0.25, 0.5, 0.75, 0.975]
    # strata make the error of a quantile about a grid step's curvature: far below Monte Carlo error
    assert np.quantile(draws, levels) == pytest.approx(stats.norm.ppf(levels, estimate, error), abs=2e-3)


def test_draws_have_no_order_and_belong_to_the_generator() -> None:
    below = stats.norm.sf(GRID, 0.0, 1.0)
    first, second, other = (
        confidence_draws(GRID, below, 2_000, np.random.default_rng(seed)) for seed in (1, 1, 2)
    )
    np.testing.assert_array_equal(first, second)
    assert not np.array_equal(first, other)
    assert abs(stats.spearmanr(first, np.arange(2_000)).statistic) < 0.1


def test_draws_pile_up_at_an_end_the_test_cannot_reject() -> None:
    below = np.full(len(GRID), 0.7)  # never falls to 0, never rises to 1
    draws = confidence_draws(GRID, below, 1_000, np.random.default_rng(1))
    assert np.isin(draws, GRID[[0, -1]]).all()
    assert (draws == GRID[0]).mean() == pytest.approx(0.3, abs=0.002)


def test_a_p_value_that_rises_again_does_not_break_the_draws() -> None:
    below = np.clip(stats.norm.sf(GRID, 0.0, 1.0) + 0.05 * np.sin(9 * GRID), 0.0, 1.0)
    draws = confidence_draws(GRID, below, 1_000, np.random.default_rng(1))
    assert np.isfinite(draws).all()
    assert draws.min() >= GRID[0]
    assert draws.max() <= GRID[-1]
