"""What a report answers beyond the totals: what the result hangs on, when money comes, for whom, and what if."""

from __future__ import annotations

from dataclasses import asdict
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pandas as pd
import xarray as xr

from averting.appraisal import CENTRAL, Appraisal, decision, measures
from averting.appraisal.adjustments import MEANINGS
from averting.appraisal.appraisal import VIEW_LABELS, VIEWS
from averting.appraisal.measures import net_by_year
from averting.appraisal.scale_up import CAVEAT, scale_up, scale_up_table, schools_and_years
from averting.appraisal.sensitivity import (
    AVERTED,
    Case,
    break_even,
    break_even_averted,
    break_even_grid,
    one_way,
)
from averting.appraisal.what_if_model import what_if
from averting.costs import Deflator, ParameterSet, known_payers
from averting.data.written import write_table
from averting.effects import Effect, Verdict
from averting.evaluation.appraisal_settings import AppraisalSettings
from averting.provenance import canonical_json
from averting.reporting.spreadsheet import SourcedTable, write_csv, write_excel

_THRESHOLDS = np.linspace(0.0, 100_000.0, 101)
_COSTS = "costs"
_CELLS = 8


def write_questions(
    folder: Path,
    appraisal: Appraisal,
    effect: Effect,
    case: Case,
    settings: AppraisalSettings,
) -> None:
    """Write the tables behind every question a report answers of an appraisal, and all of them as a spreadsheet.

    Tables that an evaluation does not ask for, or that its draws cannot support, are not written.
    """
    tables = {
        "tornado": _tornado(case),
        **_break_even(case, effect),
        **_asked(appraisal, settings, effect.level),
    }
    if settings.scale_up is not None:
        tables["scale_up"] = _scaled(folder, case, settings, effect.level)
    if _decides(appraisal, effect):
        tables["value_of_information"] = _information(appraisal, case.parameters, case.seed)
        tables["acceptability"] = _acceptability(appraisal)
        tables["studies"] = _studies(appraisal, case, settings)
    for name, table in tables.items():
        write_table(table, folder / f"{name}.csv")
    model = what_if(case, level=effect.level)
    (folder / "what_if.json").write_text(canonical_json(model), encoding="utf-8")
    by_year = xr.concat([net_by_year(appraisal, view) for view in VIEWS], dim=pd.Index(list(VIEWS), name="view"))
    central = by_year.sel(scenario=CENTRAL.key, drop=True).reset_coords(drop=True)
    central.astype(np.float32).rename("net").to_dataset().to_netcdf(folder / "net_by_year.nc", engine="scipy")
    _export(folder / "tables", appraisal, effect, tables)


def _tornado(case: Case) -> pd.DataFrame:
    names = None if float(case.averted.total().mean()) else [k for k in case.uncertain() if k != AVERTED]
    return one_way(case, names=names)


def _break_even(case: Case, effect: Effect) -> dict[str, pd.DataFrame]:
    """Return what would make the programme pay: how many averted, the unit cost that matters most, and both at once."""
    if not case.programme:
        columns = ["name", "label", "unit", "value", "current", "low", "high", "pays_now"]
        return {"break_even": pd.DataFrame(columns=columns)}
    spread, npv = effect.averted().summary(effect.level), case.npv()
    # infinite where an averted exclusion saves nothing in this view
    needed = break_even_averted(case)
    first = {
        "name": AVERTED,
        "label": "Permanent exclusions averted",
        "unit": "pupils",
        "value": needed if np.isfinite(needed) else np.nan,
        "current": float(case.averted.total().mean()),
        "low": spread["lower"],
        "high": spread["upper"],
        "pays_now": npv >= 0,
    }
    known = case.parameters
    money = [key for key in case.uncertain() if key != AVERTED and known[key].unit.startswith("GBP")]
    if not money:
        return {"break_even": pd.DataFrame([first])}
    key = str(one_way(case, names=money)["name"].iloc[0])
    found = break_even(case, key)
    about = {"name": key, "label": found.label, "unit": found.unit, "value": found.value, "current": found.current}
    second = {**about, "low": found.low, "high": found.high, "pays_now": found.pays_now}
    return {
        "break_even": pd.DataFrame([first, second]),
        "break_even_grid": _grid(case, key, low=spread["lower"], high=spread["upper"], needed=needed),
    }


def _grid(case: Case, key: str, *, low: float, high: float, needed: float) -> pd.DataFrame:
    """Return mean net present value by number averted and the unit cost that matters most, over what the data allow."""
    most = max(high, 1.0)
    # to half as many again as it takes to pay, unless that is far beyond what the data are compatible with
    most = max(most, min(1.5 * needed, 3 * most)) if np.isfinite(needed) else most
    counts = np.linspace(min(low, 0.0), most, _CELLS)
    values = np.linspace(*case.range(key, 0.05, 0.95), _CELLS)
    grid = break_even_grid(case, key, counts=counts.tolist(), values=values.tolist())
    table = grid.rename("npv").to_dataframe().reset_index().rename(columns={key: "value"})
    parameter = case.parameter(key)
    about = {"name": key, "label": parameter.label, "unit": parameter.unit}
    return table.assign(**about, price_year=parameter.price_year.label if parameter.price_year else "")


def _asked(appraisal: Appraisal, settings: AppraisalSettings, level: float) -> dict[str, pd.DataFrame]:
    """Return what an evaluation asks for by a table of its own: shares of a pooled budget, and weights."""
    tables = {}
    if settings.contributions and appraisal.has_programme_cost:
        returns = measures.contributor_returns(appraisal, settings.contributions)
        labels = [known_payers()[payer] for payer in returns["payer"]]
        tables["contributors"] = returns.assign(payer_label=labels)
    present = set(appraisal.payers)
    weights = {payer: weight for payer, weight in settings.weights.items() if payer in present}
    if weights:
        tables["weighted"] = pd.DataFrame(
            [_weighted(appraisal, weights, scenario.key, view, level) for scenario in appraisal.scenarios
             if scenario.programme for view in VIEWS]
        )  # fmt: skip
    return tables


def _weighted(
    appraisal: Appraisal, weights: dict[str, float], scenario: str, view: str, level: float
) -> dict[str, object]:
    draws = measures.weighted_npv(appraisal, weights, view=view).sel(scenario=scenario).to_numpy()
    low, high = np.quantile(draws, [(1 - level) / 2, (1 + level) / 2])
    plain = float(appraisal.npv().sel(scenario=scenario, view=view).mean())
    return {
        "scenario": scenario,
        "view": view,
        "npv_unweighted": plain,
        "npv_weighted": float(draws.mean()),
        "weighted_lower": float(low),
        "weighted_upper": float(high),
    }


def _scaled(folder: Path, case: Case, settings: AppraisalSettings, level: float) -> pd.DataFrame:
    plan = settings.scale_up
    assert plan is not None
    wider = scale_up(
        case.averted,
        case.parameters,
        plan,
        base_year=case.base_year,
        price_year=case.price_year,
        discounting=case.discounting,
        timing=case.timing,
        payers_as_of=case.payers_as_of,
        conditions=case.conditions,
        draws=case.draws,
        seed=case.seed,
    )
    about = {
        "caveat": CAVEAT,
        "start": plan.start.label,
        "years": plan.years,
        "schools": plan.schools,
        "taking_part": [float(value) for value in plan.taking_part],
        "fade_out": plan.fade_out,
        "dilution": plan.dilution,
        "fixed_cost": plan.fixed_cost,
        "cost_per_school": plan.cost_per_school,
        "source": plan.source,
        "price_year": plan.price_year.label,
    }
    (folder / "scale_up.json").write_text(canonical_json(about), encoding="utf-8")
    return scale_up_table(wider, plan, level=level)


def _decides(appraisal: Appraisal, effect: Effect) -> bool:
    """Say whether draws may be read as probabilities of a choice: a posterior whose checks hold, with a cost."""
    sound = effect.draw_kind == "posterior" and all(check.status != "fail" for check in effect.checks)
    return sound and appraisal.has_programme_cost and effect.verdict is not Verdict.NOT_ESTIMABLE


def _choice(appraisal: Appraisal, thresholds: np.ndarray) -> decision.NetBenefit:
    """Return the choice between doing nothing and the programme; other scenarios are suppositions, not options."""
    options = [scenario.key for scenario in appraisal.scenarios if not scenario.programme] + [CENTRAL.key]
    assert appraisal.averted is not None
    cost = -appraisal.npv().sel(scenario=options, view="cashable", drop=True)
    averted = appraisal.averted.sel(scenario=options)
    return decision.net_benefit(
        averted.reset_coords(drop=True), cost.reset_coords(drop=True), thresholds=thresholds
    )


def _acceptability(appraisal: Appraisal) -> pd.DataFrame:
    shares = decision.ceac(_choice(appraisal, _THRESHOLDS))
    return shares.rename("share").to_dataframe().reset_index()[["scenario", "threshold", "share"]]


def _information(appraisal: Appraisal, parameters: ParameterSet, seed: int) -> pd.DataFrame:
    """Return what knowing everything, the effect, or the costs would add to the choice, where cash alone counts."""
    drawn = parameters.draw(appraisal.account.streams.sizes["draw"], seed=seed)
    uncertain = [str(key) for key in drawn if float(drawn[key].std()) > 0]
    assert appraisal.averted is not None
    averted = appraisal.averted.sel(scenario=CENTRAL.key, drop=True)
    inputs = xr.Dataset(
        {AVERTED: ("draw", averted.to_numpy()), **{k: ("draw", drawn[k].to_numpy()) for k in uncertain}}
    )
    groups = {AVERTED: [AVERTED], **({_COSTS: uncertain} if uncertain else {})}
    found = decision.evppi(
        _choice(appraisal, np.zeros(1)), inputs.assign_coords(draw=drawn["draw"]), groups=groups
    )
    found = found.isel(threshold=0)
    rows = [{"known": "everything", "worth": float(found["evpi"]), "mcse": np.nan}]
    rows += [
        {
            "known": name,
            "worth": float(found["evppi"].sel(group=name)),
            "mcse": float(found["mcse"].sel(group=name)),
        }
        for name in groups
    ]
    return pd.DataFrame(rows)


def _studies(appraisal: Appraisal, case: Case, settings: AppraisalSettings) -> pd.DataFrame:
    """Return what further evaluation would be worth to the choice, where cash alone counts, and net of its cost."""
    assert appraisal.averted is not None
    schools, years = schools_and_years(case.averted)
    return decision.studies_table(
        _choice(appraisal, np.zeros(1)),
        appraisal.averted.sel(scenario=CENTRAL.key, drop=True).reset_coords(drop=True),
        settings.studies or decision.STANDING,
        years=years,
        schools=schools,
        edition=appraisal.discounting,
        seed=case.seed,
    )


def _export(folder: Path, appraisal: Appraisal, effect: Effect, more: dict[str, pd.DataFrame]) -> None:
    """Write every table for a spreadsheet; the spreadsheet itself where what writes it is installed."""
    money = f"pounds, {appraisal.price_year.label} prices"
    value = f"{money}, present value in {appraisal.base_year.label}"
    source = "averting, from the estimate and the declared costs of this evaluation (see sheet sources)"
    written = {name: folder.parent / f"{name}.csv" for name in _TITLES if name not in more}
    read = {name: pd.read_csv(path) for name, path in written.items() if path.is_file()}
    tables = {
        name: SourcedTable(frame, _TITLES[name].format(money=money, value=value), source)
        for name, frame in {**read, **more}.items()
        if len(frame)
    }
    write_csv(tables, folder)
    if find_spec("openpyxl") is not None:
        write_excel(tables, folder / "tables.xlsx")


_LABELS = "; ".join(f"{key}: {label}" for key, label in VIEW_LABELS.items())
_TITLES = {
    "summary": f"Savings, cost and net by scenario and view ({_LABELS}), {{value}}",
    "payers": "Who gains and who pays, by kind of saving, {value}",
    "flows": "Mean flows by line, payer and financial year (start), {money}",
    "payback": "When the programme has paid for itself, and the share of draws in which it does",
    "cash_by_year": "Cashable savings by payer and financial year before the programme's cost, {money}, undiscounted",
    "cost_per_averted": "Programme cost per exclusion averted, where it is a number, {value}",
    "quadrants": "Share of draws in each quarter of the cost-effectiveness plane",
    "summary_table": "Appraisal Summary Table, cash only, {value}",
    "asleep": "Lines left out, and the number that each waits for",
    "later_life": "What may follow later in life, in no total: each line with its causal share, {value}",
    "sources": "Declared costs with range, source, grade and date of review",
    "tornado": "Mean net present value with one thing at its 5% and 95% point, cash only, {value}",
    "break_even": "What would have to be for the programme to pay on average, cash only",
    "break_even_grid": "Mean net present value by exclusions averted and the unit cost that matters most, cash only, {value}",
    "studies": "What further evaluation would be worth, and net of its cost, cash only, {value}",
    "programme": "What the programme cost, by part, phase, year and payer, {money}",
    "programme_unit_costs": "What the programme cost a school and a pupil, with cost band, {money}",
    "contributors": "What each contributor to the budget pays and gets back, cash only, {value}",
    "weighted": "Net present value with distributional weights beside the unweighted, {value}",
    "scale_up": "The programme offered more widely: a supposition, {value}",
    "value_of_information": "What knowing more before deciding would be worth at most, cash only, {value}",
    "acceptability": "Chance that each choice is best, by pounds an averted exclusion is worth beyond savings counted",
}


def appraisal_record(
    appraisal: Appraisal, effect: Effect, settings: AppraisalSettings, deflator: Deflator
) -> dict[str, object]:
    """Return what an appraisal was asked, for the results and the report."""
    return {
        "estimate": settings.estimate,
        "draw_kind": effect.draw_kind,
        "price_year": appraisal.price_year.label,
        "base_year": appraisal.base_year.label,
        "discounting": appraisal.discounting,
        "timing": appraisal.timing,
        "deflator": {"vintage": deflator.vintage, "method": deflator.method},
        "has_programme_cost": appraisal.has_programme_cost,
        "payers_as_of": settings.payers_as_of.label if settings.payers_as_of else None,
        "conditions": list(settings.conditions),
        "scenarios": [
            {
                "key": scenario.key,
                "label": scenario.label,
                "overrides": {key: override.reason for key, override in scenario.overrides.items()},
                "adjustments": [
                    {"kind": one.kind, "amount": one.amount, "meaning": MEANINGS[one.kind], "reason": one.reason}
                    for one in scenario.adjustments
                ],
            }
            for scenario in appraisal.scenarios
        ],
        "contributions": dict(settings.contributions),
        "weights": {
            payer: {"weight": weight, "reason": settings.weight_reasons[payer]}
            for payer, weight in settings.weights.items()
        },
        "programme": [
            {**asdict(cost), "year": cost.year.label, "price_year": cost.price_year.label}
            for cost in settings.programme
        ],
    }
