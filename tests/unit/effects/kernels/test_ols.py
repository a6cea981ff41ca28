from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from averting.effects.kernels.ols import cell_influence, dependent_columns, ols, residualise, two_way


def panel(seed: int, *, schools: int = 25, periods: int = 7, gaps: float = 0.0, weighted: bool = False):
    """Outcome, regressors (a treatment and a covariate), weights."""
    rng = np.random.default_rng(seed)
    treated = np.zeros((schools, periods))
    treated[:4, 4:] = 1
    covariate = rng.normal(size=treated.shape)
    outcome = rng.normal(size=(schools, 1)) + rng.normal(size=periods) + treated + covariate / 2
    outcome = outcome + rng.normal(size=treated.shape)
    weights = np.broadcast_to(rng.uniform(0.5, 2, (schools, 1)) if weighted else 1.0, treated.shape).copy()
    if weighted:
        weights *= rng.uniform(0.5, 2, treated.shape)
    weights[rng.random(treated.shape) < gaps] = 0
    return outcome, np.stack([treated, covariate], axis=-1), weights


def on_dummies(outcome, regressors, weights):
    """The same regression by brute force: a column for each school and period."""
    schools, periods = outcome.shape
    left = np.column_stack(
        [
            regressors.reshape(-1, regressors.shape[-1]),
            np.kron(np.eye(schools), np.ones((periods, 1))),
            np.kron(np.ones((schools, 1)), np.eye(periods))[:, 1:],
        ]
    )
    root = np.sqrt(weights.ravel())
    values = np.linalg.lstsq(left * root[:, None], np.nan_to_num(outcome).ravel() * root, rcond=None)[0]
    residuals = np.where(weights > 0, np.nan_to_num(outcome) - (left @ values).reshape(outcome.shape), 0.0)
    return values[: regressors.shape[-1]], residuals


@pytest.mark.parametrize("gaps", [0.0, 0.2])
@pytest.mark.parametrize("weighted", [False, True])
def test_coefficients_and_residuals_equal_a_regression_on_dummies(gaps: float, weighted: bool) -> None:
    outcome, regressors, weights = panel(1, gaps=gaps, weighted=weighted)
    outcome[weights == 0] = np.nan
    found = ols(outcome, regressors, weights)
    coefficients, residuals = on_dummies(outcome, regressors, weights)
    np.testing.assert_allclose(found.coefficients, coefficients, rtol=1e-9)
    np.testing.assert_allclose(found.residuals, residuals, atol=1e-9)
    assert found.absorbed == 25 + 7 - 1


def test_balanced_residuals_are_the_textbook_ones() -> None:
    outcome, _, weights = panel(2)
    textbook = outcome - outcome.mean(1, keepdims=True) - outcome.mean(0) + outcome.mean()
    np.testing.assert_allclose(residualise(two_way(weights), outcome), textbook, atol=1e-12)


def test_schools_and_periods_that_never_meet_cost_an_effect_less() -> None:
    weights = np.zeros((6, 6))
    weights[:3, :3] = weights[3:, 3:] = 1
    assert two_way(weights).absorbed == 6 + 6 - 2


def test_influence_is_what_each_cell_adds_to_the_coefficient() -> None:
    outcome, regressors, weights = panel(3, gaps=0.1, weighted=True)
    influence = cell_influence(ols(outcome, regressors, weights), np.array([1.0, 0.0]))
    before = ols(outcome, regressors, weights).coefficients[0]
    assert (influence * outcome).sum() == pytest.approx(before, rel=1e-9)


@pytest.mark.parametrize(
    ("column", "dependent"),
    [
        (lambda r: np.broadcast_to(np.arange(25.0)[:, None], (25, 7)), True),
        (lambda r: np.broadcast_to(np.arange(7.0), (25, 7)), True),
        (lambda r: 3 * r[..., 1] - r[..., 0] + np.arange(7.0), True),
        (lambda r: np.arange(25.0)[:, None] * np.arange(7.0), False),
    ],
    ids=["constant in time", "same for all", "a sum of others", "neither"],
)
def test_columns_that_effects_and_others_determine_are_found(column, dependent: bool) -> None:
    _, regressors, weights = panel(4, gaps=0.1)
    every = np.concatenate([regressors, column(regressors)[..., None]], axis=-1)
    within = residualise(two_way(weights), every)
    assert dependent_columns(every, within, weights) == ([2] if dependent else [])


def test_coefficients_equal_linearmodels_with_weights_and_gaps(peer) -> None:
    linearmodels = peer("linearmodels")
    outcome, regressors, weights = panel(5, gaps=0.1, weighted=True)
    schools, periods = outcome.shape
    frame = pd.DataFrame(
        {
            "school": np.repeat(np.arange(schools), periods),
            "period": np.tile(np.arange(periods), schools),
            "y": outcome.ravel(),
            "d": regressors[..., 0].ravel(),
            "x": regressors[..., 1].ravel(),
            "w": weights.ravel(),
        }
    )
    frame = frame[frame["w"] > 0].set_index(["school", "period"])
    theirs = linearmodels.PanelOLS(
        frame["y"], frame[["d", "x"]], weights=frame["w"], entity_effects=True, time_effects=True
    ).fit()
    np.testing.assert_allclose(ols(outcome, regressors, weights).coefficients, theirs.params, rtol=1e-8)
