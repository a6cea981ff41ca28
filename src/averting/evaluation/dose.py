"""``[dose]`` of a file on delivery: what goes with a larger dose between the pilots of an evaluation."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from averting.design import Design
from averting.effects.dose import DoseResponse, dose_response
from averting.errors import EvaluationError
from averting.evaluation.toml_table import TomlTable
from averting.outcomes.delivery import Delivery

MEASURES = {
    "referral": "referrals",
    "contact": "contacts",
    "decision": "decisions",
    "action": "actions",
    "spend": "pounds",
}
PER = 100


@dataclass(frozen=True)
class DoseQuestion:
    """What ``[dose]`` asks: an evaluation, one of its indicators, and which records are the dose."""

    folder: Path
    indicator: str
    measures: tuple[str, ...]
    level: float


@dataclass(frozen=True, eq=False)
class DoseAnswer:
    """What is to be said of dose; no school's own dose is in it."""

    statements: tuple[str, ...]
    table: pd.DataFrame


def read_dose(table: TomlTable | None, folder: Path) -> DoseQuestion | None:
    """Read ``[dose]``; faults are noted on the table, and None is returned where there is none."""
    if table is None:
        return None
    place = table.path("evaluation", folder, help="Give the folder of the evaluation whose pilots these are.")
    indicator, level = table.take("indicator", str), table.take("level", float, 0.95)
    measures = table.texts("of", list(MEASURES))
    for one in measures:
        if one not in MEASURES:
            table.fault("of", f"'{one}' is no kind of record", f"Use some of: {', '.join(MEASURES)}.")
    table.done()
    return DoseQuestion(place or folder, indicator, measures, level)


def dose_of(asked: DoseQuestion, delivery: Delivery) -> DoseAnswer:
    """Return what goes with the dose of each kind that was delivered.

    Raises
    ------
    EvaluationError
        If the records name no schools, or one that is no pilot.
    """
    from averting.evaluation.runner import check

    design = check(asked.folder).design
    amounts = delivery.by_school(after=str(design.common_start or design.periods[0]))
    _refuse_others(amounts, design)
    pupils = _pupils(design, asked.indicator)
    found = {
        kind: dose_response(
            design,
            asked.indicator,
            {pilot: PER * float(amounts[kind].get(pilot, 0.0)) / pupils[pilot] for pilot in design.pilots},
            level=asked.level,
        )
        for kind in asked.measures
        if float(amounts[kind].sum()) > 0
    }
    said = tuple(one.sentence(f"{MEASURES[kind]} per {PER} pupils") for kind, one in found.items())
    return DoseAnswer(said, pd.DataFrame([_row(kind, one) for kind, one in found.items() if one.told]))


def _row(kind: str, one: DoseResponse) -> dict[str, object]:
    return {
        "dose": f"{MEASURES[kind]} per {PER} pupils",
        "pilots": one.pilots,
        "ratio": round(one.ratio, 2),
        "lower": round(one.lower, 2),
        "upper": round(one.upper, 2),
        "p_value": round(one.p_value, 3),
    }


def _pupils(design: Design, indicator: str) -> dict[str, float]:
    counts = design.counts(indicator)
    size = len(design.pilots)
    late = counts.treated[:size]
    exposure = (counts.exposure[:size] * late).sum(axis=1) / late.sum(axis=1)
    return dict(zip(design.pilots, exposure.tolist(), strict=True))


def _refuse_others(amounts: pd.DataFrame, design: Design) -> None:
    if amounts.empty:
        raise EvaluationError(
            "[dose]: the records name no school since the start. Add a column 'school' with the pilots' codes."
        )
    others = len(set(amounts.index) - set(design.pilots))
    if others:
        raise EvaluationError(
            f"[dose]: {others} schools of the records are no pilots of the evaluation. Use the codes that its data use."
        )
