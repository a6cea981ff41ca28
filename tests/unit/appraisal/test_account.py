"""The account by stream against the full account, added up by hand; what it refuses; how little it holds."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest
import xarray as xr

import averting as av
from averting import units
from averting.appraisal import CENTRAL, Adjustment, Appraisal, ProgrammeCost, Scenario, measures
from averting.appraisal.account import Part, account_of, part_of
from averting.appraisal.appraisal import PROGRAMME, VIEWS
from averting.errors import EvaluationError
from averting.years import FinancialYear

DRAWS = 60
# sums of the same pounds in another order differ in their last digits only
CLOSE = {"rtol": 1e-12, "atol": 1e-7}


def appraised(draws: int = DRAWS) -> Appraisal:
    change = np.random.default_rng(1).normal(-2, 3, (draws, 1, 2))
    events = xr.DataArray(
        change,
        dims=("draw", "school", "period"),
        coords={"draw": range(draws), "school": ["pilots"], "period": ["2021/22", "2022/23"]},
    )
    averted = av.Averted.from_change(
        units.label(events, "events"), indicator="permanent_exclusions", draw_kind="posterior"
    )
    # nobody but the programme touches the police, so its payer is in no line of savings
    spend = (ProgrammeCost(FinancialYear(2021), 50_000, "police", FinancialYear(2023), "invented"),)
    late = Scenario("late", "Late", adjustments=(Adjustment("lag", 2, "invented"),))
    return av.appraise(
        averted,
        av.load_parameters("after_exclusion", "lifetime"),
        base_year=2021,
        price_year="2023-24",
        programme=spend,
        scenarios=(CENTRAL, late),
        conditions=("dsg_deficit",),
        draws=draws,
        seed=1,
    )


@pytest.fixture(scope="module")
def made() -> Appraisal:
    return appraised()


def test_totals_are_those_of_the_full_account(made: Appraisal) -> None:
    """Every question answered from streams, answered again from all lines, payers and years."""
    full, spent = made.present, made.present["line"].to_numpy() == PROGRAMME
    for view, kinds in VIEWS.items():
        counted = np.isin(full["kind"].to_numpy(), kinds)
        savings = full.to_numpy()[:, :, counted & ~spent].sum(axis=(2, 3, 4))
        np.testing.assert_allclose(made.savings().sel(view=view), savings, **CLOSE)
        net = made.flows.to_numpy()[:, :, counted | spent].sum(axis=(2, 3))
        np.testing.assert_allclose(measures.net_by_year(made, view), net, **CLOSE)
    np.testing.assert_allclose(made.by_payer().sum("kind"), full.to_numpy().sum(axis=(2, 4)), **CLOSE)
    weight = np.where(full["payer"].to_numpy() == "school", 1.5, 1.0)
    cash = full.to_numpy()[:, :, np.isin(full["kind"].to_numpy(), VIEWS["cashable"]) | spent]
    weighed = measures.weighted_npv(made, {"school": 1.5}, view="cashable")
    np.testing.assert_allclose(weighed, (cash * weight[:, None]).sum(axis=(2, 3, 4)), **CLOSE)


def test_the_full_account_has_each_scenarios_savings_line_by_line(made: Appraisal) -> None:
    """The lag moves the same money two years on; the payer of the spend has its label and nothing else."""
    flows = made.flows
    assert list(flows.dims) == ["draw", "scenario", "line", "payer", "year"]
    saved = flows.isel(line=flows["line"].to_numpy() != PROGRAMME)
    now, later = (saved.sel(scenario=key).to_numpy() for key in ("central", "late"))
    assert np.array_equal(now[..., :-2], later[..., 2:]) and not later[..., :2].any()
    assert not flows.sel(scenario="no_programme").any()
    police = flows.sel(payer="police", scenario="central").sum("year")
    assert str(police["payer_label"].item()) == "Police"
    assert float(police.sel(line=PROGRAMME).mean()) == float(police.sum("line").mean()) < 0


def test_pairs_without_money_are_not_held() -> None:
    """The full account is several times as large as all that making the streams takes."""
    tracemalloc.start()
    made = appraised(1_000)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert made.account.streams.nbytes < made.flows.nbytes / 4
    assert peak < 2 * made.flows.nbytes  # it took more than six times as much when it was held in full


def part(line: str, payer: str = "dfe") -> Part:
    flows = xr.DataArray(
        np.ones((2, 1, 1, 1)),
        dims=("draw", "line", "payer", "year"),
        coords={
            "line": [line],
            "kind": ("line", ["cashable"]),
            "line_label": ("line", [line]),
            "payer": [payer],
            "payer_label": ("payer", [payer]),
            "year": [2021],
        },
    )
    return part_of(flows)


@pytest.mark.parametrize("other", [part("tuition"), part("place", "school")])
def test_scenarios_that_differ_in_lines_or_payers_are_refused(other: Part) -> None:
    with pytest.raises(EvaluationError, match=r"'one' and 'two' differ in their lines or payers.*same families"):
        account_of({"one": [part("place")], "two": [other]}, draws=np.arange(2.0), attrs={})
