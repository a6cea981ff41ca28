"""A published claim, as it was printed: a product, a saving, or both."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from averting.costs.claims.counts import KnownCount, read_counts
from averting.costs.claims.figures import Figure
from averting.errors import AvertingError, Fault, ParameterError, refuse
from averting.resources import read_toml
from averting.years import FinancialYear

_TOP = ("text", "source", "published", "product", "saving", "count")

NEEDED = {
    "baseline": "how many exclusions there were before, of which year and place",
    "duration": "how many years of provision one averted exclusion saves",
    "unit_cost": "what a year of that provision costs",
    "price_year": "in which year's prices the pounds are",
    "causal_share": "which share of the cost exclusion causes: 1 says that all of it would be saved",
}
"""What a saving must state before it can be used, and what each is."""

LONGEST = 12
"""Years from the start of Reception to the end of Year 11: no placement of school age lasts longer."""


@dataclass(frozen=True)
class Product:
    """A unit cost times a count.

    Parameters
    ----------
    unit_cost, count, total : Figure or None
        Pounds for one pupil, pupils, and pounds in all; at most one is missing.
    """

    unit_cost: Figure | None = None
    count: Figure | None = None
    total: Figure | None = None

    def __post_init__(self) -> None:
        given = [one for one in (self.unit_cost, self.count, self.total) if one is not None]
        if len(given) < 2:
            raise ParameterError("A product needs two of unit_cost, count and total.")
        if any(one.low <= 0 for one in given):
            raise ParameterError("A product needs a unit_cost, count and total above zero.")


@dataclass(frozen=True)
class Saving:
    """What fewer exclusions are said to save.

    Parameters
    ----------
    reduction : Figure or None
        Share of exclusions averted, above 0 and at most 1.
    annual, lifetime : Figure or None
        Pounds a year, and pounds over the lives of those whose exclusion is averted; at least one is given.
    baseline : Figure or None
        Exclusions a year before.
    duration : Figure or None
        Years of provision that one averted exclusion saves.
    unit_cost : Figure or None
        Pounds for a year of provision.
    lifetime_unit_cost : Figure or None
        Pounds over the life of one pupil.
    causal_share : Figure or None
        Share of the cost that exclusion causes, 0 to 1.
    price_year : FinancialYear or None
        Year whose prices the pounds are in.
    """

    reduction: Figure | None = None
    annual: Figure | None = None
    lifetime: Figure | None = None
    baseline: Figure | None = None
    duration: Figure | None = None
    unit_cost: Figure | None = None
    lifetime_unit_cost: Figure | None = None
    causal_share: Figure | None = None
    price_year: FinancialYear | None = None

    def __post_init__(self) -> None:
        if self.annual is None and self.lifetime is None:
            raise ParameterError("A saving needs annual or lifetime: how many pounds are said to be saved.")
        for name in ("reduction", "causal_share"):
            share = getattr(self, name)
            if share is not None and not 0 <= share.value <= 1:
                raise ParameterError(f"{name} is {share.text}. Give a share of 0 to 1, or of 0 % to 100 %.")
        if self.duration is not None and self.duration.low > LONGEST:
            raise ParameterError(
                f"duration is {self.duration.text} years, but placements of school age end with Year 11: {LONGEST} years after "
                "the start of Reception at most, 5 in secondary school. What follows later belongs into lifetime"
            )
        positive = ("reduction", "annual", "lifetime", "baseline", "duration", "unit_cost", "lifetime_unit_cost")
        for name in positive:
            figure = getattr(self, name)
            if figure is not None and figure.low <= 0:
                raise ParameterError(f"{name} is {figure.text}. It must be above zero as printed.")

    @property
    def missing(self) -> tuple[str, ...]:
        """What is not stated and has to be, in the order of ``NEEDED``."""
        return tuple(name for name in NEEDED if getattr(self, name) is None)


@dataclass(frozen=True)
class Claim:
    """One published claim.

    Parameters
    ----------
    text, source : str
        What was said, and where.
    published : int or None
        Year in which it was said; later counts cannot have been meant.
    product, saving : Product or None, Saving or None
        The arithmetic in it; at least one.
    counts : tuple of KnownCount
        Counts it may rest on, besides those of ``models/known_counts.toml``.
    """

    text: str
    source: str
    published: int | None = None
    product: Product | None = None
    saving: Saving | None = None
    counts: tuple[KnownCount, ...] = ()

    def __post_init__(self) -> None:
        if self.product is None and self.saving is None:
            raise ParameterError("The claim has no figures. Give a [product] or a [saving].")


def accept(claim: Claim) -> Claim:
    """Return a claim that states what it rests on.

    Raises
    ------
    ParameterError
        For a saving without baseline, duration, unit cost, price year or causal share: each that is missing is named.
    """
    missing = claim.saving.missing if claim.saving else ()
    faults = [Fault(f"[saving] {name}", "it is not stated", f"Find out {NEEDED[name]}") for name in missing]
    refuse(ParameterError, "The saving cannot be used as it is claimed", faults)
    return claim


def _figures(kind: type[Product | Saving], table: Mapping[str, Any], where: str) -> tuple[Any, list[Fault]]:
    """Return a product or saving, or None and what is wrong with it."""
    known = [field.name for field in fields(kind)]
    faults = [
        Fault(where, f"'{key}' is not known", f"Known: {', '.join(known)}") for key in table if key not in known
    ]
    values: dict[str, object] = {}
    for key in (key for key in known if key in table):
        try:
            read = FinancialYear.parse if key == "price_year" else Figure.parse
            values[key] = read(table[key])
        except AvertingError as error:
            faults.append(Fault(f"{where} {key}", error.message.rstrip("."), "Correct it"))
    if faults:
        return None, faults
    try:
        return kind(**values), []  # type: ignore[arg-type]
    except AvertingError as error:
        return None, [Fault(where, error.message.rstrip("."), "Correct it")]


def read_claim(path: str | Path) -> Claim:
    """Read a claim from TOML: ``text``, ``source``, ``published``, ``[product]``, ``[saving]`` and ``[[count]]``.

    Raises
    ------
    ParameterError
        Listing every key that is missing, unknown or cannot be read.
    """
    path = Path(path)
    try:
        table = read_toml(path, error=ParameterError)
    except OSError as error:
        raise ParameterError(f"{path} cannot be read: {error.strerror}. Name a claim's file.") from error
    return claim_from_table(table, where=path.name)


def claim_from_table(table: Mapping[str, Any], *, where: str) -> Claim:
    """Read a claim from a parsed table; see :func:`read_claim`."""
    faults = [
        Fault(where, f"'{key}' is not known", f"Known: {', '.join(_TOP)}") for key in table if key not in _TOP
    ]
    kinds: dict[str, tuple[type, str]] = {
        "text": (str, "text"), "source": (str, "text"), "published": (int, "a year such as 2017"),
        "product": (dict, "a table"), "saving": (dict, "a table"), "count": (list, "tables: [[count]]"),
    }  # fmt: skip
    for key, (kind, meaning) in kinds.items():
        if key in table and not isinstance(table[key], kind):
            faults.append(Fault(f"{where} {key}", "it is of another kind", f"Give {meaning}"))
    for key in ("text", "source"):
        if not str(table.get(key, "")).strip():
            faults.append(Fault(where, f"there is no {key}", "Say what was claimed, and where"))
    refuse(ParameterError, f"{where} is not a claim", faults)
    made: dict[str, Any] = {}
    for key, kind in (("product", Product), ("saving", Saving)):
        if key in table:
            made[key], found = _figures(kind, table[key], f"{where} [{key}]")
            faults += found
    refuse(ParameterError, f"{where} is not a claim", faults)
    counts = read_counts(table.get("count", []), where=where)
    return Claim(table["text"], table["source"], table.get("published"), **made, counts=counts)
