"""Later life: its sums, its causal shares, and the alternatives that may not be added."""

import csv
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

from averting import units
from averting.appraisal import Scenario
from averting.appraisal.later_life import later_life
from averting.appraisal.programme import ProgrammeCost
from averting.appraisal.sensitivity import Case
from averting.costs import (
    Distribution,
    Override,
    ParameterSet,
    lifetime_totals,
    load_parameters,
    overlap_matrix,
    overrides_from_table,
    savings,
)
from averting.costs.later_life import young_adult_profile
from averting.effects import Averted
from averting.errors import ParameterError
from averting.years import FinancialYear

PRICES = FinancialYear(2023)
FAMILIES = ("lifetime", "lifetime_gmca", "lifetime_ippr_2017", "lifetime_difference_2024", "lifetime_npc_2007")
AP = ("high_needs_block", "after_exclusion")


def _one(draws: int = 200, value: float = 1.0) -> xr.DataArray:
    coords = {"draw": np.arange(draws), "period": ["2022/23"]}
    return units.label(xr.DataArray(np.full((draws, 1), value), dims=("draw", "period"), coords=coords), "pupils")


def _with_shares(parameters: ParameterSet, share: float) -> ParameterSet:
    keys = {line.causal_share for line in parameters.lines if line.causal_share}
    return parameters.under(overrides_from_table({k: {"value": share, "reason": "test"} for k in keys}, where="t"))


@pytest.mark.parametrize("family", FAMILIES)
def test_a_causal_share_of_zero_gives_exactly_nothing(family: str) -> None:
    none = _with_shares(load_parameters(family), 0.0)
    flows = savings(_one(), none.draw(200, seed=1), price_year=PRICES)
    assert (flows == 0).all()
    assert set(flows["kind"].to_numpy()) == {"lifetime"}


@pytest.mark.parametrize("family", FAMILIES)
def test_lifetime_lines_are_linear_in_what_is_averted_and_in_the_share(family: str) -> None:
    declared = load_parameters(family)
    drawn = declared.draw(200, seed=1)
    one = savings(_one(), drawn, price_year=PRICES)
    xr.testing.assert_allclose(savings(_one(value=-3.0), drawn, price_year=PRICES), -3 * one, rtol=1e-12)
    half, whole = (
        savings(_one(), _with_shares(declared, s).draw(200, seed=1), price_year=PRICES) for s in (0.5, 1)
    )
    xr.testing.assert_allclose(2 * half, whole, rtol=1e-12)


def test_justice_is_off_until_its_share_is_given() -> None:
    declared = load_parameters("lifetime")
    assert "lifetime_justice" in declared.asleep
    given = declared.under({"causal_share_justice": Override(Distribution.point(0.1), "a what-if")})
    flows = savings(_one(), given.draw(200, seed=1), price_year=PRICES)
    assert float(flows.sel(line="lifetime_justice").sum()) > 0


def test_every_lifetime_line_has_a_share_that_is_wide_or_one() -> None:
    for family in FAMILIES:
        declared = load_parameters(family)
        for line in declared.lines:
            assert line.kind == "lifetime"
            share = declared.get(line.causal_share)
            if share is None or share.distribution.family == "fixed":
                assert line.key in ("lifetime_justice", "lifetime_provision")
            else:
                assert share.confidence == "assumption"
                assert share.distribution.quantile(0.95) - share.distribution.quantile(0.05) > 0.2
    prior = load_parameters("lifetime")["causal_share_tax"].distribution
    # facts: Beta(2, 6) has mean .25 and 5% to 95% .05 to .52
    assert (prior.mean, prior.quantile(0.05), prior.quantile(0.95)) == pytest.approx(
        (0.25, 0.053, 0.521), abs=0.002
    )


@pytest.mark.parametrize("total", ["lifetime_ippr_2017", "lifetime_difference_2024", "lifetime_npc_2007"])
def test_totals_are_never_added_to_what_they_contain(total: str) -> None:
    for other in (*AP, *FAMILIES):
        if other != total:
            with pytest.raises(ParameterError, match="count the same money"):
                load_parameters(total, other)


def test_the_family_of_lines_goes_with_provision_and_gmca_s_own_provision_does_not() -> None:
    for family in AP:
        both = load_parameters(family, "lifetime")
        awake = [line.key for line in both.lines if line.key not in both.asleep]
        assert not overlap_matrix(awake).any()
        with pytest.raises(ParameterError, match="count the same money"):
            load_parameters(family, "lifetime_gmca")


def test_a_line_that_wakes_is_checked_for_overlap() -> None:
    both = load_parameters("after_exclusion", "lifetime")
    money = {"price_year": "2023-24", "reason": "ours"}
    awake = both.under(
        overrides_from_table(
            {"lost_earnings": {"value": 2_000, **money}, "value_of_lost_year": {"value": 2_000, **money}},
            where="t",
        )
    )
    with pytest.raises(ParameterError, match="earns less later"):
        savings(_one(3), awake.draw(3, seed=1), price_year=PRICES)


def test_totals_are_those_published() -> None:
    assert sorted(one.central for one in lifetime_totals().values()) == [63_851, 170_000, 370_000]
    flows = savings(_one(), _with_shares(load_parameters("lifetime_difference_2024"), 1).draw(200, seed=1),
                    price_year=PRICES)  # fmt: skip
    assert flows.sum(("line", "payer", "year")).to_numpy() == pytest.approx(170_000)  # already in 2023-24 prices


def test_gmca_parts_are_those_published_and_make_the_total(shared: Path) -> None:
    with (shared / "reference/cba/gmca_ucd_v1_4_tidy.csv").open() as handle:
        rows = {row["code"]: row for row in csv.DictReader(handle)}
    declared = {**load_parameters("lifetime_gmca"), **load_parameters("lifetime")}
    codes = {"gmca_provision": "E&S2.0.1", "gmca_health": "E&S2.0.2", "gmca_crime": "E&S2.0.3",
             "gmca_social_care": "E&S2.0.4", "neet_benefits": "E&E10.0.1", "neet_lost_tax": "E&E10.0.2"}  # fmt: skip
    for key, code in codes.items():
        assert declared[key].central == float(rows[code]["cost_gbp"])
        assert declared[key].price_year is not None
        assert declared[key].price_year.label == rows[code]["price_year"].replace("/", "-")
        assert rows[code]["suspect_x1000_parse"] == "False"
    parts = sum(declared[key].central for key in list(codes)[:4])
    assert parts == pytest.approx(float(rows["E&S2.0"]["cost_gbp"]), abs=0.5)
    assert declared["neet_benefits"].central + declared["neet_lost_tax"].central == float(
        rows["E&E10.0"]["cost_gbp"]
    )


def test_a_lost_decimal_point_breaks_the_gmca_sum() -> None:
    with pytest.raises(ParameterError, match="add up to"):
        load_parameters("lifetime_gmca").under(
            {"gmca_health": Override(Distribution.point(636.9), "slip", price_year=FinancialYear(2005))}
        )


def test_everybody_lives_through_seven_years_from_18_to_24() -> None:
    groups = np.arange(12.0)
    lived = young_adult_profile(groups)
    assert lived.sum(axis=1) == pytest.approx(np.full(12, 7.0))
    # excluded in Year 11 on 1 March 2023, aged 16: 18 on 1 March 2025, so one month lies in 2024-25
    assert lived[11, :4] == pytest.approx([0, 0, 1 / 12, 1])


def _case(family: str, amount: float) -> Case:
    change = np.random.default_rng(3).normal(-2, 1, (300, 1, 1))
    array = xr.DataArray(
        change, dims=("draw", "school", "period"),
        coords={"draw": range(300), "school": ["p"], "period": ["2022/23"]},
    )  # fmt: skip
    averted = Averted.from_change(
        units.label(array, "events"), indicator="permanent_exclusions", draw_kind="posterior"
    )
    spend = (ProgrammeCost(FinancialYear(2022), amount, "la_general_fund", PRICES, "test"),)
    return Case(averted, load_parameters(*family.split("+")), FinancialYear(2022), PRICES, spend, draws=300)


@pytest.mark.parametrize("family", ["high_needs_block+lifetime", "lifetime_npc_2007"])
def test_at_the_break_even_share_the_programme_breaks_even(family: str) -> None:
    case = _case(family, 60_000)
    table = later_life(case).set_index("line")
    assert (table["present_lower"] <= table["present_mean"]).all()
    share = float(table.loc["all", "break_even_share"])
    keys = {line.causal_share for line in case.parameters.lines if line.causal_share in case.parameters}
    point = Override(Distribution.point(share), "test")
    if share <= 1:
        at = _with(case, dict.fromkeys(keys, point))
        found = at.appraisal()
        later = found.present.isel(line=found.present["kind"].to_numpy() == "lifetime").sel(scenario="central")
        total = float(later.sum(("line", "payer", "year")).mean()) + at.npv()
        assert total == pytest.approx(0, abs=1e-6 * 60_000)
    else:
        assert not table.loc["all", "reachable"]
    assert table.loc["all", "npv_without"] == pytest.approx(case.npv())


def _with(case: Case, overrides: dict[str, Override]) -> Case:
    from dataclasses import replace

    return replace(case, scenario=Scenario("central", "Central", overrides))


def test_no_view_counts_later_life() -> None:
    both, alone = (_case(family, 60_000) for family in ("high_needs_block+lifetime", "high_needs_block"))
    for view in ("cashable", "cashable_and_capacity"):
        npv = [one.appraisal().npv().sel(scenario="central", view=view).to_numpy() for one in (both, alone)]
        np.testing.assert_allclose(npv[0], npv[1], rtol=1e-12)
    assert later_life(alone).empty
    rich = later_life(_case("lifetime_ippr_2017", 0.0))
    assert (rich["break_even_share"] == 0).all()
