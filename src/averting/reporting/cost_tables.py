"""Tables of a report about costs: lines left out until a number is given, and what may follow later in life."""

from __future__ import annotations

import math

from averting.reporting import numbers
from averting.reporting.results import Results
from averting.reporting.tables import ReportTable


def asleep(results: Results) -> ReportTable:
    """Return the lines that are left out, and the number that each waits for."""
    rows = [
        (str(row["line"]), f"{row['label']} ({numbers.unit(row['unit'])})", str(row["ask"]))
        for row in (results.table("appraisal/asleep").to_dict(orient="records") if results.has_appraisal else [])
    ]
    return ReportTable(("Left out", "You must give", "Where to look"), rows or [("none", "", "")])


def later_life(results: Results) -> ReportTable:
    """Return what may follow later in life in the central scenario, each line with its causal share."""
    found = results.table("appraisal/later_life").to_dict(orient="records") if results.has_appraisal else []
    rows = [
        (
            str(row["line_label"]),
            f"{numbers.pounds(row['present_mean'])} "
            f"({numbers.interval(numbers.pounds(row['present_lower']), numbers.pounds(row['present_upper']))})",
            numbers.decimal(row["causal_share"]),
            numbers.pounds(row["present_if_all"]),
            _needed(row["break_even_share"]),
        )
        for row in found
        if row["scenario"] == "central"
    ]
    columns = (
        "Later in life",
        "Present value, mean and interval",
        "Causal share",
        "If exclusion caused all of it",
        "Causal share at which the programme breaks even",
    )
    return ReportTable(columns, rows or [("none", "", "", "", "")], numeric=(1, 2, 3, 4))


def _needed(share: float) -> str:
    if math.isnan(share):
        return "–"
    return numbers.decimal(share) if share <= 1 else "none: more than all of it"
