"""Placements, moves and what became of pupils, from a file that names the records."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date
from pathlib import Path

import pandas as pd

from averting.data.disclosure import PublicTable, load_rules, protect
from averting.errors import EvaluationError, Fault, refuse
from averting.evaluation.moves_parts import Part, PlacementPart, RollPart, SuspensionPart, TransitionPart
from averting.evaluation.toml_table import TomlTable, open_table
from averting.reporting.findings import Findings
from averting.reporting.wording import rounded

DESCRIPTION = (
    "This describes where pupils went and what was recorded of them. Differences between groups are no effects: excluded pupils "
    "differed from others before."
)


def where_pupils_went(path: str | Path, *, previous: Sequence[PublicTable] = ()) -> Findings:
    """Describe placements, moves and transitions.

    Parameters
    ----------
    path : str or Path
        TOML with ``[placements]``, ``[suspensions]``, ``[rolls]`` and ``[[transitions]]``; see docs/moves.md.
    previous : sequence of PublicTable
        What earlier releases told.

    Raises
    ------
    EvaluationError
        If the file cannot be used.
    """
    path = Path(path)
    faults: list[Fault] = []
    top = open_table(path, faults, advice="Name a file on moves.")
    rules = top.take("rules", str, "under_five")
    asked: list[Part] = [
        *_one(top.table("placements"), _placements),
        *_one(top.table("suspensions"), _suspensions),
        *_one(top.table("rolls"), _rolls),
        *(_transitions(table) for table in top.tables("transitions")),
    ]
    top.done()
    if not asked:
        fix = "Write [placements], [suspensions], [rolls] or [[transitions]]"
        faults.append(Fault(path.name, "it asks nothing", fix))
    refuse(EvaluationError, f"{path.name} cannot be used", faults)
    applied = load_rules(rules)
    counted = [one.read(path.parent, applied) for one in asked]
    # tables of the same records share cells, so what one shows could give away what another withholds
    public, record = protect([one.counts for one in counted], applied, previous=previous)
    tables: dict[str, pd.DataFrame] = {}
    for one, protected in zip(counted, public, strict=True):
        tables |= one.told(protected)
    return Findings("moves", "Where pupils went", DESCRIPTION, rounded(applied), tables, record, public)


def _one(table: TomlTable | None, read: Callable[[TomlTable], Part]) -> list[Part]:
    return [] if table is None else [read(table)]


def _placements(table: TomlTable) -> Part:
    path, until = table.take("path", str), table.take("until", date, date(2000, 1, 1))
    if "until" not in table.values:
        table.fault(
            "until", "this key is missing", "Give the day on which the records were taken out: until = 2024-07-31."
        )
    table.done()
    return PlacementPart(path, until.isoformat())


def _suspensions(table: TomlTable) -> Part:
    made = SuspensionPart(table.take("path", str))
    table.done()
    return made


def _rolls(table: TomlTable) -> Part:
    made = RollPart(table.take("path", str), table.take("name", str, "rolls, term by term"))
    table.done()
    return made


def _transitions(table: TomlTable) -> Part:
    name, path, before, after = (table.take(key, str) for key in ("name", "path", "before", "after"))
    group, one, other = (table.take(key, str, None) for key in ("group", "one", "other"))
    table.done()
    if (one or other) and not (group and one and other):
        table.fault("one", "it needs group, one and other", "Name the column of groups, and both groups.")
    return TransitionPart(name, path, before, after, group, one, other)
