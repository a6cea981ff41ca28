"""What a number is in: units, price year and basis, carried as labels and checked at the doors.

xarray drops or keeps attributes without asking whether they agree, so every public function that takes
money calls :func:`require` on what it is given and labels what it returns.
"""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import Literal

import xarray as xr

from averting.errors import UnitError
from averting.years import FinancialYear

UNITS = frozenset(
    {
        "GBP",
        "GBP/pupil",
        "GBP/pupil/year",
        "GBP/year",
        "pupils",
        "pupil_years",
        "events",
        "sessions",
        "points",
        "settings",
        "responses",
        "rate",
        "ratio",
        "share",
        "per_year",
        "weeks",
        "years",
    }
)
Basis = Literal["undiscounted", "present_value"]


_REMEDY = {
    "units": "Label arrays with averting.units.label or averting.units.money.",
    "basis": "Money is discounted once, from undiscounted flows.",
    "price_year": "Bring it there with averting.costs.deflate.",
}


def exact() -> AbstractContextManager[object]:
    """Context in which arithmetic on arrays with different labels is an error, not an inner join."""
    context: AbstractContextManager[object] = xr.set_options(  # type: ignore[no-untyped-call]
        arithmetic_join="exact", keep_attrs=False
    )
    return context


def label(array: xr.DataArray, units: str) -> xr.DataArray:
    """Return the array with its unit written on it; an unknown unit is a UnitError."""
    if units not in UNITS:
        raise UnitError(f"'{units}' is not a unit averting knows. Use one of: {', '.join(sorted(UNITS))}.")
    return array.assign_attrs(units=units)


def money(array: xr.DataArray, *, price_year: FinancialYear, basis: Basis = "undiscounted") -> xr.DataArray:
    """Return the array labelled as pounds of one price year on one basis."""
    return label(array, "GBP").assign_attrs(price_year=price_year.label, basis=basis)


def require(
    array: xr.DataArray,
    *,
    units: str,
    basis: Basis | None = None,
    price_year: FinancialYear | None = None,
    what: str = "array",
) -> None:
    """Refuse an array that is not in the unit, basis or price year a function needs.

    Raises
    ------
    UnitError
        Naming what was found and what is needed.
    """
    wanted = {"units": units, "basis": basis, "price_year": price_year.label if price_year else None}
    for key, value in wanted.items():
        found = array.attrs.get(key)
        if value is not None and found != value:
            raise UnitError(f"{what}: {key} is {found!r}, but {value!r} is needed here. {_REMEDY[key]}")


def add(*amounts: xr.DataArray) -> xr.DataArray:
    """Add amounts of money that share unit, price year and basis, and keep those labels.

    Raises
    ------
    UnitError
        Where price years or bases differ: bring them together with ``averting.costs.prices.deflate`` first.
    """
    first, *rest = amounts
    for key in ("units", "price_year", "basis"):
        found = {str(amount.attrs.get(key)) for amount in amounts}
        if len(found) > 1:
            raise UnitError(
                f"Amounts with different {key.replace('_', ' ')} cannot be added: {', '.join(sorted(found))}. "
                "Convert prices with averting.costs.prices.deflate, and discount only once."
            )
    with exact():
        total = first
        for amount in rest:
            total = total + amount
    return total.assign_attrs(first.attrs)


def shown(value: float) -> str:
    """Return a number as people write it: whole from a thousand on, else in four figures; never with an exponent of tens."""
    return f"{value:,.0f}" if abs(value) >= 999.5 else f"{value:.4g}"
