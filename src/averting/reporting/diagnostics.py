"""What would change the answer, and where exclusions may have moved to: sentences and tables from results."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import pandas as pd

from averting.checks import CheckResult
from averting.data.disclosure import WITHHELD
from averting.effects import cautions
from averting.effects.diagnostics.asked import MAIN_ROWS, effect_row
from averting.effects.diagnostics.suite import KNOWN
from averting.effects.guardrails import COMBINED, NOT_ESTIMABLE
from averting.reporting import numbers, tables
from averting.reporting.results import Results
from averting.reporting.tables import ReportTable, period_name

CURVE = "specification_curve"
_QUESTIONS: Mapping[str, tuple[str, str]] = {
    **{name: (one.label, one.question) for name, one in KNOWN.items()},
    CURVE: ("Other ways to estimate", "Does the answer depend on how the estimate is made?"),
}
_OUTCOME = {"pass": "nothing found", "warn": "take care", "fail": "take care", "info": "note"}
HIDDEN = "Withheld: with and without one unit or one period, its own counts could be found by subtraction."


def name_of(diagnostic: str) -> str:
    """Return a diagnostic's name for reports."""
    return _QUESTIONS[diagnostic][0]


def beside_the_verdict(results: Results) -> str:
    """Return the cautions that stand beside the verdict, as a list; empty where there is none."""
    said = cautions((*results.checks("guardrails"), *results.checks("diagnostics")))
    if not said:
        return ""
    return "\n".join(["**Read with care:**", "", *(f"- {caution}" for caution in said)])


def summary(results: Results) -> ReportTable:
    """Return every diagnostic: what it asks, and what it found."""
    rows = [
        (name_of(key), _QUESTIONS[key][1], _OUTCOME[check.status], f"{check.message} {check.guidance}".strip())
        for key, check in _checks(results).items()
    ]
    if not rows:
        rows = [("none", "No diagnostic was asked for.", "", "")]
    return ReportTable(("Looked at", "Question", "Outcome", "In words"), rows)


def _checks(results: Results) -> dict[str, CheckResult]:
    found = {check.key.removeprefix("diagnostics/"): check for check in results.checks("diagnostics")}
    return {key: found[key] for key in results.manifest["diagnostics"] if key in found}


def made_again(results: Results) -> ReportTable:
    """Return the estimates that diagnostics made again, each beside the primary one."""
    if results.disclosure is not None:
        return ReportTable(("Estimate made again",), [(HIDDEN,)])
    main = effect_row("the estimate itself", results.primary)
    rows = [(str(main["label"]), *_numbers(main), _verdict(main))]
    rows += [
        (f"{name_of(key)}: {row['label']}", *_numbers(row), _verdict(row))
        for key in results.manifest["diagnostics"]
        if key != CURVE
        for row in results.table(f"diagnostics/{key}").to_dict(orient="records")
        if "verdict" in row and row["label"] not in MAIN_ROWS
    ]
    scale, level = _scale(results), numbers.percent(results.primary.level)
    columns = ("Estimate made again", scale, f"{level} interval", "p value", "Verdict")
    return ReportTable(columns, rows, numeric=(1, 2, 3))


def checks(results: Results) -> ReportTable:
    """Return the checks of data and estimates; one that several estimates share stands once, and says of which."""
    names = [results.name(key) for key in results.estimates]
    of: dict[CheckResult, list[str]] = {check: ["data"] for check in results.checks("data")}
    for key, name in zip(results.estimates, names, strict=True):
        for check in dict.fromkeys(results.effect(key).checks):
            of.setdefault(check, []).append(name if names.count(name) == 1 else f"{name} ({key})")
    every = len(names) if len(names) > 1 else 0
    groups: dict[str, list[CheckResult]] = {}
    for check, several in of.items():
        groups.setdefault("all estimates" if len(several) == every else ", ".join(several), []).append(check)
    return tables.checks(groups)


def curve(results: Results) -> ReportTable:
    """Return every specification of the curve, from the lowest estimate up."""
    if CURVE not in results.manifest["diagnostics"]:
        return ReportTable(("Specification",), [("None was declared under [diagnostics.curve].",)])
    if results.disclosure is not None:
        return ReportTable(("Specification",), [(HIDDEN,)])
    rows = [
        (
            str(row["method"]) + (" (the estimate itself)" if row["is_main"] else ""),
            str(row["comparison"]),
            row["left_out"] if isinstance(row["left_out"], str) else "–",
            *_numbers(row),
            _verdict(row),
        )
        for row in results.table(f"diagnostics/{CURVE}").to_dict(orient="records")
    ]
    level = numbers.percent(results.primary.level)
    columns = ("Method", "Comparison", "Left out", _scale(results), f"{level} interval", "p value", "Verdict")
    return ReportTable(columns, rows, numeric=(3, 4, 5))


def honest(results: Results) -> ReportTable:
    """Return intervals by how uneven trends may be."""
    table = honest_table(results)
    if table is None:
        return ReportTable(("How uneven trends may be",), [("Not asked for, not found, or withheld.",)])
    span = period_name(results)
    words = {
        "relative": "at most {:g} times the largest change before",
        "smooth": f"slope changes by at most {{:.3f}} a {span}",
    }
    rows = [
        (
            words[str(row["restriction"])].format(row["size"]),
            numbers.interval(numbers.decimal(row["lower"]), numbers.decimal(row["upper"])),
            "yes" if row["no_effect"] else "no",
        )
        for row in table.to_dict(orient="records")
    ]
    level = numbers.percent(results.primary.level)
    columns = (
        "How uneven trends may be",
        f"{level} interval, events per 100 pupils a {span}",
        "Could be no effect",
    )
    return ReportTable(columns, rows, numeric=(1,))


def honest_table(results: Results) -> pd.DataFrame | None:
    """Return the numbers behind the sensitivity to trends; None where there are none to show."""
    if "honest" not in results.manifest["diagnostics"] or results.disclosure is not None:
        return None
    table = results.table("diagnostics/honest")
    return table if "restriction" in table.columns else None


def guardrails(results: Results) -> ReportTable:
    """Return the effect on every outcome that exclusions can move into."""
    table = results.table("guardrails/guardrails")
    rows = [
        (
            guarded_name(results, str(row["indicator"])),
            *_guarded(row),
            str(row["finding"]) + (f": {row['note']}" if isinstance(row["note"], str) and row["note"] else ""),
        )
        for row in table.to_dict(orient="records")
    ]
    if not rows:
        return ReportTable(("Outcome", "With the programme"), [("none in the data", "cannot be told")])
    level = numbers.percent(results.primary.level)
    columns = (
        "Outcome",
        _scale(results),
        f"{level} interval",
        "p value",
        "p value, adjusted",
        "With the programme",
    )
    return ReportTable(columns, rows, numeric=(1, 2, 3, 4))


def guardrails_shown(results: Results) -> bool:
    """Whether there is any estimate of an outcome that exclusions can move into, to draw."""
    return bool(results.table("guardrails/guardrails")["estimate"].notna().any())


def guarded_name(results: Results, key: str) -> str:
    """Return a guardrail's name; of several taken together, all their names."""
    if key != COMBINED:
        return results.indicator(key)
    names = [results.indicator(one) for one in results.record("guardrails/combined")["indicators"]]
    return f"{', '.join(names[:-1])} and {names[-1]} together"


def moved_elsewhere(results: Results) -> str:
    """Say in words whether what fell may have moved elsewhere."""
    (check,) = results.checks("guardrails")
    adjusted = results.table("guardrails/guardrails")["p_adjusted"].notna().sum()
    family = (
        f" {adjusted} outcomes are judged together, so p values are adjusted (Holm): a rise is called one only if it "
        "would be after allowing for how many were looked at."
        if adjusted > 1
        else ""
    )
    together = (results.table("guardrails/guardrails")["indicator"] == COMBINED).any()
    twice = " A pupil who was both moved and excluded counts twice in the sum." if together else ""
    return f"{check.message} {check.guidance}".strip() + family + twice


def _scale(results: Results) -> str:
    ratio = results.primary.estimand.scale == "ratio"
    return "Rate ratio" if ratio else "Difference, per 100 pupils"


def _numbers(row: Mapping[Any, Any]) -> tuple[str, str, str]:
    if not _is_number(row["estimate"]):
        return "–", "–", "–"
    ends = numbers.interval(numbers.ratio(row["lower"]), numbers.ratio(row["upper"]))
    return numbers.ratio(row["estimate"]), ends, numbers.p_value(_p(row["p_value"]))


def _guarded(row: Mapping[Any, Any]) -> tuple[str, str, str, str]:
    if row["finding"] != NOT_ESTIMABLE and not _is_number(row["estimate"]):
        return WITHHELD, WITHHELD, WITHHELD, WITHHELD
    return (*_numbers(row), numbers.p_value(_p(row["p_adjusted"])))


def _p(value: Any) -> float | None:
    return float(value) if _is_number(value) else None


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not math.isnan(value)


def _verdict(row: Mapping[Any, Any]) -> str:
    note = row.get("note")
    return str(row["verdict"]) + (f": {note}" if isinstance(note, str) and note else "")
