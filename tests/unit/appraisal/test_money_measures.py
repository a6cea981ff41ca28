"""Measures, adjustments and sensitivity: against a second, slow account that shares no code with the first."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import xarray as xr

from averting import units
from averting.appraisal import Adjustment, ProgrammeCost, Scenario, appraise
from averting.appraisal.adjustments import distributional_weight
from averting.appraisal.measures import (
    appraisal_summary_table,
    cashable_by_year,
    contributor_returns,
    cost_per_averted,
    payback,
    quadrants,
    weighted_npv,
)
from averting.appraisal.sensitivity import (
    Case,
    break_even,
    break_even_averted,
    break_even_grid,
    one_way,
    two_way,
)
from averting.costs import Distribution, Override, load_parameters
from averting.effects import Averted
from averting.errors import EvaluationError
from averting.years import FinancialYear

YEAR = FinancialYear(2023)


def averted_of(values, periods=("2022/23", "2023/24")):
    values = np.asarray(values, dtype=float)
    coords = {"draw": np.arange(len(values)), "school": ["1"], "period": list(periods)}
    change = xr.DataArray(-values[:, None, :], dims=("draw", "school", "period"), coords=coords)
    change = units.label(change, "events")
    return Averted.from_change(change, indicator="permanent_exclusions", draw_kind="posterior")


def spend(amount=50_000.0):
    return (ProgrammeCost(FinancialYear(2022), amount, "la_general_fund", YEAR, "ledger"),)


def appraised(averted, *scenarios, programme=None, draws=200):
    return appraise(
        averted, load_parameters("high_needs_block"), base_year=FinancialYear(2022), price_year=YEAR,
        programme=spend() if programme is None else programme, scenarios=scenarios or (Scenario("central", "Central"),),
        draws=draws, seed=2,
    )  # fmt: skip


@pytest.fixture(scope="module")
def some():
    return averted_of(np.random.default_rng(1).normal(2, 1, (200, 2)))


@pytest.fixture(scope="module")
def appraisal(some):
    return appraised(some)


def slow_account(appraisal, view):
    """Every total again from a table of flows, in plain Python, with the discount factor written out."""
    kinds = {"cashable": {"cashable", "transfer"}, "cashable_and_capacity": {"cashable", "transfer", "capacity"}}[
        view
    ]
    flows = appraisal.flows.sel(scenario="central")
    totals = {"saved": 0.0, "spent": 0.0, "payers": {}, "years": {}}
    for _, cell in flows.to_series().reset_index().iterrows():
        line = cell["line"]
        kind = str(flows["kind"].sel(line=line).item())
        amount = cell.iloc[-1] / flows.sizes["draw"]
        present = amount / (1.035 ** (cell["year"] - 2022))
        if line == "programme":
            totals["spent"] -= present
        elif kind in kinds:
            totals["saved"] += present
            totals["payers"][cell["payer"]] = totals["payers"].get(cell["payer"], 0.0) + present
        if line == "programme" or kind in kinds:
            totals["years"][cell["year"]] = totals["years"].get(cell["year"], 0.0) + amount
    return totals


@pytest.mark.parametrize("view", ["cashable", "cashable_and_capacity"])
def test_a_sign_or_a_unit_cannot_slip(some, view):
    appraisal = appraised(some, draws=12)
    slow = slow_account(appraisal, view)
    at = {"scenario": "central", "view": view}
    assert float(appraisal.npv().sel(at).mean()) == pytest.approx(slow["saved"] - slow["spent"])
    assert float(appraisal.bcr().sel(at)) == pytest.approx(slow["saved"] / slow["spent"])
    shares = {"la_high_needs": 0.75, "school": 0.25}
    returns = contributor_returns(appraisal, shares, view=view).set_index("payer")
    for payer, gets in slow["payers"].items():
        assert returns.loc[payer, "gets"] == pytest.approx(gets)
        assert returns.loc[payer, "pays"] == pytest.approx(shares.get(payer, 0.0) * slow["spent"])
    assert returns["net"].sum() == pytest.approx(slow["saved"] - slow["spent"])
    running, back = 0.0, ""
    for year, amount in sorted(slow["years"].items()):
        running += amount
        back = (back or f"{int(year)}-{int(year + 1) % 100:02d}") if running >= 0 else ""
    found = payback(appraisal).query("view == @view and not discounted")["year"].item()
    assert found == back


def test_payback_is_by_hand():
    averted = averted_of(np.full((5, 1), 3.0), periods=("2022/23",))
    cheap, dear = (payback(appraised(averted, programme=spend(cost))) for cost in (1.0, 1e8))
    assert set(dear["year"]) == {""}
    assert dear["chance"].eq(0).all()
    assert cheap.query("view == 'cashable_and_capacity'")["year"].tolist() == ["2022-23", "2022-23"]
    assert payback(appraised(averted, programme=())).empty


def test_cash_by_year_adds_up(appraisal):
    table = cashable_by_year(appraisal)
    assert (table["lower"] <= table["upper"]).all()
    undiscounted = appraisal.flows.isel(line=np.isin(appraisal.flows["kind"], ["cashable", "transfer"]))
    undiscounted = undiscounted.sel(line=undiscounted["line"] != "programme")
    assert table["mean"].sum() == pytest.approx(float(undiscounted.mean("draw").sum()))


def test_cost_per_averted_is_a_ratio_of_means_or_nothing(appraisal):
    row = cost_per_averted(appraised(averted_of(np.full((50, 2), 2.0) + np.arange(50)[:, None] / 50))).iloc[0]
    assert row["cost_per_averted"] == pytest.approx(row["programme_cost"] / row["averted_mean"])
    unsure = appraised(averted_of(np.random.default_rng(1).normal(0.5, 2, (200, 2))))
    row = cost_per_averted(unsure).iloc[0]
    assert np.isnan(row["cost_per_averted"])
    assert "uncertain" in row["note"]
    plane = quadrants(unsure, "cashable").iloc[0, 2:]
    assert plane.sum() == pytest.approx(1)
    assert plane["more_saves"] == 0
    assert plane["averts_saves"] + plane["more_saves"] == pytest.approx(
        float(unsure.chance_of_paying().sel(scenario="central", view="cashable"))
    )


def test_adjustments_do_what_they_say(some):
    def changed(kind, amount):
        return Scenario(kind, kind, adjustments=(Adjustment(kind, amount, "a test"),))

    asked = [("optimism_bias", 0.4), ("deadweight", 0.25), ("displacement", 0.5), ("drop_off", 1.0), ("lag", 2)]
    appraisal = appraised(some, Scenario("central", "Central"), *(changed(*one) for one in asked))
    cost, saved = appraisal.programme_cost().isel(view=0).mean("draw"), appraisal.savings().isel(view=1)
    assert float(cost.sel(scenario="optimism_bias")) == pytest.approx(1.4 * float(cost.sel(scenario="central")))
    for key, kept in (("deadweight", 0.75), ("displacement", 0.5), ("lag", 1.035**-2), ("optimism_bias", 1.0)):
        np.testing.assert_allclose(saved.sel(scenario=key), kept * saved.sel(scenario="central"), rtol=1e-9)
    first = appraised(averted_of(some.by_period().to_numpy() * [1, 0]))
    faded = saved.sel(scenario="drop_off")
    np.testing.assert_allclose(faded, first.savings().sel(scenario="central").isel(view=1), rtol=1e-9)
    lagged = appraisal.flows.sel(scenario="lag").mean("draw").sum(("line", "payer"))
    central = appraisal.flows.sel(scenario="central").mean("draw").sum(("line", "payer"))
    assert float(lagged.sum()) == pytest.approx(float(central.sum()))


@pytest.mark.parametrize(
    ("kind", "amount", "reason"),
    [("magic", 0.1, "x"), ("deadweight", 1.5, "x"), ("lag", 0.5, "x"), ("drop_off", 0.1, " "), ("lag", -1, "x")],
)
def test_adjustments_are_refused(kind, amount, reason):
    with pytest.raises(EvaluationError):
        Adjustment(kind, amount, reason)


def test_weights_count_each_payer(appraisal):
    at = {"scenario": "central", "view": "cashable"}
    same = weighted_npv(appraisal, {}, view="cashable").sel(scenario="central")
    np.testing.assert_allclose(same, appraisal.npv().sel(at), atol=1e-6)
    double = weighted_npv(appraisal, {"la_general_fund": 2.0}, view="cashable").sel(scenario="central")
    np.testing.assert_allclose(double, same - 50_000, atol=1e-6)
    # a household at half the reference income, as the Green Book's formula gives it
    assert distributional_weight(10.0, reference=20.0) == pytest.approx(2**1.3)
    with pytest.raises(EvaluationError, match="nobody"):
        weighted_npv(appraisal, {"nobody": 2.0}, view="cashable")


def test_shares_of_a_pooled_budget_make_one(appraisal):
    for shares in ({"school": 0.5}, {"nobody": 1.0}, {"school": 1.5, "dfe": -0.5}):
        with pytest.raises(EvaluationError, match="pooled budget"):
            contributor_returns(appraisal, shares)


def test_summary_table_has_what_is_not_valued(appraisal):
    table = appraisal_summary_table(appraisal).set_index("measure")
    assert list(table.columns) == ["no_programme", "central"]
    assert "later earnings" in table.loc["Not valued", "central"]
    assert table.loc["Present value of the programme's cost (£)", "central"] == pytest.approx(50_000)


@pytest.fixture(scope="module")
def case(some):
    parameters = load_parameters("high_needs_block")
    return Case(some, parameters, FinancialYear(2022), YEAR, spend(), view="cashable_and_capacity", draws=40)


def test_tornado_changes_one_thing_and_keeps_the_other_draws(case):
    table = one_way(case, names=["averted", "ap_top_up"])
    assert table["swing"].is_monotonic_decreasing
    row = table.set_index("name").loc["ap_top_up"]
    override = {"ap_top_up": Override(Distribution.point(row["high"]), "a test", price_year=FinancialYear(2021))}
    again = replace(case, scenario=Scenario("central", "Central", override)).npv()
    price = case.parameters["ap_top_up"].price_year
    assert price == FinancialYear(2021)
    assert row["npv_high"] == pytest.approx(again)
    assert row["npv_low"] < row["npv"] < row["npv_high"]


def test_grid_of_two_is_one_way_at_its_edges(case):
    grid = two_way(case, "averted", [0.0, 1.0], "programme_cost", [1.0, 2.0])
    assert float(grid.sel(averted=0.0, programme_cost=2.0)) == pytest.approx(-100_000)
    assert float(grid.sel(averted=1.0, programme_cost=1.0)) == pytest.approx(case.npv())


def test_break_even_makes_it_pay_exactly(case):
    found = break_even(case, "programme_cost")
    assert case.with_value("programme_cost", found.value).npv() == pytest.approx(0, abs=1)
    count = break_even_averted(case)
    saved = case.with_value("programme_cost", 0.0).npv()
    total = float(case.averted.total().mean())
    # averted in other proportions over the two years, so worth a little more or less each
    assert count == pytest.approx(50_000 / (saved / total), rel=0.1)
    none = break_even(case.with_value("programme_cost", 1_000.0), "ap_top_up")
    assert none.value is None
    assert "no value in the plausible band makes it pay" in str(none)
    at = break_even(case, "averted")
    assert ("starts to pay" in str(at)) == (case.npv() < 0)
    with pytest.raises(EvaluationError, match="nothing called 'x'"):
        break_even(case, "x")


def test_the_map_of_where_it_pays_is_whole_appraisals(case):
    """Each cell is an appraisal of that many averted for certain at that cost; the line of zero is break_even_averted."""
    counts, values = [-2.0, 0.0, 3.0], [4_000.0, 12_000.0]
    grid = break_even_grid(case, "ap_top_up", counts=counts, values=values)
    assert grid.dims == ("averted", "ap_top_up")
    np.testing.assert_allclose(grid.sel(averted=0.0), -50_000, atol=0.01)
    certain = replace(case, averted=averted_of(np.full((200, 2), 1.5)))
    for value in values:
        whole = certain.with_value("ap_top_up", value).appraisal().npv().sel(scenario="central", view=case.view)
        assert float(grid.sel(averted=3.0, ap_top_up=value)) == pytest.approx(float(whole.mean()), abs=0.01)
    needed = break_even_averted(case.with_value("ap_top_up", 12_000.0))
    at = break_even_grid(case, "ap_top_up", counts=[needed], values=[12_000.0])
    assert float(at.squeeze()) == pytest.approx(0, abs=0.05)
    with pytest.raises(EvaluationError, match="nothing called 'x'"):
        break_even_grid(case, "x", counts=counts, values=values)


@pytest.mark.parametrize(
    "ask",
    [
        lambda made: quadrants(made, "all"),
        lambda made: contributor_returns(made, {"school": 1.0}, view="all"),
        lambda made: weighted_npv(made, {"school": 2.0}, view="all"),
        lambda made: appraisal_summary_table(made, view="all"),
    ],
)
def test_an_unknown_view_is_refused_with_those_there_are(appraisal, ask):
    with pytest.raises(EvaluationError, match=r"no view 'all'\. Use one of: cashable, cashable_and_capacity"):
        ask(appraisal)
