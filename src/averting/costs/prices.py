"""Bring amounts to the prices of one financial year. Nothing else in averting changes a price year."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import overload

import xarray as xr

from averting.errors import UnitError
from averting.resources import models_dir
from averting.years import FinancialYear

# Nine months of a financial year fall in the calendar year it starts in, three in the next.
_FIRST, _SECOND = 0.75, 0.25


@dataclass(frozen=True)
class Deflator:
    """A price index by financial year.

    Parameters
    ----------
    index : mapping of int to float
        Level by start of the financial year.
    vintage : str
        Release it comes from.
    source : str
        Key in ``models/references.bib``.
    method : str
        How financial years were made, for reports.
    """

    index: Mapping[int, float]
    vintage: str
    source: str
    method: str

    @classmethod
    def from_calendar_years(cls, calendar: Mapping[int, float], *, vintage: str, source: str) -> Deflator:
        """Blend a calendar-year index, three quarters and one quarter, into financial years."""
        index = {
            year: _FIRST * level + _SECOND * calendar[year + 1]
            for year, level in sorted(calendar.items())
            if year + 1 in calendar
        }
        return cls(index, vintage, source, "approximation: 0.75 x calendar year + 0.25 x the next calendar year")

    @property
    def latest(self) -> FinancialYear:
        """The last financial year the index reaches."""
        return FinancialYear(max(self.index))

    def ratio(self, start: FinancialYear, to: FinancialYear) -> float:
        """Factor that turns prices of one financial year into prices of another, earlier or later.

        Raises
        ------
        UnitError
            For a year outside the index, naming the range.
        """
        for year in (start, to):
            if year.start not in self.index:
                first, last = FinancialYear(min(self.index)), FinancialYear(max(self.index))
                raise UnitError(
                    f"The deflator ({self.vintage}) has no {year.label}; it runs from {first.label} to "
                    f"{last.label}. Choose a price year in that range, or bring models/prices.toml up to date."
                )
        return self.index[to.start] / self.index[start.start]


@cache
def known_deflator() -> Deflator:
    """Return the GDP deflator that ships with averting."""
    with (models_dir() / "prices.toml").open("rb") as handle:
        declared = tomllib.load(handle)["gdp_deflator"]
    calendar = {int(year): float(level) for year, level in declared["calendar"].items()}
    return Deflator.from_calendar_years(calendar, vintage=declared["vintage"], source=declared["source"])


@overload
def deflate(
    amount: xr.DataArray,
    *,
    to: FinancialYear,
    price_year: None = None,
    deflator: Deflator | None = None,
) -> xr.DataArray: ...
@overload
def deflate(
    amount: float, *, to: FinancialYear, price_year: FinancialYear, deflator: Deflator | None = None
) -> float: ...
def deflate(
    amount: xr.DataArray | float,
    *,
    to: FinancialYear,
    price_year: FinancialYear | None = None,
    deflator: Deflator | None = None,
) -> xr.DataArray | float:
    """Turn money of one price year into money of another, in either direction.

    Parameters
    ----------
    amount : DataArray or float
        An array labelled with money ``units`` and a ``price_year``, or a plain amount.
    to : FinancialYear
        Price year wanted.
    price_year : FinancialYear
        Price year of a plain amount; an array carries its own.
    deflator : Deflator, optional
        Index to use; averting's own by default.

    Returns
    -------
    DataArray or float
        As given, in prices of ``to``; basis and other labels are kept.

    Raises
    ------
    UnitError
        If the amount is not money, says no price year, or a year is outside the index.
    """
    index = deflator or known_deflator()
    if not isinstance(amount, xr.DataArray):
        if price_year is None:
            raise UnitError("A plain amount says no price year. Give price_year.")
        return float(amount) * index.ratio(price_year, to)
    units, found = str(amount.attrs.get("units", "")), amount.attrs.get("price_year")
    if not units.startswith("GBP") or found is None or price_year is not None:
        raise UnitError(
            f"An array to deflate must carry money units and its own price_year; it has units={units!r}, "
            f"price_year={found!r}. Label it with averting.units.money, and leave price_year out of the call."
        )
    ratio = index.ratio(FinancialYear.parse(found), to)
    return (amount * ratio).assign_attrs({**amount.attrs, "price_year": to.label})
