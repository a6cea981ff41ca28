"""A wider programme against sums done by hand, and a tornado against whole appraisals."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr

from averting import units
from averting.appraisal import ProgrammeCost, appraise
from averting.appraisal.scale_up import CAVEAT, ScaleUp, averted_by_school_year, scale_up, scale_up_table
from averting.appraisal.sensitivity import Case, one_way
from averting.costs import load_parameters
from averting.effects import Averted
from averting.errors import EvaluationError
from averting.years import AcademicYear, FinancialYear

BASE, PRICES = FinancialYear(2022), FinancialYear(2023)


def averted_of(values):
    change = xr.DataArray(
        -np.asarray(values, dtype=float),
        dims=("draw", "school", "period"),
        coords={
            "draw": range(len(values)),
            "school": [f"s{i}" for i in range(len(values[0]))],
            "period": ["2022/23", "2023/24"],
        },
    )
    return Averted.from_change(
        units.label(change, "events"), indicator="permanent_exclusions", draw_kind="bootstrap"
    )


def plan(**changes):
    about = {
        "start": AcademicYear(2024),
        "years": 4,
        "schools": 10,
        "fixed_cost": 1_000.0,
        "cost_per_school": 200.0,
    }
    about |= {"payer": "la_general_fund", "price_year": PRICES, "source": "invented"}
    return ScaleUp(**{**about, **changes})


def test_schools_join_and_their_effect_fades_by_hand():
    wider = plan(ramp_up=(0.2, 0.5, 1.0), fade_out=0.5, dilution=0.25)
    assert wider.taking_part.tolist() == [2, 5, 10, 10]
    # 2 join, then 3, then 5: each halves every year; a quarter of the effect is lost
    by_hand = [2, 3 + 1, 5 + 1.5 + 0.5, 2.5 + 0.75 + 0.25]
    assert wider.at_work == pytest.approx([0.75 * value for value in by_hand])
    assert [cost.amount for cost in wider.costs()] == [1_400, 2_000, 3_000, 3_000]
    assert [cost.year.start for cost in wider.costs()] == [2024, 2025, 2026, 2027]


def test_a_school_that_starts_later_counts_its_own_years_only():
    averted = averted_of([[[1.0, 3.0], [0.0, 2.0]], [[2.0, 2.0], [0.0, 5.0]]])
    # three school-years at work: 6 / 3 and 9 / 3
    assert averted_by_school_year(averted).to_numpy() == pytest.approx([2.0, 3.0])


def test_the_same_schools_and_years_without_loss_are_the_pilots_again():
    draws = np.random.default_rng(1).normal(1, 1, (300, 3, 2))
    averted, parameters = averted_of(draws), load_parameters("high_needs_block")
    same = plan(start=AcademicYear(2022), years=2, schools=3)
    wider = scale_up(averted, parameters, same, base_year=BASE, price_year=PRICES, draws=300)
    table = scale_up_table(wider, same)
    assert table["averted_mean"].iloc[0] == pytest.approx(draws.sum(axis=(1, 2)).mean())
    assert table["programme_cost"].iloc[0] == pytest.approx(1_600 + 1_600 / 1.035)
    twice = scale_up(averted, parameters, plan(start=AcademicYear(2022), years=2, schools=6), base_year=BASE,
                     price_year=PRICES, draws=300)  # fmt: skip
    ratio = twice.savings().sel(scenario="wider") / wider.savings().sel(scenario="wider")
    assert ratio.to_numpy() == pytest.approx(2.0)
    assert "supposition" in CAVEAT


def test_the_wider_programme_follows_the_same_payer_rules_as_the_pilot():
    """From 2028-29 the high needs block's money is DfE's, at three schools as at three hundred; the total stays."""
    draws = np.random.default_rng(1).normal(1, 1, (200, 3, 2))
    averted, parameters, wide = averted_of(draws), load_parameters("high_needs_block"), plan(schools=300)
    found = {}
    for year in (2025, 2028):
        rules = {"payers_as_of": FinancialYear(year), "conditions": ("dsg_deficit",), "draws": 200}
        wider = scale_up(averted, parameters, wide, base_year=BASE, price_year=PRICES, **rules)
        pilot = appraise(averted, parameters, base_year=BASE, price_year=PRICES, **rules)
        found[year] = wider
        for appraisal, key in ((wider, "wider"), (pilot, "central")):
            block = appraisal.by_payer().sel(scenario=key, payer="la_high_needs").sum("kind").mean("draw")
            assert (abs(float(block)) > 1) == (year == 2025), (year, key)
    totals = [float(each.npv().sel(scenario="wider", view="cashable").mean()) for each in found.values()]
    assert totals[0] == pytest.approx(totals[1], abs=0.005)


def test_a_plan_that_cannot_be_is_refused_with_all_its_faults():
    with pytest.raises(EvaluationError) as caught:
        plan(years=0, schools=0, ramp_up=(0.5, 0.2), dilution=1.5, fixed_cost=-1.0)
    for name in ("years", "schools", "ramp_up", "dilution", "fixed_cost"):
        assert f"scale_up {name}" in str(caught.value)


def test_the_quick_tornado_is_that_of_whole_appraisals():
    draws = np.random.default_rng(2).normal(1, 1, (300, 3, 2))
    spend = (ProgrammeCost(BASE, 20_000, "school", PRICES, "invented"),)
    case = Case(averted_of(draws), load_parameters("high_needs_block"), BASE, PRICES, spend, draws=300)
    for row in one_way(case).to_dict(orient="records"):
        for end in ("low", "high"):
            whole = case.with_value(row["name"], row[end]).appraisal().npv()
            wanted = float(whole.sel(scenario="central", view="cashable").mean())
            assert row[f"npv_{end}"] == pytest.approx(wanted, abs=0.005), row["name"]
