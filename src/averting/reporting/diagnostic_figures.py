"""Figures of diagnostics: schools left out, specifications, and sensitivity to uneven trends."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from averting.effects.guardrails import COMBINED
from averting.reporting import diagnostics, numbers, wording
from averting.reporting.figures import (
    COMPARISON,
    INK,
    PILOT,
    STYLE,
    WITHOUT,
    ReportFigure,
    finish,
    new_axes,
    short,
    withheld,
)
from averting.reporting.results import Results
from averting.reporting.tables import ReportTable, period_name

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_WIDEST = (1 / 16, 16.0)  # beyond these a ratio's interval is drawn to the edge, with an arrow


def leave_one_out(results: Results) -> ReportFigure:
    """Draw the estimate with all schools (or other units), and without single ones."""
    if results.disclosure is not None:
        return withheld(diagnostics.HIDDEN)
    if "leave_one_out" not in results.manifest["diagnostics"]:
        return withheld("None was left out: leave_one_out is not among the diagnostics asked for.")
    table = results.table("diagnostics/leave_one_out")
    units = wording.unit(results)
    said = f"Dot plot of the estimate with all {units} and with single {units} left out"
    return _forest(results, table, [str(label) for label in table["label"]], said)


def specification_curve(results: Results) -> ReportFigure:
    """Draw every specification's estimate and interval, from the lowest up."""
    if diagnostics.CURVE not in results.manifest["diagnostics"]:
        return withheld("No specification curve was declared.")
    if results.disclosure is not None:
        return withheld(diagnostics.HIDDEN)
    table = results.table(f"diagnostics/{diagnostics.CURVE}")
    labels = [
        f"{row['method']}, {row['comparison']}"
        + (f", without {row['left_out']}" if isinstance(row["left_out"], str) else "")
        for row in table.to_dict(orient="records")
    ]
    return _forest(
        results, table, labels, "Dot plot of estimates by specification, the estimate itself in another colour"
    )


def guardrails(results: Results) -> ReportFigure:
    """Draw the effect on each outcome that exclusions can move into; there must be one, see ``guardrails_shown``."""
    table = results.table("guardrails/guardrails")
    shown = table[table["estimate"].notna()]
    together = "all of the same kind, together"
    keys = [str(key) for key in shown["indicator"]]
    labels = [together if key == COMBINED else diagnostics.guarded_name(results, key) for key in keys]
    marked = shown.assign(is_main=shown["indicator"] == COMBINED)
    return _forest(results, marked, labels, "Dot plot of the effect on outcomes that exclusions can move into")


def _forest(results: Results, table: Any, labels: list[str], said: str) -> ReportFigure:
    """Draw one row per estimate: dot, interval, and the line of no effect."""
    import matplotlib as mpl

    ratio = results.primary.estimand.scale == "ratio"
    estimate, low, high = (table[name].to_numpy(dtype=float) for name in ("estimate", "lower", "upper"))
    main = table["is_main"].to_numpy(dtype=bool) if "is_main" in table else np.arange(len(table)) == 0
    with mpl.rc_context(STYLE):
        figure, axes = new_axes(1.3 + 0.34 * len(labels))
        axes.axvline(1.0 if ratio else 0.0, color=INK, linewidth=1)
        if ratio:
            _log_ratio(axes, np.concatenate([estimate, low, high]))
        left, right = axes.get_xlim()
        for at in np.flatnonzero(np.isfinite(estimate)):
            colour = PILOT if main[at] else COMPARISON
            ends = np.clip([low[at], high[at]], left, right)
            axes.hlines(at, *ends, color=colour, linewidth=2)
            axes.plot(np.clip(estimate[at], left, right), at, "o", color=colour, markersize=7)
        axes.set_yticks(range(len(labels)), [short(label) for label in labels])
        axes.set(ylim=(len(labels) - 0.5, -0.5), xlabel=_axis(results, ratio))
        points = "; ".join(
            f"{label} {numbers.ratio(e)} ({numbers.interval(numbers.ratio(a), numbers.ratio(b))})"
            if np.isfinite(e)
            else f"{label} not estimable"
            for label, e, a, b in zip(labels, estimate, low, high, strict=True)
        )
        return finish(figure, f"{said}, with intervals. {points}.", _behind(labels, estimate, low, high))


def _behind(labels: list[str], estimate: Any, low: Any, high: Any) -> ReportTable:
    rows = [
        (label, numbers.ratio(e), numbers.interval(numbers.ratio(a), numbers.ratio(b)))
        if np.isfinite(e)
        else (label, "not estimable", "–")
        for label, e, a, b in zip(labels, estimate, low, high, strict=True)
    ]
    return ReportTable(("Estimate", "Size", "Interval"), rows, numeric=(1, 2))


def _axis(results: Results, ratio: bool) -> str:
    level = numbers.percent(results.primary.level)
    if ratio:
        return f"rate ratio with {level} interval\n(doubling scale; 1 is no effect)"
    return f"difference per 100 pupils with {level} interval\n(0 is no effect)"


def _log_ratio(axes: Axes, values: Any) -> None:
    """Scale the axis by doublings, no wider than the numbers need."""
    seen = values[np.isfinite(values) & (values > 0)]
    low = max(_WIDEST[0], min(0.5, float(seen.min(initial=0.5))))
    high = min(_WIDEST[1], max(2.0, float(seen.max(initial=2.0))))
    axes.set_xscale("log", base=2)
    axes.set_xlim(low / 1.1, high * 1.1)
    ticks = [2.0**power for power in range(-4, 5) if low / 1.1 <= 2.0**power <= high * 1.1]
    axes.set_xticks(ticks, [f"{tick:g}" for tick in ticks])
    axes.minorticks_off()


def honest(results: Results) -> ReportFigure:
    """Draw how the interval widens with what is allowed of trends."""
    import matplotlib as mpl

    table = diagnostics.honest_table(results)
    if table is None:
        return withheld("Sensitivity to uneven trends was not asked for, could not be found, or is withheld.")
    part = table[table["restriction"] == "relative"]
    size, low, high = (part[name].to_numpy(dtype=float) for name in ("size", "lower", "upper"))
    with mpl.rc_context(STYLE):
        figure, axes = new_axes(2.8)
        axes.axhline(0, color=INK, linewidth=1)
        colours = [PILOT if b < 0 or a > 0 else WITHOUT for a, b in zip(low, high, strict=True)]
        axes.vlines(size, low, high, color=colours, linewidth=5)
        axes.set_xticks(size)
        axes.set(
            xlabel="departure from parallel trends allowed after the start,\ntimes the largest seen before it",
            ylabel=f"difference, events\nper 100 pupils a {period_name(results)}",
            xlim=(size[0] - 0.25, size[-1] + 0.25),
        )
        points = "; ".join(
            f"{s:g} times: {numbers.interval(numbers.decimal(a), numbers.decimal(b))}"
            for s, a, b in zip(size, low, high, strict=True)
        )
        alt = f"Intervals of the mean difference in rates, by how uneven trends may be. {points}."
        return finish(figure, alt, diagnostics.honest(results))
