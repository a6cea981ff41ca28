"""Reference sets that are split over areas as the pilots are, for shocks that hit whole areas."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Labels = NDArray[np.intp]


def split_over_areas(area: Labels) -> tuple[int, ...]:
    """Return how many units each area holds, largest first: (2, 1) for two units of one area and one of another."""
    return tuple(sorted(np.unique(area, return_counts=True)[1].tolist(), reverse=True))


def crowding(area: Labels, pilots: int, *, draws: int, rng: np.random.Generator) -> float:
    """Return the chance that as many units drawn at random lie in as few areas as the pilots, or fewer.

    Parameters
    ----------
    area : array (unit,)
        Number of each unit's area; pilots first.
    pilots : int
        Number of pilots.
    draws : int
        Random sets drawn.
    rng : Generator
        Draws them.
    """
    order = np.argpartition(rng.random((draws, len(area))), pilots - 1, axis=1)[:, :pilots]
    drawn = np.sort(area[order], axis=1)
    areas = 1 + np.count_nonzero(np.diff(drawn, axis=1), axis=1)
    return float((areas <= len(np.unique(area[:pilots]))).mean())


def stand_in_areas(area: Labels, pilots: int) -> int:
    """Return how many areas without pilots hold enough units to stand in for the pilots' fullest area."""
    needed = split_over_areas(area[:pilots])[0]
    found, members = np.unique(area[pilots:], return_counts=True)
    return int(np.count_nonzero((members >= needed) & ~np.isin(found, area[:pilots])))


def sets_of_like_split(area: Labels, pilots: int, *, most: int, rng: np.random.Generator) -> NDArray[np.intp]:
    """Draw sets of comparison units that lie in areas as the pilots do; every area has the same chance.

    Parameters
    ----------
    area : array (unit,)
        Number of each unit's area; pilots first.
    pilots : int
        Number of pilots.
    most : int
        Number of sets, the pilots' own among them.
    rng : Generator
        Draws areas, and units within them.

    Returns
    -------
    array (set, pilots)
        Row 0 is the pilots; the others hold no pilot. Sets can occur more than once.
    """
    sizes = split_over_areas(area[:pilots])
    members = {int(a): pilots + np.flatnonzero(area[pilots:] == a) for a in np.unique(area[pilots:])}
    drawn = np.empty((most, pilots), dtype=np.intp)
    drawn[0] = np.arange(pilots)
    row = 1
    while row < most:
        chosen: list[NDArray[np.intp]] = []
        free = set(members)
        for size in sizes:
            able = sorted(a for a in free if len(members[a]) >= size)
            if not able:
                break
            picked = able[int(rng.integers(len(able)))]
            free.remove(picked)
            chosen.append(rng.choice(members[picked], size, replace=False))
        else:
            drawn[row] = np.concatenate(chosen)
            row += 1
    return drawn
