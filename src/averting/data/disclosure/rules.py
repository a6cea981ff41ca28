"""Rule sets of disclosure control, declared in ``models/disclosure.toml``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from averting.data.tables import key_faults, read_toml
from averting.errors import DisclosureError, Fault, refuse
from averting.resources import models_dir

_NUMBERS = ("threshold", "rounding", "protection")
_KEYS = ("label", *_NUMBERS, "zero_is_small", "confidence", "source")
_CONFIDENCE = ("seen", "judgement")


@dataclass(frozen=True)
class Rules:
    """One rule set.

    Parameters
    ----------
    key, label : str
        Name in ``models/disclosure.toml``, and words for readers.
    threshold : int
        Counts below it are small.
    zero_is_small : bool
        Whether a count of nothing is small too.
    rounding : int
        Shown counts are rounded to this base; 1 leaves them as they are.
    protection : int
        The whole numbers that a withheld count can still be span at least this many counts.
    confidence : {"seen", "judgement"}
        Whether the source says so, or averting's developers do.
    source : str
        Who says so, or why.
    """

    key: str
    label: str
    threshold: int
    zero_is_small: bool
    rounding: int
    protection: int
    confidence: str
    source: str

    @property
    def smallest(self) -> int:
        """The least count that is withheld."""
        return 0 if self.zero_is_small else 1


def load_rules(key: str, *, path: Path | None = None) -> Rules:
    """Return one rule set.

    Parameters
    ----------
    key : str
        For example ``under_five``.
    path : Path, optional
        A file in the layout of ``models/disclosure.toml``, which is read by default.

    Raises
    ------
    DisclosureError
        If there is no such rule set, or it lacks a key or promises more than its threshold allows.
    """
    path = path or models_dir() / "disclosure.toml"
    tables: dict[str, Any] = read_toml(path)
    if key not in tables:
        raise DisclosureError(f"{path.name} has no rule set '{key}'. Use one of: {', '.join(tables)}.")
    refuse(DisclosureError, f"{path.name} cannot be used", _faults(tables[key], f"{path.name}, {key}"))
    return Rules(key=key, **tables[key])


def known_rules() -> tuple[str, ...]:
    """Return the keys of all declared rule sets."""
    return tuple(read_toml(models_dir() / "disclosure.toml"))


def _faults(table: object, where: str) -> list[Fault]:
    found = key_faults(table, where, required=_KEYS)
    if found or not isinstance(table, Mapping):
        return found
    wrong = [key for key in _NUMBERS if type(table[key]) is not int or table[key] < 1]
    found = [Fault(where, f"{key} is not a whole number from 1 up", "Write a count") for key in wrong]
    if type(table["zero_is_small"]) is not bool:
        found.append(Fault(where, "zero_is_small is neither true nor false", "Write true or false"))
    if table["confidence"] not in _CONFIDENCE:
        found.append(Fault(where, "confidence is not known", f"Use one of: {', '.join(_CONFIDENCE)}"))
    if not found and table["protection"] > table["threshold"] - 1 - (not table["zero_is_small"]):
        most = table["threshold"] - 1 - (not table["zero_is_small"])
        found.append(Fault(where, "a small count cannot have so much protection", f"Give {most} or less"))
    return found
