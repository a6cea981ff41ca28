"""Sentences and tables for those who might pay: the answer first, what would have to be true, how strong each number is."""

from __future__ import annotations

import math
from typing import Any

import pandas as pd

from averting.effects import Verdict
from averting.reporting import funder_figures, money_report, numbers, wording
from averting.reporting.prices import price_year, priced
from averting.reporting.results import Results
from averting.reporting.tables import ReportTable

GRADES = {
    "A": "statute, official rate or complete count",
    "B": "official statistic, a step away",
    "C": "published research on the right pupils",
    "D": "part sourced, part assumed",
    "E": "judgement, or a number of your own",
}
"""What grades of evidence mean, in a few words; models/README.md has them in full."""

NOT_HERE = "This is not in the published version: it rests on numbers that disclosure control keeps inside."


def headline(results: Results) -> str:
    """Answer in one sentence whether it pays, in cash; and say where the main comparison does not bear that out."""
    valued = results.valued
    if valued is None:
        return "This evaluation does not value what was averted, so it cannot say whether the programme pays."
    if valued.verdict is Verdict.NOT_ESTIMABLE:
        return "These data cannot show whether the programme pays."
    if not results.record("appraisal/appraisal")["has_programme_cost"]:
        return "Whether the programme pays cannot be said: its cost was not given."
    row = _central(results)
    low, high = float(row["npv_lower"]), float(row["npv_upper"])
    if low <= 0 <= high:
        return "We cannot tell whether the programme saves more cash than it costs."
    if low > 0:
        said = "In cash, the programme saved more than it cost."
        clear = results.primary.verdict is Verdict.REDUCTION
        doubt = "cannot tell whether it averted any exclusion at all"
    else:
        said, clear, doubt = "In cash, the programme cost more than it saved.", True, ""
    return (
        said if clear else f"{said} But that rests on the estimate that was valued; the main comparison {doubt}."
    )


def _central(results: Results) -> pd.Series:
    summary = results.table("appraisal/summary")
    return summary[(summary["scenario"] == "central") & (summary["view"] == "cashable")].iloc[0]


def must_be_true(results: Results) -> ReportTable:
    """Return, for each thing taken alone, where the programme begins to pay in cash, and whether the data reach there."""
    columns = ("Taken alone", "It pays on average", "As estimated", "What the evidence allows", "Within reach?")
    known = results.has_appraisal and results.record("appraisal/appraisal")["has_programme_cost"]
    if not (known and money_report.has(results, "break_even")):
        why = (
            NOT_HERE
            if known and results.disclosure
            else "Its cost was not given or nothing was valued, so nothing can break even."
        )
        return ReportTable(("What would have to be true",), [(why,)])
    table = results.table("appraisal/break_even")
    sources = results.table("appraisal/sources").set_index("key")["price_year"].to_dict()
    rows = [_needed(row, sources.get(row["name"])) for row in table.to_dict(orient="records")]
    none = ("nothing", "–", "–", "–", "no one thing decides it")
    return ReportTable(columns, rows or [none], numeric=(1, 2, 3))


def _needed(row: dict[Any, Any], prices: object) -> tuple[str, ...]:
    write = numbers.count if row["name"] == "averted" else numbers.pounds
    unit = numbers.unit(str(row["unit"])).removeprefix("£ ").removeprefix("£")
    unit = f"{unit}, {prices} prices" if isinstance(prices, str) else unit
    label = f"{row['label']}, {unit}" if unit and row["name"] != "averted" else str(row["label"])
    spread = numbers.interval(write(row["low"]), write(row["high"]))
    if pd.isna(row["value"]):
        return label, "nowhere", write(row["current"]), spread, "no"
    up = row["pays_now"] == (row["value"] > row["current"])
    turn = f"{'up to' if up else 'from'} {write(row['value'])}"
    inside = row["low"] <= row["value"] <= row["high"]
    reach = "holds as estimated" if row["pays_now"] else "yes" if inside else "no"
    return label, turn, write(row["current"]), spread, reach


def strength(results: Results) -> ReportTable:
    """Return every declared number with its grade, and by how much it alone moves the result; the widest first."""
    if not results.has_appraisal:
        return ReportTable(("Not valued",), [("This evaluation does not value what was averted.",)])
    swings = _swings(results)
    found = results.table("appraisal/sources").to_dict(orient="records")
    ordered = sorted(found, key=lambda row: -swings.get(str(row["key"]), 0.0))
    rows = [_effect_row(results, swings.get("averted", math.nan))]
    rows += [
        (
            str(row["label"]),
            f"{row['grade']}: {GRADES[str(row['grade'])]}",
            _moved(row, swings),
            str(row["cited"]),
        )
        for row in ordered
    ]
    columns = ("Number", "Evidence", f"It alone moves mean net cash by ({price_year(results)})", "Source")
    return ReportTable(columns, rows, numeric=(2,))


def _effect_row(results: Results, swing: float) -> tuple[str, ...]:
    valued = results.valued
    assert valued is not None
    what = results.indicator(valued.estimand.indicator)
    return (f"Averted {what}", f"this evaluation: {valued.verdict}", _swing(swing), "estimated here")


def _swings(results: Results) -> dict[str, float]:
    if not money_report.has(results, "tornado"):
        return {}
    table = results.table("appraisal/tornado")
    return dict(zip(table["name"].astype(str), table["swing"].astype(float), strict=True))


def _swing(value: float) -> str:
    return "–" if math.isnan(value) else numbers.pounds(value)


def _moved(row: dict[Any, Any], swings: dict[str, float]) -> str:
    if row["low"] == row["high"]:
        return "taken as certain"
    if not swings:
        return "–"
    swing = swings.get(str(row["key"]), 0.0)
    return numbers.pounds(swing) if swing >= 0.5 else "nothing, in cash"


def weakest(results: Results) -> str:
    """Say how strong the numbers are that the result hangs on; empty where that is not known."""
    if not results.has_appraisal:
        return ""
    grades = results.table("appraisal/sources").set_index("key")["grade"].astype(str)
    weak = int(grades.isin(["D", "E"]).sum())
    said = [f"Of the {len(grades)} declared numbers, {weak} are partly or wholly assumed (grades D and E)."]
    swings = {key: swing for key, swing in _swings(results).items() if key in grades.index}
    if swings:
        first = max(swings, key=lambda key: swings[key])
        labels = results.table("appraisal/sources").set_index("key")["label"]
        said.append(
            f"The one that the result hangs on most is this: {_lower(str(labels[first]))}. Its grade is {grades[first]} "
            f"({GRADES[grades[first]]}), and alone it moves the mean by {numbers.pounds(swings[first])}."
        )
    return " ".join(said)


def _lower(label: str) -> str:
    return label if label[1:2].isupper() else f"{label[:1].lower()}{label[1:]}"


def cash_by_year(results: Results) -> ReportTable:
    """Return net cash by financial year and payer in the central scenario, programme included: undiscounted means."""
    wide = funder_figures.yearly_cash(results)
    if wide is None:
        return ReportTable(("Cash by financial year",), [(NOT_HERE,)])
    rows, total = [], 0.0
    for year, row in zip(wide.index, wide.to_numpy(dtype=float).tolist(), strict=True):
        total += sum(row)
        cells = [numbers.pounds(value) if abs(value) >= 0.5 else "–" for value in row]
        rows.append((str(year), *cells, numbers.pounds(sum(row)), numbers.pounds(total)))
    columns = (priced("Financial year", results), *map(str, wide.columns), "Together", "Together so far")
    return ReportTable(columns, rows, numeric=tuple(range(1, len(columns))))


def reasons(results: Results) -> list[str]:
    """Say what each scenario changes and why; and what must be so for a declared cost to hold."""
    record = results.record("appraisal/appraisal")
    sources = results.table("appraisal/sources")
    labels = dict(zip(sources["key"].astype(str), map(_lower, sources["label"].astype(str)), strict=True))
    said = [
        f"*{wording.as_text(one['label'])}* changes one number: {labels.get(key, key.replace('_', ' '))}. "
        f"{wording.as_text(reason)}"
        for one in record["scenarios"]
        for key, reason in one["overrides"].items()
    ]
    return [*said, *money_report.adjustments(results)]


def payback(results: Results) -> str:
    """Say when it pays back in cash, in the central scenario; empty where that is not known."""
    if not money_report.has(results, "payback"):
        return ""
    table = results.table("appraisal/payback")
    kept = (table["scenario"] == "central") & (table["view"] == "cashable") & table["discounted"].astype(bool)
    if not kept.any():
        return ""
    year = table.loc[kept, "year"].iloc[0]
    counted = "Counting the money of later years for less,"
    if not isinstance(year, str):
        return f"{counted} the cash saved never catches up, on average, with the cash spent."
    return f"{counted} the cash saved has caught up, on average, with the cash spent by the end of {year}."


def mean_and_middle(results: Results) -> str:
    """Say how the mean and the middle estimate of net cash differ, where they lie on two sides of zero or far apart."""
    if not results.has_appraisal:
        return ""
    row = _central(results)
    mean, middle = float(row["npv_mean"]), float(row["npv_median"])
    if abs(mean - middle) < 0.02 * (float(row["npv_upper"]) - float(row["npv_lower"])):
        return ""
    known = results.record("appraisal/appraisal")["has_programme_cost"]
    why = "a few large savings pull the mean up" if mean > middle else "a few large losses pull the mean down"
    return (
        f"{'Net cash' if known else 'Cash saved'} is {numbers.pounds(mean)} on average and {numbers.pounds(middle)} by the "
        f"middle estimate: {why}. The average is what a funder can expect over many such programmes; what one brings is as "
        "likely above the middle as below it."
    )


def not_counted(results: Results) -> list[str]:
    """Return what stands in no total: lines asleep, later life, and what a freed place is."""
    said = ["A place that is freed is not cash. It saves money only when fewer places are paid for."]
    if results.has_appraisal and len(results.table("appraisal/asleep")):
        count = len(results.table("appraisal/asleep"))
        said.append(
            f"{count} {'cost is' if count == 1 else 'costs are'} left out because nobody could source "
            f"{'it' if count == 1 else 'them'}. Each waits for a number of yours."
        )
    if results.has_appraisal and len(results.table("appraisal/later_life")):
        said.append("What may follow later in life is shown apart, each line with the causal share that makes it.")
    else:
        said.append("Nothing is claimed for pupils' later lives: no tax, no benefits, no crime.")
    return said
