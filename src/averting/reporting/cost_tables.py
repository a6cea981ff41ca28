"""Tables of a report about costs: what the programme cost, lines left out until a number is given, and later life."""

from __future__ import annotations

import datetime as dt
import math

from averting.costs import known_references
from averting.reporting import numbers, wording
from averting.reporting.prices import priced
from averting.reporting.results import Results
from averting.reporting.tables import NOT_VALUED, ReportTable


def programme(results: Results) -> ReportTable:
    """Return what the programme cost, by part of it, and how much of that was to start up or in kind."""
    table = results.table("appraisal/programme") if results.has_appraisal else None
    if table is None or table.empty:
        return ReportTable(("Part of the programme",), [("none",)])
    head = priced("Part of the programme", results)
    columns = (head, "Cost", "Of which to start up", "Of which in kind", "Who paid")
    rows = []
    for _, part in table.groupby("element", sort=False):
        once, given = part["phase"] == "start_up", part["in_kind"]
        amounts = (part["amount"], part["amount"][once], part["amount"][given])
        paid = ", ".join(dict.fromkeys(part["payer_label"]))
        rows.append(
            (str(part["element_label"].iloc[0]), *(numbers.pounds(float(each.sum())) for each in amounts), paid)
        )
    total = (
        table["amount"],
        table["amount"][table["phase"] == "start_up"],
        table["amount"][table["in_kind"]],
    )
    if len(rows) > 1:
        rows.append(("In all", *(numbers.pounds(float(each.sum())) for each in total), ""))
    return ReportTable(columns, rows, numeric=(1, 2, 3))


def sources(results: Results) -> ReportTable:
    """Return every declared cost with its range, source, grade and review date."""
    if not results.has_appraisal:
        return NOT_VALUED
    rows = []
    for row in results.table("appraisal/sources").to_dict(orient="records"):
        low, high = numbers.parameter(row["low"]), numbers.parameter(row["high"])
        spread = f" ({low} to {high})" if low != high else ""
        prices = f", {row['price_year']} prices" if isinstance(row["price_year"], str) else ""
        rows.append(
            (
                str(row["label"]),
                f"{numbers.parameter(row['central'])}{spread}",
                f"{numbers.unit(row['unit'])}{prices}",
                f"{row['grade']}, {row['confidence']}",
                f"{row['cited']}: {row['locator']}",
                str(row["review_by"]),
                str(row["beware"]) if isinstance(row["beware"], str) and row["beware"] else "–",
            )
        )
    columns = ("Parameter", "Mean (5% to 95%)", "Unit", "Evidence", "Source and place", "Review by", "Beware")
    return ReportTable(columns, rows, numeric=(1,))


def unit_costs(results: Results) -> ReportTable:
    """Return what the programme cost a school, a pupil supported and an exclusion averted, with the cost band."""
    rows = []
    shown = {
        "running, a year": "Running cost, a year",
        "in all, a school": "In all, for each pilot school",
        "running, a school and year": "Running cost, for each pilot school and year",
        "running, a pupil supported and year": "Running cost, for each pupil supported and year",
    }
    for row in results.table("appraisal/programme_unit_costs").to_dict(orient="records"):
        if row["measure"] in shown:
            band = row["band"] if isinstance(row["band"], str) and row["band"] else "–"
            rows.append((shown[row["measure"]], numbers.pounds(row["amount"]), band))
    path = results.folder / "appraisal" / "cost_per_averted.csv"
    if path.is_file():
        for row in results.table("appraisal/cost_per_averted").to_dict(orient="records"):
            if row["scenario"] == "central":
                each = float(row["cost_per_averted"])
                # the note says why it is no number
                cell = str(row["note"]).partition(". ")[0] if math.isnan(each) else numbers.pounds(each)
                rows.append(("For each permanent exclusion averted (present value)", cell, "–"))
    return ReportTable((priced("What it comes to", results), "Cost", "Cost band"), rows, numeric=(1,))


def references(results: Results) -> str:
    """Return the sources of every declared cost as citations; an evaluation's own sources, which have no entry, in words."""
    used, known = sorted(set(results.table("appraisal/sources")["source"])), known_references()
    cited = "; ".join(f"@{key}" for key in used if key in known)
    own = "; ".join(wording.as_text(source) for source in used if source not in known)
    sentences = [
        f"Full references: {cited}." if cited else "",
        f"Sources of this evaluation's own: {own}." if own else "",
    ]
    return " ".join(sentence for sentence in sentences if sentence)


def declared(results: Results) -> ReportTable:
    """Return every declared cost in four columns, for a page, on which the seven of `sources` are too narrow to read."""
    table = sources(results)
    if len(table.columns) == 1:
        return table  # nothing was valued
    rows = [
        (
            label,
            f"{mean}, {unit}",
            cited,
            f"{evidence}. {'' if beware == '–' else f'Beware: {beware}. '}Review by {_day(review)}",
        )
        for label, mean, unit, evidence, cited, review, beware in table.rows
    ]
    return ReportTable(("Parameter", "Mean (5% to 95%) and unit", "Source and place", "Evidence"), rows)


def _day(iso: str) -> str:
    day = dt.date.fromisoformat(iso)
    return f"{day.day} {day:%B %Y}"


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
    if not rows:
        return ReportTable(("Later in life",), [("none",)])
    columns = (
        priced("Later in life", results),
        "Present value, mean and interval",
        "Causal share",
        "If exclusion caused all of it",
        "Causal share at which the programme breaks even",
    )
    return ReportTable(columns, rows, numeric=(1, 2, 3, 4))


def _needed(share: float) -> str:
    if math.isnan(share):
        return "–"
    return numbers.decimal(share) if share <= 1 else "none: more than all of it"
