"""``[diagnostics]`` and ``[guardrails]`` of an ``evaluation.toml``: what is held against the primary estimate."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from averting.design import SameAsPilots
from averting.effects import known_estimators
from averting.effects.diagnostics.suite import DEFAULT, KNOWN
from averting.errors import AvertingError
from averting.evaluation.toml_table import TomlTable
from averting.years import Period

DESIGNED = "designed"
COMPARISONS: Mapping[str, tuple[str, SameAsPilots | None]] = MappingProxyType(
    {
        DESIGNED: ("as designed", None),
        "all": ("all others", SameAsPilots(on=())),
        "phase": ("same phase", SameAsPilots(on=("phase",))),
        "region": ("same phase and region", SameAsPilots(on=("phase", "region"))),
        "elsewhere": ("same phase, other authorities", SameAsPilots(on=("phase",), exclude_same_la=True)),
    }
)
"""Ways to choose comparison schools in a specification curve: words for the report, and the rule."""


@dataclass(frozen=True)
class CurveSettings:
    """Grid of a specification curve; see :class:`averting.effects.diagnostics.specification_curve.Grid`."""

    methods: tuple[str, ...]
    comparisons: tuple[str, ...]
    without: tuple[str, ...]


@dataclass(frozen=True)
class CheckSettings:
    """What is held against the primary estimate.

    Parameters
    ----------
    run : tuple of str
        Names of diagnostics.
    unaffected : tuple of str
        Indicators that the programme could not have moved.
    moved_by : float
        Share by which an estimate may move before it is said.
    curve : CurveSettings, optional
        Specifications to estimate.
    guardrails : tuple of str, optional
        Indicators into which exclusions can move; by default every one of displacement in the data.
    combined : bool
        Whether those in the primary indicator's unit are also added to it.
    """

    run: tuple[str, ...] = DEFAULT
    unaffected: tuple[str, ...] = ()
    moved_by: float = 0.25
    curve: CurveSettings | None = None
    guardrails: tuple[str, ...] | None = None
    combined: bool = True


def read_checks(top: TomlTable) -> CheckSettings:
    """Read both tables; faults are noted on them."""
    asked, guarded = (top.table(name) or TomlTable({}, "", []) for name in ("diagnostics", "guardrails"))
    run = _words(asked, "run", tuple(KNOWN), DEFAULT)
    unaffected = asked.texts("unaffected", [])
    if unaffected and "placebo_in_outcomes" not in run:
        run = (*run, "placebo_in_outcomes")
    if "placebo_in_outcomes" in run and not unaffected:
        asked.fault("unaffected", "no outcome is named", "Name counts that the programme could not have moved.")
    moved_by = float(asked.take("moved_by", float, 0.25))
    if not 0 < moved_by < 10:
        asked.fault("moved_by", f"{moved_by} is not a share", "Give a share above 0, for example 0.25.")
    curve = asked.table("curve")
    guardrails = guarded.texts("indicators", [])
    settings = CheckSettings(
        run=run,
        unaffected=unaffected,
        moved_by=moved_by,
        curve=_curve(curve) if curve else None,
        guardrails=guardrails if "indicators" in guarded.values else None,
        combined=bool(guarded.take("combined", bool, True)),
    )
    asked.done()
    guarded.done()
    return settings


def _words(table: TomlTable, key: str, allowed: tuple[str, ...], default: tuple[str, ...]) -> tuple[str, ...]:
    words = table.texts(key, list(default))
    for word in words:
        if word not in allowed:
            table.fault(key, f"'{word}' is not known", f"Use any of: {', '.join(allowed)}.")
    if len(set(words)) < len(words):
        table.fault(key, "a word is there twice", "Name each once.")
    return tuple(word for word in words if word in allowed)


def _curve(table: TomlTable) -> CurveSettings:
    methods = _words(table, "methods", tuple(known_estimators()), ())
    comparisons = _words(table, "comparisons", tuple(COMPARISONS), (DESIGNED,))
    without = []
    for period in table.texts("without", []):
        try:
            without.append(Period.parse(period).label)
        except AvertingError as error:
            table.fault("without", error.message, "")
    if not comparisons:
        table.fault("comparisons", "the list is empty", f"Use any of: {', '.join(COMPARISONS)}.")
    table.done()
    return CurveSettings(methods, comparisons, tuple(without))
