"""Pooling against closed forms, another program, and integration of the same posterior in two dimensions."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import norm

from averting.effects.kernels.pooling import (
    Mixture,
    given_spread,
    local_given_spread,
    mixture_quantile,
    spread_grid,
    spread_weights,
)

Y, SE = np.array([-0.6, 0.1]), np.array([0.3, 0.45])


def posterior(y, se, scale):
    tau = spread_grid(y, se, scale)
    mean, variance, log_likelihood = given_spread(y, se, tau)
    return tau, mean, variance, spread_weights(tau, log_likelihood, scale)


def test_given_the_spread_it_is_what_another_program_gives(peer):
    y, se = np.array([-0.9, -0.1, 0.3, -0.5]), np.array([0.2, 0.15, 0.3, 0.25])
    found = peer("statsmodels.stats.meta_analysis").combine_effects(y, se**2, method_re="dl", use_t=False)
    mean, variance, _ = given_spread(y, se, np.array([0.0, np.sqrt(found.tau2)]))
    assert found.tau2 > 0.01
    assert mean == pytest.approx([found.mean_effect_fe, found.mean_effect_re], rel=1e-12)
    assert np.sqrt(variance) == pytest.approx([found.sd_eff_w_fe, found.sd_eff_w_re], rel=1e-12)


def test_two_areas_of_equal_error_have_the_likelihood_of_their_difference():
    """With the mean integrated out, two areas say of the spread only what their difference says."""
    se, tau = np.array([0.3, 0.3]), np.array([0.0, 0.2, 0.9])
    *_, found = given_spread(Y, se, tau)
    wanted = norm.logpdf(Y[1] - Y[0], scale=np.sqrt(2 * (0.3**2 + tau**2)))
    assert found == pytest.approx(wanted, abs=1e-12)


@pytest.mark.parametrize("scale", [0.1, 0.5, 2.0])
def test_the_grid_is_the_integral_over_mean_and_spread(scale):
    """Brute force: mean and spread on a plane, the joint density of both areas summed over it."""
    mu = np.linspace(-12, 12, 4801) * max(scale, 0.5)
    tau = np.linspace(0, 8 * scale, 401)
    step = np.where((tau == 0) | (tau == tau[-1]), 0.5, 1.0)
    log_density = -0.5 * (tau / scale) ** 2 + sum(
        norm.logpdf(y, mu[:, None], np.hypot(se, tau)) for y, se in zip(Y, SE, strict=True)
    )
    density = (np.exp(log_density) * step).sum(axis=1)
    density /= density.sum()
    _, mean, variance, weight = posterior(Y, SE, scale)
    assert weight @ mean == pytest.approx(density @ mu, abs=1e-6)
    spread = weight @ (variance + mean**2) - (weight @ mean) ** 2
    assert spread == pytest.approx(density @ mu**2 - (density @ mu) ** 2, rel=1e-4)
    mixture = Mixture(mean, np.sqrt(variance), weight)
    below = np.cumsum(density) - 0.5 * density
    for probability in (0.025, 0.975):
        assert mixture_quantile(mixture, probability) == pytest.approx(np.interp(probability, below, mu), abs=2e-3)


@pytest.mark.parametrize("y", [Y, np.array([-3.0, 3.0])], ids=["alike", "far apart"])
def test_a_finer_and_longer_grid_changes_nothing(y):
    _, mean, variance, weight = posterior(y, SE, 0.5)
    tau = np.linspace(0, 40, 200_001)
    finer_mean, finer_variance, log_likelihood = given_spread(y, SE, tau)
    finer = spread_weights(tau, log_likelihood, 0.5)
    assert weight @ mean == pytest.approx(finer @ finer_mean, rel=1e-9)
    assert weight @ variance == pytest.approx(finer @ finer_variance, rel=1e-9)


def test_areas_borrow_all_where_they_are_one_and_nothing_where_they_are_apart():
    tau = np.array([0.0, 1e6])
    mean, variance, _ = given_spread(Y, SE, tau)
    centre, spread, borrowed = local_given_spread(Y, SE, tau, mean, variance)
    assert borrowed[0] == pytest.approx([1, 1])
    assert centre[0] == pytest.approx([mean[0]] * 2)
    assert borrowed[1] == pytest.approx([0, 0], abs=1e-9)
    assert centre[1] == pytest.approx(Y, abs=1e-6)
    assert spread[1] == pytest.approx(SE**2, rel=1e-6)


def test_an_area_given_the_spread_is_the_conditional_of_the_joint_normal():
    """Against the algebra of a normal vector: precision of (mean, area 1, area 2), the mean's prior flat."""
    tau = 0.4
    precision = np.array([[2 / tau**2, *[-1 / tau**2] * 2], [-1 / tau**2, 0, 0], [-1 / tau**2, 0, 0]])
    precision[[1, 2], [1, 2]] = 1 / tau**2 + 1 / SE**2
    covariance = np.linalg.inv(precision)
    wanted = covariance @ np.array([0.0, *(Y / SE**2)])
    mean, variance, _ = given_spread(Y, SE, np.array([tau]))
    centre, spread, _ = local_given_spread(Y, SE, np.array([tau]), mean, variance)
    assert [mean[0], *centre[0]] == pytest.approx(wanted, rel=1e-10)
    assert [variance[0], *spread[0]] == pytest.approx(np.diag(covariance), rel=1e-10)


def test_a_quantile_of_a_mixture():
    mixture = Mixture(np.array([-1.0, 2.0]), np.array([0.5, 1.0]), np.array([0.3, 0.7]))
    for probability in (0.025, 0.5, 0.975):
        at = mixture_quantile(mixture, probability)
        assert mixture.weight @ norm.cdf(at, mixture.mean, mixture.sd) == pytest.approx(probability, abs=1e-12)
    one = Mixture(np.array([1.0]), np.array([2.0]), np.array([1.0]))
    assert mixture_quantile(one, 0.975) == pytest.approx(norm.ppf(0.975, 1, 2), rel=1e-12)
