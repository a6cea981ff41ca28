from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from averting.effects.kernels.event_path import event_path
from averting.effects.kernels.left_out import changes_without
from averting.effects.kernels.pretrends import bias_after_passing, chance_of_detection, joint_test, slope_found

BOUND = stats.norm.ppf(0.975)


def _power(z: float) -> float:
    return float(stats.norm.sf(BOUND - z) + stats.norm.cdf(-BOUND - z))


def test_chance_of_independent_coefficients_is_a_product() -> None:
    sigma = np.diag([0.04, 0.09, 0.01])
    trend = np.array([-0.3, -0.2, -0.1])
    expected = 1 - np.prod([1 - _power(z) for z in trend / np.sqrt(np.diag(sigma))])
    assert chance_of_detection(trend, sigma) == pytest.approx(expected, abs=2e-4)


def test_chance_with_correlation_is_the_simulated_one() -> None:
    rng = np.random.default_rng(1)
    sigma = 0.01 * (0.5 * np.eye(4) + 0.5)
    trend = 0.05 * np.arange(-4, 0)
    draws = rng.multivariate_normal(trend, sigma, 100_000)
    share = (np.abs(draws) > BOUND * 0.1).any(axis=1).mean()
    assert chance_of_detection(trend, sigma) == pytest.approx(share, abs=0.006)  # four standard errors


def test_slope_of_one_coefficient_is_closed_form() -> None:
    slope = slope_found(np.array([-1.0]), np.array([[0.04]]), chance=0.8)
    assert _power(slope / 0.2) == pytest.approx(0.8, abs=1e-3)
    assert slope / 0.2 == pytest.approx(BOUND + stats.norm.ppf(0.8), abs=5e-3)
    assert slope_found(np.array([-1.0]), np.array([[0.04]]), chance=0.05) == 0.0


def test_bias_after_passing_is_the_truncated_mean() -> None:
    sigma = np.array([[0.04, 0.02], [0.02, 0.09]])
    trend = np.array([-0.3, 0.3])
    bias, passed = bias_after_passing(trend, sigma, before=1, rng=np.random.default_rng(2))
    a, b = (-BOUND * 0.2 + 0.3) / 0.2, (BOUND * 0.2 + 0.3) / 0.2
    mean = stats.truncnorm(a, b, loc=-0.3, scale=0.2).mean()
    assert bias == pytest.approx([0.3 + 0.5 * (mean + 0.3)], abs=0.004)
    assert passed == pytest.approx(1 - _power(-1.5), abs=0.01)


def test_hotelling_holds_its_size_where_chi_squared_does_not() -> None:
    rng = np.random.default_rng(3)
    rejected = np.zeros(2)
    for _ in range(1_000):
        sample = rng.normal(size=(12, 4))
        beta, sigma = sample.mean(0), np.cov(sample, rowvar=False) / 12
        rejected += [joint_test(beta, sigma, clusters=n).p_value <= 0.05 for n in (12, None)]
    assert 32 <= rejected[0] <= 70  # 1,000 draws at 5 %: within three standard errors
    assert rejected[1] > 100


def test_path_against_means_by_hand() -> None:
    outcomes = np.array([[1.0, 2.0, 5.0], [0.0, 1.0, 2.0], [1.0, 1.0, 2.0], [3.0, 5.0, 4.0]])
    beta, sigma = event_path(outcomes, 1, 1)
    others = np.array([[-1.0, 1.0], [0.0, 1.0], [-2.0, -1.0]])
    assert beta == pytest.approx([-1.0 + 1.0, 3.0 - 1 / 3])
    assert sigma == pytest.approx(np.cov(others, rowvar=False) * (1 + 1 / 3))


def test_changes_without_are_those_of_groups_made_anew() -> None:
    rng = np.random.default_rng(4)
    before, after = rng.poisson(5, 6) + 1.0, rng.poisson(5, 6) + 1.0
    pupils = rng.uniform(500, 900, (2, 6))
    found = changes_without(before, after, *pupils)
    expected = before * pupils[1] / pupils[0]
    whole = np.log(after.sum() / expected.sum())
    for at in range(6):
        keep = np.arange(6) != at
        assert found[at] == pytest.approx(np.log(after[keep].sum() / expected[keep].sum()) - whole)
    assert changes_without(np.ones(1), np.ones(1), np.ones(1), np.ones(1)).tolist() == [np.inf]


@pytest.mark.parametrize("chance", [0.5, 0.8])
def test_the_slope_returned_is_found_as_often_as_asked(chance: float) -> None:
    times, sigma = np.array([-4.0, -3, -2]), np.array([[0.09, 0.03, 0.01], [0.03, 0.05, 0.02], [0.01, 0.02, 0.04]])
    slope = slope_found(times, sigma, chance=chance)
    assert chance_of_detection(slope * times, sigma) == pytest.approx(chance, abs=3e-3)


def test_the_slope_is_in_the_units_of_the_coefficients() -> None:
    times, sigma = np.array([-3.0, -2.0]), np.array([[0.09, 0.03], [0.03, 0.05]])
    plain = slope_found(times, sigma, chance=0.8)
    assert slope_found(times, sigma * 4.0**-12, chance=0.8) == pytest.approx(plain * 2.0**-12, rel=1e-3)
