"""Models of risk against peers, brute force and known truth."""

from __future__ import annotations

import warnings

import numpy as np
import pandas as pd
import pytest
from scipy.integrate import quad
from scipy.special import expit

from averting.errors import DataError, EstimationError
from averting.risk import (
    RiskCells,
    adjustment_sets,
    associations,
    fit_risk,
    interaction_table,
    moved,
    pooled_groups,
    profile_risks,
)
from averting.risk.logistic import fit_logit
from averting.risk.school_effects import fit_school_logit

LEVELS = {"sex": ("Girls", "Boys"), "fsm": ("No", "Yes"), "care": ("None", "In need")}


def _pupils(n: int, seed: int, *, schools: int = 0, spread: float = 0.6, both: float = 0.0) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    code = {name: (rng.random(n) < share).astype(int) for name, share in zip(LEVELS, (0.5, 0.3, 0.1), strict=True)}
    eta = -3.0 + 0.9 * code["sex"] + 0.6 * code["fsm"] + 1.2 * code["care"] + both * code["sex"] * code["care"]
    frame = pd.DataFrame({name: np.array(LEVELS[name])[values] for name, values in code.items()})
    if schools:
        frame["urn"] = rng.integers(0, schools, n)
        eta = eta + rng.normal(0, spread, schools)[frame["urn"]]
    return frame.assign(y=(rng.random(n) < expit(eta)).astype(int))


def _cells(frame: pd.DataFrame, **options: str) -> RiskCells:
    references = {name: texts[0] for name, texts in LEVELS.items()}
    return RiskCells.from_frame(frame, outcome="y", characteristics=list(LEVELS), references=references, **options)


def test_logistic_is_that_of_statsmodels_on_single_pupils(peer):
    frame = _pupils(4_000, 1)
    model = fit_risk(_cells(frame), adjust=list(LEVELS))
    sm = peer("statsmodels.api")
    dummies = [np.ones(len(frame)), *((frame[name] == texts[1]).astype(float) for name, texts in LEVELS.items())]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        theirs = sm.Logit(frame["y"].to_numpy(), np.column_stack(dummies)).fit(disp=0, tol=1e-12)
    # both stop at the same maximum of a concave function
    np.testing.assert_allclose(model.fit.coefficients, theirs.params, rtol=1e-7)
    np.testing.assert_allclose(model.fit.covariance, theirs.cov_params(), rtol=1e-5)


def test_school_levels_are_integrated_as_brute_force_does():
    rng = np.random.default_rng(2)
    school = np.repeat(np.arange(5), 4)
    x = np.column_stack([np.ones(20), rng.integers(0, 2, 20)]).astype(float)
    trials = rng.integers(4, 30, 20).astype(float)
    events = rng.binomial(trials.astype(int), expit(-1 + x[:, 1] + rng.normal(0, 0.8, 5)[school])).astype(float)
    fit = fit_school_logit(x, events, trials, school, nodes=25)

    def likelihood(beta: np.ndarray, spread: float) -> float:
        total = 0.0
        for one in range(5):
            own = school == one

            def density(u: float, own: np.ndarray = own) -> float:
                eta = x[own] @ beta + spread * u
                return float(
                    np.exp((events[own] * eta - trials[own] * np.logaddexp(0, eta)).sum() + 40 - u**2 / 2)
                    / np.sqrt(2 * np.pi)
                )

            total += np.log(quad(density, -8, 8, epsabs=0, epsrel=1e-10, limit=200)[0]) - 40
        return float(total)

    best = likelihood(fit.coefficients, fit.spread)
    # 25 nodes integrate five schools to better than a millionth
    assert fit.log_likelihood == pytest.approx(best, abs=1e-6)
    for step in np.vstack([np.eye(3), -np.eye(3)]) * 0.02:
        moved_to = likelihood(fit.coefficients + step[:2], float(fit.spread * np.exp(step[2])))
        assert moved_to < best + 1e-7


def test_school_levels_of_known_spread_are_recovered():
    estimates = []
    for seed in range(6):
        cells = _cells(_pupils(8_000, seed, schools=60), school="urn")
        estimates.append(np.append(fit_risk(cells, adjust=list(LEVELS), schools=True).fit.coefficients[1:], 0))
        estimates[-1][-1] = fit_risk(cells, adjust=list(LEVELS), schools=True).fit.spread
    # standard errors of one fit are about 0.08, of the mean of six 0.035; three of them
    np.testing.assert_allclose(np.mean(estimates, axis=0), [0.9, 0.6, 1.2, 0.6], atol=0.11)


def test_without_school_differences_the_spread_goes_to_nothing():
    rng = np.random.default_rng(5)
    trials = np.full(30, 100.0)
    # the same share in every school: less than chance alone would make them differ
    fit = fit_school_logit(np.ones((30, 1)), np.full(30, 20.0), trials, np.arange(30))
    assert fit.spread < 0.01
    assert np.isfinite(fit.covariance).all()
    assert fit.coefficients[0] == pytest.approx(np.log(0.25), abs=1e-3)
    assert rng is not None


def test_marginal_risks_are_those_of_the_pupils_and_intervals_those_of_the_bootstrap():
    cells = _cells(_pupils(3_000, 3))
    model = fit_risk(cells, adjust=list(LEVELS))
    row = associations(model).set_index("characteristic").loc["care"]
    # a two by two table, by hand, where only one characteristic is in the model
    alone = associations(fit_risk(cells, adjust=["care"])).iloc[0]
    with_it, without = cells.counts("care")[1], cells.counts("care")[0]
    ratio = with_it[0] / with_it.sum() / (without[0] / without.sum())
    assert alone["risk_ratio"] == pytest.approx(ratio, rel=1e-9)
    assert alone["odds_ratio"] == pytest.approx(with_it[0] * without[1] / (with_it[1] * without[0]), rel=1e-9)
    # Katz's interval of a risk ratio, a closed form
    error = np.sqrt(1 / with_it[0] - 1 / with_it.sum() + 1 / without[0] - 1 / without.sum())
    assert alone["risk_ratio_upper"] == pytest.approx(ratio * np.exp(1.959964 * error), rel=1e-6)
    rng = np.random.default_rng(4)
    again = []
    for _ in range(300):
        drawn = rng.multinomial(
            int(cells.pupils.sum()),
            np.concatenate([cells.events, cells.pupils - cells.events]) / cells.pupils.sum(),
        )
        events = drawn[: len(cells.pupils)].astype(float)
        other = RiskCells("y", cells.levels, cells.codes, events + drawn[len(cells.pupils) :], events)
        table = associations(fit_risk(other, adjust=list(LEVELS))).set_index("characteristic")
        again.append(np.log(table.loc["care", "risk_ratio"]))
    width = np.log(row["risk_ratio_upper"] / row["risk_ratio_lower"]) / (2 * 1.96)
    # a standard deviation of 300 has an error of 4 %
    assert np.std(again) == pytest.approx(width, rel=0.13)


def test_an_interaction_is_recovered_and_reported_both_ways():
    cells = _cells(_pupils(60_000, 6, both=-0.5))
    model = fit_risk(cells, adjust=list(LEVELS), interactions=[("sex", "care")])
    table = interaction_table(model).set_index("among")
    assert table.loc["None", "times"] == 1.0
    low, high = table.loc["In need", ["times_lower", "times_upper"]]
    assert low < np.exp(-0.5) < high
    counts = cells.counts("sex", "care")
    saturated = fit_risk(cells, adjust=["sex", "care"], interactions=[("sex", "care")])
    by_hand = counts[1, 1, 0] * counts[0, 1, 1] / (counts[1, 1, 1] * counts[0, 1, 0])
    assert interaction_table(saturated).set_index("among").loc["In need", "odds_ratio"] == pytest.approx(by_hand)


def test_three_sets_side_by_side_show_over_control():
    rng = np.random.default_rng(7)
    n = 40_000
    group = rng.random(n) < 0.2
    absent = rng.random(n) < np.where(group, 0.6, 0.1)  # lies between the group and the outcome
    y = rng.random(n) < expit(-3.5 + 2.0 * absent)
    frame = pd.DataFrame(
        {"group": np.where(group, "A", "B"), "absence": np.where(absent, "high", "low"), "y": y.astype(int)}
    )
    cells = RiskCells.from_frame(frame, outcome="y", characteristics=["group", "absence"])
    table = adjustment_sets(cells, demographics=["group"])
    assert list(table["set"]) == ["unadjusted", "demographics", "full"] * 2
    ratio = table.set_index(["characteristic", "set"])["odds_ratio"]
    assert ratio["group", "demographics"] > 2
    assert ratio["group", "full"] == pytest.approx(1.0, abs=0.2)
    assert any("can hide an association" in said for said in moved(table))


def test_risk_over_years_is_one_minus_the_product():
    frame = pd.concat([_pupils(20_000, seed).assign(year=year) for seed, year in ((8, "7"), (9, "8"))])
    cells = RiskCells.from_frame(frame, outcome="y", characteristics=["sex", "year"], references={"sex": "Girls"})
    model = fit_risk(cells, adjust=["sex", "year"], interactions=[("sex", "year")])
    table = profile_risks(model, {"girl": {}, "boy": {"sex": "Boys"}}, over="year").set_index("profile")
    counts = cells.counts("sex", "year")  # a saturated model gives back each cell's share
    spared = (counts[..., 1] / counts.sum(-1)).prod(axis=1)
    assert table["risk"].to_numpy() == pytest.approx(1 - spared, rel=1e-8)
    share = counts[0, :, 0] / counts[0].sum(-1)
    error = np.sqrt((share / ((1 - share) * counts[0].sum(-1))).sum()) * spared[0]  # Greenwood's formula
    width = (table.loc["girl", "risk_upper"] - table.loc["girl", "risk_lower"]) / (2 * 1.96)
    assert width == pytest.approx(error, rel=1e-2)


def test_small_groups_are_drawn_to_the_mean_and_never_ranked():
    frame = pd.DataFrame({"group": list("bacd"), "pupils": [1_000, 10, 900, 1_100], "y": [100, 2, 60, 130]})
    cells = RiskCells.from_frame(frame, outcome="y", characteristics=["group"], pupils="pupils")
    table = pooled_groups(cells, "group").set_index("level")
    assert list(table.index) == ["a", "b", "c", "d"]
    assert not [name for name in table.columns if "rank" in name]
    mean = 292 / 3_010
    assert abs(table.loc["a", "risk"] - mean) < 0.6 * abs(table.loc["a", "own_risk"] - mean)
    assert table.loc["d", "risk"] == pytest.approx(table.loc["d", "own_risk"], rel=0.05)


def test_pooling_gives_a_ratio_where_nobody_had_the_outcome():
    frame = pd.DataFrame({"group": list("abcd"), "pupils": [50, 900, 900, 900], "y": [0, 60, 90, 120]})
    cells = RiskCells.from_frame(frame, outcome="y", characteristics=["group"], pupils="pupils")
    with pytest.raises(EstimationError, match="name it in pool"):
        fit_risk(cells, adjust=["group"])
    table = associations(fit_risk(cells, adjust=["group"], pool=["group"]))
    assert np.isfinite(table["odds_ratio"]).all()


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"y": [2, 0, 1]}, "more than 1"),
        ({"y": ["yes", "no", "no"]}, "3 rows are no whole number"),
        ({"sex": ["Boys", "", "Girls"]}, "1 rows are blank"),
        ({"sex": ["Boys", "Boys", "Boys"]}, "it has 1 levels"),
    ],
)
def test_what_cannot_be_counted_is_refused(change, told):
    frame = pd.DataFrame({"sex": ["Boys", "Girls", "Girls"], "y": [1, 0, 1]} | change)
    with pytest.raises(DataError, match=told):
        RiskCells.from_frame(frame, outcome="y", characteristics=["sex"])


def test_a_normal_prior_is_weighed_with_the_data():
    # one coefficient, so that the posterior mode solves a scalar equation
    x, events, trials = np.ones((1, 1)), np.array([30.0]), np.array([100.0])
    fit = fit_logit(x, events, trials, prior_mean=np.array([-2.0]), prior_precision=np.array([40.0]))
    at = fit.coefficients[0]
    assert events[0] - trials[0] * expit(at) == pytest.approx(40 * (at + 2), abs=1e-6)
    assert fit.covariance[0, 0] == pytest.approx(1 / (40 + trials[0] * expit(at) * (1 - expit(at))), rel=1e-6)
