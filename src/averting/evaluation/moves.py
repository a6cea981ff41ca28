"""Placements, moves and what became of pupils, from a file that names the records."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

import pandas as pd

from averting.data.disclosure import Rules, load_rules
from averting.data.files import read_columns
from averting.errors import EvaluationError, Fault, refuse
from averting.evaluation.toml_table import TomlTable, open_table
from averting.outcomes.moves import compared, placement_table, read_placements, transitions

DESCRIPTION = (
    "This describes where pupils went and what was recorded of them. Differences between groups are no effects: excluded pupils "
    "differed from others before."
)


@dataclass(frozen=True, eq=False)
class MovesFindings:
    """What is to be said of placements and moves: tables by name, NaN where a number is withheld."""

    tables: Mapping[str, pd.DataFrame] = field(default_factory=dict)

    def lines(self) -> list[str]:
        """Return the tables, a line a row; c where a number is withheld."""
        said = [DESCRIPTION]
        for name, table in self.tables.items():
            shown = table.drop(columns="withheld", errors="ignore").map(_cell)
            said += ["", name, *shown.to_string(index=False).splitlines()]
        return said

    def to_dict(self) -> dict[str, object]:
        """Return everything as plain values, for JSON; null where withheld."""
        tables = {name: json.loads(table.to_json(orient="records")) for name, table in self.tables.items()}
        return {"description": DESCRIPTION, "tables": tables}


def _cell(value: object) -> str:
    if isinstance(value, float):
        return (
            "c" if value != value else f"{value:,.0f}" if value == round(value) and value > 1 else f"{value:.2f}"
        )
    return str(value)


def where_pupils_went(path: str | Path) -> MovesFindings:
    """Describe placements, moves and transitions.

    Parameters
    ----------
    path : str or Path
        TOML with ``[placements]`` and ``[[transitions]]``; see docs/moves.md.

    Raises
    ------
    EvaluationError
        If the file cannot be used.
    """
    path = Path(path)
    faults: list[Fault] = []
    top = open_table(path, faults, advice="Name a file on moves.")
    rules = top.take("rules", str, "under_five")
    placements = _placements(top.table("placements"))
    asked = [_transitions(table) for table in top.tables("transitions")]
    top.done()
    if placements is None and not asked:
        faults.append(Fault(path.name, "it asks nothing", "Write [placements] or [[transitions]]"))
    refuse(EvaluationError, f"{path.name} cannot be used", faults)
    applied = load_rules(rules)
    tables: dict[str, pd.DataFrame] = {}
    if placements is not None:
        records = read_placements(path.parent / placements[0])
        tables["placements by reason"] = placement_table(records, until=placements[1], rules=applied)
    for one in asked:
        tables |= one.tables(path.parent, applied)
    return MovesFindings(tables)


@dataclass(frozen=True)
class _Asked:
    name: str
    path: str
    before: str
    after: str
    group: str | None
    one: str | None
    other: str | None

    def tables(self, folder: Path, rules: Rules) -> dict[str, pd.DataFrame]:
        wanted = {self.before, self.after, self.group}
        records = read_columns(folder / self.path, lambda held: {name for name in held if name in wanted})
        table = transitions(records, before=self.before, after=self.after, group=self.group, rules=rules)
        made = {self.name: table}
        if self.one and self.other:
            made[f"{self.name}: {self.one} less {self.other}"] = compared(table, one=self.one, other=self.other)
        return made


def _placements(table: TomlTable | None) -> tuple[str, str] | None:
    if table is None:
        return None
    path, until = table.take("path", str), table.take("until", date, date(2000, 1, 1))
    if "until" not in table.values:
        table.fault(
            "until", "this key is missing", "Give the day on which the records were taken out: until = 2024-07-31."
        )
    table.done()
    return path, until.isoformat()


def _transitions(table: TomlTable) -> _Asked:
    name, path, before, after = (table.take(key, str) for key in ("name", "path", "before", "after"))
    group, one, other = (table.take(key, str, None) for key in ("group", "one", "other"))
    table.done()
    if (one or other) and not (group and one and other):
        table.fault("one", "it needs group, one and other", "Name the column of groups, and both groups.")
    return _Asked(name, path, before, after, group, one, other)
