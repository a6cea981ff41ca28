"""What an ``evaluation.toml`` says of money: what to value, under which assumptions, and for whom."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import get_args

from averting.appraisal import CENTRAL, Adjustment, ProgrammeCost, Scenario
from averting.appraisal.adjustments import Kind
from averting.appraisal.decision import Study
from averting.appraisal.decision.studies import Adds
from averting.appraisal.scale_up import ScaleUp
from averting.costs import known_payers, overrides_from_table
from averting.costs.discounting import Timing
from averting.errors import AvertingError, Fault
from averting.evaluation.programme_settings import read_conditions, read_payers_as_of, read_programme
from averting.evaluation.toml_table import TomlTable
from averting.years import AcademicYear, FinancialYear

_NEEDING = ("scenario", "programme", "contribution", "weight", "study", "scale_up")


@dataclass(frozen=True)
class AppraisalSettings:
    """How to join effects and costs; see :func:`averting.appraisal.appraise`.

    ``contributions`` are shares of a pooled budget by payer; ``weights`` are distributional weights by payer, with
    ``weight_reasons``; ``scale_up`` is the wider programme to work out, if any; ``studies`` are further evaluations to weigh;
    ``pupils_supported`` is how many pupils the programme supports in a year.
    """

    estimate: str
    base_year: FinancialYear
    discounting: str
    scenarios: tuple[Scenario, ...]
    programme: tuple[ProgrammeCost, ...]
    contributions: Mapping[str, float] = field(default_factory=dict)
    weights: Mapping[str, float] = field(default_factory=dict)
    weight_reasons: Mapping[str, str] = field(default_factory=dict)
    scale_up: ScaleUp | None = None
    payers_as_of: FinancialYear | None = None
    conditions: tuple[str, ...] = ()
    studies: tuple[Study, ...] = ()
    pupils_supported: float | None = None
    timing: Timing = "start"


def read_appraisal(top: TomlTable, folder: Path) -> AppraisalSettings | None:
    """Read ``[appraisal]`` and the tables that go with it; None where nothing is valued.

    Paths in them are relative to ``folder``, the evaluation's.
    """
    table, scale_up = top.table("appraisal"), top.table("scale_up")
    entries = {key: top.tables(key) for key in _NEEDING[:-1]}
    if "appraisal" not in top.values:
        if any(key in top.values for key in _NEEDING):
            marks = {key: f"[{key}]" if key == "scale_up" else f"[[{key}]]" for key in _NEEDING}
            given = " and ".join(mark for key, mark in marks.items() if key in top.values)
            found = f"this table is missing, but there is {given}"
            top.fault("[appraisal]", found, "Say what to value, or leave those out.")
        return None
    if table is None:
        return None
    weights, reasons = _weights(entries["weight"])
    settings = AppraisalSettings(
        estimate=table.take("estimate", str, help="Name the id of the estimate to value."),
        base_year=table.parse("base_year", FinancialYear.parse) or FinancialYear(2000),
        discounting=table.take("discounting", str, "2022"),
        scenarios=(CENTRAL, *(made for entry in entries["scenario"] if (made := _scenario(entry)))),
        programme=read_programme(entries["programme"], folder),
        contributions=_contributions(entries["contribution"], bool(entries["programme"])),
        weights=weights,
        weight_reasons=reasons,
        scale_up=None if scale_up is None else _scale_up(scale_up),
        payers_as_of=read_payers_as_of(table),
        conditions=read_conditions(table),
        studies=tuple(study for entry in entries["study"] if (study := _study(entry))),
        pupils_supported=_pupils(table, bool(entries["programme"])),
        timing=_timing(table),
    )
    table.done()
    return settings


def _timing(table: TomlTable) -> Timing:
    found = table.choice("timing", get_args(Timing), "start")
    return found if found in get_args(Timing) else "start"  # type: ignore[return-value]


def _pupils(table: TomlTable, has_cost: bool) -> float | None:
    pupils: float | None = table.take("pupils_supported", float, None)
    if pupils is not None and not 0 < pupils < math.inf:
        table.fault("pupils_supported", f"it is {pupils:g}", "Give pupils in a year on average, above zero.")
        return None
    if pupils is not None and not has_cost:
        table.fault("pupils_supported", "the programme's cost was not given", "Add a [[programme]] table.")
    return pupils


def _study(table: TomlTable) -> Study | None:
    label, adds = table.take("label", str), table.choice("adds", get_args(Adds))
    amount, cost = table.take("amount", float), table.take("cost", float, None)
    source, decisions = table.take("source", str, ""), table.take("decisions", float, 1.0)
    years, wait = table.take("years", int, 1), table.take("wait", int, 0)
    table.done()
    if adds not in get_args(Adds):
        return None
    try:
        return Study(label, adds, amount, cost, source, decisions, years, wait)  # type: ignore[arg-type]
    except AvertingError as error:
        _noted(table, error)
        return None


def _noted(table: TomlTable, error: AvertingError) -> None:
    table.faults.extend(error.faults or [Fault(table.where, error.message, "Correct it.")])


def _scenario(table: TomlTable) -> Scenario | None:
    key, label = table.take("key", str), table.take("label", str)
    changed = table.take("override", dict, {})
    adjustments = tuple(made for entry in table.tables("adjust") if (made := _adjustment(entry)))
    table.done()
    try:
        overrides = overrides_from_table(changed, where=f"{table.where} override")
        return Scenario(key, label, overrides, adjustments=adjustments)
    except AvertingError as error:
        _noted(table, error)
        return None


def _adjustment(table: TomlTable) -> Adjustment | None:
    kind = table.choice("kind", get_args(Kind))
    amount, reason = table.take("amount", float), table.take("reason", str, help="Say why it is needed here.")
    table.done()
    if kind not in get_args(Kind) or not reason:
        return None
    try:
        return Adjustment(kind, amount, reason)  # type: ignore[arg-type]
    except AvertingError as error:
        _noted(table, error)
        return None


def _payer(table: TomlTable) -> str:
    payer: str = table.take("payer", str)
    if payer and payer not in known_payers():
        table.fault("payer", f"'{payer}' is not a payer", f"Use one of: {', '.join(known_payers())}.")
    return payer


def _contributions(entries: list[TomlTable], has_cost: bool) -> dict[str, float]:
    shares: dict[str, float] = {}
    for table in entries:
        payer, share = _payer(table), table.take("share", float)
        table.done()
        if payer in shares:
            table.fault("payer", f"'{payer}' stands in two tables", "Give each payer once.")
        if not 0 <= share <= 1:
            table.fault("share", f"{share} is not a share", "Give 0 to 1.")
        shares[payer] = share
    if entries and abs(sum(shares.values()) - 1) > 1e-9:
        entries[-1].fault("share", f"all shares add up to {sum(shares.values()):g}", "Give shares that make 1.")
    if entries and not has_cost:
        entries[-1].fault("share", "the programme's cost was not given", "Add a [[programme]] table.")
    return shares


def _weights(entries: list[TomlTable]) -> tuple[dict[str, float], dict[str, str]]:
    weights: dict[str, float] = {}
    reasons: dict[str, str] = {}
    for table in entries:
        payer, weight = _payer(table), table.take("weight", float)
        reasons[payer] = table.take("reason", str, help="Say whose income it rests on.")
        table.done()
        if payer in weights:
            table.fault("payer", f"'{payer}' stands in two tables", "Give each payer once.")
        if not 0 < weight <= 100:
            table.fault("weight", f"{weight} is not a weight", "Give more than 0, at most 100.")
        weights[payer] = weight
    return weights, reasons


def _scale_up(table: TomlTable) -> ScaleUp | None:
    start, price_year = table.parse("start", AcademicYear.parse), table.parse("price_year", FinancialYear.parse)
    ramp_up = table.take("ramp_up", list, [1.0])
    if any(not isinstance(share, int | float) or isinstance(share, bool) for share in ramp_up):
        table.fault("ramp_up", "not every entry is a number", "Give shares, such as [0.3, 0.6, 1.0].")
        ramp_up = [1.0]
    years, schools = table.take("years", int), table.take("schools", int)
    fixed, each = table.take("fixed_cost", float), table.take("cost_per_school", float)
    payer, source = _payer(table), table.take("source", str)
    fade_out, dilution = table.take("fade_out", float, 0.0), table.take("dilution", float, 0.0)
    table.done()
    if start is None or price_year is None:
        return None
    shares = tuple(float(share) for share in ramp_up)
    try:
        return ScaleUp(start, years, schools, fixed, each, payer, price_year, source, shares, fade_out, dilution)
    except AvertingError as error:
        _noted(table, error)
        return None
