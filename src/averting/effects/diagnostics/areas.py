"""Whether a shock to one local authority could pass for the programme's effect, and what the test does about it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from averting.checks import CheckResult
from averting.design import Design
from averting.effects.kernels.areas import crowding, sets_of_like_split, stand_in_areas

CROWDED = 0.1
"""Pilots are called crowded where random sets lie in as few local authorities with less than this chance."""

FEWEST_STAND_INS = 5
"""Local authorities without pilots, each large enough, that are needed to see what such shocks do."""

_KEY = "ratio_did/areas"
_DRAWS = 2_000
_SETS = 5_000
_FEWEST_SETS = 100


@dataclass(frozen=True)
class Areas:
    """How pilots lie in local authorities.

    Parameters
    ----------
    pilots, others : int
        Local authorities with pilots, and with comparison schools but no pilots.
    crowded : bool
        Whether the pilots lie in fewer than chance would have it.
    separate : bool
        Whether no comparison school lies in a pilot's local authority.
    sets : array (set, pilot) or None
        Sets of comparison schools split over local authorities as the pilots are, the pilots first; None where
        they are not needed, or cannot be formed.
    """

    pilots: int
    others: int
    crowded: bool
    separate: bool
    sets: NDArray[np.intp] | None


def judge_areas(design: Design, *, rng: np.random.Generator) -> Areas | None:
    """Find how pilots lie in local authorities; None where that is not known of every school.

    Parameters
    ----------
    design : Design
        At school level; at other levels the answer is None.
    rng : Generator
        Draws random sets of schools.
    """
    if design.panel.level != "school" or "la" not in design.panel.data.coords:
        return None
    names = design.panel.data["la"].sel(school=list(design.schools)).to_numpy().astype(str)
    if (np.char.strip(names) == "").any():
        return None
    area = np.unique(names, return_inverse=True)[1].astype(np.intp)
    few = len(design.pilots)
    own, compared = np.unique(area[:few]), np.unique(area[few:])
    others = int((~np.isin(compared, own)).sum())
    crowded = crowding(area, few, draws=_DRAWS, rng=rng) < CROWDED
    sets = None
    if crowded and stand_in_areas(area, few) >= max(FEWEST_STAND_INS, len(own)):
        drawn = sets_of_like_split(area, few, most=_SETS, rng=rng)
        if len(np.unique(np.sort(drawn, axis=1), axis=0)) >= _FEWEST_SETS:
            sets = drawn
    return Areas(len(own), others, crowded, not np.isin(compared, own).any(), sets)


def areas_check(areas: Areas | None, *, permuted: bool = True, units: str = "schools") -> CheckResult:
    """Say in words whether a shock to a local authority is told from the programme.

    Parameters
    ----------
    areas : Areas or None
        From :func:`judge_areas`.
    permuted : bool
        Whether sets of schools are compared; redrawn panels know nothing of authorities.
    units : str
        What is compared, in the plural; only schools lie in authorities.
    """
    if areas is None:
        message = (
            "Local authorities are not known of every school: shocks to whole authorities cannot be looked for."
            if units == "schools"
            else f"Shocks that strike several {units} at once are not looked for."
        )
        return CheckResult(_KEY, "info", message)
    lie = _where(areas)
    if areas.separate and areas.others < 2:
        return CheckResult(
            _KEY,
            "fail",
            f"{lie} All comparison schools lie in one other. Whatever else happened in either authority looks the "
            "same as the programme, and nothing shows how large such shocks are.",
            "Add comparison schools of the pilots' own authority, or of several others.",
        )
    if areas.sets is not None or areas.crowded:
        return _together(f"{lie} That is fewer than chance would give", areas, permuted=permuted)
    return CheckResult(_KEY, "pass", f"{lie} That is no fewer than chance would give.")


def _together(lie: str, areas: Areas, *, permuted: bool) -> CheckResult:
    """Say what is done where the pilots lie in fewer authorities than chance would have it."""
    if areas.sets is None:
        return CheckResult(
            _KEY,
            "warn",
            f"{lie}, and too few others are large enough to stand in for them. A shock to a whole authority could pass "
            "for an effect, and the p-value does not allow for it.",
            f"Add comparison schools from at least {FEWEST_STAND_INS} other authorities, as many in each as there "
            "are pilots together.",
        )
    if permuted:
        return CheckResult(
            _KEY,
            "pass",
            f"{lie}, so they are compared with sets of schools that lie together in the same way: a shock to a whole "
            "authority counts as chance.",
        )
    return CheckResult(
        _KEY,
        "warn",
        f"{lie}, and redrawn panels know nothing of shocks to a whole authority.",
        "Use inference='permutation', which compares the pilots with schools that lie together in the same way.",
    )


def _where(areas: Areas) -> str:
    plural = "y" if areas.pilots == 1 else "ies"
    return f"The pilots lie in {areas.pilots} local authorit{plural}."
