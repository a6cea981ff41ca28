from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from averting.effects.kernels.poisson import informative, poisson_fe
from averting.effects.kernels.poisson_scores import dispersion, set_scores
from averting.effects.kernels.sandwich import cr1


def draw(seed: int, *, schools: int = 30, periods: int = 6, gaps: float = 0.0):
    rng = np.random.default_rng(seed)
    treatment = np.zeros((schools, periods))
    treatment[:4, 3:] = 1
    covariate = rng.normal(size=treatment.shape)
    exposure = rng.uniform(400, 1500, treatment.shape)
    rate = np.exp(rng.normal(size=(schools, 1)) - 5.5 - 0.5 * treatment + 0.2 * covariate)
    counts = rng.poisson(rate * exposure).astype(float)
    weights = (rng.random(treatment.shape) >= gaps).astype(float)
    return counts, exposure, np.stack([treatment, covariate], axis=-1), weights


def frame(counts, exposure, regressors, weights) -> pd.DataFrame:
    schools, periods = counts.shape
    return pd.DataFrame(
        {
            "school": np.repeat(np.arange(schools), periods),
            "period": np.tile(np.arange(periods), schools),
            "y": counts.ravel(),
            "d": regressors[..., 0].ravel(),
            "x": regressors[..., 1].ravel(),
            "offset": np.log(exposure).ravel(),
        }
    )[weights.ravel() > 0]


@pytest.mark.parametrize("gaps", [0.0, 0.15])
def test_coefficients_and_errors_equal_statsmodels_on_dummies(peer, gaps: float) -> None:
    data = draw(1, gaps=gaps)
    assert data[0].sum(1).min() > 0
    found, table = poisson_fe(*data), frame(*data)
    api = peer("statsmodels.api")
    formula = peer("statsmodels.formula.api")
    theirs = formula.glm(
        "y ~ d + x + C(school) + C(period)", table, family=api.families.Poisson(), offset=table["offset"]
    ).fit(cov_type="cluster", cov_kwds={"groups": table["school"]}, tol=1e-12)
    np.testing.assert_allclose(found.fit.coefficients, theirs.params[["d", "x"]], rtol=1e-7)
    ours = np.sqrt(np.diag(cr1(found.fit, correction="all").matrix))
    np.testing.assert_allclose(ours, theirs.bse[["d", "x"]], rtol=1e-6)
    assert found.converged
    assert not found.separated


@pytest.mark.filterwarnings("ignore")  # of the peer's own making
def test_coefficients_and_errors_equal_pyfixest_with_offset(peer) -> None:
    pyfixest = peer("pyfixest")
    data = draw(2)
    found = poisson_fe(*data)
    theirs = pyfixest.fepois(
        "y ~ d + x | school + period",
        frame(*data),
        offset="offset",
        vcov={"CRV1": "school"},
        ssc=pyfixest.ssc(k_adj=False, G_adj=True),
        iwls_tol=1e-12,
        iwls_maxiter=100,
        fixef_tol=1e-12,
    )
    np.testing.assert_allclose(found.fit.coefficients, theirs.coef().to_numpy(), rtol=1e-6)
    ours = np.sqrt(np.diag(cr1(found.fit, correction="clusters").matrix))
    np.testing.assert_allclose(ours, theirs.se().to_numpy(), rtol=1e-6)


def test_schools_and_periods_without_events_change_nothing() -> None:
    counts, exposure, regressors, weights = draw(3)
    counts[-3:] = 0
    counts[:, 0] = 0
    full = poisson_fe(counts, exposure, regressors, weights)
    without = poisson_fe(counts[:-3, 1:], exposure[:-3, 1:], regressors[:-3, 1:], weights[:-3, 1:])
    np.testing.assert_allclose(full.fit.coefficients, without.fit.coefficients, rtol=1e-9)
    assert informative(counts, weights)[-3:].sum() == informative(counts, weights)[:, 0].sum() == 0


def test_fitted_events_add_up_by_school_and_period() -> None:
    counts, exposure, regressors, weights = draw(4, gaps=0.1)
    found = poisson_fe(counts, exposure, regressors, weights)
    known = np.where(weights > 0, counts, 0)
    np.testing.assert_allclose(found.expected.sum(0), known.sum(0), rtol=1e-6)
    np.testing.assert_allclose(found.expected.sum(1), known.sum(1), rtol=1e-6)


def test_pilots_without_events_after_are_separated() -> None:
    counts, exposure, regressors, weights = draw(5)
    counts[:4, 3:] = 0
    assert poisson_fe(counts, exposure, regressors, weights).separated


def test_a_covariate_that_marks_cells_without_events_is_separated() -> None:
    counts, exposure, regressors, weights = draw(6)
    regressors[..., 1] = 0
    regressors[10:20, 4, 1] = 1
    counts[10:20, 4] = 0
    assert poisson_fe(counts, exposure, regressors, weights).separated


def test_scores_balance_at_the_estimate() -> None:
    counts, exposure, regressors, weights = draw(7)
    estimate = poisson_fe(counts, exposure, regressors, weights).fit.coefficients[0]
    score = set_scores(
        counts,
        exposure,
        regressors[:1, :, :1],
        regressors[..., 1:],
        weights,
        sets=np.array([[0, 1, 2, 3]]),
        kinds=np.zeros(4, dtype=np.intp),
        log_ratio=float(estimate),
    )
    assert score[0] == pytest.approx(0, abs=1e-5)


def test_dispersion_finds_the_truth() -> None:
    rng = np.random.default_rng(8)
    totals, share, rho = np.full(20_000, 12.0), 0.5, 0.1
    shape = (1 - rho) / rho
    events = rng.binomial(12, rng.beta(share * shape, share * shape, len(totals)))
    variance = totals * share * (1 - share)
    # the standard error over 20,000 schools is about 0.002
    assert dispersion(events - 6.0, variance, totals) == pytest.approx(rho, abs=0.01)
    assert dispersion(0.1 * (events - 6.0), variance, totals) == 0


def test_dispersion_of_equal_totals_is_closed_form() -> None:
    """Squares of 2 each over 1 + 10 rho must add up to one less than the five schools that have any variance."""
    scores, variance = np.array([1.0, -1, 1, -1, 1, 3]), np.array([0.5, 0.5, 0.5, 0.5, 0.5, 0.0])
    found = dispersion(scores, variance, np.full(6, 11.0))
    assert found == pytest.approx((10 / 4 - 1) / 10, abs=1e-9)
    assert dispersion(np.full(5, 9.0), variance[:5], np.full(5, 11.0)) == 0.95
