"""Tables and pictures of a page of findings."""

from __future__ import annotations

import re
from collections.abc import Iterable

import numpy as np
from pandas.api.types import is_numeric_dtype

from averting.reporting import numbers
from averting.reporting.figures import INK, PILOT, STYLE, ReportFigure, finish, new_axes
from averting.reporting.findings.findings import UNKNOWN, Findings, Forest
from averting.reporting.tables import ReportTable

_WORDS = {
    "p_value": "p",
    "p_adjusted": "p, adjusted",
    "with_others": "with what it borrows",
    "borrowed": "borrowed from others",
    "weight": "part in what is shared",
    "new_area": "one more area like these",
    "declared": "declared before",
    "spread": "spread between areas",
    "three_quarter_days": "days until three quarters",
    "quarter_days": "days until a quarter",
    "median_days": "days until half",
    "days_each": "days lost a pupil",
    "contacts_per_case": "contacts a case",
    "spend_per_case": "spend a case",
}
_HEADINGS = {
    "cohorts": "Each cohort",
    "beside the rest": "Each cohort beside all other pupils",
    "areas": "Each area",
    "prior": "Under other priors of the spread between areas",
    "cash": "Cash by area, payer and financial year",
}
_WORDED = ("finding", "note", "verdict")
_NUMBER = re.compile(r"|c|–|(under |over )?[−-]?\u2060?£?\d[\d,.]*%?( points)?( \(.*\))?( against \d[\d.]*%)?")
_TIE = "\u00a0"
"""A space that no line breaks at."""


def heading(name: str) -> str:
    """Return what a table is called on a page."""
    return _HEADINGS.get(name, f"{name[0].upper()}{name[1:]}")


def page_table(findings: Findings, name: str) -> ReportTable:
    """Return a table of findings as a page shows it: an estimate and its interval in one cell, empty columns left out."""
    table, shown = findings.tables[name], findings.shown(name)
    numeric = {
        str(column) for column in shown if is_numeric_dtype(table[column]) or shown[column].map(_number).all()
    }
    spans = _spans([str(column) for column in shown])
    for middle, (low, high) in spans.items():
        shown[middle] = [
            f"{at} ({numbers.interval(a, b)})" if a not in ("", findings.blank) else at
            for at, a, b in zip(shown[middle], shown[low], shown[high], strict=True)
        ]
    lows = [str(column).removesuffix("_lower") for column in shown if str(column).endswith("_lower")]
    for name in [one for one in lows if one not in shown]:
        low, high = f"{name}_lower", f"{name}_upper"  # an interval of its own, around no estimate
        shown[low] = [numbers.interval(a, b) if a else a for a, b in zip(shown[low], shown[high], strict=True)]
        shown = shown.drop(columns=high).rename(columns={low: name})
        numeric.add(name)
    if {"finding", "note"} <= set(shown):  # one column of words leaves room for numbers
        pairs = zip(shown["finding"], shown["note"], strict=True)
        shown["finding"] = [": ".join(part for part in pair if part) for pair in pairs]
        shown = shown.drop(columns="note")
    ends = {end for pair in spans.values() for end in pair}
    kept = [column for column in shown if column not in ends and bool((shown[column] != "").any())]
    if "p_adjusted" in kept:
        kept.remove("p_value")  # the one that counts; both are in the table as CSV
    # what was found comes first: on a phone the rest is a swipe away
    kept[1:] = sorted(kept[1:], key=lambda column: column not in _WORDED)
    heads = [_WORDS.get(str(column), str(column).replace("_", " ")) for column in kept]
    rows = [tuple(map(_tied, row)) for row in shown[kept].itertuples(index=False, name=None)]
    # the first of a row is its header, a number or not
    return ReportTable(heads, rows, numeric=[i for i, column in enumerate(kept) if i and column in numeric])


def legend(findings: Findings, tables: Iterable[ReportTable]) -> list[str]:
    """Return what the signs of a page's tables mean, as far as they are on it."""
    cells = {cell for table in tables for row in table.rows for cell in row}
    said = []
    if any(cell.endswith(")") and f"{_TIE}to{_TIE}" in cell for cell in cells):
        said.append(f"In brackets: {findings.level:.0%} intervals.")
    if findings.blank and findings.blank in cells:
        said.append(
            f"*{findings.blank}*: withheld, because few pupils stand behind it or it would give a few away; or not known."
        )
    return said + ["–: not known, or not reached."] * (UNKNOWN in cells)


def _number(text: str) -> bool:
    return _NUMBER.fullmatch(text) is not None


def _tied(text: str) -> str:
    """Keep a number on one line; where there is no room, its interval goes to the next as a whole."""
    return (
        text.replace(" ", _TIE).replace(f"{_TIE}(", " (").replace(f"{_TIE}against", " against")
        if _number(text)
        else text
    )


def _spans(columns: list[str]) -> dict[str, tuple[str, str]]:
    """Return columns with the columns of their intervals' ends."""
    found = {one: (f"{one}_lower", f"{one}_upper") for one in columns}
    found = {one: ends for one, ends in found.items() if set(ends) <= set(columns)}
    if {"lower", "upper"} <= set(columns):
        found[columns[columns.index("lower") - 1]] = ("lower", "upper")
    return found


def forest_of(findings: Findings, forest: Forest) -> ReportFigure | None:
    """Draw ratios with their intervals on a log scale, or return None where there is none; words say the same."""
    import matplotlib as mpl

    table = findings.tables.get(forest.table)
    if table is None:
        return None
    ratios = table[[forest.middle, forest.lower, forest.upper]].astype(float)
    kept = ratios[np.isfinite(ratios).all(axis=1) & (ratios > 0).all(axis=1)]
    if kept.empty:
        return None
    labels = table.loc[kept.index, forest.label].astype(str).tolist()
    middle, low, high = (kept[name].to_numpy() for name in (forest.middle, forest.lower, forest.upper))
    with mpl.rc_context(STYLE):
        figure, axes = new_axes(1.0 + 0.42 * len(labels))
        at = np.arange(len(labels))[::-1]
        axes.axvline(1.0, color=INK, linewidth=0.8, linestyle="--")
        axes.errorbar(
            middle, at, xerr=[middle - low, high - middle], fmt="o", color=PILOT, capsize=3, markersize=5
        )
        axes.set_xscale("log")
        ticks = [tick for tick in _TICKS if low.min() * 0.8 <= tick <= high.max() * 1.25 or tick == 1]
        axes.set_xticks(ticks, [f"{tick:g}" for tick in ticks])
        axes.minorticks_off()
        axes.set_yticks(at, labels)
        axes.set(xlabel=forest.axis, ylim=(-0.6, len(labels) - 0.4))
        said = "; ".join(
            f"{label} {m:.2f} ({a:.2f} to {b:.2f})"
            for label, m, a, b in zip(labels, middle, low, high, strict=True)
        )
        return finish(figure, f"Ratios with intervals on a log scale, no difference at 1. {said}.")


_TICKS = (0.02, 0.05, 0.1, 0.2, 0.5, 0.7, 1, 1.5, 2, 5, 10, 20, 50)
