"""Suspensions and exclusions as records: for which reasons, how often the same pupil, and how many days lost a pupil."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd

from averting.data.disclosure import ALL, CountTable, PublicTable
from averting.data.disclosure.shared import cell_key, crossed_counts
from averting.errors import DataError, Fault, refuse
from averting.outcomes.records import read_texts, row_faults

COLUMNS = ("pupil", "kind", "reason", "days")
KINDS = ("suspension", "permanent exclusion")
BANDS = {"once": 1, "twice": 2, "3 or 4 times": 4, "5 to 9 times": 9, "10 times or more": np.inf}
"""How often one pupil was suspended, and the most that each band holds."""
MOST_REASONS = 30


def read_suspensions(path: str | Path) -> pd.DataFrame:
    """Read records of suspensions and permanent exclusions of one year.

    Parameters
    ----------
    path : str or Path
        One row an event: ``pupil`` (a code), ``kind`` (suspension or permanent exclusion), ``reason`` (a code or words; where a
        record has several, the first) and ``days`` (school days lost; blank for a permanent exclusion).

    Raises
    ------
    DataError
        Naming rows and columns that cannot be read; never what is in them.
    """
    path = Path(path)
    text = read_texts(path, COLUMNS, needed=COLUMNS, what="holds no suspensions")
    kind, days = text["kind"].str.lower(), pd.to_numeric(text["days"], errors="coerce")
    problems = {
        "pupil": (text["pupil"] == "", "it is blank", "Give each pupil a code"),
        "kind": (~kind.isin(KINDS), f"it is none of {', '.join(KINDS)}", "Use one of them"),
        "reason": (text["reason"].isin(["", ALL]), "it is blank or 'all'", "Say 'not recorded'"),
        "days": (
            (kind == KINDS[0]) & ~((days > 0) & (days <= 45)),
            "it is not above 0 and at most 45",
            "Give days",
        ),
    }
    faults = row_faults(path, problems)
    if text["reason"].nunique() > MOST_REASONS:
        fix = f"At most {MOST_REASONS} are allowed: use codes, not words of each case"
        faults.append(Fault(f"{path.name}, reason", f"it has {text['reason'].nunique()} reasons", fix))
    refuse(DataError, f"{path.name} cannot be used", faults, most=20)
    return pd.DataFrame({"pupil": text["pupil"], "kind": kind, "reason": text["reason"], "days": days})


def _often(records: pd.DataFrame) -> pd.DataFrame:
    """Return pupils suspended: how often, by band, and days lost."""
    part = records[records["kind"] == KINDS[0]].groupby("pupil")
    made = pd.DataFrame({"times": part.size(), "days": part["days"].sum()})
    band = np.searchsorted(list(BANDS.values()), made["times"].to_numpy())
    return made.assign(suspended=np.array(list(BANDS))[band])


def suspension_counts(records: pd.DataFrame, *, source: str = "suspensions") -> CountTable:
    """Return events by kind and reason, and pupils by how often they were suspended, as one table to be protected."""
    events = crossed_counts(records, ("kind", "reason"), name="suspensions", source=source)
    pupils = crossed_counts(_often(records), ("suspended",), name="suspensions", source=f"pupils of {source}")
    return replace(
        events,
        keys=events.keys + pupils.keys,
        lower=np.concatenate([events.lower, pupils.lower]),
        upper=np.concatenate([events.upper, pupils.upper]),
        sums=events.sums + pupils.sums,
    )


def suspension_tables(records: pd.DataFrame, public: PublicTable) -> dict[str, pd.DataFrame]:
    """Return tables of reasons, and of repetition and days lost.

    Parameters
    ----------
    records : DataFrame
        From :func:`read_suspensions`.
    public : PublicTable
        :func:`suspension_counts` after protection.

    Returns
    -------
    dict of str to DataFrame
        ``reasons``: ``kind``, ``reason``, ``events`` (rounded) and ``share`` of the kind's; ``repeat suspensions``: ``suspended``
        (how often), ``pupils`` (rounded), ``share`` of pupils suspended and ``days_each`` on average. NaN where withheld.
    """
    shown = dict(zip(public.keys, public.lower.tolist(), strict=True))
    source = next(key[0] for key in public.keys if not key[0].startswith("pupils of "))
    return {
        "reasons": _reasons(records, shown, source),
        "repeat suspensions": _repeats(_often(records), shown, f"pupils of {source}"),
    }


def _reasons(records: pd.DataFrame, shown: dict[tuple[str, ...], float], source: str) -> pd.DataFrame:
    rows = []
    for kind, of_kind in records.groupby("kind"):
        whole = shown[cell_key(source, {"kind": str(kind)})]
        for reason, part in of_kind.groupby("reason"):
            number = shown[cell_key(source, {"kind": str(kind), "reason": str(reason)})]
            told = not np.isnan([whole, number]).any()
            rows.append((kind, reason, number, len(part) / len(of_kind) if told else np.nan))
    return pd.DataFrame(rows, columns=["kind", "reason", "events", "share"])


def _repeats(pupils: pd.DataFrame, shown: dict[tuple[str, ...], float], source: str) -> pd.DataFrame:
    whole, rows = shown.get(cell_key(source, {}), 0.0), []
    for band in [*BANDS, ALL]:
        part = pupils if band == ALL else pupils[pupils["suspended"] == band]
        if len(part):
            number = shown[cell_key(source, {"suspended": band})]
            told = not np.isnan([whole, number]).any()
            share = len(part) / len(pupils) if told else np.nan
            rows.append((band, number, share, float(part["days"].mean()) if told else np.nan))
    table = pd.DataFrame(rows, columns=["suspended", "pupils", "share", "days_each"])
    if table["share"].isna().any():  # else days of those withheld are what is left of all
        table.loc[table["suspended"] == ALL, "days_each"] = np.nan
    return table
