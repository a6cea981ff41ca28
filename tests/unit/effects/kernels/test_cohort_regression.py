"""The extended two-way regressions against the tables of Wooldridge's etwfe, and against regressions written out."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from averting.effects.kernels.aggregation import Shares, aggregate, coefficients, overall, standard_errors
from averting.effects.kernels.cohort_regression import (
    cohort_outcome_weights,
    linear_cohort_fit,
    poisson_cohort_fit,
)
from averting.effects.kernels.imputed import imputed_effects


@pytest.fixture(scope="module")
def mpdta(shared):
    frame = pd.read_csv(shared / "reference" / "causal" / "mpdta.csv").sort_values(["countyreal", "year"])
    outcome = frame.pivot(index="countyreal", columns="year", values="lemp").to_numpy()
    lpop = frame.groupby("countyreal")["lpop"].first().to_numpy()[:, None]
    cohort = frame.groupby("countyreal")["first.treat"].first().to_numpy().astype(float)
    return outcome, np.where(cohort == 0, np.inf, cohort), np.arange(2003.0, 2008.0), lpop


def test_linear_has_the_published_digits(mpdta):
    outcome, cohort, time, lpop = mpdta
    cells = linear_cohort_fit(outcome, cohort, time, covariates=lpop).cells
    shares = Shares(cohort, np.ones(len(cohort)), False)
    simple = overall(cells, shares)
    assert simple.effect[0] == pytest.approx(-0.0506270, abs=5.1e-8)
    assert standard_errors(simple.influence)[0] == pytest.approx(0.0124973, abs=5.1e-8)
    rows = aggregate(cells, shares, "event_time").rows
    np.testing.assert_allclose(rows.effect, [-0.0332122, -0.0573456, -0.1378704, -0.1095395], atol=5.1e-8)
    # the published errors carry seven digits
    np.testing.assert_allclose(
        standard_errors(rows.influence), [0.0133660, 0.0171496, 0.0307884, 0.0323153], atol=1e-7
    )


def test_poisson_has_the_published_digits_on_the_response_scale(mpdta):
    outcome, cohort, time, lpop = mpdta
    events = np.exp(outcome)
    cells = poisson_cohort_fit(events, np.ones_like(events), cohort, time, covariates=lpop).cells
    rows = aggregate(cells, Shares(cohort, np.ones(len(cohort)), False), "event_time").rows
    np.testing.assert_allclose(rows.effect, [-25.3497, 1.09175, -75.1246, -101.8240], atol=5.1e-5)
    np.testing.assert_allclose(standard_errors(rows.influence), [15.8863, 40.2952, 23.1541, 27.0877], rtol=5e-6)


def test_without_covariates_it_is_imputation(mpdta):
    outcome, cohort, time, _ = mpdta
    np.testing.assert_allclose(
        linear_cohort_fit(outcome, cohort, time).cells.effect,
        imputed_effects(outcome, cohort, time).cells.effect,
        rtol=1e-9,
    )


def test_effects_are_weighted_sums_of_outcomes(mpdta):
    outcome, cohort, time, lpop = mpdta
    weight = np.random.default_rng(1).uniform(0.5, 2, len(cohort))
    cells = linear_cohort_fit(outcome, cohort, time, covariates=lpop, weight=weight).cells
    part = coefficients(cells, cells.after[None, :], Shares(cohort, weight, False))[0]
    weights = cohort_outcome_weights(outcome.shape, cohort, time, part, covariates=lpop, weight=weight)
    assert np.vdot(weights, outcome) == pytest.approx(part @ cells.effect, rel=1e-8)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
def test_poisson_with_exposure_is_the_regression_written_out(peer):
    """Counterfactual and ratio of every cell, and the clustered error of the link, from statsmodels with dummies."""
    rng = np.random.default_rng(3)
    units, periods = 40, 5
    time, cohort = np.arange(5.0), np.array([2.0] * 6 + [3.0] * 6 + [np.inf] * 28)
    exposure = rng.uniform(400, 1500, (units, periods))
    events = rng.poisson(exposure * 0.01 * rng.gamma(3, 1 / 3, (units, 1))).astype(float)
    fit = poisson_cohort_fit(events, exposure, cohort, time)
    group = np.searchsorted(np.unique(cohort), cohort)
    columns = [np.repeat(group == g, periods) for g in range(3)]
    columns += [np.tile(time == t, units) for t in time[1:]]
    cells = list(zip(fit.observed.cohort, fit.observed.time, strict=True))
    columns += [np.outer(cohort == g, time == t).ravel() for g, t in cells]
    sm = peer("statsmodels.api")
    model = sm.GLM(
        events.ravel(),
        np.column_stack(columns).astype(float),
        family=sm.families.Poisson(),
        offset=np.log(exposure).ravel(),
    ).fit(cov_type="cluster", cov_kwds={"groups": np.repeat(np.arange(units), periods)}, tol=1e-12)
    log_ratio = np.log(fit.observed.effect / fit.without.effect)
    np.testing.assert_allclose(log_ratio, model.params[7:], rtol=1e-6, atol=1e-9)
    influence = fit.observed.influence / fit.observed.effect - fit.without.influence / fit.without.effect
    # statsmodels counts only parameters fitted in its factor, as here
    np.testing.assert_allclose(standard_errors(influence), model.bse[7:], rtol=1e-6)


def test_an_effect_common_to_all_is_found_exactly():
    rng = np.random.default_rng(8)
    time, cohort = np.arange(6.0), np.array([3.0, 3, 4, np.inf, np.inf, np.inf])
    exposure = rng.uniform(500, 900, (6, 6))
    rate = np.exp(np.array([0.1, 0.1, -0.2, 0, 0, 0])[:, None] + 0.1 * time)
    events = exposure * rate * np.where(time >= cohort[:, None], 0.6, 1.0)
    fit = poisson_cohort_fit(events, exposure, cohort, time)
    np.testing.assert_allclose(fit.observed.effect / fit.without.effect, 0.6, rtol=1e-8)


def test_what_is_not_identified_is_not_a_number():
    outcome, time = np.random.default_rng(1).normal(size=(6, 4)), np.arange(4.0)
    cells = linear_cohort_fit(outcome, np.array([1.0, 1, 1, 2, 2, 2]), time).cells
    np.testing.assert_array_equal(np.isfinite(cells.effect), cells.time < 2)


@pytest.mark.parametrize("fit", ["linear", "poisson"])
def test_weights_are_repetitions(fit):
    rng = np.random.default_rng(4)
    time, cohort = np.arange(4.0), np.array([2.0] * 3 + [3.0] * 3 + [np.inf] * 6)
    exposure = rng.uniform(400, 900, (12, 4))
    events = rng.poisson(0.02 * exposure).astype(float)
    repeats = np.array([1, 2, 3, 1, 1, 2, 1, 2, 3, 1, 4, 1])

    def cells(times, weight):
        many = [np.repeat(one, times, 0) for one in (events, exposure, cohort)]
        if fit == "linear":
            return linear_cohort_fit(100 * many[0] / many[1], many[2], time, weight=weight).cells.effect
        return poisson_cohort_fit(*many, time, weight=weight).cells.effect

    once = np.ones(12, dtype=int)
    np.testing.assert_allclose(cells(once, repeats.astype(float)), cells(repeats, None), rtol=1e-8)


def test_units_of_covariates_do_not_matter(mpdta):
    outcome, cohort, time, lpop = mpdta
    plain, small = (linear_cohort_fit(outcome, cohort, time, covariates=unit * lpop).cells for unit in (1, 1e-9))
    np.testing.assert_allclose(small.effect, plain.effect, rtol=1e-7)
    np.testing.assert_allclose(small.influence, plain.influence, atol=1e-7)


@pytest.mark.parametrize("fit", ["linear", "poisson"])
def test_own_part_of_influences_solves_the_score_equations_of_each_treated_cell(fit):
    """What is left of treated outcomes after their own regression is orthogonal to the regressors, weights counted."""
    rng = np.random.default_rng(5)
    time, cohort = np.arange(4.0), np.array([2.0] * 5 + [3.0] * 6 + [np.inf] * 9)
    covariate, weight, exposure = rng.normal(size=(20, 1)), rng.uniform(0.3, 3, 20), rng.uniform(400, 900, (20, 4))
    events = rng.poisson(0.02 * exposure * np.exp(0.4 * covariate)).astype(float)
    for z in (None, covariate):
        if fit == "linear":
            observed = linear_cohort_fit(events, cohort, time, weight=weight, covariates=z).observed
        else:
            observed = poisson_cohort_fit(events, exposure, cohort, time, weight=weight, covariates=z).observed
        assert (np.abs(observed.influence).max(0) > 0.01).all()
        regressors = np.ones((20, 1)) if z is None else np.column_stack([np.ones(20), z])
        np.testing.assert_allclose(regressors.T @ observed.influence, 0, atol=1e-7)


def test_cohorts_that_differ_a_thousandfold_are_fitted_all_the_same():
    """Newton's first step from a common rate goes much too far, and must be shortened until it helps."""
    time, cohort = np.arange(6.0), np.array([3.0, 3, 4, np.inf, np.inf, np.inf])
    rate = np.exp(np.array([7.0, 7, -2, 0, 0, 0])[:, None] + 0.3 * time)
    events = 500 * rate * np.where(time >= cohort[:, None], 0.6, 1.0)
    fit = poisson_cohort_fit(events, np.full((6, 6), 500.0), cohort, time)
    np.testing.assert_allclose(fit.observed.effect / fit.without.effect, 0.6, rtol=1e-6)
