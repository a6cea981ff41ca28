"""Bring amounts to the prices of one financial year. Nothing else in averting changes a price year."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, overload

import xarray as xr

from averting.errors import AvertingError, Fault, ParameterError, UnitError, refuse
from averting.resources import read_model, read_toml
from averting.years import FinancialYear

# Nine months of a financial year fall in the calendar year it starts in, three in the next.
_FIRST, _SECOND = 0.75, 0.25
# A yearly rate beyond this is a percentage that was not divided by 100.
_MOST_GROWTH = 0.5
_NEEDED = {
    "vintage": 'Say which release it is: vintage = "June 2027 Quarterly National Accounts"',
    "source": 'Say where it comes from: source = "HM Treasury, GDP deflators"',
}
_MAY = ("label", "review_by", "calendar", "financial")


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
        Key in ``models/references.bib``, or where your own comes from.
    method : str
        How financial years were made, for reports.
    calendar : mapping of int to float
        Level by calendar year, where the release has it.
    """

    index: Mapping[int, float]
    vintage: str
    source: str
    method: str
    calendar: Mapping[int, float] = field(default_factory=dict)

    @classmethod
    def from_calendar_years(cls, calendar: Mapping[int, float], *, vintage: str, source: str) -> Deflator:
        """Blend a calendar-year index, three quarters and one quarter, into financial years."""
        index = {
            year: _FIRST * level + _SECOND * calendar[year + 1]
            for year, level in sorted(calendar.items())
            if year + 1 in calendar
        }
        method = "approximation: 0.75 x calendar year + 0.25 x the next calendar year"
        return cls(index, vintage, source, method, dict(calendar))

    @classmethod
    def from_growth(cls, growth: Mapping[FinancialYear, float], *, vintage: str, source: str) -> Deflator:
        """Chain yearly rates of growth, such as pay awards, into an index that is 100 in the year before the first.

        Averting declares no pay series: give the awards of the scale your staff are on.

        Parameters
        ----------
        growth : mapping of FinancialYear to float
            Rate from the year before to each year, as a share: 0.055 for 5.5 %. Years must follow one another.
        vintage, source : str
            What the rates are and where they come from, for reports.

        Raises
        ------
        UnitError
            For no rate, a missing year, or a rate that is not a share between -0.5 and 0.5.
        """
        years = sorted(year.start for year in growth)
        missing = sorted(set(range(years[0], years[-1] + 1)) - set(years)) if years else []
        if not years or missing:
            what = ", ".join(FinancialYear(year).label for year in missing) or "any year"
            raise UnitError(f"Growth ({vintage}) lacks {what}. Give the rate of every year from first to last.")
        index = {years[0] - 1: 100.0}
        for year in years:
            rate = growth[FinancialYear(year)]
            if not -_MOST_GROWTH < rate < _MOST_GROWTH:
                label = FinancialYear(year).label
                raise UnitError(f"Growth ({vintage}) in {label} is {rate:g}. Write 5.5 % as 0.055.")
            index[year] = index[year - 1] * (1 + rate)
        return cls(index, vintage, source, "yearly growth, chained")

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
                    f"{last.label}. Choose a price year in that range, or give a later release: [costs.deflator] in "
                    "evaluation.toml, load_parameters(deflator=...) in Python."
                )
        return self.index[to.start] / self.index[start.start]

    def calendar_ratio(self, start: int, to: int) -> float:
        """Factor that turns prices of one calendar year into prices of another, earlier or later.

        Raises
        ------
        UnitError
            For a year outside the release, naming its range, or an index that has no calendar years.
        """
        for year in (start, to):
            if year not in self.calendar:
                reach = f"{min(self.calendar)} to {max(self.calendar)}" if self.calendar else "no calendar year"
                raise UnitError(
                    f"The deflator ({self.vintage}) has no calendar year {year}; it has {reach}. "
                    "Choose a year in that range."
                )
        return self.calendar[to] / self.calendar[start]


def known_vintages() -> tuple[str, ...]:
    """Return the releases of the GDP deflator that ship with averting, oldest first."""
    return tuple(sorted(_releases()))


@cache
def _releases() -> dict[str, Any]:
    return dict(read_model("prices.toml")["gdp_deflator"])


@cache
def known_deflator(vintage: str | None = None) -> Deflator:
    """Return a GDP deflator that ships with averting.

    Parameters
    ----------
    vintage : str, optional
        Release, for example ``"2025-12"``; the latest by default.

    Raises
    ------
    ParameterError
        For a release that is not declared, naming those that are.
    """
    releases = _releases()
    chosen = known_vintages()[-1] if vintage is None else vintage
    if chosen not in releases:
        raise ParameterError(f"There is no deflator of '{chosen}'. Use one of: {', '.join(known_vintages())}.")
    return deflator_from_table(releases[chosen], where=f"models/prices.toml, {chosen}")


def deflator_from_table(declared: Mapping[str, Any], *, where: str) -> Deflator:
    """Read one release of a deflator, as declared in ``models/prices.toml``.

    Parameters
    ----------
    declared : mapping
        ``vintage``, ``source``, ``calendar`` (level by calendar year) and, where the release could be had by financial
        year, ``financial`` (level by ``"2023-24"``). Published financial years are used as they are; calendar years
        alone are blended, and ``method`` says so.
    where : str
        For the message of an error.

    Raises
    ------
    ParameterError
        Listing what is missing or unknown, levels that are not above zero, and years that do not follow one another.
    """
    faults = [Fault(where, f"it has no {key}", _NEEDED[key]) for key in _NEEDED if not declared.get(key)]
    faults += [
        Fault(where, f"it has an unknown key '{key}'", f"Known: {', '.join((*_NEEDED, *_MAY))}")
        for key in sorted(set(declared) - set(_NEEDED) - set(_MAY))
    ]
    calendar = _levels(declared.get("calendar", {}), int, where=f"{where}, calendar", faults=faults)
    financial = _levels(
        declared.get("financial", {}),
        lambda year: FinancialYear.parse(year).start,
        where=f"{where}, financial",
        faults=faults,
    )
    for name, series in (("calendar", calendar), ("financial", financial)):
        if any(not 0 < level < math.inf for level in series.values()):
            faults.append(Fault(f"{where}, {name}", "a level is not above zero", "Correct it"))
        if series and len(series) != max(series) - min(series) + 1:
            faults.append(Fault(f"{where}, {name}", "a year is missing between others", "Add it"))
    if not declared.get("calendar") and not declared.get("financial"):
        faults.append(Fault(where, "there are no years", "Give calendar, financial or both"))
    refuse(ParameterError, "A deflator cannot be read", faults)
    vintage, source = str(declared["vintage"]), str(declared["source"])
    if financial:
        return Deflator(financial, vintage, source, "published by financial year", calendar)
    return Deflator.from_calendar_years(calendar, vintage=vintage, source=source)


def _levels(declared: object, read: Callable[[str], int], *, where: str, faults: list[Fault]) -> dict[int, float]:
    """Levels by year, noting what is no year or no number."""
    if not isinstance(declared, Mapping):
        faults.append(
            Fault(where, "it is not a table", 'Give a level by year: 2023 = 96.25, or "2023-24" = 97.19')
        )
        return {}
    found: dict[int, float] = {}
    for year, level in declared.items():
        try:
            found[read(str(year))] = float(level)
        except (ValueError, TypeError, AvertingError):
            fix = 'Give a level by year: 2023 = 96.25, or "2023-24" = 97.19'
            faults.append(Fault(where, f"{str(year)!r} = {level!r} is no year with a level", fix))
    return found


def read_deflator(path: Path) -> Deflator:
    """Read a release of a deflator of your own, from a TOML file laid out like one in ``models/prices.toml``.

    Parameters
    ----------
    path : Path
        ``vintage`` and ``source`` (texts that reports print), and a table ``[financial]``, ``[calendar]`` or both.

    Raises
    ------
    ParameterError
        If it cannot be read; every fault is listed.
    """
    try:
        declared = read_toml(Path(path), error=ParameterError)
    except OSError as wrong:
        raise ParameterError(
            f"{path} cannot be opened: {wrong.strerror}. Name a TOML file of a deflator."
        ) from wrong
    return deflator_from_table(declared, where=Path(path).name)


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
