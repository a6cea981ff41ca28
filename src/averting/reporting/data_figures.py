"""Figures of the data: what is hidden where, schools by size and rate, and effects by time since the start."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from averting.data import Panel
from averting.reporting import numbers, wording
from averting.reporting.figures import COMPARISON, INK, PILOT, STYLE, ReportFigure, finish, new_axes, withheld
from averting.reporting.results import Results
from averting.reporting.tables import ReportTable

_LIMITS = (0.025, 0.975)
Array = NDArray[np.float64]


def suppression_map(results: Results) -> ReportFigure:
    """Draw, for each outcome and period, the share of counts that are suppressed or missing."""
    import matplotlib as mpl

    table = results.table("data/suppression")
    known = table[["observed", "suppressed", "missing"]].sum(axis=1).replace(0, np.nan)
    table = table.assign(hidden=table["suppressed"] / known, gone=table["missing"] / known)
    periods, keys = list(dict.fromkeys(table["period"])), list(dict.fromkeys(table["indicator"]))
    wide, gone = (
        table.pivot(index="indicator", columns="period", values=name).loc[keys, periods].to_numpy(dtype=float)
        for name in ("hidden", "gone")
    )
    names = [results.indicator(str(key)) for key in keys]
    with mpl.rc_context(STYLE):
        figure, axes = new_axes(1.5 + 0.5 * len(keys))
        mesh = axes.imshow(100 * wide, cmap="Purples", vmin=0, vmax=100, aspect="auto")
        for row, column in np.ndindex(wide.shape):
            share = float(wide[row, column])
            text = "–" if np.isnan(share) else numbers.percent(share) + ("*" if gone[row, column] > 0 else "")
            colour = "white" if share > 0.55 else INK
            axes.annotate(text, (column, row), ha="center", va="center", fontsize=8, color=colour)
        axes.set_xticks(range(len(periods)), periods, rotation=45, ha="right")
        axes.set_yticks(range(len(keys)), names)
        figure.colorbar(mesh, ax=axes, label="suppressed (%)")
        rows = [
            (
                f"{results.indicator(str(row['indicator']))}, {row['period']}",
                *("–" if pd.isna(row[end]) else numbers.percent(row[end]) for end in ("hidden", "gone")),
            )
            for row in table.to_dict(orient="records")
        ]
        told = "; ".join(
            f"{name} from {numbers.percent(float(np.nanmin(part)))} to {numbers.percent(float(np.nanmax(part)))}"
            for name, part in zip(names, wide, strict=True)
        )
        alt = f"Map of the share of counts that are suppressed, by outcome and year: {told}. A star marks missing counts."
        return finish(
            figure, alt, ReportTable(("Outcome and year", "Suppressed", "Missing"), rows, numeric=(1, 2))
        )


def funnel(results: Results) -> ReportFigure:
    """Draw schools by size and rate before the start, with the range that chance and usual differences would give.

    The range is that of a negative binomial with the mean rate of all and dispersion by the method of moments. It
    shows that small schools scatter, not who is good: no school but the pilots is marked, and none is named.
    """
    import matplotlib as mpl

    file = results.folder / "data" / "panel.nc"
    if results.disclosure is not None or not file.is_file():
        return withheld(f"Rates of single {wording.unit(results)} stay inside.")
    key, units = results.primary.estimand.indicator, wording.unit(results)
    size, events, mine = _before(results, key, Panel.from_netcdf(file))
    rate = events.sum() / size.sum()
    grid = np.linspace(max(float(size.min()) * 0.9, 1.0), float(size.max()) * 1.05, 60)
    low, high = _limits(grid, rate, _dispersion(size, events, rate))
    with mpl.rc_context(STYLE):
        figure, axes = new_axes(3.6)
        axes.fill_between(grid, 100 * low, 100 * high, color="#e8e8e8", linewidth=0, label="where 95% would lie")
        axes.axhline(100 * rate, color=INK, linewidth=1)
        axes.plot(
            size[~mine], 100 * (events / size)[~mine], "o", color=COMPARISON, markersize=5, label=f"other {units}"
        )
        axes.plot(size[mine], 100 * (events / size)[mine], "D", color=PILOT, markersize=7, label=f"pilot {units}")
        axes.set(
            xlabel="pupils on roll, summed over the years before the start",
            ylabel=f"{results.indicator(key)}\n{results.per(key)}",
            ylim=(0, None),
        )
        axes.xaxis.set_major_formatter("{x:,.0f}")
        axes.legend(loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=3, fontsize=9)
        ends = _limits(size, rate, _dispersion(size, events, rate))
        return finish(figure, *_outside((events / size > ends[1]) | (events / size < ends[0]), mine, units))


def _outside(outside: NDArray[np.bool_], mine: NDArray[np.bool_], units: str) -> tuple[str, ReportTable]:
    """Say how many pilots and others lie outside the funnel, in words and as a table."""
    pilots, theirs, others, rest = (int(n.sum()) for n in (mine, outside & mine, ~mine, outside & ~mine))
    alt = (
        f"Funnel plot of rates before the start by size: {theirs} of {pilots} pilot {units} and {rest} of "
        f"{others} others lie outside the range in which 95% would lie by chance and by how much they usually differ."
    )
    rows = [(f"Pilot {units}", str(pilots), str(theirs)), (f"Other {units}", str(others), str(rest))]
    return alt, ReportTable((units.capitalize(), "In the figure", "Outside the range"), rows, numeric=(1, 2))


def _before(results: Results, key: str, panel: Panel) -> tuple[Array, Array, NDArray[np.bool_]]:
    """Return each school's pupils and events (at the middle of bounds) before the first start, and who is a pilot."""
    design = results.record("design/design")
    first = min(pilot["start"] for pilot in design["pilots"].values())
    periods = [period for period in design["periods"] if period < first]
    cells = panel.data.sel(indicator=key, period=periods)
    middle = (cells["lower"] + cells["upper"]) / 2
    known = np.isfinite(middle) & (cells["exposure"] > 0)
    size = cells["exposure"].where(known, 0.0).sum("period").to_numpy()
    events = middle.where(known, 0.0).sum("period").to_numpy()
    mine = np.isin(cells["school"].to_numpy().astype(str), list(design["pilots"]))
    return size[size > 0], events[size > 0], mine[size > 0]


def _dispersion(size: Array, events: Array, rate: float) -> float:
    """Return alpha of variance = mean + alpha mean², by moments; 0 where schools scatter no more than by chance."""
    mean = rate * size
    return max(0.0, float(((events - mean) ** 2 - mean).sum() / (mean**2).sum()))


def _limits(size: Array, rate: float, alpha: float) -> tuple[Array, Array]:
    from scipy import stats

    mean = rate * size
    if alpha <= 0:
        counts = [stats.poisson.ppf(q, mean) for q in _LIMITS]
    else:
        counts = [stats.nbinom.ppf(q, 1 / alpha, 1 / (1 + alpha * mean)) for q in _LIMITS]
    return counts[0] / size, counts[1] / size


def event_studies(results: Results) -> list[str]:
    """Return the ids of estimates that have effects by time since the start; published results have none."""
    return [key for key in results.estimates if "event_study" in results.effect(key).tables]


def event_study(results: Results, estimate: str) -> ReportFigure:
    """Draw effects by time since the start, with intervals; before the start they should lie around no effect."""
    import matplotlib as mpl

    effect = results.effect(estimate)
    table = effect.tables["event_study"].rename(columns={"of": "event_time"})
    time = table["event_time"].astype(int).to_numpy()
    ends = [
        table[end].to_numpy(dtype=float) if end in table else np.full(len(table), np.nan)
        for end in ("lower", "upper")
    ]
    middle, (low, high) = table["estimate"].to_numpy(dtype=float), ends
    ratio = effect.estimand.scale == "ratio"
    with mpl.rc_context(STYLE):
        figure, axes = new_axes(3.2)
        axes.axhline(1.0 if ratio else 0.0, color=INK, linewidth=1)
        axes.axvline(-0.5, color=INK, linewidth=1, linestyle=":")
        for side, colour in ((time < 0, COMPARISON), (time >= 0, PILOT)):
            axes.vlines(time[side], low[side], high[side], color=colour, linewidth=2)
            axes.plot(time[side], middle[side], "o", color=colour, markersize=6)
        axes.set_xticks(time)
        words = "rate ratio" if ratio else "difference, events\nper 100 pupils"
        axes.set(xlabel="years since the start (0 is the first)", ylabel=words)
        rows = [
            (
                str(t),
                numbers.decimal(m),
                numbers.interval(numbers.decimal(a), numbers.decimal(b)) if a == a else "–",
            )
            for t, m, a, b in zip(time.tolist(), middle, low, high, strict=True)
        ]
        told = "; ".join(f"{row[0]}: {row[1]} ({row[2]})" for row in rows)
        alt = f"Effects by time since the start, with intervals. {told}."
        return finish(
            figure, alt, ReportTable(("Years since the start", "Effect", "Interval"), rows, numeric=(1, 2))
        )
