"""``[[programme]]`` of ``evaluation.toml``: an amount, staff, people's time, or a ledger; and who pays by which rules."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from pathlib import Path

from averting.appraisal import ProgrammeCost
from averting.appraisal.programme_elements import PHASES, known_elements, staff_cost, time_cost
from averting.appraisal.programme_tables import read_ledger
from averting.costs import known_payer_rules
from averting.errors import AvertingError, Fault
from averting.evaluation.toml_table import TomlTable
from averting.years import FinancialYear

_WAYS = {"amount": ("amount",), "fte": ("fte", "pay", "on_costs"), "hours": ("people", "hours", "rate")}
_HELP = "Give amount, or fte with pay and on_costs, or people with hours and rate, or ledger."


def read_payers_as_of(table: TomlTable) -> FinancialYear | None:
    """Return the year whose payer rules hold for every flow, or None for those of each flow's own year."""
    if table.take("payers_as_of", str, None) is None:
        return None
    return table.parse("payers_as_of", FinancialYear.parse)


def read_conditions(table: TomlTable) -> tuple[str, ...]:
    """Return facts about the authority that payer rules ask for; unknown ones are noted as faults."""
    known = sorted({rule.condition for rule in known_payer_rules() if rule.condition})
    conditions = table.texts("conditions", [])
    for condition in conditions:
        if condition not in known:
            table.fault("conditions", f"'{condition}' is not known", f"Use any of: {', '.join(known)}.")
    return tuple(condition for condition in conditions if condition in known)


def read_day(table: TomlTable, key: str) -> date | None:
    """Return a day written as text, or None."""
    text = table.take(key, str, None)
    try:
        return None if text is None else date.fromisoformat(text)
    except ValueError:
        table.fault(key, f"'{text}' is not a day", 'Write it like "2027-04-01".')
        return None


def read_programme(tables: Sequence[TomlTable], folder: Path) -> tuple[ProgrammeCost, ...]:
    """Read every ``[[programme]]``; faults are noted on the tables.

    Parameters
    ----------
    tables : sequence of TomlTable
        One for each entry.
    folder : Path
        The evaluation's folder, which ledgers' paths are relative to.
    """
    return tuple(cost for table in tables for cost in _entry(table, folder))


def _entry(table: TomlTable, folder: Path) -> tuple[ProgrammeCost, ...]:
    ledger, source = table.path("ledger", folder, None), table.take("source", str)
    try:
        if "ledger" not in table.values:
            return _single(table, source)
        table.done()
        return read_ledger(ledger, source=source) if ledger and source else ()
    except AvertingError as error:
        table.faults.extend(error.faults or [Fault(table.where, error.message, "Correct it.")])
        return ()


def _single(table: TomlTable, source: str) -> tuple[ProgrammeCost, ...]:
    year = table.parse("year", FinancialYear.parse)
    price_year = table.parse("price_year", FinancialYear.parse)
    payer, element = table.take("payer", str), table.choice("element", tuple(known_elements()), "other")
    phase, in_kind = table.choice("phase", PHASES, "running"), bool(table.take("in_kind", bool, False))
    amount = _amount(table)
    table.done()
    if year is None or price_year is None or amount is None:
        return ()
    return (ProgrammeCost(year, amount, payer, price_year, source, element, phase, in_kind),)


def _amount(table: TomlTable) -> float | None:
    """Return pounds from whichever way they are given, or None where that is not one way exactly."""
    given = {key: table.take(key, float, None) for keys in _WAYS.values() for key in keys}
    ways = [way for way, keys in _WAYS.items() if any(given[key] is not None for key in keys)]
    if len(ways) != 1:
        found = f"given in two ways: {' and '.join(ways)}" if ways else "this key is missing"
        table.fault("amount", found, _HELP)
        return None
    values = {key: given[key] for key in _WAYS[ways[0]]}
    for key in (key for key, value in values.items() if value is None):
        table.fault(key, "this key is missing", f"It stands beside {ways[0]}: {', '.join(values)}.")
    if None in values.values():
        return None
    if ways[0] == "fte":
        return staff_cost(**values)
    return time_cost(**values) if ways[0] == "hours" else float(values["amount"])
