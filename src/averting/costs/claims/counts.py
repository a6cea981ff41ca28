"""Counts of exclusions that a claim may rest on: ``models/known_counts.toml``, and a claim's own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from averting.errors import AvertingError, Fault, ParameterError, refuse
from averting.resources import read_model
from averting.years import AcademicYear

_KEYS = ("place", "year", "value", "source")
_OPTIONAL = ("phase", "rounding", "locator", "grade", "confidence")


@dataclass(frozen=True)
class KnownCount:
    """A published count of permanent exclusions.

    Parameters
    ----------
    place : str
        England, or an authority.
    year : AcademicYear
        When.
    phase : str
        ``all``, or a phase.
    value, rounding : float
        As published, and half the step it is rounded to.
    source, locator : str
        Key in ``models/references.bib`` or plain words, and the place in it.
    """

    place: str
    year: AcademicYear
    phase: str
    value: float
    rounding: float
    source: str
    locator: str

    @property
    def label(self) -> str:
        """How reports name it."""
        phase = "" if self.phase == "all" else f", {self.phase}"
        return f"{self.place} {self.year}{phase}: {self.value:,.0f}"

    def within(self, low: float, high: float) -> bool:
        """Whether the count can lie in a range, given its rounding."""
        return self.value - self.rounding <= high and self.value + self.rounding >= low


def read_counts(entries: Sequence[Mapping[str, Any]], *, where: str) -> tuple[KnownCount, ...]:
    """Read counts as they stand in TOML.

    Raises
    ------
    ParameterError
        Listing every missing or unknown key, and every year or number that cannot be read.
    """
    faults, found = [], []
    for number, entry in enumerate(entries, start=1):
        at = f"{where} [[count]] number {number}"
        faults += [Fault(at, f"there is no {key}", "Add it") for key in _KEYS if key not in entry]
        unknown = sorted(set(entry) - set(_KEYS) - set(_OPTIONAL))
        faults += [
            Fault(at, f"'{key}' is not known", f"Known: {', '.join((*_KEYS, *_OPTIONAL))}") for key in unknown
        ]
        value = entry.get("value", 0)
        if isinstance(value, bool) or not isinstance(value, int | float) or value < 0:
            faults.append(Fault(at, f"value = {value!r}", "Give a count, zero or more"))
        try:
            year = AcademicYear.parse(str(entry.get("year", "2000/01")))
        except AvertingError as error:
            faults.append(Fault(at, error.message, "Correct it"))
            continue
        if not faults:
            found.append(
                KnownCount(
                    str(entry["place"]), year, str(entry.get("phase", "all")), float(value),
                    float(entry.get("rounding", 0)), str(entry["source"]), str(entry.get("locator", "")),
                )
            )  # fmt: skip
    refuse(ParameterError, f"{where} does not load", faults)
    return tuple(found)


@cache
def known_counts() -> tuple[KnownCount, ...]:
    """Return the counts that ship with averting."""
    return read_counts(read_model("known_counts.toml")["count"], where="models/known_counts.toml")
