"""What is measured: one declared table per indicator in ``models/indicators.toml``, or in an evaluation's own."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Any

from averting.data.tables import key_faults, read_toml
from averting.errors import DataError, Fault, refuse
from averting.resources import models_dir

_KEYS = (
    "label",
    "definition",
    "level",
    "domain",
    "kind",
    "unit",
    "exposure",
    "direction",
    "data_source",
    "source",
)
_OPTIONAL = ("columns", "reference")
_ALLOWED = {
    "level": ("pupil", "school", "system"),
    "kind": ("count", "share", "mean"),
    "unit": ("events", "pupils", "sessions", "points", "settings", "responses"),
    "direction": ("lower", "higher", "none"),
}
_WORD = re.compile(r"[a-z][a-z0-9_]*")


@dataclass(frozen=True)
class Indicator:
    """One thing measured in schools.

    Parameters
    ----------
    key : str
        Name used everywhere, for example ``permanent_exclusions``.
    label, definition : str
        For readers of reports.
    level : {"pupil", "school", "system"}
        Whom it is about.
    domain : str
        Part of the outcomes framework, such as ``exclusion``, ``displacement`` or ``output``.
    kind : {"count", "share", "mean"}
        Whole numbers over an exposure, a part of the exposure, or an average. Estimators take counts.
    unit : {"events", "pupils", "sessions", "points", "settings", "responses"}
        What one of it is: a pupil can be suspended several times.
    exposure : str
        What it is counted over, such as ``headcount`` or ``sessions_possible``.
    direction : {"lower", "higher", "none"}
        Which way is better; none where neither is by itself.
    data_source, source : str
        Where the numbers are, and where the definition comes from.
    columns : tuple of str
        Names it has had in DfE files, oldest first; empty where DfE publishes none.
    reference : str
        Where the founding documents ask for it; empty for an evaluation's own.
    """

    key: str
    label: str
    definition: str
    level: str
    domain: str
    kind: str
    unit: str
    exposure: str
    direction: str
    data_source: str
    source: str
    columns: tuple[str, ...] = ()
    reference: str = ""


def _faults(key: str, table: object, file: str) -> list[Fault]:
    where = f"{file}, {key}"
    found = key_faults(table, where, required=_KEYS, optional=_OPTIONAL)
    if _WORD.fullmatch(key) is None:
        found.append(Fault(where, f"'{key}' cannot be a key", "Use small letters, digits and underscores"))
    if found or not isinstance(table, Mapping):
        return found
    for name, allowed in _ALLOWED.items():
        if table[name] not in allowed:
            found.append(Fault(where, f"{name} is '{table[name]}'", f"Use one of: {', '.join(allowed)}"))
    texts = [name for name in (*_KEYS, "reference") if not isinstance(table.get(name, ""), str)]
    found += [Fault(where, f"{name} is not text", "Write it in quotation marks") for name in texts]
    for name in ("domain", "exposure"):
        if name not in texts and _WORD.fullmatch(table[name]) is None:
            found.append(Fault(where, f"{name} is '{table[name]}'", "Use one word, such as headcount"))
    columns = table.get("columns", [])
    if not (isinstance(columns, list) and all(isinstance(column, str) and column for column in columns)):
        found.append(Fault(where, "columns is not a list of names", 'Write columns = ["perm_excl"]'))
    return found


def _indicator(key: str, table: dict[str, Any]) -> Indicator:
    return Indicator(key=key, **{**table, "columns": tuple(table.get("columns", ()))})


def load_indicators(path: Path | None = None, *, own: Path | None = None) -> dict[str, Indicator]:
    """Return every declared indicator by key, in the order declared.

    Parameters
    ----------
    path : Path, optional
        A file in the layout of ``models/indicators.toml``, which is read by default.
    own : Path, optional
        An evaluation's own ``indicators.toml`` in the same layout, or with its tables under ``indicators``
        (``[indicators.my_thing]``); added after the others. Nothing happens where there is no such file.

    Raises
    ------
    DataError
        If a table lacks a key, has an unknown one, a value that is not allowed, or declares anew what is there.

    Examples
    --------
    >>> from averting.data import load_indicators
    >>> load_indicators()["suspensions"].unit
    'events'
    """
    shipped = _load(path or models_dir() / "indicators.toml")
    if own is None or not own.is_file():
        return dict(shipped)
    added = _read(own)
    again = [
        Fault(f"{own.name}, {key}", "averting ships an indicator of this name", "Give yours another name")
        for key in added
        if key in shipped
    ]
    refuse(DataError, f"{own.name} cannot be used", again)
    return {**shipped, **added}


@cache
def _load(path: Path) -> Mapping[str, Indicator]:
    return MappingProxyType(_read(path))


def _read(path: Path) -> dict[str, Indicator]:
    tables: dict[str, Any] = read_toml(path)
    nested = tables.get("indicators")
    if isinstance(nested, dict) and all(isinstance(table, dict) for table in nested.values()):
        tables = {**{key: table for key, table in tables.items() if key != "indicators"}, **nested}
    faults = [fault for key, table in tables.items() for fault in _faults(key, table, path.name)]
    refuse(DataError, f"{path.name} cannot be used", faults)
    return {key: _indicator(key, table) for key, table in tables.items()}
