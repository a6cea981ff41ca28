"""Joining effects and costs: every number of a summary again by loops, and the rules no scenario may break."""

from __future__ import annotations

import math

import numpy as np
import pytest
import xarray as xr

from averting import units
from averting.appraisal import CENTRAL, NO_PROGRAMME, ProgrammeCost, Scenario, appraise
from averting.appraisal.appraisal import VIEWS
from averting.costs import Distribution, Override, deflate, load_parameters, overrides_from_table, savings
from averting.draws import resample
from averting.effects import Averted
from averting.errors import EvaluationError, ParameterError, UnitError
from averting.years import FinancialYear

PRICES, BASE = FinancialYear(2022), FinancialYear(2021)
DRAWS, SEED = 160, 9
PERIODS = ["2021/22", "2023/24"]
SLOWER = Scenario(
    "slower",
    "Pupils return later",
    {"return_to_mainstream_hazard": Override(Distribution.point(0.05), "A what-if.")},
)
SPEND = (
    ProgrammeCost(FinancialYear(2021), 60_000.0, "la_general_fund", FinancialYear(2019), "ledger"),
    ProgrammeCost(FinancialYear(2021), 5_000.0, "la_general_fund", FinancialYear(2022), "ledger"),
    ProgrammeCost(FinancialYear(2023), 40_000.0, "school", FinancialYear(2023), "an assumption"),
)


def averted_of(values, *, indicator="permanent_exclusions", draw_kind="posterior"):
    """Averted with the given numbers, (draw, school, period)."""
    values = np.asarray(values, dtype=float)
    change = xr.DataArray(
        -values,
        dims=("draw", "school", "period"),
        coords={
            "draw": np.arange(values.shape[0]),
            "school": [str(i) for i in range(values.shape[1])],
            "period": PERIODS[: values.shape[2]],
        },
    )
    return Averted.from_change(units.label(change, "events"), indicator=indicator, draw_kind=draw_kind)


def appraised(averted, **options):
    given = {"price_year": PRICES, "base_year": BASE, "draws": DRAWS, "seed": SEED, "programme": SPEND, **options}
    return appraise(averted, load_parameters("high_needs_block"), **given)


@pytest.fixture(scope="module")
def averted():
    return averted_of(np.random.default_rng(4).normal(1.5, 2.0, (110, 2, 2)))


@pytest.fixture(scope="module")
def appraisal(averted):
    return appraised(averted, scenarios=(CENTRAL, SLOWER))


def _linear_quantile(values, share):
    values, at = sorted(values), share * (len(values) - 1)
    below = math.floor(at)
    above = min(below + 1, len(values) - 1)
    return values[below] + (at - below) * (values[above] - values[below])


def _reference(averted, scenario, view, level):
    """One row of the summary by loops over draws, lines, payers and years."""
    sample = resample(averted.by_period(), DRAWS, seed=SEED, key="appraisal/averted")
    drawn = load_parameters("high_needs_block").under(scenario.overrides).draw(DRAWS, seed=SEED)
    saved = savings(sample, drawn, price_year=PRICES)
    amounts = saved.transpose("draw", "line", "payer", "year").to_numpy()
    gross, net, cost = [], [], 0.0
    for item in SPEND:
        in_prices = item.amount * deflate(1.0, price_year=item.price_year, to=PRICES)
        cost += in_prices / 1.035 ** (item.year.start - BASE.start)
    for draw in range(DRAWS):
        total = 0.0
        for line, kind in enumerate(saved["kind"].to_numpy()):
            # cash and transfers in both views, freed places in the wider one only
            if kind == "capacity" and view == "cashable":
                continue
            for payer in range(saved.sizes["payer"]):
                for at, year in enumerate(saved["year"].to_numpy()):
                    total += float(amounts[draw, line, payer, at]) / 1.035 ** (int(year) - BASE.start)
        gross.append(total)
        net.append(total - cost)
    tail = (1 - level) / 2
    return {
        "savings_mean": sum(gross) / DRAWS,
        "programme_cost": cost,
        "npv_mean": sum(net) / DRAWS,
        "npv_median": _linear_quantile(net, 0.5),
        "npv_lower": _linear_quantile(net, tail),
        "npv_upper": _linear_quantile(net, 1 - tail),
        "bcr": sum(gross) / DRAWS / cost,
        "chance_of_paying": sum(value > 0 for value in net) / DRAWS,
    }


@pytest.mark.parametrize("view", VIEWS)
@pytest.mark.parametrize("scenario", [CENTRAL, SLOWER], ids=lambda scenario: scenario.key)
def test_every_number_of_the_summary_again_by_loops(averted, appraisal, scenario, view):
    rows = appraisal.summary(0.9)
    found = rows[(rows["scenario"] == scenario.key) & (rows["view"] == view)].iloc[0]
    expected = _reference(averted, scenario, view, 0.9)
    assert set(expected) == set(rows.columns) - {"scenario", "view"}
    for key, value in expected.items():
        assert found[key] == pytest.approx(value, rel=1e-9), key


def test_the_summary_has_a_row_for_each_scenario_and_view(appraisal):
    pairs = [*map(tuple, appraisal.summary()[["scenario", "view"]].to_numpy())]
    assert pairs == [(key, view) for key in ("no_programme", "central", "slower") for view in VIEWS]


def test_doing_nothing_saves_nothing_and_costs_nothing(appraisal):
    assert appraisal.scenarios[0] == NO_PROGRAMME
    for array in (
        appraisal.flows,
        appraisal.present,
        appraisal.savings(),
        appraisal.programme_cost(),
        appraisal.npv(),
    ):
        assert not array.sel(scenario="no_programme").any()
    assert appraisal.bcr().sel(scenario="no_programme").isnull().all()
    assert not appraisal.chance_of_paying().sel(scenario="no_programme").any()


def test_doing_nothing_is_added_once(averted):
    nothing = Scenario("none_at_all", "Nothing", programme=False)
    assert [one.key for one in appraised(averted, scenarios=(CENTRAL, nothing)).scenarios] == [
        "central",
        "none_at_all",
    ]
    assert [one.key for one in appraised(averted).scenarios] == ["no_programme", "central"]


def test_scenarios_share_draws(averted, appraisal):
    alone = appraised(averted)
    assert alone.npv().sel(scenario="central").equals(appraisal.npv().sel(scenario="central"))
    # a scenario that changes nothing is the central one, draw by draw
    same = appraised(averted, scenarios=(CENTRAL, Scenario("same", "The same")))
    assert np.array_equal(same.npv().sel(scenario="same"), same.npv().sel(scenario="central"))


def test_scenarios_are_compared_draw_by_draw(averted, appraisal):
    """With common draws, pupils who return later save more in every draw in which exclusions were averted."""
    total = resample(averted.by_period(), DRAWS, seed=SEED, key="appraisal/averted")
    more = (total > 0).all("period").to_numpy()
    gain = appraisal.savings().sel(scenario="slower") - appraisal.savings().sel(scenario="central")
    hazard = load_parameters("high_needs_block").draw(DRAWS, seed=SEED)["return_to_mainstream_hazard"].to_numpy()
    changed = more & (hazard > 0.05)
    assert changed.sum() > 10
    assert (gain.sel(view="cashable_and_capacity").to_numpy()[changed] > 0).all()


def test_seeds_name_the_draws(averted, appraisal):
    again = appraised(averted, scenarios=(CENTRAL, SLOWER))
    assert again.present.identical(appraisal.present)
    assert (
        not appraised(averted, seed=SEED + 1).npv().equals(again.npv().sel(scenario=["no_programme", "central"]))
    )


def test_averting_exclusions_at_no_cost_is_worth_something():
    npv = appraised(averted_of(np.full((50, 1, 2), 2.0)), programme=()).npv().sel(scenario="central")
    assert (npv.sel(view="cashable_and_capacity") > 0).all()


def test_more_exclusions_cost_what_fewer_save():
    up, down = (appraised(averted_of(np.full((50, 1, 2), sign)), programme=()) for sign in (1.0, -1.0))
    np.testing.assert_allclose(up.npv(), -down.npv(), rtol=1e-12)


def test_nothing_averted_leaves_the_cost():
    appraisal = appraised(averted_of(np.zeros((20, 1, 2))))
    central = appraisal.npv().sel(scenario="central")
    np.testing.assert_allclose(central, -appraisal.programme_cost().sel(scenario="central"))
    assert (central < 0).all()
    assert not appraisal.chance_of_paying().any()
    assert not appraisal.bcr().sel(scenario="central").any()


def test_twice_the_schools_save_twice_as_much():
    one, two = (appraised(averted_of(np.full((30, schools, 2), 0.5)), programme=()) for schools in (1, 2))
    np.testing.assert_allclose(two.savings(), 2 * one.savings(), rtol=1e-12)


def test_without_a_programme_cost_there_is_no_ratio(averted):
    appraisal = appraised(averted, programme=())
    assert not appraisal.has_programme_cost
    assert appraisal.bcr().isnull().all()
    assert appraisal.npv().equals(appraisal.savings())
    assert appraisal.summary()["programme_cost"].eq(0).all()


def test_spend_in_other_prices_is_brought_to_the_same(averted):
    appraisal = appraised(averted)
    flows = appraisal.flows.sel(scenario="central", line="programme").isel(draw=0)
    first = 60_000 * deflate(1.0, price_year=FinancialYear(2019), to=PRICES) + 5_000
    second = 40_000 * deflate(1.0, price_year=FinancialYear(2023), to=PRICES)
    assert float(flows.sel(payer="la_general_fund", year=2021)) == pytest.approx(-first)
    assert float(flows.sel(payer="school", year=2023)) == pytest.approx(-second)
    assert float(flows.sum()) == pytest.approx(-first - second)
    assert appraisal.flows.attrs == {"units": "GBP", "price_year": "2022-23", "basis": "undiscounted"}


def test_spend_is_certain_and_the_same_in_every_scenario_that_acts(appraisal):
    cost = appraisal.programme_cost()
    assert np.ptp(cost.sel(scenario=["central", "slower"]).to_numpy()) == pytest.approx(0, abs=1e-6)


def test_transfers_between_payers_net_to_zero(appraisal):
    for flows in (appraisal.by_payer(), appraisal.flows.groupby("kind").sum()):
        transfer = flows.sel(kind="transfer")
        assert np.abs(transfer).max() > 100
        np.testing.assert_allclose(transfer.sum("payer"), 0, atol=1e-6)


def test_payers_and_kinds_add_up_to_the_whole(appraisal):
    by_payer = appraisal.by_payer()
    np.testing.assert_allclose(
        by_payer.sum(("payer", "kind")), appraisal.npv().sel(view="cashable_and_capacity"), atol=1e-6
    )


def test_freed_places_stand_only_in_the_wider_view(appraisal):
    capacity = appraisal.by_payer().sel(kind="capacity").sum("payer")
    gap = appraisal.savings().sel(view="cashable_and_capacity") - appraisal.savings().sel(view="cashable")
    np.testing.assert_allclose(gap, capacity, atol=1e-6)
    assert np.abs(capacity).max() > 100


def test_flows_as_a_table_add_up(appraisal):
    frame = appraisal.to_frame()
    assert frame["present_value"].sum() == pytest.approx(float(appraisal.present.mean("draw").sum()))
    assert not frame.eq(0)[["undiscounted", "present_value"]].all(axis=None)
    assert "no_programme" not in set(frame["scenario"])
    keys = ["scenario", "line", "payer", "year"]
    assert not frame.duplicated(keys).any()


def test_the_base_year_sets_the_basis_and_not_the_order(averted):
    now, earlier = appraised(averted), appraised(averted, base_year=FinancialYear(2020))
    np.testing.assert_allclose(earlier.npv() * 1.035, now.npv(), rtol=1e-9, atol=1e-6)
    np.testing.assert_allclose(earlier.bcr(), now.bcr(), rtol=1e-9)
    assert now.present.attrs["basis"] == "present_value"


def test_suspensions_are_not_valued_as_pupils():
    events = averted_of(np.ones((10, 1, 2)), indicator="suspensions")
    with pytest.raises(UnitError, match="averted: units is 'events', but 'pupils'"):
        appraised(events)


@pytest.mark.parametrize("keys", [("central", "central"), ("a", "b", "a"), ("no_programme", "central")])
def test_two_scenarios_of_one_key_are_refused(averted, keys):
    with pytest.raises(EvaluationError, match="share a key"):
        appraised(averted, scenarios=[Scenario(key, key) for key in keys])


def test_spend_or_pupils_before_the_base_year_are_refused(averted):
    with pytest.raises(UnitError, match="begin 1 years before the base year"):
        appraised(averted, programme=(), base_year=FinancialYear(2022))
    early = ProgrammeCost(FinancialYear(2019), 1.0, "school", FinancialYear(2019), "ledger")
    with pytest.raises(UnitError, match="begin 2 years before the base year"):
        appraised(averted, programme=(early,))


def test_an_unknown_override_is_refused_with_the_known(averted):
    odd = Scenario("odd", "Odd", {"gold": Override(Distribution.point(1.0), "r")})
    with pytest.raises(ParameterError, match=r"override 'gold'.*Known keys: return_to_mainstream_hazard"):
        appraised(averted, scenarios=(CENTRAL, odd))


def test_inputs_are_left_as_they_were(averted):
    before = averted.quantity.copy(deep=True)
    appraised(averted, scenarios=(CENTRAL, SLOWER))
    assert averted.quantity.identical(before)


def test_the_kind_of_draws_is_carried(averted):
    assert appraised(averted).draw_kind == "posterior"
    confidence = averted_of(np.ones((10, 1, 2)), draw_kind="confidence")
    assert appraised(confidence).draw_kind == "confidence"


def test_the_appraisal_says_what_it_is(appraisal):
    assert repr(appraisal) == "Appraisal(no_programme, central, slower; 2022-23 prices, present value in 2021-22)"


def test_scenarios_that_count_other_lines_are_refused(averted):
    """Giving a line's missing number in one scenario alone would compare totals of different things."""
    families = load_parameters("after_exclusion")
    given = overrides_from_table(
        {"transport": {"value": 4_000, "price_year": "2023-24", "reason": "ours"}}, where="t"
    )
    waking = Scenario("waking", "With transport", given)
    years = {"base_year": BASE, "price_year": PRICES, "draws": 20}
    with pytest.raises(EvaluationError, match=r"'waking': it gives transport, so it counts the line transport"):
        appraise(averted, families, scenarios=(CENTRAL, waking), **years)
    # given for all, every scenario counts it
    both = appraise(averted, families.under(given), scenarios=(CENTRAL, Scenario("other", "Other")), **years)
    assert "transport" in both.flows["line"].to_numpy()
