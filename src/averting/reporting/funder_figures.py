"""Figures from averted exclusions to pounds: the cascade, cash by payer, and the plane of effect and net saving."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import xarray as xr

from averting.reporting import numbers, wording
from averting.reporting.figures import (
    COMPARISON,
    INK,
    PILOT,
    STYLE,
    WITHOUT,
    ReportFigure,
    finish,
    new_axes,
    withheld,
)
from averting.reporting.money_figures import draw_steps, wrapped
from averting.reporting.results import Results
from averting.reporting.tables import KINDS, ReportTable
from averting.years import FinancialYear

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_COLOURS = (PILOT, "#28a197", "#801650", WITHOUT, COMPARISON, INK)
_HATCHES = ("", "//", "", "\\\\", "", "..")
_YEARS_WITHHELD = "Savings by year are withheld: they would tell how many were averted in a withheld year."
_MOST_DOTS = 1_000


def cascade(results: Results) -> ReportFigure:
    """Draw how averted exclusions become pounds: each line's saving, the programme's cost, and what is left.

    Central scenario, present value, means; cash and places freed, told apart by their names. Transfers net to zero and
    later life is in no total, so neither is drawn.
    """
    import matplotlib as mpl

    flows = results.table("appraisal/flows")
    if flows["present_value"].isna().any():
        return withheld(_YEARS_WITHHELD)
    central = flows[(flows["scenario"] == "central") & flows["kind"].isin(["cashable", "capacity"])]
    lines = central.groupby(["line_label", "kind"], sort=False)["present_value"].sum()
    lines = lines.sort_values(ascending=False) / 1000
    values = lines.to_numpy(dtype=float)
    names = [f"{label} ({KINDS[str(kind)]})" for label, kind in lines.index]
    valued = results.valued
    assert valued is not None
    mean = float(valued.averted().total().mean())
    what = results.indicator(valued.estimand.indicator)
    with mpl.rc_context(STYLE):
        figure, axes = new_axes(1.4 + 0.42 * (len(names) + 1))
        draw_steps(axes, values, [*map(wrapped, names), "Cash and places, net"])
        axes.margins(x=0.16)
        title = f"{numbers.count(mean)} {what} averted, on average, become"
        axes.set(xlabel="£000, present value, mean")
        axes.set_title(title, loc="left", fontsize=10, color=INK)
        rows = [(name, numbers.pounds(1000 * float(v))) for name, v in zip(names, values, strict=True)]
        rows.append(("Cash and places, net", numbers.pounds(1000 * float(values.sum()))))
        told = "; ".join(" ".join(row) for row in rows)
        alt = f"Bars, one after another: {numbers.count(mean)} {what} averted, on average, become {told}."
        return finish(figure, alt, ReportTable(("Line (kind)", "Present value, mean"), rows, numeric=(1,)))


def yearly_cash(results: Results) -> pd.DataFrame | None:
    """Return mean net cash by financial year (rows) and payer's name (columns), central scenario, in pounds.

    The programme's cost and transfers are in it; None where savings by year are withheld.
    """
    flows = results.table("appraisal/flows")
    if flows["undiscounted"].isna().any():
        return None
    cash = flows[(flows["scenario"] == "central") & flows["kind"].isin(["cashable", "transfer"])]
    wide = cash.pivot_table(index="year", columns="payer", values="undiscounted", aggfunc="sum", fill_value=0.0)
    wide = wide.loc[:, (wide.abs() >= 0.5).any()]
    payers = results.table("appraisal/payers")
    labels = dict(zip(payers["payer"].astype(str), payers["payer_label"].astype(str), strict=True))
    wide.index = pd.Index([FinancialYear(int(year)).label for year in wide.index])
    return wide.rename(columns=lambda payer: labels.get(str(payer), str(payer)))


def cash_by_payer(results: Results) -> ReportFigure:
    """Draw mean net cash by financial year, stacked by who gains it or pays it; central scenario, not discounted."""
    import matplotlib as mpl

    wide = yearly_cash(results)
    if wide is None:
        return withheld(_YEARS_WITHHELD)
    names, years = list(map(str, wide.columns)), list(map(str, wide.index))
    with mpl.rc_context(STYLE):
        figure, axes = new_axes(3.6)
        up, down = np.zeros(len(wide)), np.zeros(len(wide))
        for i, values in enumerate(wide.to_numpy(dtype=float).T / 1000):
            axes.bar(
                range(len(wide)), values, bottom=np.where(values >= 0, up, down), width=0.7, label=names[i],
                color=_COLOURS[i % 6], hatch=_HATCHES[i % 6], edgecolor="white", linewidth=0,
            )  # fmt: skip
            up, down = up + np.maximum(values, 0), down + np.minimum(values, 0)
        total = wide.sum(axis=1).to_numpy(dtype=float) / 1000
        axes.plot(range(len(wide)), total, "D", color="white", markeredgecolor=INK, markersize=5, label="together")
        axes.axhline(0, color=INK, linewidth=1)
        axes.set_xticks(range(len(wide)), years, rotation=45, ha="right")
        axes.set(ylabel=f"£000, {results.record('appraisal/appraisal')['price_year']} prices, mean")
        axes.legend(loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=2, fontsize=8)
        told = "; ".join(f"{n} {numbers.pounds(float(wide.iloc[:, i].sum()))}" for i, n in enumerate(names))
        rows = [
            (year, *(numbers.pounds(float(v)) for v in (*row, row.sum())))
            for year, row in zip(years, wide.to_numpy(dtype=float), strict=True)
        ]
        columns = ("Financial year", *names, "Together")
        alt = f"Stacked bars of mean net cash by financial year and payer. Over all years, undiscounted: {told}."
        return finish(figure, alt, ReportTable(columns, rows, numeric=tuple(range(1, len(columns)))))


def plane(results: Results) -> ReportFigure:
    """Draw draws of exclusions averted against net cash saved: the cost-effectiveness plane, pounds upwards."""
    import matplotlib as mpl

    file = results.folder / "appraisal" / "totals.nc"
    if not file.is_file():
        return withheld(
            "Draws of what was averted and saved stay inside: single draws would tell of single counts."
        )
    if not (results.folder / "appraisal" / "quadrants.csv").is_file():
        return withheld("The programme's cost was not given, so what it saves net is not known.")
    valued = results.valued
    assert valued is not None
    with xr.open_dataset(file, engine="scipy") as found:
        net = found["npv"].sel(scenario="central", view="cashable").to_numpy() / 1000
    averted = valued.averted().total().to_numpy()
    size = min(len(net), len(averted))
    shares = _quarters(results)
    word = "Probability" if wording.has_probability(valued) else "Share of draws"
    at = np.linspace(0, size - 1, min(size, _MOST_DOTS)).astype(int)
    with mpl.rc_context(STYLE):
        figure, axes = new_axes(3.8)
        axes.plot(
            averted[at], net[at], "o", color=PILOT, markersize=2.5, alpha=0.35, markeredgewidth=0, rasterized=False
        )
        axes.axhline(0, color=INK, linewidth=1)
        axes.axvline(0, color=INK, linewidth=1)
        ends = np.quantile(averted, [0.005, 0.995]), np.quantile(net, [0.005, 0.995])
        for limits, bounds in ((axes.set_xlim, ends[0]), (axes.set_ylim, ends[1])):
            wide = 0.08 * max(float(bounds[1] - bounds[0]), 1.0)
            limits(min(float(bounds[0]), 0.0) - wide, max(float(bounds[1]), 0.0) + wide)
        _in_corners(axes, [share for _, share in shares])
        axes.set(
            xlabel=f"{results.indicator(valued.estimand.indicator)} averted",
            ylabel="net cash saved, £000, present value",
        )
        told = "; ".join(f"{words} {share}" for words, share in shares)
        alt = (
            f"Scatter of draws: exclusions averted across, net cash saved upwards. {word} of each quarter: {told}."
        )
        return finish(figure, alt, ReportTable(("Quarter", word), shares, numeric=(1,)))


def _quarters(results: Results) -> list[tuple[str, str]]:
    """Return what each quarter of the plane means, and how likely it is: upper right, lower right, upper left, lower left."""
    quarters = results.table("appraisal/quadrants")
    row = quarters[(quarters["scenario"] == "central") & (quarters["view"] == "cashable")].iloc[0]
    named = (
        ("averts exclusions and saves cash", "averts_saves"), ("averts exclusions and costs cash", "averts_costs"),
        ("more exclusions, and saves cash", "more_saves"), ("more exclusions, and costs cash", "more_costs"),
    )  # fmt: skip
    return [(words, numbers.chance(float(row[key]))) for words, key in named]


def _in_corners(axes: Axes, shares: Sequence[str]) -> None:
    corners = ((0.98, 0.97), (0.98, 0.03), (0.02, 0.97), (0.02, 0.03))
    for share, (x, y) in zip(shares, corners, strict=True):
        axes.annotate(
            share, (x, y), xycoords="axes fraction", ha="right" if x > 0.5 else "left", va="top" if y > 0.5 else "bottom",
            color=INK, fontsize=11, fontweight="bold", bbox={"facecolor": "white", "edgecolor": "none", "pad": 1},
        )  # fmt: skip
