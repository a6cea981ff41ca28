"""What was withheld, and why: a record for output checkers and readers. It never holds a value."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, fields, replace
from typing import Literal

from averting.data.disclosure.rules import Rules
from averting.data.disclosure.tables import Key

Reason = Literal["primary", "secondary", "rate", "derived", "rounding"]


@dataclass(frozen=True)
class Decision:
    """One thing that was withheld or changed.

    Parameters
    ----------
    table : str
        Table's name.
    cell : tuple of str
        What the cell counts; never its value.
    reason : {"primary", "secondary", "rate", "derived", "rounding"}
        ``primary``: small. ``secondary``: would give a small one away. ``rate``: a rate of a withheld count, or one
        that would give a count away. ``derived``: computed from a withheld count. ``rounding``: to the base.
    width : int or None
        How many counts apart the least and most are that a withheld count can still be, given all that is shown;
        None where nothing limits it, or where the decision is about no count.
    """

    table: str
    cell: Key
    reason: Reason
    width: int | None = None


@dataclass(frozen=True)
class DisclosureRecord:
    """Every decision made before something left.

    Parameters
    ----------
    rules : Rules
        The rule set.
    decisions : tuple of Decision
        In the order of the tables.
    exposed : tuple of tuple of str
        Cells that cannot be protected, whatever is withheld.
    notes : tuple of str
        What else an output checker should know.
    """

    rules: Rules
    decisions: tuple[Decision, ...] = ()
    exposed: tuple[Key, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def passes(self) -> bool:
        """Whether what it describes may leave."""
        return not self.exposed

    @property
    def withheld(self) -> int:
        """Number of cells withheld."""
        return sum(decision.reason != "rounding" for decision in self.decisions)

    def with_decisions(self, decisions: Iterable[Decision], *, exposed: Iterable[Key] = ()) -> DisclosureRecord:
        """Return the record with more decisions."""
        return replace(
            self, decisions=(*self.decisions, *decisions), exposed=tuple(dict.fromkeys([*self.exposed, *exposed]))
        )

    def to_dict(self) -> dict[str, object]:
        """Return the record as plain values for JSON."""
        rules = {name: getattr(self.rules, name) for name in [f.name for f in fields(Rules)]}
        decisions = [
            {"table": d.table, "cell": list(d.cell), "reason": d.reason, "width": d.width} for d in self.decisions
        ]
        exposed = [list(key) for key in self.exposed]
        return {
            "passes": self.passes, "rules": rules, "decisions": decisions, "exposed": exposed, "notes": list(self.notes),
        }  # fmt: skip
