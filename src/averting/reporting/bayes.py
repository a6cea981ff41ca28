"""What a report shows of Bayesian models beside every estimate: effects by pilot and time, priors' weight, two counts."""

from __future__ import annotations

import numpy as np

from averting.reporting import numbers
from averting.reporting.figures import COMPARISON, INK, PILOT, STYLE, ReportFigure, finish, new_axes
from averting.reporting.results import Results
from averting.reporting.tables import ReportTable

_FORESTS = {
    "schools": ("pilot", "each pilot's own"),
    "event_time": ("event_time", "each period since the start: 0 is the first"),
}


def forests(results: Results, estimate: str) -> list[str]:
    """Return the tables of an estimate that :func:`forest` can draw; published results have none."""
    return [name for name in _FORESTS if name in results.effect(estimate).tables]


def forest(results: Results, estimate: str, name: str) -> ReportFigure:
    """Draw ratios with intervals, one row a pilot or a period since the start, over the ratio of all."""
    import matplotlib as mpl

    effect = results.effect(estimate)
    table, (column, words) = effect.tables[name], _FORESTS[name]
    names = results.record("design/design")["pilots"]
    labels = [
        (names.get(str(value), {}).get("name") or str(value)) if name == "schools" else f"period {value}"
        for value in table[column]
    ]
    middle, low, high = (
        np.append(table[end].to_numpy(float), whole)
        for end, whole in (
            ("median", effect.estimate),
            ("lower", effect.interval[0]),
            ("upper", effect.interval[1]),
        )
    )
    labels.append("all together")
    rows = np.arange(len(labels))
    with mpl.rc_context(STYLE):
        figure, axes = new_axes(1.2 + 0.34 * len(labels))
        axes.axvline(1, color=INK, linewidth=1)
        for part, colour, marker in ((rows[:-1], PILOT, "o"), (rows[-1:], COMPARISON, "D")):
            error = [(middle - low)[part], (high - middle)[part]]
            axes.errorbar(middle[part], part, xerr=error, fmt=marker, color=colour, capsize=3, markersize=6)
        axes.set(
            xscale="log", ylim=(len(labels) - 0.5, -0.5), xlabel="ratio of rates, with over without the programme"
        )
        axes.set_yticks(rows, labels)
        ticks = [tick for tick in (0.1, 0.2, 0.5, 1, 2, 5, 10) if low.min() / 1.6 <= tick <= high.max() * 1.6]
        axes.set_xticks(ticks, [f"{tick:g}" for tick in ticks])
        axes.minorticks_off()
        points = "; ".join(
            f"{label} {m:.2f} ({a:.2f} to {b:.2f})"
            for label, m, a, b in zip(labels, middle, low, high, strict=True)
        )
        cells = [
            (str(label), f"{m:.2f}", f"{a:.2f} to {b:.2f}")
            for label, m, a, b in zip(labels, middle, low, high, strict=True)
        ]
        behind = ReportTable(("Of", "Ratio", "Interval"), cells, numeric=(1, 2))
        return finish(figure, f"Ratios with intervals, {words}; 1 means no effect. {points}.", behind)


def sensitivity(results: Results, estimate: str) -> ReportTable:
    """Return the estimate with the prior on the effect given less and more weight."""
    table = results.effect(estimate).tables["prior_sensitivity"]
    rows = [
        (
            f"{row['power']:g}" + (" (as declared)" if row["power"] == 1 else ""),
            *(
                (
                    f"{row['ratio']:.2f}",
                    f"{row['lower']:.2f} to {row['upper']:.2f}",
                    numbers.chance(row["probability"]),
                )
                if np.isfinite(row["ratio"])
                else ("cannot be said", "", "")
            ),
        )
        for row in table.to_dict(orient="records")
    ]
    return ReportTable(("Weight of the prior", "Ratio", "Interval", "Probability of a reduction"), rows)


def together(results: Results, estimate: str) -> ReportTable:
    """Return an estimate on its own and together with a second indicator."""
    rows = [
        (
            f"{results.indicator(row['indicator'])}, {row['fit'].replace('_', ' ')}",
            f"{row['median']:.2f}",
            f"{row['lower']:.2f} to {row['upper']:.2f}",
            numbers.chance(row["probability"]),
        )
        for row in results.effect(estimate).tables["joint"].to_dict(orient="records")
    ]
    return ReportTable(("Fit", "Ratio", "Interval", "Probability of a reduction"), rows)
