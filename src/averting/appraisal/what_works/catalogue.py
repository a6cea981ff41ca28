"""Directory of What Works: interventions, what is known of them, and from where; shipped and a user's own."""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from dataclasses import MISSING, dataclass, fields
from datetime import date
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Any

from averting.appraisal.programme_elements import known_elements
from averting.costs.references import known_references
from averting.data import load_indicators
from averting.errors import Fault, ParameterError, refuse
from averting.resources import models_dir, read_toml, without_locators

GRADES: Mapping[str, str] = MappingProxyType(
    {
        "randomised": "an effect from a randomised trial",
        "comparison": "an effect against comparison schools or areas, not randomised",
        "claim_without_comparison": "a claim that says nothing of what would have happened anyway",
        "practice": "in use; no effect measured",
        "untested": "proposed or being piloted; no effect measured",
    }
)
"""How much is known, from most to least."""

MEASURED = ("randomised", "comparison")
PHASES = ("primary", "secondary", "special")


@dataclass(frozen=True)
class MeasuredEffect:
    """A published effect against a comparison.

    Parameters
    ----------
    indicator : str
        Key in ``models/indicators.toml``.
    ratio, lower, upper : float
        Rate with the intervention over rate without it, and its interval.
    level : float
        Of the interval.
    population : str
        Whom it was measured in.
    """

    indicator: str
    ratio: float
    lower: float
    upper: float
    level: float
    population: str


@dataclass(frozen=True)
class Price:
    """What an intervention is said to cost.

    Parameters
    ----------
    low, high : float
        Pounds, in ``unit``.
    unit, what : str
        Per what, and what is in it.
    price_year : str
        Financial year whose prices it is in, or ``not stated``.
    locator : str
        Where it stands.
    """

    low: float
    high: float
    unit: str
    price_year: str
    what: str
    locator: str


@dataclass(frozen=True)
class Intervention:
    """One entry of the directory.

    Parameters
    ----------
    key, label, what : str
        Name in files, name in reports, and what is done.
    needs, phases, outcomes : tuple of str
        What it is for: needs in single words, phases of schooling, and indicators it may move.
    delivered_by, dose : str
        By whom, and how much of it.
    grade, evidence : str
        How much is known (a key of ``GRADES``), and what.
    source, locator : str
        Who says so (a key of ``references.bib``, or words), and where.
    review_by : date
        When somebody is to look at the entry again.
    beware : str
        What to know before using it.
    element : str
        Part of a programme that its spend belongs to; empty where none fits.
    effect : tuple of MeasuredEffect
        Only of grades with a comparison.
    price : Price or None
        What it is said to cost.
    own : bool
        Whether it is the user's entry, not a shipped one.
    """

    key: str
    label: str
    what: str
    needs: tuple[str, ...]
    phases: tuple[str, ...]
    outcomes: tuple[str, ...]
    delivered_by: str
    dose: str
    grade: str
    evidence: str
    source: str
    locator: str
    review_by: date
    beware: str = ""
    element: str = ""
    effect: tuple[MeasuredEffect, ...] = ()
    price: Price | None = None
    own: bool = False

    @property
    def cited(self) -> str:
        """Who says so, by author, year and title, and where in it; places in files that readers do not have are left out."""
        known = known_references()
        names = [known[part].short() if part in known else part for part in self.source.split("; ")]
        place = without_locators(self.locator)
        return f"{'; '.join(names)}{f' [{place}]' if place else ''}"

    def effect_on(self, indicator: str) -> MeasuredEffect | None:
        """Return the measured effect on an indicator, or None where none was measured."""
        return next((one for one in self.effect if one.indicator == indicator), None)

    def to_dict(self) -> dict[str, object]:
        """Return the entry as plain values, for JSON."""
        made: dict[str, object] = {one.name: getattr(self, one.name) for one in fields(self)}
        made["review_by"] = self.review_by.isoformat()
        made["effect"] = [vars(one) for one in self.effect]
        made["price"] = None if self.price is None else vars(self.price)
        made["source"] = self.cited
        return {name: list(value) if isinstance(value, tuple) else value for name, value in made.items()}

    def lines(self) -> list[str]:
        """Return what a reader should know, a sentence a line."""
        said = [f"{self.label} [{self.key}]{' (your own entry)' if self.own else ''}", f"  {self.what}"]
        said.append(
            f"  For: {', '.join(self.needs)}; {', '.join(self.phases)}. By: {self.delivered_by}. Dose: {self.dose}."
        )
        said.append(f"  Known: {GRADES[self.grade]}. {self.evidence}")
        said += [
            f"  {one.indicator.replace('_', ' ')}: {one.ratio:.2f} times ({one.lower:.2f} to {one.upper:.2f}, {one.level:.0%}), "
            f"{one.population}."
            for one in self.effect
        ]
        if self.price:
            low, high = (
                f"{'−' if value < 0 else ''}£{abs(value):,.0f}" for value in (self.price.low, self.price.high)
            )
            span = low if low == high else f"{low} to {high}"
            said.append(
                f"  Price: {span}, {self.price.unit}, prices of {self.price.price_year}. {self.price.what}."
            )
        if self.beware:
            said.append(f"  Beware: {self.beware}")
        said.append(f"  Source: {self.cited.rstrip('.')}; to be reviewed by {self.review_by}.")
        return said


def what_works(
    *words: str,
    need: str | None = None,
    phase: str | None = None,
    outcome: str | None = None,
    own: str | Path | None = None,
) -> tuple[Intervention, ...]:
    """Search the Directory of What Works.

    Parameters
    ----------
    *words : str
        Words that must all stand in an entry, in any order and case; an entry's key returns that entry alone.
    need, phase, outcome : str, optional
        Keep entries for this need, phase of schooling, or indicator.
    own : str or Path, optional
        A file of your own entries in the same layout, added to those shipped.

    Returns
    -------
    tuple of Intervention
        Those with more evidence first; empty where none fits.

    Raises
    ------
    ParameterError
        If an entry lacks a key, has an unknown one, or an effect without a comparison; if a need, phase or outcome is in no
        entry.

    Examples
    --------
    >>> from averting.appraisal.what_works import what_works
    >>> [one.label for one in what_works("social", "worker", outcome="permanent_exclusions")]
    ['Social workers in schools', 'Virtual school head for children with a social worker']
    """
    entries = {**_shipped(), **(_read(Path(own), own=True) if own else {})}
    if len(words) == 1 and words[0] in entries:
        return (entries[words[0]],)
    _refuse_unknown(entries.values(), need=need, phase=phase, outcome=outcome)
    wanted = [word.casefold() for word in words]
    found = [
        one
        for one in entries.values()
        if (need is None or need in one.needs)
        and (phase is None or phase in one.phases)
        and (outcome is None or outcome in one.outcomes)
        and all(word in _text(one) for word in wanted)
    ]
    order = list(GRADES)
    return tuple(sorted(found, key=lambda one: order.index(one.grade)))


def _text(one: Intervention) -> str:
    words = (one.key, one.label, one.what, *one.needs, *one.phases, *one.outcomes, one.delivered_by, one.evidence)
    return " ".join(words).casefold().replace("_", " ") + " " + one.key


def _refuse_unknown(entries: Any, **asked: str | None) -> None:
    faults = []
    for name, value in asked.items():
        known = sorted({held for one in entries for held in getattr(one, f"{name}s")})
        if value is not None and value not in known:
            near = difflib.get_close_matches(value, known, n=1)
            hint = f"Did you mean '{near[0]}'? " if near else ""
            faults.append(Fault(name, f"no entry has '{value}'", f"{hint}Use one of: {', '.join(known)}"))
    refuse(ParameterError, "The directory cannot be searched", faults)


@cache
def _shipped() -> Mapping[str, Intervention]:
    found: dict[str, Intervention] = {}
    for path in sorted((models_dir() / "what_works").glob("*.toml")):
        found |= _read(path, own=False)
    return MappingProxyType(found)


def _read(path: Path, *, own: bool) -> dict[str, Intervention]:
    try:
        tables = read_toml(path, error=ParameterError)
    except OSError as error:
        raise ParameterError(f"{path} cannot be read: {error.strerror}. Name a file of entries.") from error
    faults: list[Fault] = []
    if own:
        faults += [
            Fault(f"{path.name}, {key}", "the directory has an entry of this name", "Give yours another name")
            for key in tables
            if key in _shipped()
        ]
    found = {key: _entry(key, table, path.name, own, faults) for key, table in tables.items()}
    refuse(ParameterError, f"{path.name} cannot be used", faults)
    return {key: one for key, one in found.items() if one is not None}


def _entry(key: str, table: Any, file: str, own: bool, faults: list[Fault]) -> Intervention | None:
    where = f"{file}, {key}"
    found = _shape_faults(Intervention, table, where, without=("key", "own"))
    if not found:
        for i, effect in enumerate(table.get("effect", []), 1):
            found += _shape_faults(MeasuredEffect, effect, f"{where}, effect {i}")
        if "price" in table:
            found += _shape_faults(Price, table["price"], f"{where}, price")
    if not found:
        found = _meaning_faults(table, where)
    faults += found
    if found:
        return None
    values: dict[str, Any] = {}
    for name, value in table.items():
        values[name] = tuple(value) if isinstance(value, list) else value
    values["effect"] = tuple(MeasuredEffect(**effect) for effect in table.get("effect", []))
    values["price"] = Price(**table["price"]) if "price" in table else None
    return Intervention(key=key, own=own, **values)


_KINDS = {"tuple[str, ...]": list, "tuple[MeasuredEffect, ...]": list, "Price | None": dict, "date": date}


def _shape_faults(kind: type, table: Any, where: str, *, without: Sequence[str] = ()) -> list[Fault]:
    """List keys that are missing, unknown or of another kind."""
    if not isinstance(table, dict):
        return [Fault(where, "this is not a table", "Write its keys below [name]")]
    known = {one.name: one for one in fields(kind) if one.name not in without}
    allowed = ", ".join(known)
    faults = [Fault(where, f"unknown key '{key}'", f"Use: {allowed}") for key in table if key not in known]
    for name, one in known.items():
        if name not in table or table[name] in ("", []):
            if one.default is MISSING:
                faults.append(
                    Fault(where, f"'{name}' is missing or empty", "Give it; say 'not stated' where that is so")
                )
            continue
        wanted = _KINDS.get(str(one.type), (int, float) if one.type == "float" else str)
        if not isinstance(table[name], wanted) or isinstance(table[name], bool):
            faults.append(
                Fault(where, f"'{name}' is of another kind", "See the shipped entries in models/what_works")
            )
    return faults


def _meaning_faults(table: Mapping[str, Any], where: str) -> list[Fault]:
    faults = []
    if table["grade"] not in GRADES:
        faults.append(Fault(where, f"grade is '{table['grade']}'", f"Use one of: {', '.join(GRADES)}"))
    elif table.get("effect") and table["grade"] not in MEASURED:
        fix = f"Leave the effect out, or show that it has a comparison ({' or '.join(MEASURED)})"
        faults.append(Fault(where, f"it has an effect and is of grade '{table['grade']}'", fix))
    elif table["grade"] in MEASURED and not table.get("effect"):
        faults.append(Fault(where, f"it is of grade '{table['grade']}' and has no effect", "Give [[name.effect]]"))
    known = load_indicators()
    names = [*table["outcomes"], *(effect["indicator"] for effect in table.get("effect", []))]
    faults += [
        Fault(where, f"'{name}' is no indicator", f"Use: {', '.join(known)}")
        for name in names
        if name not in known
    ]
    faults += [
        Fault(where, f"phase is '{phase}'", f"Use: {', '.join(PHASES)}")
        for phase in table["phases"]
        if phase not in PHASES
    ]
    if table.get("element", "other") not in known_elements():
        faults.append(Fault(where, f"element is '{table['element']}'", f"Use: {', '.join(known_elements())}"))
    for effect in table.get("effect", []):
        if not 0 < effect["lower"] <= effect["ratio"] <= effect["upper"] or not 0.5 <= effect["level"] < 1:
            faults.append(
                Fault(where, "its effect is no ratio within its interval", "Give 0 < lower <= ratio <= upper")
            )
    return faults
