"""Figures of an appraisal: pure functions of tables, with alternative text written from the same numbers."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import pandas as pd
import xarray as xr

from averting.reporting import numbers
from averting.reporting.figures import COMPARISON, INK, PILOT, STYLE, WITHOUT, ReportFigure, finish, new_axes
from averting.reporting.tables import ReportTable

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_COLOURS = (PILOT, "#28a197", "#801650", WITHOUT, COMPARISON, INK)
_DASHES = ("-", "--", "-.", ":", (0, (5, 1, 1, 1, 1, 1)), (0, (1, 3)))


def thousands(value: float) -> str:
    """Write thousands of pounds: £51k."""
    return f"{numbers.MINUS if round(value) < 0 else ''}£{abs(value):,.0f}k"


def wrapped(text: str, width: int = 40) -> str:
    """Break a label into lines."""
    return "\n".join(textwrap.wrap(text, width))


def draw_steps(axes: Axes, values: npt.NDArray[np.float64], labels: Sequence[str]) -> None:
    """Draw a waterfall: bars that begin where the one above ends, and the whole as the last; thousands of pounds, labelled."""
    starts, widths = [0.0, *np.cumsum(values)[:-1], 0.0], [*values, values.sum()]
    colours = [PILOT if width >= 0 else WITHOUT for width in widths]
    axes.barh(range(len(widths)), widths, left=starts, color=colours, height=0.62)
    for row, (start, width) in enumerate(zip(starts, widths, strict=True)):
        axes.annotate(
            thousands(width), (max(start, start + width), row), xytext=(4, 0), textcoords="offset points",
            va="center", color=INK, fontsize=9, bbox={"facecolor": "white", "edgecolor": "none", "pad": 1},
        )  # fmt: skip
    axes.axvline(0, color=INK, linewidth=1)
    axes.set_yticks(range(len(widths)), labels)
    axes.set(ylim=(len(widths) - 0.5, -0.5))


def waterfall(net_by_payer: pd.Series, *, title: str = "") -> ReportFigure:
    """Draw how each payer's net gain builds up to the total.

    Parameters
    ----------
    net_by_payer : Series, index payer labels
        Pounds, present value; gains positive. Payers with nothing are left out.
    title : str
        What is shown, for example the scenario and view.
    """
    import matplotlib as mpl

    shown = net_by_payer[net_by_payer != 0]
    values = shown.to_numpy(dtype=float) / 1000
    labels = [*(wrapped(str(label)) for label in shown.index), "All of them"]
    with mpl.rc_context(STYLE):
        figure, axes = new_axes(1.3 + 0.42 * len(labels))
        draw_steps(axes, values, labels)
        for row, end in enumerate(np.cumsum(values)):
            axes.plot([end, end], [row, row + 1], color=INK, linewidth=0.7, linestyle=":")
        axes.use_sticky_edges = False
        axes.margins(x=0.14)
        axes.set(xlabel="£000, present value, mean: gains right, costs left", title=title)
        told = "; ".join(f"{label} {numbers.pounds(float(value))}" for label, value in shown.items())
        alt = f"Waterfall chart of mean net gain by payer. {told}. Together {numbers.pounds(float(shown.sum()))}."
        rows = [(str(label), numbers.pounds(float(value))) for label, value in shown.items()]
        rows.append(("All public budgets", numbers.pounds(float(shown.sum()))))
        return finish(figure, alt, ReportTable(("Who", "Net gain, mean"), rows, numeric=(1,)))


def cash_by_year(net: xr.DataArray, *, level: float = 0.95) -> ReportFigure:
    """Draw net cash by financial year with intervals, and its running total.

    Parameters
    ----------
    net : DataArray, dims (draw, year)
        Savings less spend in pounds; ``year`` holds the starts of financial years.
    """
    import matplotlib as mpl

    tail = (1 - level) / 2
    draws = net.transpose("draw", "year").to_numpy() / 1000
    mean, low, high = draws.mean(axis=0), *np.quantile(draws, [tail, 1 - tail], axis=0)
    years = [f"{int(year)}-{(int(year) + 1) % 100:02d}" for year in net["year"].to_numpy()]
    with mpl.rc_context(STYLE):
        figure, axes = new_axes(3.4)
        at = np.arange(len(years))
        axes.bar(at, mean, width=0.62, color=[PILOT if value >= 0 else WITHOUT for value in mean])
        axes.vlines(at, low, high, color=INK, linewidth=1.2)
        axes.plot(
            at,
            mean.cumsum(),
            color="#801650",
            marker="o",
            markersize=4,
            linestyle="--",
            label="running total, mean",
        )
        axes.axhline(0, color=INK, linewidth=1)
        axes.set_xticks(at, years, rotation=45, ha="right")
        axes.set(ylabel="£000, undiscounted")
        axes.legend(loc="upper center", bbox_to_anchor=(0.5, 1.16), fontsize=9)
        points = "; ".join(
            f"{year} {numbers.pounds(1000 * float(v))}" for year, v in zip(years, mean, strict=True)
        )
        alt = (
            f"Bars of mean net cash by financial year, with {level:.0%} intervals. {points}. Together "
            f"{numbers.pounds(1000 * float(mean.sum()))}."
        )
        rows = [
            (year, *(numbers.pounds(1000 * float(value)) for value in (middle, bottom, top, total)))
            for year, middle, bottom, top, total in zip(years, mean, low, high, mean.cumsum(), strict=True)
        ]
        columns = ("Financial year", "Net cash, mean", "Low", "High", "Running total, mean")
        return finish(figure, alt, ReportTable(columns, rows, numeric=(1, 2, 3, 4)))


def acceptability(shares: xr.DataArray, *, labels: dict[str, str], posterior: bool) -> ReportFigure:
    """Draw acceptability curves: the share of draws in which each scenario is best, by threshold.

    Parameters
    ----------
    shares : DataArray, dims (scenario, threshold)
        From :func:`averting.decision.ceac`.
    labels : dict of str to str
        Names of scenarios by key.
    posterior : bool
        Whether the shares may be called chances.
    """
    import matplotlib as mpl

    word = "chance of being best" if posterior else "share of draws in which it is best"
    grid = shares["threshold"].to_numpy() / 1000
    with mpl.rc_context(STYLE):
        figure, axes = new_axes(3.2)
        for row, key in enumerate(shares["scenario"].to_numpy()):
            axes.plot(
                grid, 100 * shares.sel(scenario=key).to_numpy(), color=_COLOURS[row % 6], linestyle=_DASHES[row % 6],
                linewidth=2, label=labels.get(str(key), str(key)),
            )  # fmt: skip
        axes.set(
            xlabel="£000 an averted exclusion is worth beyond the savings counted",
            ylabel=f"{word} (%)",
            ylim=(-2, 102),
        )
        axes.legend(
            loc="upper center", bbox_to_anchor=(0.5, 1.2), ncols=min(3, shares.sizes["scenario"]), fontsize=9
        )
        ends = (0, -1)
        told = "; ".join(
            f"{labels.get(str(key), str(key))} "
            + " and ".join(numbers.chance(float(shares.sel(scenario=key)[end])) for end in ends)
            for key in shares["scenario"].to_numpy()
        )
        first, last = (numbers.pounds(1000 * float(grid[end])) for end in ends)
        keys = [str(key) for key in shares["scenario"].to_numpy()]
        rows = [
            (
                numbers.pounds(1000 * float(value)),
                *(numbers.chance(float(shares.sel(scenario=key)[at])) for key in keys),
            )
            for at, value in enumerate(grid)
            if at % max(1, len(grid) // 10) == 0 or at == len(grid) - 1
        ]
        columns = ("Worth of an averted exclusion", *(f"{labels.get(key, key)}: {word}" for key in keys))
        behind = ReportTable(columns, rows, numeric=tuple(range(1, len(columns))))
        alt = f"Line chart of the {word}, at {first} and at {last} an averted exclusion: {told}."
        return finish(figure, alt, behind)


def tornado(table: pd.DataFrame, *, most: int = 10) -> ReportFigure:
    """Draw what each uncertain thing alone does to mean net present value, widest first.

    Parameters
    ----------
    table : DataFrame
        From :func:`averting.appraisal.sensitivity.one_way`.
    most : int
        Number of bars; how many are left out is said.
    """
    import matplotlib as mpl

    shown = table.head(most)
    with mpl.rc_context(STYLE):
        figure, axes = new_axes(1.5 + 0.44 * len(shown))
        rows, now = range(len(shown)), float(table["npv"].iloc[0]) / 1000
        for column, colour, hatch, label in (
            ("npv_low", COMPARISON, "", "at its low value"), ("npv_high", PILOT, "", "at its high value"),
        ):  # fmt: skip
            ends = shown[column].to_numpy(dtype=float) / 1000
            axes.barh(rows, ends - now, left=now, color=colour, height=0.62, hatch=hatch, label=label)
        axes.axvline(now, color=INK, linewidth=1)
        axes.axvline(0, color=INK, linewidth=1, linestyle=":")
        axes.set_yticks(rows, [wrapped(str(label)) for label in shown["label"]], fontsize=9)
        axes.set(ylim=(len(shown) - 0.5, -0.5), xlabel="mean net present value, £000")
        axes.legend(loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=2, fontsize=9)
        told = "; ".join(
            f"{row['label']} from {numbers.pounds(float(row['npv_low']))} to {numbers.pounds(float(row['npv_high']))}"
            for row in shown.to_dict(orient="records")
        )
        left = len(table) - len(shown)
        more = f" {left} narrower not shown." if left else ""
        alt = f"Tornado chart of mean net present value, {numbers.pounds(1000 * now)} as it stands. {told}.{more}"
        cells = [
            (str(row["label"]), numbers.pounds(float(row["npv_low"])), numbers.pounds(float(row["npv_high"])))
            for row in table.to_dict(orient="records")
        ]
        columns = ("What changes", "Mean at its low value", "Mean at its high value")
        return finish(figure, alt, ReportTable(columns, cells, numeric=(1, 2)))


def break_even_map(
    grid: xr.DataArray,
    *,
    x_label: str,
    y_label: str,
    now: tuple[float, float] | None = None,
    interval: tuple[float, float] | None = None,
) -> ReportFigure:
    """Draw mean net present value over two things, with the line on which it is zero.

    Parameters
    ----------
    grid : DataArray, two dims
        From :func:`averting.appraisal.sensitivity.two_way`; the first dim runs up, the second across.
    x_label, y_label : str
        What the second and first dims are, with units.
    now, interval : tuple of float, optional
        Where it stands, as (across, up), and the interval of what runs up; marked on the map.
    """
    import matplotlib as mpl
    from matplotlib.patheffects import withStroke

    up, across = (str(dim) for dim in grid.dims)
    x, y, values = grid[across].to_numpy(), grid[up].to_numpy(), grid.to_numpy() / 1000
    most = max(float(np.abs(values).max()), 1e-9)
    with mpl.rc_context(STYLE):
        figure, axes = new_axes(3.8)
        # orange to purple, white at zero: told apart by colour-blind readers, and the line says it without colour
        mesh = axes.pcolormesh(x, y, values, cmap="PuOr", vmin=-most, vmax=most, shading="nearest")
        if values.min() < 0 < values.max():
            axes.contour(x, y, values, levels=[0.0], colors=[INK], linewidths=1.8)
            axes.set_title("On the line it breaks even", fontsize=10, color=INK)
        if values.size <= 64:
            for row, height in enumerate(y):
                for column, place in enumerate(x):
                    deep = abs(values[row, column]) > 0.5 * most
                    # a light edge keeps a number legible where the line runs through it
                    edge = [] if deep else [withStroke(linewidth=2.5, foreground="white")]
                    axes.annotate(
                        thousands(values[row, column]).replace("£", "").replace("k", ""), (place, height), ha="center",
                        va="center", fontsize=8, color="white" if deep else INK, path_effects=edge,
                    )  # fmt: skip
        told = _stands(axes, now, interval, y_label) if now else ""
        axes.set(xlabel="\n".join(textwrap.wrap(x_label, 62)), ylabel=y_label)
        if np.abs(x).max() >= 1000:
            axes.xaxis.set_major_formatter("{x:,.0f}")
        figure.colorbar(mesh, ax=axes, label="mean net present value, £000")
        alt = (
            f"Heat map of mean net present value by {y_label} and {x_label}: from {numbers.pounds(1000 * values.min())} to "
            f"{numbers.pounds(1000 * values.max())}; {numbers.percent(float((values >= 0).mean()))} of the cells pay.{told}"
        )
        return finish(figure, alt, _grid_table(grid, x_label, y_label))


def _grid_table(grid: xr.DataArray, x_label: str, y_label: str) -> ReportTable:
    up, across = (str(dim) for dim in grid.dims)
    rows = [
        (f"{height:,.0f}", *(numbers.pounds(float(value)) for value in grid.sel({up: height})))
        for height in grid[up].to_numpy()[::-1]
    ]
    heads = [f"{place:,.0f}" for place in grid[across].to_numpy()]
    return ReportTable((f"{y_label}, by {x_label}", *heads), rows, numeric=tuple(range(1, len(heads) + 1)))


def _stands(axes: Axes, now: tuple[float, float], interval: tuple[float, float] | None, y_label: str) -> str:
    """Mark where things stand on a map without changing its reach, and say it."""
    reach = axes.get_xlim(), axes.get_ylim()
    if interval is not None:
        axes.vlines(now[0], *interval, color="white", linewidth=4)
        axes.vlines(now[0], *interval, color=INK, linewidth=1.6)
    axes.plot(*now, marker="D", markersize=8, color=INK, markeredgecolor="white", linestyle="none")
    axes.set(xlim=reach[0], ylim=reach[1])
    spread = f" ({numbers.count(interval[0])} to {numbers.count(interval[1])})" if interval else ""
    return f" It stands at {numbers.count(now[1])}{spread} {y_label} and {now[0]:,.0f}."
