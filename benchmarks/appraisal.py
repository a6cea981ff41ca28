"""Time everything that an evaluation and its report make of money: draws of an effect to every table, figure and page.

Run with ``python benchmarks/appraisal.py``. Five scenarios beside doing nothing, 4,000 draws, a posterior, a pooled
budget, weights, a wider programme and two further studies: every table that ``averting run`` writes in its appraisal
stage, the spreadsheet where openpyxl is installed, then every figure and table of the report's section on money and the
explorer's page. Imports are not counted. The aim is under 30 seconds on two cores; wall and processor time are both
printed, because other work on the machine lengthens the first.
"""

from __future__ import annotations

import json
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import xarray as xr

from averting import units
from averting.appraisal import CENTRAL, Adjustment, ProgrammeCost, Scenario
from averting.appraisal.decision import Study
from averting.appraisal.scale_up import ScaleUp
from averting.costs import Override
from averting.costs.distributions import Distribution
from averting.effects.result import Effect, Estimand
from averting.effects.storage import save_effect
from averting.evaluation.appraisal_settings import AppraisalSettings
from averting.evaluation.settings import CostSettings
from averting.evaluation.stages import write_appraisal
from averting.reporting import cost_tables, explorer, figures, money_report, tables
from averting.reporting.results import Results
from averting.years import AcademicYear, FinancialYear

DRAWS = 4_000
BASE, PRICES = FinancialYear(2021), FinancialYear(2023)
REPORT: dict[str, Callable[[Results], object]] = {
    "scenarios": tables.scenarios,
    "payers": tables.payers,
    "sources": cost_tables.sources,
    "programme": cost_tables.programme,
    "unit costs": cost_tables.unit_costs,
    "left out": cost_tables.asleep,
    "later life": cost_tables.later_life,
    "contributors": money_report.contributors,
    "weighted": money_report.weighted,
    "scale-up": money_report.scale_up,
    "studies": money_report.studies,
    "waterfall": money_report.waterfall,
    "cash by year": money_report.cash,
    "flows by line": figures.cash_flow,
    "tornado": money_report.tornado,
    "break-even map": money_report.break_even_map,
    "acceptability": money_report.acceptability,
    "explorer": explorer.panel,
}


def effect() -> Effect:
    """Return a posterior over three schools and two years."""
    change = xr.DataArray(
        np.random.default_rng(1).normal(-2, 3, (DRAWS, 3, 2)),
        dims=("draw", "school", "period"),
        coords={"draw": range(DRAWS), "school": ["a", "b", "c"], "period": ["2021/22", "2022/23"]},
    )
    ratio = xr.DataArray(np.random.default_rng(2).lognormal(-0.2, 0.3, DRAWS), dims="draw")
    estimand = Estimand("permanent_exclusions", "pilot against comparison", "pilot schools", "ratio")
    units_of = units.label(ratio.assign_coords(draw=range(DRAWS)), "ratio")
    return Effect(
        estimand, "bayes_count", "posterior", 0.8, (0.45, 1.5), 0.95, units_of, "posterior", units.label(change, "events")
    )  # fmt: skip


def settings() -> AppraisalSettings:
    """Return five scenarios and everything else that an evaluation may ask for."""
    scenarios = [CENTRAL]
    for i, value in enumerate((0.1, 0.3, 0.5)):
        override = {"return_to_mainstream_hazard": Override(Distribution.point(value), "benchmark")}
        scenarios.append(Scenario(f"return_{i}", f"Return {value}", override))
    scenarios.append(Scenario("dearer", "Dearer", adjustments=(Adjustment("optimism_bias", 0.2, "benchmark"),)))
    spend = tuple(
        ProgrammeCost(FinancialYear(y), 60_000, "la_general_fund", PRICES, "invented") for y in (2021, 2022)
    )
    return AppraisalSettings(
        "main", BASE, "2022", tuple(scenarios), spend,
        contributions={"la_high_needs": 0.5, "la_general_fund": 0.5},
        weights={"school": 1.2}, weight_reasons={"school": "benchmark"},
        scale_up=ScaleUp(AcademicYear(2024), 5, 60, 20_000.0, 8_000.0, "dfe", PRICES, "invented", (0.3, 0.6, 1.0), 0.1, 0.2),
        studies=(Study("A year", "years", 1, 20_000.0, "invented"), Study("Schools", "schools", 10)),
        pupils_supported=90.0,
    )  # fmt: skip


def main() -> None:
    rows: list[tuple[str, float, float]] = []

    def timed(name: str, work: Callable[[], object]) -> None:
        wall, processor = time.perf_counter(), time.process_time()
        work()
        rows.append((name, time.perf_counter() - wall, time.process_time() - processor))

    with tempfile.TemporaryDirectory() as made:
        folder, found = Path(made), effect()
        for name in ("appraisal", "estimates/main"):
            (folder / name).mkdir(parents=True)
        save_effect(found, folder / "estimates" / "main")
        costs = CostSettings(("high_needs_block",), None, PRICES)
        timed(
            "every table, five scenarios",
            lambda: write_appraisal(folder / "appraisal", found, costs, settings(), draws=DRAWS, seed=1),
        )
        manifest = {"estimates": [{"id": "main", "role": "primary"}], "indicators": {}}
        results = Results(folder, json.loads(json.dumps(manifest)))
        for name, make in REPORT.items():
            timed(name, partial(make, results))
        written = sorted(path.name for path in (folder / "appraisal").iterdir() if path.is_file())
        print(f"{len(written)} files: {', '.join(written)}")
    rows.append(("in all", sum(row[1] for row in rows), sum(row[2] for row in rows)))
    for name, wall, processor in rows:
        print(f"{name:<30}{wall:8.2f} s, processor {processor:6.2f} s")


if __name__ == "__main__":
    main()
