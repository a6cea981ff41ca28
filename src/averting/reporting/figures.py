"""Figures of a report: made from results, with alternative text written from the same numbers."""

from __future__ import annotations

import base64
import io
from collections.abc import Mapping
from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING, Any

import numpy as np

from averting.effects.diagnostics.detectable import TARGET
from averting.reporting import numbers, wording
from averting.reporting.results import Results
from averting.reporting.tables import ReportTable, balance_label, bundle

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

# the Government Analysis Function's palette for charts: told apart in print and by colour-blind readers
PILOT, COMPARISON, WITHOUT, INK = "#12436d", "#a285d1", "#f46a25", "#3d3d3d"

STYLE: dict[Any, Any] = {
    "svg.hashsalt": "averting",
    "svg.fonttype": "path",
    "font.family": "DejaVu Sans",
    "font.size": 10,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.edgecolor": INK,
    "axes.labelcolor": INK,
    "xtick.color": INK,
    "ytick.color": INK,
    "legend.frameon": False,
    "text.parse_math": False,  # a name between dollars is no formula
}
LONGEST = 44
"""Letters of a name that a picture has room for; the table behind it has all."""


@dataclass(frozen=True)
class ReportFigure:
    """A figure as SVG with its alternative text.

    Parameters
    ----------
    svg : str
        The picture; the same figure gives the same bytes. Empty where a sentence stands in its place.
    alt : str
        What it shows, in words and numbers.
    numbers : ReportTable, optional
        The numbers behind it, folded away under it on screen; on paper its alternative text has them.
    """

    svg: str
    alt: str
    numbers: ReportTable | None = None

    def _repr_mimebundle_(self, **_: Any) -> dict[str, str]:
        if not self.svg:
            return bundle(f"<p>{escape(self.alt)}</p>", self.alt)
        data = base64.b64encode(self.svg.encode()).decode()
        image = f'<img src="data:image/svg+xml;base64,{data}" alt="{escape(self.alt, quote=True)}">'
        return bundle(f'<div class="figure-scroll">{image}</div>{self._folded()}', self.alt)

    def _folded(self) -> str:
        if self.numbers is None:
            return ""
        table = f'<div class="table-scroll">{self.numbers.html()}</div>'
        return f'\n<details class="figure-data"><summary>Numbers in this figure</summary>{table}</details>'


def short(text: str) -> str:
    """Return a name on one line, cut where a picture has no room for it."""
    line = " ".join(text.split())
    return line if len(line) <= LONGEST else f"{line[: LONGEST - 1].rstrip()}…"


def new_axes(height: float) -> tuple[Figure, Axes]:
    """Return a figure of a report's width, and its axes; height in inches."""
    from matplotlib.figure import Figure as NewFigure

    figure = NewFigure(figsize=(7.2, height), layout="constrained", facecolor="white")
    return figure, figure.add_subplot()


def finish(figure: Figure, alt: str, behind: ReportTable | None = None) -> ReportFigure:
    """Return a figure as SVG without a date, with its alternative text and the numbers behind it."""
    stream = io.StringIO()
    figure.savefig(stream, format="svg", metadata={"Date": None})
    return ReportFigure(stream.getvalue(), alt, behind)


def paths(results: Results, estimate: str) -> ReportFigure:
    """Draw pilots' and comparison schools' rates over time, with the pilots' rate without the programme."""
    import matplotlib as mpl

    effect = results.effect(estimate)
    key, units = effect.estimand.indicator, wording.unit(results)
    rate = f"{results.indicator(key)} {results.per(key)}"
    table = results.table(f"design/paths_{key}")
    without = results.table(f"estimates/{estimate}/counterfactual")
    periods = list(dict.fromkeys(table["period"]))
    at = {period: i for i, period in enumerate(periods)}
    with mpl.rc_context(STYLE):
        figure, axes = new_axes(3.8)
        for group, colour, label in (
            ("comparison", COMPARISON, f"Comparison {units}"),
            ("pilots", PILOT, f"Pilot {units}"),
        ):
            part = table[table["group"] == group]
            x = [at[period] for period in part["period"]]
            axes.fill_between(x, part["rate_lower"], part["rate_upper"], color=colour, alpha=0.25, linewidth=0)
            axes.plot(x, part["rate"], color=colour, marker="o", markersize=4, label=label)
        treated = np.array([at[period] for period in without["period"]])
        scale = 100 / without["exposure"].to_numpy()
        middle, low, high = (scale * without[f"without_{end}"].to_numpy() for end in ("median", "lower", "upper"))
        axes.errorbar(
            treated + 0.12, middle, yerr=[middle - low, high - middle], color=WITHOUT, fmt="D", markersize=4, capsize=3,
            label=f"Pilot {units} without the programme, estimated",
        )  # fmt: skip
        start = at[results.record("design/design")["treated_periods"][0]]
        axes.axvline(start - 0.5, color=INK, linewidth=1, linestyle=":")
        for period in results.record("design/design")["excluded"]:
            axes.axvspan(at[period] - 0.5, at[period] + 0.5, color="#e8e8e8", zorder=0, linewidth=0)
        told = _mark_events(axes, results.table("design/events"), at)
        axes.set_xticks(range(len(periods)), periods, rotation=45, ha="right")
        axes.set(ylabel=rate, ylim=(min(0.0, float(np.nan_to_num(low).min())), None))
        axes.legend(loc="upper center", bbox_to_anchor=(0.5, 1.22), ncols=2, fontsize=9)
        return finish(
            figure, f"{_paths_alt(table, without, rate, units)}{told}", _paths_numbers(table, without, rate, units)
        )


def _mark_events(axes: Axes, events: Any, at: Mapping[str, int]) -> str:
    """Mark each event's periods with its number, hatched where they are kept; return the events in words."""
    marks: dict[str, list[str]] = {}
    for number, event in enumerate(events.itertuples(), 1):
        for period in str(event.periods).split("; "):
            marks.setdefault(period, []).append(str(number))
            if event.treatment != "exclude" or event.schools:
                axes.axvspan(
                    at[period] - 0.5, at[period] + 0.5, facecolor="none", edgecolor="#d0d0d0", hatch="//",
                    zorder=0, linewidth=0,
                )  # fmt: skip
    for period, numbers_ in marks.items():
        axes.annotate(
            ", ".join(numbers_), (at[period], 1), xycoords=("data", "axes fraction"), ha="center", va="top",
            xytext=(0, -2), textcoords="offset points", color=INK, fontsize=8,
        )  # fmt: skip
    told = "; ".join(f"{i} {event.label} ({event.periods})" for i, event in enumerate(events.itertuples(), 1))
    return f" Events marked: {told}." if told else ""


def _paths_alt(table: Any, without: Any, rate: str, units: str) -> str:
    treated, used = set(without["period"]), table["used"]
    means = {
        (group, late): _mean_shown(
            table[(table["group"] == group) & used & (table["period"].isin(treated) == late)]
        )
        for group in ("pilots", "comparison")
        for late in (False, True)
    }
    gaps = sorted(set(table.loc[used & table["rate"].isna(), "period"]))
    withheld = f" Withheld in some groups, and shown as gaps: {', '.join(gaps)}." if gaps else ""
    return (
        f"Line chart of {rate} by year. Pilot {units} average {means['pilots', False]} before "
        f"the start and {means['pilots', True]} after; comparison {units} {means['comparison', False]} and "
        f"{means['comparison', True]}. Markers show the pilots' estimated rate without the programme, with wide "
        f"intervals. Years left out are shaded.{withheld}"
    )


def _paths_numbers(table: Any, without: Any, rate: str, units: str) -> ReportTable:
    """Return both groups' rates by period with their bounds, and the pilots' rate without the programme."""

    def shown(low: float, middle: float, high: float) -> str:
        if not np.isfinite(middle):
            return "withheld or missing"
        one = numbers.decimal(middle)
        ends = numbers.interval(numbers.decimal(low), numbers.decimal(high))
        return one if low == high else f"{one} ({ends})"

    by = {(row.period, row.group): shown(row.rate_lower, row.rate, row.rate_upper) for row in table.itertuples()}
    scaled = {
        row.period: shown(
            *(100 * value / row.exposure for value in (row.without_lower, row.without_median, row.without_upper))
        )
        for row in without.itertuples()
    }
    rows = [
        (
            str(period),
            by.get((period, "pilots"), "–"),
            by.get((period, "comparison"), "–"),
            scaled.get(period, "–"),
        )
        for period in dict.fromkeys(table["period"])
    ]
    columns = ("Year", f"Pilot {units}", f"Comparison {units}", f"Pilot {units} without the programme, estimated")
    return ReportTable((columns[0], f"{columns[1]}, {rate}", *columns[2:]), rows, numeric=(1, 2, 3))


def _mean_shown(part: Any) -> str:
    """Write the mean of the rates that are shown."""
    shown = part["rate"].dropna()
    return f"{shown.mean():.2f}" if len(shown) else "withheld"


def balance(results: Results) -> ReportFigure:
    """Draw how far pilots and comparison schools were apart before the start (a love plot)."""
    import matplotlib as mpl

    table = results.table("design/balance").dropna(subset="standardised_difference")
    labels = [balance_label(results, str(measure)) for measure in table["measure"]]
    gaps, plain = (
        table[name].to_numpy(dtype=float) for name in ("standardised_difference", "unweighted_difference")
    )
    weighted = not np.allclose(gaps, plain)
    with mpl.rc_context(STYLE):
        figure, axes = new_axes(1.2 + 0.32 * len(labels))
        axes.axvspan(-0.25, 0.25, color="#e8e8e8", zorder=0, linewidth=0)
        axes.axvline(0, color=INK, linewidth=1)
        if weighted:
            axes.plot(plain, range(len(plain)), "o", color=COMPARISON, fillstyle="none", label="without weights")
        axes.plot(gaps, range(len(gaps)), "o", color=PILOT, markersize=7, label="with weights")
        if weighted:
            axes.legend(loc="lower right", fontsize=8)
        axes.set_yticks(range(len(labels)), labels)
        axes.set(ylim=(len(labels) - 0.5, -0.5), xlabel="pilots minus comparison, in standard deviations")
        points = "; ".join(
            f"{label} {gap:+.2f}" + (f" (without weights {before:+.2f})" if weighted else "")
            for label, gap, before in zip(labels, gaps, plain, strict=True)
        )
        alt = f"Dot plot of standardised differences before the start; beyond 0.25 is usually called large. {points}."
        rows = [
            (label, numbers.decimal(gap), numbers.decimal(before))
            for label, gap, before in zip(labels, gaps, plain, strict=True)
        ]
        columns = ("Before the start", "Difference in SDs", "Without weights")
        return finish(figure, alt, ReportTable(columns, rows, numeric=(1, 2)))


def permutation(results: Results, estimate: str) -> ReportFigure:
    """Draw how unusual the true pilots are among all sets of schools."""
    import matplotlib as mpl

    effect = results.effect(estimate)
    table = effect.tables["permutation"]
    truth = float(table.loc[table["is_pilots"], "statistic"].iloc[0])
    with mpl.rc_context(STYLE):
        figure, axes = new_axes(2.8)
        sets, edges, _ = axes.hist(table["statistic"], bins=60, color=COMPARISON, edgecolor="none")
        axes.axvline(truth, color=PILOT, linewidth=2)
        axes.annotate(
            "the pilots", (truth, 1), xycoords=("data", "axes fraction"), color=PILOT, ha="center",
            xytext=(0, 3), textcoords="offset points",
        )  # fmt: skip
        axes.set(xlabel="standardised change, each set of as many taken as pilots", ylabel="sets")
        as_far = float((table["statistic"].abs() >= abs(truth) - 1e-9).mean())
        alt = (
            f"Histogram of a standardised change for {len(table):,} sets of {wording.unit(results)}. The true pilots "
            f"stand at {truth:.1f}; {numbers.percent(as_far)} of sets lie as far from zero or further."
        ).replace("-", "−")
        return finish(figure, alt, _histogram_numbers(np.asarray(sets), edges, truth))


def _histogram_numbers(sets: Any, edges: Any, truth: float) -> ReportTable:
    """Return a histogram in ten rows, with the pilots' place."""
    ends = edges[:: len(sets) // 10]
    rows = [
        (
            numbers.interval(numbers.decimal(low), numbers.decimal(high))
            + (", the pilots" if low <= truth < high else ""),
            numbers.count(part.sum()),
        )
        for low, high, part in zip(ends, ends[1:], np.split(sets, 10), strict=False)
    ]
    return ReportTable(("Standardised change", "Sets"), rows, numeric=(1,))


def detectable(results: Results, estimate: str) -> ReportFigure:
    """Draw the chance of detecting a true fall of each size."""
    import matplotlib as mpl

    table = results.effect(estimate).tables["detectable"]
    with mpl.rc_context(STYLE):
        figure, axes = new_axes(2.8)
        axes.plot(100 * table["reduction"], 100 * table["chance"], color=PILOT, marker="o", markersize=4)
        axes.axhline(100 * TARGET, color=INK, linewidth=1, linestyle="--")
        axes.annotate(
            "four times in five", (0, 100 * TARGET), xytext=(2, 4), textcoords="offset points", color=INK
        )
        axes.set(xlabel="true fall in the rate (%)", ylabel="chance of finding it (%)", ylim=(0, 102))
        shown = table.iloc[[3, 5, 7, 9]].astype(float).to_numpy().tolist()
        points = "; ".join(f"{reduction:.0%}: {numbers.chance(chance)}" for reduction, chance in shown)
        rows = [
            (f"{reduction:.0%}", numbers.chance(chance)) for reduction, chance in table.to_numpy(float).tolist()
        ]
        behind = ReportTable(("Fall in the rate, if true", "Chance of finding it"), rows, numeric=(1,))
        alt = f"Line chart of the chance of finding a true fall in the rate, by its size. {points}."
        return finish(figure, alt, behind)


def withheld(reason: str) -> ReportFigure:
    """Return a sentence in place of a figure."""
    return ReportFigure("", reason)


def cash_flow(results: Results) -> ReportFigure:
    """Draw mean flows by financial year in the central scenario, by line; nothing where they are withheld."""
    import matplotlib as mpl

    record, flows = results.record("appraisal/appraisal"), results.table("appraisal/flows")
    if flows["undiscounted"].isna().any():
        return withheld("Savings by year are withheld: they would tell how many were averted in a withheld year.")
    # transfers between payers net to zero and would only double the bars
    central = flows[(flows["scenario"] == "central") & ~flows["kind"].isin(["transfer", "lifetime"])]
    wide = central.pivot_table(
        index="year", columns="line_label", values="undiscounted", aggfunc="sum", fill_value=0.0
    )
    colours = (PILOT, "#28a197", "#801650", WITHOUT, COMPARISON, INK)
    with mpl.rc_context(STYLE):
        figure, axes = new_axes(3.4)
        up, down = np.zeros(len(wide)), np.zeros(len(wide))
        for i, line in enumerate(wide.columns):
            values = wide[line].to_numpy() / 1000
            base = np.where(values >= 0, up, down)
            axes.bar(range(len(wide)), values, bottom=base, color=colours[i % len(colours)], label=line, width=0.7)
            up, down = up + np.maximum(values, 0), down + np.minimum(values, 0)
        axes.axhline(0, color=INK, linewidth=1)
        labels = [f"{year}-{(year + 1) % 100:02d}" for year in wide.index]
        axes.set_xticks(range(len(wide)), labels, rotation=45, ha="right")
        axes.set(ylabel=f"£000, {record['price_year']} prices, mean")
        axes.legend(loc="upper center", bbox_to_anchor=(0.5, 1.32), ncols=2, fontsize=8)
        totals = "; ".join(f"{line}: {numbers.pounds(float(wide[line].sum()))}" for line in wide.columns)
        rows = [
            (label, *(numbers.pounds(float(value)) for value in row))
            for label, row in zip(labels, wide.to_numpy(dtype=float), strict=True)
        ]
        behind = ReportTable(
            ("Financial year", *map(str, wide.columns)), rows, numeric=tuple(range(1, 1 + wide.shape[1]))
        )
        alt = f"Stacked bars of mean savings (above zero) and costs (below) by financial year. Totals, undiscounted: {totals}."
        return finish(figure, alt, behind)
