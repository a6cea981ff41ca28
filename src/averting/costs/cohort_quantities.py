"""From drawn parameters to the cohort's rates, and from averted exclusions to years by place."""

from __future__ import annotations

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from averting.costs.cohort import (
    MONTHS,
    STATES,
    TERM_MONTHS,
    YEAR_GROUPS,
    Rates,
    school_months,
    walk,
    years_by_state,
)
from averting.costs.quantities import SIMPLE, Quantities, spread
from averting.errors import ParameterError
from averting.years import AcademicYear, financial_year_at

type Array = NDArray[np.float64]

WAIT = "weeks_to_provision"
"""The parameter whose presence says that the cohort is to be followed."""

TERM_SHARES = ("term_share_autumn", "term_share_spring", "term_share_summer")
_FIRST_SECONDARY = 7
_WEEKS = 52
# 1 October after the academic year of the exclusion, in months after its 1 September; it pays from the April after.
_CENSUS_MONTH = 13
_CENSUS_PAYS = 2
_PLACES = ("state_ap", "independent_ap", "special", "home_unknown", "excluded")
_OUT = ("excluded", "state_ap", "independent_ap", "home_unknown")
_TOLERANCE = 1e-9


def cohort_rates(params: xr.Dataset) -> Rates:
    """Return the cohort's rates from drawn parameters of the family ``after_exclusion``."""
    value = {str(key): params[key].to_numpy() for key in params}
    found = 1 - value["not_found_share"]
    return Rates(
        placement=_WEEKS / value[WAIT],
        to_state_ap=found * (1 - value["independent_share"]),
        to_independent_ap=found * value["independent_share"],
        to_home=value["not_found_share"],
        return_first_year=value["return_to_mainstream_hazard"],
        return_later=value["return_to_mainstream_hazard"] * value["later_return_ratio"],
        return_to_special=value["return_to_special_share"],
        breakdown=value["reintegration_breakdown"],
        suspended=value["suspended_share"],
    )


def cohort_mix(params: xr.Dataset) -> Array:
    """Return shares of exclusions by year group and term.

    Returns
    -------
    array, shape (year group, term), or (draw, year group, term) where they differ between draws

    Raises
    ------
    ParameterError
        Where shares do not add up to 1 in every draw.
    """
    primary = params["primary_share"].to_numpy()
    groups = []
    for group in YEAR_GROUPS:
        stage, part = ("primary_group", primary) if group < _FIRST_SECONDARY else ("year_group", 1 - primary)
        groups.append(params[f"{stage}_share_{group}"].to_numpy() * part)
    terms = np.stack([params[key].to_numpy() for key in TERM_SHARES], axis=1)
    by_group = np.stack(groups, axis=1)
    for what, shares in (("year groups", by_group), ("terms", terms)):
        if np.abs(shares.sum(axis=1) - 1).max() > _TOLERANCE:
            raise ParameterError(f"Shares of {what} must add up to 1 in every draw.")
    mix: Array = by_group[:, :, None] * terms[:, None, :]
    return mix[0] if (mix == mix[:1]).all() else mix


def census_gain(rates: Rates, mix: Array) -> Array:
    """Chance that averting an exclusion puts a pupil on a mainstream roll at each October census.

    Returns
    -------
    array, shape (draw, financial year since the academic year began)
        By the year the census pays for: that of October t+1 pays from April t+2, for an exclusion in t/t+1.
    """
    left = school_months()
    gain = np.zeros((rates.placement.size, len(YEAR_GROUPS) + _CENSUS_PAYS))
    back = STATES.index("reintegrated")
    for month, (now, _) in enumerate(walk(rates, MONTHS)):
        for term, start in enumerate(TERM_MONTHS):
            count, early = divmod(start + month - _CENSUS_MONTH, 12)
            if early or count < 0:
                continue
            at_school = (mix[..., term] * (left[:, term] > month)).sum(axis=-1)
            gain[:, count + _CENSUS_PAYS] += at_school * (1 - now[back])
    return gain


def _profiles(rates: Rates, mix: Array) -> dict[str, Array]:
    """Every quantity per averted exclusion, shape (draw, financial years since the academic year began)."""
    horizon = len(YEAR_GROUPS) + _CENSUS_PAYS
    excluded, averted = years_by_state(rates, mix, horizon)
    place = {key: excluded[STATES.index(key)].T for key in STATES}
    gained = {key: averted[STATES.index(key)].T for key in ("mainstream", "suspended")}
    at_once = np.zeros((rates.placement.size, horizon))
    for term, start in enumerate(TERM_MONTHS):
        at_once[:, financial_year_at(AcademicYear(0), start).start] += mix[..., term].sum(axis=-1)
    return {
        "averted_exclusions": at_once,
        "placement_years": sum((place[key] for key in _OUT), np.zeros_like(at_once)),
        "census_years": census_gain(rates, mix),
        **{f"years_{key}": place[key] for key in _PLACES},
        "years_state_ap_a_year_later": np.pad(place["state_ap"], ((0, 0), (1, 0))),
        "years_mainstream_gained": gained["mainstream"] + gained["suspended"] - place["reintegrated"],
        "years_suspended_gained": gained["suspended"],
    }


def cohort_quantities(averted: Array, starts: list[int], params: xr.Dataset) -> Quantities:
    """Turn averted exclusions into pupils and years by place.

    Parameters
    ----------
    averted : array, shape (draw, period)
        Exclusions averted.
    starts : list of int
        Calendar year in which each period's academic year begins.
    params : Dataset, dims (draw,)
        Drawn parameters of the family ``after_exclusion``.
    """
    profiles = _profiles(cohort_rates(params), cohort_mix(params))
    reach = max(int(np.flatnonzero(each.any(axis=0)).max(initial=0)) + 1 for each in profiles.values())
    years = range(min(starts), max(starts) + reach)
    laid = {key: spread(averted, starts, each[:, :reach], years) for key, each in profiles.items()}
    pupils, placed, counted = (laid.pop(key) for key in SIMPLE)
    return Quantities(tuple(years), pupils, placed, counted, by_state=laid)
