"""Payer rules through an appraisal: other payers, the same total."""

import numpy as np
import pytest
import xarray as xr

from averting import units
from averting.appraisal import appraise
from averting.costs import load_parameters
from averting.effects import Averted
from averting.errors import ParameterError
from averting.evaluation.cost_tables import asleep_table
from averting.evaluation.programme_settings import read_conditions, read_day, read_payers_as_of
from averting.evaluation.toml_table import TomlTable
from averting.years import FinancialYear


@pytest.fixture(scope="module")
def averted() -> Averted:
    change = xr.DataArray(
        np.random.default_rng(3).normal(-2, 1, (200, 1, 1)),
        dims=("draw", "school", "period"),
        coords={"draw": range(200), "school": ["p"], "period": ["2022/23"]},
    )
    return Averted.from_change(
        units.label(change, "events"), indicator="permanent_exclusions", draw_kind="posterior"
    )


def test_rules_move_money_between_payers_and_change_no_total(averted: Averted) -> None:
    costs = load_parameters("high_needs_block")
    blocks, totals = [], []
    for year in (2025, 2026, 2028):
        found = appraise(
            averted, costs, base_year=2022, price_year=2023, payers_as_of=FinancialYear(year),
            conditions=["dsg_deficit"], draws=200,
        )  # fmt: skip
        blocks.append(float(found.by_payer().sel(payer="la_high_needs", scenario="central").mean("draw").sum()))
        totals.append(found.npv().to_numpy())
    assert len({round(block) for block in blocks}) == 3
    for total in totals[1:]:
        np.testing.assert_allclose(total, totals[0], atol=0.005)
    with pytest.raises(ParameterError, match="No payer rule has the condition"):
        appraise(averted, costs, base_year=2022, price_year=2023, conditions=["rich"], draws=200)


def test_settings_of_payer_rules() -> None:
    faults: list = []
    table = TomlTable(
        {"payers_as_of": "2028-29", "conditions": ["dsg_deficit", "rich"], "as_of": "soon"}, "t", faults
    )
    assert read_payers_as_of(table) == FinancialYear(2028)
    assert read_conditions(table) == ("dsg_deficit",)
    assert read_day(table, "as_of") is None
    assert [("rich" in str(fault), "soon" in str(fault)) for fault in faults] == [(True, False), (False, True)]
    nothing = TomlTable({}, "t", faults)
    assert (read_payers_as_of(nothing), read_conditions(nothing), read_day(nothing, "as_of")) == (None, (), None)


def test_the_lines_that_wait_say_what_to_give() -> None:
    table = asleep_table(load_parameters("after_exclusion", "lifetime"))
    assert {"Criminal justice", "Earnings"} <= set(table["line"])
    assert (table["ask"] != "").all()
    assert asleep_table(load_parameters("high_needs_block")).empty
