"""What a programme delivered, from a file that names its records, its plan and its versions."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path

import pandas as pd

from averting.data.disclosure import load_rules
from averting.errors import EvaluationError, Fault, refuse
from averting.evaluation.toml_table import TomlTable, open_table
from averting.outcomes.delivery import PLANNED, read_delivery
from averting.outcomes.tidier import NOT_STATED, Version, versions_table

DESCRIPTION = (
    "This describes what was delivered. It is no effect: pupils who are supported more differ from others, and more support goes "
    "to those whose needs are greater, so outcomes by dose say nothing of what support does."
)


@dataclass(frozen=True, eq=False)
class DeliveryFindings:
    """What is to be said of delivery.

    Parameters
    ----------
    statements : tuple of str
        Sentences, in order.
    tables : mapping of str to DataFrame
        By name; NaN where a number is withheld.
    """

    statements: tuple[str, ...]
    tables: Mapping[str, pd.DataFrame] = field(default_factory=dict)

    def lines(self) -> list[str]:
        """Return sentences and tables, a line each; c where a number is withheld."""
        said = [DESCRIPTION, *self.statements]
        for name, table in self.tables.items():
            shown = table.drop(columns="withheld", errors="ignore").map(_cell)
            said += ["", name, *shown.to_string(index=False).splitlines()]
        return said

    def to_dict(self) -> dict[str, object]:
        """Return everything as plain values, for JSON; null where withheld."""
        tables = {name: json.loads(table.to_json(orient="records")) for name, table in self.tables.items()}
        return {"description": DESCRIPTION, "statements": list(self.statements), "tables": tables}


def _cell(value: object) -> str:
    if isinstance(value, float):
        return "c" if value != value else f"{value:,.0f}" if value == round(value) else f"{value:,.2f}"
    return str(value)


def what_was_delivered(path: str | Path) -> DeliveryFindings:
    """Describe what a programme delivered.

    Parameters
    ----------
    path : str or Path
        TOML with ``records``, ``[plan]`` and ``[[version]]``; see docs/delivery.md.

    Raises
    ------
    EvaluationError
        If the file cannot be used.
    """
    path = Path(path)
    faults: list[Fault] = []
    top = open_table(path, faults, advice="Name a file on delivery.")
    records, rules = top.take("records", str, None), top.take("rules", str, "under_five")
    plan = _plan(top.table("plan"))
    versions = [_version(table) for table in top.tables("version")]
    top.done()
    if records is None and not versions:
        faults.append(Fault(path.name, "it says nothing", "Name records, describe a [[version]], or both"))
    if plan and records is None:
        faults.append(Fault(f"{path.name} [plan]", "there are no records to hold it against", "Name records"))
    refuse(EvaluationError, f"{path.name} cannot be used", faults)
    tables: dict[str, pd.DataFrame] = {}
    said: list[str] = []
    if records is not None:
        found, applied = read_delivery(path.parent / records), load_rules(rules)
        tables["delivered"] = found.by_period(applied)
        tables["waits, in days from referral"] = found.waits(applied)
        if plan:
            tables["planned and delivered"] = found.fidelity(plan, applied)
    if versions:
        tables["what it was (TIDieR)"] = versions_table(versions)
        said += [
            f"{one.name}: not stated: {', '.join(one.missing).replace('_', ' ')}."
            for one in versions
            if one.missing
        ]
    return DeliveryFindings(tuple(said), tables)


def _plan(table: TomlTable | None) -> dict[str, float]:
    if table is None:
        return {}
    found = {key: table.take(key, float, None) for key in PLANNED}
    table.done()
    return {key: value for key, value in found.items() if value is not None}


def _version(table: TomlTable) -> Version:
    required = ("name", "since")
    values = {
        one.name: table.take(one.name, str) if one.name in required else table.take(one.name, str, NOT_STATED)
        for one in fields(Version)
    }
    table.done()
    return Version(**values)
