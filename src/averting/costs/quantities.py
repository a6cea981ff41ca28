"""What averted exclusions change: pupils and years, by draw and financial year."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from averting.errors import ParameterError

type Array = NDArray[np.float64]

SIMPLE = ("averted_exclusions", "placement_years", "census_years")
COHORT = (
    "years_excluded",
    "years_state_ap",
    "years_state_ap_a_year_later",
    "years_independent_ap",
    "years_special",
    "years_home_unknown",
    "years_mainstream_gained",
    "years_suspended_gained",
)
LATER = "young_adult_years"
QUANTITIES = (*SIMPLE, LATER, *COHORT)


@dataclass(frozen=True)
class Quantities:
    """What averted exclusions change, by draw and financial year.

    Parameters
    ----------
    years : tuple of int
        Starts of the financial years.
    averted_exclusions, placement_years, census_years : array, shape (draw, year)
        Pupils in the year of exclusion; pupil-years out of mainstream avoided; pupil-years that a mainstream
        school's census-based budget pays for in addition.
    by_state : mapping of str to array, shape (draw, year)
        The quantities of ``COHORT``, where parameters of the cohort are given: pupil-years avoided in each place,
        and gained in mainstream school; and ``young_adult_years``, where a line of later life needs them.
    """

    years: tuple[int, ...]
    averted_exclusions: Array
    placement_years: Array
    census_years: Array
    by_state: Mapping[str, Array] = field(default_factory=dict)

    def get(self, quantity: str) -> Array:
        """Return a quantity by name, shape (draw, year).

        Raises
        ------
        ParameterError
            For a quantity that these parameters do not make.
        """
        simple = {
            "averted_exclusions": self.averted_exclusions,
            "placement_years": self.placement_years,
            "census_years": self.census_years,
        }
        found = {**simple, **self.by_state}
        if quantity not in found:
            raise ParameterError(
                f"There is no quantity '{quantity}' here; there are {', '.join(found)}. Years by place need the "
                "cohort's parameters: use the family after_exclusion."
            )
        return found[quantity]


def spread(averted: Array, starts: list[int], profile: Array, years: range) -> Array:
    """Lay each period's pupils along a profile.

    Parameters
    ----------
    averted : array, shape (draw, period)
        Exclusions averted.
    starts : list of int
        Calendar year in which each period's academic year begins.
    profile : array, shape (..., draw, offset)
        Quantity or money per exclusion, by financial years since the academic year began.
    years : range
        Starts of the financial years to fill, from the first period's start or before.

    Returns
    -------
    array, shape (..., draw, year)
    """
    laid = np.zeros((*profile.shape[:-1], len(years)))
    for column, start in enumerate(starts):
        at = start - years.start
        laid[..., at : at + profile.shape[-1]] += averted[:, column, None] * profile
    return laid


def places_cut(freed: Array, block: int) -> Array:
    """Places taken out of the next year's commission, where they are agreed in whole blocks a year ahead.

    Parameters
    ----------
    freed : array, shape (..., year)
        Pupil-years in state places freed in each financial year.
    block : int
        Places in a block, 1 or more.

    Returns
    -------
    array, shape (..., year)
        Nothing in the first year; then the whole blocks that were free in the year before, rounded toward none. Not
        linear: five places freed cut no block of six. The lines of the account use an uncertain share instead.

    Raises
    ------
    ParameterError
        For a block below 1.
    """
    if block < 1:
        raise ParameterError(f"A block holds {block} places. Give 1 or more.")
    whole = np.trunc(freed / block) * block
    cut = np.zeros_like(whole)
    cut[..., 1:] = whole[..., :-1]
    return cut
