"""Load families of parameters and cost lines: one file of ``models/costs`` each."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping
from functools import cache
from typing import Any

from averting.costs.cost_line import KINDS, UNIT_COST_UNITS, CostLine, quantity_times_cost
from averting.costs.declarations import Table, read_parameter
from averting.costs.parameters import Parameter, ParameterSet, SumRule
from averting.costs.payers import known_payers
from averting.errors import Fault, ParameterError, refuse
from averting.registry import collect
from averting.resources import models_dir

# Tables of a models/costs file that are not parameters.
_RESERVED = ("line", "sum", "local")

_LINE_KEYS = ("label", "kind", "payer", "quantity", "unit_cost", "sign")
_LINE_OPTIONAL = ("share", "note")
_LOCAL_KEYS = ("values", "relative_sd", "source", "locator", "grade", "confidence", "review_by", "note")


def _line_faults(name: str, table: Table, where: str) -> list[Fault]:
    faults = [Fault(where, f"{name} has no {key}", "Add it") for key in _LINE_KEYS if key not in table]
    known = (*_LINE_KEYS, *_LINE_OPTIONAL)
    faults += [
        Fault(where, f"{name} has an unknown key '{key}'", f"Known: {', '.join(known)}")
        for key in table
        if key not in known
    ]
    choices: dict[str, tuple[object, ...]] = {
        "kind": KINDS,
        "payer": tuple(known_payers()),
        "quantity": tuple(UNIT_COST_UNITS),
        "sign": (1, -1),
    }
    for key, allowed in choices.items():
        if key in table and table[key] not in allowed:
            fix = f"Use one of: {', '.join(map(str, allowed))}"
            faults.append(Fault(where, f"{name} has {key} = {table[key]!r}", fix))
    return faults


def _plain_line(key: str, table: Table, family: str) -> CostLine:
    fields: dict[str, Any] = {name: table[name] for name in _LINE_KEYS}
    return quantity_times_cost(key, **fields, share=table.get("share"), note=table.get("note", ""), family=family)


def _needs_faults(line: CostLine, parameters: Mapping[str, Parameter], where: str) -> list[Fault]:
    faults = []
    for key, unit in line.needs.items():
        if key not in parameters:
            fix = f"Declare [{key}], or use one of: {', '.join(parameters)}"
            faults.append(Fault(where, f"line '{line.key}' uses '{key}', which is not declared", fix))
        elif parameters[key].unit != unit:
            found = f"line '{line.key}' uses '{key}' in {parameters[key].unit}"
            faults.append(Fault(where, found, f"Its unit must be {unit}"))
    return faults


@cache
def _odd_lines() -> dict[str, CostLine]:
    return collect("averting.costs.lines", "LINE", CostLine)


def read_family(family: str, declared: Table, *, where: str) -> ParameterSet:
    """Read the tables of one ``models/costs`` file, and the lines in code that belong to it.

    Parameters
    ----------
    family : str
        Its name.
    declared : mapping
        As read from TOML: one table per parameter, ``[line.*]`` for plain lines, ``[sum.*]`` for parameters that
        must add up. ``[local.*]`` is not looked at here.
    where : str
        File, for messages.

    Raises
    ------
    ParameterError
        Listing every fault of the file.
    """
    parameters: dict[str, Parameter] = {}
    faults: list[Fault] = []
    for key, table in declared.items():
        if key not in _RESERVED:
            parameter, found = read_parameter(key, table, where=where)
            faults += found
            if parameter is not None:
                parameters[key] = parameter
    plain = declared.get("line", {})
    for key, table in plain.items():
        faults += _line_faults(f"[line.{key}]", table, where)
    refuse(ParameterError, f"{where} does not load", faults)
    lines = [_plain_line(key, table, family) for key, table in plain.items()]
    lines += [line for line in _odd_lines().values() if line.family == family]
    faults = [fault for line in lines for fault in _needs_faults(line, parameters, where)]
    faults += [
        Fault(where, f"[sum.{name}] names '{key}', which is not declared", f"Use some of: {', '.join(parameters)}")
        for name, rule in declared.get("sum", {}).items()
        for key in rule["members"]
        if key not in parameters
    ]
    refuse(ParameterError, f"{where} does not load", faults)
    rules = [SumRule(key, tuple(rule["members"]), rule["total"]) for key, rule in declared.get("sum", {}).items()]
    return ParameterSet(parameters, (family,), tuple(lines), tuple(rules))


def known_families() -> tuple[str, ...]:
    """Return the families that ship with averting, in alphabetical order."""
    return tuple(sorted(path.stem for path in (models_dir() / "costs").glob("*.toml")))


def _declared(family: str) -> Table:
    if family not in known_families():
        known = ", ".join(known_families())
        raise ParameterError(f"There is no family of parameters '{family}'. Use one or more of: {known}.")
    with (models_dir() / "costs" / f"{family}.toml").open("rb") as handle:
        return tomllib.load(handle)


def _localised(declared: Table, la: str, where: str) -> Table:
    """Put an authority's own figures in place of the national ones, where the file has them."""
    changed = dict(declared)
    for key, table in declared.get("local", {}).items():
        faults = [
            Fault(where, f"[local.{key}] has no {name}", "Add it") for name in _LOCAL_KEYS if name not in table
        ]
        if key not in declared:
            faults.append(Fault(where, f"[local.{key}] has no national figure", f"Declare [{key}]"))
        refuse(ParameterError, f"{where} does not load", faults)
        if la in table["values"]:
            mean = float(table["values"][la])
            about = {name: table[name] for name in _LOCAL_KEYS[2:]}
            spread = {"family": "lognormal", "mean": mean, "sd": mean * table["relative_sd"]}
            label = f"{declared[key]['label']} ({la})"
            changed[key] = {**declared[key], **about, "label": label, "distribution": spread}
    return changed


def known_authorities(*families: str) -> tuple[str, ...]:
    """Return the local authorities for which some family has figures of their own, in alphabetical order."""
    tables = [table for family in families for table in _declared(family).get("local", {}).values()]
    return tuple(sorted({la for table in tables for la in table["values"]}))


def _merged(sets: Iterable[ParameterSet]) -> ParameterSet:
    parameters: dict[str, Parameter] = {}
    faults: list[Fault] = []
    sets = tuple(sets)
    for each in sets:
        where = f"models/costs/{each.families[0]}.toml"
        faults += [
            Fault(where, f"[{key}] is declared in another family too", "Keep one")
            for key in each
            if key in parameters
        ]
        parameters.update(each.parameters)
    refuse(ParameterError, "Families cannot be used together", faults)
    return ParameterSet(
        parameters,
        tuple(family for each in sets for family in each.families),
        tuple(line for each in sets for line in each.lines),
        tuple(rule for each in sets for rule in each.sum_rules),
    )


def load_parameters(*families: str, la: str | None = None) -> ParameterSet:
    """Load declared parameters and their cost lines.

    Parameters
    ----------
    *families : str
        Files of ``models/costs``, for example ``"high_needs_block"``.
    la : str, optional
        Local authority whose own figures replace national ones where the families have them.

    Returns
    -------
    ParameterSet

    Raises
    ------
    ParameterError
        For an unknown family or authority, or a file with any parameter that is incomplete, unsourced or
        implausible; every fault is listed.
    """
    if not families:
        raise ParameterError("load_parameters needs at least one family, for example 'high_needs_block'.")
    if la is not None and la not in known_authorities(*families):
        raise ParameterError(
            f"There are no figures of '{la}' in {', '.join(families)}. Known authorities: "
            f"{', '.join(known_authorities(*families))}. For another, leave la out and override what you know."
        )
    sets = []
    for family in families:
        declared, where = _declared(family), f"models/costs/{family}.toml"
        sets.append(read_family(family, _localised(declared, la, where) if la else declared, where=where))
    return _merged(sets)
