"""When in its year money moves: the same rule for appraisals, tornados, the explorer and wider programmes."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import xarray as xr

from averting import units
from averting.appraisal import ProgrammeCost
from averting.appraisal.scale_up import ScaleUp, scale_up
from averting.appraisal.sensitivity import Case
from averting.appraisal.what_if import Basis, Point
from averting.costs import load_parameters
from averting.effects import Averted
from averting.years import AcademicYear, FinancialYear

BASE, PRICES, DRAWS = FinancialYear(2022), FinancialYear(2023), 1_000


@pytest.fixture(scope="module")
def case():
    change = xr.DataArray(
        np.random.default_rng(1).normal(-2, 1, (DRAWS, 1, 1)),
        dims=("draw", "school", "period"),
        coords={"draw": range(DRAWS), "school": ["a"], "period": ["2022/23"]},
    )
    averted = Averted.from_change(
        units.label(change, "events"), indicator="permanent_exclusions", draw_kind="posterior"
    )
    spend = (ProgrammeCost(BASE, 20_000, "school", PRICES, "invented"),)
    return Case(averted, load_parameters("high_needs_block"), BASE, PRICES, spend, draws=DRAWS)


@pytest.mark.parametrize(("timing", "late"), [("mid", 0.5), ("end", 1.0)])
def test_money_that_moves_later_is_worth_less_by_the_rate_of_its_year(case, timing, late):
    """All flows lie in the first thirty years, so each is worth 1.035 to the power of the delay less, whatever its year."""
    later = replace(case, timing=timing)
    wanted = case.appraisal().npv() / 1.035**late
    np.testing.assert_allclose(later.appraisal().npv(), wanted, rtol=1e-12, atol=1e-9)
    at = {"scenario": "central", "view": "cashable"}
    mean = float(wanted.sel(at).mean())
    assert later.npv() == pytest.approx(mean, abs=0.005)
    assert Basis(later).results(Point())["npv"] == pytest.approx(mean, abs=0.005)
    assert later.appraisal().timing == timing


def test_a_wider_programme_is_discounted_by_the_same_rule(case):
    plan = ScaleUp(AcademicYear(2024), 3, 10, 1_000.0, 200.0, "dfe", PRICES, "invented")
    start, end = (
        scale_up(case.averted, case.parameters, plan, base_year=BASE, price_year=PRICES, timing=timing, draws=200)
        for timing in ("start", "end")
    )
    np.testing.assert_allclose(end.npv() * 1.035, start.npv(), rtol=1e-12, atol=1e-9)
