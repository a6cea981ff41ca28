"""A pilot that has data on one side of its start only, which is mostly a school under a new URN."""

from __future__ import annotations

import numpy as np

from averting.data import Panel
from averting.errors import Fault

SHOWN = 3


def one_sided(panel: Panel, pilot: str, start: str, used: tuple[str, ...]) -> list[Fault]:
    """Find whether a pilot lacks data before its start, or from then on.

    Parameters
    ----------
    panel : Panel
        All schools.
    pilot, start : str
        A school of the panel, and its first treated period.
    used : tuple of str
        Periods that are used.

    Returns
    -------
    list of Fault
        One, naming schools that begin where it ends or end where it begins, or none.
    """
    here = np.array([period in used for period in panel.periods])
    late = np.array([period >= start for period in panel.periods])
    known = np.isfinite(panel.exposure.transpose("school", "period").to_numpy())
    mine = known[panel.schools.index(pilot)]
    for side, words in ((here & late, f"from {start} on"), (here & ~late, f"before {start}")):
        if not mine[side].any():
            # a school that has what the pilot lacks, and is not there when the pilot is
            fits = known[:, side].any(axis=1) & ~(known & mine).any(axis=1)
            others = [school for school, fit in zip(panel.schools, fits, strict=True) if fit]
            other = others[0] if others else "OTHER-URN"
            pair = (pilot, other) if words.startswith("from") else (other, pilot)
            return [Fault(f"pilot {pilot}", f"no number of pupils in any period used {words}", _fix(others, pair))]
    return []


def _fix(others: list[str], pair: tuple[str, str]) -> str:
    named = (
        f" ({', '.join(others[:SHOWN])} {'are' if len(others) > 1 else 'is'} there when it is not)"
        if others
        else ""
    )
    return (
        f"If it has another URN then{named}, join the two: put the lines URN,LinkURN,LinkType,LinkEstablishedDate and "
        f'{pair[0]},{pair[1]},Successor, into data/links.csv, and succession = "data/links.csv" under [data]. Else leave it out'
    )
