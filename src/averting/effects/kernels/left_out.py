"""How far one comparison unit bears on what the others show."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


def changes_without(before: Array, after: Array, pupils_before: Array, pupils_after: Array) -> Array:
    """Return the log change of a group's events over expected ones, each unit left out in turn.

    Parameters
    ----------
    before, after : array (unit,)
        Events before and from the start.
    pupils_before, pupils_after : array (unit,)
        Exposure in the same periods; both positive.

    Returns
    -------
    array (unit,)
        What leaving the unit out adds to the group's log change; infinite where nothing is left to compare.
    """
    expected = before * pupils_after / pupils_before
    with np.errstate(divide="ignore", invalid="ignore"):
        whole = np.log(after.sum()) - np.log(expected.sum())
        without = np.log(after.sum() - after) - np.log(expected.sum() - expected)
    return np.where(np.isfinite(without), without - whole, np.inf)
