"""The Goodman-Bacon decomposition: which two-by-two comparisons a two-way fixed-effects estimate averages.

With staggered starts, a two-way fixed-effects coefficient is a weighted mean of all two-by-two comparisons between
groups that start together [1]_. Some of them take units that have started already as the comparison; where effects
grow over time these are biased.

References
----------
.. [1] Goodman-Bacon, A. (2021). Difference-in-differences with variation in treatment timing. Journal of
   Econometrics 225(2), theorem 1.
"""

from __future__ import annotations

from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Kind = Literal["never treated", "not yet treated", "already treated"]

NEVER = np.iinfo(np.intp).max


class TwoByTwo(NamedTuple):
    """One comparison: who starts (position of the first treated period), against whom, and what it counts for."""

    start: int
    against: int
    kind: Kind
    weight: float
    estimate: float


def decompose(outcomes: Array, first: NDArray[np.intp]) -> tuple[TwoByTwo, ...]:
    """Decompose a two-way fixed-effects estimate.

    Parameters
    ----------
    outcomes : array (unit, period)
        Balanced, without missing values.
    first : array (unit,)
        Position of each unit's first treated period, above 0; ``NEVER`` for units that are never treated.

    Returns
    -------
    tuple of TwoByTwo
        Weights sum to 1 and ``sum(weight * estimate)`` is the two-way fixed-effects coefficient. ``against`` is
        ``NEVER`` for the never treated. Empty where treatment does not vary.
    """
    periods = outcomes.shape[1]
    starts = sorted({int(start) for start in first if start < periods})
    means = {start: outcomes[first == start].mean(axis=0) for start in starts}
    shares = {start: float((first == start).mean()) for start in starts}
    late = {start: (periods - start) / periods for start in starts}  # share of periods treated
    never = first >= periods
    found: list[TwoByTwo] = []
    for at, start in enumerate(starts):
        if never.any():
            weight = shares[start] * float(never.mean()) * late[start] * (1 - late[start])
            change = _difference(means[start], outcomes[never].mean(axis=0), 0, start, periods)
            found.append(TwoByTwo(start, NEVER, "never treated", weight, change))
        for later in starts[at + 1 :]:
            pair, gap = shares[start] * shares[later], late[start] - late[later]
            before = _difference(means[start], means[later], 0, start, later)
            after = _difference(means[later], means[start], start, later, periods)
            found.append(TwoByTwo(start, later, "not yet treated", pair * gap * (1 - late[start]), before))
            found.append(TwoByTwo(later, start, "already treated", pair * late[later] * gap, after))
    whole = sum(item.weight for item in found)
    return tuple(item._replace(weight=item.weight / whole) for item in found)


def forbidden_share(starts: NDArray[np.intp], never: int, periods: int) -> float:
    """Return the share of weight on comparisons with units already treated.

    Parameters
    ----------
    starts : array (pilot,)
        Position of each pilot's first treated period, 1 to ``periods`` - 1.
    never : int
        Number of units that are never treated.
    periods : int
        Number of periods; the panel is taken to be balanced and units to weigh alike.
    """
    first = np.concatenate([starts, np.full(never, NEVER)])
    found = decompose(np.zeros((len(first), periods)), first)  # weights do not depend on outcomes
    return sum(item.weight for item in found if item.kind == "already treated")


def _difference(treated: Array, compared: Array, begin: int, start: int, end: int) -> float:
    """Change of the treated group less that of the other, from [begin, start) to [start, end)."""
    gap = treated - compared
    return float(gap[start:end].mean() - gap[begin:start].mean())
