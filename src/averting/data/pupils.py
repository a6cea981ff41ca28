"""From records of single pupils to a panel of schools, without holding the records in memory.

DuckDB reads the file in pieces and counts each pupil once for each school and period, on disk where memory is short;
only counts by school and period leave it. No message repeats a pupil's values, or a record type that is not declared.
"""

from __future__ import annotations

import datetime
import importlib
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from averting.checks import CheckResult
from averting.data.assemble import BLANK, Layout, Origin, assemble
from averting.data.frequency import FREQUENCIES
from averting.data.indicators import Indicator, load_indicators
from averting.data.panel import Panel
from averting.errors import DataError, Fault, MissingExtraError, UnitError, refuse
from averting.years import TERMS, Period, easter

_RECORD_ROLES = ("school", "pupil", "date", "type")
_ROLL_ROLES = ("school", "pupil", "period")
_FIRST_YEAR, _LAST_YEAR = 1990, 2099


@dataclass(frozen=True)
class _Limits:
    memory: str
    threads: int


def read_pupil_records(
    records: str | Path,
    types: Mapping[str, str | Sequence[str]],
    *,
    roll: str | Path | None = None,
    frequency: str = "term",
    columns: Mapping[str, str] | None = None,
    roll_columns: Mapping[str, str] | None = None,
    indicators: Mapping[str, Indicator] | None = None,
    memory: str = "1GB",
    threads: int = 2,
) -> Panel:
    """Count pupil-level records by school and term, or by school and year.

    Parameters
    ----------
    records : str or Path
        ``.parquet`` or ``.csv``: one row for each event of a pupil, with the school, the pupil's id, the date and the
        type of the event.
    types : mapping of str to str or sequence of str
        Indicator and the record types that count towards it, such as ``{"suspensions": "SUSP"}``. Records are counted
        where the indicator's unit is events or sessions, and pupils, each once in a school and period, where it is
        pupils. Records of other types are left out, with a check.
    roll : str or Path, optional
        ``.parquet`` or ``.csv``: one row for each pupil on a school's roll in a period (a year's roll stands for each
        of its terms). Pupils on it are the exposure, and a school without records has a count of 0. Left out, the
        exposure is every pupil with a record of any type: right only where all pupils have some, as in attendance
        marks.
    frequency : {"term", "year"}
        Of the panel. Terms are those of DfE's collection: autumn from 1 September, spring from 1 January, summer from
        Easter Monday.
    columns, roll_columns : mapping of str to str, optional
        Column of each role where it is called otherwise: ``school``, ``pupil``, ``date`` and ``type`` in records;
        ``school``, ``pupil`` and ``period`` in the roll.
    indicators : mapping of str to Indicator, optional
        Declared indicators; those that ship with averting by default.
    memory : str
        Most that DuckDB may hold, such as ``"1GB"``; beyond it, it works on disk.
    threads : int
        How many threads DuckDB may use.

    Returns
    -------
    Panel
        Of the periods between the first and the last record.

    Raises
    ------
    DataError
        If a file or column is absent, an indicator is not declared, or rows lack a school, pupil or date.
    MissingExtraError
        If DuckDB is not installed.
    """
    records = Path(records)
    if frequency not in FREQUENCIES:
        raise DataError(f"frequency is '{frequency}'. Use one of: {', '.join(FREQUENCIES)}.")
    declared = load_indicators() if indicators is None else indicators
    wanted = _wanted(types, declared)
    with _database(_Limits(memory, threads)) as database:
        table = _table(database, records, _RECORD_ROLES, columns or {})
        _refuse_incomplete(database, table, records.name)
        counted = database.execute(_count_query(table, wanted, declared, frequency)).df()
        pupils = None if roll is None else _roll(database, Path(roll), roll_columns or {})
    ignored = int(counted.pop("ignored").sum())
    frame, checks = _with_exposure(counted, pupils, list(wanted), frequency)
    layout = Layout("school", "period", "exposure", {key: key for key in wanted}, {})
    origin = Origin(records.name, "school", {"": BLANK}, frozenset({"zero_exposure"}))
    data, found = assemble(frame, np.arange(len(frame)), layout, origin)
    if ignored:
        message = f"{ignored:,} records are of a type that no indicator counts; left out."
        checks = (*checks, CheckResult("data/other_types", "info", message))
    return Panel(data, (*checks, *found))


def _wanted(
    types: Mapping[str, str | Sequence[str]], declared: Mapping[str, Indicator]
) -> dict[str, tuple[str, ...]]:
    if not types:
        raise DataError("types names no indicator. Give a mapping such as {'suspensions': 'SUSP'}.")
    faults = [
        Fault(f"types, {key}", "this indicator is not declared", "Add a table for it to indicators.toml")
        for key in types
        if key not in declared
    ]
    faults += [
        Fault(f"types, {key}", f"this indicator is a {declared[key].kind}", "Only counts come from records")
        for key in types
        if key in declared and declared[key].kind != "count"
    ]
    refuse(DataError, "types does not fit the declared indicators", faults)
    return {key: (given,) if isinstance(given, str) else tuple(given) for key, given in types.items()}


@contextmanager
def _database(limits: _Limits) -> Iterator[Any]:
    """Open an empty database that keeps to its limits, and turn its errors into ours, without their words."""
    try:
        duckdb = importlib.import_module("duckdb")
    except ImportError as error:
        raise MissingExtraError("pupils", "Reading pupil-level records") from error
    with tempfile.TemporaryDirectory() as folder:
        settings = {
            "memory_limit": limits.memory,
            "threads": limits.threads,
            "temp_directory": folder,
            "preserve_insertion_order": False,
        }
        try:
            with duckdb.connect(":memory:", config=settings) as database:
                yield database
        except duckdb.Error as error:
            # its messages quote cells
            kind = type(error).__name__
            raise DataError(
                f"DuckDB could not count the pupil records ({kind}). See that both files are whole .parquet or .csv "
                "files with a header, and that memory and disk suffice."
            ) from None


@dataclass(frozen=True)
class _Table:
    """What to read from, and the column of each role, both as SQL."""

    source: str
    columns: Mapping[str, str]


def _table(database: Any, path: Path, roles: Sequence[str], called: Mapping[str, str]) -> _Table:
    if not path.is_file():
        raise DataError(
            f"{path.name}: there is no such file in {path.parent.name or 'this folder'}. Check the path."
        )
    reader = {".parquet": "read_parquet({})", ".csv": "read_csv({}, header=true, all_varchar=true)"}.get(
        path.suffix.lower()
    )
    if reader is None:
        raise DataError(f"{path.name}: pupil records are read from .parquet and .csv. Save them as one of those.")
    unknown = sorted(set(called) - set(roles))
    if unknown:
        raise DataError(f"columns names {', '.join(unknown)}. Use any of: {', '.join(roles)}.")
    source = reader.format("'" + str(path).replace("'", "''") + "'")
    header = {row[0]: row[1] for row in database.execute(f"DESCRIBE SELECT * FROM {source}").fetchall()}
    names = {role: called.get(role, role) for role in roles}
    faults = [
        Fault(path.name, f"there is no column '{name}'", f"It must hold the {role}; name the right one in columns")
        for role, name in names.items()
        if name not in header
    ]
    refuse(DataError, f"{path.name} lacks columns", faults)
    # text is trimmed, also because DuckDB would else move a cast into its CSV reader, where TRY_CAST fails
    sql = {role: '"' + name.replace('"', '""') + '"' for role, name in names.items()}
    return _Table(
        source,
        {role: f"trim({sql[role]})" if header[name] == "VARCHAR" else sql[role] for role, name in names.items()},
    )


def _refuse_incomplete(database: Any, table: _Table, name: str) -> None:
    """Refuse records without a school or pupil, or with a date that is none; say how many, never which."""
    column = table.columns
    blank = "count(*) FILTER (WHERE {0} IS NULL OR CAST({0} AS VARCHAR) = '')"
    date = f"TRY_CAST({column['date']} AS DATE)"
    parts = [blank.format(column["school"]), blank.format(column["pupil"])]
    first, last = f"DATE '{_FIRST_YEAR + 1}-01-01'", f"DATE '{_LAST_YEAR}-12-31'"
    parts.append(f"count(*) FILTER (WHERE NOT coalesce({date} BETWEEN {first} AND {last}, false))")
    *bad, total = database.execute(f"SELECT {', '.join(parts)}, count(*) FROM {table.source}").fetchone()
    if total == 0:
        raise DataError(f"{name} has a header but no records.")
    words = ("no school", "no pupil", "no date between 1991 and 2099 written like 2021-11-30")
    faults = [
        Fault(f"{name}, {role}", f"{count:,} of {total:,} records have {what}", "Complete or drop them")
        for role, count, what in zip(("school", "pupil", "date"), bad, words, strict=True)
        if count
    ]
    refuse(DataError, f"{name} cannot be counted", faults)


def _count_query(
    table: _Table, wanted: Mapping[str, tuple[str, ...]], declared: Mapping[str, Indicator], frequency: str
) -> str:
    """Count records for each pupil first, which can spill to disk, then pupils and records for each school."""
    types = f"CAST({table.columns['type']} AS VARCHAR)"
    places = list(enumerate(wanted.items()))
    each = [f"count(*) FILTER (WHERE {types} IN ({_texts(given)})) AS n{i}" for i, (_, given) in places]
    every = _texts({text for given in wanted.values() for text in given})
    outer = [
        f"{f'count(*) FILTER (WHERE n{i} > 0)' if declared[key].unit == 'pupils' else f'sum(n{i})'}::BIGINT AS {key}"
        for i, (key, _) in places
    ]
    return f"""
        WITH dated AS (
            SELECT *, CAST({table.columns["date"]} AS DATE) AS averting_date FROM {table.source}
        ), of_pupils AS (
            SELECT CAST({table.columns["school"]} AS VARCHAR) AS school,
                {_ordinal(frequency)} AS ordinal,
                CAST({table.columns["pupil"]} AS VARCHAR) AS pupil,
                {", ".join(each)},
                count(*) FILTER (WHERE {types} IS NULL OR {types} NOT IN ({every})) AS ignored
            FROM dated GROUP BY ALL
        )
        SELECT school, ordinal, count(*) AS pupils, sum(ignored)::BIGINT AS ignored, {", ".join(outer)}
        FROM of_pupils GROUP BY school, ordinal ORDER BY school, ordinal
    """


def _texts(texts: Sequence[str] | set[str]) -> str:
    return ", ".join("'" + text.replace("'", "''") + "'" for text in sorted(texts))


def _ordinal(frequency: str) -> str:
    """Return SQL for the ordinal of the period that ``averting_date`` falls in; see ``Period.ordinal``."""
    size = len(TERMS) + 1
    date = "averting_date"
    year = f"(year({date}) - CASE WHEN month({date}) < 9 THEN 1 ELSE 0 END) * {size}"
    if frequency == "year":
        return f"CAST({year} AS INTEGER)"
    days = [_days_to_easter_monday(year) for year in range(_FIRST_YEAR, _LAST_YEAR + 1)]
    summer = f"dayofyear({date}) > ([{', '.join(map(str, days))}])[year({date}) - {_FIRST_YEAR - 1}]"
    return f"CAST({year} + CASE WHEN month({date}) >= 9 THEN 1 WHEN {summer} THEN 3 ELSE 2 END AS INTEGER)"


def _days_to_easter_monday(year: int) -> int:
    """Return the day of the year of Easter Sunday, the last of the spring term."""
    return (easter(year) - datetime.date(year, 1, 1)).days + 1


def _roll(database: Any, path: Path, called: Mapping[str, str]) -> pd.DataFrame:
    """Return how many pupils each school has on its roll in each period: columns school, period, exposure."""
    table = _table(database, path, _ROLL_ROLES, called)
    school, pupil, period = (f"CAST({table.columns[role]} AS VARCHAR)" for role in _ROLL_ROLES)
    each = f"SELECT DISTINCT {school} AS school, {period} AS period, {pupil} AS pupil FROM {table.source}"
    found: pd.DataFrame = database.execute(
        f"SELECT school, period, count(*) AS exposure FROM ({each}) GROUP BY school, period ORDER BY school, period"
    ).df()
    return found


def _with_exposure(
    counted: pd.DataFrame, roll: pd.DataFrame | None, keys: list[str], frequency: str
) -> tuple[pd.DataFrame, tuple[CheckResult, ...]]:
    """Join counts with pupils; a school on the roll without records in a period has counts of 0."""
    first, last = int(counted["ordinal"].min()), int(counted["ordinal"].max())
    checks: tuple[CheckResult, ...] = ()
    if roll is None:
        joined = counted.rename(columns={"pupils": "exposure"})
    else:
        known = _roll_by_ordinal(roll, frequency)
        inside = known[known["ordinal"].between(first, last)]
        if len(inside) < len(known):
            message = f"{len(known) - len(inside):,} school-periods of the roll lie outside the records; left out."
            checks = (CheckResult("data/roll_outside_records", "info", message),)
        joined = inside.merge(counted.drop(columns="pupils"), on=["school", "ordinal"], how="outer")
        absent = joined[keys].isna().any(axis=1)
        joined[keys] = joined[keys].mask(absent, 0)
    periods = [Period.at(int(ordinal)).label for ordinal in joined["ordinal"]]
    return joined.assign(period=periods)[["school", "period", "exposure", *keys]].reset_index(drop=True), checks


def _roll_by_ordinal(roll: pd.DataFrame, frequency: str) -> pd.DataFrame:
    try:
        periods = {text: Period.parse(text) for text in roll["period"].unique()}
    except UnitError:
        # the text may be anything, should the wrong column be named
        raise DataError(
            "The roll has periods that are no academic year or term, like 2016/17 or 2016/17 Autumn."
        ) from None
    if frequency == "year" and any(period.term for period in periods.values()):
        raise DataError(
            "The roll is by term, and counts are asked for by year. Give a roll by year, such as January's."
        )
    places = {
        text: [Period(period.year, term).ordinal for term in TERMS]
        if frequency == "term" and period.term is None
        else [period.ordinal]
        for text, period in periods.items()
    }
    return (
        roll.assign(ordinal=roll["period"].map(places))
        .explode("ordinal")
        .astype({"ordinal": int})
        .drop(columns="period")
    )
