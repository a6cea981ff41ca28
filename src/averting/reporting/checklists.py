"""What the report tells and what it does not, held against published lists.

Items are worded here in our own words. CHEERS 2022 (Husereau and others 2022, BMJ 376:e067975) is listed as far as its
methods go, items 1 to 17 of 28; the headings of the EEF's report template are those of 2022.
"""

from __future__ import annotations

from averting.reporting import declared
from averting.reporting.results import Results
from averting.reporting.tables import ReportTable

_NO = "not reported"


def eef(results: Results) -> ReportTable:
    """Return the headings of the EEF's template for evaluation reports, and where each is in this report."""
    protocol = results.declared("protocol")
    assigned = protocol.get("assignment", "not said") != "not said"
    said = bool(results.declared("intervention"))
    found = any("detectable" in results.effect(key).tables for key in results.estimates)
    rows = [
        ("Key conclusions", "The short answer"),
        ("Security rating", "How secure the finding is"),
        ("Intervention", "What the programme was" if said else _NO),
        ("Design and randomisation", "Who is compared with whom" if assigned else "in part"),
        ("Participants, losses and exclusions", "Who took part" if protocol.get("agreed") is not None else "in part"),
        ("Outcomes and analysis", "What changed"),
        ("Sample size, what could be detected", "What could have been detected" if found else _NO),
        ("School characteristics, balance", "Who is compared with whom"),
        ("Pupil characteristics", f"{_NO}: counts by school hold none"),
        ("Implementation and process evaluation", f"{_NO}: averting does not study how a programme was delivered"),
        ("Cost", "What it saved, and for whom" if _costed(results) else _NO),
        ("Changes since the protocol", "Plan and deviations" if _planned(results) else "none declared"),
    ]  # fmt: skip
    return ReportTable(("EEF template", "Where in this report"), rows)


def cheers(results: Results) -> ReportTable:
    """Return CHEERS 2022, items 1 to 17, and where each is in this report."""
    money = "What it saved, and for whom" if results.has_appraisal else _NO
    sources = "Where the costs come from" if results.has_appraisal else _NO
    rows = [
        ("1. Title says it is an economic evaluation", "title" if results.has_appraisal else _NO),
        ("2. Summary", "The short answer"),
        ("3. Question and why it matters", "question in The short answer; the wider context is not reported"),
        (
            "4. Analysis plan and where it is",
            "Plan and deviations" if results.declared("protocol").get("where") else _NO,
        ),
        ("5. Population", "Who is compared with whom, by school; pupils are not described"),
        ("6. Setting", "What the programme was" if results.declared("intervention").get("where") else _NO),
        ("7. What is compared", "Who is compared with whom"),
        ("8. Perspective", f"{money}: public budgets, payer by payer" if results.has_appraisal else _NO),
        ("9. Time horizon", f"{money}: until savings end, by year" if results.has_appraisal else _NO),
        ("10. Discount rate", money),
        ("11. Outcomes chosen", "What changed"),
        ("12. Outcomes measured", "Data"),
        ("13. Outcomes valued", sources),
        (
            "14. Costs measured and valued",
            sources if _costed(results) else f"{_NO}: the programme's cost was not given",
        ),
        ("15. Currency and price year", sources),
        ("16. Model", "Methods and checks"),
        ("17. Methods and assumptions", "Methods and checks"),
    ]
    return ReportTable(("CHEERS 2022", "Where in this report"), rows)


def not_reported(results: Results) -> str:
    """Say how much of each list is missing."""
    lists = (("the EEF's template", eef(results)), ("CHEERS 2022, items 1 to 17", cheers(results)))
    parts = [f"{_missing(table)} of {len(table.rows)} items of {name}" for name, table in lists]
    items = len(declared.TIDIER)
    gaps = items - len(results.declared("intervention"))
    return f"Not reported: {', '.join(parts)}, and {gaps} of {items} items of TIDieR."


def _missing(table: ReportTable) -> int:
    return sum(row[1].startswith(_NO) for row in table.rows)


def _costed(results: Results) -> bool:
    return results.has_appraisal and bool(results.record("appraisal/appraisal")["has_programme_cost"])


def _planned(results: Results) -> bool:
    return bool(results.declared_list("deviations"))
