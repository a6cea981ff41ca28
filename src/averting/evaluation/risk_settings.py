"""What a file that asks who is at risk may say: read strictly, all faults at once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from averting.errors import AvertingError, EvaluationError, Fault, refuse
from averting.evaluation.toml_table import TomlTable, open_table
from averting.risk import Compared, OptIn, PrintedRisk
from averting.risk.by_characteristic import OUTCOMES
from averting.risk.priors import BASES, SPREAD


@dataclass(frozen=True)
class PublishedTable:
    """DfE's file by characteristic: ``[by_characteristic]``."""

    path: Path
    outcome: str
    year: str | None
    phase: str


@dataclass(frozen=True)
class PupilTable:
    """Pupils, or groups of pupils: ``[pupils]`` and what belongs to it."""

    path: Path
    outcome: str
    characteristics: tuple[str, ...]
    references: Mapping[str, str]
    demographics: tuple[str, ...]
    pupils: str | None
    school: str | None
    interactions: tuple[tuple[str, str], ...]
    pool: tuple[str, ...]
    over: str | None
    years: tuple[str, ...]
    profiles: Mapping[str, Mapping[str, str]]
    prior: Mapping[tuple[str, str], str]
    prior_basis: str
    prior_spread: float


@dataclass(frozen=True)
class Scores:
    """Individual scores, with who answers for them: ``[scores]``."""

    opt_in: OptIn
    write: Path


@dataclass(frozen=True)
class RiskQuestion:
    """One file's questions.

    Parameters
    ----------
    compare : tuple of Compared
        Published risks to compare.
    published, pupils, scores
        Tables of the file, or None.
    rules : str
        Rule set of disclosure control.
    level : float
        Of the intervals.
    seed : int
        Of the random parts by which the model is checked.
    """

    compare: tuple[Compared, ...]
    published: PublishedTable | None
    pupils: PupilTable | None
    scores: Scores | None
    rules: str
    level: float
    seed: int


def read_question(path: str | Path) -> RiskQuestion:
    """Read a file of questions.

    Raises
    ------
    EvaluationError
        Listing every key that is missing, unknown or cannot be read.
    """
    path = Path(path)
    faults: list[Fault] = []
    top = open_table(path, faults, advice="Name a file that asks who is at risk.")
    compare = tuple(filter(None, (_compared(table) for table in top.tables("compare"))))
    published = _published(top.table("by_characteristic"), path.parent)
    pupils = _pupils(top.table("pupils"), top.tables("profile"), top.table("prior"), path.parent)
    scores = _scores(top.table("scores"), path.parent)
    rules, seed = top.take("rules", str, "under_five"), top.take("seed", int, 1)
    level = top.take("level", float, 0.95)
    top.done()
    if not 0.5 <= level < 1:
        top.fault("level", f"it is {level:g}", "Give a level from 0.5 up to 1, such as 0.95.")
    if not (compare or published or pupils or faults):
        faults.append(Fault(path.name, "it asks nothing", "Write [pupils], [by_characteristic] or [[compare]]"))
    if scores and not pupils:
        faults.append(Fault(f"{path.name} [scores]", "there are no pupils to score", "Write [pupils]"))
    refuse(EvaluationError, f"{path.name} cannot be used", faults)
    return RiskQuestion(compare, published, pupils, scores, rules, level, seed)


def _compared(table: TomlTable) -> Compared | None:
    outcome, one, other = (table.take(key, str) for key in ("outcome", "one", "other"))
    risk, other_risk = (table.parse(key, PrintedRisk.parse) for key in ("risk", "other_risk"))
    table.done()
    if risk is None or other_risk is None:
        return None
    return Compared(outcome, one, other, risk, other_risk)


def _published(table: TomlTable | None, folder: Path) -> PublishedTable | None:
    if table is None:
        return None
    made = PublishedTable(
        folder / table.take("path", str, help="Name DfE's national file by characteristic."),
        table.choice("outcome", tuple(OUTCOMES), "permanent_exclusions"),
        table.take("year", str, None),
        table.choice("phase", ("total", "primary", "secondary", "special"), "secondary"),
    )
    table.done()
    return made


def _pupils(
    table: TomlTable | None, profiles: list[TomlTable], prior: TomlTable | None, folder: Path
) -> PupilTable | None:
    if table is None:
        for orphan in [*profiles, *([prior] if prior else [])]:
            orphan.fault("", "there are no pupils for it", "Write [pupils].")
        return None
    characteristics = table.texts("characteristics")
    references = _texts(table, "reference")
    pairs = [tuple(pair) if isinstance(pair, list) else () for pair in table.take("interactions", list, [])]
    if any(len(pair) != 2 or not all(isinstance(one, str) for one in pair) for pair in pairs):
        table.fault("interactions", "not every entry is a pair", 'Write [["sex", "social_care"]].')
        pairs = []
    made = PupilTable(
        folder / table.take("path", str, help="Name a .csv or .parquet of pupils, or of groups of pupils."),
        table.take("outcome", str, help="Name the column of the outcome."),
        characteristics,
        references,
        table.texts("demographics", []),
        table.take("pupils", str, None),
        table.take("school", str, None),
        tuple((pair[0], pair[1]) for pair in pairs),
        table.texts("pool", []),
        table.take("over", str, None),
        table.texts("years", []),
        _profiles(profiles),
        *_prior(prior),
    )
    table.done()
    for name in made.demographics:
        if name not in characteristics:
            table.fault("demographics", f"'{name}' is not among characteristics", "Add it there, or leave it out.")
    return made


def _texts(table: TomlTable, key: str) -> dict[str, str]:
    given = table.take(key, dict, {})
    if not all(isinstance(value, str) for value in given.values()):
        table.fault(key, "not every entry is text", "Put quotation marks around each level.")
        return {}
    return dict(given)


def _profiles(tables: list[TomlTable]) -> dict[str, dict[str, str]]:
    found = {}
    for table in tables:
        name = table.take("name", str)
        found[name] = {key: str(value) for key, value in table.values.items() if key != "name"}
    return found


def _prior(table: TomlTable | None) -> tuple[dict[tuple[str, str], str], str, float]:
    """Read ``[prior]``: a basis, a spread, and for each characteristic which published ratio each level takes."""
    if table is None:
        return {}, "adjusted", SPREAD
    basis = table.choice("basis", BASES)
    spread = table.take("spread", float, SPREAD)
    found: dict[tuple[str, str], str] = {}
    for name, given in table.values.items():
        if name in ("basis", "spread"):
            continue
        if not isinstance(given, dict):
            table.fault(
                name, "this is not a table", f"Write [prior.{name}] with a published ratio for each level."
            )
            continue
        found |= {(name, level): str(key) for level, key in given.items()}
    return found, basis, spread


def _scores(table: TomlTable | None, folder: Path) -> Scores | None:
    if table is None:
        return None
    keys = ("who", "purpose", "lawful_basis", "seen_by")
    said: dict[str, Any] = {key: table.take(key, str, help="It is recorded beside the scores.") for key in keys}
    until = table.take("delete_by", date, date(2000, 1, 1)) if "delete_by" in table.values else None
    table.known.append("delete_by")
    write = folder / table.take("write", str, help="Name the .csv to write.")
    table.done()
    if not isinstance(until, date):
        table.fault(
            "delete_by", "there is no day", "Give the day on which the scores are deleted: delete_by = 2027-08-31."
        )
        return None
    try:
        return Scores(OptIn(**said, delete_by=until), write)
    except AvertingError as error:
        table.faults.extend(error.faults)
        return None
