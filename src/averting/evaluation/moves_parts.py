"""What a file on moves may ask for: counts to be protected together, and the tables that may be told after that."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import pandas as pd

from averting.data.disclosure import CountTable, PublicTable, Rules
from averting.data.files import read_columns
from averting.outcomes.moves import (
    compared,
    placement_counts,
    placement_table,
    read_placements,
    told_transitions,
    transition_counts,
)
from averting.outcomes.rolls import FROM, TERM, TO, read_rolls, roll_changes
from averting.outcomes.suspensions import read_suspensions, suspension_counts, suspension_tables

Told = Callable[[PublicTable], dict[str, pd.DataFrame]]


@dataclass(frozen=True, eq=False)
class Counted:
    """Counts behind tables, for inside use, and what makes the tables once they are protected."""

    counts: CountTable
    told: Told


class Part(Protocol):
    """One table of the file."""

    def read(self, folder: Path, rules: Rules) -> Counted:
        """Read the records and count them."""
        ...


@dataclass(frozen=True)
class PlacementPart:
    """``[placements]``."""

    path: str
    until: str

    def read(self, folder: Path, rules: Rules) -> Counted:
        """Read the records and count them."""
        records = read_placements(folder / self.path)

        def told(public: PublicTable) -> dict[str, pd.DataFrame]:
            table = placement_table(records, until=self.until, rules=rules, public=public)
            return {"placements by reason": table}

        return Counted(placement_counts(records, until=self.until, source=self.path), told)


@dataclass(frozen=True)
class SuspensionPart:
    """``[suspensions]``."""

    path: str

    def read(self, folder: Path, rules: Rules) -> Counted:
        """Read the records and count them."""
        records = read_suspensions(folder / self.path)

        def told(public: PublicTable) -> dict[str, pd.DataFrame]:
            return suspension_tables(records, public)

        return Counted(suspension_counts(records, source=self.path), told)


@dataclass(frozen=True)
class RollPart:
    """``[rolls]``."""

    path: str
    name: str

    def read(self, folder: Path, rules: Rules) -> Counted:
        """Read the rolls, compare each with the next, and count the changes."""
        changes = roll_changes(read_rolls(folder / self.path))
        counts, names = transition_counts(changes, before=FROM, after=TO, group=TERM, source=self.path)
        return Counted(counts, lambda public: {self.name: told_transitions(counts, public, names)})


@dataclass(frozen=True)
class TransitionPart:
    """One of ``[[transitions]]``."""

    name: str
    path: str
    before: str
    after: str
    group: str | None
    one: str | None
    other: str | None

    def read(self, folder: Path, rules: Rules) -> Counted:
        """Read the records and count them."""
        wanted = {self.before, self.after, self.group}
        records = read_columns(folder / self.path, lambda held: {name for name in held if name in wanted})
        counts, names = transition_counts(
            records, before=self.before, after=self.after, group=self.group, source=self.path
        )

        def told(public: PublicTable) -> dict[str, pd.DataFrame]:
            table = told_transitions(counts, public, names)
            made = {self.name: table}
            if self.one and self.other:
                gap = compared(table, one=self.one, other=self.other)
                made[f"{self.name}: {self.one} less {self.other}"] = gap
            return made

        return Counted(counts, told)
