"""The family after_exclusion: its account by hand, its sums, its sleeping lines and its overlaps."""

import tomllib
from collections.abc import Mapping
from datetime import date, timedelta
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

from averting.costs import (
    Distribution,
    Override,
    Parameter,
    ParameterSet,
    declared_sources,
    deflate,
    flagged,
    known_families,
    known_overlaps,
    known_references,
    load_parameters,
    overlap_matrix,
    overrides_from_table,
    places_cut,
    savings,
)
from averting.costs.declarations import read_parameter, read_unset
from averting.costs.families import read_family
from averting.costs.parameters import SumRule
from averting.costs.pathways import placement_months, quantities
from averting.errors import ParameterError
from averting.resources import models_dir
from averting.years import FinancialYear

PRICES = FinancialYear(2023)
GIVEN = {
    "review_panel_cost": 900,
    "home_tuition": 9_000,
    "transport": 4_000,
    "authority_casework": 300,
    "long_suspensions": 250,
    "value_of_lost_year": 2_000,
    "ehc_assessment": 5_000,
}


def _averted(draws: int, value: float = 1.0) -> xr.DataArray:
    coords = {"draw": np.arange(draws), "period": ["2022/23"]}
    array = xr.DataArray(np.full((draws, 1), value), dims=("draw", "period"), coords=coords)
    return array.assign_attrs(units="pupils")


def _given() -> dict[str, Override]:
    table = {key: {"value": value, "reason": "ours", "price_year": "2023-24"} for key, value in GIVEN.items()}
    return overrides_from_table(table, where="here")


@pytest.fixture(scope="module")
def declared() -> ParameterSet:
    return load_parameters("after_exclusion")


@pytest.fixture(scope="module")
def whole(declared: ParameterSet) -> ParameterSet:
    return declared.under(_given())


@pytest.fixture(scope="module")
def account(whole: ParameterSet) -> xr.DataArray:
    return savings(_averted(300), whole.draw(300, seed=4), price_year=PRICES)


def test_the_account_by_hand_in_the_case_that_can_be_done_by_hand(whole: ParameterSet) -> None:
    # all in Year 10, spring term, straight into a state place, nobody returns: T = 1.5 years from 1 March 2023
    fixed = {
        **{f"year_group_share_{group}": float(group == 10) for group in range(7, 12)},
        **{"term_share_autumn": 0.0, "term_share_spring": 1.0, "term_share_summer": 0.0},
        **{"weeks_to_provision": 1e-6, "not_found_share": 0.0, "independent_share": 0.0},
        **{"return_to_mainstream_hazard": 0.0, "places_cut_share": 0.25},
    }
    table = {key: {"value": value, "reason": "by hand"} for key, value in fixed.items()}
    with pytest.raises(ParameterError, match="plausible"):
        whole.under(overrides_from_table({"weeks_to_provision": {"value": -1, "reason": "x"}}, where="here"))
    drawn = whole.under(overrides_from_table(table, where="here")).draw(5, seed=1)
    found = savings(_averted(5), drawn, price_year=PRICES)
    top_up = drawn["ap_top_up"] * deflate(1.0, price_year=FinancialYear(2021), to=PRICES)
    years = {2022: 1 / 12, 2023: 1.0, 2024: 5 / 12}
    for year, length in years.items():
        line = found.sel(year=year, payer="la_high_needs")
        np.testing.assert_allclose(line.sel(line="state_ap_top_up"), length * top_up, rtol=1e-6)
        np.testing.assert_allclose(line.sel(line="state_ap_place_freed"), 0.75 * length * 10_000, rtol=1e-6)
        later = found.sel(year=year + 1, payer="la_high_needs", line="state_ap_place_cut")
        np.testing.assert_allclose(later, 0.25 * length * 10_000, rtol=1e-6)
    np.testing.assert_allclose(found.sel(year=2022, line="state_ap_place_cut"), 0.0, atol=1e-9)  # not in year one
    # one census, October 2023, paid for from April 2024
    funding = drawn["mainstream_pupil_funding"] * deflate(1.0, price_year=FinancialYear(2018), to=PRICES)
    paid = found.sel(line="mainstream_funding", payer="dfe")
    np.testing.assert_allclose(paid.sel(year=2024), -funding, rtol=1e-9)
    assert float(np.abs(paid.where(paid["year"] != 2024, 0)).max()) == 0
    panel = found.sel(line="review_panel", payer="la_general_fund", year=2022)
    np.testing.assert_allclose(panel, 900 * drawn["review_panel_share"], rtol=1e-9)
    transport = found.sel(line="transport", payer="la_general_fund").sum("year")
    np.testing.assert_allclose(transport, 4_000 * 1.5, rtol=1e-9)


def test_places_agree_with_the_simple_family(declared: ParameterSet) -> None:
    drawn = declared.under(
        overrides_from_table(
            {
                **{
                    f"term_share_{t}": {"value": float(t == "spring"), "reason": "x"}
                    for t in ("autumn", "spring", "summer")
                },
                "later_return_ratio": {"value": 1, "reason": "x"},
            },
            where="here",
        )
    ).draw(50, seed=3)
    found = quantities(_averted(50), drawn)
    out = found.by_state["years_state_ap"] + found.by_state["years_independent_ap"]
    out = out + found.by_state["years_excluded"] + found.by_state["years_home_unknown"]
    np.testing.assert_allclose(out, found.placement_years, rtol=1e-12)
    simple = load_parameters("high_needs_block").draw(50, seed=3)  # the same streams, so the same hazards
    np.testing.assert_allclose(
        found.placement_years.sum(axis=1), quantities(_averted(50), simple).placement_years.sum(axis=1), rtol=1e-9
    )


def test_the_defaults_reproduce_the_published_destinations(declared: ParameterSet) -> None:
    """FFT: of pupils excluded in Years 7 to 11, 26% are back in mainstream or special by January of Year 11."""
    means = {key: {"value": each.central, "reason": "mean"} for key, each in declared.items()}
    drawn = declared.under(overrides_from_table(means, where="here")).draw(1, seed=1)
    found = quantities(_averted(1), drawn)
    # 1.81 placement-years, worked out in the facts from the same rate at mid-year
    assert found.placement_years.sum() == pytest.approx(1.81, abs=0.02)
    states = {key: value.sum() for key, value in found.by_state.items()}
    placed = states["years_state_ap"] + states["years_independent_ap"] + states["years_home_unknown"]
    # published: state AP just over a half (0.51) of all, that is 0.69 of the 0.74 not back
    assert states["years_state_ap"] / placed == pytest.approx(0.51 / 0.74, abs=0.01)
    assert states["years_independent_ap"] / placed == pytest.approx(0.135 / 0.74, abs=0.01)


def test_lines_wait_for_what_only_the_user_can_give(declared: ParameterSet, whole: ParameterSet) -> None:
    assert {need for needs in declared.asleep.values() for need in needs} == set(GIVEN) == set(declared.unset)
    assert whole.asleep == {}
    drawn = declared.draw(10, seed=1)
    counted = savings(_averted(10), drawn, price_year=PRICES)["line"].to_numpy()
    assert not set(counted) & set(declared.asleep)
    with pytest.raises(ParameterError, match=r"'transport' waits for transport"):
        savings(_averted(10), drawn, price_year=PRICES, lines=["transport"])
    one = declared.under({"transport": Override(Distribution.point(4_000), "ours", price_year=PRICES)})
    assert "transport" not in one.asleep
    assert (one["transport"].grade, one["transport"].payer) == ("E", "la_general_fund")


@pytest.mark.parametrize(
    ("override", "words"),
    [
        ({"value": 4_000, "reason": "ours"}, "has no price_year"),
        ({"value": -50, "reason": "ours", "price_year": "2023-24"}, "plausible"),
        ({"value": 4_000_000, "reason": "ours", "price_year": "2023-24"}, "decimal point"),
    ],
)
def test_what_is_given_is_checked_like_what_is_declared(
    declared: ParameterSet, override: dict[str, object], words: str
) -> None:
    with pytest.raises(ParameterError, match=words):
        declared.under(overrides_from_table({"transport": override}, where="here"))


def test_a_negative_cost_is_refused_where_it_cannot_be(declared: ParameterSet) -> None:
    negative = {key: Override(Distribution.point(-1.0), "x") for key in declared if declared[key].payer}
    with pytest.raises(ParameterError) as refused:
        declared.under(negative)
    assert str(refused.value).count("override '") == len(negative)


def test_shares_that_do_not_add_up_are_refused(declared: ParameterSet) -> None:
    with pytest.raises(ParameterError, match=r"term_share_autumn.*add up to"):
        declared.under({"term_share_autumn": Override(Distribution.point(0.5), "x")})


def test_transfers_net_to_zero_and_all_is_linear(account: xr.DataArray, whole: ParameterSet) -> None:
    np.testing.assert_allclose(account.sel(line="budget_adjustment").sum("payer"), 0.0, atol=1e-9)
    many = savings(_averted(300, -3.5), whole.draw(300, seed=4), price_year=PRICES)
    np.testing.assert_allclose(many, -3.5 * account, rtol=1e-12, atol=1e-100)  # but for denormals


def test_one_parameter_moves_only_its_own_lines(account: xr.DataArray, whole: ParameterSet) -> None:
    wider = Override(Distribution.from_table({"family": "gamma", "mean": 14_000, "sd": 3_000}), "x")
    changed = whole.under({"independent_ap_cost": wider}).draw(300, seed=4)
    before = whole.draw(300, seed=4)
    for key in before:
        assert (before[key].equals(changed[key])) == (key != "independent_ap_cost")
    moved = savings(_averted(300), changed, price_year=PRICES)
    lines = [
        str(line) for line in account["line"].to_numpy() if not moved.sel(line=line).equals(account.sel(line=line))
    ]
    assert lines == ["independent_ap"]


def test_mainstream_support_is_a_cost_and_special_places_go_either_way(account: xr.DataArray) -> None:
    assert (account.sel(line="mainstream_support", payer="school").sum("year") < 0).all()
    special = account.sel(line="special_school", payer="la_high_needs").sum("year")
    assert 0.3 < float((special > 0).mean()) < 0.7


def test_plans_in_mainstream_go_either_way_and_fall_to_the_high_needs_block(account: xr.DataArray) -> None:
    """With a plan the pupil who stays costs the block more; an assessment has the same sign, draw by draw."""
    plans = account.sel(line="ehc_plan", payer="la_high_needs").sum("year").to_numpy()
    assessed = account.sel(line="ehc_assessment", payer="la_general_fund").sum("year").to_numpy()
    assert 0.3 < (plans > 0).mean() < 0.7
    assert (np.sign(plans) == np.sign(assessed)).all()
    # at most half of all averted exclusions are assessed more, or less: 0.5 x £5,000 in 2023-24 prices
    assert np.abs(assessed).max() <= 2_500


def test_no_two_lines_of_a_family_overlap_and_alternatives_do() -> None:
    known = {line.key for family in known_families() for line in load_parameters(family).lines}
    for together, why in known_overlaps():
        assert together <= known
        assert why
    for family in known_families():
        lines = [line.key for line in load_parameters(family).lines]
        assert not overlap_matrix(lines).any()
    every = sorted(known)
    matrix = overlap_matrix(every)
    assert (matrix == matrix.T).all()
    assert matrix.sum() == sum(len(together) * (len(together) - 1) for together, _ in known_overlaps())
    with pytest.raises(ParameterError, match="count the same money"):
        load_parameters("high_needs_block", "after_exclusion")


def test_the_same_quantity_at_the_same_cost_is_counted_once() -> None:
    with (models_dir() / "costs" / "high_needs_block.toml").open("rb") as handle:
        tables = tomllib.load(handle)
    tables["line"]["again"] = dict(tables["line"]["ap_top_up"])
    with pytest.raises(ParameterError, match=r"'ap_top_up' and 'again' both count placement_years x ap_top_up"):
        read_family("high_needs_block", tables, where="here")


def test_a_question_is_whole_or_does_not_load() -> None:
    asked = {
        "label": "x",
        "unit": "GBP/pupil",
        "payer": "school",
        "review_by": date(2027, 1, 1),
        "plausible": [1, 2],
    }
    unset, faults = read_unset("x", {**asked, "ask": "what it costs"}, where="here")
    assert not faults
    assert unset is not None
    for key in asked:
        short = {name: value for name, value in asked.items() if name != key}
        assert read_unset("x", {**short, "ask": "what"}, where="here")[0] is None
    assert "has source" in str(read_unset("x", {**asked, "ask": "what", "source": "y"}, where="here")[1][0])


def test_places_are_cut_in_blocks_a_year_later() -> None:
    freed = np.array([[5.0, 7.0, 13.0, 2.0], [-7.0, 0.0, 6.0, 0.0]])
    cut = places_cut(freed, 6)
    assert cut.tolist() == [[0, 0, 6, 12], [0, -6, 0, 6]]
    with pytest.raises(ParameterError, match="Give 1 or more"):
        places_cut(freed, 0)


def test_durations_beyond_year_11_are_refused() -> None:
    with pytest.raises(ParameterError, match="Reception to Year 11"):
        placement_months(np.array([0.1]), np.array([150.0]))
    with pytest.raises(ParameterError, match="0 or more"):
        placement_months(np.array([-0.1]), np.array([15.0]))


def test_every_number_is_sourced_licensed_and_dated() -> None:
    for family in known_families():
        for parameter in load_parameters(family).values():
            reference = known_references()[parameter.source]
            assert reference.licence, parameter.source
            assert parameter.locator
            assert parameter.review_by > date(2026, 1, 1)
    walked = 0
    for path in sorted(models_dir().rglob("*.toml")):
        with path.open("rb") as handle:
            declared = tomllib.load(handle)
        if str(path.relative_to(models_dir())) not in _OF_SCHOOLS:
            walked += 1
            assert list(_unsourced(declared, path.stem)) == [], path.name
            if path.parent.name != "what_works":  # the directory says in words where a practice was seen described
                assert set(_cited(declared)) <= set(known_references()), path.name
    assert walked >= 16


# rules and priors for counts of pupils, not prices or rates of the account: their own tests say where each is from
_OF_SCHOOLS = {
    "disclosure.toml",
    "indicators.toml",
    "symbols.toml",
    "events.toml",
    "la_reorganisations.toml",
    "outcome_sets.toml",
} | {f"priors/{path.name}" for path in models_dir().glob("priors/*.toml")}


def _cited(table: Mapping[str, object]) -> list[str]:
    """Every source a file cites, at any depth; sources of a user's own have no place in models."""
    found = [str(table["source"])] if isinstance(table.get("source"), str) else []
    for value in table.values():
        for each in value if isinstance(value, list) else [value]:
            found += _cited(each) if isinstance(each, Mapping) else []
    return found


def _unsourced(table: Mapping[str, object], where: str, *, sourced: bool = False) -> list[str]:
    """Tables that hold a number and stand under no source; sums, lines and questions hold none of their own."""
    sourced = sourced or "source" in table or "ask" in table
    structure = where.split(".")[-2:-1] in (["line"], ["sum"]) or where.endswith(".import")
    found = []
    numbers = any(isinstance(value, int | float) and not isinstance(value, bool) for value in table.values())
    if numbers and not sourced and not structure:
        found.append(where)
    for key, value in table.items():
        if isinstance(value, Mapping):
            found += _unsourced(value, f"{where}.{key}", sourced=sourced)
        elif isinstance(value, list):
            for each in value:
                found += _unsourced(each, f"{where}.{key}", sourced=sourced) if isinstance(each, Mapping) else []
    return found


def test_an_unsourced_number_would_be_found() -> None:
    assert _unsourced({"a": {"value": 3}}, "x") == ["x.a"]
    assert _unsourced({"a": {"value": 3, "source": "s"}}, "x") == []
    assert _unsourced({"rule": [{"share": 0.5}]}, "x") == ["x.rule"]


def test_the_stale_the_weak_and_the_disputed_are_named(declared: ParameterSet) -> None:
    due = declared["ap_place"].review_by
    assert "ap_place" not in flagged(declared)
    assert "ap_place" not in flagged(declared, as_of=due)
    assert flagged(declared, as_of=due + timedelta(days=1))["ap_place"] == ("stale",)
    assert flagged(declared)["independent_ap_cost"] == ("weak", "disputed")
    assert "weak" in flagged(declared)["exclusion_process"]
    table, unset = declared_sources(as_of=due + timedelta(days=1))
    assert table["key"].is_unique
    assert (table["beware"] != "").all()
    assert {each.key for each in unset} == {*GIVEN, "causal_share_justice", "lost_earnings", "later_education"}
    with pytest.raises(ParameterError, match="no figures of 'Atlantis'"):
        declared_sources(la="Atlantis")


def _part(key: str, value: float) -> Parameter:
    table = {
        **{
            "label": key,
            "unit": "GBP/pupil/year",
            "price_year": "2005-06",
            "payer": "la_high_needs",
            "value": value,
        },
        **{"source": "dfe_section_251_2021_22", "locator": "test", "grade": "C", "confidence": "seen"},
        **{"review_by": date(2027, 4, 1), "plausible": [0, 20_000]},
    }
    parameter, faults = read_parameter(key, table, where="gmca")
    if parameter is None:
        raise ParameterError("; ".join(map(str, faults)))
    return parameter


@pytest.mark.parametrize(("code", "total"), [("E&S2.0", 9_219), ("E&S1.0", 1_509)])
def test_gmca_components_add_up_to_the_published_total(shared: Path, code: str, total: float) -> None:
    import pandas as pd

    table = pd.read_csv(shared / "reference/cba/gmca_ucd_v1_4_tidy.csv").drop_duplicates("code").set_index("code")
    parts = {row: _part(row, cost) for row, cost in table["cost_gbp"].items() if str(row).startswith(f"{code}.")}
    assert len(parts) == 4
    assert table.loc[code, "cost_gbp"] == total
    rule = SumRule(code, tuple(parts), total, tolerance=0.5)
    ParameterSet(parts, sum_rules=(rule,))
    first = next(iter(parts))
    slipped = {**parts, first: _part(first, parts[first].central / 10)}
    with pytest.raises(ParameterError, match="add up to"):
        ParameterSet(slipped, sum_rules=(rule,))


def test_rows_a_thousand_times_too_large_do_not_load(shared: Path) -> None:
    import pandas as pd

    table = pd.read_csv(shared / "reference/cba/gmca_ucd_v1_4_tidy.csv")
    suspect = table[table["suspect_x1000_parse"]].drop_duplicates("code")
    assert len(suspect) == 9
    for code, cost in zip(suspect["code"], suspect["cost_gbp"], strict=True):
        with pytest.raises(ParameterError, match="decimal point"):
            _part(code, cost)
        assert _part(code, cost / 1_000).central == pytest.approx(cost / 1_000)


@pytest.mark.parametrize("factor", [10.0, 0.1, 1_000.0])
def test_a_lost_decimal_point_in_a_declared_price_is_caught(declared: ParameterSet, factor: float) -> None:
    for key, one in {"ap_place": 10_000.0, "special_place": 22_717.0}.items():
        with pytest.raises(ParameterError, match="decimal point"):
            declared.under({key: Override(Distribution.point(one * factor), "typed")})


def test_combinations_of_families_are_checked_at_load() -> None:
    for one, other in combinations(known_families(), 2):
        loaded = [load_parameters(family) for family in (one, other)]
        # a line that waits for a number counts nothing yet
        lines = [line.key for each in loaded for line in each.lines if line.key not in each.asleep]
        if overlap_matrix(list(dict.fromkeys(lines))).any():
            with pytest.raises(ParameterError, match="count the same money"):
                load_parameters(one, other)
