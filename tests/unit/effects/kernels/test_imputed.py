"""Imputation against published digits, a peer, and least squares with every dummy written out."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from averting.effects.kernels.aggregation import Shares, aggregate, coefficients, overall, standard_errors
from averting.effects.kernels.imputed import imputed_effects


@pytest.fixture(scope="module")
def df_het(shared):
    frame = pd.read_csv(shared / "reference" / "causal" / "df_het.csv.gz")
    outcome = frame.pivot(index="unit", columns="year", values="dep_var")
    first = frame.groupby("unit")["g"].first().to_numpy(dtype=float)
    cohort = np.where((first == 0) | np.isnan(first), np.inf, first)
    return outcome.to_numpy(), cohort, outcome.columns.to_numpy(dtype=float)


def test_published_digits(df_het):
    outcome, cohort, time = df_het
    cells = imputed_effects(outcome, cohort, time).cells
    shares = Shares(cohort, np.ones(len(cohort)), False)
    static = overall(cells, shares)
    assert static.effect[0] == pytest.approx(2.262952, abs=5.1e-7)
    assert standard_errors(static.influence)[0] == pytest.approx(0.03139684, abs=5.1e-9)
    rows = aggregate(cells, shares, "event_time").rows
    np.testing.assert_allclose(rows.effect[:3], [1.513142, 1.663843, 1.864367], atol=5.1e-7)
    np.testing.assert_allclose(standard_errors(rows.influence)[:3], [0.075477, 0.076751, 0.074502], atol=5.1e-7)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
def test_agrees_with_diff_diff_with_gaps(peer):
    rng = np.random.default_rng(4)
    time, cohort = np.arange(6.0), np.array([2.0] * 6 + [4.0] * 6 + [np.inf] * 20)
    outcome = rng.normal(size=(32, 6)) + rng.normal(size=(32, 1))
    outcome[rng.random(outcome.shape) < 0.05] = np.nan
    frame = pd.DataFrame({"unit": np.repeat(np.arange(32), 6), "time": np.tile(time, 32), "y": outcome.ravel()})
    frame["first"] = np.repeat(np.where(np.isinf(cohort), 0, cohort), 6)
    theirs = peer("diff_diff").ImputationDiD().fit(frame.dropna(), "y", "unit", "time", "first")
    found = imputed_effects(outcome, cohort, time)
    # their overall weighs every treated outcome alike, so cells by how many are known
    part = found.size / found.size.sum()
    assert part @ found.cells.effect == pytest.approx(theirs.overall_att, rel=1e-6)
    assert np.linalg.norm(found.cells.influence @ part) == pytest.approx(theirs.overall_se, rel=1e-6)


def test_agrees_with_dummies_written_out():
    """Gaps, weights and a covariate at once, against weighted least squares on the untreated cells."""
    rng = np.random.default_rng(7)
    units, periods = 14, 5
    time, cohort = np.arange(5.0), np.array([2.0, 2, 3, 3] + [np.inf] * 10)
    x = rng.normal(size=(units, periods, 1))
    outcome = rng.normal(size=(units, periods)) + x[:, :, 0]
    outcome[5, 1] = outcome[0, 0] = outcome[2, 4] = np.nan
    weight = np.array([1.0] * 4 + list(rng.uniform(0.5, 2, 10)))
    found = imputed_effects(outcome, cohort, time, weight=weight, covariates=x)
    unit, period = np.indices(outcome.shape)
    dummies = np.concatenate([np.eye(units)[unit], np.eye(periods)[period][:, :, 1:], x], axis=2)
    seen = np.isfinite(outcome)
    untreated = seen & (time < cohort[:, None])
    root = np.sqrt(weight[unit[untreated]])
    solution = np.linalg.lstsq(dummies[untreated] * root[:, None], outcome[untreated] * root, rcond=None)[0]
    gap = outcome - dummies @ solution
    for cell in range(len(found.cells.effect)):
        members = seen & (cohort[:, None] == found.cells.cohort[cell]) & (time == found.cells.time[cell])
        assert found.cells.effect[cell] == pytest.approx(gap[members].mean(), rel=1e-9)
    part = np.full(len(found.cells.effect), 0.2)
    weights = found.outcome_weights(part)
    assert np.vdot(weights, np.nan_to_num(outcome)) == pytest.approx(part @ found.cells.effect, rel=1e-9)
    assert not weights[~seen].any()


def test_what_cannot_be_imputed_is_not_a_number():
    outcome, time = np.random.default_rng(1).normal(size=(6, 4)), np.arange(4.0)
    cells = imputed_effects(outcome, np.array([1.0, 1, 1, 2, 2, 2]), time).cells
    # from period 2 on nobody is untreated
    np.testing.assert_array_equal(np.isfinite(cells.effect), cells.time < 2)
    no_past = imputed_effects(outcome, np.array([0.0, 0, np.inf, np.inf, np.inf, np.inf]), time).cells
    assert np.isnan(no_past.effect).all()
    fixed = np.tile(np.arange(6.0)[:, None, None], (1, 4, 1))
    same = imputed_effects(outcome, np.array([2.0, 2] + [np.inf] * 4), time, covariates=fixed).cells
    plain = imputed_effects(outcome, np.array([2.0, 2] + [np.inf] * 4), time).cells
    np.testing.assert_allclose(same.effect, plain.effect)  # part of the school effects, so nothing changes


def test_units_of_covariates_do_not_matter():
    rng = np.random.default_rng(9)
    time, cohort, x = np.arange(5.0), np.array([2.0, 2, 3] + [np.inf] * 9), rng.normal(size=(12, 5, 1))
    outcome = rng.normal(size=(12, 5)) + x[:, :, 0]
    plain, small = (imputed_effects(outcome, cohort, time, covariates=unit * x).cells for unit in (1, 1e-9))
    np.testing.assert_allclose(small.effect, plain.effect, rtol=1e-7)


def test_averages_weigh_by_share():
    rng = np.random.default_rng(3)
    time, cohort = np.arange(5.0), np.array([2.0] * 5 + [3.0] + [np.inf] * 9)
    cells = imputed_effects(rng.normal(size=(15, 5)), cohort, time).cells
    part = coefficients(cells, cells.after[None, :], Shares(cohort, np.ones(15), False))[0]
    np.testing.assert_allclose(part, np.where(cells.cohort == 2, 5 / 17, 1 / 17))
