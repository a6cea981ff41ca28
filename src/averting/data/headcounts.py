"""Pupils from a second file, for files that count events or placements and not who could have had them."""

from __future__ import annotations

import numpy as np
import pandas as pd

from averting.checks import CheckResult
from averting.data.panel import Panel
from averting.errors import DataError, UnitError
from averting.years import Period

COLUMN = "headcount of the second file"
"""Name of the column that is added."""


def with_headcount(
    frame: pd.DataFrame, pupils: Panel, *, school: str, period: str, source: str, named: str
) -> tuple[pd.DataFrame, tuple[CheckResult, ...]]:
    """Add pupils of the same school and period from another panel; rows that it does not have are left out.

    Parameters
    ----------
    frame : DataFrame
        Cells as text.
    pupils : Panel
        Its exposure is taken.
    school, period : str
        Columns of ``frame``.
    source, named : str
        What to call both in messages.

    Returns
    -------
    frame : DataFrame
        With :data:`COLUMN`, index unchanged.
    checks : tuple of CheckResult
        Where the pupils are from, and how many rows have none.

    Raises
    ------
    DataError
        If no row is of a school and period that the second file has.
    """
    known = pupils.exposure.to_series().dropna()
    at = pd.MultiIndex.from_arrays([frame[school].astype(str).str.strip(), frame[period].map(_label).astype(str)])
    found = known.reindex(at).to_numpy(dtype=np.float64)
    there = np.isfinite(found)
    if not there.any():
        raise DataError(
            f"{named} has no pupils for any row of {source}: it has {pupils.units} by {school}, {pupils.periods[0]} to "
            f"{pupils.periods[-1]}. Name a file of the same level and years."
        )
    kept = frame[there].assign(**{COLUMN: found[there]})
    said = f"Pupils are those of {named}."
    if there.all():
        return kept, (CheckResult("data/headcount", "info", said),)
    lost = sorted(set(at[~there].get_level_values(1)) - {""})
    message = f"{said} {int((~there).sum()):,} rows of {source} have none there and were left out ({lost[0]} to {lost[-1]})."
    return kept, (CheckResult("data/headcount", "warn", message, "Get a file that has them, if you need them."),)


def _label(text: str) -> str:
    try:
        return Period.parse(str(text)).label
    except UnitError:
        return ""
