"""Read published and local files into a :class:`~averting.data.panel.Panel`."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from pathlib import Path

import numpy as np
import pandas as pd

from averting.checks import CheckResult
from averting.data.assemble import ATTRIBUTES, BLANK, OPTIONAL_ATTRIBUTES, Layout, Origin, assemble
from averting.data.exposures import COLUMNS, UNITS, one_exposure
from averting.data.faults import columns_there
from averting.data.files import read_columns
from averting.data.frequency import BREAKDOWNS, IDENTIFIER, TERM_COLUMN, only_totals, take_frequency
from averting.data.indicators import load_indicators
from averting.data.measures import Measure
from averting.data.panel import LEVELS, Panel
from averting.data.symbols import NEEDED_ROLES, Symbol, Vintage, interval, load_symbols
from averting.data.vintage import choose_vintage, level_rows, pick_phase
from averting.data.wide import PERIOD, long_from_wide
from averting.errors import DataError, Fault, refuse

SOURCES = ("dfe_exclusions", "dfe_absence", "tidy")


def read_panel(
    path: str | Path,
    *,
    source: str = "dfe_exclusions",
    level: str = "school",
    phase: str | None = None,
    columns: Mapping[str, str] | None = None,
    symbols: Mapping[str, tuple[float, float]] | None = None,
    indicators: Collection[str] | None = None,
    covariates: Collection[str] = (),
    frequency: str = "year",
    wide: str | None = None,
    sheet: str | None = None,
) -> Panel:
    """Read a file into a panel.

    Parameters
    ----------
    path : str or Path
        ``.csv``, ``.csv.gz``, ``.parquet``, ``.xlsx``, or a ``.zip`` with one table in it.
    source : {"dfe_exclusions", "dfe_absence", "tidy"}
        ``dfe_exclusions``, ``dfe_absence``: a DfE file, old or new, whose vintage is recognised by its columns and
        said in the panel's checks. ``tidy``: any table with one row per school and academic year or term, or a
        wide one.
    level : {"school", "local authority", "region", "national"}
        Which rows to read, and what a row is of.
    phase : str, optional
        Keep rows of one phase. ``"Secondary"`` is the label "Secondary" or "State-funded secondary", whatever the
        case, and so for Primary and Special; any other word must be a label in the file.
    columns : mapping of str to str, optional
        For ``tidy``: the file's column for ``school``, ``period``, ``exposure``, optionally ``name``, ``phase``,
        ``region``, ``la``, ``laestab``, and for each indicator under its own name. Columns already so named may be left out.
    symbols : mapping of str to (lower, upper), optional
        Text that stands for a count between two bounds; added to, and before, what the vintage says.
    indicators : collection of str, optional
        Which to read, shares and means as :attr:`Panel.measures`; all that are found by default, in DfE files all
        that share the file's main exposure.
    covariates : collection of str
        For ``tidy``: columns of numbers by which to choose and judge comparison schools.
    frequency : {"year", "term"}
        For DfE files: rows for whole years, or for single terms. A tidy table says it in its periods.
    wide : str, optional
        For ``tidy``: how columns are named that hold one indicator in one period, such as
        ``"{indicator}_{period}"``; see :func:`averting.data.wide.long_from_wide`. ``columns`` then gives the words
        that stand for ``exposure`` and for each indicator.
    sheet : str, optional
        Sheet of an Excel workbook; may be left out where there is one only.

    Returns
    -------
    Panel

    Raises
    ------
    DataError
        If the file cannot be opened, is of no known vintage, or has faults, which are listed at once.
    MissingExtraError
        If a Parquet file is asked for without pyarrow, or an Excel workbook without openpyxl.

    Examples
    --------
    >>> panel = av.read_panel("my-pilot/data/simulated_schools.csv", source="dfe_exclusions", phase="Secondary")
    >>> panel.periods[0], len(panel.schools)
    ('2013/14', 43)
    """
    path = Path(path)
    if source not in SOURCES or level not in LEVELS:
        found, allowed = (source, SOURCES) if source not in SOURCES else (level, LEVELS)
        raise DataError(f"read_panel: '{found}' is not known. Use one of: {', '.join(allowed)}.")
    given = {text: interval(text, *bounds) for text, bounds in (symbols or {}).items()}
    if source == "tidy":
        if frequency != "year":
            raise DataError("read_panel: frequency belongs to DfE files; a tidy table names terms in its periods.")
        described = tuple(covariates)
        return _read_tidy(path, level, phase, columns or {}, given, indicators, described, wide, sheet)
    if columns is not None or wide is not None:
        found = "columns" if columns is not None else "wide"
        raise DataError(
            f"read_panel: {found} belongs to source='tidy'; DfE files are recognised by their own columns."
        )
    if covariates:
        raise DataError("read_panel: covariates belong to source='tidy'; DfE's exclusions files have none.")
    header: list[str] = []

    def wanted(names: Iterable[str]) -> set[str]:
        header[:] = names
        return _dfe_columns(header, level)

    return panel_from_dfe(
        read_columns(path, wanted, sheet=sheet),
        header=header,
        source=path.name,
        level=level,
        phase=phase,
        symbols=given,
        indicators=indicators,
        frequency=frequency,
        publication=source,
    )


def panel_from_dfe(
    frame: pd.DataFrame,
    *,
    source: str,
    header: Collection[str] = (),
    level: str = "school",
    phase: str | None = None,
    symbols: Mapping[str, Symbol] | None = None,
    indicators: Collection[str] | None = None,
    frequency: str = "year",
    publication: str = "dfe_exclusions",
) -> Panel:
    """Build a panel from a frame in the layout of a DfE file; see :func:`read_panel`.

    Parameters
    ----------
    frame : DataFrame
        Cells as text. Its index counts records of the file from 0.
    source : str
        What to call it in messages.
    header : collection of str
        Names of all the file's columns, by which its vintage is recognised; the frame's by default.
    level, phase, symbols, indicators, frequency
        As in :func:`read_panel`, symbols as declared ones.
    publication : {"dfe_exclusions", "dfe_absence"}
        Which publication the file is of.
    """
    header = header or [str(name) for name in frame.columns]
    vintage, columns = choose_vintage(frame, header, source=source, level=level)
    found = "dfe_absence" if "sess_possible" in vintage.requires else "dfe_exclusions"
    if found != publication:
        raise DataError(f"{source} is {vintage.label}. Read it with source='{found}'.")
    counts = _dfe_counts(header, indicators, source)
    counts, exposure, exposure_checks = one_exposure(
        counts, columns["exposure"], asked=indicators is not None, source=source
    )
    columns = {**columns, "exposure": exposure}
    of_all, _ = only_totals(frame, source=source)
    of_span, _ = take_frequency(of_all, frequency, columns["period"], source=source)
    kept, _ = level_rows(of_span, vintage, source=source, level=level)
    left_out = len(frame) - len(kept)
    if "phase" in columns:
        kept, other = pick_phase(kept, columns["phase"], phase, source=source, level=level)
        left_out += other
    elif phase is not None:
        raise DataError(f"{source} has no phase column, so phase='{phase}' cannot be kept. Leave phase out.")
    origin = Origin(source, level, {**vintage.symbols, **(symbols or {})}, vintage.tolerates)
    data, checks = assemble(kept, kept.index.to_numpy(dtype=np.int64) + 2, _layout(columns, counts), origin)
    data["exposure"].attrs["units"] = UNITS.get(exposure, "pupils")
    said = (_vintage_check(vintage, symbols or {}), *exposure_checks, *_left_out_check(left_out))
    return Panel(data, (*said, *checks))


def _dfe_columns(header: Collection[str], level: str) -> set[str]:
    """Return the columns that the vintages with this header are read by, and those of every indicator.

    Columns by which a vintage is recognised only need not be parsed: its header has told.
    """
    fitting = load_symbols().recognise(header)
    names = {name for vintage in fitting for name in vintage.read_by(level)}
    names |= {TERM_COLUMN, IDENTIFIER, *BREAKDOWNS, *COLUMNS.values()}
    names |= {name for indicator in load_indicators().values() for name in indicator.columns}
    return names


def _dfe_counts(header: Iterable[str], indicators: Collection[str] | None, source: str) -> dict[str, str]:
    """Return the indicators to read and the column of each."""
    declared = load_indicators()
    present = set(header)
    unknown = sorted(set(indicators or ()) - set(declared))
    if unknown:
        raise DataError(f"indicators: {', '.join(unknown)} not declared. Use any of: {', '.join(declared)}.")
    found = {}
    faults = []
    for key in declared if indicators is None else indicators:
        names = [name for name in declared[key].columns if name in present]
        if names:
            found[key] = names[0]
        elif indicators is not None:
            wanted = " or ".join(declared[key].columns)
            fix = f"It must be called {wanted}" if wanted else "No DfE file has it: read yours with source='tidy'"
            faults.append(Fault(source, f"no column for {key}", fix))
    if not found and not faults:
        wanted = ", ".join(name for indicator in declared.values() for name in indicator.columns)
        faults.append(Fault(source, "no column of counts", f"Give at least one of: {wanted}"))
    refuse(DataError, f"{source} lacks columns", faults)
    return found


def _layout(columns: Mapping[str, str], read: Mapping[str, str], covariates: tuple[str, ...] = ()) -> Layout:
    """Lay out indicators by their declared kind: counts, and measures, which are shares or means."""
    declared = load_indicators()
    kinds = {key: declared[key].kind if key in declared else "count" for key in read}
    counts = {key: column for key, column in read.items() if kinds[key] == "count"}
    measures = {key: Measure(column, kinds[key]) for key, column in read.items() if kinds[key] != "count"}
    attributes = {role: columns[role] for role in (*ATTRIBUTES, *OPTIONAL_ATTRIBUTES) if role in columns}
    return Layout(
        columns["school"], columns["period"], columns["exposure"], counts, attributes, covariates, measures
    )


def _vintage_check(vintage: Vintage, given: Mapping[str, Symbol]) -> CheckResult:
    meanings = "; ".join(
        f"'{symbol.text}' {symbol.meaning}" for symbol in {**vintage.symbols, **given}.values() if symbol.text
    )
    return CheckResult("data/vintage", "info", f"Recognised as {vintage.label}. Symbols: {meanings or 'none'}.")


def _left_out_check(left_out: int) -> tuple[CheckResult, ...]:
    if left_out == 0:
        return ()
    return (
        CheckResult(
            "data/rows_left_out",
            "info",
            f"{left_out:,} rows of other levels, phases, terms or groups were left out.",
        ),
    )


def _read_tidy(
    path: Path,
    level: str,
    phase: str | None,
    columns: Mapping[str, str],
    symbols: Mapping[str, Symbol],
    indicators: Collection[str] | None,
    covariates: tuple[str, ...],
    wide: str | None,
    sheet: str | None,
) -> Panel:
    roles = {*NEEDED_ROLES, *ATTRIBUTES, *OPTIONAL_ATTRIBUTES}
    counts = {key: column for key, column in columns.items() if key not in roles}
    named = {role: columns.get(role, role) for role in NEEDED_ROLES}
    named |= {role: columns.get(role, role) for role in (*ATTRIBUTES, *OPTIONAL_ATTRIBUTES)}
    known = {*counts, *load_indicators(), *(indicators or ())}
    header: list[str] = []

    def told(names: Iterable[str]) -> set[str]:
        header[:] = names
        return wanted

    if wide is None:
        wanted = {*named.values(), *counts.values(), *known, *covariates}
        frame = read_columns(path, told, sheet=sheet)
    else:
        frame = long_from_wide(read_columns(path, set, sheet=sheet), wide, source=path.name)
        named["period"] = PERIOD
    present = {
        role: column for role, column in named.items() if column in frame or role in {*NEEDED_ROLES, *columns}
    }
    for key in known if indicators is None else indicators:
        if key in frame.columns or indicators is not None:
            counts.setdefault(key, key)
    if indicators is not None:
        counts = {key: counts[key] for key in indicators}
    declared = load_indicators()
    if not any(key not in declared or declared[key].kind == "count" for key in counts):
        raise DataError(
            f'{path.name}: no column of counts. Name one, such as suspensions = "susp" under [data.columns] in '
            "evaluation.toml, or columns={'suspensions': 'susp'} in Python; shares and means are read beside counts. "
            f"{columns_there(header or list(map(str, frame.columns)))}."
        )
    checks: tuple[CheckResult, ...] = ()
    if phase is not None and present.get("phase") in frame.columns:
        frame, left_out = pick_phase(frame, present["phase"], phase, source=path.name, level=level)
        checks = _left_out_check(left_out)
    elif phase is not None:
        raise DataError(
            f"{path.name} has no column '{present.get('phase', 'phase')}', so phase='{phase}' cannot be kept. Name the right "
            "one as phase under [data.columns], or, where all schools are of one phase, leave phase out of [data]. "
            f"{columns_there(header or list(map(str, frame.columns)))}."
        )
    rows = frame.index.to_numpy(dtype=np.int64) + 2
    origin = Origin(path.name, level, {"": BLANK, **symbols}, header=tuple(header))
    data, found = assemble(frame, rows, _layout(present, dict(sorted(counts.items())), covariates), origin)
    return Panel(data, (*checks, *found))
