"""Without a map of links: schools that end while another that looks the same begins."""

from __future__ import annotations

import re
from collections.abc import Iterator
from difflib import SequenceMatcher

import numpy as np
import pandas as pd
import xarray as xr

from averting.checks import CheckResult
from averting.data.cells import Floats, Ints
from averting.data.join import presence

KEY = "data/likely_successors"
NAMES_ALIKE = 0.85
"""Least likeness of two names, words such as school and academy left out: difflib's ratio."""
SIZE_BAND = 1.5
"""Most that one headcount may be of the other, either way."""
SHOWN = 10

_FILLERS = frozenset(
    "the a an of and for school schools academy college high secondary community technology specialist sports arts "
    "science language business enterprise centre trust ltd".split()
)


def likely_successors(data: xr.Dataset) -> pd.DataFrame:
    """Find schools that end and their likely successors.

    Parameters
    ----------
    data : Dataset
        Of a panel, see :class:`averting.data.Panel`.

    Returns
    -------
    DataFrame
        Columns before, before_name, last_period, after, after_name, first_period, la, reason. A successor begins in
        the predecessor's last year or the one after it, in the same authority, with the same LAESTAB where the table
        has it, or else with nearly the same name and a similar headcount; the most alike of several.
    """
    seen = presence(data)
    last = data.sizes["period"] - 1
    ended = np.flatnonzero((seen.last >= 0) & (seen.last < last))
    # in the year of change both may have rows: the predecessor's pupils and the successor's events
    overlapping = np.flatnonzero((seen.last == last) & (seen.first < last))
    begun = np.flatnonzero(seen.first > 0)
    starting: dict[tuple[str, int], list[int]] = {}
    la = data["la"].to_numpy().astype(str)
    for school in begun.tolist():
        starting.setdefault((la[school], int(seen.first[school])), []).append(school)
    names = [_plain(name) for name in data["name"].to_numpy().astype(str).tolist()]
    codes = data["laestab"].to_numpy().astype(str) if "laestab" in data.coords else np.full(len(la), "")
    size = _sizes(data)
    rows = []
    for school in [*ended.tolist(), *overlapping.tolist()]:
        at = int(seen.last[school])
        near = [*starting.get((la[school], at), []), *starting.get((la[school], at + 1), [])]
        best = max(_alike(school, near, seen.first, names, codes, size), default=None)
        if best is not None:
            rows.append((school, at, best[1], int(seen.first[best[1]]), best[2]))
    return _table(data, rows)


def _alike(
    school: int, near: list[int], first: Ints, names: list[str], codes: np.ndarray[tuple[int], np.dtype[np.str_]],
    size: tuple[Floats, Floats],
) -> Iterator[tuple[float, int, str]]:  # fmt: skip
    """Yield how alike each candidate is, its position and why."""
    for other in near:
        if other == school or first[other] <= first[school]:
            continue
        if codes[school] and codes[school] == codes[other]:
            yield 2.0, other, "the same LAESTAB"
        elif names[school] and names[other]:
            likeness = SequenceMatcher(None, names[school], names[other]).ratio()
            ratio = size[0][school] / size[1][other]
            # a headcount that is not known does not speak against it
            similar = np.isnan(ratio) or 1 / SIZE_BAND <= ratio <= SIZE_BAND
            if likeness >= NAMES_ALIKE and similar:
                yield likeness, other, "nearly the same name"


def _plain(name: str) -> str:
    words = re.sub(r"[^a-z0-9 ]", " ", name.lower().replace("'", "").replace("saint", "st")).split()
    return " ".join(sorted(set(words) - _FILLERS)) or " ".join(words)


def _sizes(data: xr.Dataset) -> tuple[Floats, Floats]:
    """Return each school's last and first known headcount, NaN where there is none."""
    exposure = data["exposure"].to_numpy()
    known = np.isfinite(exposure)
    rows = np.arange(len(exposure))
    last = exposure[rows, exposure.shape[1] - 1 - known[:, ::-1].argmax(axis=1)]
    return last, exposure[rows, known.argmax(axis=1)]


def _table(data: xr.Dataset, rows: list[tuple[int, int, int, int, str]]) -> pd.DataFrame:
    ids, names, periods = (data[key].to_numpy().astype(str) for key in ("school", "name", "period"))
    la = data["la"].to_numpy().astype(str)
    records = [
        (ids[old], names[old], periods[end], ids[new], names[new], periods[begin], la[new], reason)
        for old, end, new, begin, reason in rows
    ]
    columns = [
        "before", "before_name", "last_period", "after", "after_name", "first_period", "la", "reason",
    ]  # fmt: skip
    return pd.DataFrame(records, columns=columns)


def check_successors(data: xr.Dataset) -> tuple[CheckResult, ...]:
    """Warn of schools that end while a likely successor begins, naming both; nothing where there is none."""
    found = likely_successors(data) if data.attrs.get("level") == "school" else pd.DataFrame()
    if found.empty:
        return ()
    pairs = [
        f"{row.before} {row.before_name} (to {row.last_period}), then {row.after} {row.after_name} ({row.reason})"
        for row in found.head(SHOWN).itertuples()
    ]
    more = f"; and {len(found) - SHOWN:,} more" if len(found) > SHOWN else ""
    message = f"{len(found):,} schools end while another that looks the same begins: {'; '.join(pairs)}{more}."
    guidance = (
        "They may be one school under a new URN. Join them: [data] succession in evaluation.toml, or "
        "averting.data.join_schools, with a map of links; else each counts as a school that closed or opened."
    )
    return (CheckResult(KEY, "warn", message, guidance),)
