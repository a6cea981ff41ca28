"""Ready sets of measures, and the whole framework by level."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from averting.data import load_indicators
from averting.data.tables import key_faults, read_toml
from averting.errors import DataError, Fault, refuse
from averting.resources import models_dir, without_locators

_KEYS = ("label", "measures", "note", "source")


@dataclass(frozen=True)
class OutcomeSet:
    """A named set of measures.

    Parameters
    ----------
    key, label : str
        Name in files, and for readers.
    measures : tuple of str
        Keys of ``models/indicators.toml``.
    note, source : str
        What to know of it, and who stated it.
    """

    key: str
    label: str
    measures: tuple[str, ...]
    note: str
    source: str


def outcome_sets(path: Path | None = None) -> Mapping[str, OutcomeSet]:
    """Return the declared sets of ``models/outcome_sets.toml`` by key.

    Raises
    ------
    DataError
        If a set lacks a key or names a measure that is not declared.
    """
    path = path or models_dir() / "outcome_sets.toml"
    tables: dict[str, Any] = read_toml(path)
    known = load_indicators()
    faults = []
    for key, table in tables.items():
        where = f"{path.name}, {key}"
        found = key_faults(table, where, required=_KEYS)
        if not found:
            found = [
                Fault(where, f"'{name}' is no indicator", f"Use: {', '.join(known)}")
                for name in table["measures"]
                if name not in known
            ]
        faults += found
    refuse(DataError, f"{path.name} cannot be used", faults)
    return {
        key: OutcomeSet(
            key, table["label"], tuple(table["measures"]), table["note"], without_locators(table["source"])
        )
        for key, table in tables.items()
    }


def framework() -> Mapping[str, tuple[str, ...]]:
    """Return the keys of all indicators that are rates, by level: pupil, school and system."""
    levels: dict[str, list[str]] = {"pupil": [], "school": [], "system": []}
    for key, one in load_indicators().items():
        if one.kind != "mean":
            levels[one.level].append(key)
    return {level: tuple(keys) for level, keys in levels.items()}
