"""Whether a file of declared costs has tables, lists and texts where they belong, before anything is read from it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from averting.errors import Fault

_OF_TABLES = ("line", "sum", "local", "import")
_TEXTS = ("label", "kind", "payer", "quantity", "share", "rest_of", "causal_share", "note")


def shape_faults(declared: Mapping[str, Any], *, where: str) -> list[Fault]:
    """List what is no table, list, text or number where one is needed; what they say is judged later.

    Parameters
    ----------
    declared : mapping
        As read from TOML: ``[line.*]``, ``[sum.*]``, ``[local.*]`` and ``[import.*]`` hold tables.
    where : str
        File, for messages.
    """
    faults = [
        Fault(where, f"[{name}] is no table of tables", f"Write [{name}.key] with its keys below")
        for name in _OF_TABLES
        if name in declared and not _holds_tables(declared[name])
    ]
    if faults:
        return faults
    for key, line in declared.get("line", {}).items():
        faults += [
            Fault(where, f"[line.{key}] has a {name} that is no text", "Put it in quotation marks")
            for name in _TEXTS
            if name in line and not isinstance(line[name], str)
        ]
        if "unit_cost" in line and not _texts([line["unit_cost"]]):
            faults.append(Fault(where, f"[line.{key}] has a unit_cost that is no text", "Name a parameter"))
        if "sign" in line and (not isinstance(line["sign"], int) or isinstance(line["sign"], bool)):
            faults.append(Fault(where, f"[line.{key}] has a sign that is no whole number", "Write 1 or -1"))
    for key, rule in declared.get("sum", {}).items():
        if not _texts(rule.get("members")) or len(set(rule["members"])) != len(rule["members"]):
            faults.append(Fault(where, f"[sum.{key}] has no list of members", 'Write members = ["a", "b"]'))
        faults += [
            Fault(where, f"[sum.{key}] has a {name} that is no number", "Give a number")
            for name in ("total", "tolerance")
            if name in rule and not _number(rule[name])
        ]
    return faults


def _holds_tables(value: Any) -> bool:
    return isinstance(value, Mapping) and all(isinstance(each, Mapping) for each in value.values())


def _texts(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(each, str) for each in value)


def _number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < 1e300
