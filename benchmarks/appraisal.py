"""Time everything an appraisal writes for a report: draws of effects to tables, figures, spreadsheet and explorer.

Run with ``python benchmarks/appraisal.py``. Five scenarios, 4,000 draws, a wider programme, a pooled budget and weights;
about half a minute on a busy core. The aim is under 30 seconds on two cores.
"""

from __future__ import annotations

import tempfile
import time
from pathlib import Path

import numpy as np
import xarray as xr

from averting import units
from averting.appraisal import CENTRAL, Adjustment, ProgrammeCost, Scenario, appraise
from averting.appraisal.sensitivity import Case, one_way
from averting.appraisal.what_if_model import what_if
from averting.costs import Override, load_parameters
from averting.costs.distributions import Distribution
from averting.effects import Averted
from averting.reporting import money_figures
from averting.reporting.explorer import what_if_panel
from averting.reporting.spreadsheet import SourcedTable, write_excel
from averting.years import FinancialYear

DRAWS = 4_000


def main() -> None:
    draws = np.random.default_rng(1).normal(-2, 3, (DRAWS, 3, 2))
    change = xr.DataArray(
        draws,
        dims=("draw", "school", "period"),
        coords={"draw": range(DRAWS), "school": ["a", "b", "c"], "period": ["2021/22", "2022/23"]},
    )
    averted = Averted.from_change(
        units.label(change, "events"), indicator="permanent_exclusions", draw_kind="posterior"
    )
    base, prices = FinancialYear(2021), FinancialYear(2023)
    spend = (ProgrammeCost(base, 60_000, "la_general_fund", prices, "invented"),)
    parameters = load_parameters("high_needs_block")
    scenarios = [CENTRAL]
    for i, value in enumerate((0.1, 0.3, 0.5)):
        override = {"return_to_mainstream_hazard": Override(Distribution.point(value), "benchmark")}
        scenarios.append(Scenario(f"return_{i}", f"Return {value}", override))
    scenarios.append(Scenario("dearer", "Dearer", adjustments=(Adjustment("optimism_bias", 0.2, "benchmark"),)))
    rows: list[tuple[str, float]] = []

    def timed(name, work):
        begun = time.perf_counter()
        made = work()
        rows.append((name, time.perf_counter() - begun))
        return made

    case = Case(averted, parameters, base, prices, spend, draws=DRAWS)
    appraisal = timed(
        "appraisal, 5 scenarios and none",
        lambda: appraise(
            averted,
            parameters,
            base_year=base,
            price_year=prices,
            programme=spend,
            scenarios=scenarios,
            draws=DRAWS,
        ),
    )
    summary = timed("summary with intervals", appraisal.summary)
    table = timed("tornado", lambda: one_way(case))
    model = timed("explorer's model", lambda: what_if(case))
    timed("explorer's page", lambda: what_if_panel(model, posterior=True))
    timed("tornado drawn", lambda: money_figures.tornado(table))
    net = appraisal.flows.sum(("line", "payer")).sel(scenario="central", drop=True)
    timed("cash by year drawn", lambda: money_figures.cash_by_year(net))
    with tempfile.TemporaryDirectory() as folder:
        sheets = {
            "summary": SourcedTable(summary, "Summary", "benchmark"),
            "tornado": SourcedTable(table, "T", "b"),
        }
        timed("spreadsheet", lambda: write_excel(sheets, Path(folder) / "tables.xlsx"))
    for name, seconds in [*rows, ("in all", sum(seconds for _, seconds in rows))]:
        print(f"{name:<34}{seconds:8.2f} s")


if __name__ == "__main__":
    main()
