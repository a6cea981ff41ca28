"""Read published and local files into a :class:`~averting.data.panel.Panel`."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from averting.data.assemble import Origin, assemble
from averting.data.breakdowns import keep_rows, rows_check
from averting.data.exposures import COLUMNS, UNITS, one_exposure
from averting.data.files import read_columns
from averting.data.frequency import BREAKDOWNS, IDENTIFIER, TERM_COLUMN, only_totals, take_frequency
from averting.data.headcounts import COLUMN
from averting.data.indicators import load_indicators
from averting.data.panel import LEVELS, Panel
from averting.data.parts import panel_of_parts
from averting.data.reading import ALL, Chosen, layout_of, left_out_check, vintage_check
from averting.data.symbols import NEEDED_ROLES, Symbol, interval, load_symbols
from averting.data.tidy import read_tidy
from averting.data.vintage import choose_vintage, level_rows, pick_phase
from averting.errors import DataError, Fault, refuse

SOURCES = ("dfe_exclusions", "dfe_absence", "dfe_ap", "tidy")


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
    headcount: str | Path | None = None,
    rows: Mapping[str, str | Sequence[str]] | None = None,
) -> Panel:
    """Read a file into a panel.

    Parameters
    ----------
    path : str or Path
        ``.csv``, ``.csv.gz``, ``.parquet``, ``.xlsx``, or a ``.zip`` with one table in it.
    source : {"dfe_exclusions", "dfe_absence", "dfe_ap", "tidy"}
        ``dfe_exclusions``, ``dfe_absence``, ``dfe_ap`` (placements in alternative provision): a DfE file, old or new,
        whose vintage is recognised by its columns and said in the panel's checks. ``tidy``: any table with one row per
        school and academic year or term, or a wide one.
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
    headcount : str or Path, optional
        A second file, whose pupils are taken, for a file without any: an exclusions file of DfE's, or a table with
        columns ``school``, ``period`` and ``exposure``. ``phase`` chooses from it too.
    rows : mapping of str to str or sequence of str, optional
        Which rows to keep, by column and text, such as ``{"age": ["Age 11", "Age 12"]}``. In a file that counts by
        reason, length or setting, what is named is added up, and what is not named stands at its total.

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
    asked = {name: (texts,) if isinstance(texts, str) else tuple(texts) for name, texts in (rows or {}).items()}
    pupils = None if headcount is None else read_pupils(headcount, level=level, phase=phase)
    if source == "tidy":
        if frequency != "year":
            raise DataError("read_panel: frequency belongs to DfE files; a tidy table names terms in its periods.")
        chosen = Chosen(asked, pupils, Path(headcount or "").name)
        described = tuple(covariates)
        return read_tidy(path, level, phase, columns or {}, given, indicators, described, wide, sheet, chosen)
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
        return _dfe_columns(header, level) | set(asked)

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
        chosen=Chosen(asked, pupils, Path(headcount or "").name),
    )


def read_pupils(path: str | Path, *, level: str, phase: str | None) -> Panel:
    """Read the pupils of a file: DfE's exclusions file, or a table with columns school, period and exposure.

    Returns
    -------
    Panel
        Its exposure is what is wanted.

    Raises
    ------
    DataError
        If the file has none.
    """
    path = Path(path)
    header: list[str] = []

    def wanted(names: Iterable[str]) -> set[str]:
        header[:] = names
        return set(NEEDED_ROLES)

    frame = read_columns(path, wanted)
    if load_symbols().recognise(header):
        return read_panel(path, level=level, phase=phase)
    lacking = [role for role in NEEDED_ROLES if role not in frame]
    faults = [
        Fault(path.name, f"there is no column '{role}'", "Give school, period and exposure") for role in lacking
    ]
    refuse(DataError, f"{path.name} does not say how many pupils there were", faults)
    return Panel.from_frame(
        frame,
        school="school",
        period="period",
        exposure="exposure",
        counts={"pupils": "exposure"},
        level=level,
        source=path.name,
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
    chosen: Chosen = ALL,
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
    publication : {"dfe_exclusions", "dfe_absence", "dfe_ap"}
        Which publication the file is of.
    chosen
        Which rows are wanted, and pupils from a second file.
    """
    header = header or [str(name) for name in frame.columns]
    added = COLUMN if chosen.pupils is not None else ""
    vintage, columns = choose_vintage(frame, header, source=source, level=level, headcount=added)
    if vintage.publication != publication:
        raise DataError(f"{source} is {vintage.label}. Read it with source='{vintage.publication}'.")
    if vintage.breakdown is not None:
        return panel_of_parts(frame, vintage, columns, source, level, phase, symbols or {}, indicators, chosen)
    frame, unwanted = keep_rows(frame, chosen.rows, source=source)
    counts = _dfe_counts(header, indicators, source)
    counts, exposure, exposure_checks = one_exposure(
        counts, columns["exposure"], asked=indicators is not None, source=source
    )
    columns = {**columns, "exposure": exposure}
    of_all, _ = only_totals(frame, source=source, chosen=chosen.rows)
    of_span, _ = take_frequency(of_all, frequency, columns["period"], source=source)
    kept, _ = level_rows(of_span, vintage, source=source, level=level)
    left_out = len(frame) - len(kept) + unwanted
    if "phase" in columns:
        kept, other = pick_phase(kept, columns["phase"], phase, source=source, level=level)
        left_out += other
    elif phase is not None:
        raise DataError(f"{source} has no phase column, so phase='{phase}' cannot be kept. Leave phase out.")
    origin = Origin(source, level, {**vintage.symbols, **(symbols or {})}, vintage.tolerates)
    data, checks = assemble(kept, kept.index.to_numpy(dtype=np.int64) + 2, layout_of(columns, counts), origin)
    data["exposure"].attrs["units"] = UNITS.get(exposure, "pupils")
    said = (vintage_check(vintage, symbols or {}), *rows_check(None, chosen.rows), *exposure_checks)
    return Panel(data, (*said, *left_out_check(left_out), *checks))


def _dfe_columns(header: Collection[str], level: str) -> set[str]:
    """Return the columns that the vintages with this header are read by, and those of every indicator.

    Columns by which a vintage is recognised only need not be parsed: its header has told.
    """
    fitting = load_symbols().recognise(header)
    names = {name for vintage in fitting for name in vintage.read_by(level)}
    names |= {TERM_COLUMN, IDENTIFIER, *BREAKDOWNS, *COLUMNS.values()}
    names |= {name for indicator in load_indicators().values() for name in indicator.columns}
    for vintage in fitting:
        if vintage.breakdown is not None:
            parts = vintage.breakdown.columns(list(header)).values()
            names |= {*vintage.breakdown.totals, *(column for columns in parts for column in columns.values())}
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
