import csv
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

from averting.costs.prices import Deflator, deflate, known_deflator
from averting.errors import UnitError
from averting.units import add, money
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
