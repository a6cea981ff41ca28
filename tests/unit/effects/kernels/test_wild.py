from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy.optimize import brentq

from averting.effects.kernels.ols import ols
from averting.effects.kernels.sandwich import cr1
from averting.effects.kernels.wild import multipliers, wild_bootstrap, wild_p, wild_t


def draw(seed: int, *, schools: int = 9, periods: int = 4):
    rng = np.random.default_rng(seed)
    treatment = np.zeros((schools, periods))
    treatment[:3, 2:] = 1
    covariate = rng.normal(size=treatment.shape)
    return (
        rng.normal(size=treatment.shape) + treatment,
        np.stack([treatment, covariate], -1),
        np.ones_like(treatment),
    )


@pytest.mark.parametrize("restricted", [True, False])
@pytest.mark.parametrize("supposed", [0.0, 0.7])
def test_every_sample_equals_fitting_again(restricted: bool, supposed: float) -> None:
    outcome, regressors, weights = draw(1)
    fit = ols(outcome, regressors, weights)
    found = wild_bootstrap(fit, draws=512, rng=np.random.default_rng(1), kind="rademacher", restricted=restricted)
    signs, listed = multipliers(9, 512, "rademacher", np.random.default_rng(1))
    assert listed
    truth, draws = wild_t(found, np.array([supposed]))
    assert truth[0] == pytest.approx(
        (fit.coefficients[0] - supposed) / np.sqrt(cr1(fit, correction="none").matrix[0, 0]), rel=1e-9
    )
    held = ols(outcome - supposed * regressors[..., 0], regressors[..., 1:], weights)
    residuals = held.residuals if restricted else fit.residuals
    centre = supposed if restricted else fit.coefficients[0]
    level = outcome - residuals
    for row in (1, 77, 300):
        again = ols(level + signs[row][:, None] * residuals, regressors, weights)
        error = np.sqrt(cr1(again, correction="none").matrix[0, 0])
        assert draws[0, row] == pytest.approx((again.coefficients[0] - centre) / error, rel=1e-6)


def test_subclusters_flip_schools_while_errors_are_by_authority() -> None:
    outcome, regressors, weights = draw(2)
    authorities = np.arange(9) // 3
    fit = ols(outcome, regressors, weights)
    found = wild_bootstrap(
        fit, draws=512, rng=np.random.default_rng(1), kind="rademacher", clusters=authorities, units=np.arange(9)
    )
    signs, _ = multipliers(9, 512, "rademacher", np.random.default_rng(1))
    held = ols(outcome, regressors[..., 1:], weights).residuals
    again = ols(outcome - held + signs[100][:, None] * held, regressors, weights)
    error = np.sqrt(cr1(again, authorities, correction="none").matrix[0, 0])
    _, draws = wild_t(found, np.zeros(1))
    assert draws[0, 100] == pytest.approx(again.coefficients[0] / error, rel=1e-6)


def boottest_fit(shared):
    """Its eight years are our schools, and self-employed or not our periods: in a balanced table the years'
    effects leave the interaction's coefficient and scores as they are."""
    table = (
        pd.read_csv(shared / "reference/causal/boottest_collapsed.csv")
        .dropna()
        .sort_values(["year", "selfemployed"])
    )
    outcome, interaction = (
        table.pivot(index="year", columns="selfemployed", values=name).to_numpy()
        for name in ("hasinsurance", "post_self")
    )
    return ols(outcome, interaction[..., None], np.ones_like(outcome))


def test_published_boottest_values(shared) -> None:
    fit = boottest_fit(shared)
    rng = np.random.default_rng(1)
    listed = wild_bootstrap(fit, draws=256, rng=rng, kind="rademacher")
    truth, draws = wild_t(listed, np.array([0.04]))
    # boottest: t = 2.0194 with factor 8/7 x 15/12, and p = 19/256 where ties at the true t count by half
    assert truth[0] / np.sqrt(8 / 7 * 15 / 12) == pytest.approx(2.0194, abs=5e-5)
    above = np.abs(draws[0]) > abs(truth[0]) * (1 + 1e-9)
    assert (above.sum(), round(256 * wild_p(listed, np.array([0.04]))[0])) == (18, 20)


def test_published_boottest_interval_by_webb(shared) -> None:
    found = wild_bootstrap(boottest_fit(shared), draws=99_999, rng=np.random.default_rng(2), kind="webb")
    # the log does not say how many samples it drew; 999 would give its p-value a standard error of 0.009
    assert wild_p(found, np.array([0.04]))[0] == pytest.approx(0.0921, abs=0.02)
    ends = [
        brentq(lambda b: wild_p(found, np.array([b]))[0] - 0.05, *bracket)
        for bracket in ((0.02, 0.05), (0.06, 0.1))
    ]
    assert ends == pytest.approx([0.03874, 0.07098], abs=0.001)


def test_multipliers_have_mean_zero_and_variance_one() -> None:
    for kind in ("webb", "rademacher"):
        values, listed = multipliers(40, 20_000, kind, np.random.default_rng(3))
        assert not listed
        assert len(np.unique(np.round(values, 9))) == (6 if kind == "webb" else 2)
        # 800,000 values: standard errors of about 0.001
        assert values.mean() == pytest.approx(0, abs=0.006)
        assert values.var() == pytest.approx(1, abs=0.006)


def test_every_pattern_of_signs_is_listed_once() -> None:
    signs, listed = multipliers(5, 32, "rademacher", np.random.default_rng(1))
    assert listed
    assert len(signs) == len({tuple(row) for row in signs.tolist()}) == 32
    assert set(signs.ravel().tolist()) == {-1.0, 1.0}
    drawn, listed = multipliers(5, 31, "rademacher", np.random.default_rng(1))
    assert (drawn.shape, listed) == ((31, 5), False)
