"""``[[programme]]`` of ``evaluation.toml``: an amount, staff, people's time, or a ledger."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from averting.appraisal import ProgrammeCost
from averting.appraisal.programme_elements import PHASES, known_elements, staff_cost, time_cost
from averting.appraisal.programme_tables import read_ledger
from averting.errors import AvertingError, Fault
from averting.evaluation.toml_table import TomlTable
from averting.years import FinancialYear

_WAYS = {"amount": ("amount",), "fte": ("fte", "pay", "on_costs"), "hours": ("people", "hours", "rate")}
_HELP = "Give amount, or fte with pay and on_costs, or people with hours and rate, or ledger."


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
    try:
        return _ledger(table, folder) if "ledger" in table.values else _single(table)
    except AvertingError as error:
        table.faults.extend(error.faults or [Fault(table.where, error.message, "Correct it.")])
        return ()


def _ledger(table: TomlTable, folder: Path) -> tuple[ProgrammeCost, ...]:
    name, source = table.take("ledger", str), table.take("source", str)
    table.done()
    return read_ledger(folder / name, source=source) if name and source else ()


def _single(table: TomlTable) -> tuple[ProgrammeCost, ...]:
    year = table.parse("year", FinancialYear.parse)
    price_year = table.parse("price_year", FinancialYear.parse)
    payer, source = table.take("payer", str), table.take("source", str)
    element = table.choice("element", tuple(known_elements()), "other")
    phase, in_kind = table.choice("phase", PHASES, "running"), bool(table.take("in_kind", bool, False))
    amount = _amount(table)
    table.done()
    if year is None or price_year is None or amount is None:
        return ()
    return (ProgrammeCost(year, amount, payer, price_year, source, element, phase, in_kind),)


def _amount(table: TomlTable) -> float | None:
    """Return pounds from whichever way they are given, or None where that is not one way exactly."""
    ways = [way for way, keys in _WAYS.items() if any(key in table.values for key in keys)]
    if len(ways) != 1:
        table.known += [key for keys in _WAYS.values() for key in keys]
        table.fault("amount", "this key is missing" if not ways else f"given twice: {' and '.join(ways)}", _HELP)
        return None
    known = len(table.faults)
    values = {key: float(table.take(key, float, help=_HELP)) for key in _WAYS[ways[0]]}
    table.known += [key for keys in _WAYS.values() for key in keys]
    if len(table.faults) > known:
        return None
    if ways[0] == "fte":
        return staff_cost(**values)
    return time_cost(**values) if ways[0] == "hours" else values["amount"]
