"""Which further cells to withhold, so that nothing withheld can be worked out: arrays in, arrays out.

What a reader knows is a system: linear relations between cells (a total is the sum of its parts), and for each cell
the least and most it can be. A withheld cell is safe when the whole numbers it can still be span at least the
protection asked for. The cells withheld besides the small ones are found by integer programming with cuts
[fischetti_2001]_: while a cell is unsafe, the dual solution of its bounds names the cells that give it away, at
least one of which must be withheld too.

.. [fischetti_2001] Fischetti, M. and Salazar, J. J. (2001). Solving the cell suppression problem on tabular data with
   linear constraints. Management Science, 47(7), 1008-1027.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import Bounds, LinearConstraint, linprog, milp

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

_SLACK = 1e-6
_ZERO = 1e-7
_ROUNDS = 12  # of choosing afresh, each a harder problem than the last


@dataclass(frozen=True)
class System:
    """What a reader can know of n cells.

    Parameters
    ----------
    relations : array of float, shape (relation, n)
        Each row times the cells is 0.
    shown : array of float, shape (2, n)
        Least and most each cell can be for a reader who sees it.
    withheld : array of float, shape (2, n)
        The same for a reader who does not; no narrower than ``shown`` where ``may`` is true.
    must : array of bool, shape (n,)
        Withheld in any case.
    may : array of bool, shape (n,)
        May be withheld besides.
    guarded : array of bool, shape (n,)
        Cells that must stay safe when withheld.
    whole : array of bool, shape (n,)
        Cells that are counts.
    """

    relations: Floats
    shown: Floats
    withheld: Floats
    must: Bools
    may: Bools
    guarded: Bools
    whole: Bools

    def known(self, hidden: Bools) -> Floats:
        """Return least and most of every cell, shape (2, n), when some are withheld."""
        return np.where(hidden, self.withheld, self.shown)


class _Cut(NamedTuple):
    """Where ``cell`` is withheld, so must be one of ``others``."""

    cell: int
    others: Bools


@dataclass(frozen=True, eq=False)
class _Unknowns:
    """The cells that a reader cannot read off, and what ties them: relations times cells are ``totals``."""

    cells: NDArray[np.intp]
    relations: Floats
    totals: Floats
    bounds: Floats
    whole: Bools

    @classmethod
    def of(cls, system: System, hidden: Bools) -> _Unknowns:
        bounds = system.known(hidden)
        fixed = bounds[0] == bounds[1]
        cells = np.flatnonzero(~fixed)
        totals = -(system.relations[:, fixed] @ bounds[0, fixed])
        tied = (system.relations[:, cells] != 0).any(axis=1)
        if (np.abs(totals[~tied]) > _SLACK).any():
            raise ValueError(_CONTRADICTION)
        return cls(cells, system.relations[tied][:, cells], totals[tied], bounds[:, cells], system.whole[cells])

    def extreme(self, cell: int, sign: float) -> Floats:
        """Return cells that fit all that is known, with one as small (sign 1) or large (-1) as it can be."""
        objective = np.where(self.cells == cell, sign, 0.0)
        solved = milp(
            objective,
            integrality=self.whole.astype(np.int64),
            bounds=Bounds(self.bounds[0], self.bounds[1]),
            constraints=[LinearConstraint(self.relations, self.totals, self.totals)] if len(self.totals) else [],
            options={"mip_rel_gap": 0.0},
        )
        if solved.x is None:
            raise ValueError(_CONTRADICTION)
        return np.where(self.whole, np.round(solved.x), solved.x)


_CONTRADICTION = "the numbers contradict each other"


def feasible_interval(system: System, hidden: Bools, cell: int) -> tuple[float, float]:
    """Return the least and most a reader can find one cell to be, counts being whole numbers.

    Raises
    ------
    ValueError
        If nothing fits what the reader knows: the numbers contradict each other.
    """
    unknown = _Unknowns.of(system, hidden)
    at = np.flatnonzero(unknown.cells == cell)
    if len(at) == 0:
        value = float(system.known(hidden)[0, cell])
        return value, value
    low, high = (float(unknown.extreme(cell, sign)[at[0]]) for sign in (1.0, -1.0))
    return low, high


def unsafe(system: System, hidden: Bools, protection: float) -> list[int]:
    """Return the withheld, guarded cells that a reader can narrow down too far."""
    unknown = _Unknowns.of(system, hidden)
    least, most = np.full(len(unknown.cells), np.inf), np.full(len(unknown.cells), -np.inf)
    place = {cell: i for i, cell in enumerate(unknown.cells.tolist())}
    found = []
    for cell in np.flatnonzero(hidden & system.guarded).tolist():
        at = place.get(cell)
        # cells that fit show how far apart every cell can be, so few need solving for their own sake
        for sign in (1.0, -1.0):
            if at is not None and most[at] - least[at] < protection - _SLACK:
                fits = unknown.extreme(cell, sign)
                least, most = np.minimum(least, fits), np.maximum(most, fits)
        if at is None or most[at] - least[at] < protection - _SLACK:
            found.append(cell)
    return found


def complementary(system: System, protection: float, *, cost: Floats) -> Bools | None:
    """Choose the cells to withhold at the least cost.

    Parameters
    ----------
    system : System
        What a reader can know.
    protection : float
        Least width of what a withheld, guarded cell can still be.
    cost : array of float, shape (n,)
        Loss of withholding each cell; positive. The same costs give the same choice, which is the cheapest unless
        the table is so tangled that it takes many rounds: then what was chosen so far is kept and added to.

    Returns
    -------
    array of bool, shape (n,), or None
        Every withheld cell, those of ``must`` among them; None where no choice makes all of them safe.
    """
    hidden, cuts, rounds = system.must.copy(), list[_Cut](), 0
    while True:
        weak = unsafe(system, hidden, protection)
        if not weak:
            return hidden
        cuts += [_Cut(cell, _givers(system, hidden, cell, protection)) for cell in weak]
        rounds += 1
        chosen = _cheapest(system, cuts, cost, kept=hidden if rounds > _ROUNDS else system.must)
        if chosen is None:
            return None
        hidden = chosen


def _givers(system: System, hidden: Bools, cell: int, protection: float) -> Bools:
    """Return the shown cells of which at least one must be withheld for this one to be safe.

    Cells on which neither end's dual solution leans cannot widen the interval. Where only whole numbers make it
    narrow, duals say nothing, and any cell may help.
    """
    open_cells: Bools = system.may & ~hidden
    bounds, relations = system.known(hidden), system.relations
    ends, leans = [], np.zeros(len(hidden), dtype=bool)
    for sign in (1.0, -1.0):
        objective = np.where(np.arange(len(hidden)) == cell, sign, 0.0)
        solved = linprog(
            objective,
            A_eq=relations.tolist() if len(relations) else None,
            b_eq=[0.0] * len(relations) if len(relations) else None,
            bounds=bounds.T.tolist(),
            method="highs",
        )
        ends.append(sign * float(objective @ solved.x))
        leans |= np.abs(solved.lower.marginals) + np.abs(solved.upper.marginals) > _ZERO
    narrow = ends[1] - ends[0] < protection - _SLACK
    return np.asarray(open_cells & leans) if narrow else open_cells


def _cheapest(system: System, cuts: Iterable[_Cut], cost: Floats, *, kept: Bools) -> Bools | None:
    """Return the cheapest cells to withhold, those kept among them, that respect every cut; None where none do."""
    rows = np.array([cut.others.astype(float) - np.eye(len(cost))[cut.cell] for cut in cuts])
    solved = milp(
        cost,
        integrality=np.ones(len(cost), dtype=np.int64),
        bounds=Bounds(kept.astype(float), (system.must | system.may).astype(float)),
        constraints=LinearConstraint(rows, 0.0, np.inf),
        options={"mip_rel_gap": 0.0},
    )
    return None if solved.x is None else np.asarray(np.round(solved.x) > 0)


def round_to(values: Floats, base: int) -> Floats:
    """Round counts to the nearest multiple of a base, halves up; NaN stays."""
    return np.asarray(np.floor(values / base + 0.5) * base, dtype=np.float64)


def counts_of_rate(rate: float, exposure: float, *, per: float = 100.0, digits: int = 2) -> tuple[int, int]:
    """Return the least and most a count can be whose rate, printed to some digits, is this over this exposure.

    Parameters
    ----------
    rate : float
        As printed: events per ``per`` of the exposure.
    exposure : float
        What the rate is over, in pupils; more than 0.
    per : float
        100 for a percentage.
    digits : int
        Digits printed after the point.
    """
    half = 0.5 * 10.0**-digits
    low, high = ((rate + shift) * exposure / per for shift in (-half, half))
    return max(0, math.ceil(low - _ZERO)), math.floor(high + _ZERO)
