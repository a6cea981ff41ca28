from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from averting.effects.kernels.ols import Fit, ols
from averting.effects.kernels.sandwich import cr1, cr2, cr3


def draw(seed: int, *, schools: int = 30, periods: int = 6, treated: int = 4, gaps: float = 0.0):
    rng = np.random.default_rng(seed)
    treatment = np.zeros((schools, periods))
    treatment[:treated, 3:] = 1
    covariate = rng.normal(size=treatment.shape)
    outcome = (
        rng.normal(size=(schools, 1)) * (1 + np.arange(periods)) / 3 + covariate + rng.normal(size=treatment.shape)
    )
    weights = (rng.random(treatment.shape) >= gaps).astype(float)
    return outcome, np.stack([treatment, covariate], axis=-1), weights


def frame(outcome, regressors, weights, clusters=None) -> pd.DataFrame:
    schools, periods = outcome.shape
    columns = {
        "school": np.repeat(np.arange(schools), periods),
        "period": np.tile(np.arange(periods), schools),
        "y": outcome.ravel(),
        "d": regressors[..., 0].ravel(),
        "x": regressors[..., 1].ravel(),
        "la": np.repeat(np.arange(schools) if clusters is None else clusters, periods),
    }
    return pd.DataFrame(columns)[weights.ravel() > 0]


def errors(matrix: np.ndarray) -> np.ndarray:
    return np.sqrt(np.diag(matrix))


@pytest.mark.parametrize("gaps", [0.0, 0.15])
def test_cr1_equals_statsmodels_and_linearmodels(peer, gaps: float) -> None:
    data = draw(1, gaps=gaps)
    fit, table = ols(*data), frame(*data)
    formula = peer("statsmodels.formula.api")
    theirs = formula.ols("y ~ d + x + C(school) + C(period)", table).fit(
        cov_type="cluster", cov_kwds={"groups": table["school"]}
    )
    np.testing.assert_allclose(errors(cr1(fit, correction="all").matrix), theirs.bse[["d", "x"]], rtol=1e-8)
    panel = table.set_index(["school", "period"])
    model = peer("linearmodels").PanelOLS(panel["y"], panel[["d", "x"]], entity_effects=True, time_effects=True)
    grouped = model.fit(cov_type="clustered", cluster_entity=True, group_debias=True)
    np.testing.assert_allclose(errors(cr1(fit, correction="all").matrix), grouped.std_errors, rtol=1e-8)


@pytest.mark.filterwarnings("ignore")  # of the peer's own making
def test_cr1_and_cr3_equal_pyfixest(peer) -> None:
    # its own small-sample factor is left out: the number of effects it counts follows PYTHONHASHSEED
    pyfixest = peer("pyfixest")
    data = draw(2)
    fit, table = ols(*data), frame(*data)
    for kind, ours in (("CRV1", cr1), ("CRV3", cr3)):
        for clusters, ssc in (("none", (False, False)), ("clusters", (False, True))):
            theirs = pyfixest.feols(
                "y ~ d + x | school + period",
                table,
                vcov={kind: "school"},
                ssc=pyfixest.ssc(k_adj=ssc[0], G_adj=ssc[1]),
            )
            found = errors(ours(fit, correction=clusters).matrix)
            np.testing.assert_allclose(found, theirs.se().to_numpy(), rtol=1e-8)


@pytest.mark.filterwarnings("ignore")  # of the peer's own making
def test_clusters_of_several_schools_equal_pyfixest(peer) -> None:
    pyfixest = peer("pyfixest")
    data = draw(3, gaps=0.1)
    clusters = np.arange(30) % 10
    fit, table = ols(*data), frame(*data, clusters)
    theirs = pyfixest.feols(
        "y ~ d + x | school + period", table, vcov={"CRV3": "la"}, ssc=pyfixest.ssc(k_adj=False, G_adj=True)
    )
    found = errors(cr3(fit, clusters, correction="clusters").matrix)
    np.testing.assert_allclose(found, theirs.se().to_numpy(), rtol=1e-8)


@pytest.mark.parametrize("gaps", [0.0, 0.15])
def test_cr3_equals_fitting_again_without_each_school(gaps: float) -> None:
    outcome, regressors, weights = draw(4, gaps=gaps)
    full = ols(outcome, regressors, weights).coefficients
    left = [
        ols(*(np.delete(a, g, axis=0) for a in (outcome, regressors, weights))).coefficients for g in range(30)
    ]
    moved = np.array(left) - full
    expected = 29 / 30 * moved.T @ moved
    np.testing.assert_allclose(cr3(ols(outcome, regressors, weights)).matrix, expected, rtol=1e-8)


def by_brute_force(fit: Fit, outcome: np.ndarray) -> tuple[np.ndarray, list[float]]:
    """CR2 and its degrees of freedom from the whole hat matrix, on dummies, as Bell and McCaffrey write them."""
    schools, periods = outcome.shape
    left = np.column_stack(
        [
            fit.regressors.reshape(-1, 2),
            np.kron(np.eye(schools), np.ones((periods, 1))),
            np.kron(np.ones((schools, 1)), np.eye(periods))[:, 1:],
        ]
    )
    bread = np.linalg.inv(left.T @ left)
    maker = np.eye(len(left)) - left @ bread @ left.T
    meat, vectors = np.zeros_like(bread), []
    for school in range(schools):
        rows = slice(school * periods, (school + 1) * periods)
        values, directions = np.linalg.eigh(maker[rows, rows])
        root = directions * np.where(values > 1e-9, 1 / np.sqrt(np.maximum(values, 1e-9)), 0.0) @ directions.T
        score = left[rows].T @ root @ (maker @ outcome.ravel())[rows]
        meat += np.outer(score, score)
        vectors.append(maker[:, rows] @ root @ left[rows] @ bread[:, :2])
    spans = np.array(vectors)
    grams = [spans[:, :, column] @ spans[:, :, column].T for column in range(2)]
    return (bread @ meat @ bread)[:2, :2], [np.trace(gram) ** 2 / (gram**2).sum() for gram in grams]


def test_cr2_and_its_degrees_of_freedom_equal_the_definition() -> None:
    outcome, regressors, weights = draw(5)
    fit = ols(outcome, regressors, weights)
    found = cr2(fit)
    matrix, df = by_brute_force(fit, outcome)
    np.testing.assert_allclose(found.matrix, matrix, rtol=1e-8)
    np.testing.assert_allclose(found.df, df, rtol=1e-8)


@pytest.mark.filterwarnings("ignore")  # of the peer's own making
def test_cr2_equals_diff_diff(peer) -> None:
    diff_diff = peer("diff_diff")
    outcome, regressors, weights = draw(6)
    table = frame(outcome, regressors, weights).assign(
        treat=lambda t: (t["school"] < 4).astype(int), post=lambda t: (t["period"] >= 3).astype(int)
    )
    model = diff_diff.DifferenceInDifferences(vcov_type="hc2_bm", cluster="school")
    theirs = model.fit(table, outcome="y", treatment="treat", post="post", fixed_effects=["school", "period"])
    found = cr2(ols(outcome, regressors[..., :1], weights))
    assert errors(found.matrix)[0] == pytest.approx(theirs.se, rel=1e-6)
    assert found.df[0] == pytest.approx(theirs.inference_df, rel=1e-6)


def test_one_pilot_has_no_cr2_and_no_cr3() -> None:
    fit = ols(*draw(7, treated=1))
    for covariance in (cr2, cr3):
        with pytest.raises(np.linalg.LinAlgError, match="without data"):
            covariance(fit)
    two = ols(*draw(7, treated=2))
    assert np.isfinite(cr2(two).matrix).all()
    assert np.isfinite(cr3(two).matrix).all()
