"""Who is at risk: run a file of questions, and say what may be said."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd

from averting.data.disclosure import Rules, load_rules
from averting.data.files import read_columns
from averting.data.written import write_table
from averting.errors import EvaluationError
from averting.evaluation.risk_settings import PublishedTable, PupilTable, RiskQuestion, Scores, read_question
from averting.evaluation.risk_words import READ, about, readable
from averting.reporting.findings import Findings
from averting.risk import (
    RiskModel,
    adjustment_sets,
    calibration,
    discrimination,
    fairness,
    fit_risk,
    held_out,
    individual_scores,
    interaction_table,
    moved,
    pooled_groups,
    prior_from,
    profile_risks,
    read_by_characteristic,
    read_cells,
    withheld_levels,
    withhold,
    withhold_flagged,
    withhold_small,
)
from averting.risk.odds import reads_wrong

ASSOCIATION = (
    "Every ratio here is an association: it says who is excluded more often, not why, and not what would help. "
    "It is never an effect, of a characteristic or of a programme."
)


@dataclass(frozen=True, eq=False)
class RiskFindings:
    """What is to be said about who is at risk, small numbers withheld.

    Parameters
    ----------
    statements : tuple of str
        Sentences, in order.
    tables : mapping of str to DataFrame
        By name; NaN and ``withheld`` where a number must not be told.
    level : float
        Of the intervals.
    """

    statements: tuple[str, ...]
    tables: Mapping[str, pd.DataFrame] = field(default_factory=dict)
    level: float = 0.95

    def lines(self) -> list[str]:
        """Return sentences and tables, a line each."""
        said = [ASSOCIATION, *self.statements]
        for name, table in self.tables.items():
            said += ["", name.replace("_", " "), *readable(table).to_string(index=False).splitlines()]
        return said

    def to_dict(self) -> dict[str, object]:
        """Return everything as plain values, for JSON; null where withheld."""
        tables = {
            name: json.loads(table.to_json(orient="records", double_precision=6))
            for name, table in self.tables.items()
        }
        return {"association": ASSOCIATION, "statements": list(self.statements), "tables": tables}

    def page(self) -> Findings:
        """Return what a draft page shows: the same words and tables."""
        tables = {name.replace("_", " "): readable(table) for name, table in self.tables.items()}
        said: list[str] = []
        for line in self.statements:
            if said and line.startswith(" "):  # goes on from the line before
                said[-1] += f" {line.strip()}"
            else:
                said.append(line)
        return Findings("risk", "Who is at risk?", ASSOCIATION, tuple(said), tables, level=self.level)


def who_is_at_risk(path: str | Path) -> RiskFindings:
    """Answer a file of questions about who is at risk of exclusion.

    Parameters
    ----------
    path : str or Path
        TOML with ``[[compare]]``, ``[by_characteristic]`` or ``[pupils]``; see docs/who-is-at-risk.md.

    Raises
    ------
    EvaluationError
        If the file cannot be used.
    """
    asked = read_question(path)
    statements = [line for one in asked.compare for line in one.lines()]
    tables: dict[str, pd.DataFrame] = {}
    for found in (
        _of_published(asked.published, asked.level) if asked.published else None,
        _of_pupils(asked.pupils, asked) if asked.pupils else None,
    ):
        if found is not None:
            statements += found.statements
            tables |= found.tables
    return RiskFindings(tuple(statements), tables, asked.level)


def _of_published(asked: PublishedTable, level: float) -> RiskFindings:
    found = read_by_characteristic(asked.path, outcome=asked.outcome, year=asked.year, phase=asked.phase)
    tables = {
        "unadjusted associations": found.unadjusted(level=level),
        "with sex held equal": found.adjusted_for_sex(level=level),
        "odds ratio of sex by characteristic": found.interactions(level=level),
        "over Years 7 to 11": found.over_secondary(level=level),
    }
    said = [
        f"DfE's published counts of {found.outcome.replace('_', ' ')}, {found.year}, {found.phase} schools: one characteristic "
        "at a time, so nothing else is held equal but sex where it says so. Counts are rounded to 5 in the file."
    ]
    if found.left_out:
        said.append(f"Left out, because suppressed or without pupils in the file: {'; '.join(found.left_out)}.")
    said += _warnings(tables["unadjusted associations"])
    if asked.outcome == "pupils_suspended":
        said.append(
            "Over Years 7 to 11 the same pupils are suspended again: what the risk can be runs from least to most."
        )
    return RiskFindings(tuple(said), {name: table for name, table in tables.items() if len(table)})


def _of_pupils(asked: PupilTable, question: RiskQuestion) -> RiskFindings:
    cells = read_cells(
        asked.path,
        outcome=asked.outcome,
        characteristics=asked.characteristics,
        references=asked.references,
        pupils=asked.pupils,
        school=asked.school,
    )
    rules = load_rules(question.rules)
    hidden = withheld_levels(cells, rules, asked.interactions)
    prior = prior_from(asked.prior, basis=asked.prior_basis, spread=asked.prior_spread) if asked.prior else None
    sets = adjustment_sets(
        cells,
        demographics=asked.demographics,
        interactions=asked.interactions,
        schools=asked.school is not None,
        pool=asked.pool,
        prior=prior,
        level=question.level,
    )
    model = fit_risk(
        cells,
        adjust=cells.characteristics,
        interactions=asked.interactions,
        schools=asked.school is not None,
        pool=asked.pool,
        prior=prior,
    )
    shown = withhold(sets, hidden)
    said = [about(cells.outcome, float(cells.pupils.sum())), *_said_of_model(model, hidden)]
    said += [*moved(shown), *_warnings(shown[shown["set"] == "full"])]
    said += _said_of_prior(asked, len(prior) if prior else 0)
    tables = {"associations by adjustment set": shown} | _more_tables(model, asked, question, rules, hidden)
    said += [words for name, words in READ.items() if name in tables]
    if question.scores:
        said.append(_write_scores(model, asked, question.scores))
    return RiskFindings(tuple(said), tables)


def _said_of_prior(asked: PupilTable, ratios: int) -> list[str]:
    if not ratios:
        return []
    return [
        f"The full set uses {ratios} published {asked.prior_basis} ratios as priors, each with a standard deviation of "
        f"{asked.prior_spread:g} in logs, which is an assumption."
    ]


def _said_of_model(model: RiskModel, hidden: Mapping[str, frozenset[str]]) -> list[str]:
    said = []
    if model.has_schools:
        said.append(
            f"Schools differ beyond their pupils: a standard deviation of {model.fit.spread:.2f} in log odds "
            f"(an odds ratio of {2.718281828**model.fit.spread:.2f} for a school one above the mean)."
        )
    said += [
        f"{name}: {len(texts)} of {len(model.cells.levels[name])} levels are withheld, because few pupils stand behind "
        "them or they would give such a level away. Merge levels to see more."
        for name, texts in hidden.items()
        if texts
    ]
    return said


def _more_tables(
    model: RiskModel, asked: PupilTable, question: RiskQuestion, rules: Rules, hidden: Mapping[str, frozenset[str]]
) -> dict[str, pd.DataFrame]:
    tables: dict[str, pd.DataFrame] = {}
    level = question.level
    if asked.interactions:
        tables["interactions"] = withhold(interaction_table(model, level=level), hidden)
    if asked.profiles:
        profiles = profile_risks(model, asked.profiles, over=asked.over, years=asked.years, level=level)
        gone = [_is_hidden(given, hidden) for given in asked.profiles.values()]
        if gone[0]:  # what others are held against
            gone = [True] * len(gone)
        numbers = [name for name in profiles.columns if name != "profile"]
        profiles[numbers] = profiles[numbers].mask(pd.Series(gone), axis=0)
        span = (
            f" over {', '.join(asked.years)}"
            if asked.years
            else f" over all of {asked.over}"
            if asked.over
            else ""
        )
        tables[f"profiles{span}"] = profiles.assign(withheld=gone)
    for name in asked.pool:
        table = pooled_groups(model.cells, name, level=level).assign(characteristic=name)
        tables[f"{name}, partially pooled"] = withhold(table, hidden).drop(
            columns=["pupils", "events", "characteristic"]
        )
    held = held_out(model, seed=question.seed)
    tenths, intercept, slope = calibration(held)
    tables["calibration, on pupils held out"] = withhold_small(tenths, rules)
    auc = discrimination(held.pupils, held.events, held.risk)
    tables["how well it holds, on pupils held out"] = pd.DataFrame(
        [{"auc": auc, "calibration_intercept": intercept, "calibration_slope": slope}]
    )
    groups = asked.demographics or model.cells.characteristics
    fair = withhold_flagged(fairness(held, model.cells, groups, level=level), rules)
    tables["fairness by group, on pupils held out"] = withhold(fair, hidden)
    return tables


def _is_hidden(given: Mapping[str, str], hidden: Mapping[str, frozenset[str]]) -> bool:
    return any(text in hidden.get(name, frozenset()) for name, text in given.items())


def _warnings(table: pd.DataFrame) -> list[str]:
    """Warn of odds ratios that must not be read as risk ratios."""
    apart = [row for row in table.to_dict("records") if reads_wrong(row["odds_ratio"], row["risk_ratio"])]
    if not apart:
        return []
    worst: dict[Any, Any] = max(apart, key=lambda row: abs(row["odds_ratio"] / row["risk_ratio"] - 1))
    return [
        f"WARNING: {len(apart)} odds ratios here must not be read as 'times as likely', because the outcome is common: "
        f"{str(worst['characteristic']).replace('_', ' ')}: {worst['level']} has an odds ratio of {worst['odds_ratio']:.1f} "
        f"and is {worst['risk_ratio']:.1f} times as likely. Read the risk ratios."
    ]


def _write_scores(model: RiskModel, asked: PupilTable, scores: Scores) -> str:
    if asked.pupils is not None:
        raise EvaluationError("Scores are of single pupils, and these rows are groups. Leave [scores] out.")
    wanted = set(asked.characteristics)
    frame = read_columns(asked.path, lambda held: {name for name in held if name in wanted})
    made, record = individual_scores(model, frame, opt_in=scores.opt_in)
    write_table(made.rename_axis("row").reset_index(), scores.write)
    beside = scores.write.with_suffix(".opt-in.json")
    beside.write_text(json.dumps(record, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    return (
        f"Individual scores are in {scores.write.name}, and who answers for them in {beside.name}, "
        f"until {scores.opt_in.delete_by}."
    )
