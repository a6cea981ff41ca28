"""Pictures of a board: rates over time, and where areas stand in a funnel; alternative text from the same numbers."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from averting.reporting.board.words import over, per, rate
from averting.reporting.figures import COMPARISON, INK, PILOT, STYLE, WITHOUT, ReportFigure, finish, new_axes

_LINES = (("others", COMPARISON, "All other areas", ":"), ("neighbours", WITHOUT, "Alike areas", "--"))


def over_time(files: Any, indicator: str) -> ReportFigure:
    """Draw an area's rate over time with its interval, beside alike areas and all others; gaps where it is withheld."""
    import matplotlib as mpl

    table = files.board.over_time
    table = table[table["indicator"] == indicator]
    periods = sorted(set(table["period"]))
    at = {period: i for i, period in enumerate(periods)}
    own = table[table["group"] == "local"]
    with mpl.rc_context(STYLE):
        figure, axes = new_axes(3.2)
        for group, colour, label, style in _LINES:
            part = table[table["group"] == group]
            if len(part):
                axes.plot(
                    [at[one] for one in part["period"]], part["rate"], color=colour, linestyle=style, label=label
                )
        x = np.array([at[one] for one in own["period"]])
        middle, low, high = (own[name].to_numpy(dtype=float) for name in ("rate", "rate_lower", "rate_upper"))
        axes.errorbar(
            x,
            middle,
            yerr=[middle - low, high - middle],
            color=PILOT,
            fmt="o-",
            markersize=4,
            capsize=3,
            label=files.local,
        )
        for number, period in enumerate(own.loc[~own["in_direction"].astype(bool), "period"]):
            label = "" if number else "Not in the direction"
            axes.axvspan(at[period] - 0.51, at[period] + 0.51, color="#e8e8e8", zorder=0, linewidth=0, label=label)
        for period in own.loc[own["status"] == "withheld", "period"]:
            axes.annotate("withheld", (at[period], 0), ha="center", va="bottom", fontsize=8, color=INK)
        axes.set_xticks(range(len(periods)), periods, rotation=45, ha="right")
        axes.set(ylabel=per(indicator), ylim=(0, None))
        axes.legend(loc="upper center", bbox_to_anchor=(0.5, 1.2), ncols=4, fontsize=9)
        return finish(figure, _over_time_alt(files, own, indicator))


def _label(files: Any, indicator: str) -> str:
    summary = files.board.summary
    return str(summary.loc[summary["indicator"] == indicator, "label"].iloc[0])


def _over_time_alt(files: Any, own: pd.DataFrame, indicator: str) -> str:
    shown = own[own["status"] != "withheld"]
    said = f"{_label(files, indicator)} {per(indicator)}, {files.local}."
    if len(shown):
        first, last = shown.iloc[0], shown.iloc[-1]
        said += f" From {rate(first['rate'])} in {first['period']} to {rate(last['rate'])} in {last['period']}."
    hidden = len(own) - len(shown)
    are = "1 period is" if hidden == 1 else f"{hidden} periods are"
    return said + (f" {are} withheld." if hidden else "")


def standings(files: Any, indicator: str) -> ReportFigure | str:
    """Draw areas by size and rate within a funnel's limits; words where there are too few areas."""
    import matplotlib as mpl

    table = files.board.funnels
    table = table[table["indicator"] == indicator] if "indicator" in table else table
    if table.empty:
        return "There are too few areas for a funnel."
    table = table.sort_values("of")
    own = table[table["local"].astype(bool)]
    with mpl.rc_context(STYLE):
        figure, axes = new_axes(3.2)
        for low, high, style, label in (
            ("lower", "upper", "--", "95% limits"),
            ("outer_lower", "outer_upper", ":", "99.8% limits"),
        ):
            mark = "_" if table["of"].nunique() == 1 else ""  # areas of one size have limits at one place
            for end, named in ((low, label), (high, "")):
                axes.plot(
                    table["of"], table[end], color=INK, linestyle=style, linewidth=1, label=named,
                    marker=mark, markersize=24,
                )  # fmt: skip
        axes.axhline(float(table["target"].iloc[0]), color=INK, linewidth=0.8)
        others = table[~table["local"].astype(bool)]
        axes.plot(others["of"], others["rate"], "o", color=COMPARISON, markersize=4, label="Other areas")
        axes.plot(own["of"], own["rate"], "D", color=PILOT, markersize=7, label=files.local)
        axes.set(xlabel=over(indicator), ylabel=per(indicator), ylim=(0, None))
        axes.xaxis.set_major_formatter("{x:,.0f}")
        axes.legend(loc="upper center", bbox_to_anchor=(0.5, 1.2), ncols=4, fontsize=9)
        outside = int(((table["rate"] > table["upper"]) | (table["rate"] < table["lower"])).sum())
        place = (
            f"{files.local} is at {rate(float(own['rate'].iloc[0]))}."
            if len(own)
            else f"{files.local} is withheld."
        )
        alt = (
            f"{_label(files, indicator)}: {len(table)} areas around {rate(float(table['target'].iloc[0]))} {per(indicator)}, "
            f"{outside} outside the 95% limits. {place}"
        )
        return finish(figure, alt)
