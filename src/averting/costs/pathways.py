"""The pupil after a permanent exclusion: how long out of mainstream school, and in which financial years.

Conventions, all stated in reports: an exclusion happens in the middle of the academic year, on 1 March; a pupil
excluded in Year g has 11.5 - g years to the end of Year 11; pupils return to mainstream at a constant yearly
hazard; census-based funding of a mainstream school follows the October count into the next April's budget.
With the family ``after_exclusion`` pupils go from place to place instead: see :mod:`averting.costs.cohort`.
"""

from __future__ import annotations

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from averting.costs.cohort_quantities import WAIT, cohort_quantities
from averting.costs.later_life import is_needed, with_later_life
from averting.costs.quantities import Quantities, spread
from averting.errors import ParameterError, UnitError
from averting.units import label, require
from averting.years import AcademicYear, Period, financial_year_at

type Array = NDArray[np.float64]

YEAR_GROUPS = (7, 8, 9, 10, 11)
YEAR_GROUP_SHARES = tuple(f"year_group_share_{group}" for group in YEAR_GROUPS)
RETURN_HAZARD = "return_to_mainstream_hazard"

# 1 March, in months after 1 September.
_EXCLUSION_MONTH = 6
# 1 October, in months after the exclusion on 1 March.
_FIRST_CENSUS_MONTH = 7
_MONTHS_TO_END = np.array([12 * (11.5 - group) for group in YEAR_GROUPS])
_SHARE_TOLERANCE = 1e-9
_SCHOOL_MONTHS = 144


def placement_months(hazard: Array, months_to_end: Array) -> Array:
    """Share of each month after exclusion that is spent out of mainstream.

    Parameters
    ----------
    hazard : array, shape (draw,)
        Yearly rate of return to mainstream, 0 or more.
    months_to_end : array, shape (cohort,)
        Months from exclusion to the end of Year 11.

    Returns
    -------
    array, shape (draw, cohort, month)
        The mean over the month of exp(-hazard x years since exclusion), and 0 after the end of Year 11. Its sum
        over months, over 12, is (1 - exp(-hT)) / h for T years to the end; T where h is 0.

    Raises
    ------
    ParameterError
        For a rate below 0, or a time to the end of Year 11 that no pupil of school age has.
    """
    if hazard.min(initial=0.0) < 0:
        raise ParameterError(f"The rate of return is {hazard.min():g}. It must be 0 or more.")
    if months_to_end.min(initial=0.0) < 0 or months_to_end.max(initial=0.0) > _SCHOOL_MONTHS:
        raise ParameterError(
            f"Months to the end of Year 11 run from {months_to_end.min():g} to {months_to_end.max():g}. They must lie "
            f"between 0 and {_SCHOOL_MONTHS}, Reception to Year 11: placements of school age end there."
        )
    months = int(np.ceil(months_to_end.max(initial=0.0)))
    start = np.arange(months) / 12
    length = np.clip(months_to_end[:, None] / 12 - start, 0.0, 1 / 12)
    # Nearly all months are whole, so the exponential is taken once per distinct length, not once per cell.
    lengths, which = np.unique(length, return_inverse=True)
    rate = np.where(hazard > 0, hazard, 1.0)[:, None]
    inside = np.where(hazard[:, None] > 0, -np.expm1(-rate * lengths) / rate, lengths)
    stay: Array = 12 * inside[:, which.reshape(length.shape)] * np.exp(-hazard[:, None] * start)[:, None, :]
    return stay


def census_presence(hazard: Array, months_to_end: Array) -> Array:
    """Chance of being out of mainstream at each October census after exclusion.

    Parameters
    ----------
    hazard, months_to_end : array, shapes (draw,), (cohort,)
        As in :func:`placement_months`.

    Returns
    -------
    array, shape (draw, cohort, census)
        The averted pupil is counted, and funded, by a mainstream school in exactly these cases.
    """
    count = int(max(0, np.ceil((months_to_end.max(initial=0.0) - _FIRST_CENSUS_MONTH) / 12)))
    month = _FIRST_CENSUS_MONTH + 12 * np.arange(count)
    still_at_school = month < months_to_end[:, None]
    presence: Array = np.exp(-hazard[:, None, None] * month / 12) * still_at_school
    return presence


def _mix(params: xr.Dataset) -> Array:
    """Year-group shares, shape (draw, cohort)."""
    mix = np.stack([params[key].to_numpy() for key in YEAR_GROUP_SHARES], axis=1)
    if np.abs(mix.sum(axis=1) - 1).max() > _SHARE_TOLERANCE:
        raise ParameterError(f"{', '.join(YEAR_GROUP_SHARES)} must add up to 1 in every draw.")
    return mix


def _placement_profile(hazard: Array, mix: Array) -> Array:
    """Pupil-years out of mainstream per exclusion, shape (draw, financial years since the academic year began)."""
    months = np.einsum("dcm,dc->dm", placement_months(hazard, _MONTHS_TO_END), mix) / 12
    origin = AcademicYear(2000)
    offsets = [
        financial_year_at(origin, _EXCLUSION_MONTH + month).start - 2000 for month in range(months.shape[1])
    ]
    profile = np.zeros((months.shape[0], max(offsets) + 1))
    np.add.at(profile.T, offsets, months.T)
    return profile


def _census_profile(hazard: Array, mix: Array) -> Array:
    """Funded pupil-years per exclusion, laid out as in :func:`_placement_profile`."""
    presence = np.einsum("dck,dc->dk", census_presence(hazard, _MONTHS_TO_END), mix)
    # The first census after 1 March of academic year t/t+1 is in October t+1 and pays from April t+2.
    return np.pad(presence, ((0, 0), (2, 0)))


def _checked(averted: xr.DataArray, params: xr.Dataset) -> Array:
    require(averted, units="pupils", what="averted")
    if set(averted.dims) != {"draw", "period"}:
        raise UnitError(
            f"averted has dims ({', '.join(map(str, averted.dims))}), but (draw, period) is needed. "
            "Sum over schools first: averted.sum('school')."
        )
    if not averted.indexes["draw"].equals(params.indexes["draw"]):
        raise UnitError(
            f"averted has {averted.sizes['draw']} draws and the parameters {params.sizes['draw']}, or their "
            "labels differ. Bring effects to the same joint index with averting.draws.resample."
        )
    values = averted.transpose("draw", "period").to_numpy().astype(np.float64)
    if not np.isfinite(values).all():
        raise UnitError("averted holds missing or infinite values. Leave those periods out instead.")
    return values


def quantities(averted: xr.DataArray, params: xr.Dataset) -> Quantities:
    """Turn averted exclusions by academic year into quantities by financial year.

    Parameters
    ----------
    averted : DataArray, dims (draw, period), units pupils
        Exclusions averted; ``period`` holds academic years like ``2016/17``, or
        their terms, each counted in its year. Negative where exclusions rose.
    params : Dataset, dims (draw,)
        From :meth:`averting.costs.ParameterSet.draw`, on the same draws. With the parameters of the family
        ``after_exclusion`` pupils are followed from place to place; else only whether they are out of mainstream.

    Raises
    ------
    UnitError
        For other units, dims or draws, or missing values.
    """
    values = _checked(averted, params)
    starts = [Period.parse(str(period)).year.start for period in averted["period"].to_numpy()]
    at_school = _at_school(values, starts, params)
    return with_later_life(at_school, values, starts, params) if is_needed(params) else at_school


def _at_school(values: Array, starts: list[int], params: xr.Dataset) -> Quantities:
    """Return quantities up to the end of Year 11."""
    if WAIT in params:
        return cohort_quantities(values, starts, params)
    hazard, mix = params[RETURN_HAZARD].to_numpy(), _mix(params)
    placement, census = _placement_profile(hazard, mix), _census_profile(hazard, mix)
    last = max(starts) + max(placement.shape[1], census.shape[1]) - 1
    years = range(min(starts), last + 1)
    at_once = np.ones((values.shape[0], 1))  # 1 March lies in the financial year that began before it
    return Quantities(
        tuple(years),
        spread(values, starts, at_once, years),
        spread(values, starts, placement, years),
        spread(values, starts, census, years),
    )


def placement_years(averted: xr.DataArray, params: xr.Dataset) -> xr.DataArray:
    """Pupil-years out of mainstream that averted exclusions avoid.

    Parameters
    ----------
    averted, params
        As in :func:`quantities`.

    Returns
    -------
    DataArray, dims (draw, year), units pupil_years
        ``year`` holds the starts of financial years.
    """
    found = quantities(averted, params)
    array = xr.DataArray(
        found.placement_years,
        dims=("draw", "year"),
        coords={"draw": averted["draw"], "year": list(found.years)},
        name="placement_years",
    )
    return label(array, "pupil_years")
