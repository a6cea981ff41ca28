"""What is measured: one declared table per indicator in ``models/indicators.toml``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Any

from averting.data.tables import key_faults, read_toml
from averting.errors import DataError, Fault, refuse
from averting.resources import models_dir

_KEYS = ("label", "definition", "unit", "exposure", "direction", "columns", "source")
_ALLOWED = {"unit": ("events", "pupils"), "exposure": ("headcount",), "direction": ("lower", "higher")}


@dataclass(frozen=True)
class Indicator:
    """One thing counted in schools.

    Parameters
    ----------
    key : str
        Name used everywhere, for example ``permanent_exclusions``.
    label, definition : str
        For readers of reports.
    unit : {"events", "pupils"}
        What one of it is: a pupil can be suspended several times.
    exposure : str
        What it is counted over.
    direction : {"lower", "higher"}
        Which way is better.
    columns : tuple of str
        Names it has had in DfE files, oldest first.
    source : str
        Where the definition comes from.
    """

    key: str
    label: str
    definition: str
    unit: str
    exposure: str
    direction: str
    columns: tuple[str, ...]
    source: str


def _faults(table: object, where: str) -> list[Fault]:
    found = key_faults(table, where, required=_KEYS)
    if found or not isinstance(table, Mapping):
        return found
    for key, allowed in _ALLOWED.items():
        if table[key] not in allowed:
            found.append(Fault(where, f"{key} is '{table[key]}'", f"Use one of: {', '.join(allowed)}"))
    columns = table["columns"]
    if not (isinstance(columns, list) and all(isinstance(column, str) and column for column in columns)):
        found.append(Fault(where, "columns is not a list of names", 'Write columns = ["perm_excl"]'))
    return found


def _indicator(key: str, table: dict[str, Any]) -> Indicator:
    return Indicator(key=key, **{**table, "columns": tuple(table["columns"])})


def load_indicators(path: Path | None = None) -> dict[str, Indicator]:
    """Return every declared indicator by key, in the order declared.

    Parameters
    ----------
    path : Path, optional
        A file in the layout of ``models/indicators.toml``, which is read by default.

    Raises
    ------
    DataError
        If a table lacks a key, has an unknown one, or a value that is not allowed.
    """
    return dict(_load(path or models_dir() / "indicators.toml"))


@cache
def _load(path: Path) -> Mapping[str, Indicator]:
    tables: dict[str, Any] = read_toml(path)
    faults = [fault for key, table in tables.items() for fault in _faults(table, f"{path.name}, {key}")]
    refuse(DataError, f"{path.name} cannot be used", faults)
    return MappingProxyType({key: _indicator(key, table) for key, table in tables.items()})
