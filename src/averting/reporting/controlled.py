"""Results under disclosure control: what a public report and its tables are made from, and nothing more.

Every number of a report is either a count, or computed from counts. Counts of pilots and comparison schools by year
are protected as one additive table. Estimates made once more without an event rest on other totals, whose difference
from these would tell of the event's years or schools, so they do not leave. The totals before and from the start
count as known to every reader, because estimates are computed from them; so do the pilots' mean rate and the ratio,
to the digits printed, when it comes to single pilot schools. What is computed from one year's count is withheld with
it.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from averting.appraisal.appraisal import PROGRAMME
from averting.data.disclosure import CountTable, Decision, DisclosureRecord, PublicTable, Rules, Sum, protect
from averting.data.disclosure.tables import Key
from averting.data.written import write_table
from averting.design.events import COVARIATE as EVENT
from averting.effects.storage import save_effect
from averting.errors import DisclosureError
from averting.provenance import canonical_json
from averting.reporting.controlled_checks import public_checks, write_public_checks
from averting.reporting.controlled_money import money_base, rounded_payers, rounded_summary, worth_of_one
from averting.reporting.controlled_names import (
    nameless_checks,
    nameless_events,
    without_event_names,
    without_school_names,
)
from averting.reporting.pilot_schools import rates_that_tell
from averting.reporting.results import Results

BEFORE, AFTER = "before the start", "from the start"
STARTED, WAITING = "pilots that have started", "pilots yet to start"
FEW_SCHOOLS = 7
"""Fewer comparison schools than this show no mean rate: it could be taken apart."""


@dataclass(frozen=True, eq=False)
class Controlled:
    """Results that may leave, if the record passes.

    Parameters
    ----------
    results : Results
        The results as they are, for inside use.
    tables : tuple of PublicTable
        Counts by indicator, group and year.
    record : DisclosureRecord
        Every decision.
    """

    results: Results
    tables: tuple[PublicTable, ...]
    record: DisclosureRecord

    @property
    def withheld(self) -> frozenset[Key]:
        """Keys of every withheld count and rate."""
        return frozenset(d.cell for d in self.record.decisions if d.reason != "rounding")

    @cached_property
    def money_base(self) -> float | None:
        """What amounts are rounded to; None where nothing is valued or no treated year is withheld."""
        if not self.results.has_appraisal:
            return None
        valued = self.results.record("appraisal/appraisal")["estimate"]
        indicator = next(e["indicator"] for e in self.results.manifest["estimates"] if e["id"] == valued)
        return money_base(worth_of_one(self.results)) if _hidden_periods(self, indicator) else None


def control(results: Results, rules: Rules, previous: tuple[PublicTable, ...] = ()) -> Controlled:
    """Decide what of an evaluation's results may leave.

    Parameters
    ----------
    results : Results
        Results of :func:`averting.run`.
    rules : Rules
        Rule set.
    previous : tuple of PublicTable
        Counts that earlier releases of the same evaluation showed.

    Raises
    ------
    DisclosureError
        If the counts cannot be read from the results, or contradict an earlier release, or what is valued is an
        estimate without an event.
    """
    inside = sum(not _may_leave(estimate) for estimate in results.manifest["estimates"])
    results = _main_estimates(results)
    counts = tuple(count_table(results, indicator) for indicator in _indicators(results))
    public, record = protect(counts, rules, previous=previous)
    for indicator in _indicators(results):
        told, sides = rates_that_tell(results, indicator, rules)
        cells: list[Key] = [(indicator, "pilots", "mean rate before the start")] * told
        if results.record("design/design")["effective_comparison"] < FEW_SCHOOLS:
            cells.append((indicator, "comparison", "mean rate before the start"))
        exposed = [(indicator, "pilots", f"single schools {side}") for side in sides]
        record = record.with_decisions([Decision("balance", cell, "rate") for cell in cells], exposed=exposed)
    made = Controlled(results, public, record)
    made = replace(made, record=record.with_decisions(_derived(made)))
    return replace(made, record=replace(made.record, notes=tuple(_notes(made, inside=inside))))


def _main_estimates(results: Results) -> Results:
    """Return the results without the estimates that leave out an event or adjust for it beside one that does not."""
    kept = [estimate for estimate in results.manifest["estimates"] if _may_leave(estimate)]
    if results.has_appraisal:
        valued = results.record("appraisal/appraisal")["estimate"]
        if valued not in {estimate["id"] for estimate in kept}:
            raise DisclosureError(
                f"[appraisal] values {valued}, an estimate without an event, which cannot leave: its totals and those "
                "of the main estimate would tell of what it leaves out. Value an estimate with all events."
            )
    left = {f"estimates/{e['id']}" for e in results.manifest["estimates"]} - {f"estimates/{e['id']}" for e in kept}
    stages = {name: key for name, key in results.manifest["stages"].items() if name not in left}
    return replace(results, manifest={**results.manifest, "estimates": kept, "stages": stages})


def _may_leave(estimate: dict[str, Any]) -> bool:
    """Whether an estimate tells nothing of an event's few schools by its difference from another."""
    adjusts = any(name.startswith(EVENT) for name in estimate["covariates"])
    return not estimate["without"] and (estimate["role"] == "primary" or not adjusts)


def _indicators(results: Results) -> tuple[str, ...]:
    return tuple(dict.fromkeys(estimate["indicator"] for estimate in results.manifest["estimates"]))


def _treated_group(results: Results) -> str:
    starts = {pilot["start"] for pilot in results.record("design/design")["pilots"].values()}
    return "pilots" if len(starts) == 1 else STARTED


def count_table(results: Results, indicator: str) -> CountTable:
    """Return one indicator's counts by group and year, with the totals that estimates give away.

    Raises
    ------
    DisclosureError
        If a pilot's count in a treated year is not known even within bounds.
    """
    design = results.record("design/design")
    first = min(pilot["start"] for pilot in design["pilots"].values())
    paths = results.table(f"design/paths_{indicator}")
    cells: dict[Key, tuple[float, float]] = {
        (indicator, str(row["group"]), str(row["period"])): (row["lower"], row["upper"])
        for row in paths.to_dict(orient="records")
        if row["exposure"] > 0
    }
    sums = []
    if _treated_group(results) == STARTED:
        parts = _started(results, indicator, cells)
        cells |= parts
        waiting = [key for key in parts if key[1] == WAITING]
        sums = [Sum((indicator, "pilots", k[2]), ((indicator, STARTED, k[2]), k)) for k in waiting]
    for group, after_group in (("pilots", _treated_group(results)), ("comparison", "comparison")):
        early = [k for k in cells if k[1] == group and k[2] in design["periods"] and k[2] < first]
        early += [k for k in cells if k[1] == WAITING and group == "pilots"]
        late = [k for k in cells if k[1] == after_group and k[2] in design["treated_periods"]]
        for name, members in ((BEFORE, early), (AFTER, late)):
            total = (indicator, group, name)
            cells[total] = (sum(cells[key][0] for key in members), sum(cells[key][1] for key in members))
            sums.append(Sum(total, tuple(members)))
    bounds = np.array(list(cells.values()), dtype=float)
    told = frozenset(key for key in cells if key[2] in (BEFORE, AFTER))
    return CountTable(indicator, tuple(cells), bounds[:, 0], bounds[:, 1], tuple(sums), told)


def _started(results: Results, indicator: str, cells: Mapping[Key, Any]) -> dict[Key, Any]:
    """Split the pilots' counts, by year, into pilots that have started and those yet to start."""
    estimate = next(e["id"] for e in results.manifest["estimates"] if e["indicator"] == indicator)
    found: dict[Key, Any] = {}
    for row in results.table(f"estimates/{estimate}/counterfactual").to_dict(orient="records"):
        whole = cells.get((indicator, "pilots", str(row["period"])))
        if whole is None or not np.isfinite(row["upper"]):
            raise DisclosureError(
                f"{indicator}, pilots, {row['period']}: a pilot's count is not known in a year it takes part. What "
                "leaves cannot be checked: leave out the year or the pilot."
            )
        found[indicator, STARTED, str(row["period"])] = (row["lower"], row["upper"])
        found[indicator, WAITING, str(row["period"])] = (whole[0] - row["lower"], whole[1] - row["upper"])
    return found


def _hidden_periods(made: Controlled, indicator: str) -> frozenset[str]:
    """Treated years in which the treated pilots' count is withheld."""
    group = _treated_group(made.results)
    treated = made.results.record("design/design")["treated_periods"]
    return frozenset(p for p in treated if (indicator, group, p) in made.withheld)


def _derived(made: Controlled) -> Iterator[Decision]:
    results = made.results
    for key in results.estimates:
        indicator = next(e["indicator"] for e in results.manifest["estimates"] if e["id"] == key)
        for period in sorted(_hidden_periods(made, indicator)):
            yield Decision(f"{key}, averted", (indicator, "averted", period), "derived")
            yield Decision(
                f"{key}, without the programme", (indicator, "without the programme", period), "derived"
            )
    if made.money_base:
        yield Decision("savings by financial year", ("every year",), "derived")
        yield Decision("savings", (f"every amount that rests on counts, to {made.money_base:,.0f}",), "rounding")


def _notes(made: Controlled, *, inside: int) -> Iterator[str]:
    """Say, for an output checker, what of the results stays inside altogether."""
    for key in made.results.estimates:
        effect = made.results.effect(key)
        tables = [*sorted(set(effect.tables) - set(SHOWN_TABLES)), *(["trace"] if effect.trace else [])]
        if tables:
            yield f"{key}: stays inside: {', '.join(tables)}."
    if inside:
        yield f"Estimates without an event, or adjusted for one, that stay inside: {inside}."
    if made.results.manifest["diagnostics"]:
        yield "Diagnostics and guardrails leave as words; their numbers stay inside."
    if (made.results.folder / "design" / "weights.csv").is_file():
        yield "Weights of comparison schools stay inside."
    yield "Which schools were joined, and what events of named schools are called, stays inside."


SHOWN_TABLES = ("permutation", "detectable", "priors")
"""Tables of an estimate that hold no count and nothing of single schools or years."""

TELLING_CHECKS = ("design/regression_to_mean",)
"""Checks whose words hold a ratio of single years' counts, from which a small count could be solved for."""


def write_controlled(made: Controlled, folder: Path) -> Results:
    """Write the results that a public report reads: no school, no withheld number, no digits beyond those printed.

    Parameters
    ----------
    made : Controlled
        What may leave.
    folder : Path
        An empty folder.

    Returns
    -------
    Results
        The written results.
    """
    results, record = made.results, made.record
    about = {"label": record.rules.label, "withheld": record.withheld, "passes": record.passes}
    about |= {"money_base": made.money_base} if made.money_base else {}
    estimates = [without_event_names(estimate) for estimate in results.manifest["estimates"]]
    manifest = {**results.manifest, "disclosure": about, "events": [], "estimates": estimates}
    for stage in ("data", "design", *(["appraisal"] if results.has_appraisal else [])):
        (folder / stage).mkdir()
    _text(folder / "manifest.json", canonical_json(manifest))
    for name in ("references.bib", "data/suppression.csv"):
        _copy(results, folder, name)
    _text(
        folder / "data/checks.json",
        canonical_json(nameless_checks([check.to_dict() for check in results.checks("data")])),
    )
    kept = [check.to_dict() for check in results.checks("design") if check.key not in TELLING_CHECKS]
    _text(folder / "design/checks.json", canonical_json(kept))
    _csv(nameless_events(results.table("design/events")), folder / "design/events.csv")
    _text(folder / "design/design.json", canonical_json(without_school_names(results.record("design/design"))))
    _csv(_balance(made), folder / "design/balance.csv")
    for indicator in _indicators(results):
        _csv(_paths(made, indicator), folder / f"design/paths_{indicator}.csv")
    for key in results.estimates:
        _write_estimate(made, key, folder / "estimates" / key)
    write_public_checks(results, folder)
    if results.has_appraisal:
        _write_money(made, folder)
    return Results(folder, json.loads(canonical_json(manifest)))


def _printed(made: Controlled) -> dict[Key, tuple[float, float]]:
    return {
        key: (float(low), float(high))
        for table in made.tables
        for key, low, high in zip(table.keys, table.lower, table.upper, strict=True)
    }


def _paths(made: Controlled, indicator: str) -> pd.DataFrame:
    """Rates are computed again from printed counts, so that they say no more than these."""
    printed = _printed(made)
    rows = []
    records: list[dict[Any, Any]] = made.results.table(f"design/paths_{indicator}").to_dict(orient="records")
    for row in records:
        low, high = printed.get((indicator, row["group"], row["period"]), (row["lower"], row["upper"]))
        scale = 100 / row["exposure"] if row["exposure"] > 0 else np.nan
        rates = {"rate": scale * (low + high) / 2, "rate_lower": scale * low, "rate_upper": scale * high}
        rows.append({**row, "lower": low, "upper": high, **rates})
    return pd.DataFrame(rows)


def _balance(made: Controlled) -> pd.DataFrame:
    table = made.results.table("design/balance").copy()
    for at, measure in enumerate(table["measure"].astype(str)):
        indicator = measure.removesuffix(", per 100")
        digits = 2 if indicator != measure else 0
        table.loc[at, ["pilots", "comparison"]] = (
            table.loc[at, ["pilots", "comparison"]].astype(float).round(digits)
        )
        gaps = ["standardised_difference", "unweighted_difference"]
        table.loc[at, gaps] = table.loc[at, gaps].astype(float).round(2)
        for group in ("pilots", "comparison"):
            if (indicator, group, "mean rate before the start") in made.withheld:
                table.loc[at, [group, *gaps]] = np.nan
    return table


def _write_estimate(made: Controlled, key: str, folder: Path) -> None:
    results, effect = made.results, made.results.effect(key)
    indicator = effect.estimand.indicator
    hidden, printed = _hidden_periods(made, indicator), _printed(made)
    change = effect.change.sum(("school", "period")).assign_attrs(effect.change.attrs)
    change = change.expand_dims(school=["pilots"], period=["all"]).transpose("draw", "school", "period")
    shown = {name: table for name, table in effect.tables.items() if name in SHOWN_TABLES}
    if "permutation" in shown:
        statistics = shown["permutation"]
        shown["permutation"] = statistics.assign(statistic=statistics["statistic"].round(1))
    # draws of single schools stay inside
    save_effect(replace(effect, change=change, tables=shown, trace=None, checks=public_checks(effect)), folder)
    _copy(results, folder.parents[1], f"estimates/{key}/method.json")
    averted = results.table(f"estimates/{key}/averted").copy()
    ends = ["median", "lower", "upper"]
    averted[ends] = averted[ends].round()
    averted.loc[averted["period"].isin(hidden), ends] = np.nan
    _csv(averted, folder / "averted.csv")
    without = results.table(f"estimates/{key}/counterfactual").copy()
    group = _treated_group(results)
    counts = [printed.get((indicator, group, str(period)), (np.nan, np.nan)) for period in without["period"]]
    without[["lower", "upper"]] = np.array(counts, dtype=float).reshape(-1, 2)
    ends = [f"without_{end}" for end in ends]
    without[ends] = without[ends].round()
    without.loc[without["period"].isin(hidden), ends] = np.nan
    _csv(without, folder / "counterfactual.csv")


def _write_money(made: Controlled, folder: Path) -> None:
    results, base = made.results, made.money_base
    for name in ("appraisal.json", "sources.csv", "asleep.csv", "programme.csv", "programme_unit_costs.csv"):
        if (results.folder / "appraisal" / name).is_file():  # without a programme cost there is nothing of it
            _copy(results, folder, f"appraisal/{name}")
    summary, payers, flows = (results.table(f"appraisal/{name}").copy() for name in ("summary", "payers", "flows"))
    if base:
        summary, payers = rounded_summary(summary, base), rounded_payers(payers, flows, base)
        flows.loc[flows["line"] != PROGRAMME, ["undiscounted", "present_value"]] = np.nan
    later = results.table("appraisal/later_life").copy()
    if base:  # amounts, and the share at which they break even, tell what was averted
        told = ["line", "line_label", "scenario", "causal_share"]
        later[later.columns.difference(told)] = np.nan
    for name, table in (("summary", summary), ("payers", payers), ("flows", flows), ("later_life", later)):
        _csv(table, folder / f"appraisal/{name}.csv")


def _copy(results: Results, folder: Path, name: str) -> None:
    (folder / name).write_bytes((results.folder / name).read_bytes())


def _text(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8")


def _csv(frame: pd.DataFrame, path: Path) -> None:
    write_table(frame, path)
