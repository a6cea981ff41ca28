"""What only people can declare for the evaluators' report: protocol, deviations, the intervention, roles, assurance."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field

from averting.evaluation.programme_settings import read_day
from averting.evaluation.toml_table import TomlTable

ASSIGNMENT = ("by lot", "chosen", "volunteered", "not said")
"""How pilots came to be pilots."""

BEFORE = ("yes", "no", "not said")
"""Whether this file was written before outcomes after the start were seen."""

INTERVENTION = (
    "name", "why", "materials", "procedures", "who", "how", "where", "when_and_how_much", "tailoring", "modifications",
    "fidelity_planned", "fidelity_actual",
)  # fmt: skip
"""The twelve items of TIDieR (Hoffmann and others 2014, BMJ 348:g1687), in its order."""

ROLES = ("commissioner", "analyst", "assurer", "approver")
"""The roles of the AQuA Book (2025)."""


@dataclass(frozen=True)
class Protocol:
    """How the evaluation was planned.

    Parameters
    ----------
    where : str
        Where the plan can be read; empty where it cannot.
    before_outcomes : str
        One of :data:`BEFORE`.
    assignment : str
        One of :data:`ASSIGNMENT`.
    assignment_note : str
        How pilots were found, in words.
    approached, agreed, withdrew : int, optional
        Numbers of schools, or authorities.
    """

    where: str = ""
    before_outcomes: str = "not said"
    assignment: str = "not said"
    assignment_note: str = ""
    approached: int | None = None
    agreed: int | None = None
    withdrew: int | None = None


@dataclass(frozen=True)
class Deviation:
    """A departure from the plan: what, why, and what it does to the answer."""

    what: str
    why: str
    effect: str
    date: str


@dataclass(frozen=True)
class Assurance:
    """One entry of the assurance log: who looked at what, when, and what came of it."""

    date: str
    who: str
    what: str
    outcome: str


GOVERNANCE = ("accountable_to", "decided_by", "meets", "safeguarding", "escalates_to")
"""Who a programme answers to, who decides in it, how often they meet, who oversees safeguarding, and where trouble goes."""


@dataclass(frozen=True)
class Decision:
    """A decision about the programme: what, why, and with whom it was made, young people among them or not."""

    date: str
    what: str
    why: str
    made_with: str


@dataclass(frozen=True)
class ReportSettings:
    """Everything declared for the report; all of it may be left out, and the report then says so."""

    protocol: Protocol = field(default_factory=Protocol)
    deviations: tuple[Deviation, ...] = ()
    intervention: Mapping[str, str] = field(default_factory=dict)
    roles: Mapping[str, str] = field(default_factory=dict)
    assurance: tuple[Assurance, ...] = ()
    governance: Mapping[str, str] = field(default_factory=dict)
    decisions: tuple[Decision, ...] = ()

    def to_dict(self) -> dict[str, object]:
        """Return it as JSON can hold it, for the manifest."""
        texts = {name: dict(getattr(self, name)) for name in ("intervention", "roles", "governance")}
        return {**asdict(self), **texts}


def read_report(top: TomlTable) -> ReportSettings:
    """Read what is declared for the report: plan and deviations, the intervention, roles, assurance, governance, decisions."""
    return ReportSettings(
        protocol=_protocol(top.table("protocol")),
        deviations=tuple(_deviation(table) for table in top.tables("deviation")),
        intervention=_texts(top.table("intervention"), INTERVENTION),
        roles=_texts(top.table("roles"), ROLES),
        assurance=tuple(_assurance(table) for table in top.tables("assurance")),
        governance=_texts(top.table("governance"), GOVERNANCE),
        decisions=tuple(_decision(table) for table in top.tables("decision")),
    )


def _protocol(table: TomlTable | None) -> Protocol:
    if table is None:
        return Protocol()
    made = Protocol(
        where=table.take("where", str, ""),
        before_outcomes=table.choice("before_outcomes", BEFORE, "not said"),
        assignment=table.choice("assignment", ASSIGNMENT, "not said"),
        assignment_note=table.take("assignment_note", str, ""),
        approached=table.take("approached", int, None),
        agreed=table.take("agreed", int, None),
        withdrew=table.take("withdrew", int, None),
    )
    for key in ("approached", "agreed", "withdrew"):
        if (value := getattr(made, key)) is not None and value < 0:
            table.fault(key, f"{value} is less than none", "Give a number of schools, 0 or more.")
    for more, fewer in (("approached", "agreed"), ("agreed", "withdrew")):
        most, least = getattr(made, more), getattr(made, fewer)
        if most is not None and least is not None and least > most:
            table.fault(fewer, f"{least} {fewer}, but only {most} {more}", "Correct one of them.")
    table.done()
    return made


def _deviation(table: TomlTable) -> Deviation:
    made = Deviation(
        what=table.take("what", str),
        why=table.take("why", str),
        effect=table.take("effect", str, ""),
        date=_day(table),
    )
    table.done()
    return made


def _assurance(table: TomlTable) -> Assurance:
    made = Assurance(
        date=_day(table),
        who=table.take("who", str),
        what=table.take("what", str),
        outcome=table.take("outcome", str),
    )
    table.done()
    return made


def _decision(table: TomlTable) -> Decision:
    made = Decision(
        date=_day(table),
        what=table.take("what", str),
        why=table.take("why", str),
        made_with=table.take(
            "made_with", str, "", help="Say who took part: young people, parents, schools, agencies."
        ),
    )
    table.done()
    return made


def _day(table: TomlTable) -> str:
    day = read_day(table, "date")
    return day.isoformat() if day else ""


def _texts(table: TomlTable | None, keys: tuple[str, ...]) -> dict[str, str]:
    if table is None:
        return {}
    found = {key: str(table.take(key, str, "")) for key in keys}
    table.done()
    return {key: text for key, text in found.items() if text}
