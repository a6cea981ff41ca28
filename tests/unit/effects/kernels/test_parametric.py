from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from averting.effects.kernels.conditional import fit_common_ratio
from averting.effects.kernels.parametric import Noise, _studentised, comparison_noise, simulated_statistics
from averting.effects.kernels.permutation import two_sided_p


def known(log_ratio: float, correlation: float, draws: int) -> Noise:
    """Comparison units without limit: nothing about them is uncertain."""
    return Noise(*(np.full(draws + 1, value) for value in (log_ratio, correlation, np.inf)))


@pytest.mark.parametrize(("after", "correlation"), [(2.0, 0.0), (4.0, 0.1), (15.0, 0.3)])
def test_one_pilot_and_known_noise_give_the_beta_binomial_tail(after: float, correlation: float) -> None:
    total, draws = 20, 40_000
    statistics = simulated_statistics(
        np.array([total - after]), np.array([after]), np.zeros(1), known(0.0, correlation, draws),
        np.random.default_rng(1),
    )  # fmt: skip
    assert statistics.shape == (1 + draws,)
    found = two_sided_p(statistics)
    size = 1 / max(correlation, 1e-6) - 1
    chance = stats.betabinom.pmf(np.arange(total + 1), total, size / 2, size / 2)
    far = np.abs(np.arange(total + 1) - total / 2) >= abs(after - total / 2)
    assert found == pytest.approx(chance[far].sum(), abs=5 * 0.5 / np.sqrt(draws))


def test_noise_starts_with_the_fit_and_spreads_about_it() -> None:
    rng = np.random.default_rng(2)
    total = rng.integers(5, 40, 60).astype(float)
    after = rng.binomial(total.astype(int), rng.beta(6, 6, 60)).astype(float)
    noise = comparison_noise(total - after, after, np.zeros(60), draws=600, rng=rng)
    log_ratio, correlation = fit_common_ratio(total - after, after, np.zeros(60))
    assert (noise.log_ratio[0], noise.correlation[0]) == (log_ratio, correlation)
    # redrawn fits centre on the first, and their spread is that of the score's information
    assert noise.log_ratio[1:].mean() == pytest.approx(float(log_ratio), abs=0.03)
    assert noise.log_ratio[1:].std() == pytest.approx(noise.precision[0] ** -0.5, rel=0.15)


def test_true_nulls_are_rejected_as_often_as_stated_with_few_comparison_units() -> None:
    rng = np.random.default_rng(3)
    found = []
    for _ in range(400):
        total = rng.integers(4, 30, 18)
        after = rng.binomial(total, rng.beta(7, 7, 18)).astype(float)
        before, zero = total - after, np.zeros(18)
        noise = comparison_noise(before[3:], after[3:], zero[3:], draws=199, rng=rng)
        found.append(float(two_sided_p(simulated_statistics(before[:3], after[:3], zero[:3], noise, rng))))
    # a true size of 5 % gives 8 to 34 of 400 in all but one of a thousand
    fewest, most = stats.binom.ppf([0.0005, 0.9995], 400, 0.05)
    assert fewest <= np.count_nonzero(np.array(found) <= 0.05) <= most


def test_statistics_by_hand() -> None:
    """A pilot with one event, one with three, and one with none, which says nothing."""
    noise = Noise(np.zeros(1), np.array([0.5]), np.array([2.0]))
    units = [np.array([[total]]) for total in (1.0, 3.0, 0.0)]
    found = [float(_studentised(total, total, np.zeros(1), noise)[0]) for total in units]
    # the score is weight * total / 2 and its variance weight * total / 4; the weight of three is 1 / (1 + 2 * 0.5)
    by_hand = [
        0.5 / np.sqrt(0.25 * (1 + 0.25 / 2)),
        0.75 / np.sqrt(0.375 * (1 + 0.375 / 2)),
        0.0,
    ]
    assert found == pytest.approx(by_hand, rel=1e-12)
