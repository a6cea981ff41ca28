"""A board's summary in words: each colour beside what it means."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from averting.reporting.numbers import change, ratio
from averting.reporting.tables import ReportTable

_MARKS = {"green": "● green", "red": "▲ red", "amber": "◆ amber", "grey": "○ grey"}


def summary_table(files: Any) -> ReportTable:
    """Return one row a measure: rate, comparators, standing and direction, colours as words with marks of their own."""
    rows = [_row(row) for row in files.board.summary.to_dict("records")]
    columns = (
        "Measure",
        "Latest",
        f"{files.local}, per 100",
        "Alike areas",
        "All other areas",
        "Standing",
        "Each year",
    )
    return ReportTable(columns, rows, numeric=(2, 3, 4))


def _row(row: Mapping[Any, Any]) -> tuple[str, ...]:
    standing = f"{_MARKS[row['standing_colour']]}: {row['standing']}"
    going = f"{_MARKS[row['direction_colour']]}: {row['direction']}"
    if row["change"] == row["change"]:
        going += f"; {change(row['change'])} a year ({ratio(row['change_lower'])} to {ratio(row['change_upper'])} times)"
    return (
        str(row["label"]),
        _text(row["period"]),
        _local(row),
        rate(row["neighbours"]),
        rate(row["others"]),
        standing,
        going,
    )


def _text(value: object) -> str:
    return str(value) if isinstance(value, str) and value else "–"


def _local(row: Mapping[Any, Any]) -> str:
    if row["rate"] != row["rate"]:
        withheld = isinstance(row["note"], str) and row["note"].startswith("withheld")
        return "withheld" if withheld else "–"
    return f"{rate(row['rate'])} ({rate(row['rate_lower'])} to {rate(row['rate_upper'])})"


def rate(value: float) -> str:
    """Write a rate per 100 with the digits it bears."""
    if value != value:
        return "–"
    return f"{value:.3f}" if value < 0.1 else f"{value:.2f}" if value < 10 else f"{value:.1f}"
