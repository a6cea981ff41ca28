"""Which column of a DfE file an indicator is counted over: pupils on roll, enrolments or possible sessions."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from averting.checks import CheckResult
from averting.data.indicators import load_indicators
from averting.errors import DataError

COLUMNS = MappingProxyType(
    {"headcount": "headcount", "sessions_possible": "sess_possible", "enrolments": "enrolments"}
)
UNITS = MappingProxyType({"sess_possible": "sessions"})
"""Units of an exposure; pupils where nothing is said."""

NOUNS = MappingProxyType(
    {"headcount": "pupils", "sessions_possible": "sessions", "pupils_end_ks4": "pupils", "pupils_in_ap": "pupils"}
)
"""What one of an exposure is called in a rate; other exposures by their own words."""


def noun(exposure: str) -> str:
    """Return what a rate is per 100 of: ``pupils``, ``sessions``, ``enrolments``, or an exposure's own words."""
    return NOUNS.get(exposure, exposure.replace("_", " "))


def one_exposure(
    counts: Mapping[str, str], own: str, *, asked: bool, source: str
) -> tuple[dict[str, str], str, tuple[CheckResult, ...]]:
    """Return the indicators that share one exposure, and its column: a panel has one.

    Parameters
    ----------
    counts : mapping of str to str
        Indicator and its column.
    own : str
        Column of exposure that the file's layout names.
    asked : bool
        Whether the user named these indicators; else those over another exposure are left out, with a check.

    Raises
    ------
    DataError
        If indicators the user named are counted over different things.
    """
    declared = load_indicators()
    column_of = {key: COLUMNS.get(declared[key].exposure, own) for key in counts}
    columns = set(column_of.values())
    if len(columns) == 1:
        return dict(counts), columns.pop(), ()
    if asked:
        held = "; ".join(f"{key} over {column}" for key, column in column_of.items())
        raise DataError(f"{source}: a panel has one exposure, but {held}. Read them as two panels.")
    chosen = own if own in columns else sorted(columns)[0]
    others = [f"{key} (over {column})" for key, column in column_of.items() if column != chosen]
    message = f"Counted over something other than {chosen}, so left out: {', '.join(others)}."
    check = CheckResult("data/other_exposure", "info", message, "Name one with indicators= to read it by itself.")
    return {key: name for key, name in counts.items() if column_of[key] == chosen}, chosen, (check,)
