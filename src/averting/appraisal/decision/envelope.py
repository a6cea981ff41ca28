"""Which straight line is highest, draw by draw, over a whole grid of thresholds: NumPy only.

Net benefit is a straight line in the threshold, ``k * effect - cost``. The best of a draw's lines is therefore
piecewise constant in k, and it only ever moves to a steeper line. Walking from break point to break point and
noting where on the grid each stretch begins and ends costs the same for 101 thresholds as for 100,001.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

type Array = NDArray[np.float64]
type Index = NDArray[np.intp]

# draws walked at once: their working arrays then stay in the processor's cache
_BLOCK = 8_192
_THREADS = 4


@dataclass(frozen=True)
class Stretches:
    """Stretches of the grid on which one line of one draw is highest.

    Parameters
    ----------
    draw, line : array of int, shape (stretches,)
        Which draw, and which of its lines.
    begin, end : array of int, shape (stretches,)
        The line is highest at grid points ``begin`` to ``end - 1``.
    size : int
        Number of grid points.
    """

    draw: Index
    line: Index
    begin: Index
    end: Index
    size: int

    def total(self, weight: Array | None = None, *, where: NDArray[np.bool_] | None = None) -> Array:
        """Sum a weight per stretch over draws, at each grid point: shape (size,)."""
        begin, end = (self.begin, self.end) if where is None else (self.begin[where], self.end[where])
        weights = weight if weight is None or where is None else weight[where]
        came = np.bincount(begin, weights, self.size + 1)
        left = np.bincount(end, weights, self.size + 1)
        summed: Array = np.cumsum((came - left)[: self.size], dtype=np.float64)
        return summed


def stretches(effect: Array, cost: Array, grid: Array) -> Stretches:
    """Find where each draw's highest line ``k * effect - cost`` changes.

    Parameters
    ----------
    effect, cost : array, shape (draws, lines)
        Slope, and what is subtracted.
    grid : array, shape (points,)
        Thresholds, rising.

    Returns
    -------
    Stretches
        Every (draw, grid point) lies in exactly one. Of equal lines the first is taken, as ``argmax`` does.
    """

    def walk(start: int) -> list[tuple[Index, Index, Index, Index]]:
        return list(_walk(effect, cost, grid, start))

    starts = range(0, len(effect), _BLOCK)
    # NumPy lets go of the interpreter while it computes; the order of the parts is that of the blocks
    with ThreadPoolExecutor(min(len(starts), os.cpu_count() or 1, _THREADS)) as pool:
        found = [part for parts in pool.map(walk, starts) for part in parts]
    draw, line, begin, end = (np.concatenate(parts) for parts in zip(*found, strict=True))
    return Stretches(draw, line, begin, end, len(grid))


def _walk(effect: Array, cost: Array, grid: Array, start: int) -> Iterator[tuple[Index, Index, Index, Index]]:
    """Yield (draw, line, begin, end) for a block of draws, one step along their upper envelopes at a time."""
    slope, offset = effect[start : start + _BLOCK], cost[start : start + _BLOCK]
    rows = np.arange(len(slope))
    line = np.argmax(grid[0] * slope - offset, axis=1)
    begin = np.zeros(len(slope), dtype=np.intp)
    while rows.size:
        at = np.arange(rows.size)
        ahead, chosen = _next_break(slope, offset, at, line)
        end = _first_at_or_after(grid, ahead, earlier_wins=chosen < line)
        # two break points between neighbouring grid points leave nothing of the line between them
        kept = end > begin
        yield rows[kept] + start, line[kept], begin[kept], end[kept]
        going = end < len(grid)
        rows, line, begin = rows[going], chosen[going], np.maximum(end, begin)[going]
        slope, offset = slope[going], offset[going]


def _next_break(slope: Array, offset: Array, at: Index, line: Index) -> tuple[Array, Index]:
    """Threshold at which a steeper line overtakes the current one (infinite: never), and which line that is."""
    rise = slope - slope[at, line][:, None]
    fall = offset - offset[at, line][:, None]
    steeper = rise > 0
    where = np.full(slope.shape, np.inf)
    np.divide(fall, rise, out=where, where=steeper)
    # of lines that cross at the same point the first listed; steeper ones overtake it at that point in turn
    chosen = np.argmin(where, axis=1)
    return where[at, chosen], chosen


def _first_at_or_after(grid: Array, point: Array, *, earlier_wins: NDArray[np.bool_]) -> Index:
    """First grid index at which the overtaking line is chosen; at an exact tie the line listed first is."""
    after = np.searchsorted(grid, point, side="right")
    tied = (after > 0) & (grid[np.maximum(after - 1, 0)] == point) & earlier_wins
    return np.asarray(after - tied, dtype=np.intp)


def above(effect: Array, cost: Array, grid: Array) -> Array:
    """Share of draws in which ``k * effect - cost`` is above zero, at each k of a rising grid."""
    rising, falling = effect > 0, effect < 0
    cross = np.divide(cost, effect, out=np.zeros_like(cost), where=effect != 0)
    begins = np.searchsorted(grid, cross[rising], side="right")
    ends = np.searchsorted(grid, cross[falling], side="left")
    size = len(grid) + 1
    count = np.cumsum(np.bincount(begins, minlength=size))[:-1].astype(np.float64)
    count += falling.sum() - np.cumsum(np.bincount(ends, minlength=size))[:-1]
    count += np.sum(~rising & ~falling & (cost < 0))
    shares: Array = count / len(effect)
    return shares
