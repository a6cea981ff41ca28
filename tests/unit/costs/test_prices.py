import csv
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

from averting.appraisal.programme import ProgrammeCost, programme_flows
from averting.costs import load_parameters, savings
from averting.costs.prices import Deflator, deflate, deflator_from_table, known_deflator, read_deflator
from averting.errors import ParameterError, UnitError
from averting.units import add, label, money
from averting.years import FinancialYear

FIRST, LAST = FinancialYear(1990), FinancialYear(2023)


def _amount(year: FinancialYear) -> xr.DataArray:
    return money(xr.DataArray([1.0, 9219.0, -3.5], dims="draw"), price_year=year)


@pytest.mark.parametrize("to", [FinancialYear(1990), FinancialYear(2005), FinancialYear(2023)])
def test_there_and_back_is_the_same(to: FinancialYear) -> None:
    start = FinancialYear(2012)
    there = deflate(_amount(start), to=to)
    back = deflate(there, to=start)
    np.testing.assert_allclose(back, _amount(start), rtol=1e-12)
    assert there.attrs == {"units": "GBP", "price_year": to.label, "basis": "undiscounted"}
    assert back.attrs == _amount(start).attrs


def test_a_known_rebasing() -> None:
    # 9,219 is GMCA's unit cost of a permanent exclusion in 2005/06; 14,440 was worked out apart from this code.
    assert deflate(9219.0, price_year=FinancialYear(2005), to=LAST) == pytest.approx(14_440, abs=1)


def test_prices_rise() -> None:
    assert deflate(1.0, price_year=FinancialYear(2010), to=FinancialYear(2020)) > 1.2


def test_agrees_with_the_published_index(shared: Path) -> None:
    with (shared / "reference/cba/greenbook/gdp_deflator.csv").open() as handle:
        published = {int(row["year"]): float(row["value"]) for row in csv.DictReader(handle)}
    index = known_deflator().index
    assert set(index) == set(published) - {2024}
    for year, level in index.items():
        assert level == pytest.approx(0.75 * published[year] + 0.25 * published[year + 1], rel=1e-12)


@pytest.mark.parametrize("year", [FinancialYear(1989), FinancialYear(2024)])
def test_out_of_range_names_the_range(year: FinancialYear) -> None:
    with pytest.raises(UnitError, match="runs from 1990-91 to 2023-24"):
        deflate(1.0, price_year=year, to=LAST)
    with pytest.raises(UnitError, match="runs from 1990-91 to 2023-24"):
        deflate(_amount(LAST), to=year)


def test_what_is_not_money_is_refused() -> None:
    pupils = xr.DataArray([1.0], dims="draw", attrs={"units": "pupils"})
    with pytest.raises(UnitError, match="must carry money units"):
        deflate(pupils, to=LAST)
    with pytest.raises(UnitError, match="must carry money units"):
        deflate(_amount(LAST), to=LAST, price_year=FIRST)  # type: ignore[call-overload]
    with pytest.raises(UnitError, match="says no price year"):
        deflate(1.0, to=LAST)  # type: ignore[call-overload]


def test_two_price_years_do_not_add_until_deflated() -> None:
    early, late = _amount(FinancialYear(2012)), _amount(LAST)
    with pytest.raises(UnitError, match="price year"):
        add(early, late)
    assert add(deflate(early, to=LAST), late).attrs["price_year"] == LAST.label


def test_financial_years_are_said_to_be_blended() -> None:
    blend = Deflator.from_calendar_years({2000: 100.0, 2001: 104.0}, vintage="v", source="s")
    assert blend.index == {2000: 101.0}
    assert "approximation" in known_deflator().method


def test_calendar_years_are_the_published_index(shared: Path) -> None:
    with (shared / "reference/cba/greenbook/gdp_deflator.csv").open() as handle:
        published = {int(row["year"]): float(row["value"]) for row in csv.DictReader(handle)}
    index = known_deflator("2025-12")
    for year, level in published.items():
        assert index.calendar_ratio(2024, year) == pytest.approx(level / 100, rel=1e-12)
        assert index.calendar_ratio(year, 2005) * index.calendar_ratio(2005, year) == pytest.approx(1, rel=1e-12)
    with pytest.raises(UnitError, match="1990 to 2024"):
        index.calendar_ratio(2005, 2025)
    with pytest.raises(ParameterError, match="Use one of: 2025-12"):
        known_deflator("2019-03")


def test_pay_is_uprated_by_awards_the_user_gives() -> None:
    awards = {FinancialYear(2023): 0.065, FinancialYear(2024): 0.055}
    pay = Deflator.from_growth(awards, vintage="teachers' awards", source="our payroll")
    after = deflate(40_000, price_year=FinancialYear(2022), to=FinancialYear(2024), deflator=pay)
    assert after == pytest.approx(40_000 * 1.065 * 1.055, rel=1e-12)
    back = deflate(after, price_year=FinancialYear(2024), to=FinancialYear(2022), deflator=pay)
    assert back == pytest.approx(40_000, rel=1e-12)
    with pytest.raises(UnitError, match="2022-23 to 2024-25"):
        pay.ratio(FinancialYear(2022), FinancialYear(2025))
    with pytest.raises(UnitError, match="no calendar year"):
        pay.calendar_ratio(2022, 2023)


@pytest.mark.parametrize(
    ("growth", "words"),
    [({}, "lacks any year"), ({2020: 0.03, 2022: 0.03}, "lacks 2021-22"), ({2020: 5.5}, "5.5 % as 0.055")],
)
def test_awards_with_a_gap_or_in_per_cent_are_refused(growth: dict[int, float], words: str) -> None:
    awards = {FinancialYear(year): rate for year, rate in growth.items()}
    with pytest.raises(UnitError, match=words):
        Deflator.from_growth(awards, vintage="awards", source="here")


def test_a_release_by_financial_year_is_used_as_published() -> None:
    """Real levels are in no blend: where a release gives financial years, they are taken as they are."""
    table = {"vintage": "a release", "source": "s", "calendar": {2022: 94.0, 2023: 100.0, 2024: 104.0}}
    blended = deflator_from_table(table, where="t")
    assert blended.ratio(FinancialYear(2022), FinancialYear(2023)) == pytest.approx(101.0 / 95.5)
    assert "approximation" in blended.method
    published = deflator_from_table({**table, "financial": {"2022-23": 95.0, "2023-24": 100.0}}, where="t")
    assert published.ratio(FinancialYear(2022), FinancialYear(2023)) == pytest.approx(100 / 95)
    assert published.calendar_ratio(2022, 2024) == pytest.approx(104 / 94)
    assert published.method == "published by financial year"


@pytest.mark.parametrize(
    ("series", "words"),
    [
        ({}, "no years"),
        ({"calendar": {2020: 90.0, 2022: 100.0}}, "missing between"),
        ({"financial": {"2020-21": 0.0}}, "above zero"),
    ],
)
def test_a_release_that_cannot_be_an_index_is_refused(series: dict, words: str) -> None:
    with pytest.raises(ParameterError, match=words):
        deflator_from_table({"vintage": "v", "source": "s", **series}, where="t")


OWN = """
vintage = "a release of our own"
source = "our finance team"

[financial]
"2016-17" = 30.0
"2017-18" = 40.0
"2018-19" = 50.0
"2019-20" = 60.0
"2020-21" = 70.0
"2021-22" = 80.0
"2022-23" = 90.0
"2023-24" = 100.0
"2024-25" = 110.0
"""


def test_a_release_of_ones_own_is_read_and_used_throughout(tmp_path: Path) -> None:
    """Unit costs and spend follow the file, to a year that the shipped release does not reach."""
    (tmp_path / "ours.toml").write_text(OWN, encoding="utf-8")
    ours = read_deflator(tmp_path / "ours.toml")
    one = xr.DataArray(np.ones((3, 1)), dims=("draw", "period"), coords={"draw": range(3), "period": ["2022/23"]})
    one = label(one, "pupils")
    declared = savings(one, load_parameters("after_exclusion").draw(3, seed=1), price_year=FinancialYear(2021))
    drawn = load_parameters("after_exclusion", deflator=ours).draw(3, seed=1)
    later = savings(one, drawn, price_year=FinancialYear(2024))
    # declared in prices of 2021-22, so that no index has touched the first
    of_2021 = ["state_ap_top_up", "special_school"]
    np.testing.assert_allclose(later.sel(line=of_2021), declared.sel(line=of_2021) * 110 / 80, rtol=1e-12)
    cost = ProgrammeCost(FinancialYear(2022), 900.0, "dfe", FinancialYear(2022), "invented")
    spent = programme_flows([cost], price_year=FinancialYear(2024), deflator=ours)
    assert float(spent.sum()) == pytest.approx(-1_100.0)
    with pytest.raises(UnitError, match=r"a release of our own.*runs from 2016-17 to 2024-25"):
        ours.ratio(FinancialYear(2015), FinancialYear(2024))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[calendar]\n2023 = 100.0", ["it has no vintage", "it has no source"]),
        (OWN.replace("80.0", "'a lot'"), ["'2021-22' = 'a lot' is no year with a level"]),
        (OWN.replace("2021-22", "2021-23"), ["'2021-23' = 80.0 is no year"]),
        (OWN + "[quarterly]\n1 = 2.0", ["unknown key 'quarterly'", "Known: vintage, source, label"]),
        ("financial = 3\n" + OWN.partition("[")[0], ["it is not a table"]),
        ("vintage = ", ["is not valid TOML"]),
    ],
)
def test_a_release_of_ones_own_that_cannot_be_read_says_why(tmp_path: Path, text: str, words: list[str]) -> None:
    (tmp_path / "ours.toml").write_text(text, encoding="utf-8")
    with pytest.raises(ParameterError) as caught:
        read_deflator(tmp_path / "ours.toml")
    assert all(word in str(caught.value) for word in words), str(caught.value)
    with pytest.raises(ParameterError, match="cannot be opened"):
        read_deflator(tmp_path / "absent.toml")
