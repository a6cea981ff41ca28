"""What a symbol in a published file means, which depends on the file's vintage.

``x`` was "1 or 2" in DfE's exclusion files to 2016/17 and is "unavailable" today, so a meaning is looked up in a
:class:`Vintage` and nowhere else. Vintages are declared in ``models/symbols.toml``.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Any, Literal

from averting.data.breakdowns import Breakdown
from averting.data.tables import key_faults, read_toml
from averting.errors import DataError, Fault, refuse
from averting.resources import models_dir
from averting.years import AcademicYear

SymbolStatus = Literal["suppressed", "missing", "not_applicable"]
Tolerated = Literal["zero_exposure", "fractional_count"]
ROLES = ("school", "period", "exposure", "name", "phase", "region", "la", "laestab")
NEEDED_ROLES = ("school", "period", "exposure")

_STATUSES = ("suppressed", "missing", "not_applicable")
_TOLERATED = ("zero_exposure", "fractional_count")


@dataclass(frozen=True)
class Symbol:
    """A mark that stands where a count would be.

    Parameters
    ----------
    text : str
        The mark, for example ``x``.
    status : {"suppressed", "missing", "not_applicable"}
        What kind of absence it is.
    lower, upper : float or None
        Bounds of the hidden count. None where it is suppressed and the file does not state them: the user must.
        A missing count is somewhere in [0, inf]; one that does not apply has no bounds (NaN).
    meaning, source : str
        In words, and who says so.
    """

    text: str
    status: SymbolStatus
    lower: float | None
    upper: float | None
    meaning: str
    source: str


@dataclass(frozen=True)
class Level:
    """Where one level's rows and columns are in a file of some vintage.

    Parameters
    ----------
    columns : mapping of role to tuple of str
        Column names of each role, alternatives in order of preference.
    rows : mapping of str to str
        Column and value that rows of this level have; empty where the file holds one level only.
    """

    columns: Mapping[str, tuple[str, ...]]
    rows: Mapping[str, str]


@dataclass(frozen=True)
class Vintage:
    """One layout of a published file, with what its symbols mean.

    Parameters
    ----------
    key, label, source : str
        Name, words for reports, and publication.
    requires, forbids : tuple of str
        Columns a file of this vintage has, and has not.
    latest_from, latest_to : AcademicYear or None
        Range of the latest year in the file, where one layout was used under two sets of rules.
    tolerates : frozenset of {"zero_exposure", "fractional_count"}
        Faults known to be in the publisher's own files: such cells are marked missing, and a check says how many.
    must_be : mapping of str to str
        Columns that may hold one value only.
    symbols : mapping of str to Symbol
        By the symbol itself.
    levels : mapping of str to Level
        ``school``, ``local authority`` or both.
    publication : str
        Which ``source`` of :func:`~averting.data.read_panel` reads it.
    breakdown : Breakdown or None
        For files that count by reason, age, length or setting, and have no pupils.
    """

    key: str
    label: str
    source: str
    requires: tuple[str, ...]
    forbids: tuple[str, ...]
    latest_from: AcademicYear | None
    latest_to: AcademicYear | None
    tolerates: frozenset[Tolerated]
    must_be: Mapping[str, str]
    symbols: Mapping[str, Symbol]
    levels: Mapping[str, Level]
    publication: str = "dfe_exclusions"
    breakdown: Breakdown | None = None

    def fits(self, columns: Collection[str]) -> bool:
        """Whether a file with these columns has this layout."""
        return set(self.requires) <= set(columns) and not set(self.forbids) & set(columns)

    def spans(self, latest: AcademicYear) -> bool:
        """Whether a file whose latest year is this one can be of this vintage."""
        return (self.latest_from is None or self.latest_from <= latest) and (
            self.latest_to is None or latest <= self.latest_to
        )

    @property
    def mentioned(self) -> frozenset[str]:
        """Every column name this vintage is recognised or read by."""
        roles = {name for level in self.levels.values() for names in level.columns.values() for name in names}
        filters = {name for level in self.levels.values() for name in level.rows}
        return frozenset({*self.requires, *self.forbids, *self.must_be, *roles, *filters})

    def read_by(self, level: str) -> frozenset[str]:
        """Column names by which one level's rows are found and read; all that are mentioned, where it has no such level."""
        if level not in self.levels:
            return self.mentioned
        read = self.levels[level]
        years = {name for other in self.levels.values() for name in other.columns["period"]}
        roles = {name for names in read.columns.values() for name in names}
        return frozenset({*roles, *years, *read.rows, *self.must_be})


@dataclass(frozen=True)
class Symbology:
    """Everything in ``models/symbols.toml``.

    Parameters
    ----------
    vintages : mapping of str to Vintage
        By key.
    phases : mapping of str to tuple of str
        A phase word and the labels DfE has printed for it.
    """

    vintages: Mapping[str, Vintage]
    phases: Mapping[str, tuple[str, ...]]

    def recognise(self, columns: Collection[str]) -> tuple[Vintage, ...]:
        """Return the vintages whose layout a file with these columns has."""
        return tuple(vintage for vintage in self.vintages.values() if vintage.fits(columns))

    def phase_of(self, label: str) -> str:
        """Return the phase word for a printed label, or the label itself where none is declared."""
        for phase, labels in self.phases.items():
            if label.casefold() in {other.casefold() for other in labels}:
                return phase
        return label


def interval(text: str, lower: float, upper: float, *, meaning: str = "given by the user") -> Symbol:
    """Return a symbol that stands for a count between two bounds; an infinite upper bound makes it missing.

    Raises
    ------
    DataError
        If the bounds are not whole numbers with 0 <= lower <= upper.
    """
    whole = all(bound >= 0 and (bound == math.inf or float(bound).is_integer()) for bound in (lower, upper))
    if not whole or lower > upper or lower == math.inf:
        raise DataError(
            f"symbols: '{text}' is given the interval ({lower}, {upper}). "
            "Use whole numbers, lower first, such as (1, 2); (0, inf) says that nothing is known."
        )
    status: SymbolStatus = "missing" if upper == math.inf else "suppressed"
    return Symbol(text, status, float(lower), float(upper), meaning, meaning)


def load_symbols(path: Path | None = None) -> Symbology:
    """Return the declared vintages and phase labels.

    Parameters
    ----------
    path : Path, optional
        A file in the layout of ``models/symbols.toml``, which is read by default.

    Raises
    ------
    DataError
        If an entry lacks a key, has an unknown one, or a value that is not allowed.
    """
    return _load(path or models_dir() / "symbols.toml")


@cache
def _load(path: Path) -> Symbology:
    tables: dict[str, Any] = read_toml(path)
    refuse(
        DataError, f"{path.name} cannot be used", key_faults(tables, path.name, required=("phases", "vintages"))
    )
    faults = [
        fault for key, table in tables["vintages"].items() for fault in _vintage_faults(table, path.name, key)
    ]
    refuse(DataError, f"{path.name} cannot be used", faults)
    vintages = {key: _vintage(key, table) for key, table in tables["vintages"].items()}
    phases = {phase: tuple(labels) for phase, labels in tables["phases"].items()}
    return Symbology(MappingProxyType(vintages), MappingProxyType(phases))


def _vintage_faults(table: Any, file: str, key: str) -> list[Fault]:
    where = f"{file}, vintages.{key}"
    faults = key_faults(
        table,
        where,
        required=("label", "source", "requires", "symbols", "levels"),
        optional=("forbids", "latest_from", "latest_to", "tolerates", "must_be", "publication", "breakdown"),
    )
    if faults:
        return faults
    for known in table.get("tolerates", []):
        if known not in _TOLERATED:
            faults.append(Fault(where, f"tolerates '{known}'", f"Use any of: {', '.join(_TOLERATED)}"))
    for text, entry in table["symbols"].items():
        faults += _symbol_faults(entry, f"{where}, symbol '{text}'")
    for level, entry in table["levels"].items():
        others = [role for role in ROLES if role not in NEEDED_ROLES]
        needed = [role for role in NEEDED_ROLES if role != "exposure" or "breakdown" not in table]
        allowed = (*others, "rows", "exposure")
        faults += key_faults(entry, f"{where}, level {level}", required=needed, optional=allowed)
    if "breakdown" in table:
        optional = ("totals", "wide", "unlisted_is_zero")
        faults += key_faults(table["breakdown"], f"{where}, breakdown", required=("counts",), optional=optional)
    return faults


def _symbol_faults(entry: Any, where: str) -> list[Fault]:
    faults = key_faults(entry, where, required=("status", "meaning", "source"), optional=("lower", "upper"))
    if faults:
        return faults
    if entry["status"] not in _STATUSES:
        faults.append(Fault(where, f"status is '{entry['status']}'", f"Use one of: {', '.join(_STATUSES)}"))
    if ("lower" in entry) != ("upper" in entry):
        faults.append(Fault(where, "one bound without the other", "Give both lower and upper, or neither"))
    if "lower" in entry and entry["status"] != "suppressed":
        faults.append(Fault(where, "bounds on a count that is not suppressed", "Leave lower and upper out"))
    return faults


def _symbol(text: str, entry: dict[str, Any]) -> Symbol:
    bounds: dict[str, tuple[float | None, float | None]] = {
        "missing": (0.0, math.inf),
        "not_applicable": (math.nan, math.nan),
        "suppressed": (entry.get("lower"), entry.get("upper")),
    }
    lower, upper = bounds[entry["status"]]
    return Symbol(text, entry["status"], lower, upper, entry["meaning"], entry["source"])


def _vintage(key: str, table: dict[str, Any]) -> Vintage:
    def year(name: str) -> AcademicYear | None:
        return AcademicYear.parse(table[name]) if name in table else None

    return Vintage(
        key=key,
        label=table["label"],
        source=table["source"],
        requires=tuple(table["requires"]),
        forbids=tuple(table.get("forbids", ())),
        latest_from=year("latest_from"),
        latest_to=year("latest_to"),
        tolerates=frozenset(table.get("tolerates", ())),
        must_be=MappingProxyType(dict(table.get("must_be", {}))),
        symbols=MappingProxyType({text: _symbol(text, entry) for text, entry in table["symbols"].items()}),
        levels=MappingProxyType({name: _level(entry) for name, entry in table["levels"].items()}),
        publication=table.get("publication", "dfe_exclusions"),
        breakdown=_breakdown(table["breakdown"]) if "breakdown" in table else None,
    )


def _breakdown(entry: dict[str, Any]) -> Breakdown:
    texts = {name: MappingProxyType(dict(entry.get(name, {}))) for name in ("counts", "totals")}
    return Breakdown(**texts, wide=entry.get("wide", ""), unlisted_is_zero=entry.get("unlisted_is_zero", False))


def _level(entry: dict[str, Any]) -> Level:
    columns = {role: tuple(names) for role, names in entry.items() if role != "rows"}
    return Level(MappingProxyType(columns), MappingProxyType(dict(entry.get("rows", {}))))
