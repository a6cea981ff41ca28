"""Counts of indicators by area and period, with their bounds: what a board is made of, whatever it came from."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from pathlib import Path

import numpy as np
import pandas as pd

from averting.data import Indicator, Panel, load_indicators
from averting.data.files import read_columns
from averting.errors import AvertingError, DataError, Fault, refuse
from averting.years import Period

COLUMNS = ("indicator", "area", "period", "lower", "upper", "of")
OWN = ("indicator", "period", "count", "of")
SUPPRESSED: Mapping[str, tuple[float, float]] = {"c": (1.0, 4.0)}
"""A withheld count of a file of one's own, and what it can be."""


def from_panel(panel: Panel, measures: Collection[str]) -> pd.DataFrame:
    """Return a panel's counts of some indicators, one row for each area and period where they are known or bounded.

    Returns
    -------
    DataFrame
        Columns ``indicator``, ``area``, ``period``, ``lower``, ``upper``, ``of``.
    """
    found = []
    of = panel.exposure.to_numpy()
    for name in panel.indicators:
        if name not in measures:
            continue
        lower, upper = (bound.to_numpy() for bound in panel.bounds(name))
        known = np.isfinite(lower) & np.isfinite(upper) & np.isfinite(of) & (of > 0)
        rows, columns = np.nonzero(known)
        found.append(
            pd.DataFrame(
                {
                    "indicator": name,
                    "area": np.array(panel.schools)[rows],
                    "period": np.array(panel.periods)[columns],
                    "lower": lower[known],
                    "upper": upper[known],
                    "of": of[known],
                }
            )
        )
    return pd.concat(found, ignore_index=True) if found else pd.DataFrame(columns=list(COLUMNS))


def read_own(path: str | Path, *, local: str) -> pd.DataFrame:
    """Read measures of one's own: a table with ``indicator``, ``period``, ``count``, ``of`` and, where several, ``area``.

    Parameters
    ----------
    path : str or Path
        ``count`` is a whole number, ``c`` where it is withheld (1 to 4), or blank where it is not known.
    local : str
        Area of rows without one.

    Raises
    ------
    DataError
        Naming the rows that cannot be read; never their counts.
    """
    path = Path(path)
    frame = read_columns(path, lambda held: {name for name in held if name in (*OWN, "area")}).astype(str)
    absent = [
        Fault(path.name, f"there is no column '{name}'", f"Give {', '.join(OWN)}")
        for name in OWN
        if name not in frame
    ]
    refuse(DataError, f"{path.name} is no table of outcomes", absent)
    area = frame["area"].str.strip() if "area" in frame else pd.Series("", index=frame.index)
    text = frame["count"].str.strip()
    number = pd.to_numeric(text.where(~text.isin(SUPPRESSED), "0"), errors="coerce")
    of = pd.to_numeric(frame["of"].str.strip(), errors="coerce")
    faults = _own_faults(path.name, frame, text, number, of)
    refuse(DataError, f"{path.name} cannot be used", faults, most=20)
    made = pd.DataFrame(
        {
            "indicator": frame["indicator"].str.strip(),
            "area": area.where(area != "", local),
            "period": [str(Period.parse(one.strip())) for one in frame["period"]],
            "lower": number.mask(text.isin(SUPPRESSED), SUPPRESSED["c"][0]),
            "upper": number.mask(text.isin(SUPPRESSED), SUPPRESSED["c"][1]),
            "of": of,
        }
    )[(text != "").to_numpy()]
    twice = made.duplicated(["indicator", "area", "period"])
    if twice.any():
        raise DataError(
            f"{path.name}: {int(twice.sum())} rows repeat an indicator, area and period. Give each once."
        )
    return made.reset_index(drop=True)


def _own_faults(name: str, frame: pd.DataFrame, text: pd.Series, number: pd.Series, of: pd.Series) -> list[Fault]:
    faults = []
    known = load_indicators()
    for row, (key, period) in enumerate(zip(frame["indicator"], frame["period"], strict=True)):
        where = f"{name}, row {row + 2}"
        declared = known.get(key.strip())
        if declared is None:
            faults.append(
                Fault(f"{where}, indicator", "it is not declared", "Use a key of models/indicators.toml")
            )
        elif declared.kind == "mean":
            faults.append(
                Fault(f"{where}, indicator", f"'{key}' is a mean, not a count", "Leave it out: boards show rates")
            )
        try:
            Period.parse(period.strip())
        except AvertingError:
            faults.append(Fault(f"{where}, period", "it is no academic year or term", "Write 2022/23"))
        if text.iloc[row] == "":
            continue
        value, over = number.iloc[row], of.iloc[row]
        if not (np.isfinite(value) and value >= 0 and value == round(value)):
            faults.append(Fault(f"{where}, count", "it is no whole number, c or blank", "Correct it"))
        if not (np.isfinite(over) and over > 0):
            faults.append(Fault(f"{where}, of", "it is no number above 0", "Give what the count is over"))
        elif declared is not None and is_share(declared) and value > over:
            faults.append(Fault(f"{where}, count", "it is more than what it is of", "Correct it"))
    return faults


def is_share(indicator: Indicator) -> bool:
    """Return whether an indicator's count is a part of what it is counted over."""
    return indicator.kind == "share" or indicator.unit in ("pupils", "settings", "responses", "sessions")
