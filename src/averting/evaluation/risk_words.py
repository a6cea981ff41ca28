"""How tables about risk are read: characteristic, level and reference in one cell, risks in per cent, differences in points."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

import pandas as pd

from averting.data.disclosure import WITHHELD
from averting.reporting import numbers

_SHARES = ("risk", "observed", "predicted", "flagged", "found", "right", "least", "most")
_FLAGGED = ("flagged", "found", "right")
_POINTS = "risk_difference"
_MERGED = ("level", "reference", "reference_risk", "of", "among", "withheld")
_HEADS = {
    "risk_difference": "risk difference, points",
    "times": "times that of the reference",
    "auc": "discrimination",
    "ratio": "observed over predicted",
    "set": "adjustment set",
}
_MODEL = {
    "auc": ("discrimination", "0.5: no better than chance; 1: never wrong"),
    "calibration_intercept": ("calibration, intercept", "0"),
    "calibration_slope": ("calibration, slope", "1; below it, risks are too far apart"),
}
READ = {
    "associations by adjustment set": (
        "Adjustment sets: unadjusted holds nothing equal, demographics what precedes schooling, full every characteristic named. "
        "A risk is what the mean would be, were every pupil of that level and else as they are."
    ),
    "fairness by group, on pupils held out": (
        "On pupils held out: discrimination is the chance that a pupil with the outcome had the higher risk of two. Flagged, "
        "found and right suppose that the tenth of pupils with the highest risk were flagged: how much of a group that is, how "
        "many of those with the outcome are among them, and how many of them have it."
    ),
}
"""What to know before reading a table, by its name."""


def readable(table: pd.DataFrame) -> pd.DataFrame:
    """Return a table as text: intervals beside their estimate, risks in per cent, c where a number is withheld."""
    rows = table.to_dict("records")
    if "calibration_slope" in table:
        return _of_model(rows[0])
    made: dict[str, list[str]] = {}
    for name in map(str, table.columns):
        if name == "level" and "characteristic" not in table:
            made[name] = [str(row[name]) for row in rows]
        if name == "among":
            made[name] = [f"{_plain(row['of'])}: {row[name]}" if "of" in row else str(row[name]) for row in rows]
        if name.endswith(("_lower", "_upper")) or name in _MERGED:
            continue
        cells = [_who(row) if name == "characteristic" else _cell(row, name) for row in rows]
        made["who" if name == "characteristic" else _HEADS.get(name, name.replace("_", " "))] = cells
    return pd.DataFrame(made)


def about(outcome: str, pupils: float) -> str:
    """Say what is looked at, and among how many; the number is rounded, so that no count can be had from shares of it."""
    size = 10 ** max(math.floor(math.log10(pupils)) - 1, 1) if pupils >= 1 else 1
    return f"Outcome: {_plain(outcome)}, of about {size * round(pupils / size):,} pupils (rounded)."


def _of_model(row: Mapping[Any, Any]) -> pd.DataFrame:
    told = [(label, _cell(row, name), good) for name, (label, good) in _MODEL.items()]
    return pd.DataFrame(told, columns=["measure", "value", "of a model that holds"])


def _plain(key: object) -> str:
    return str(key).replace("_", " ")


def _who(row: Mapping[Any, Any]) -> str:
    """Return of whom a row speaks, such as "sex: Boys, against Girls"."""
    said = _plain(row["characteristic"])
    if "level" in row:
        said += f": {row['level']}"
    if "reference" in row:
        said += f", against {row['reference']}"
    return said


def _cell(row: Mapping[Any, Any], name: str) -> str:
    value = row[name]
    if isinstance(value, str):
        return value
    if value is None or value != value:
        return WITHHELD if row.get("withheld") or name in _FLAGGED else "–"
    if name == "tenth":
        return f"{value:.0f}"
    share = name in _SHARES or name in (_POINTS, "own_risk")
    ends = [row[f"{name}_lower"], row[f"{name}_upper"]] if f"{name}_lower" in row else []
    if ends == [value, value]:
        return "1 (reference)"
    write = _percents(value, ends) if share else numbers.decimal
    said = f"{write(value)}{'%' if share and name != _POINTS else ''}"
    if ends:
        said += f" ({numbers.interval(*map(write, ends))})"
    if name == "risk" and "reference_risk" in row:
        said += f" against {_cell({'risk': row['reference_risk']}, 'risk')}"
    return said


def _percents(value: float, ends: list[float]) -> Callable[[float], str]:
    """Return how a share and the ends of its interval are written: with the same decimals, from one to three."""
    size = abs(value) if not ends or ends[0] > 0 else max(map(abs, [value, *ends]))
    digits = 1 if size == 0 else min(max(-1 - math.floor(math.log10(size)), 1), 3)
    return lambda share: numbers.decimal(100 * share, digits)
