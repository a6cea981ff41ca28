"""A board's summary in words: each colour beside what it means."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from averting.data import load_indicators
from averting.data.exposures import noun
from averting.reporting.numbers import change, ratio
from averting.reporting.tables import ReportTable

_MARKS = {"green": "● green", "red": "▲ red", "amber": "◆ amber", "grey": "○ grey"}


def summary_table(files: Any) -> ReportTable:
    """Return one row a measure: rate, comparators, standing and direction, colours as words with marks of their own."""
    rows = [_row(row) for row in files.board.summary.to_dict("records")]
    columns = (
        "Measure",
        "Latest",
        files.local,
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
        shift = "no change" if change(row["change"]) == "no different" else change(row["change"])
        going += f"; {shift} a year ({ratio(row['change_lower'])} to {ratio(row['change_upper'])} times)"
    return (
        f"{row['label']}, {per(row['indicator'])}",
        _text(row["period"]),
        _local(row),
        rate(row["neighbours"]),
        rate(row["others"]),
        standing,
        going,
    )


def over(indicator: str) -> str:
    """Return what a measure is counted over, such as pupils or sessions."""
    declared = load_indicators().get(indicator)
    return noun(declared.exposure) if declared else "units"


def per(indicator: str) -> str:
    """Return what a measure's rate is per, such as per 100 pupils."""
    return f"per 100 {over(indicator)}"


def _text(value: object) -> str:
    return str(value) if isinstance(value, str) and value else "–"


def _local(row: Mapping[Any, Any]) -> str:
    if row["rate"] != row["rate"]:
        withheld = isinstance(row["note"], str) and row["note"].startswith("withheld")
        return "withheld" if withheld else "–"
    interval = f"({rate(row['rate_lower'])} to {rate(row['rate_upper'])})".replace(" ", "\u00a0")
    return f"{rate(row['rate'])} {interval}"


def rate(value: float) -> str:
    """Write a rate per 100 with the digits it bears."""
    if value != value:
        return "–"
    return f"{value:.3f}" if value < 0.1 else f"{value:.2f}" if value < 10 else f"{value:.1f}"
