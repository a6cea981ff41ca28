"""What funders ask of an appraisal beyond net present value: when, per exclusion, to whom, how likely."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
import xarray as xr

from averting import units
from averting.appraisal.adjustments import MEANINGS
from averting.appraisal.appraisal import PROGRAMME, VIEWS, Appraisal, kinds_of
from averting.costs import known_payers
from averting.errors import EvaluationError, Fault, refuse
from averting.years import FinancialYear


def net_by_year(appraisal: Appraisal, view: str, *, discounted: bool = False) -> xr.DataArray:
    """Return savings less programme spend in each financial year, dims (draw, scenario, year)."""
    held = appraisal.discounted if discounted else appraisal.account
    return held.of_kinds(kinds_of(view), also=PROGRAMME).sum("stream")


def payback(appraisal: Appraisal) -> pd.DataFrame:
    """Return when the programme has paid for itself, by scenario and view, discounted and not.

    Returns
    -------
    DataFrame
        ``year``: the first financial year from whose end the cumulative mean stays at zero or above, empty where
        there is none within the horizon; ``chance``: share of draws in which the total is zero or above at the end.
        Scenarios without a programme, and appraisals without spend, have no payback and no row.
    """
    rows = []
    acting = [scenario.key for scenario in appraisal.scenarios if scenario.programme]
    for view in VIEWS if appraisal.has_programme_cost else ():
        for discounted in (False, True):
            total = net_by_year(appraisal, view, discounted=discounted).sortby("year").cumsum("year")
            for key in acting:
                mean = total.sel(scenario=key).mean("draw").to_numpy()
                short = np.flatnonzero(mean < 0)
                at = 0 if not short.size else int(short[-1]) + 1
                year = FinancialYear(int(total["year"][at])).label if at < len(mean) else ""
                chance = float((total.sel(scenario=key).isel(year=-1) >= 0).mean())
                rows.append(
                    {"scenario": key, "view": view, "discounted": discounted, "year": year, "chance": chance}
                )
    return pd.DataFrame(rows, columns=["scenario", "view", "discounted", "year", "chance"])


def cashable_by_year(appraisal: Appraisal, *, level: float = 0.95) -> pd.DataFrame:
    """Return cashable savings by payer and financial year, undiscounted, before the programme's spend.

    Transfers between budgets are included, because a payer's cash is what is asked: they net to zero over payers.
    """
    held, tail = appraisal.account, (1 - level) / 2
    cash = held.by_payer(held.of_kinds(VIEWS["cashable"], without=PROGRAMME))
    spread = cash.quantile([tail, 1 - tail], dim="draw")
    table = xr.Dataset(
        {
            "mean": cash.mean("draw"),
            "lower": spread.isel(quantile=0, drop=True),
            "upper": spread.isel(quantile=1, drop=True),
        }
    )
    frame = table.to_dataframe(dim_order=["payer", "year", "scenario"]).reset_index()
    moved = (frame[["mean", "lower", "upper"]] != 0).any(axis=1)
    frame["year"] = [FinancialYear(int(year)).label for year in frame["year"]]
    return frame.loc[moved, ["scenario", "payer", "year", "mean", "lower", "upper"]].reset_index(drop=True)


def quadrants(appraisal: Appraisal, view: str) -> pd.DataFrame:
    """Return the share of draws in each quarter of the cost-effectiveness plane, by scenario with a programme.

    Returns
    -------
    DataFrame
        ``averts_saves``, ``averts_costs``, ``more_saves`` and ``more_costs``, adding up to 1: whether exclusions
        fell or not (zero counts as not), and whether public money is saved on balance (zero counts as not).
    """
    kinds_of(view)
    rows = []
    net, averted = appraisal.npv().sel(view=view), _averted(appraisal)
    for key in (scenario.key for scenario in appraisal.scenarios if scenario.programme):
        fell, saved = averted.sel(scenario=key).to_numpy() > 0, net.sel(scenario=key).to_numpy() > 0
        cells = {"averts_saves": fell & saved, "averts_costs": fell & ~saved}
        cells |= {"more_saves": ~fell & saved, "more_costs": ~fell & ~saved}
        rows.append({"scenario": key, "view": view, **{name: float(cell.mean()) for name, cell in cells.items()}})
    return pd.DataFrame(rows)


def cost_per_averted(appraisal: Appraisal, *, level: float = 0.95) -> pd.DataFrame:
    """Return the programme's cost per exclusion averted, where that is a number.

    Returns
    -------
    DataFrame
        ``cost_per_averted`` is mean cost over mean averted, never a mean of ratios. It is missing, and ``note``
        says why, where the interval of what was averted reaches zero: a ratio that passes through infinity has no
        middle. Read :func:`quadrants` instead.
    """
    averted, cost = _averted(appraisal), appraisal.programme_cost().isel(view=0).mean("draw")
    rows = []
    for key in (scenario.key for scenario in appraisal.scenarios if scenario.programme):
        draws = averted.sel(scenario=key).to_numpy()
        low, high = np.quantile(draws, [(1 - level) / 2, (1 + level) / 2])
        defined = low > 0 and appraisal.has_programme_cost
        spent = float(cost.sel(scenario=key))
        row = {"scenario": key, "programme_cost": spent, "averted_mean": float(draws.mean())}
        row |= {"averted_lower": float(low), "averted_upper": float(high)}
        row["cost_per_averted"] = spent / float(draws.mean()) if defined else float("nan")
        row["note"] = "" if defined else _undefined(appraisal)
        rows.append(row)
    return pd.DataFrame(rows)


def _undefined(appraisal: Appraisal) -> str:
    if not appraisal.has_programme_cost:
        return "The programme's cost was not given."
    return "Not defined: whether any exclusion was averted is uncertain. See the quarters of the plane."


def _averted(appraisal: Appraisal) -> xr.DataArray:
    if appraisal.averted is None:
        raise EvaluationError("This appraisal does not hold what was averted. Make it with averting.appraise.")
    return appraisal.averted


def contributor_returns(
    appraisal: Appraisal, shares: Mapping[str, float], *, view: str = "cashable"
) -> pd.DataFrame:
    """Return what each contributor to a pooled budget pays and gets back, in present value.

    Parameters
    ----------
    appraisal : Appraisal
        With the programme's cost; who paid it there is replaced by the shares.
    shares : mapping of str to float
        Share of the programme's cost that each payer bears; they add up to 1.
    view : str
        Which savings count: ``cashable`` or ``cashable_and_capacity``.

    Returns
    -------
    DataFrame
        One row per scenario and payer: ``pays``, ``gets``, ``net``, ``per_pound`` (missing for who pays nothing) and
        ``chance`` that it gets back what it paid. Payers who gain without paying stand in it too.

    Raises
    ------
    EvaluationError
        For unknown payers, shares that do not add up to 1, or an appraisal without cost.
    """
    faults = [
        Fault(f"share of '{payer}'", "it is not a payer", f"Known: {', '.join(known_payers())}.")
        for payer in shares
        if payer not in known_payers()
    ]
    if any(share < 0 for share in shares.values()) or abs(sum(shares.values()) - 1) > 1e-9:
        faults.append(
            Fault("shares", f"they add up to {sum(shares.values()):g}", "Give shares of 0 to 1 that make 1.")
        )
    if not appraisal.has_programme_cost:
        faults.append(Fault("programme", "its cost was not given", "Give it to averting.appraise."))
    refuse(EvaluationError, "A pooled budget cannot be split", faults)
    held = appraisal.discounted
    gets = held.by_payer(held.of_kinds(kinds_of(view), without=PROGRAMME).sum("year"))
    cost = appraisal.programme_cost().sel(view=view)
    rows = []
    for key in (scenario.key for scenario in appraisal.scenarios if scenario.programme):
        for payer in known_payers():
            if payer in shares or payer in gets["payer"].to_numpy():
                got = gets.sel(scenario=key, payer=payer).to_numpy() if payer in gets["payer"].to_numpy() else 0.0
                paid = shares.get(payer, 0.0) * cost.sel(scenario=key).to_numpy()
                rows.append({"scenario": key, "payer": payer, **_return(np.asarray(got + 0 * paid), paid)})
    return pd.DataFrame(rows)


def _return(got: np.ndarray, paid: np.ndarray) -> dict[str, float]:
    pays, gets = float(paid.mean()), float(got.mean())
    per_pound = gets / pays if pays > 0 else float("nan")
    return {
        "pays": pays,
        "gets": gets,
        "net": gets - pays,
        "per_pound": per_pound,
        "chance": float((got >= paid).mean()),
    }


def weighted_npv(appraisal: Appraisal, weights: Mapping[str, float], *, view: str) -> xr.DataArray:
    """Return net present value with each payer's flows weighted; payers without a weight count once.

    See :func:`averting.appraisal.adjustments.distributional_weight`. To be shown beside the unweighted value.
    """
    if unknown := sorted(set(weights) - set(appraisal.payers)):
        known = ", ".join(appraisal.payers)
        raise EvaluationError(
            f"No flow of this appraisal is to or from {', '.join(unknown)}. Leave it out; money moves to or from: {known}."
        )
    counted = appraisal.discounted.of_kinds(kinds_of(view), also=PROGRAMME)
    weight = xr.DataArray([weights.get(str(payer), 1.0) for payer in counted["payer"].to_numpy()], dims="stream")
    with units.exact():
        return (counted.sum("year") * weight).sum("stream")


def appraisal_summary_table(appraisal: Appraisal, *, view: str = "cashable", level: float = 0.95) -> pd.DataFrame:
    """Return the Appraisal Summary Table: one row per measure, one column per scenario [hmt_green_book]_.

    What is not in pounds, and what could not be valued, stands in it as well: a total alone says too little.

    References
    ----------
    .. [hmt_green_book] HM Treasury, The Green Book, Appraisal Summary Table.
    """
    kinds_of(view)
    summary = appraisal.summary(level).query("view == @view").set_index("scenario")
    averted = _averted(appraisal)
    measures: dict[str, list[object]] = {}
    for scenario in appraisal.scenarios:
        row, draws = summary.loc[scenario.key], averted.sel(scenario=scenario.key).to_numpy()
        low, high = np.quantile(draws, [(1 - level) / 2, (1 + level) / 2])
        changed = [
            f"{one.kind.replace('_', ' ')} {one.amount:g}: {MEANINGS[one.kind]} ({one.reason})"
            for one in scenario.adjustments
        ]
        cells = {
            "Present value of savings (£)": row["savings_mean"],
            "Present value of the programme's cost (£)": row["programme_cost"],
            "Net present value (£)": row["npv_mean"],
            f"Net present value, {level:.0%} interval, low (£)": row["npv_lower"],
            f"Net present value, {level:.0%} interval, high (£)": row["npv_upper"],
            "Benefit-cost ratio": row["bcr"],
            "Share of draws in which it pays": row["chance_of_paying"],
            "Permanent exclusions averted (mean)": float(draws.mean()),
            f"Permanent exclusions averted, {level:.0%} interval, low": float(low),
            f"Permanent exclusions averted, {level:.0%} interval, high": float(high),
            "Assumptions changed": "; ".join([*scenario.overrides, *changed]) or "none",
            "Not valued": "pupils' later earnings, health and crime, unless a family of costs declares them",
            "Prices, base year and discounting": f"{appraisal.price_year.label}, {appraisal.base_year.label}, "
            f"Green Book {appraisal.discounting}, money moves at the {appraisal.timing} of its year",
        }  # fmt: skip
        for name, cell in cells.items():
            measures.setdefault(name, []).append(cell)
    columns = [scenario.key for scenario in appraisal.scenarios]
    table = pd.DataFrame.from_dict(measures, orient="index", columns=columns).rename_axis("measure")
    return table.reset_index()
