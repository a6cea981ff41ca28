"""Withhold small counts, and what would give them away.

The reader is assumed to know the rules, which cells are small, and the exact counts behind rounded ones.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from averting.data.disclosure.protection import (
    Bools,
    Floats,
    System,
    complementary,
    feasible_interval,
    round_to,
    unsafe,
)
from averting.data.disclosure.record import Decision, DisclosureRecord
from averting.data.disclosure.rules import Rules
from averting.data.disclosure.tables import CountTable, Key, PublicTable
from averting.errors import DisclosureError, Fault, refuse


def primary(lower: Floats, upper: Floats, rules: Rules) -> Bools:
    """Return which counts are or could be small, shape (cell,).

    Parameters
    ----------
    lower, upper : array of float, shape (cell,)
        Bounds of the counts, equal where they are known.
    rules : Rules
        Rule set.
    """
    return np.asarray((lower < rules.threshold) & (upper >= rules.smallest))


def protect(
    tables: Sequence[CountTable], rules: Rules, *, previous: Sequence[PublicTable] = ()
) -> tuple[tuple[PublicTable, ...], DisclosureRecord]:
    """Withhold small counts, and what would give them away, from tables that are published together.

    Parameters
    ----------
    tables : sequence of CountTable
        Everything that leaves; tables may share cells.
    rules : Rules
        Rule set.
    previous : sequence of PublicTable
        Tables of earlier releases; their cells are tied to these by key.

    Returns
    -------
    public : tuple of PublicTable
        Printed counts; where the record does not pass, withheld throughout.
    record : DisclosureRecord
        What was withheld and why.

    Raises
    ------
    DisclosureError
        If two tables, or a table and an earlier release, differ on a count.
    """
    cells = _gather(tables, rules, previous)
    systems = cells.systems()
    hidden = _choose(systems, cells, rules)
    if hidden is None:
        most = cells.must | cells.may
        exposed = sorted({i for system in systems for i in unsafe(system, most, rules.protection)})
        record = DisclosureRecord(rules, exposed=tuple(cells.keys[i] for i in exposed))
        return tuple(_public(table, cells, np.ones_like(most)) for table in tables), record
    decisions = _decisions(tables, cells, systems, hidden)
    if rules.rounding > 1:
        every = (f"every count shown, to {rules.rounding}; totals on their own",)
        decisions += [Decision(table.name, every, "rounding") for table in tables]
    return tuple(_public(table, cells, hidden) for table in tables), DisclosureRecord(rules, tuple(decisions))


@dataclass(frozen=True, eq=False)
class _Cells:
    """All cells of all tables and releases, each once; arrays of shape (2, cell) hold lower and upper bounds.

    ``counts`` is NaN where only an earlier release has the cell; ``least`` and ``most`` are what earlier releases
    say; ``must`` and ``may`` be withheld; ``small`` counts are known to be so; ``told`` ones cannot be withheld.
    """

    keys: tuple[Key, ...]
    counts: Floats
    relations: Floats
    least: Floats
    most: Floats
    small: Bools
    told: Bools
    must: Bools
    may: Bools
    rules: Rules

    @property
    def cost(self) -> Floats:
        """Loss of withholding each cell: a total is worth the cells it sums, and the order of cells settles draws.

        Values play no part, so that the choice says little of them. The order of all cells together weighs less than half a
        cell.
        """
        worth = 1.0 + (self.relations == -1.0).T.astype(float) @ (self.relations == 1.0).sum(axis=1)
        size = len(self.keys)
        return np.asarray(worth + np.linspace(0.0, 1.0, size, endpoint=False) / size, dtype=np.float64)

    @property
    def ceiling(self) -> float:
        """More than a reader could think any count to be; stands for no limit."""
        return float(10 * (np.nansum(self.counts[1]) + self.rules.threshold))

    def systems(self) -> tuple[System, ...]:
        """Return what a reader knows of the lower bounds and, where some differ, of the upper bounds."""
        differ = (self.counts[0] < self.counts[1]).any() or (self.least[0] != self.least[1]).any()
        return tuple(self._system(layer) for layer in ((0, 1) if differ else (0,)))

    def _system(self, layer: int) -> System:
        ours = np.isfinite(self.counts[layer])
        before = np.array([self.least[layer], np.minimum(self.most[layer], self.ceiling)])
        shown = np.where(ours, self.counts[layer], before)
        said = self.said_by_withholding(layer)
        withheld = np.array([np.maximum(before[0], said[0]), np.minimum(before[1], said[1])])
        return System(
            relations=self.relations,
            shown=shown,
            withheld=np.where(self.told, shown, withheld),
            must=self.must,
            may=self.may,
            guarded=np.ones(len(self.keys), dtype=bool),
            whole=np.ones(len(self.keys), dtype=bool),
        )

    def said_by_withholding(self, layer: int) -> Floats:
        """Return least and most of each cell that its being withheld for its reason says, shape (2, cell)."""
        rules, exact = self.rules, self.counts[0] == self.counts[1]
        # a count known within bounds may be small: its lower bound is, and its upper bound is not nothing
        low = np.where(exact | (layer == 1), rules.smallest, 0.0)
        high = np.where(exact | (layer == 0), rules.threshold - 1.0, np.inf)
        # others are withheld for the sake of small ones, or were before
        least = np.where(self.small, low, np.where(self.may, rules.threshold, 0.0))
        return np.array([least, np.where(self.small, high, np.inf)])


def _gather(tables: Sequence[CountTable], rules: Rules, previous: Sequence[PublicTable]) -> _Cells:
    everything: tuple[CountTable | PublicTable, ...] = (*tables, *previous)
    keys = tuple(dict.fromkeys(key for table in everything for key in table.keys))
    at = {key: i for i, key in enumerate(keys)}
    counts = _counts(tables, at)
    least, most, withheld_before = _told_before(previous, at)
    _refuse_revised(keys, counts, least, most)
    ours = np.isfinite(counts[0])
    listed = {key for table in tables for key in table.told}
    told = np.array([key in listed for key in keys], dtype=bool)
    small = ours & primary(counts[0], counts[1], rules)
    shown_before = np.isfinite(most[0]) & ~withheld_before
    # no small count reaches the threshold, nor one of others alone
    may = ~told & ~shown_before & (counts[0] >= rules.threshold)
    must = small | withheld_before
    return _Cells(keys, counts, _relations(everything, at), least, most, small, told, must, may, rules)


def _counts(tables: Sequence[CountTable], at: Mapping[Key, int]) -> Floats:
    counts = np.full((2, len(at)), np.nan)
    faults = []
    for table in tables:
        where = [at[key] for key in table.keys]
        bounds = np.array([table.lower, table.upper])
        differs = np.isfinite(counts[:, where]) & (counts[:, where] != bounds)
        for i in np.flatnonzero(differs.any(axis=0)).tolist():
            found = Fault(
                f"{table.name}, {' / '.join(table.keys[i])}", "another table has another count", "Correct one"
            )
            faults.append(found)
        counts[:, where] = bounds
    refuse(DisclosureError, "Tables that leave together contradict each other", faults)
    return counts


def _relations(tables: Sequence[CountTable | PublicTable], at: Mapping[Key, int]) -> Floats:
    sums = tuple(dict.fromkeys(s for table in tables for s in table.sums))
    relations = np.zeros((len(sums), len(at)))
    for row, s in enumerate(sums):
        relations[row, at[s.total]] = -1.0
        for part in s.parts:
            relations[row, at[part]] += 1.0
    return relations


def _told_before(previous: Sequence[PublicTable], at: Mapping[Key, int]) -> tuple[Floats, Floats, Bools]:
    least, most = np.zeros((2, len(at))), np.full((2, len(at)), np.inf)
    withheld = np.zeros(len(at), dtype=bool)
    for table in previous:
        where = [at[key] for key in table.keys]
        least[:, where] = np.maximum(least[:, where], table.least)
        most[:, where] = np.minimum(most[:, where], table.most)
        withheld[where] |= np.isnan(table.lower)
    return least, most, withheld


def _refuse_revised(keys: tuple[Key, ...], counts: Floats, least: Floats, most: Floats) -> None:
    ours = np.isfinite(counts[0])
    revised = ours & ((counts < least) | (counts > most)).any(axis=0)
    fix = "A revised count is another count: give it a key of its own, such as the release's name"
    faults = [
        Fault(" / ".join(keys[i]), "an earlier release shows this count otherwise", fix)
        for i in np.flatnonzero(revised).tolist()
    ]
    refuse(DisclosureError, "These tables do not follow on from the earlier release", faults)


def _choose(systems: Sequence[System], cells: _Cells, rules: Rules) -> Bools | None:
    """Choose cells that are safe in every layer: what one layer asks for is withheld in the others too."""
    hidden = cells.must
    while True:
        before = hidden
        for system in systems:
            found = complementary(replace(system, must=hidden), rules.protection, cost=cells.cost)
            if found is None:
                return None
            hidden = found
        if np.array_equal(before, hidden):
            return hidden


def _decisions(
    tables: Sequence[CountTable], cells: _Cells, systems: Sequence[System], hidden: Bools
) -> list[Decision]:
    widths: dict[Key, int | None] = {}
    for i in np.flatnonzero(hidden).tolist():
        spans = [feasible_interval(system, hidden, i) for system in systems]
        limited = [high - low for low, high in spans if high < cells.ceiling]
        widths[cells.keys[i]] = int(min(limited)) if limited else None
    small = {key for key, is_small in zip(cells.keys, cells.small, strict=True) if is_small}
    return [
        Decision(table.name, key, "primary" if key in small else "secondary", widths[key])
        for table in tables
        for key in table.keys
        if key in widths
    ]


def _public(table: CountTable, cells: _Cells, hidden: Bools) -> PublicTable:
    at = {key: i for i, key in enumerate(cells.keys)}
    where = [at[key] for key in table.keys]
    gone, rules = hidden[where], cells.rules
    printed = round_to(np.where(gone, np.nan, [table.lower, table.upper]), rules.rounding)
    # what is shown is nothing at all, or no smaller than the threshold
    least = np.maximum(np.ceil(printed - rules.rounding / 2), rules.threshold)
    most = np.ceil(printed + rules.rounding / 2) - 1
    nothing = most < rules.threshold
    shown = np.array([np.where(nothing, 0.0, least), np.where(nothing, 0.0, most)])
    said = np.array([cells.said_by_withholding(layer)[:, where] for layer in (0, 1)])
    return PublicTable(
        name=table.name,
        keys=table.keys,
        sums=table.sums,
        lower=printed[0],
        upper=printed[1],
        least=np.where(gone, said[:, 0], shown[0]),
        most=np.where(gone, said[:, 1], shown[1]),
    )
