"""The stages of an evaluation, in order: data, design, estimates, appraisal. Each writes one folder of results."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pandas as pd
import xarray as xr

from averting.appraisal import Appraisal, appraise, measures
from averting.appraisal.appraisal import VIEWS
from averting.appraisal.programme import programme_flows
from averting.appraisal.scenario import refuse_other_lines
from averting.appraisal.sensitivity import Case
from averting.checks import CheckResult
from averting.costs import factors, known_payers
from averting.data import Joined, Panel, join_authorities, join_schools, read_panel
from averting.data.exposures import noun
from averting.data.succession import COLUMNS as SUCCESSION_COLUMNS
from averting.data.successors import check_successors
from averting.data.written import write_table
from averting.design import Design, Event, balance, paths, regression_to_mean, with_covariate, without_cells
from averting.design.events import KINDS
from averting.draws import spread_of
from averting.effects import Effect, estimate, known_estimators
from averting.effects.estimator import Progress
from averting.effects.storage import save_effect
from averting.errors import DataError, EvaluationError, Fault, refuse
from averting.evaluation.appraisal_settings import AppraisalSettings
from averting.evaluation.appraisal_tables import appraisal_record, write_questions
from averting.evaluation.cost_tables import write_cost_tables
from averting.evaluation.estimate_settings import EstimateSettings
from averting.evaluation.event_settings import is_default
from averting.evaluation.settings import (
    FILE,
    CostSettings,
    Evaluation,
)
from averting.provenance import canonical_json
from averting.years import FinancialYear, Period


def build_panel(evaluation: Evaluation, *, indicators: Sequence[str] | None = None) -> Joined:
    """Read the indicators an evaluation estimates, keep its periods, and join schools or authorities that changed.

    Parameters
    ----------
    indicators : sequence of str, optional
        Read these in place of those that are estimated.

    Returns
    -------
    Joined
        The panel, and the table of what was joined: empty where nothing was asked for.
    """
    settings = evaluation.data
    panel = read_panel(
        settings.path,
        source=settings.source,
        level=settings.level,
        phase=settings.phase,
        columns=settings.columns,
        symbols=settings.symbols or None,
        frequency=settings.frequency,
        wide=settings.wide,
        sheet=settings.sheet,
        headcount=settings.headcount,
        rows=settings.rows,
        indicators=tuple(dict.fromkeys(indicators or evaluation.estimated)),
        covariates=settings.covariates if indicators is None else (),
    )
    first = settings.first_period or panel.periods[0]
    last = settings.last_period or panel.periods[-1]
    begin, end = Period.parse(first), Period.parse(last)
    # a year as the last period stands for its terms
    periods = {label: Period.parse(label) for label in panel.periods}
    kept = [
        label for label, period in periods.items() if begin <= period and (period <= end or end.covers(period))
    ]
    if not kept:
        raise DataError(
            f"{settings.path.name}: no period lies between {first} and {last}. The data run from "
            f"{panel.periods[0]} to {panel.periods[-1]}; see first_period and last_period."
        )
    panel = panel.select(periods=kept)
    if settings.succession is not None:
        return join_schools(panel, settings.succession)
    if settings.reorganisations:
        return join_authorities(panel)
    # without a map, a school that changed its URN must at least be named
    warned = Panel(panel.data, (*panel.checks, *check_successors(panel.data)))
    return Joined(warned, pd.DataFrame(columns=list(SUCCESSION_COLUMNS)))


def build_design(evaluation: Evaluation, panel: Panel, *, without: str = "") -> Design:
    """Make the design an evaluation names, leaving out what its events say.

    Parameters
    ----------
    without : str
        Leave out this event too, by its id.

    Raises
    ------
    AvertingError
        If an event or the design does not fit the data.
    """
    settings = evaluation.design
    _refuse_elsewhere(evaluation.events, panel)
    panel, excluded = leave_out(evaluation, panel, without=without)
    for event in evaluation.events:
        if event.treatment == "model":
            panel = with_covariate(panel, event)
    return Design(
        panel,
        settings.pilots,
        start=settings.start,
        comparison=settings.comparison,
        exclude_periods=excluded,
    )


def leave_out(evaluation: Evaluation, panel: Panel, *, without: str = "") -> tuple[Panel, tuple[str, ...]]:
    """Return the panel without the schools, and the periods, that an evaluation and its events leave out.

    Parameters
    ----------
    without : str
        Leave out this event too, by its id. Events none of whose periods is in the panel change nothing.
    """
    excluded = set(evaluation.design.exclude_periods)
    left_out = [event for event in evaluation.events if event.treatment == "exclude" or event.id == without]
    for event in left_out:
        here = event.within(panel.periods)
        if event.whole:
            excluded |= set(here)
        elif here:
            panel = without_cells(panel, event, tuple(evaluation.design.pilots))
    return panel, tuple(sorted(excluded))


def build_variants(evaluation: Evaluation, panel: Panel) -> dict[str, Design]:
    """Return the design without each event that is a sensitivity, by the event's id."""
    wanted = [event.id for event in evaluation.events if event.treatment == "sensitivity"]
    return {event: build_design(evaluation, panel, without=event) for event in wanted}


def _refuse_elsewhere(events: Sequence[Event], panel: Panel) -> None:
    """Refuse events of the evaluation's own none of whose periods is in the data."""
    span = f"The data run from {panel.periods[0]} to {panel.periods[-1]}: correct it, or leave the event out."
    faults = [
        Fault(f"{FILE} [[event]] {event.id}", f"{', '.join(event.periods)} not in the data", span)
        for event in events
        if not is_default(event) and not event.within(panel.periods)
    ]
    refuse(EvaluationError, "The events do not fit the data", faults)


def check_costs(evaluation: Evaluation, design: Design) -> None:
    """Refuse costs, scenarios or years that could not be used, before anything slow is done.

    Raises
    ------
    AvertingError
        For an unknown family, authority, override or discount schedule, a price year outside the deflator, or a
        flow that would precede the base year.
    """
    costs, appraisal = evaluation.costs, evaluation.appraisal
    if costs is None:
        return
    parameters = costs.parameters()
    parameters.deflator.ratio(costs.price_year, costs.price_year)
    if appraisal is None:
        return
    refuse_other_lines(parameters, appraisal.scenarios)
    factors([0], edition=appraisal.discounting)
    if appraisal.programme:
        programme_flows(appraisal.programme, price_year=costs.price_year, deflator=costs.deflator)
    first = min([Period.parse(design.treated_periods[0]).year.start, *(c.year.start for c in appraisal.programme)])
    if first < appraisal.base_year.start:
        raise EvaluationError(
            f"[appraisal] base_year is {appraisal.base_year}, but money moves from {FinancialYear(first)}. "
            f'Use base_year = "{FinancialYear(first)}" or earlier.'
        )


def write_data(folder: Path, panel: Panel, succession: pd.DataFrame) -> None:
    """Write the panel used, what is suppressed in it, and which schools were joined."""
    panel.to_netcdf(folder / "panel.nc")
    write_table(panel.suppression_summary().reset_index(), folder / "suppression.csv")
    write_table(succession, folder / "succession.csv")
    _checks(panel.checks, folder)


def write_design(folder: Path, design: Design, events: Sequence[Event]) -> None:
    """Write who is compared with whom, balance before the start, and paths over time."""
    record = {
        "pilots": {
            pilot: {"name": str(design.panel.data["name"].sel(school=pilot).item()), "start": design.starts[pilot]}
            for pilot in design.pilots
        },
        "comparison_schools": len(design.comparison),
        "effective_comparison": design.effective_comparison,
        "rule": design.rule,
        "periods": list(design.periods),
        "excluded": list(design.excluded),
        "treated_periods": list(design.treated_periods),
        "level": design.panel.level,
    }
    (folder / "design.json").write_text(canonical_json(record), encoding="utf-8")
    write_table(balance(design), folder / "balance.csv")
    if design.weighted:
        weights = pd.DataFrame(design.weights.items(), columns=["school", "weight"])
        write_table(weights, folder / "weights.csv")
    write_table(_event_table(events, design), folder / "events.csv")
    for indicator in design.panel.indicators:
        write_table(paths(design, indicator), folder / f"paths_{indicator}.csv")
    regressions = {indicator: regression_to_mean(design, indicator) for indicator in design.panel.indicators}
    for indicator, found in regressions.items():
        write_table(found.table, folder / f"regression_{indicator}.csv")
    _checks([*design.checks, *(found.check for found in regressions.values())], folder)


def _event_table(events: Sequence[Event], design: Design) -> pd.DataFrame:
    """Return the events with a period in the data; of schools, how many."""
    rows = [
        {
            "id": event.id,
            "label": event.label,
            "kind": KINDS[event.kind],
            "periods": "; ".join(event.within(design.panel.periods)),
            "schools": len(event.schools),
            "treatment": event.treatment,
            "source": event.source,
            "default": is_default(event),
        }
        for event in events
        if event.within(design.panel.periods)
    ]
    columns = ["id", "label", "kind", "periods", "schools", "treatment", "source", "default"]
    return pd.DataFrame(rows, columns=columns)


def write_estimate(
    folder: Path, design: Design, settings: EstimateSettings, *, draws: int, seed: int, progress: Progress
) -> None:
    """Estimate one effect, and write it with what it averted."""
    effect = estimate(
        design,
        settings.indicator,
        method=settings.method,
        inference=settings.inference,
        covariates=settings.covariates,
        prior=settings.prior,
        alongside=settings.alongside,
        cluster=settings.cluster,
        level=settings.level,
        draws=draws,
        seed=seed,
        progress=progress,
    )
    save_effect(effect, folder)
    spec = known_estimators()[effect.method]
    about = {"label": spec.label, "assumption": spec.assumption, "reference": spec.reference}
    (folder / "method.json").write_text(canonical_json(about), encoding="utf-8")
    write_table(averted_table(effect), folder / "averted.csv")
    write_table(counterfactual_table(effect, design), folder / "counterfactual.csv")


def averted_table(effect: Effect) -> pd.DataFrame:
    """Return what was averted by period and in all: median and interval."""
    by_period = effect.averted().by_period()
    rows = [
        ("all", effect.averted().total()),
        *((str(p.item()), by_period.sel(period=p)) for p in by_period["period"]),
    ]
    return pd.DataFrame(
        [{"period": period, **spread_of(draws.to_numpy(), effect.level)} for period, draws in rows]
    )


def counterfactual_table(effect: Effect, design: Design) -> pd.DataFrame:
    """Return the pilots' events by treated period, observed (as bounds) and without the programme."""
    cells = design.panel.data.sel(
        indicator=effect.estimand.indicator, school=list(design.pilots), period=list(design.treated_periods)
    )
    treated = xr.DataArray(
        [[period >= design.starts[pilot] for period in design.treated_periods] for pilot in design.pilots],
        dims=("school", "period"),
        coords={"school": list(design.pilots), "period": list(design.treated_periods)},
    )
    lower, upper, exposure = (cells[name].where(treated).sum("school") for name in ("lower", "upper", "exposure"))
    # observed minus change is the count without the programme; hidden counts stand at the middle of their bounds
    without = 0.5 * (lower + upper) + effect.averted().by_period()
    rows = []
    for period in design.treated_periods:
        at = {"period": period}
        rows.append(
            {
                "period": period,
                "lower": float(lower.sel(at)),
                "upper": float(upper.sel(at)),
                "exposure": float(exposure.sel(at)),
                **{
                    f"without_{name}": value
                    for name, value in spread_of(without.sel(at).to_numpy(), effect.level).items()
                },
            }
        )
    return pd.DataFrame(rows)


def write_appraisal(
    folder: Path, effect: Effect, costs: CostSettings, settings: AppraisalSettings, *, draws: int, seed: int
) -> None:
    """Join one effect with the declared costs, and write flows, summaries and every source."""
    parameters = costs.parameters()
    appraisal = appraise(
        effect.averted(),
        parameters,
        price_year=costs.price_year,
        base_year=settings.base_year,
        programme=settings.programme,
        scenarios=settings.scenarios,
        discounting=settings.discounting,
        timing=settings.timing,
        draws=draws,
        seed=seed,
        payers_as_of=settings.payers_as_of,
        conditions=settings.conditions,
    )
    for name, table in _appraisal_tables(appraisal, effect.level).items():
        write_table(table, folder / f"{name}.csv")
    case = Case(
        effect.averted(),
        parameters,
        settings.base_year,
        costs.price_year,
        settings.programme,
        discounting=settings.discounting,
        timing=settings.timing,
        draws=draws,
        seed=seed,
        payers_as_of=settings.payers_as_of,
        conditions=settings.conditions,
    )
    write_cost_tables(folder, case, costs, settings, level=effect.level)
    (folder / "appraisal.json").write_text(
        canonical_json(appraisal_record(appraisal, effect, settings, parameters.deflator)), "utf-8"
    )
    totals = xr.Dataset({"npv": appraisal.npv(), "savings": appraisal.savings()})
    totals.to_netcdf(folder / "totals.nc", engine="scipy")
    write_questions(folder, appraisal, effect, case, settings)


def _appraisal_tables(appraisal: Appraisal, level: float) -> dict[str, pd.DataFrame]:
    return {
        "summary": appraisal.summary(level),
        "flows": appraisal.to_frame(),
        "payers": _payer_table(appraisal, level),
        "payback": measures.payback(appraisal),
        "cash_by_year": measures.cashable_by_year(appraisal, level=level),
        "cost_per_averted": measures.cost_per_averted(appraisal, level=level),
        "quadrants": pd.concat([measures.quadrants(appraisal, view) for view in VIEWS]),
        "summary_table": measures.appraisal_summary_table(appraisal, level=level),
    }


def _payer_table(appraisal: Appraisal, level: float) -> pd.DataFrame:
    labels = known_payers()
    by_payer = appraisal.by_payer()
    rows = []
    for scenario in appraisal.scenarios:
        for payer in by_payer["payer"].to_numpy():
            for kind in by_payer["kind"].to_numpy():
                draws = by_payer.sel(scenario=scenario.key, payer=payer, kind=kind)
                if bool((draws != 0).any()):
                    at = {"scenario": scenario.key, "payer": payer, "payer_label": labels[payer], "kind": kind}
                    rows.append({**at, "mean": float(draws.mean()), **spread_of(draws.to_numpy(), level)})
    columns = ["scenario", "payer", "payer_label", "kind", "mean", "median", "lower", "upper"]
    return pd.DataFrame(rows, columns=columns)


def indicator_labels(evaluation: Evaluation) -> dict[str, str]:
    """Return every indicator's label by key, the evaluation's own among them."""
    return {key: indicator.label for key, indicator in evaluation.indicators.items()}


def exposure_nouns(evaluation: Evaluation) -> dict[str, str]:
    """Return what every indicator's rate is per 100 of, by key."""
    return {key: noun(indicator.exposure) for key, indicator in evaluation.indicators.items()}


def _checks(checks: Sequence[CheckResult], folder: Path) -> None:
    (folder / "checks.json").write_text(canonical_json([check.to_dict() for check in checks]), encoding="utf-8")
