"""The panel: schools by academic years or terms, with every count as a value, its bounds and a status."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import xarray as xr

from averting.checks import CheckResult
from averting.data.assemble import ATTRIBUTES, BLANK, OPTIONAL_ATTRIBUTES, Layout, Origin, assemble
from averting.data.cells import STATUS_NAMES
from averting.data.indicators import load_indicators
from averting.data.measures import KINDS, Measure
from averting.data.symbols import interval
from averting.errors import DataError, UnitError
from averting.notebook import card
from averting.units import label
from averting.years import Period, covered

LEVELS = ("school", "local authority", "region", "national")
_UNITS = dict(zip(LEVELS, ("schools", "local authorities", "regions", "countries"), strict=True))
_COUNTS = ("value", "lower", "upper", "status")
_ASIDE = ("aside_lower", "aside_upper")
_LABELS = ("covariate", "measure", "measure_kind")
_DIMS = ("indicator", "school", "period")


@dataclass(frozen=True, eq=False, repr=False)
class Panel:
    """Counts over (indicator, school, period), with exposure over (school, period).

    Parameters
    ----------
    data : Dataset
        ``value`` (NaN unless observed), ``lower`` and ``upper`` (equal to the value where observed, the interval
        where suppressed, 0 and inf where missing, NaN where not applicable), ``status`` (int8 with CF
        ``flag_values`` and ``flag_meanings``: 0 observed, 1 suppressed, 2 missing, 3 not_applicable), each
        (indicator, school, period); ``exposure`` (pupils; school, period), positive wherever a count is observed
        or suppressed, NaN where there is none. Coordinates of school: ``name``, ``phase``, ``region``, ``la``,
        empty where unknown, and ``laestab`` where the table has it. ``school`` and ``period`` (labels such as
        ``2016/17``, or all such as ``2016/17 Autumn``) are in order. Attribute: ``level``. Where covariates were read,
        ``covariates`` (covariate, school, period), NaN where not known. Where indicators that are no counts were read,
        ``measures`` (measure, school, period), NaN where not known, with the coordinate ``measure_kind`` (``share``,
        from 0 to 1, or ``mean``). Where a file has counts over no pupils, which
        are missing, ``aside_lower`` and ``aside_upper`` keep their bounds for :func:`averting.data.join_schools`, NaN
        elsewhere; where schools were joined, the attribute ``joined`` says (as JSON) what each became.
    checks : tuple of CheckResult
        What reading the data brought to light.

    Notes
    -----
    ``school`` is the unit followed over time, whatever ``level`` says it is: at level "local authority" it holds
    the authorities' codes.

    Examples
    --------
    >>> av.simulate_pilot(seed=1, pilots=2, comparison=12).panel().indicators
    ('permanent_exclusions', 'suspensions', 'pupils_suspended')
    """

    data: xr.Dataset
    checks: tuple[CheckResult, ...] = ()

    def __post_init__(self) -> None:
        absent = [name for name in (*_COUNTS, "exposure") if name not in self.data]
        wrong = [name for name in _COUNTS if name in self.data and self.data[name].dims != _DIMS]
        if absent or wrong or self.data.attrs.get("level") not in LEVELS:
            raise DataError(
                f"This Dataset is not a panel: missing {absent or 'nothing'}, wrong dims {wrong or 'none'}, "
                f"level {self.data.attrs.get('level')!r}. Build panels with Panel.from_frame or read_panel."
            )

    @classmethod
    def from_frame(
        cls,
        frame: pd.DataFrame,
        *,
        school: str,
        period: str,
        counts: Sequence[str] | Mapping[str, str],
        exposure: str,
        name: str | None = None,
        phase: str | None = None,
        region: str | None = None,
        la: str | None = None,
        covariates: Sequence[str] = (),
        measures: Mapping[str, str] | None = None,
        symbols: Mapping[str, tuple[float, float]] | None = None,
        level: str = "school",
        source: str = "frame",
    ) -> Panel:
        """Build a panel from a frame with one row per school and academic year.

        Parameters
        ----------
        frame : DataFrame
            Cells may be text or numbers; a blank or NaN count is missing.
        school, period, exposure : str
            Columns with the school's id, the academic year (``2016/17``, ``201617``) or term (``2016/17 Autumn``),
            and the number of pupils.
        counts : sequence of str, or mapping of indicator to column
            Columns of counts; names are indicators unless mapped.
        name, phase, region, la : str, optional
            Columns that describe the school; its latest row counts.
        covariates : sequence of str
            Columns of numbers by which to choose and judge comparison schools, such as the share of pupils on free
            school meals; blank where not known.
        measures : mapping of str to {"share", "mean"}, optional
            Columns of outcomes that are no counts, such as ``{"attainment_8": "mean"}``, kept as they stand: a share is
            from 0 to 1. Estimators of counts refuse them by name.
        symbols : mapping of str to (lower, upper), optional
            Text that stands for a count between two bounds, such as ``{"x": (1, 2)}``; an infinite upper bound
            makes it missing.
        level : {"school", "local authority", "region", "national"}
            What one row is of.
        source : str
            What to call the frame in messages. Rows are numbered from 2, the header being row 1.

        Raises
        ------
        DataError
            Once, listing every fault: a missing column, a school-year that occurs twice, an unknown symbol, a
            negative or fractional count, an exposure that is no number, events over no pupils, a bad year.
        """
        _check_level(level)
        if len(frame) == 0:
            raise DataError(f"{source} has no rows. Give one row per {level} and academic year.")
        given = {text: interval(text, *bounds) for text, bounds in (symbols or {}).items()}
        described = {"name": name, "phase": phase, "region": region, "la": la}
        layout = Layout(
            school=school,
            period=period,
            exposure=exposure,
            counts=_indicator_columns(counts),
            attributes={attribute: column for attribute, column in described.items() if column is not None},
            covariates=tuple(covariates),
            measures=_measures(measures or {}),
        )
        origin = Origin(source, level, {"": BLANK, **given})
        return cls(*assemble(frame, np.arange(2, len(frame) + 2), layout, origin))

    @property
    def level(self) -> str:
        """What one row is of: ``school``, ``local authority``, ``region`` or ``national``."""
        return str(self.data.attrs["level"])

    @property
    def units(self) -> str:
        """What rows are of, in the plural: ``schools``, ``local authorities``, ``regions`` or ``countries``."""
        return _UNITS[self.level]

    @property
    def indicators(self) -> tuple[str, ...]:
        """What is counted."""
        return tuple(self.data["indicator"].values.tolist())

    @property
    def covariates(self) -> tuple[str, ...]:
        """Names of the numbers that describe schools; empty where none were read."""
        return tuple(self.data["covariate"].values.tolist()) if "covariates" in self.data else ()

    @property
    def measures(self) -> dict[str, str]:
        """Indicators that are no counts, each with its kind, ``share`` or ``mean``; empty where none were read."""
        if "measures" not in self.data:
            return {}
        names, kinds = self.data["measure"].values.tolist(), self.data["measure_kind"].values.tolist()
        return dict(zip(names, kinds, strict=True))

    def measure(self, name: str) -> xr.DataArray:
        """Return an indicator that is no count, dims (school, period), NaN where not known.

        Raises
        ------
        DataError
            If the panel has no such measure.
        """
        _check_known((name,), tuple(self.measures), "measures")
        return self.data["measures"].sel(measure=name, drop=True)

    @property
    def schools(self) -> tuple[str, ...]:
        """Ids, sorted."""
        return tuple(self.data["school"].values.tolist())

    @property
    def periods(self) -> tuple[str, ...]:
        """Academic years such as ``2016/17``, or terms such as ``2016/17 Autumn``, in order of time."""
        return tuple(self.data["period"].values.tolist())

    @property
    def termly(self) -> bool:
        """Whether periods are terms."""
        return any(Period.parse(period).term for period in self.periods)

    @property
    def joined(self) -> dict[str, str]:
        """Each school that was joined with others, and the id under which the panel now has it."""
        return dict(json.loads(self.data.attrs.get("joined", "{}")))

    def ids(self, schools: Iterable[str]) -> tuple[str, ...]:
        """Return the ids under which the panel has schools, each once: their own, or their joined series'."""
        joined = self.joined
        return tuple(dict.fromkeys(joined.get(str(school), str(school)) for school in schools))

    @property
    def exposure(self) -> xr.DataArray:
        """Pupils, dims (school, period); NaN where not known."""
        return self.data["exposure"]

    def bounds(self, indicator: str) -> tuple[xr.DataArray, xr.DataArray]:
        """Return lower and upper bounds of one indicator's counts.

        Returns
        -------
        lower, upper : DataArray, dims (school, period), units "events" or "pupils"

        Raises
        ------
        DataError
            If the panel has no such indicator.
        """
        _check_known((indicator,), self.indicators, "indicators")
        declared = load_indicators().get(indicator)
        units = declared.unit if declared else "events"
        lower, upper = (self.data[end].sel(indicator=indicator, drop=True) for end in ("lower", "upper"))
        return label(lower, units), label(upper, units)

    def select(self, *, schools: Collection[str] | None = None, periods: Collection[str] | None = None) -> Panel:
        """Return a panel of some schools and periods, in the panel's own order; a year stands for its terms.

        Raises
        ------
        DataError
            If a school or period is not in the panel, or none is asked for.
        """
        data = self.data
        if schools is not None:
            _check_known(schools, self.schools, "schools")
            data = data.isel(school=np.isin(self.schools, list(schools)))
        if periods is not None:
            wanted = _wanted_periods(periods, self.periods)
            data = data.isel(period=np.isin(self.periods, wanted))
        return Panel(data, self.checks)

    def to_frame(self) -> pd.DataFrame:
        """Return one row per school and year.

        Returns
        -------
        DataFrame
            Columns school, period, name, phase, region, la, exposure, and for each indicator its value, and with
            ``_lower``, ``_upper`` and ``_status`` (in words) added to its name, the rest; then measures.
        """
        count = len(self.periods)
        columns: dict[str, object] = {
            "school": np.repeat(self.data["school"].values, count),
            "period": np.tile(self.data["period"].values, len(self.schools)),
        }
        for attribute in ATTRIBUTES:
            columns[attribute] = np.repeat(self.data[attribute].values, count)
        columns["exposure"] = self.exposure.values.ravel()
        for indicator in self.indicators:
            cells = self.data.sel(indicator=indicator)
            columns[indicator] = cells["value"].values.ravel()
            columns[f"{indicator}_lower"] = cells["lower"].values.ravel()
            columns[f"{indicator}_upper"] = cells["upper"].values.ravel()
            columns[f"{indicator}_status"] = np.array(STATUS_NAMES)[cells["status"].values.ravel()]
        for name in self.measures:
            columns[name] = self.measure(name).values.ravel()
        return pd.DataFrame(columns)

    def suppression_summary(self) -> pd.DataFrame:
        """Return how many cells of each indicator and year have each status.

        Returns
        -------
        DataFrame
            Columns indicator, period, observed, suppressed, missing, not_applicable.
        """
        status = self.data["status"].values
        tallies = {name: (status == code).sum(axis=1).ravel() for code, name in enumerate(STATUS_NAMES)}
        columns = {
            "indicator": np.repeat(self.data["indicator"].values, len(self.periods)),
            "period": np.tile(self.data["period"].values, len(self.indicators)),
        }
        return pd.DataFrame({**columns, **tallies})

    def to_netcdf(self, path: str | Path) -> None:
        """Write the panel and its checks as netCDF-3; equal panels give equal bytes, a failure leaves no file."""
        path = Path(path)
        record = json.dumps([check.to_dict() for check in self.checks], ensure_ascii=True)
        data = _in_order(self.data).assign_attrs(checks=record).drop_encoding()
        part = path.with_name(f"{path.name}.part")
        part.write_bytes(bytes(data.to_netcdf(engine="scipy", format="NETCDF3_64BIT")))
        part.replace(path)

    @classmethod
    def from_netcdf(cls, path: str | Path) -> Panel:
        """Read a panel that :meth:`to_netcdf` wrote; anything else is a DataError."""
        path = Path(path)
        try:
            content = path.read_bytes()
            with xr.open_dataset(content, engine="scipy") as opened:
                data = opened.load().drop_encoding()
            checks = tuple(CheckResult(**check) for check in json.loads(data.attrs.pop("checks")))
        except (OSError, TypeError, ValueError, KeyError) as error:
            raise DataError(
                f"{path.name} is not a panel written by averting ({error}). Read the data again."
            ) from error
        optional = [name for name in (*OPTIONAL_ATTRIBUTES, *_LABELS) if name in data]
        names = (*_DIMS, *ATTRIBUTES, *optional)
        texts = {name: (data[name].dims, data[name].values.astype(str)) for name in names}
        return cls(data.assign_coords(texts), checks)

    def __repr__(self) -> str:
        spans = "terms" if self.termly else "academic years"
        span = f"{self.periods[0]}–{self.periods[-1]}" if self.periods else "none"
        lines = [f"Panel: {len(self.schools):,} {self.units} × {len(self.periods)} {spans} ({span})"]
        for indicator in self.indicators:
            status = self.data["status"].sel(indicator=indicator).values
            tallies = ", ".join(f"{(status == code).sum():,} {name}" for code, name in enumerate(STATUS_NAMES))
            lines.append(f"  {indicator.ljust(max(map(len, self.indicators)))}  {tallies}")
        lines += [f"  {check.status}: {check.message}" for check in self.checks]
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        """Return how many cells of each indicator have each status; never a count of a school."""
        codes = {name: self.data["status"].sel(indicator=name).values for name in self.indicators}
        rows = [
            (name, *(f"{(status == code).sum():,}" for code in range(len(STATUS_NAMES))))
            for name, status in codes.items()
        ]
        title, columns = repr(self).splitlines()[0], ("cells of", *STATUS_NAMES)
        return card(title, {}, columns=columns, rows=rows, checks=self.checks)


def _in_order(data: xr.Dataset) -> xr.Dataset:
    """Return the same dataset with its variables in one fixed order, on which a file's bytes depend."""
    extra = [name for name in (*_ASIDE, "covariates", "measures") if name in data]
    variables = {name: data.variables[name] for name in (*_COUNTS, "exposure", *extra)}
    optional = [name for name in (*OPTIONAL_ATTRIBUTES, *_LABELS) if name in data.coords]
    coords = {name: data.variables[name] for name in (*_DIMS, *ATTRIBUTES, *optional)}
    return xr.Dataset(variables, coords=coords, attrs=data.attrs)


def _check_level(level: str) -> None:
    if level not in LEVELS:
        raise DataError(f"level is '{level}'. Use one of: {', '.join(LEVELS)}.")


def _measures(kinds: Mapping[str, str]) -> dict[str, Measure]:
    wrong = [f"{name} is '{kind}'" for name, kind in kinds.items() if kind not in KINDS]
    if wrong:
        raise DataError(f"measures: {', '.join(wrong)}. A measure is a {' or a '.join(KINDS)}; others are counts.")
    return {name: Measure(name, kind) for name, kind in kinds.items()}


def _indicator_columns(counts: Sequence[str] | Mapping[str, str]) -> dict[str, str]:
    if isinstance(counts, Mapping):
        columns = dict(counts)
    else:
        columns = {} if isinstance(counts, str) else {column: column for column in counts}
    if not columns:
        raise DataError(
            "counts names no column. Give a list such as ['permanent_exclusions'], or {indicator: column}."
        )
    return columns


def _wanted_periods(periods: Collection[str], known: Sequence[str]) -> list[str]:
    try:
        found = {period: covered(period, known) for period in periods}
        labels = [Period.parse(period).label for period, labels in found.items() if not labels]
    except UnitError as error:
        raise DataError(f"periods: {error}") from error
    wanted = [label for labels in found.values() for label in labels]
    _check_known([*wanted, *labels], known, "periods")
    return wanted


def _check_known(wanted: Collection[str], known: Collection[str], what: str) -> None:
    unknown = sorted(set(wanted) - set(known))
    if isinstance(wanted, str) or not wanted or unknown:
        found = ", ".join(unknown[:10]) + (f" and {len(unknown) - 10} more" if len(unknown) > 10 else "")
        few = sorted(known)
        span = ", ".join(few) if len(few) <= 20 else f"{few[0]} to {few[-1]}, {len(few):,} of them"
        raise DataError(f"{what}: {found or 'nothing'} not in the panel, which has {span}. Give a list of those.")
