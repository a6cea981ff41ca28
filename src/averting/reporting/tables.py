"""Tables of a report: frozen descriptions, shown as accessible HTML; every text is escaped."""

from __future__ import annotations

import math
import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

from averting.appraisal.appraisal import VIEW_LABELS
from averting.checks import CheckResult
from averting.data.disclosure import WITHHELD
from averting.effects import Effect
from averting.reporting import numbers, wording
from averting.reporting.prices import price_year, priced
from averting.reporting.results import Results

KINDS = {
    "cashable": "cash", "capacity": "places freed", "transfer": "transfer", "economic": "economic",
    "lifetime": "later in life",
}  # fmt: skip


@dataclass(frozen=True)
class ReportTable:
    """A table as it will be read.

    Parameters
    ----------
    columns : sequence of str
        Headers; units belong here.
    rows : sequence of sequence of str
        Cells, all text; the first of each row is its header.
    numeric : sequence of int
        Columns to align as numbers.
    """

    columns: Sequence[str]
    rows: Sequence[Sequence[str]]
    numeric: Sequence[int] = ()

    def html(self) -> str:
        """Return the table as HTML with header scopes; any markup in a cell appears as text."""

        def cell(tag: str, at: int, text: str, scope: str = "") -> str:
            kind = ' class="numeric"' if at in self.numeric else ""
            return f"<{tag}{scope}{kind}>{escape(text)}</{tag}>"

        head = "".join(cell("th", i, text, ' scope="col"') for i, text in enumerate(self.columns))
        body = "\n".join(
            "<tr>"
            + cell("th", 0, row[0], ' scope="row"')
            + "".join(cell("td", i, text) for i, text in enumerate(row[1:], 1))
            + "</tr>"
            for row in self.rows
        )
        return f"<table>\n<thead><tr>{head}</tr></thead>\n<tbody>\n{body}\n</tbody>\n</table>"

    def _repr_mimebundle_(self, **_: Any) -> dict[str, str]:
        return bundle(self.html(), "\n".join(" | ".join(row) for row in (self.columns, *self.rows)))


NOT_VALUED = ReportTable(("Not valued",), [("This evaluation does not value what was averted.",)])


def bundle(html: str, plain: str) -> dict[str, str]:
    """Return HTML for a notebook; while a report is rendered, the same as Markdown with a raw block.

    Quarto loads scripts from the network for any cell that shows text/html, and none for Markdown.
    """
    if "AVERTING_RENDER" in os.environ or "QUARTO_DOCUMENT_PATH" in os.environ:
        # a fence longer than any in the text, so that no cell can end it
        fence = "`" * max(3, 1 + max(map(len, re.findall("`+", html)), default=0))
        return {"text/markdown": f"{fence}{{=html}}\n{html}\n{fence}", "text/plain": plain}
    return {"text/html": html, "text/plain": plain}


def estimates(results: Results) -> ReportTable:
    """Return every estimate: indicator, method, effect with interval, p-value and verdict.

    Where some are differences, these say so in the cell, since a column has one heading.
    """
    rows = []
    ratios = all(results.effect(key).estimand.scale == "ratio" for key in results.estimates)
    for key in results.estimates:
        effect = results.effect(key)
        role = next(e["role"] for e in results.manifest["estimates"] if e["id"] == key)
        rows.append(
            (
                f"{results.name(key)} ({role})",
                results.record(f"estimates/{key}/method")["label"],
                _effect_size(effect, effect.estimate),
                numbers.interval(*(_effect_size(effect, end) for end in effect.interval)),
                numbers.p_value(effect.p_value),
                str(effect.verdict),
            )
        )
    level = numbers.percent(results.primary.level)
    columns = (
        "Outcome (role)",
        "Method",
        "Rate ratio" if ratios else "Effect",
        f"{level} interval",
        "p value",
        "Verdict",
    )
    return ReportTable(columns, rows, numeric=(2, 3, 4))


def _effect_size(effect: Effect, value: float) -> str:
    size = numbers.effect_size(value, effect.estimand.scale)
    return size if effect.estimand.scale == "ratio" else f"{size} per 100"


def averted(results: Results) -> ReportTable:
    """Return how many were averted, by estimate and period."""
    rows = []
    span = period_name(results)
    for key in results.estimates:
        effect = results.effect(key)
        name = results.name(key)
        for row in results.table(f"estimates/{key}/averted").itertuples():
            period = f"all {span}s" if row.period == "all" else str(row.period)
            middle, low, high = (float(str(value)) for value in (row.median, row.lower, row.upper))
            withheld = math.isnan(middle)
            rows.append(
                (
                    f"{name} ({'probability' if effect.draw_kind == 'posterior' else 'confidence'})",
                    period,
                    WITHHELD if withheld else numbers.count(middle),
                    WITHHELD if withheld else numbers.interval(numbers.count(low), numbers.count(high)),
                )
            )
    level = numbers.percent(results.primary.level)
    return ReportTable(
        ("Outcome (kind of interval)", span.capitalize(), "Averted", f"{level} interval"), rows, numeric=(2, 3)
    )


def period_name(results: Results) -> str:
    """Return what one period of the data is called."""
    return "term" if any(" " in period for period in results.record("design/design")["periods"]) else "year"


def balance_label(results: Results, measure: str) -> str:
    """Return what a row of the balance table is about: a rate, pupils, or a covariate by its own name."""
    key = measure.removesuffix(", per 100")
    if key != measure:
        rate = f"{results.indicator(key)} {results.per(key)}"
        if not rate.endswith(" pupils"):
            return rate  # sessions and the like are of one year or term already
        return f"{rate} a {period_name(results)}"
    if measure == "exposure":
        # a panel has one exposure, that of every estimate
        counted = results.per(results.primary.estimand.indicator).removeprefix("per 100 ")
        return "pupils on roll" if counted == "pupils" else counted
    return measure.replace("_", " ")


def balance(results: Results) -> ReportTable:
    """Return pilots beside comparison schools before the start."""
    rows = []
    for row in results.table("design/balance").itertuples():
        measure = str(row.measure)
        digits = 0 if measure == "exposure" else 2
        gap, *means = (float(str(value)) for value in (row.standardised_difference, row.pilots, row.comparison))
        withheld = any(map(math.isnan, means))
        shown = (WITHHELD if math.isnan(mean) else f"{mean:,.{digits}f}" for mean in means)
        undefined = WITHHELD if withheld else "not defined"
        rows.append(
            (balance_label(results, measure), *shown, undefined if math.isnan(gap) else numbers.decimal(gap))
        )
    units = wording.unit(results)
    columns = ("Before the start", f"Pilot {units}, mean", f"Comparison {units}, mean", "Difference in SDs")
    return ReportTable(columns, rows, numeric=(1, 2, 3))


def suppression(results: Results) -> ReportTable:
    """Return counts observed, suppressed and missing, by indicator."""
    table = results.table("data/suppression")
    sums = table.groupby("indicator", sort=False)[["observed", "suppressed", "missing"]].sum()
    rows = [(results.indicator(str(key)), *(f"{int(n):,}" for n in row)) for key, row in sums.iterrows()]
    return ReportTable(("Outcome", "Observed", "Suppressed", "Missing"), rows, numeric=(1, 2, 3))


def has_succession(results: Results) -> bool:
    """Whether a map of successors was used, so that there is something to show."""
    return "succession" in results.manifest["inputs"]


def succession(results: Results) -> ReportTable:
    """Return which schools or authorities were joined: those of pilots one by one, the rest by kind.

    Results under disclosure control name no school, so that it says there only that this is withheld.
    """
    columns = ("Before", "After", "How", "Year of change", "Note")
    if results.manifest.get("disclosure"):
        return ReportTable(columns, [("withheld", "", "", "", "which schools were joined would name them")])
    table = results.table("data/succession")
    used = table[table["outcome"] == "joined"]
    pilots = used[used["series"].astype(str).isin(results.record("design/design")["pilots"])]
    rows = [
        (
            f"{row.before} {row.before_name}",
            f"{row.after} {row.after_name}",
            str(row.kind),
            _text(row.year),
            "a pilot",
        )
        for row in pilots.itertuples()
    ]
    others = used.drop(index=pilots.index).groupby("kind")["series"].nunique()
    rows += [(f"{count:,} series", "", str(kind), "", "others in the data") for kind, count in others.items()]
    reasons = table.loc[table["outcome"] != "joined", "outcome"].value_counts().sort_index()
    rows += [(f"{count:,} links", "", "not joined", "", str(reason)) for reason, count in reasons.items()]
    if not rows:
        rows = [("none", "", "", "", "no map of successors was given, or nothing in it falls in these years")]
    return ReportTable(columns, rows)


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def events(results: Results) -> ReportTable:
    """Return declared events: when, what, whom they concern and how they are dealt with.

    Their kinds and sources stand below it, by :func:`averting.reporting.wording.event_sources`.
    """
    words = {"show": "shown only", "exclude": "left out", "sensitivity": "kept, and estimated once more without"}
    words["model"] = "kept, and adjusted for where an estimate says so"
    design = results.record("design/design")
    rows = [
        (
            str(mark),
            str(row.label),
            _spanned(str(row.periods).split("; "), design["periods"], design["excluded"]),
            "all" if row.schools == 0 else f"{row.schools} named",
            "some periods left out" if _in_part(row, design["excluded"]) else words[str(row.treatment)],
        )
        for mark, row in enumerate(results.table("design/events").itertuples(), 1)
    ]
    columns = (
        "Mark",
        "Event",
        f"{period_name(results).capitalize()}s",
        f"Which {wording.unit(results)}",
        "What is done",
    )
    return ReportTable(columns, rows) if rows else ReportTable(("Event",), [("none",)])


def _spanned(periods: Sequence[str], used: Sequence[str], excluded: Sequence[str]) -> str:
    """Return periods as text, a run of three or more in the data by its first and last."""
    known = sorted({*used, *excluded})
    runs: list[list[str]] = []
    for period in periods:
        follows = runs and known.index(period) == known.index(runs[-1][-1]) + 1
        runs[-1].append(period) if follows else runs.append([period])
    parts = (f"{run[0]} to {run[-1]}" if len(run) > 2 else "; ".join(run) for run in runs)
    return "; ".join(parts)


def _in_part(event: Any, excluded: Sequence[str]) -> bool:
    """Whether an event of all schools is only shown, although some of its periods are left out."""
    return (
        event.treatment == "show" and event.schools == 0 and bool(set(event.periods.split("; ")) & set(excluded))
    )


def scenarios(results: Results) -> ReportTable:
    """Return savings, cost and net present value under each scenario and view."""
    if not results.has_appraisal:
        return NOT_VALUED
    record = results.record("appraisal/appraisal")
    labels = {scenario["key"]: scenario["label"] for scenario in record["scenarios"]}
    known = record["has_programme_cost"]
    rows: list[tuple[str, ...]] = []
    for row in results.table("appraisal/summary").to_dict(orient="records"):
        acts = row["scenario"] != "no_programme"
        if not acts and row["view"] != next(iter(VIEW_LABELS)):
            continue  # nothing happens in any view
        low, high = row["npv_lower"], row["npv_upper"]
        # of its own, so that a page has room for the whole table
        between = numbers.interval(numbers.pounds(low), numbers.pounds(high)) if acts and low != high else "–"
        net = (numbers.pounds(row["npv_mean"] if acts else 0), between)
        cells = (labels[row["scenario"]], VIEW_LABELS[row["view"]] if acts else "Nothing spent, nothing saved")
        if known:
            spent = (numbers.pounds(row["savings_mean"]), numbers.pounds(row["programme_cost"]))
            paid = (numbers.decimal(row["bcr"]), numbers.chance(row["chance_of_paying"])) if acts else ("–", "–")
            rows.append((*cells, *spent, *net, *paid))
        else:
            rows.append((*cells, *net))
    of = "Net present value" if known else "Savings"
    net_of = (f"{of}, mean", f"{_level(results)} interval")
    if not known:
        return ReportTable((priced("Scenario", results), "What is counted", *net_of), rows, numeric=(2, 3))
    valued = results.valued
    posterior = valued is not None and wording.has_probability(valued)
    pays = "Probability that it pays" if posterior else "Share of draws in which it pays"
    columns = (
        priced("Scenario", results),
        "What is counted",
        "Savings, mean",
        "Cost",
        *net_of,
        "Benefit–cost ratio",
        pays,
    )
    return ReportTable(columns, rows, numeric=tuple(range(2, len(columns))))


def payers(results: Results) -> ReportTable:
    """Return who gains and who pays in the central scenario."""
    if not results.has_appraisal:
        return NOT_VALUED
    table = results.table("appraisal/payers")
    rows = [
        (str(row["payer_label"]), KINDS[row["kind"]], amount(row["mean"], row["lower"], row["upper"]))
        for row in table[table["scenario"] == "central"].to_dict(orient="records")
        if row["kind"] != "lifetime"  # shown apart, with its causal share
    ]
    value = f"Present value, mean and {_level(results)} interval, {price_year(results)}"
    return ReportTable(("Who", "Kind", value), rows, numeric=(2,))


def amount(middle: float, low: float, high: float) -> str:
    """Write an amount with its interval, or alone where there is no doubt about it."""
    if low == high:
        return numbers.pounds(middle)
    return f"{numbers.pounds(middle)} ({numbers.interval(numbers.pounds(low), numbers.pounds(high))})"


def _level(results: Results) -> str:
    return numbers.percent(results.primary.level)


def checks(found: Mapping[str, Sequence[CheckResult]]) -> ReportTable:
    """Return checks with their outcome, by what they are of; the serious first."""
    order = {"fail": 0, "warn": 1, "info": 2, "pass": 3}
    words = {"fail": "fails", "warn": "take care", "info": "note", "pass": "holds"}
    unique = dict.fromkeys((check, about) for about, several in found.items() for check in several)
    rows = [
        (words[check.status], about, f"{check.message} {check.guidance}".strip())
        for check, about in sorted(unique, key=lambda pair: order[pair[0].status])
    ]
    return ReportTable(("Outcome", "Of", "Check"), rows)


def priors(results: Results, estimate: str) -> ReportTable:
    """Return declared priors of a Bayesian estimate."""
    # numbers stay on one line with their sign, and a distribution with its numbers
    rows = [
        (
            str(row["parameter"]),
            str(row["meaning"]),
            numbers.unbroken(str(row["prior"])),
            str(row["source"]).replace(" %", "\u00a0%"),
        )
        for row in results.effect(estimate).tables["priors"].to_dict(orient="records")
    ]
    return ReportTable(("Parameter", "Meaning", "Prior", "Where it comes from"), rows)


def provenance(results: Results) -> ReportTable:
    """Return what the results were made from."""
    inputs = results.manifest["inputs"]
    rows = [
        ("evaluation.toml", f"SHA-256 {inputs['evaluation.toml'][:16]}…"),
        (f"data: {inputs['data']['file']}", f"SHA-256 {inputs['data']['sha256'][:16]}…"),
        ("declared models", f"{len(inputs['models'])} files, hashes in results/manifest.json"),
        ("seed, draws", f"{results.manifest['seed']}, {results.manifest['draws']:,}"),
        *((package, version) for package, version in inputs["versions"].items()),
    ]
    return ReportTable(("What", "Which"), rows)
