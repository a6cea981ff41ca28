"""From a table with one row per school and year to the arrays of a panel, refusing it once for all its faults."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import xarray as xr

from averting.checks import CheckResult
from averting.data.cells import (
    FINE,
    FRACTIONAL,
    HUGE,
    MISSING,
    MOST,
    MOST_NATIONAL,
    NEGATIVE,
    NOT_APPLICABLE,
    OBSERVED,
    STATUS_NAMES,
    SUPPRESSED,
    UNBOUNDED,
    UNKNOWN,
    Bools,
    Cells,
    Floats,
    Ints,
    distinct,
    read_counts,
    read_exposure,
)
from averting.data.faults import FaultLog
from averting.data.keys import NO_PERIOD, Keys, read_keys
from averting.data.measures import Measure, read_measure
from averting.data.symbols import Symbol, Tolerated, load_symbols
from averting.errors import DataError

ATTRIBUTES = ("name", "phase", "region", "la")
# kept where a table has them, by which a school that changed its URN is recognised
OPTIONAL_ATTRIBUTES = ("laestab",)
BLANK = Symbol("", "missing", 0.0, math.inf, "blank: not known", "averting")


@dataclass(frozen=True)
class Layout:
    """Which column is what.

    Parameters
    ----------
    school, period, exposure : str
        Column names.
    counts : mapping of str to str
        Indicator and its column.
    attributes : mapping of str to str
        Any of name, phase, region, la and laestab, and its column.
    covariates : tuple of str
        Columns of numbers that describe a school in a year, for choosing and judging comparison schools.
    measures : mapping of str to Measure
        Indicators that are no counts, and the column and kind of each.
    """

    school: str
    period: str
    exposure: str
    counts: Mapping[str, str]
    attributes: Mapping[str, str]
    covariates: tuple[str, ...] = ()
    measures: Mapping[str, Measure] = field(default_factory=dict)

    @property
    def columns(self) -> tuple[str, ...]:
        """Every column named, in reading order."""
        keys = (self.school, self.period, self.exposure)
        measures = (measure.column for measure in self.measures.values())
        return (*keys, *self.counts.values(), *measures, *self.attributes.values(), *self.covariates)


@dataclass(frozen=True)
class Origin:
    """What a table is and how its cells are to be understood.

    Parameters
    ----------
    source : str
        File name, or what the table is called, for messages.
    level : {"school", "local authority"}
        What one row is of.
    symbols : mapping of str to Symbol
        What may stand where a count would be.
    tolerates : frozenset
        Faults that make cells missing, with a check, instead of refusing the table.
    """

    source: str
    level: str
    symbols: Mapping[str, Symbol]
    tolerates: frozenset[Tolerated] = frozenset()


def assemble(
    frame: pd.DataFrame, rows: Ints, layout: Layout, origin: Origin
) -> tuple[xr.Dataset, tuple[CheckResult, ...]]:
    """Check a table and spread it over (indicator, school, period).

    Parameters
    ----------
    frame : DataFrame
        One row per school and academic year, cells as text or numbers.
    rows : array of int, shape (rows,)
        Line of each record in the file, the header being line 1.
    layout, origin : Layout, Origin
        Which column is what, and how cells are to be understood.

    Returns
    -------
    data : Dataset
        As :class:`averting.data.panel.Panel` documents it.
    checks : tuple of CheckResult
        What was marked missing although the table holds something, and other things a reader should know.

    Raises
    ------
    DataError
        Once, with every fault found.
    """
    log = FaultLog(origin.source, rows)
    absent = [column for column in layout.columns if column not in frame.columns]
    for column in absent:
        log.missing_column(column, list(frame.columns))
    keys = (
        None
        if {layout.school, layout.period} & set(absent)
        else read_keys(frame, layout.school, layout.period, log)
    )
    counts = {
        indicator: _counts(frame[column], column, origin, log)
        for indicator, column in layout.counts.items()
        if column not in absent
    }
    exposure = (
        None if layout.exposure in absent else _exposure(frame[layout.exposure], layout.exposure, origin, log)
    )
    unusable = np.zeros(len(frame), dtype=bool)
    if exposure is not None:
        unusable = _without_exposure(exposure, counts, layout, origin, log)
    if keys is not None:
        unusable = _duplicates(keys, unusable, layout, origin, log)
    described = {name: _numbers(frame[name], name, log) for name in layout.covariates if name not in absent}
    measured = {
        name: read_measure(frame[column], column, kind, origin.symbols, log)
        for name, (column, kind) in layout.measures.items()
        if column not in absent
    }
    log.refuse(f"{origin.source} cannot be read as a panel")
    if keys is None or exposure is None:  # only without their columns, which the line above refuses
        raise DataError(f"{origin.source} lacks the columns of a panel.")
    checks = _tolerated_checks(counts, unusable, keys, origin)
    data, changed = _dataset(frame, keys, counts, exposure, unusable, layout, origin)
    data = _with(data, "covariate", described, keys)
    data = _with(data, "measure", measured, keys)
    if measured:
        kinds = np.array([measure.kind for measure in layout.measures.values()], dtype=str)
        data = data.assign_coords(measure_kind=("measure", kinds))
    return data, (*checks, *changed)


def _set_aside(
    keys: Keys, counts: Mapping[str, Cells], exposure: Floats, unusable: Bools
) -> dict[str, tuple[tuple[str, ...], Floats]]:
    """Return bounds of the counts that were set aside for want of pupils, or nothing where none were.

    A predecessor or successor may have the pupils: see :func:`averting.data.join_schools`. Where the row says
    nothing usable, or occurs twice, the bounds are 0 and infinity; where no row was set aside, NaN.
    """
    if not unusable.any():
        return {}
    size = (len(keys.schools), len(keys.periods))
    twice = (np.bincount(keys.cell, minlength=size[0] * size[1]) > 1)[keys.cell]
    place = (keys.school[unusable], keys.period[unusable])
    stacks: dict[str, list[Floats]] = {"aside_lower": [], "aside_upper": []}
    for cells in counts.values():
        whole = (cells.status == OBSERVED) | (cells.status == SUPPRESSED)
        told = whole & (cells.problem == FINE) & (exposure == 0) & ~twice
        ends = (np.where(told, cells.lower, 0.0), np.where(told, cells.upper, math.inf))
        for stack, end in zip(stacks.values(), ends, strict=True):
            spread = np.full(size, math.nan)
            spread[place] = end[unusable]
            stack.append(spread)
    return {name: (("indicator", "school", "period"), np.stack(stack)) for name, stack in stacks.items()}


def _numbers(column: pd.Series[Any], name: str, log: FaultLog) -> Floats:
    """Read a covariate: a number, or blank where it is not known."""
    values = pd.to_numeric(column, errors="coerce").to_numpy(dtype=np.float64)
    blank = column.isna().to_numpy() | (column.astype(str).str.strip() == "").to_numpy()
    wrong = np.flatnonzero((np.isnan(values) & ~blank) | np.isinf(values))
    log.each("covariate", name, wrong, "a covariate that is not a number", "Write a number, or leave it blank")
    return np.asarray(values)


def _with(data: xr.Dataset, dim: str, columns: Mapping[str, Floats], keys: Keys) -> xr.Dataset:
    """Add numbers over (dim, school, period), under the dim's plural; nothing where there are none."""
    if not columns:
        return data
    values = np.full((len(columns), len(keys.schools), len(keys.periods)), math.nan)
    values[:, keys.school, keys.period] = np.stack(list(columns.values()))
    labelled = data.assign_coords({dim: np.array(list(columns), dtype=str)})
    return labelled.assign({f"{dim}s": ((dim, "school", "period"), values)})


_COUNT_FIX = "A count is a whole number, 0 or more, or a declared symbol"


def _counts(column: pd.Series[Any], name: str, origin: Origin, log: FaultLog) -> Cells:
    cells = read_counts(column, origin.symbols)
    if "fractional_count" not in origin.tolerates:
        fractional = np.flatnonzero(cells.problem == FRACTIONAL)
        log.each("fractional", name, fractional, "a fractional count", f"{_COUNT_FIX}; rates are not counts")
    log.each("negative", name, np.flatnonzero(cells.problem == NEGATIVE), "a negative count", _COUNT_FIX)
    log.each("huge", name, np.flatnonzero(cells.problem == HUGE), "a number too large to be a count", _COUNT_FIX)
    declared = ", ".join(f"'{text}'" for text in origin.symbols) or "none"
    for record in np.flatnonzero(cells.problem == UNKNOWN).tolist():
        found = f"{_shown(cells.text(record))} is neither a count nor a declared symbol (declared: {declared})"
        fix = (
            "Correct it (write 1005, not 1,005), or declare it with its interval, such as symbols={'c': (1, 4)}, in "
            "evaluation.toml c = [1, 4] under [data.symbols]"
        )
        log.add("symbol", name, found, fix, records=[record])
    for record in np.flatnonzero(cells.problem == UNBOUNDED).tolist():
        text = cells.text(record)
        found = f"'{text}' is {origin.symbols[text].meaning}"
        fix = (
            f"Give the bounds its publisher states, such as symbols={{'{text}': (1, 4)}}, in evaluation.toml "
            f"'{text}' = [1, 4] under [data.symbols]"
        )
        log.add("bounds", name, found, fix, records=[record])
    return cells


def _shown(text: str) -> str:
    """Return an unknown cell for a message, without anything that could be a school's count."""
    if text == "":
        return "a blank cell"
    if any(character.isdigit() for character in text) and not text.startswith(("<", ">")):
        return "text with digits that is not a plain number"
    return f"'{text[:40]}'"


def _exposure(column: pd.Series[Any], name: str, origin: Origin, log: FaultLog) -> Floats:
    most = MOST_NATIONAL if origin.level == "national" else MOST
    values, bad = read_exposure(column, origin.symbols, most=most)
    fix = "Exposure is a plain number (1005, not 1,005), 0 or more, or blank where it is not known"
    log.each("exposure", name, np.flatnonzero(bad), "not a number that an exposure can be", fix)
    # a cell refused for its text is not refused again for having no exposure
    return np.where(bad, 1.0, values)


def _without_exposure(
    exposure: Floats, counts: Mapping[str, Cells], layout: Layout, origin: Origin, log: FaultLog
) -> Bools:
    """Find rows that count something over no pupils; refuse them unless the publisher is known for them."""
    events = np.zeros(len(exposure), dtype=bool)
    known = events.copy()
    for cells in counts.values():
        events |= cells.lower > 0
        known |= (cells.status == OBSERVED) | (cells.status == SUPPRESSED)
    zero, unknown = (exposure == 0) & events, np.isnan(exposure) & known
    if "zero_exposure" not in origin.tolerates:
        fix = "Correct the exposure, or leave out the row"
        log.each("zero", layout.exposure, np.flatnonzero(zero), "exposure is 0, yet there are events", fix)
        log.each("none", layout.exposure, np.flatnonzero(unknown), "no exposure, yet there are counts", fix)
    return np.asarray(zero | unknown, dtype=bool)


def _duplicates(keys: Keys, unusable: Bools, layout: Layout, origin: Origin, log: FaultLog) -> Bools:
    """Refuse a school-year that occurs twice; where one of its rows has events over no pupils, drop it whole.

    DfE splits a school that changed authority into a row with its events and no headcount, and one with its
    headcount and no events: neither is true alone, so the school-year is missing.
    """
    unusable = unusable.copy()
    for code in np.flatnonzero(np.bincount(keys.cell) > 1).tolist():
        if keys.periods[code % len(keys.periods)] == NO_PERIOD:
            continue  # refused for not being a year
        records = np.flatnonzero(keys.cell == code)
        if "zero_exposure" in origin.tolerates and unusable[records].any():
            unusable[records] = True
        else:
            found = f"the same {origin.level} and year {keys.periods[code % len(keys.periods)]} twice or more"
            fix = "Keep one row for each; where the file holds several phases or terms, choose one"
            log.add("duplicate", layout.school, found, fix, records=records.tolist())
    return unusable


def _tolerated_checks(
    counts: Mapping[str, Cells], unusable: Bools, keys: Keys, origin: Origin
) -> tuple[CheckResult, ...]:
    checks = []
    lost = len(np.unique(keys.cell[unusable]))
    if lost:
        message = f"{lost} {origin.level}-years count exclusions over no pupils; marked missing."
        guidance = "Closed, moved or not yet open at the census. Look at them if a pilot is among them."
        checks.append(CheckResult("data/zero_exposure", "warn", message, guidance))
    fractional = sum(int((cells.problem == FRACTIONAL).sum()) for cells in counts.values())
    if fractional:
        message = f"{fractional} counts in the publisher's file are not whole numbers; marked missing."
        guidance = "They take no part in any estimate."
        checks.append(CheckResult("data/fractional_count", "warn", message, guidance))
    return tuple(checks)


def _dataset(
    frame: pd.DataFrame,
    keys: Keys,
    counts: Mapping[str, Cells],
    exposure: Floats,
    unusable: Bools,
    layout: Layout,
    origin: Origin,
) -> tuple[xr.Dataset, tuple[CheckResult, ...]]:
    size = (len(keys.schools), len(keys.periods))
    exposures = np.full(size, math.nan)
    exposures[keys.school, keys.period] = np.where(unusable | (exposure == 0), math.nan, exposure)
    # no pupils and no events: there was nothing to count
    nobody = (exposure == 0) & ~unusable
    stacks = [_spread(cells, unusable, nobody, keys, size) for cells in counts.values()]
    value, lower, upper, status = (np.stack(arrays) for arrays in zip(*stacks, strict=True))
    labels, changed = _attributes(frame, keys, layout, origin)
    dims = ("indicator", "school", "period")
    flags = {"flag_values": np.arange(4, dtype=np.int8), "flag_meanings": " ".join(STATUS_NAMES)}
    data = xr.Dataset(
        {
            "value": (dims, value),
            "lower": (dims, lower),
            "upper": (dims, upper),
            "status": (dims, status, flags),
            "exposure": (dims[1:], exposures, {"units": "pupils"}),
            **_set_aside(keys, counts, exposure, unusable),
        },
        coords={
            "indicator": np.array(list(counts), dtype=str),
            "school": keys.schools,
            "period": np.array(keys.periods, dtype=str),
            **{attribute: ("school", texts) for attribute, texts in labels.items()},
        },
        attrs={"level": origin.level},
    )
    return data, changed


def _spread(
    cells: Cells, unusable: Bools, nobody: Bools, keys: Keys, size: tuple[int, int]
) -> tuple[Floats, Floats, Floats, npt.NDArray[np.int8]]:
    """Put one indicator's rows in their places; a school-year without a row is missing."""
    kept = cells.blanked(unusable | (cells.problem == FRACTIONAL))
    cell, count = keys.cell, size[0] * size[1]
    value, lower, upper = np.full(count, math.nan), np.zeros(count), np.full(count, math.inf)
    status = np.full(count, MISSING, dtype=np.int8)
    value[cell], lower[cell], upper[cell], status[cell] = kept.value, kept.lower, kept.upper, kept.status
    empty = cell[nobody]
    value[empty] = lower[empty] = upper[empty] = math.nan
    status[empty] = NOT_APPLICABLE
    return value.reshape(size), lower.reshape(size), upper.reshape(size), status.reshape(size)


def _attributes(
    frame: pd.DataFrame, keys: Keys, layout: Layout, origin: Origin
) -> tuple[dict[str, npt.NDArray[np.str_]], tuple[CheckResult, ...]]:
    """Return each school's name, phase, region and la in its latest year; say how many have changed.

    A phase is called by its declared word, whatever the file prints.
    """
    rows = np.full((len(keys.schools), len(keys.periods)), -1)
    rows[keys.school, keys.period] = np.arange(len(frame))
    latest_period = np.where(rows >= 0, np.arange(len(keys.periods)), -1).max(axis=1)
    last = rows[np.arange(len(keys.schools)), latest_period]
    labels, checks = {}, []
    for attribute in (*ATTRIBUTES, *(name for name in OPTIONAL_ATTRIBUTES if name in layout.attributes)):
        if attribute not in layout.attributes:
            labels[attribute] = np.full(len(keys.schools), "", dtype="<U1")
            continue
        codes, texts = distinct(frame[layout.attributes[attribute]])
        latest = codes[last]
        words = [load_symbols().phase_of(text) for text in texts] if attribute == "phase" else texts
        labels[attribute] = np.array(words, dtype=str)[latest]
        others = np.bincount(keys.school[codes != latest[keys.school]], minlength=len(keys.schools))
        changed = np.count_nonzero(others)
        if changed:
            message = (
                f"{changed} {origin.level} ids carry more than one {attribute} over the years; the latest is used."
            )
            checks.append(CheckResult(f"data/{attribute}_changed", "info", message))
    return labels, tuple(checks)
