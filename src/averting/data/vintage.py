"""Recognise the vintage of a published file, and keep the rows of one level and phase."""

from __future__ import annotations

from collections.abc import Collection

import numpy as np
import pandas as pd

from averting.data.cells import distinct
from averting.data.faults import safe
from averting.data.symbols import NEEDED_ROLES, Level, Symbology, Vintage, load_symbols
from averting.errors import DataError, Fault, UnitError, refuse
from averting.years import AcademicYear


def choose_vintage(
    frame: pd.DataFrame, header: Collection[str], *, source: str, level: str, headcount: str = ""
) -> tuple[Vintage, dict[str, str]]:
    """Return a file's vintage and the column of each role.

    Parameters
    ----------
    frame : DataFrame
        The columns that are read, cells as text.
    header : collection of str
        Names of all the file's columns.
    source : str
        What to call it in messages.
    level : {"school", "local authority"}
        Which rows are wanted.
    headcount : str
        Column to which a second file's pupils will be added; empty where there is none.

    Raises
    ------
    DataError
        If the layout is of no known vintage, lacks a column, or holds no rows of this level.
    """
    symbology = load_symbols()
    columns = [str(column) for column in header]
    fitting = symbology.recognise(columns)
    if not fitting:
        refuse(
            DataError, f"{source} is in no DfE layout averting knows", _layout_faults(symbology, columns, level)
        )
    vintage = (
        fitting[0] if len(fitting) == 1 and fitting[0].latest_to is None else _by_year(fitting, frame, source)
    )
    if level not in vintage.levels:
        held = " or ".join(vintage.levels)
        raise DataError(f"{source} ({vintage.label}) has no rows of level '{level}'. Read it with level='{held}'.")
    roles = _roles(vintage.levels[level], columns)
    if headcount and "exposure" in roles:
        raise DataError(f"{source} has pupils of its own, in column '{roles['exposure']}'. Leave headcount out.")
    if vintage.breakdown is not None and not headcount:
        raise DataError(
            f"{source} ({vintage.label}) does not say how many pupils there were. Name a second file of the same level that "
            "does, such as DfE's exclusions file: headcount=, or headcount = in [data]."
        )
    roles |= {"exposure": headcount} if headcount else {}
    lacking = {role: vintage.levels[level].columns[role] for role in NEEDED_ROLES if role not in roles}
    faults = [
        Fault(source, f"there is no column '{names[0]}'", f"It must hold the {role}; it is in {vintage.label}")
        for role, names in lacking.items()
    ]
    refuse(DataError, f"{source} lacks columns", faults)
    return vintage, roles


def _roles(level: Level, columns: list[str]) -> dict[str, str]:
    """Return the column of each role that the file has, the first alternative that is there."""
    found = {role: [name for name in names if name in columns] for role, names in level.columns.items()}
    return {role: names[0] for role, names in found.items() if names}


def _by_year(fitting: tuple[Vintage, ...], frame: pd.DataFrame, source: str) -> Vintage:
    """Tell vintages with one layout apart by the latest year in the file."""
    periods = {
        name for vintage in fitting for level in vintage.levels.values() for name in level.columns["period"]
    }
    column = next((name for name in sorted(periods) if name in frame.columns), None)
    years = [year for year in map(_year, distinct(frame[column])[1]) if year is not None] if column else []
    if not years:
        names = " or ".join(sorted(periods))
        raise DataError(
            f"{source}: no academic year in column {names}, so its vintage cannot be told. Add the years."
        )
    latest = max(years)
    chosen = [vintage for vintage in fitting if vintage.spans(latest)]
    if len(chosen) != 1:
        known = "; ".join(vintage.label for vintage in fitting)
        raise DataError(
            f"{source} has the layout of {known}, yet runs to {latest}: what its symbols mean is not known. "
            "Read it with source='tidy', naming its columns and symbols."
        )
    return chosen[0]


def _year(text: str) -> AcademicYear | None:
    try:
        return AcademicYear.parse(text)
    except UnitError:
        return None


def _layout_faults(symbology: Symbology, columns: list[str], level: str) -> list[Fault]:
    """Say for each layout of this level what the file lacks to be one, nearest first."""
    faults = []
    for vintage in symbology.vintages.values():
        lacks = [name for name in vintage.requires if name not in columns]
        extra = [name for name in vintage.forbids if name in columns]
        if level in vintage.levels:
            parts = [f"lacks {', '.join(lacks)}"] * bool(lacks) + [f"has {', '.join(extra)}"] * bool(extra)
            fault = Fault(
                f"to be {vintage.label}", f"the file {' and '.join(parts)}", "Or read it with source='tidy'"
            )
            faults.append((len(lacks) + len(extra), fault))
    return [fault for _, fault in sorted(faults, key=lambda pair: pair[0])]


def level_rows(frame: pd.DataFrame, vintage: Vintage, *, source: str, level: str) -> tuple[pd.DataFrame, int]:
    """Keep the rows of one level.

    Returns
    -------
    frame : DataFrame
        Rows of this level, index unchanged.
    left_out : int
        How many rows are of other levels.

    Raises
    ------
    DataError
        If there is none, or they are not for whole academic years.
    """
    kept = frame
    for column, value in vintage.levels[level].rows.items():
        codes, texts = distinct(kept[column])
        kept = kept[np.array([text.casefold() == value.casefold() for text in texts], dtype=bool)[codes]]
        if len(kept) == 0:
            held = ", ".join(sorted({safe(text) for text in distinct(frame[column])[1]})[:10])
            raise DataError(
                f"{source} has no row with {column} '{value}'; it has {held}. Choose another level or file."
            )
    for column, value in vintage.must_be.items():
        held_texts = set(distinct(kept[column])[1]) if column in kept.columns else {value}
        others = sorted({safe(text) for text in held_texts - {value}})
        if others:
            raise DataError(
                f"{source}: {column} holds {', '.join(others[:5])}, where only '{value}' can be read. "
                "Download the file for full academic years, or keep those rows only."
            )
    return kept, len(frame) - len(kept)


def pick_phase(
    frame: pd.DataFrame, column: str, phase: str | None, *, source: str, level: str
) -> tuple[pd.DataFrame, int]:
    """Keep the rows of one phase.

    Returns
    -------
    frame : DataFrame
        Rows of the phase, index unchanged; all rows where ``phase`` is None.
    left_out : int
        How many rows are of other phases.

    Raises
    ------
    DataError
        If no row has the phase; or none is asked for, and an authority has a row for each of several.
    """
    codes, labels = distinct(frame[column])
    held = ", ".join(sorted({safe(label) for label in labels})[:10])
    if phase is None:
        if level != "school" and len(labels) > 1:
            raise DataError(f"{source} holds several phases for each {level}: {held}. Choose one with phase=.")
        return frame, 0
    wanted = {text.casefold() for text in (*load_symbols().phases.get(phase, ()), phase)}
    matches = np.array([text.casefold() in wanted for text in labels])
    if not matches.any():
        raise DataError(f"{source}: no row has phase '{phase}' in {column}; it has {held}. Choose one of those.")
    kept = frame if matches.all() else frame[matches[codes]]
    return kept, len(frame) - len(kept)
