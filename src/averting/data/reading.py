"""What the readers of published files and of users' own tables share."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from averting.checks import CheckResult
from averting.data.assemble import ATTRIBUTES, OPTIONAL_ATTRIBUTES, Layout
from averting.data.breakdowns import Rows
from averting.data.indicators import load_indicators
from averting.data.measures import Measure
from averting.data.panel import Panel
from averting.data.symbols import Symbol, Vintage


@dataclass(frozen=True)
class Chosen:
    """Which rows are wanted, and the second file's pupils with the file's name."""

    rows: Rows = field(default_factory=dict)
    pupils: Panel | None = None
    named: str = ""


ALL = Chosen()
"""Every row, and no second file."""


def layout_of(columns: Mapping[str, str], read: Mapping[str, str], covariates: tuple[str, ...] = ()) -> Layout:
    """Lay out indicators by their declared kind: counts, and measures, which are shares or means."""
    declared = load_indicators()
    kinds = {key: declared[key].kind if key in declared else "count" for key in read}
    counts = {key: column for key, column in read.items() if kinds[key] == "count"}
    measures = {key: Measure(column, kinds[key]) for key, column in read.items() if kinds[key] != "count"}
    attributes = {role: columns[role] for role in (*ATTRIBUTES, *OPTIONAL_ATTRIBUTES) if role in columns}
    return Layout(
        columns["school"], columns["period"], columns["exposure"], counts, attributes, covariates, measures
    )


def vintage_check(vintage: Vintage, given: Mapping[str, Symbol]) -> CheckResult:
    """Say which layout a file has, and what its symbols mean."""
    meanings = "; ".join(
        f"'{symbol.text}' {symbol.meaning}" for symbol in {**vintage.symbols, **given}.values() if symbol.text
    )
    return CheckResult("data/vintage", "info", f"Recognised as {vintage.label}. Symbols: {meanings or 'none'}.")


def left_out_check(left_out: int) -> tuple[CheckResult, ...]:
    """Say how many rows are of other levels, phases, terms or groups, where any are."""
    if left_out == 0:
        return ()
    return (
        CheckResult(
            "data/rows_left_out",
            "info",
            f"{left_out:,} rows of other levels, phases, terms or groups were left out.",
        ),
    )
