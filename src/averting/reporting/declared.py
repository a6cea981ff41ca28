"""What people declared, as a report shows it: plan and deviations, participants, the intervention, roles, checklists.

What was not declared is said to be missing; nothing is made up in its place. All text is shown as typed.
"""

from __future__ import annotations

from averting.reporting import wording
from averting.reporting.results import Results
from averting.reporting.tables import ReportTable

MISSING = "Not declared"

TIDIER = {
    "name": "1. Name", "why": "2. Why", "materials": "3. What: materials", "procedures": "4. What: procedures",
    "who": "5. Who provided it", "how": "6. How", "where": "7. Where", "when_and_how_much": "8. When and how much",
    "tailoring": "9. Tailoring", "modifications": "10. Modifications", "fidelity_planned": "11. How well, as planned",
    "fidelity_actual": "12. How well, in fact",
}  # fmt: skip

ROLES = {
    "commissioner": "Commissioner: asks the question, and uses the answer",
    "analyst": "Analyst: does the work",
    "assurer": "Assurer: checks it, and did not do it",
    "approver": "Approver: signs it off",
}


GOVERNANCE = {
    "accountable_to": "Answers to", "decided_by": "Decides", "meets": "Meets", "safeguarding": "Oversees safeguarding",
    "escalates_to": "Takes what cannot be settled",
}  # fmt: skip


def plan(results: Results) -> str:
    """Say whether the plan was written before outcomes were seen, where it is, and how pilots were found."""
    protocol = results.declared("protocol")
    when = {
        "yes": "The plan was declared to have been written before outcomes after the start were seen.",
        "no": "The plan was written after outcomes had been seen, so estimates may have been chosen by what they show.",
        "not said": "Whether the plan was written before outcomes were seen is not declared.",
    }[protocol.get("before_outcomes", "not said")]
    where = protocol.get("where", "")
    place = (
        f" It can be read here: {wording.as_text(where)}." if where else " Where it can be read is not declared."
    )
    how = {
        "by lot": "Pilots were drawn by lot.",
        "chosen": "Pilots were chosen, not drawn by lot: what they were chosen for may have changed anyway.",
        "volunteered": "Pilots volunteered: those that do may differ in what cannot be seen in the data.",
        "not said": "How pilots came to be pilots is not declared.",
    }[protocol.get("assignment", "not said")]
    note = protocol.get("assignment_note", "")
    return f"{when}{place} {how}" + (f" {wording.as_text(note)}" if note else "")


def deviations(results: Results) -> ReportTable:
    """Return every declared departure from the plan."""
    rows = [
        (one["what"], one["why"], one["effect"] or "not said", one["date"] or "not said")
        for one in results.declared_list("deviations")
    ]
    if not rows:
        return ReportTable(("What changed",), [("Nothing declared",)])
    return ReportTable(("What changed", "Why", "What it does to the answer", "When"), rows)


def flow(results: Results) -> ReportTable:
    """Return how many schools were approached, agreed, withdrew and are compared."""
    protocol, design = results.declared("protocol"), results.record("design/design")
    units = wording.unit(results)

    def given(key: str) -> str:
        value = protocol.get(key)
        return MISSING if value is None else str(value)

    pilots, others = len(design["pilots"]), design["comparison_schools"]
    in_data = results.manifest.get("units_in_data")
    rows = [
        (f"{units[:1].upper()}{units[1:]} approached", given("approached")),
        ("Agreed to take part", given("agreed")),
        ("Withdrew", given("withdrew")),
        ("In the data read", MISSING if in_data is None else f"{in_data:,}"),
        (f"Pilot {units} analysed", str(pilots)),
        (f"Comparison {units} analysed ({design['rule']})", f"{others:,}"),
    ]
    if in_data is not None:
        rows.append(("In the data, not compared", f"{in_data - pilots - others:,}"))
    return ReportTable(("Stage", "Number"), rows, numeric=(1,))


def intervention(results: Results) -> ReportTable:
    """Return the description of the intervention by TIDieR's items, saying which are missing."""
    said = results.declared("intervention")
    if not said:
        return ReportTable(("Item", "Description"), [("All twelve items of TIDieR", MISSING)])
    rows = [(label, said.get(key, MISSING)) for key, label in TIDIER.items()]
    return ReportTable(("Item", "Description"), rows)


def roles(results: Results) -> ReportTable:
    """Return who holds the roles of the AQuA Book, saying which are missing."""
    said = results.declared("roles")
    if not said:
        return ReportTable(("Role", "Who"), [("Commissioner, analyst, assurer, approver", MISSING)])
    return ReportTable(("Role", "Who"), [(label, said.get(key, MISSING)) for key, label in ROLES.items()])


def same_hands(results: Results) -> str:
    """Say where one person holds roles that should be apart; empty otherwise."""
    said = results.declared("roles")
    analyst, assurer = said.get("analyst", ""), said.get("assurer", "")
    if analyst and analyst.strip().casefold() == assurer.strip().casefold():
        return "The analyst and the assurer are the same, so this has not been assured by anybody else."
    return ""


def assurance(results: Results) -> ReportTable:
    """Return the assurance log."""
    rows = [
        (one["date"] or "not said", one["who"], one["what"], one["outcome"])
        for one in results.declared_list("assurance")
    ]
    if not rows:
        return ReportTable(("What was checked",), [("Nothing declared",)])
    return ReportTable(("When", "Who", "What was checked", "Outcome"), rows)


def governance(results: Results) -> ReportTable | None:
    """Return who the programme answers to and who decides in it; None where nothing was declared."""
    said = results.declared("governance")
    if not said:
        return None
    return ReportTable(
        ("Governance", "Who, and how"), [(label, said.get(key, MISSING)) for key, label in GOVERNANCE.items()]
    )


def decisions(results: Results) -> ReportTable | None:
    """Return the audit trail of decisions about the programme, and with whom each was made; None where none was declared."""
    rows = [
        (one["date"] or "not said", one["what"], one["why"], one["made_with"] or "not said")
        for one in results.declared_list("decisions")
    ]
    return ReportTable(("When", "What was decided", "Why", "With whom"), rows) if rows else None


def undeclared_governance(results: Results) -> str:
    """Say which of governance and decisions was not declared; empty where both were."""
    absent = [
        word
        for word, found in (
            ("whom the programme answers to", results.declared("governance")),
            ("with whom, and how, its model was decided on", results.declared_list("decisions")),
        )
        if not found
    ]
    return f"Not declared: {'; '.join(absent)}." if absent else ""
