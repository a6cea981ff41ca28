"""Entropy balancing against a closed form, and against a general optimiser of the problem as Hainmueller states it."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy.optimize import LinearConstraint, minimize

from averting.data import Panel
from averting.design import Design, EntropyBalancing, SameAsPilots, balance
from averting.design.entropy import balanced_weights
from averting.errors import DesignError

YEARS = ("2016/17", "2017/18", "2018/19", "2021/22")
PILOTS = ("100000", "100001")


def frame(*, schools: int = 40, after: int = 1) -> pd.DataFrame:
    rng = np.random.default_rng(5)
    rows = []
    for number in range(schools):
        level, fsm = rng.uniform(10, 60), rng.uniform(5, 50)
        for year in YEARS:
            rows.append(
                {
                    "urn": f"{100_000 + number}",
                    "year": year,
                    "pupils": 700 + 10 * number,
                    "suspensions": int(rng.poisson(level)) * (after if year == YEARS[-1] else 1),
                    "fsm": fsm,
                }
            )
    table = pd.DataFrame(rows)
    # pilots well inside the others, so that a match exists
    inside = table["urn"].isin(PILOTS)
    table.loc[inside, "fsm"] = np.where(table.loc[inside, "urn"] == PILOTS[0], 24.0, 33.0)
    table.loc[inside & (table["year"] != YEARS[-1]), "suspensions"] = 38
    table.loc[inside, "pupils"] = 930
    return table


def panel_of(table: pd.DataFrame) -> Panel:
    return Panel.from_frame(
        table, school="urn", period="year", counts=["suspensions"], exposure="pupils", covariates=["fsm"]
    )


def design_of(table: pd.DataFrame, rule: EntropyBalancing) -> Design:
    return Design(panel_of(table), PILOTS, start=YEARS[-1], comparison=rule)


def test_one_trait_has_a_closed_form() -> None:
    # of three schools with the trait and seven without, at a target share of 0.6: 0.6 / 3 and 0.4 / 7 each
    trait = np.array([1.0] * 3 + [0.0] * 7)[:, None]
    weights = balanced_weights(trait, np.array([0.6]), ["trait"])
    np.testing.assert_allclose(weights, [0.6 / 3] * 3 + [0.4 / 7] * 7, rtol=1e-8)


def test_weights_are_those_of_the_primal_problem() -> None:
    rng = np.random.default_rng(2)
    donors = rng.normal(size=(15, 3)) * [1.0, 20.0, 0.1]
    target = rng.dirichlet(np.ones(15)) @ donors

    def entropy(w: np.ndarray) -> float:
        return float((w * np.log(w)).sum())

    spread = donors.std(axis=0)
    found = minimize(
        entropy,
        np.full(15, 1 / 15),
        jac=lambda w: np.log(w) + 1,
        bounds=[(1e-9, 1)] * 15,
        constraints=[
            LinearConstraint(np.ones((1, 15)), 1, 1),
            LinearConstraint(donors.T / spread[:, None], target / spread, target / spread),
        ],
        method="SLSQP",
        options={"ftol": 1e-14, "maxiter": 1_000},
    )
    weights = balanced_weights(donors, target, ["a", "b", "c"])
    assert found.success
    # the optimiser's own accuracy, not ours
    np.testing.assert_allclose(weights, found.x, atol=1e-5)
    assert entropy(weights) <= found.fun + 1e-9


def test_a_measure_twice_changes_nothing() -> None:
    donors = np.random.default_rng(3).normal(size=(30, 2))
    target = np.array([0.2, -0.1])
    once = balanced_weights(donors, target, ["a", "b"])
    twice = balanced_weights(np.hstack([donors, 3 * donors]), np.concatenate([target, 3 * target]), list("abcd"))
    np.testing.assert_allclose(once, twice, rtol=1e-6)


def test_what_cannot_be_matched_is_named_and_by_how_much() -> None:
    donors = np.random.default_rng(4).uniform(size=(50, 2))
    spread = donors[:, 1].std()
    # as large as the school with the most, so that only fsm is out of reach
    target = donors[donors[:, 1].argmax()] + [0.0, 2 * spread]
    with pytest.raises(DesignError, match="No weights make") as refused:
        balanced_weights(donors, target, ["size", "fsm"])
    assert "fsm" in str(refused.value)
    assert "size" not in str(refused.value)
    assert "2.00 standard deviations above" in str(refused.value)


def test_measures_that_cannot_hold_together_are_refused() -> None:
    # within the range of each, but no donor is high in both
    donors = np.array([[0.0, 1.0], [1.0, 0.0], [0.0, 0.0], [0.2, 0.3]])
    with pytest.raises(DesignError, match="No weights make"):
        balanced_weights(donors, np.array([0.8, 0.8]), ["a", "b"])


def test_on_the_edge_only_the_schools_there_have_weight() -> None:
    donors = np.array([[0.0], [1.0], [2.0], [2.0]])
    weights = balanced_weights(donors, np.array([2.0]), ["size"])
    np.testing.assert_allclose(weights, [0, 0, 0.5, 0.5], atol=1e-8)


def test_means_before_the_start_are_equal() -> None:
    design = design_of(frame(), EntropyBalancing())
    table = balance(design).set_index("measure")
    assert design.weighted
    assert sum(design.weights.values()) == pytest.approx(len(design.comparison))
    np.testing.assert_allclose(table["standardised_difference"], 0, atol=1e-8)
    assert table["unweighted_difference"].abs().max() > 0.05


def test_nothing_after_the_start_bears_on_the_weights() -> None:
    plain, later = (design_of(frame(after=factor), EntropyBalancing()) for factor in (1, 5))
    assert plain.weights == later.weights


def test_whole_paths_and_spread_are_matched_where_asked_for() -> None:
    table = frame()
    rule = EntropyBalancing(on=["fsm"], by_period=["suspensions"], moments=2)
    design = design_of(table, rule)
    weights = np.array([design.weights[school] for school in design.comparison])
    table["rate"] = 100 * table["suspensions"] / table["pupils"]
    early = table[table["year"] != YEARS[-1]]
    for year in YEARS[:-1]:
        rates = early[early["year"] == year].set_index("urn")["rate"]
        others = np.average(rates[list(design.comparison)], weights=weights)
        assert others == pytest.approx(rates[list(PILOTS)].mean())
    fsm = early.groupby("urn")["fsm"].mean()
    mine, theirs = fsm[list(PILOTS)], fsm[list(design.comparison)]
    level = np.average(theirs, weights=weights)
    assert level == pytest.approx(mine.mean())
    assert np.average((theirs - level) ** 2, weights=weights) == pytest.approx(mine.var(ddof=0))


def test_effective_number_is_said() -> None:
    design = design_of(frame(), EntropyBalancing())
    weights = np.array(list(design.weights.values()))
    check = {check.key: check for check in design.checks}["design/effective_comparison"]
    assert design.effective_comparison == pytest.approx(weights.sum() ** 2 / (weights**2).sum())
    assert f"as much as {design.effective_comparison:.1f} of equal weight" in check.message
    assert check.status == "pass"
    few = design_of(frame(schools=11), EntropyBalancing(on=["fsm"]))
    assert {check.key: check.status for check in few.checks}["design/effective_comparison"] == "warn"


def test_equal_weights_say_nothing_of_an_effective_number() -> None:
    design = Design(panel_of(frame()), PILOTS, start=YEARS[-1])
    assert design.effective_comparison == pytest.approx(len(design.comparison))
    assert "design/effective_comparison" not in {check.key for check in design.checks}


def test_the_pool_decides_who_may_have_weight() -> None:
    pool = SameAsPilots(on=(), exclude=("100005",))
    design = design_of(frame(), EntropyBalancing(on=["fsm"], pool=pool))
    assert "100005" not in design.comparison
    assert design.rule.endswith("1 named school left out")


@pytest.mark.parametrize(
    ("rule", "pilots", "found"),
    [
        (EntropyBalancing(on=["ofsted"]), PILOTS, "cannot be compared on ofsted"),
        (EntropyBalancing(by_period=["fsm"]), PILOTS, "by_period names fsm"),
        (EntropyBalancing(moments=2), PILOTS[:1], "one pilot has no spread"),
    ],
)
def test_faults(rule: EntropyBalancing, pilots: tuple[str, ...], found: str) -> None:
    with pytest.raises(DesignError, match=found):
        Design(panel_of(frame()), pilots, start=YEARS[-1], comparison=rule)


def test_weights_on_top_of_a_weighting_rule_are_refused() -> None:
    weights = {f"{100_000 + number}": 1.0 for number in range(2, 40)}
    with pytest.raises(DesignError, match="weights schools itself"):
        Design(panel_of(frame()), PILOTS, start=YEARS[-1], comparison=EntropyBalancing(), weights=weights)


def test_three_moments_are_not_offered() -> None:
    with pytest.raises(DesignError, match="moments is 3"):
        EntropyBalancing(moments=3)
