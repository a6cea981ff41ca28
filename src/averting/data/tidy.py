"""Read users' own tables: one row per school and period, or wide."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from pathlib import Path

import numpy as np
import pandas as pd

from averting.checks import CheckResult
from averting.data.assemble import ATTRIBUTES, BLANK, OPTIONAL_ATTRIBUTES, Origin, assemble
from averting.data.breakdowns import keep_rows, rows_check
from averting.data.faults import columns_there
from averting.data.files import read_columns
from averting.data.headcounts import COLUMN, with_headcount
from averting.data.indicators import load_indicators
from averting.data.panel import Panel
from averting.data.reading import Chosen, layout_of, left_out_check
from averting.data.symbols import NEEDED_ROLES, Symbol
from averting.data.vintage import pick_phase
from averting.data.wide import PERIOD, long_from_wide
from averting.errors import DataError, Fault, refuse


def read_tidy(
    path: Path,
    level: str,
    phase: str | None,
    columns: Mapping[str, str],
    symbols: Mapping[str, Symbol],
    indicators: Collection[str] | None,
    covariates: tuple[str, ...],
    wide: str | None,
    sheet: str | None,
    chosen: Chosen,
) -> Panel:
    """Read a table with one row per school and period, or a wide one; see :func:`averting.data.read_panel`."""
    roles = {*NEEDED_ROLES, *ATTRIBUTES, *OPTIONAL_ATTRIBUTES}
    counts = {key: column for key, column in columns.items() if key not in roles}
    named = {role: columns.get(role, role) for role in NEEDED_ROLES}
    named |= {role: columns.get(role, role) for role in (*ATTRIBUTES, *OPTIONAL_ATTRIBUTES)}
    known = {*counts, *load_indicators(), *(indicators or ())}
    if wide is None:
        wanted = {*named.values(), *counts.values(), *known, *covariates, *chosen.rows}
        frame, header = _columns(path, wanted, sheet)
    else:
        frame = long_from_wide(read_columns(path, set, sheet=sheet), wide, source=path.name)
        named["period"], header = PERIOD, tuple(map(str, frame.columns))
    frame, unwanted = keep_rows(frame, chosen.rows, source=path.name)
    checks: tuple[CheckResult, ...] = rows_check(None, chosen.rows)
    if chosen.pupils is not None:
        frame, more = _pupils_added(frame, named, chosen, path.name)
        named["exposure"], checks = COLUMN, (*checks, *more)
    present = {
        role: column for role, column in named.items() if column in frame or role in {*NEEDED_ROLES, *columns}
    }
    if indicators is None:
        counts = {**{key: key for key in known if key in frame.columns}, **counts}
    else:
        counts = {key: counts.get(key, key) for key in indicators}
    _refuse_without_counts(counts, header, path.name)
    if phase is not None and present.get("phase") in frame.columns:
        frame, other = pick_phase(frame, present["phase"], phase, source=path.name, level=level)
        unwanted += other
    elif phase is not None and chosen.pupils is None:
        raise DataError(
            f"{path.name} has no column '{present.get('phase', 'phase')}', so phase='{phase}' cannot be kept. Name the right "
            "one as phase under [data.columns], or, where all schools are of one phase, leave phase out of [data]. "
            f"{columns_there(header)}."
        )
    rows = frame.index.to_numpy(dtype=np.int64) + 2
    origin = Origin(path.name, level, {"": BLANK, **symbols}, header=header)
    data, found = assemble(frame, rows, layout_of(present, dict(sorted(counts.items())), covariates), origin)
    return Panel(data, (*checks, *left_out_check(unwanted), *found))


def _columns(path: Path, wanted: set[str], sheet: str | None) -> tuple[pd.DataFrame, tuple[str, ...]]:
    """Return those columns of a file, and the names of all that it has."""
    there: list[str] = []

    def told(names: Iterable[str]) -> set[str]:
        there[:] = names
        return wanted

    return read_columns(path, told, sheet=sheet), tuple(there)


def _refuse_without_counts(keys: Iterable[str], header: tuple[str, ...], source: str) -> None:
    declared = load_indicators()
    if not any(key not in declared or declared[key].kind == "count" for key in keys):
        raise DataError(
            f'{source}: no column of counts. Name one, such as suspensions = "susp" under [data.columns] in '
            "evaluation.toml, or columns={'suspensions': 'susp'} in Python; shares and means are read beside counts. "
            f"{columns_there(header)}."
        )


def _pupils_added(
    frame: pd.DataFrame, named: Mapping[str, str], chosen: Chosen, source: str
) -> tuple[pd.DataFrame, tuple[CheckResult, ...]]:
    if chosen.pupils is None:
        return frame, ()
    if named["exposure"] in frame:
        raise DataError(f"{source} has pupils of its own, in column '{named['exposure']}'. Leave headcount out.")
    lacking = [named[role] for role in ("school", "period") if named[role] not in frame]
    faults = [Fault(source, f"there is no column '{name}'", "Name it in columns") for name in lacking]
    refuse(DataError, f"{source} lacks columns", faults)
    school, period = named["school"], named["period"]
    return with_headcount(frame, chosen.pupils, school=school, period=period, source=source, named=chosen.named)
