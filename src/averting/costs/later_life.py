"""After school: the years from 18 to 24 that pupils whose exclusion was averted reach, by financial year.

Conventions as in :mod:`averting.costs.pathways`: an exclusion happens on 1 March, when a pupil of Year g is g + 5 years
old on average. Deaths and moves abroad are left out.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from averting.costs.quantities import LATER, Quantities, spread

type Array = NDArray[np.float64]

NEEDED_BY = "neet_excess_share"
"""The parameter whose presence says that years after school are to be counted."""

_FIRST_AGE, _LAST_AGE = 18, 25
_AGE_OF_YEAR_0 = 5
# Years from the beginning of the financial year to the exclusion on 1 March.
_BEFORE = 11 / 12
_SECONDARY = range(7, 12)
_PRIMARY = range(7)


def is_needed(params: xr.Dataset) -> bool:
    """Whether years after school are to be counted."""
    return NEEDED_BY in params


def young_adult_profile(groups: Array) -> Array:
    """Years aged 18 to 24 in each financial year since the one of the exclusion.

    Parameters
    ----------
    groups : array, shape (cohort,)
        National-curriculum year at exclusion.

    Returns
    -------
    array, shape (cohort, year)
        Each row adds up to 7.
    """
    start = _FIRST_AGE - _AGE_OF_YEAR_0 - groups[:, None]
    years = int(np.ceil(_LAST_AGE - _AGE_OF_YEAR_0 - groups.min() + _BEFORE))
    begin = np.arange(years)[None, :] - _BEFORE
    lived: Array = np.clip(
        np.minimum(begin + 1, start + _LAST_AGE - _FIRST_AGE) - np.maximum(begin, start), 0.0, None
    )
    return lived


def _mix(params: xr.Dataset) -> tuple[Array, Array]:
    """Year groups, and their shares of averted exclusions by draw."""
    shares = [params[f"year_group_share_{group}"].to_numpy() for group in _SECONDARY]
    if "primary_share" not in params:
        return np.array(_SECONDARY, dtype=np.float64), np.stack(shares, axis=1)
    primary = params["primary_share"].to_numpy()
    young = [params[f"primary_group_share_{group}"].to_numpy() * primary for group in _PRIMARY]
    both = np.stack([*young, *(share * (1 - primary) for share in shares)], axis=1)
    return np.array([*_PRIMARY, *_SECONDARY], dtype=np.float64), both


def with_later_life(quantities: Quantities, averted: Array, starts: list[int], params: xr.Dataset) -> Quantities:
    """Return quantities over more years, with ``young_adult_years`` among them.

    Parameters
    ----------
    quantities : Quantities
        Up to the end of Year 11.
    averted : array, shape (draw, period)
        Exclusions averted.
    starts : list of int
        Calendar year in which each period's academic year begins.
    params : Dataset, dims (draw,)
        Drawn parameters.
    """
    groups, shares = _mix(params)
    profile = shares @ young_adult_profile(groups)
    years = range(min(starts), max(max(starts) + profile.shape[1], quantities.years[-1] + 1))
    wider = ((0, 0), (0, len(years) - len(quantities.years)))
    lived = spread(averted, starts, profile, years)
    return replace(
        quantities,
        years=tuple(years),
        averted_exclusions=np.pad(quantities.averted_exclusions, wider),
        placement_years=np.pad(quantities.placement_years, wider),
        census_years=np.pad(quantities.census_years, wider),
        by_state={**{key: np.pad(each, wider) for key, each in quantities.by_state.items()}, LATER: lived},
    )
