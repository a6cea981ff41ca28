"""Discount real flows by a dated schedule of HM Treasury's Green Book."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any, Literal

import numpy as np
import xarray as xr
from numpy.typing import ArrayLike, NDArray

from averting.errors import ParameterError, UnitError
from averting.resources import read_model
from averting.units import exact, require
from averting.years import FinancialYear

DEFAULT_EDITION = "2026"

Timing = Literal["start", "mid", "end"]
# How far into its year a flow falls, in years, where it is not at the start.
_DELAY: dict[Timing, float] = {"mid": 0.5, "end": 1.0}


@dataclass(frozen=True)
class Schedule:
    """Discount rates by years from the base year.

    Parameters
    ----------
    edition, series : str
        Green Book edition and kind of rate.
    bands : tuple of (int, int, float)
        First and last year, counted from the base year, and the rate of each band, without gaps.
    source : str
        Key in ``models/references.bib``.
    """

    edition: str
    series: str
    bands: tuple[tuple[int, int, float], ...]
    source: str

    @property
    def last_year(self) -> int:
        """Last year, counted from the base year, for which there is a rate."""
        return self.bands[-1][1]

    def cumulative(self) -> NDArray[np.float64]:
        """Factors for years 0 to ``last_year``: each year's rate applies to that year alone."""
        rates = np.concatenate([np.full(last - first + 1, rate) for first, last, rate in self.bands])
        growth = 1 + rates
        growth[0] = 1.0  # the base year is not discounted
        return np.asarray(1 / np.cumprod(growth), dtype=np.float64)


@cache
def _editions() -> dict[str, Any]:
    return read_model("discounting.toml")


@cache
def known_schedule(edition: str, series: str) -> Schedule:
    """Return a schedule that ships with averting; an unknown edition or series is a ParameterError."""
    editions = _editions()
    if edition not in editions:
        raise ParameterError(f"There is no Green Book edition '{edition}'. Use one of: {', '.join(editions)}.")
    declared = editions[edition]
    kinds = sorted(set(declared["bands"][0]) - {"from", "to"})
    if series not in kinds:
        raise ParameterError(f"Edition {edition} has no series '{series}'. Use one of: {', '.join(kinds)}.")
    bands = tuple((band["from"], band["to"], float(band[series])) for band in declared["bands"])
    return Schedule(edition, series, bands, declared["source"])


def _delayed(cumulative: NDArray[np.float64], timing: Timing) -> NDArray[np.float64]:
    """Factors of flows that fall later in their year; the part of a year is at the next year's own rate."""
    if timing == "start":
        return cumulative
    if timing not in _DELAY:
        raise ParameterError(f"There is no timing '{timing}'. Use one of: start, {', '.join(_DELAY)}.")
    step = cumulative[1:] / cumulative[:-1]
    return cumulative[:-1] * step ** _DELAY[timing]


def factors(
    years: ArrayLike, *, edition: str = DEFAULT_EDITION, series: str = "standard", timing: Timing = "start"
) -> NDArray[np.float64]:
    """Discount factors.

    Parameters
    ----------
    years : array of int
        Whole years after the base year, 0 or more.
    edition : str
        Green Book edition, for example ``"2026"``; ``"review_2026"`` is a recommendation, for a sensitivity only.
    series : {"standard", "health", "reduced"}
        ``reduced`` leaves out the allowance for catastrophic risk.
    timing : {"start", "mid", "end"}
        When in its year money moves. ``start``: the base year counts in full, as in the Green Book's tables.

    Returns
    -------
    array, same shape
        The product of 1 / (1 + rate) over the years after the base year, each year at its own band's rate, so
        that the rate of year 31 applies to year 31 alone.

    Raises
    ------
    ParameterError
        For an unknown edition, series or timing.
    UnitError
        For years before the base year, fractions of years, or years after the schedule's last.
    """
    schedule = known_schedule(edition, series)
    cumulative = _delayed(schedule.cumulative(), timing)
    after = np.asarray(years)
    if not np.issubdtype(after.dtype, np.integer):
        raise UnitError(f"Years after the base year must be whole numbers, but they are {after.dtype}.")
    if after.size and after.min() < 0:
        raise UnitError(
            f"Flows begin {-int(after.min())} years before the base year. Move the base year to the first year "
            "with a flow: earlier flows are not compounded."
        )
    if after.size and after.max() >= cumulative.size:
        raise UnitError(f"The schedule of {edition} ends {cumulative.size - 1} years after the base year.")
    found: NDArray[np.float64] = cumulative[after]
    return found


def present_value(
    flows: xr.DataArray,
    *,
    base_year: FinancialYear,
    edition: str = DEFAULT_EDITION,
    series: str = "standard",
    timing: Timing = "start",
) -> xr.DataArray:
    """Discount a stream of real pounds to one year, by the Green Book.

    Parameters
    ----------
    flows : DataArray, dims (..., year), units GBP, basis "undiscounted"
        Real amounts in one price year; ``year`` holds the starts of financial years.
    base_year : FinancialYear
        Year whose factor is 1; no flow may lie before it. Not the price year: the two are independent.
    edition, series, timing : str
        As in :func:`factors`.

    Returns
    -------
    DataArray, same dims, units GBP, basis "present_value"
        Discounted year by year, not summed; edition, series, timing and base year are in the attributes.

    Raises
    ------
    UnitError
        If the flows are discounted already, are not pounds, or begin before the base year.
    """
    require(flows, units="GBP", basis="undiscounted", what="flows")
    after = flows["year"].to_numpy() - base_year.start
    weights = xr.DataArray(
        factors(after, edition=edition, series=series, timing=timing),
        dims="year",
        coords={"year": flows["year"].to_numpy()},
    )
    labels = {
        "basis": "present_value",
        "base_year": base_year.label,
        "discount_schedule": f"{edition} {series}",
        "payment_timing": timing,
    }
    with exact():
        return (flows * weights).transpose(*flows.dims).assign_attrs({**flows.attrs, **labels})
