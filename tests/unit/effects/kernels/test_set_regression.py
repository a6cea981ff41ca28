from __future__ import annotations

from math import comb

import numpy as np
import pytest

from averting.effects.kernels.ols import ols
from averting.effects.kernels.set_regression import assignments, parts, set_coefficients


def draw(seed: int, *, gaps: float, weighted: bool):
    rng = np.random.default_rng(seed)
    schools, periods = 14, 8
    weights = (rng.random((schools, periods)) >= gaps) * (rng.uniform(0.5, 2, (schools, 1)) if weighted else 1.0)
    return rng.normal(size=(schools, periods)), rng.normal(size=(schools, periods, 2)), weights


@pytest.mark.parametrize(("gaps", "weighted"), [(0.0, False), (0.1, False), (0.1, True)])
@pytest.mark.parametrize("columns", [1, 3])
def test_every_set_equals_fitting_it_again(gaps: float, weighted: bool, columns: int) -> None:
    outcome, covariates, weights = draw(1, gaps=gaps, weighted=weighted)
    paths = np.zeros((2, 8, columns))
    for column in range(columns):
        paths[0, (slice(3, None) if columns == 1 else 3 + column), column] = 1
        paths[1, (slice(5, None) if columns == 1 else 5 + column), column] = 1
    kinds = np.array([0, 1, 0])
    sets = np.array([[0, 1, 2], [9, 4, 13], [2, 1, 0], [5, 8, 3]])
    found = set_coefficients(parts(outcome[..., None], paths, covariates, weights), sets, kinds)
    for row, members in enumerate(sets):
        treatment = np.zeros((*outcome.shape, columns))
        treatment[members] = paths[kinds]
        fit = ols(outcome, np.concatenate([treatment, covariates], axis=-1), weights)
        np.testing.assert_allclose(found[row, :, 0], fit.coefficients[:columns], rtol=1e-8)


def test_a_set_without_data_has_no_coefficient() -> None:
    outcome, covariates, weights = draw(2, gaps=0.0, weighted=False)
    weights[5, 4:] = 0
    paths = (np.arange(8) >= 4)[None, :, None].astype(float)
    prepared = parts(outcome[..., None], paths, covariates, weights)
    found = set_coefficients(prepared, np.array([[0], [5]]), np.zeros(1, dtype=np.intp))
    assert np.isfinite(found[0]).all()
    assert np.isnan(found[1]).all()


def test_pilots_of_one_start_are_interchangeable_and_others_are_not() -> None:
    rng = np.random.default_rng(3)
    same, exact = assignments(8, np.arange(3), np.zeros(3, dtype=np.intp), most=20_000, rng=rng)
    assert exact
    assert len(same) == comb(8, 3)
    np.testing.assert_array_equal(same[0], [0, 1, 2])
    kinds = np.array([0, 1, 0])
    differ, exact = assignments(8, np.array([6, 2, 4]), kinds, most=20_000, rng=rng)
    assert exact
    assert len(differ) == comb(8, 3) * 3
    assert differ[0, 1] == 2
    assert set(differ[0, [0, 2]]) == {4, 6}
    assert len({(frozenset(row[[0, 2]]), row[1]) for row in differ}) == len(differ)


@pytest.mark.parametrize("units", [12, 2_000])
def test_sets_drawn_hold_each_school_once_and_evenly(units: int) -> None:
    sets, exact = assignments(
        units, np.arange(5), np.zeros(5, dtype=np.intp), most=700, rng=np.random.default_rng(4)
    )
    assert not exact
    assert len(sets) == 700
    assert all(len(set(row)) == 5 for row in sets.tolist())
    np.testing.assert_array_equal(sets[0], np.arange(5))
    # the mean position of 3,495 schools drawn evenly has a standard error of 0.5 % of the range
    assert sets[1:].mean() == pytest.approx((units - 1) / 2, rel=0.04)
