"""Which rows of a DfE file are for all pupils, and which for whole years or single terms."""

from __future__ import annotations

from collections.abc import Collection
from types import MappingProxyType
from typing import Literal

import pandas as pd

from averting.errors import DataError
from averting.years import TERMS

Frequency = Literal["year", "term"]
FREQUENCIES = ("year", "term")
BREAKDOWNS = ("characteristic", "breakdown")
"""Columns that say which pupils a row is of; 'Total' is all of them."""
TERM_COLUMN, IDENTIFIER = "term", "time_identifier"
_TERMS = MappingProxyType({f"{term} term".casefold(): term for term in TERMS})


def only_totals(frame: pd.DataFrame, *, source: str, chosen: Collection[str] = ()) -> tuple[pd.DataFrame, int]:
    """Keep the rows for all pupils where a DfE file also breaks them down by characteristic.

    Columns in ``chosen`` are left as they are: their rows have been chosen.

    Returns
    -------
    frame : DataFrame
        Index unchanged.
    left_out : int
        How many rows are for some pupils only.
    """
    kept = frame
    for column in BREAKDOWNS:
        if column in kept and column not in chosen:
            kept = kept[kept[column].str.strip().str.casefold() == "total"]
            if len(kept) == 0:
                held = ", ".join(sorted(set(frame[column]))[:10])
                raise DataError(
                    f"{source} has no rows for all pupils: {column} holds {held}. Get the file of totals."
                )
    return kept, len(frame) - len(kept)


def take_frequency(frame: pd.DataFrame, frequency: str, period: str, *, source: str) -> tuple[pd.DataFrame, int]:
    """Keep rows for whole years, or for single terms.

    DfE's old absence files have a column ``term`` beside ``time_identifier``; its later files say the term in
    ``time_identifier`` itself. Rows for two terms together ("Autumn and spring term") overlap with those for one,
    so they are left out where single terms are there, and refused where they are all there is.

    Parameters
    ----------
    frame : DataFrame
        Cells as text.
    frequency : {"year", "term"}
        Which to keep.
    period : str
        Column with the academic year, to which the term is added.
    source : str
        What to call the table in messages.

    Returns
    -------
    frame : DataFrame
        Index unchanged; for terms, without the columns that said which.
    left_out : int
        How many rows are for other spans of time.
    """
    if frequency not in FREQUENCIES:
        raise DataError(f"frequency is '{frequency}'. Use one of: {', '.join(FREQUENCIES)}.")
    if frequency == "year":
        whole = frame[TERM_COLUMN].str.casefold().isin(["total", ""]) if TERM_COLUMN in frame else None
        kept = frame if whole is None else frame[whole]
        return kept, len(frame) - len(kept)
    column = next((name for name in (TERM_COLUMN, IDENTIFIER) if name in frame), None)
    if column is None:
        raise DataError(f"{source} does not say which rows are for which term. Read it with frequency='year'.")
    terms = frame[column].str.strip().str.casefold().map(dict(_TERMS))
    kept = frame[terms.notna()]
    if len(kept) == 0:
        held = ", ".join(sorted(set(frame[column]))[:10])
        raise DataError(
            f"{source} has no rows for a single term; {column} holds {held}. Terms published together cannot be "
            "taken apart: read it with frequency='year', or get the file by term."
        )
    labelled = kept.assign(**{period: kept[period].str.strip() + " " + terms[terms.notna()]})
    return labelled.drop(columns=[IDENTIFIER], errors="ignore"), len(frame) - len(kept)
