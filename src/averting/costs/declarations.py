"""Read parameters and overrides from TOML tables: what is incomplete, unsourced or implausible does not load."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any, get_args

from averting.costs.distributions import Distribution
from averting.costs.parameters import Confidence, Grade, Override, Parameter, Unset
from averting.costs.payers import known_payers
from averting.costs.references import known_references
from averting.errors import AvertingError, Fault, ParameterError, refuse
from averting.units import UNITS
from averting.years import FinancialYear

type Table = Mapping[str, Any]

_ALWAYS = {
    "label": "a name for reports",
    "unit": f"one of: {', '.join(sorted(UNITS))}",
    "source": "a key of models/references.bib",
    "locator": "the page, table or row in that source",
    "grade": f"one of: {', '.join(get_args(Grade))} (models/README.md says what they mean)",
    "confidence": f"one of: {', '.join(get_args(Confidence))}",
    "review_by": "a date such as 2027-04-01",
    "plausible": "the range [low, high] outside which a value is a mistake",
}
_MONEY = {
    "price_year": "the financial year whose prices it is in, such as '2021-22'",
    "payer": "a key of models/payers.toml",
}
_KNOWN = {*_ALWAYS, *_MONEY, "value", "distribution", "note", "disputed"}
_UNSET = ("label", "unit", "review_by", "plausible")


def is_money(unit: str) -> bool:
    """Say whether a unit is an amount of money."""
    return unit.startswith("GBP")


def _missing(where: str, key: str, table: Table) -> list[Fault]:
    unit = str(table.get("unit", ""))
    wanted = {**_ALWAYS, **_MONEY} if is_money(unit) else _ALWAYS
    faults = []
    for name, meaning in wanted.items():
        if not str(table.get(name, "")).strip():
            why = f"Unit is {unit}, so add" if name in _MONEY else "Add"
            faults.append(Fault(where, f"[{key}] has no {name}", f"{why} {name}: {meaning}"))
    if not is_money(unit):
        faults += [
            Fault(where, f"[{key}] has {name}", f"Unit {unit} is not money, so leave {name} out")
            for name in _MONEY
            if name in table
        ]
    if ("value" in table) == ("distribution" in table):
        found = "both value and distribution" if "value" in table else "neither value nor distribution"
        faults.append(Fault(where, f"[{key}] has {found}", "Give exactly one of them"))
    return faults


def _wrong(where: str, key: str, table: Table) -> list[Fault]:
    choices: dict[str, tuple[str, ...]] = {
        "unit": tuple(sorted(UNITS)),
        "grade": get_args(Grade),
        "confidence": get_args(Confidence),
        "payer": tuple(known_payers()),
        "source": tuple(known_references()),
    }
    faults = [
        Fault(where, f"[{key}] has {name} = {table[name]!r}", f"Use one of: {', '.join(allowed)}")
        for name, allowed in choices.items()
        if table.get(name) and table[name] not in allowed
    ]
    for name in sorted(set(table) - _KNOWN):
        faults.append(Fault(where, f"[{key}] has an unknown key '{name}'", f"Known: {', '.join(sorted(_KNOWN))}"))
    if "review_by" in table and type(table["review_by"]) is not date:
        faults.append(Fault(where, f"[{key}] has review_by = {table['review_by']!r}", "Write a date: 2027-04-01"))
    if "plausible" in table and not _is_range(table["plausible"]):
        faults.append(Fault(where, f"[{key}] has plausible = {table['plausible']!r}", "Write [low, high]"))
    return faults


def _is_number(value: object) -> bool:
    # TOML lets whole numbers grow beyond what a float holds
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < 1e300


def _is_range(value: object) -> bool:
    return isinstance(value, list) and len(value) == 2 and all(map(_is_number, value)) and value[0] <= value[1]


def read_distribution(table: Table) -> Distribution:
    """Return ``distribution``, or ``value`` as a point; a ParameterError says what is wrong with it."""
    if "distribution" in table:
        declared = table["distribution"]
        if not isinstance(declared, Mapping):
            raise ParameterError('distribution must be a table such as {family = "gamma", mean = 1.0, sd = 0.2}')
        return Distribution.from_table(declared)
    if not _is_number(table["value"]):
        raise ParameterError(f"value = {table['value']!r} is not a number")
    return Distribution.point(table["value"])


def _build(key: str, table: Table) -> Parameter:
    return Parameter(
        key=key,
        label=table["label"],
        distribution=read_distribution(table),
        unit=table["unit"],
        price_year=FinancialYear.parse(table["price_year"]) if "price_year" in table else None,
        payer=table.get("payer"),
        source=table["source"],
        locator=table["locator"],
        grade=table["grade"],
        confidence=table["confidence"],
        review_by=table["review_by"],
        plausible=(float(table["plausible"][0]), float(table["plausible"][1])),
        note=table.get("note", ""),
        disputed=table.get("disputed", ""),
    )


def read_unset(key: str, table: Table, *, where: str) -> tuple[Unset | None, list[Fault]]:
    """Read a number that the user must give: a table with ``ask`` in place of ``value`` and ``source``.

    Parameters and returns are those of :func:`read_parameter`.
    """
    unit = str(table.get("unit", ""))
    wanted = {*_UNSET, "ask", *(["payer"] if is_money(unit) else [])}
    faults = [Fault(where, f"[{key}] has no {name}", "Add it") for name in sorted(wanted) if not table.get(name)]
    faults += [
        Fault(where, f"[{key}] asks for its number and has {name}", "Leave it out, or leave out ask")
        for name in sorted(set(table) - wanted)
    ]
    faults += _wrong(where, key, {name: table[name] for name in table if name in wanted - {"ask"}})
    if faults:
        return None, faults
    low, high = table["plausible"]
    band = (float(low), float(high))
    return Unset(key, table["label"], unit, table.get("payer"), table["review_by"], band, table["ask"]), []


def read_parameter(key: str, table: Any, *, where: str) -> tuple[Parameter | None, list[Fault]]:
    """Read one parameter's table.

    Parameters
    ----------
    key : str
        Name of the table.
    table : mapping
        As read from TOML.
    where : str
        File, for messages.

    Returns
    -------
    (Parameter or None, list of Fault)
        None where there is any fault.
    """
    if not isinstance(table, Mapping):
        return None, [Fault(where, f"'{key}' is not a table", f"Write a table [{key}]")]
    faults = _missing(where, key, table) + _wrong(where, key, table)
    if faults:
        return None, faults
    try:
        parameter = _build(key, table)
    except AvertingError as error:
        return None, [Fault(where, f"[{key}] cannot be read: {error.message.rstrip('.')}", "Correct it")]
    if found := parameter.implausible():
        return None, [Fault(where, f"[{key}] {found}", "Check the unit and the decimal point, or widen the range")]
    return parameter, []


_OVERRIDE_KEYS = {"value", "distribution", "reason", "source", "price_year"}


def _override_faults(key: str, table: Any, where: str) -> list[Fault]:
    if not isinstance(table, Mapping):
        return [Fault(where, f"override '{key}' is not a table", 'Write {value = ..., reason = "..."}')]
    faults = [
        Fault(
            where, f"override '{key}' has an unknown key '{name}'", f"Known: {', '.join(sorted(_OVERRIDE_KEYS))}"
        )
        for name in sorted(set(table) - _OVERRIDE_KEYS)
    ]
    if not str(table.get("reason", "")).strip():
        faults.append(Fault(where, f"override '{key}' has no reason", "Say why the declared number does not hold"))
    faults += [
        Fault(where, f"override '{key}' has {name} = {table[name]!r}", "Give text")
        for name in ("reason", "source")
        if not isinstance(table.get(name, ""), str)
    ]
    if ("value" in table) == ("distribution" in table):
        faults.append(Fault(where, f"override '{key}' must have one number", "Give either value or distribution"))
    return faults


def overrides_from_table(table: Table, *, where: str) -> dict[str, Override]:
    """Read local changes to parameters, as an ``evaluation.toml`` or a scenario carries them.

    Parameters
    ----------
    table : mapping
        By parameter key: ``{value = 21000, reason = "...", source = "...", price_year = "2023-24"}``, or
        ``distribution`` in place of ``value``; ``source`` and ``price_year`` may be left out.
    where : str
        File and table, for messages.

    Returns
    -------
    dict of str to Override
        For :meth:`ParameterSet.under`, which knows which keys there are.

    Raises
    ------
    ParameterError
        Listing every override without a number or a reason, or with an unknown key.
    """
    refuse(
        ParameterError,
        f"{where} cannot be used",
        [fault for key, entry in table.items() for fault in _override_faults(key, entry, where)],
    )
    found: dict[str, Override] = {}
    faults: list[Fault] = []
    for key, entry in table.items():
        try:
            year = FinancialYear.parse(entry["price_year"]) if "price_year" in entry else None
            found[key] = Override(read_distribution(entry), entry["reason"], entry.get("source", ""), year)
        except AvertingError as error:
            faults.append(
                Fault(where, f"override '{key}' cannot be read: {error.message.rstrip('.')}", "Correct it")
            )
    refuse(ParameterError, f"{where} cannot be used", faults)
    return found
