"""Pupils alike in every characteristic that is looked at, counted: the only form in which risk sees pupils."""

from __future__ import annotations

import importlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from averting.data.files import read_columns
from averting.errors import DataError, Fault, MissingExtraError, refuse
from averting.risk.logistic import Floats, Ints

MOST_LEVELS = 60
_LARGE = 64 * 2**20  # bytes from which a file is counted on disk


@dataclass(frozen=True, eq=False)
class RiskCells:
    """Groups of pupils alike, how many they are, and to how many the outcome happened.

    Parameters
    ----------
    outcome : str
        What is counted, such as ``suspended``.
    levels : mapping of str to tuple of str
        Each characteristic's levels; the first is the reference.
    codes : array of int, shape (cell, characteristic)
        Position of each cell's level.
    pupils, events : array of float, shape (cell,)
        Pupils, and those of them to whom the outcome happened.
    school : array of int, shape (cell,), optional
        Position of each cell's school; which school it is, is not kept.
    """

    outcome: str
    levels: Mapping[str, tuple[str, ...]]
    codes: Ints
    pupils: Floats
    events: Floats
    school: Ints | None = None

    @property
    def characteristics(self) -> tuple[str, ...]:
        """Names of the characteristics, in order."""
        return tuple(self.levels)

    def column(self, characteristic: str) -> Ints:
        """Return the codes of one characteristic, shape (cell,)."""
        return np.asarray(self.codes[:, self.characteristics.index(characteristic)], dtype=np.int64)

    def counts(self, *characteristics: str) -> NDArray[np.int64]:
        """Count pupils with and without the outcome by characteristics: shape (levels, ..., 2), with first."""
        shape = tuple(len(self.levels[name]) for name in characteristics)
        place = np.zeros(len(self.pupils), dtype=np.int64)
        for name, size in zip(characteristics, shape, strict=True):
            place = place * size + self.column(name)
        size = int(np.prod(shape)) if shape else 1
        both = [np.bincount(place, values, size) for values in (self.events, self.pupils - self.events)]
        return np.rint(np.stack(both, axis=-1)).astype(np.int64).reshape(*shape, 2)

    @classmethod
    def from_frame(
        cls,
        frame: pd.DataFrame,
        *,
        outcome: str,
        characteristics: Sequence[str],
        references: Mapping[str, str] | None = None,
        pupils: str | None = None,
        school: str | None = None,
        source: str = "the table",
    ) -> RiskCells:
        """Count a table of pupils, or of groups of pupils.

        Parameters
        ----------
        frame : DataFrame
            One row a pupil (or a pupil and year), or one row a group of pupils where ``pupils`` is given.
        outcome : str
            Column: 1 or 0 for a pupil; for a group, to how many pupils of it the outcome happened.
        characteristics : sequence of str
            Columns of categories. A blank is refused: unknown is a level of its own, to be named as such.
        references : mapping of str to str, optional
            Level that others are held against; the commonest by default.
        pupils : str, optional
            Column with the number of pupils of a group.
        school : str, optional
            Column of the school, where schools are to have levels of their own.
        source : str
            What the table is called in messages.

        Raises
        ------
        DataError
            Naming every column that is absent, blank, no count, or has too many levels; never a pupil's values.
        """
        columns = [*characteristics, outcome, *([pupils] if pupils else []), *([school] if school else [])]
        faults = [
            Fault(source, f"there is no column '{name}'", "Name the right one")
            for name in columns
            if name not in frame
        ]
        faults += [Fault(source, "no characteristic is named", "Name one or more")] * (not characteristics)
        refuse(DataError, "Risk cannot be looked at in this table", faults)
        keys = [*characteristics, *([school] if school else [])]
        data = pd.DataFrame({name: frame[name].astype(str).str.strip().to_numpy() for name in keys})
        blank = {name: int(((data[name] == "") | frame[name].isna().to_numpy()).sum()) for name in keys}
        faults = [
            Fault(
                f"{source}, {name}",
                f"{n:,} rows are blank",
                "Give them a level of its own, such as 'not recorded'",
            )
            for name, n in blank.items()
            if n
        ]
        number = _numbers(frame[pupils], f"{source}, {pupils}", faults) if pupils else np.ones(len(frame))
        happened = _numbers(frame[outcome], f"{source}, {outcome}", faults)
        if not faults and (happened > number).any():
            most = "pupils of its group" if pupils else "1"
            faults.append(Fault(f"{source}, {outcome}", f"some are more than {most}", "Count each pupil once"))
        refuse(DataError, "Risk cannot be looked at in this table", faults)
        grouped = data.assign(_n=number, _y=happened).groupby(keys, sort=True)[["_n", "_y"]].sum().reset_index()
        return cls._from_groups(
            grouped[grouped["_n"] > 0], outcome, characteristics, references or {}, school, source
        )

    @classmethod
    def _from_groups(
        cls,
        groups: pd.DataFrame,
        outcome: str,
        characteristics: Sequence[str],
        references: Mapping[str, str],
        school: str | None,
        source: str,
    ) -> RiskCells:
        """Make cells from a table with one row for each combination and the columns ``_n`` and ``_y``."""
        levels: dict[str, tuple[str, ...]] = {}
        faults = []
        for name in characteristics:
            sizes = groups.groupby(name, sort=True)["_n"].sum()
            known = sorted(map(str, sizes.index), key=in_order)
            first = references.get(name, str(sizes.idxmax()) if len(sizes) else "")
            if first not in known:
                faults.append(Fault(f"reference of {name}", f"'{first}' is no level of it", f"Use one of {known}"))
            if not 2 <= len(known) <= MOST_LEVELS:
                allowed = f"from 2 to {MOST_LEVELS} are allowed: make bands of numbers, and name no column of ids"
                faults.append(Fault(f"{source}, {name}", f"it has {len(known)} levels", allowed))
            levels[name] = (first, *(level for level in known if level != first))
        faults += [
            Fault(f"reference of {name}", "it is no characteristic", "Remove it")
            for name in references
            if name not in characteristics
        ]
        refuse(DataError, "Risk cannot be looked at in this table", faults)
        codes = np.stack(
            [
                pd.Categorical(groups[name].astype(str), categories=list(levels[name])).codes
                for name in characteristics
            ],
            1,
        )
        return cls(
            outcome,
            levels,
            codes.astype(np.int64),
            groups["_n"].to_numpy(dtype=float),
            groups["_y"].to_numpy(dtype=float),
            None if school is None else pd.factorize(groups[school])[0].astype(np.int64),
        )


def in_order(level: str) -> tuple[tuple[int, str, int], ...]:
    """Return what levels are sorted by: text as text and the numbers in it as numbers, so that Year 7 precedes Year 10."""
    parts = re.split(r"(\d+)", level.casefold())
    return tuple((i % 2, "", int(part)) if i % 2 else (0, part, 0) for i, part in enumerate(parts))


def _numbers(column: pd.Series, where: str, faults: list[Fault]) -> Floats:
    """Return a column of whole numbers from 0 up; note a fault where it is none."""
    text = column.astype(str).str.strip().str.lower().replace({"true": "1", "false": "0"})
    values = np.asarray(pd.to_numeric(text, errors="coerce"), dtype=float)
    bad = int((~np.isfinite(values) | (values < 0) | (values != np.round(values))).sum())
    if bad:
        faults.append(Fault(where, f"{bad:,} rows are no whole number from 0 up", "Give 1 or 0, or counts"))
        return np.zeros(len(values))
    return values


def read_cells(
    path: str | Path,
    *,
    outcome: str,
    characteristics: Sequence[str],
    references: Mapping[str, str] | None = None,
    pupils: str | None = None,
    school: str | None = None,
) -> RiskCells:
    """Count a file of pupils: see :meth:`RiskCells.from_frame` for what it holds and what is refused.

    A large ``.csv`` or ``.parquet`` is counted on disk by DuckDB (the ``pupils`` extra), so that a file of any length
    takes little memory; nothing but its cells is kept.
    """
    path = Path(path)
    wanted = list(dict.fromkeys([*characteristics, outcome, *filter(None, (pupils, school))]))
    if path.is_file() and path.stat().st_size >= _LARGE and path.suffix.lower() in (".csv", ".parquet"):
        frame, pupils = _counted_on_disk(path, wanted, outcome, pupils), "_pupils"
    else:
        frame = read_columns(path, lambda held: {name for name in held if name in wanted})
    return RiskCells.from_frame(
        frame,
        outcome=outcome,
        characteristics=characteristics,
        references=references,
        pupils=pupils,
        school=school,
        source=path.name,
    )


def _counted_on_disk(path: Path, wanted: Sequence[str], outcome: str, pupils: str | None) -> pd.DataFrame:
    """Return one row for each combination of what is wanted, with ``_pupils``."""
    try:
        duckdb = importlib.import_module("duckdb")
    except ImportError as error:
        raise MissingExtraError("pupils", f"Counting a file as large as {path.name}") from error
    quoted = {name: '"' + name.replace('"', '""') + '"' for name in wanted}
    reader = "read_parquet" if path.suffix.lower() == ".parquet" else "read_csv"
    options = "" if reader == "read_parquet" else ", header=true, all_varchar=true"
    source = f"{reader}('{str(path).replace(chr(39), chr(39) * 2)}'{options})"
    number = f"CAST({quoted[pupils]} AS DOUBLE)" if pupils else "1"
    keys = ", ".join(column for name, column in quoted.items() if name not in (outcome, pupils))
    happened = f"CAST({quoted[outcome]} AS DOUBLE)"
    query = f"SELECT {keys}, sum({happened}) AS {quoted[outcome]}, sum({number}) AS _pupils, "
    query += f"count(*) FILTER ({happened} IS NULL OR {happened} > {number}) AS _bad FROM {source} GROUP BY ALL"
    try:
        with duckdb.connect(config={"memory_limit": "2GB", "threads": 2}) as database:
            frame: pd.DataFrame = database.execute(query).df()
    except duckdb.Error as error:
        # its messages quote cells
        raise DataError(
            f"{path.name} could not be counted ({type(error).__name__}). See that it has the columns "
            f"{', '.join(wanted)}, and that '{outcome}' holds 1 or 0, or counts."
        ) from None
    if frame["_bad"].sum():
        raise DataError(
            f"{path.name}, {outcome}: some rows are blank, or count more than their pupils. Correct them."
        )
    return frame
