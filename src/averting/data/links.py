"""Who became whom: maps of predecessors and successors, as DfE publishes them for schools and averting for authorities."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from averting.data.faults import FaultLog
from averting.data.files import read_columns
from averting.data.tables import key_faults, read_toml
from averting.errors import DataError, refuse
from averting.resources import models_dir

COLUMNS = ("URN", "LinkURN", "LinkType", "LinkEstablishedDate")
SPLIT = "split"
_FORMATS = ("%d-%m-%Y", "%d/%m/%Y", "%Y-%m-%d")


def read_links(path: str | Path) -> pd.DataFrame:
    """Read a map of schools' predecessors and successors.

    Parameters
    ----------
    path : str or Path
        A table in the layout of Get Information about Schools' links (``.csv``, ``.csv.gz``, ``.parquet``): columns
        URN, LinkURN, LinkType (such as "Successor", "Predecessor - merged", "Successor - Split School") and
        LinkEstablishedDate (``31-08-2014``, ``31/08/2014`` or ``2014-08-31``; may be blank).

    Returns
    -------
    DataFrame
        One row for each pair, however often the file has it: before, after (ids as text), how (the link's type),
        date (the latest stated: the opening, not the closing the day before; NaT where none is), directed (False
        where the type does not say which came first). Types that are no succession, such as sixth-form centres,
        are left out and counted in ``.attrs["left_out"]``.

    Raises
    ------
    DataError
        If the file cannot be opened, or listing columns, ids or dates that are missing or wrong.
    """
    path = Path(path)
    frame = read_columns(path, lambda _: set(COLUMNS))
    log = FaultLog(path.name, range(2, len(frame) + 2))
    for column in COLUMNS:
        if column not in frame.columns:
            log.missing_column(column, list(frame.columns))
    log.refuse(f"{path.name} is not a map of predecessors and successors")
    texts = {column: frame[column].fillna("").astype(str).str.strip() for column in COLUMNS}
    for column in COLUMNS[:2]:
        blank = np.flatnonzero((texts[column] == "").to_numpy())
        log.each("id", column, blank, "there is no school id", "Give both ids, or drop the row")
    dates = _dates(texts["LinkEstablishedDate"], log)
    log.refuse(f"{path.name} is not a map of predecessors and successors")
    return _pairs(texts["URN"], texts["LinkURN"], texts["LinkType"], dates)


def _dates(texts: pd.Series[Any], log: FaultLog) -> pd.Series[Any]:
    dates = pd.Series(pd.NaT, index=texts.index, dtype="datetime64[ns]")
    for form in _FORMATS:
        dates = dates.fillna(pd.to_datetime(texts, format=form, errors="coerce").astype("datetime64[ns]"))
    bad = np.flatnonzero((dates.isna() & (texts != "")).to_numpy())
    log.each("date", COLUMNS[3], bad, "not a date", "Write it like 31-08-2014, or leave it blank")
    return dates


def _pairs(urn: pd.Series[Any], link: pd.Series[Any], kind: pd.Series[Any], dates: pd.Series[Any]) -> pd.DataFrame:
    """Turn both sides' records of a link into one row, predecessor first."""
    forward, backward = kind.str.startswith("Successor"), kind.str.startswith("Predecessor")
    either = kind.str.startswith(("Result of Amalgamation", "Merged"))
    frame = pd.DataFrame(
        {
            "before": urn.where(~backward, link),
            "after": link.where(~backward, urn),
            "how": kind,
            "date": dates,
            "directed": ~either,
        }
    )
    known = (forward | backward | either) & (urn != link)
    # the more telling of the two sides' words: "Predecessor - Split School" before a plain "Successor"
    frame = frame[known].sort_values("how", key=lambda how: -how.str.len(), kind="stable")
    grouped = frame.groupby(["before", "after"], sort=True)
    pairs = grouped.agg(how=("how", "first"), date=("date", "max"), directed=("directed", "any")).reset_index()
    pairs.attrs["left_out"] = int((~known).sum())
    return pairs


@dataclass(frozen=True)
class Reorganisation:
    """Local authorities that took over from others in one area.

    Parameters
    ----------
    key, id, label : str
        Name of the entry, id of the joined series, and what to call it.
    date : date
        When the new authorities took over.
    before, after : tuple of str
        DfE codes.
    source : str
        The order that made the change.
    """

    key: str
    id: str
    label: str
    date: date
    before: tuple[str, ...]
    after: tuple[str, ...]
    source: str


def load_reorganisations(path: Path | None = None) -> tuple[Reorganisation, ...]:
    """Return the declared reorganisations of local authorities.

    Parameters
    ----------
    path : Path, optional
        A file in the layout of ``models/la_reorganisations.toml``, which is read by default.

    Raises
    ------
    DataError
        If an entry lacks a key or has an unknown one.
    """
    path = path or models_dir() / "la_reorganisations.toml"
    tables: dict[str, Any] = read_toml(path)
    needed = ("id", "label", "date", "before", "after", "source")
    refuse(
        DataError,
        f"{path.name} cannot be used",
        [
            fault
            for key, table in tables.items()
            for fault in key_faults(table, f"{path.name}, {key}", required=needed)
        ],
    )
    return tuple(
        Reorganisation(
            key, table["id"], table["label"], table["date"], tuple(table["before"]), tuple(table["after"]), table["source"]
        )
        for key, table in tables.items()
    )  # fmt: skip


def reorganisation_links() -> pd.DataFrame:
    """Return the declared reorganisations as links of :func:`read_links`, how being the reorganisation's label."""
    rows = [
        (before, after, f"{SPLIT}: {entry.label}", pd.Timestamp(entry.date), True)
        for entry in load_reorganisations()
        for before in entry.before
        for after in entry.after
    ]
    return pd.DataFrame(rows, columns=["before", "after", "how", "date", "directed"])
