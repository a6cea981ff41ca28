"""Load families of parameters and cost lines: one file of ``models/costs`` each."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

from averting.costs.cost_line import KINDS, UNIT_COST_UNITS, CostLine, quantity_times_cost
from averting.costs.declarations import Table, read_parameter, read_unset
from averting.costs.local_figures import (
    SECTION_251,
    OwnFigures,
    local_values,
    localised,
    own_overrides,
    read_figures,
    refuse_unknown,
)
from averting.costs.overlaps import overlap_faults, repeated_faults
from averting.costs.parameters import Parameter, ParameterSet, SumRule, Unset
from averting.costs.payers import known_payers
from averting.costs.prices import Deflator
from averting.costs.shapes import shape_faults
from averting.errors import Fault, ParameterError, refuse
from averting.registry import collect
from averting.resources import models_dir, read_model

# Tables of a models/costs file that are not parameters.
_RESERVED = ("line", "sum", "local", "import")

_LINE_KEYS = ("label", "kind", "payer", "quantity", "unit_cost", "sign")
_LINE_OPTIONAL = ("share", "rest_of", "causal_share", "note")


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
    if (table.get("kind") == "lifetime") != ("causal_share" in table):
        fix = "Give a causal_share to lines of kind lifetime, and to no other"
        faults.append(Fault(where, f"{name} is {table.get('kind')}: causal_share is wrong", fix))
    return faults


def _plain_line(key: str, table: Table, family: str) -> CostLine:
    fields: dict[str, Any] = {name: table[name] for name in _LINE_KEYS}
    fields |= {key: table.get(key) for key in ("share", "rest_of", "causal_share")} | {
        "note": table.get("note", "")
    }
    return quantity_times_cost(key, **fields, family=family)


def _needs_faults(line: CostLine, parameters: Mapping[str, Parameter | Unset], where: str) -> list[Fault]:
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
    refuse(ParameterError, f"{where} does not load", shape_faults(declared, where=where))
    parameters, unset, faults = _read_parameters(declared, where)
    plain = declared.get("line", {})
    for key, table in plain.items():
        faults += _line_faults(f"[line.{key}]", table, where)
    refuse(ParameterError, f"{where} does not load", faults)
    lines = [_plain_line(key, table, family) for key, table in plain.items()]
    lines += [line for line in _odd_lines().values() if _belongs(line, family, declared)]
    faults = [fault for line in lines for fault in _needs_faults(line, {**parameters, **unset}, where)]
    faults += repeated_faults(plain, where=where) + overlap_faults([line.key for line in lines], where=where)
    faults += [
        Fault(where, f"[sum.{name}] names '{key}', which is not declared", f"Use some of: {', '.join(parameters)}")
        for name, rule in declared.get("sum", {}).items()
        for key in rule["members"]
        if key not in parameters
    ]
    refuse(ParameterError, f"{where} does not load", faults)
    rules = [
        SumRule(
            key, tuple(rule["members"]), **{name: rule[name] for name in ("total", "tolerance") if name in rule}
        )
        for key, rule in declared.get("sum", {}).items()
    ]
    return ParameterSet(parameters, (family,), tuple(lines), tuple(rules), unset)


def _belongs(line: CostLine, family: str, declared: Table) -> bool:
    """Whether a line in code is the family's own, or imported by it."""
    return line.family == family or line.key in declared.get("import", {}).get(line.family, {}).get("lines", ())


def _read_parameters(declared: Table, where: str) -> tuple[dict[str, Parameter], dict[str, Unset], list[Fault]]:
    parameters: dict[str, Parameter] = {}
    unset: dict[str, Unset] = {}
    faults: list[Fault] = []
    for key, table in declared.items():
        if key in _RESERVED:
            continue
        if isinstance(table, Mapping) and "ask" in table:
            asked, found = read_unset(key, table, where=where)
            if asked is not None:
                unset[key] = asked
        else:
            parameter, found = read_parameter(key, table, where=where)
            if parameter is not None:
                parameters[key] = parameter
        faults += found
    return parameters, unset, faults


def known_families() -> tuple[str, ...]:
    """Return the families that ship with averting, in alphabetical order."""
    return tuple(sorted(path.stem for path in (models_dir() / "costs").glob("*.toml")))


@cache
def _read(family: str) -> Table:
    return read_model("costs", f"{family}.toml")


def _declared(family: str) -> Table:
    if family not in known_families():
        known = ", ".join(known_families())
        raise ParameterError(f"There is no family of parameters '{family}'. Use one or more of: {known}.")
    declared = _read(family)
    for other, wanted in declared.get("import", {}).items():
        declared = _with_imports(declared, _declared(other), wanted, where=f"models/costs/{family}.toml")
    return declared


def _with_imports(declared: Table, other: Table, wanted: Table, *, where: str) -> dict[str, Any]:
    """Put parameters and plain lines of another family, with their sums and local figures, before a family's own."""
    taken = {key: other[key] for key in wanted["parameters"] if key in other}
    lines = {key: other["line"][key] for key in wanted.get("lines", ()) if key in other["line"]}
    local = {key: table for key, table in other.get("local", {}).items() if key in taken}
    sums = {key: rule for key, rule in other.get("sum", {}).items() if set(rule["members"]) <= set(taken)}
    unknown = [key for key in wanted["parameters"] if key not in other]
    twice = [key for key in taken if key in declared]
    faults = [
        Fault(where, f"[import] names '{key}', which is not declared there", "Leave it out") for key in unknown
    ]
    faults += [Fault(where, f"[{key}] is imported too", "Keep one") for key in twice]
    refuse(ParameterError, f"{where} does not load", faults)
    return {
        **taken,
        **declared,
        "line": {**lines, **declared.get("line", {})},
        "local": {**local, **declared.get("local", {})},
        "sum": {**sums, **declared.get("sum", {})},
    }


def known_authorities(*families: str) -> tuple[str, ...]:
    """Return the local authorities for which some family has figures of their own, in alphabetical order."""
    found: set[str] = set()
    for family in families:
        where = f"models/costs/{family}.toml"
        for key, table in _declared(family).get("local", {}).items():
            found |= set(local_values(key, table, where=where))
    return tuple(sorted(found))


def _merged(sets: Iterable[ParameterSet]) -> ParameterSet:
    parameters: dict[str, Parameter] = {}
    faults: list[Fault] = []
    sets = tuple(sets)
    for each in sets:
        where = f"models/costs/{each.families[0]}.toml"
        faults += [
            Fault(where, f"[{key}] is declared in another family too", "Keep one")
            for key in each
            # what both import is the same number
            if key in parameters and parameters[key] != each[key]
        ]
        parameters.update(each.parameters)
    lines = {line.key: line for each in sets for line in each.lines}
    awake = [key for key, line in lines.items() if set(line.needs) <= set(parameters)]
    faults += overlap_faults(awake, where="families")
    refuse(ParameterError, "Families cannot be used together", faults)
    return ParameterSet(
        parameters,
        tuple(family for each in sets for family in each.families),
        tuple(lines.values()),
        tuple(rule for each in sets for rule in each.sum_rules),
        {key: asked for each in sets for key, asked in each.unset.items()},
    )


def load_parameters(
    *families: str, la: str | None = None, own: str | Path | None = None, deflator: Deflator | None = None
) -> ParameterSet:
    """Load declared parameters and their cost lines.

    Parameters
    ----------
    *families : str
        Files of ``models/costs``, for example ``"high_needs_block"``.
    la : str, optional
        Local authority whose own figures replace national ones where the families have them.
    own : str or Path, optional
        A set of authorities' own figures, as ``averting local-figures`` makes it; those of ``la`` replace averting's, are
        graded E, and need not be of an authority that averting knows.
    deflator : Deflator, optional
        Release that brings prices together, as from :func:`read_deflator`; by default the latest that ships.

    Returns
    -------
    ParameterSet

    Raises
    ------
    ParameterError
        For an unknown family or authority, or a file with any parameter that is incomplete, unsourced or
        implausible; every fault is listed.

    Examples
    --------
    >>> parameters = av.load_parameters("high_needs_block", la="Cheshire West and Chester")
    >>> parameters.families
    ('high_needs_block',)
    """
    if not families:
        raise ParameterError("load_parameters needs at least one family, for example 'high_needs_block'.")
    if len(set(families)) < len(families):
        raise ParameterError(f"A family is named twice in {', '.join(families)}. Name each once.")
    own_figures = None if own is None else _own_figures(families, la, Path(own))
    if la is not None and own_figures is None:
        refuse_unknown(la, known_authorities(*families), families)
    values = own_figures.values if own_figures else None
    sets: list[ParameterSet] = []
    local: dict[str, Any] = {}
    for family in families:
        declared, where = _declared(family), f"models/costs/{family}.toml"
        local |= declared.get("local", {})
        taken = localised(declared, la, where=where, own=values) if la else declared
        sets.append(read_family(family, taken, where=where))
    changes = own_overrides(own_figures, la, local) if own_figures and la else {}
    merged = _merged(sets).under(changes)
    return merged if deflator is None else replace(merged, deflator=deflator)


def _own_figures(families: Iterable[str], la: str | None, path: Path) -> OwnFigures:
    """Return a set of one's own, if it has a figure of this authority that the families use."""
    if la is None:
        raise ParameterError(
            f"{path.name} has authorities' own figures. Say which authority: la, or local_authority."
        )
    figures = read_figures(path).get(SECTION_251)
    if figures is None:
        raise ParameterError(f"{path.name} has no [{SECTION_251}], so no cost of a place. Leave it out here.")
    used = {key for family in families for key in _declared(family).get("local", {})}
    refuse_unknown(la, tuple(sorted({name for key in used for name in figures.values.get(key, {})})), (path.name,))
    return figures
