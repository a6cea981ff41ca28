from __future__ import annotations

import numpy as np
import pytest
from scipy import optimize, special, stats

from averting.effects.kernels.conditional import fit_common_ratio, unit_scores


def problem(seed: int, *, units: int = 40, spread: float = 0.4) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Counts whose ratio differs between units by a gamma factor: more variable than binomial."""
    rng = np.random.default_rng(seed)
    rate = rng.gamma(2.0, 3.0, units)
    before = rng.poisson(rate * 4).astype(float)
    after = rng.poisson(rate * 3 * rng.gamma(1 / spread, spread, units)).astype(float)
    return before, after, rng.normal(0.0, 0.3, units)


def binomial_problem(seed: int, *, units: int = 40) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Counts after that are the nearest whole number to a binomial's mean: less variable than binomial."""
    rng = np.random.default_rng(seed)
    total = rng.integers(5, 60, units).astype(float)
    offset = rng.normal(0.0, 0.3, units)
    after = np.round(total * special.expit(offset - 0.2))
    return total - after, after, offset


@pytest.mark.parametrize("seed", range(4))
def test_without_correlation_the_ratio_is_the_binomial_maximum_likelihood(seed: int) -> None:
    before, after, offset = binomial_problem(seed)
    log_ratio, correlation = fit_common_ratio(before, after, offset)

    def minus_log_likelihood(value: float) -> float:
        return -stats.binom.logpmf(after, before + after, special.expit(value + offset)).sum()

    expected = optimize.minimize_scalar(
        minus_log_likelihood, bounds=(-3, 3), method="bounded", options={"xatol": 1e-10}
    )
    assert correlation == 0.0
    # a minimum is only found to about the root of the machine's precision
    assert log_ratio == pytest.approx(expected.x, abs=1e-6)


def test_equal_exposures_without_correlation_give_the_ratio_of_sums() -> None:
    before = np.array([10.0, 21.0, 30.0, 41.0])
    after = np.array([5.0, 10.0, 15.0, 20.0])
    log_ratio, correlation = fit_common_ratio(before, after, np.zeros(4))
    assert correlation == 0.0
    assert log_ratio == pytest.approx(np.log(50 / 102), abs=1e-12)


def test_units_of_one_total_give_the_ratio_of_sums_whatever_the_correlation() -> None:
    before = np.array([18.0, 2.0, 12.0, 5.0, 19.0, 8.0])
    log_ratio, correlation = fit_common_ratio(before, 20 - before, np.zeros(6))
    p = 1 - before.mean() / 20
    # with equal totals the moment equation is linear: sum of squares over (m p q (n - 1)), less one, over m - 1
    pearson = ((20 - before - 20 * p) ** 2).sum() / (20 * p * (1 - p))
    assert log_ratio == pytest.approx(np.log(p / (1 - p)), abs=1e-9)
    assert correlation == pytest.approx((pearson / 5 - 1) / 19, abs=1e-9)


@pytest.mark.parametrize("seed", range(6))
def test_score_and_moment_equations_hold_at_the_returned_values(seed: int) -> None:
    before, after, offset = problem(seed)
    log_ratio, correlation = fit_common_ratio(before, after, offset)
    total = before + after
    seen = total > 0
    p = special.expit(log_ratio + offset)
    inflation = 1 + np.maximum(total - 1, 0) * correlation
    pearson = ((after - total * p) ** 2)[seen] / (total * p * (1 - p) * inflation)[seen]
    score = ((after - total * p) / inflation).sum()
    assert 0 < correlation < 0.95
    # the sweeps stop when the correlation moves by less than 1e-6
    assert pearson.sum() == pytest.approx(seen.sum() - 1, rel=1e-4)
    assert score == pytest.approx(0.0, abs=1e-3)


def test_correlation_recovers_the_truth() -> None:
    rng = np.random.default_rng(2)
    total = rng.integers(5, 80, 20_000)
    rho, p = 0.1, 0.4
    after = rng.binomial(total, rng.beta(p * (1 / rho - 1), (1 - p) * (1 / rho - 1), len(total))).astype(float)
    log_ratio, correlation = fit_common_ratio(total - after, after, np.zeros(len(total)))
    # standard errors at 20,000 units are about 0.0015 and 0.005
    assert correlation == pytest.approx(rho, abs=0.006)
    assert log_ratio == pytest.approx(special.logit(p), abs=0.02)


def test_leading_axes_are_independent_problems() -> None:
    rows = [problem(seed) for seed in range(5)] + [binomial_problem(9)]
    before, after, offset = (np.stack(parts) for parts in zip(*rows, strict=True))
    together = unit_scores(before, after, offset)
    ratios, correlations = fit_common_ratio(before, after, offset)
    for row, single in enumerate(rows):
        ratio, correlation = fit_common_ratio(*single)
        alone = unit_scores(*single)
        # sweeps go on until the slowest row has settled, so rows agree to the stopping rule, not to the last bit
        assert ratios[row] == pytest.approx(ratio, abs=1e-5)
        assert correlations[row] == pytest.approx(correlation, abs=1e-5)
        np.testing.assert_allclose(together.score[row], alone.score, rtol=0, atol=1e-3)
        np.testing.assert_allclose(together.variance[row], alone.variance, rtol=1e-3)


def test_offsets_broadcast_over_leading_axes() -> None:
    before, after, offset = problem(1)
    shifts = np.array([-0.5, 0.0, 0.5])
    ratios, _ = fit_common_ratio(before, after, offset + shifts[:, None])
    # a shift common to all units is taken up by the ratio
    np.testing.assert_allclose(ratios + shifts, ratios[1], atol=1e-5)


def test_scores_follow_their_formula() -> None:
    before, after, offset = problem(3)
    before, after = (
        np.append(before, [0.0, 1, 0]),
        np.append(after, [1.0, 0, 0]),
    )  # one event weighs 1, none nothing
    offset = np.append(offset, [0.2, -0.1, 0.3])
    log_ratio, rho = fit_common_ratio(before, after, offset)
    assert rho > 0.01
    scores = unit_scores(before, after, offset)
    for unit in range(len(before)):
        total = before[unit] + after[unit]
        p = 1 / (1 + np.exp(-(log_ratio + offset[unit])))
        weight = 1 / (1 + max(total - 1, 0) * rho)
        assert scores.score[unit] == pytest.approx(weight * (after[unit] - total * p), abs=1e-9)
        assert scores.variance[unit] == pytest.approx(weight * total * p * (1 - p), abs=1e-9)


def test_scores_of_all_units_sum_to_zero() -> None:
    before, after, offset = problem(4)
    assert unit_scores(before, after, offset).score.sum() == pytest.approx(0.0, abs=1e-3)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ([0, 0, 0, 0], [0, 0, 0, 0]),
        ([3, 0, 0, 0], [1, 0, 0, 0]),
        ([5, 2, 0, 1], [0, 0, 0, 0]),
        ([0, 0, 0, 0], [4, 1, 0, 2]),
        ([1, 0, 1, 0], [0, 1, 0, 0]),
        ([5000, 0, 4000, 0], [0, 7000, 0, 3000]),
    ],
    ids=["no events", "one unit", "none after", "none before", "totals of one", "all or nothing"],
)
def test_extreme_counts_give_finite_scores(before: list[int], after: list[int]) -> None:
    scores = unit_scores(np.array(before, float), np.array(after, float), np.zeros(4))
    _, correlation = fit_common_ratio(np.array(before, float), np.array(after, float), np.zeros(4))
    assert np.isfinite(scores.score).all()
    assert np.isfinite(scores.variance).all()
    assert (scores.variance >= 0).all()
    assert 0 <= correlation <= 0.95
