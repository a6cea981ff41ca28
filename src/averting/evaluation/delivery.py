"""What a programme delivered, from a file that names its records, its plan and its versions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields, replace
from pathlib import Path
from typing import NamedTuple

from averting.data.disclosure import DisclosureRecord, PublicTable, Rules, load_rules
from averting.errors import EvaluationError, Fault, refuse
from averting.evaluation.dose import DoseQuestion, dose_of, read_dose
from averting.evaluation.toml_table import TomlTable, open_table
from averting.outcomes.delivery import PLANNED, Delivery, read_delivery
from averting.outcomes.tidier import NOT_STATED, Version, versions_table
from averting.reporting.findings import Findings
from averting.reporting.wording import rounded

DESCRIPTION = (
    "This describes what was delivered. It is no effect: pupils who are supported more differ from others, and more support goes "
    "to those whose needs are greater, so outcomes by dose say nothing of what support does."
)


def what_was_delivered(path: str | Path, *, previous: Sequence[PublicTable] = ()) -> Findings:
    """Describe what a programme delivered.

    Parameters
    ----------
    path : str or Path
        TOML with ``records``, ``[plan]``, ``[dose]`` and ``[[version]]``; see docs/delivery.md.
    previous : sequence of PublicTable
        What earlier releases told.

    Raises
    ------
    EvaluationError
        If the file cannot be used.
    """
    asked = _read(Path(path))
    rules = load_rules(asked.rules)
    found = Findings("delivery", "What was delivered", DESCRIPTION, (), {}, DisclosureRecord(rules), ())
    if asked.records is not None:
        found = _recorded(found, asked, read_delivery(asked.records), rules, previous)
    if not asked.versions:
        return found
    missing = tuple(
        f"{one.name}: not stated: {', '.join(one.missing).replace('_', ' ')}."
        for one in asked.versions
        if one.missing
    )
    tables = {**found.tables, "what it was (TIDieR)": versions_table(asked.versions)}
    return replace(found, statements=found.statements + missing, tables=tables)


class _Asked(NamedTuple):
    """What a file on delivery names; never a plan or a dose without records."""

    records: Path | None
    rules: str
    plan: dict[str, float]
    dose: DoseQuestion | None
    versions: list[Version]


def _read(path: Path) -> _Asked:
    faults: list[Fault] = []
    top = open_table(path, faults, advice="Name a file on delivery.")
    records, rules = top.take("records", str, None), top.take("rules", str, "under_five")
    plan = _plan(top.table("plan"))
    versions = [_version(table) for table in top.tables("version")]
    dose = read_dose(top.table("dose"), path.parent)
    top.done()
    if records is None and not versions:
        faults.append(Fault(path.name, "it says nothing", "Name records, describe a [[version]], or both"))
    for name, asked in (("plan", plan), ("dose", dose)):
        if asked and records is None:
            faults.append(
                Fault(f"{path.name} [{name}]", "there are no records to hold it against", "Name records")
            )
    refuse(EvaluationError, f"{path.name} cannot be used", faults)
    return _Asked(None if records is None else path.parent / records, rules, plan, dose, versions)


def _recorded(
    findings: Findings, asked: _Asked, delivery: Delivery, rules: Rules, previous: Sequence[PublicTable]
) -> Findings:
    """Add what records tell."""
    told, record = delivery.protected(rules, previous=previous)
    said = [*rounded(rules), "Meetings are days with a decision. Spend is in pounds as they were paid."]
    tables = {"delivered": told.by_period(), "waits, in days from referral": told.waits()}
    if asked.plan:
        tables["planned and delivered"] = told.fidelity(asked.plan)
    if asked.dose:
        found = dose_of(asked.dose, delivery)
        said += found.statements
        tables |= {} if found.table.empty else {"by dose, between pilots": found.table}
    return replace(findings, statements=tuple(said), tables=tables, record=record, counts=(told.public,))


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
