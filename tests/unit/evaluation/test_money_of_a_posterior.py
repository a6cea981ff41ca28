"""What an evaluation writes of money where it has a posterior and a cost, and what a report makes of it."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from averting import units
from averting.appraisal import CENTRAL, ProgrammeCost
from averting.appraisal.decision import Study
from averting.effects.result import Effect, Estimand
from averting.effects.storage import save_effect
from averting.evaluation.appraisal_settings import AppraisalSettings
from averting.evaluation.settings import CostSettings
from averting.evaluation.stages import write_appraisal
from averting.reporting import cost_tables, money_report
from averting.reporting.results import Results
from averting.years import FinancialYear

DRAWS, BASE, PRICES = 400, FinancialYear(2021), FinancialYear(2023)


def effect():
    change = xr.DataArray(
        np.random.default_rng(1).normal(-2, 3, (DRAWS, 3, 2)),
        dims=("draw", "school", "period"),
        coords={"draw": range(DRAWS), "school": ["a", "b", "c"], "period": ["2021/22", "2022/23"]},
    )
    ratio = xr.DataArray(np.full(DRAWS, 0.8), dims="draw", coords={"draw": range(DRAWS)})
    about = Estimand("permanent_exclusions", "pilot against comparison", "pilots", "ratio")
    return Effect(
        about, "bayes_count", "posterior", 0.8, (0.4, 1.5), 0.95, units.label(ratio, "ratio"), "posterior",
        units.label(change, "events"),
    )  # fmt: skip


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    folder = tmp_path_factory.mktemp("results")
    for name in ("appraisal", "estimates/main"):
        (folder / name).mkdir(parents=True)
    found = effect()
    save_effect(found, folder / "estimates" / "main")
    spend = tuple(
        ProgrammeCost(FinancialYear(year), 60_000, "foundation", PRICES, "invented") for year in (2021, 2022)
    )
    settings = AppraisalSettings(
        "main", BASE, "2022", (CENTRAL,), spend, pupils_supported=90.0,
        studies=(Study("A year", "years", 1, 20_000.0, "invented", decisions=4, years=2), Study("Ten", "schools", 10)),
    )  # fmt: skip
    costs = CostSettings(("high_needs_block",), None, PRICES)
    write_appraisal(folder / "appraisal", found, costs, settings, draws=DRAWS, seed=1)
    return Results(folder, {"estimates": [{"id": "main", "role": "primary"}], "indicators": {}})


def test_the_map_and_the_break_even_table_say_the_same(results):
    told = results.table("appraisal/break_even").set_index("name")
    grid = results.table("appraisal/break_even_grid").pivot_table(index="averted", columns="value", values="npv")
    assert grid.shape == (8, 8)
    assert grid.index.min() <= told.loc["averted", "low"]
    assert grid.index.max() >= told.loc["averted", "high"]
    # none averted for certain: all that was spent, in present value
    nothing = np.interp(0.0, grid.index, grid.iloc[:, 0])
    assert nothing == pytest.approx(-60_000 - 60_000 / 1.035, abs=0.01)
    # along its mean cost the worth is a straight line, and it is zero at about the number that pays: with 400 draws the
    # mean top-up drawn has a standard error of 3.5 %, and what an exclusion brings on balance is under half of the top-up
    costs = told.index[1]
    at_mean = [np.interp(told.loc[costs, "current"], grid.columns, row) for row in grid.to_numpy()]
    needed = np.interp(0.0, at_mean, grid.index)
    assert needed == pytest.approx(told.loc["averted", "value"], rel=0.25)


def test_studies_are_worth_less_than_knowing_the_effect_and_net_of_their_cost(results):
    table = results.table("appraisal/studies").set_index("label")
    known = results.table("appraisal/value_of_information").set_index("known")["worth"]
    assert (table["evsi"] <= known["averted"] + 1e-6).all()
    times = 4 * (1 + 1 / 1.035)
    assert table.loc["A year", "enbs"] == pytest.approx(table.loc["A year", "evsi"] * times - 20_000)
    rows = money_report.studies(results).rows
    assert rows[1][4:] == ("not given", "–")


def test_the_report_shows_the_programme_the_map_and_the_prices(results):
    cells = {row[0]: row[1:] for row in cost_tables.unit_costs(results).rows}
    assert cells["Running cost, for each pupil supported and year"] == ("£667", "£££ (moderate)")
    assert cells["In all, for each pilot school"][0] == "£40,000"
    assert cost_tables.programme(results).rows[0][4] == "Charitable foundations"
    assert "It stands at" in money_report.break_even_map(results).alt
    said = money_report.prices(results)
    assert "start of the year" in said
    assert "December 2025" in said
    assert "approximation" in said


def test_every_table_is_in_the_export_with_a_note(results):
    folder = results.folder / "appraisal"
    notes = set(pd.read_csv(folder / "tables" / "notes.csv")["sheet"])
    written = {path.stem for path in folder.glob("*.csv") if len(pd.read_csv(path))}
    assert notes == written
