"""Pilots' events by cohort before and from the start, to be protected before anything that follows from them is told."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import combinations

import numpy as np
import pandas as pd

from averting.data.disclosure import CountTable, Sum
from averting.data.disclosure.protection import Floats
from averting.data.disclosure.tables import Key
from averting.design import Design

EVERYONE = "all pupils"
SIDES = ("before the start", "from the start")
_MOST_PARTS = 4


def rest_of(cohort: str) -> str:
    """Return what all pupils but a cohort are called."""
    return f"all but {cohort}"


def pilot_events(design: Design, indicator: str) -> Floats:
    """Return the pilots' events before and from the start, shape (side, bound)."""
    bounds = [
        end.sel(school=list(design.pilots), period=list(design.periods)) for end in design.panel.bounds(indicator)
    ]
    late = np.array([period in design.treated_periods for period in design.periods])
    return np.array(
        [[float(end.isel(period=np.flatnonzero(late == side)).sum()) for end in bounds] for side in (False, True)]
    )


def cohort_count_table(
    events: Mapping[str, Floats], pupils: Mapping[str, pd.Series], *, indicator: str
) -> CountTable:
    """Return the pilots' events by cohort as one table.

    A reader is taken to know those of all pupils from elsewhere, and to know which cohorts make up another.

    Parameters
    ----------
    events : mapping of str to array, shape (side, bound)
        From :func:`pilot_events`: of :data:`EVERYONE`, of cohorts, and of the rest of each.
    pupils : mapping of str to Series
        Numbers of pupils by row of the file, of the same groups: those whose numbers add up to another's in every row make it
        up.
    indicator : str
        What is counted.
    """
    cells: dict[Key, tuple[float, float]] = {}
    for name, found in events.items():
        cells |= {
            (indicator, name, side): (float(at[0]), float(at[1])) for side, at in zip(SIDES, found, strict=True)
        }
    sums = [
        Sum((indicator, whole, side), tuple((indicator, part, side) for part in parts))
        for whole, parts in partitions(pupils)
        for side in SIDES
    ]
    kept = tuple(one for one in sums if _adds_up(one, cells))
    bounds = np.array(list(cells.values()), dtype=np.float64)
    told = frozenset((indicator, EVERYONE, side) for side in SIDES)
    return CountTable(indicator, tuple(cells), bounds[:, 0], bounds[:, 1], kept, told)


def partitions(pupils: Mapping[str, pd.Series]) -> list[tuple[str, tuple[str, ...]]]:
    """Return which groups make up which: two to four whose numbers of pupils add up to another's in every row."""
    names = [name for name, numbers in pupils.items() if numbers.notna().all()]
    held = {name: pupils[name].to_numpy(dtype=float) for name in names}
    found = []
    for size in range(2, _MOST_PARTS + 1):
        for parts in combinations(names, size):
            whole = sum(held[part] for part in parts)
            found += [
                (name, parts)
                for name in names
                if name not in parts and np.array_equal(held[name], np.asarray(whole))
            ]
    return found


def _adds_up(one: Sum, cells: Mapping[Key, tuple[float, float]]) -> bool:
    """Whether counts add up as pupils do; those known within bounds need not, and tell nothing exactly."""
    return all(cells[one.total][end] == sum(cells[part][end] for part in one.parts) for end in (0, 1))
