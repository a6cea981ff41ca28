"""``Evaluation``: what one ``evaluation.toml`` says, read strictly into frozen values."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from pathlib import Path

from averting.costs import Deflator, Override, ParameterSet, load_parameters, overrides_from_table
from averting.costs.prices import deflator_from_table
from averting.data import Indicator, load_indicators
from averting.data.breakdowns import words
from averting.data.frequency import FREQUENCIES
from averting.data.panel import LEVELS
from averting.data.read import SOURCES
from averting.design import COVID_PERIODS, Event
from averting.design.events import default_events
from averting.errors import AvertingError, EvaluationError, Fault, refuse
from averting.evaluation.appraisal_settings import AppraisalSettings, read_appraisal
from averting.evaluation.check_settings import CheckSettings, read_checks
from averting.evaluation.comparison import Asked, read_comparison
from averting.evaluation.contradictions import contradictions
from averting.evaluation.estimate_settings import EstimateSettings, read_estimate
from averting.evaluation.event_settings import period_labels, read_events, with_defaults
from averting.evaluation.programme_settings import read_day
from averting.evaluation.report_settings import ReportSettings, read_report
from averting.evaluation.toml_table import TomlTable
from averting.resources import read_toml
from averting.schemas import Step, brought_up
from averting.years import FinancialYear, Period

SCHEMA = 1
STEPS: Mapping[int, Step] = {}
"""What leads from an earlier layout of the file to the next, by the earlier one's number."""
FILE = "evaluation.toml"
INDICATORS = "indicators.toml"


@dataclass(frozen=True)
class DataSettings:
    """Where the data are and how to read them; see :func:`averting.data.read_panel`."""

    path: Path
    source: str
    level: str
    phase: str | None
    first_period: str | None
    last_period: str | None
    columns: Mapping[str, str] | None
    symbols: Mapping[str, tuple[float, float]]
    covariates: tuple[str, ...]
    note: str
    frequency: str = "year"
    wide: str | None = None
    sheet: str | None = None
    succession: Path | None = None
    reorganisations: bool = False
    headcount: Path | None = None
    rows: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


@dataclass(frozen=True)
class DesignSettings:
    """Who is compared with whom; see :class:`averting.design.Design`."""

    pilots: tuple[str, ...] | Mapping[str, str]
    start: str | None
    comparison: Asked
    exclude_periods: tuple[str, ...]  # as stated; what events leave out is with the events
    exclude_reason: str


@dataclass(frozen=True)
class CostSettings:
    """Which declared costs to use, and local changes; see :func:`averting.costs.load_parameters`."""

    families: tuple[str, ...]
    local_authority: str | None
    price_year: FinancialYear
    overrides: Mapping[str, Override] = field(default_factory=dict)
    as_of: date | None = None
    deflator: Deflator | None = None
    local_figures: Path | None = None

    def parameters(self) -> ParameterSet:
        """Return the declared parameters with this evaluation's own figures."""
        known = load_parameters(
            *self.families, la=self.local_authority, own=self.local_figures, deflator=self.deflator
        )
        return known.under(self.overrides)


@dataclass(frozen=True)
class Evaluation:
    """One evaluation, as declared before anything is computed.

    Parameters
    ----------
    folder : Path
        Where ``evaluation.toml``, the report and the results are.
    title, question : str
        For the report.
    seed, draws : int
        Seed of every random number, and size of the joint sample.
    indicators : mapping of str to Indicator
        What averting ships, and what the folder's own ``indicators.toml`` adds.
    events : tuple of Event
        Those that hold by default, and the evaluation's own.
    checks : CheckSettings
        What is held against the primary estimate.
    file : Path or None
        What it was read from, where that is not ``evaluation.toml`` in ``folder``.
    """

    folder: Path
    title: str
    question: str
    seed: int
    draws: int
    data: DataSettings
    design: DesignSettings
    estimates: tuple[EstimateSettings, ...]
    costs: CostSettings | None
    appraisal: AppraisalSettings | None
    report: ReportSettings = field(default_factory=ReportSettings)
    indicators: Mapping[str, Indicator] = field(default_factory=load_indicators)
    events: tuple[Event, ...] = ()
    checks: CheckSettings = field(default_factory=CheckSettings)
    file: Path | None = None

    @property
    def declared_in(self) -> Path:
        """The file that says all this."""
        return self.file or self.folder / FILE

    @property
    def primary(self) -> EstimateSettings:
        """The estimate that the verdict rests on."""
        return next(estimate for estimate in self.estimates if estimate.role == "primary")

    @property
    def estimated(self) -> tuple[str, ...]:
        """Every indicator that estimates need, each once."""
        named = (key for estimate in self.estimates for key in (estimate.indicator, estimate.alongside))
        return tuple(dict.fromkeys(key for key in named if key))

    def with_data(self, path: Path) -> Evaluation:
        """Return the same evaluation reading its data from another path."""
        return replace(self, data=replace(self.data, path=path))


def load_evaluation(folder: str | Path) -> Evaluation:
    """Read ``evaluation.toml`` in a folder.

    Parameters
    ----------
    folder : str or Path
        The evaluation's folder, or the file itself.

    Raises
    ------
    EvaluationError
        Listing every fault: a key that is missing, unknown, of the wrong type, or that contradicts another.

    Examples
    --------
    >>> from averting.evaluation import load_evaluation
    >>> load_evaluation("my-pilot").primary.indicator
    'permanent_exclusions'
    """
    folder = Path(folder)
    if folder.name == FILE:
        folder = folder.parent
    return read_evaluation(folder / FILE, folder)


def read_evaluation(path: Path, folder: Path) -> Evaluation:
    """Read an ``evaluation.toml``, wherever it is, whose paths are relative to a folder; see :func:`load_evaluation`."""
    try:
        values = read_toml(path, error=EvaluationError)
    except FileNotFoundError as error:
        raise EvaluationError(
            f"{path} does not exist. Make an evaluation with: averting new {folder.name or 'my-pilot'}"
        ) from error
    except OSError as error:
        raise EvaluationError(f"{path} cannot be read: {error.strerror}. Name an evaluation's folder.") from error
    faults: list[Fault] = []
    schema = values.get("schema")
    if isinstance(schema, int) and not isinstance(schema, bool):
        # of another layout nothing else is said: all of it may be right there
        again = f"Write schema = {SCHEMA} and see what averting check says."
        values = brought_up(values, to=SCHEMA, steps=STEPS, what=str(path), again=again, error=EvaluationError)
    top = TomlTable(values, FILE, faults)
    top.take("schema", int, help=f"Write schema = {SCHEMA}.")
    evaluation = _named_by_rows(replace(_evaluation(folder, top), file=path))
    top.done()
    if not faults:
        faults += contradictions(evaluation, FILE)
    refuse(EvaluationError, f"{path} cannot be used", faults)
    return evaluation


def _named_by_rows(evaluation: Evaluation) -> Evaluation:
    """Say beside the name of each indicator that is estimated which rows alone are counted, so that no report hides it."""
    if not evaluation.data.rows:
        return evaluation
    said = "; ".join(words(texts) for texts in evaluation.data.rows.values())
    known = dict(evaluation.indicators)
    for key in set(evaluation.estimated) & set(known):
        definition = f"{known[key].definition} Only rows with: {said}."
        known[key] = replace(known[key], label=f"{known[key].label} ({said})", definition=definition)
    return replace(evaluation, indicators=known)


def _evaluation(folder: Path, top: TomlTable) -> Evaluation:
    estimates = tuple(read_estimate(table, folder) for table in top.tables("estimate"))
    if not estimates:
        top.fault("estimate", "there is nothing to estimate", "Add an [[estimate]] with id, role and indicator.")
    costs = top.table("costs")
    given, design = read_events(top.tables("event")), top.table("design") or _absent(top, "design")
    stated = period_labels(design.texts("exclude_periods")) if "exclude_periods" in design.values else None
    events = with_defaults(given, stated)
    return Evaluation(
        folder=folder,
        title=top.take("title", str),
        question=top.take("question", str),
        seed=_at_least(top, "seed", top.take("seed", int), 0),
        draws=_at_least(top, "draws", top.take("draws", int, 4_000), 100),
        data=_data(folder, top.table("data") or _absent(top, "data")),
        design=_design(design, events, folder),
        estimates=(*estimates, *_sensitivities(estimates, events)),
        costs=_costs(folder, costs) if costs else None,
        appraisal=read_appraisal(top, folder),
        indicators=_indicators(folder / INDICATORS, top),
        events=events,
        checks=read_checks(top),
        report=read_report(top),
    )


def _sensitivities(estimates: Iterable[EstimateSettings], events: Iterable[Event]) -> tuple[EstimateSettings, ...]:
    """Return the primary estimate once more for each event without which it is to be seen."""
    return tuple(
        replace(estimate, id=f"{estimate.id}_without_{event.id}", role="secondary", without=event.id)
        for estimate in estimates
        for event in events
        if estimate.role == "primary" and event.treatment == "sensitivity"
    )


def _indicators(own: Path, top: TomlTable) -> dict[str, Indicator]:
    try:
        return load_indicators(own=own)
    except AvertingError as error:
        top.faults.extend(error.faults or [Fault(INDICATORS, error.message, "")])
        return load_indicators()


def _absent(top: TomlTable, key: str) -> TomlTable:
    top.fault(f"[{key}]", "this table is missing", "See the template: averting new.")
    return TomlTable({}, f"{FILE} [{key}]", [])


def _at_least(table: TomlTable, key: str, value: int, least: int) -> int:
    if value < least:
        table.fault(key, f"{value} is too small", f"Give {least} or more.")
    return value


def _data(folder: Path, table: TomlTable) -> DataSettings:
    columns, symbols = table.table("columns"), table.table("symbols")
    settings = DataSettings(
        path=table.path("path", folder, help="Give the file's path, relative to this folder.") or folder,
        source=table.choice("source", SOURCES),
        level=table.choice("level", LEVELS, "school"),
        phase=table.take("phase", str, None),
        first_period=_period(table, "first_period"),
        last_period=_period(table, "last_period"),
        columns={str(k): str(v) for k, v in columns.values.items()} if columns else None,
        symbols=_symbols(symbols) if symbols else {},
        covariates=table.texts("covariates", []),
        note=table.take("note", str, ""),
        frequency=table.choice("frequency", FREQUENCIES, "year"),
        wide=_wide(table.table("wide")),
        sheet=table.take("sheet", str, None),
        succession=table.path("succession", folder, None),
        reorganisations=table.take("reorganisations", bool, False),
        headcount=table.path("headcount", folder, None),
        rows=_rows(table.table("rows")),
    )
    if settings.succession and settings.level != "school":
        table.fault("succession", "links are of schools, and level is not", "Use reorganisations = true.")
    if settings.reorganisations and settings.level != "local authority":
        table.fault("reorganisations", "they are of authorities, and level is not", "Use succession = a file.")
    table.done()
    return settings


def _rows(table: TomlTable | None) -> dict[str, tuple[str, ...]]:
    if table is None:
        return {}
    found = {
        column: (table.take(column, str),) if isinstance(given, str) else table.texts(column)
        for column, given in table.values.items()
    }
    table.done()
    return found


def _wide(table: TomlTable | None) -> str | None:
    if table is None:
        return None
    help = "Say how columns are named, such as '{indicator}_{period}'."
    pattern = str(table.take("pattern", str, help=help))
    table.done()
    return pattern


def _period(table: TomlTable, key: str) -> str | None:
    period = table.parse(key, Period.parse) if key in table.values else table.take(key, str, None)
    return period.label if period is not None else None


def _symbols(table: TomlTable) -> dict[str, tuple[float, float]]:
    found = {}
    for symbol in table.values:
        bounds = table.take(symbol, list)
        if len(bounds) != 2 or not all(isinstance(bound, int) for bound in bounds):
            table.fault(
                symbol, "these are not two bounds", "Give the least and most it can stand for, like [1, 2]."
            )
        else:
            found[symbol] = (float(bounds[0]), float(bounds[1]))
    return found


def _design(table: TomlTable, events: tuple[Event, ...], folder: Path) -> DesignSettings:
    asked = table.values.get("pilots")
    pilots: tuple[str, ...] | dict[str, str]
    if isinstance(asked, dict):
        pilots = {str(k): str(v) for k, v in table.take("pilots", dict).items()}
    else:
        pilots = table.texts("pilots")
    # what events leave out is theirs to say, by year or by term as the data are
    excluded = period_labels(table.texts("exclude_periods", []))
    settings = DesignSettings(
        pilots=pilots,
        start=_period(table, "start"),
        comparison=read_comparison(table.table("comparison"), folder),
        exclude_periods=excluded,
        exclude_reason=table.take("exclude_reason", str, ""),
    )
    stays = {
        period for event in events if event.treatment == "exclude" and event.whole for period in event.periods
    }
    terms = {term for event in default_events() for term in event.terms}
    changed = "exclude_periods" in table.values and set(excluded) not in (set(COVID_PERIODS), terms)
    if (changed or not stays.union(excluded) >= set(COVID_PERIODS)) and not settings.exclude_reason:
        table.fault("exclude_reason", "the default of leaving out the Covid years is changed", "Say why.")
    table.done()
    return settings


def _costs(folder: Path, table: TomlTable) -> CostSettings:
    families, authority = table.texts("families"), table.take("local_authority", str, None)
    price_year = table.parse("price_year", FinancialYear.parse) or FinancialYear(2000)
    overrides, as_of, deflator = _overrides(table), read_day(table, "as_of"), _deflator(table)
    figures = table.path("local_figures", folder, None)
    table.done()
    return CostSettings(families, authority, price_year, overrides, as_of, deflator, figures)


def _deflator(table: TomlTable) -> Deflator | None:
    """Read ``[costs.deflator]``, a release in place of the one that ships."""
    declared = table.take("deflator", dict, None)
    if declared is None:
        return None
    try:
        return deflator_from_table(declared, where=f"{table.where} deflator")
    except AvertingError as error:
        table.faults.extend(error.faults or [Fault(table.where, error.message, "Correct it.")])
        return None


def _overrides(table: TomlTable) -> dict[str, Override]:
    try:
        return overrides_from_table(table.take("override", dict, {}), where=f"{table.where} override")
    except AvertingError as error:
        table.faults.extend(error.faults or [Fault(table.where, error.message, "Correct it.")])
        return {}
