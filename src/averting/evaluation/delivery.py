"""What a programme delivered, from a file that names its records, its plan and its versions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields
from pathlib import Path

import pandas as pd

from averting.data.disclosure import DisclosureRecord, PublicTable, load_rules
from averting.errors import EvaluationError, Fault, refuse
from averting.evaluation.dose import dose_of, read_dose
from averting.evaluation.toml_table import TomlTable, open_table
from averting.outcomes.delivery import PLANNED, read_delivery
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
    path = Path(path)
    faults: list[Fault] = []
    top = open_table(path, faults, advice="Name a file on delivery.")
    records, rules = top.take("records", str, None), top.take("rules", str, "under_five")
    plan = _plan(top.table("plan"))
    versions, dose = (
        [_version(table) for table in top.tables("version")],
        read_dose(top.table("dose"), path.parent),
    )
    top.done()
    if records is None and not versions:
        faults.append(Fault(path.name, "it says nothing", "Name records, describe a [[version]], or both"))
    for name, asked in (("plan", plan), ("dose", dose)):
        if asked and records is None:
            faults.append(
                Fault(f"{path.name} [{name}]", "there are no records to hold it against", "Name records")
            )
    refuse(EvaluationError, f"{path.name} cannot be used", faults)
    tables: dict[str, pd.DataFrame] = {}
    said: list[str] = []
    applied = load_rules(rules)
    record, counts = DisclosureRecord(applied), tuple[PublicTable, ...]()
    if records is not None:
        delivery = read_delivery(path.parent / records)
        told, record = delivery.protected(applied, previous=previous)
        counts = (told.public,)
        said += rounded(applied)
        tables["delivered"] = told.by_period()
        said.append("Meetings are days with a decision. Spend is in pounds as they were paid.")
        tables["waits, in days from referral"] = told.waits()
        if plan:
            tables["planned and delivered"] = told.fidelity(plan)
        if dose:
            found = dose_of(dose, delivery)
            said += found.statements
            tables |= {} if found.table.empty else {"by dose, between pilots": found.table}
    if versions:
        tables["what it was (TIDieR)"] = versions_table(versions)
        said += [
            f"{one.name}: not stated: {', '.join(one.missing).replace('_', ' ')}."
            for one in versions
            if one.missing
        ]
    return Findings("delivery", "What was delivered", DESCRIPTION, tuple(said), tables, record, counts)


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
