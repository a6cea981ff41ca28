"""Decisions: against peers' printed numbers, closed forms and the slow way."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from scipy.stats import norm

import averting as av
from averting.appraisal import decision
from averting.errors import EvaluationError, UnitError


def labelled(values, keys=None):
    values = np.asarray(values, dtype=float)
    keys = [f"s{i}" for i in range(values.shape[1])] if keys is None else keys
    return xr.DataArray(
        values, dims=("draw", "scenario"), coords={"draw": np.arange(len(values)), "scenario": keys}
    )


def drawn(**values):
    n = len(next(iter(values.values())))
    return xr.Dataset({key: ("draw", value) for key, value in values.items()}, coords={"draw": np.arange(n)})


@pytest.fixture(scope="module")
def vaccine(shared):
    frame = pd.read_csv(shared / "reference/cba/bcea_vaccine_ce.csv")
    keys = ["status_quo", "vaccination"]
    return (
        labelled(frame[["eff_sq", "eff_vac"]].to_numpy(), keys),
        labelled(frame[["cost_sq", "cost_vac"]].to_numpy(), keys),
    )


@pytest.fixture(scope="module")
def dampack(shared):
    frame = pd.read_csv(shared / "reference/cba/dampack_example_psa.csv.gz")
    keys = ["Chemo", "Radio", "Surgery"]
    effect, cost = (
        labelled(frame[[f"{kind}_{key}" for key in keys]].to_numpy(), keys) for kind in ("eff", "cost")
    )
    inputs = drawn(**{name: frame[name].to_numpy() for name in frame.columns[6:]})
    return effect, cost, inputs


# Printed by BCEA 2.4.84 (threshold: mean increment in net benefit, acceptability, EVPI), seven decimals or eight digits
BCEA = {
    20_000: (-0.0244541, 0.457, 2.5056271),
    25_000: (1.2284281, 0.529, 2.4144670),
    30_000: (2.4813102, 0.586, 2.3735717),
}


def test_bcea_vaccine_to_the_printed_digits(vaccine):
    made = decision.net_benefit(*vaccine, thresholds=list(BCEA))
    increment = made.mean().sel(scenario="vaccination") - made.mean().sel(scenario="status_quo")
    versus = decision.p_cost_effective_vs(made, "status_quo").sel(scenario="vaccination")
    for threshold, (gain, share, worth) in BCEA.items():
        at = {"threshold": threshold}
        assert float(increment.sel(at)) == pytest.approx(gain, abs=5.1e-8)
        assert float(versus.sel(at)) == pytest.approx(share, abs=1e-12)
        assert float(decision.evpi(made).sel(at)) == pytest.approx(worth, abs=5.1e-8)


def test_bcea_vaccine_curve_to_1e9(vaccine, shared):
    curve = pd.read_csv(shared / "reference/cba/bcea_vaccine_ref2_curve.csv")
    made = decision.net_benefit(*vaccine, thresholds=curve["k"].to_numpy())
    np.testing.assert_allclose(decision.evpi(made), curve["evi"], rtol=1e-9)
    versus = decision.p_cost_effective_vs(made, "status_quo").sel(scenario="vaccination")
    np.testing.assert_allclose(versus, curve["ceac"], atol=1e-12)


def test_bcea_vaccine_changes_its_choice_where_bcea_says(vaccine):
    grid = np.arange(0, 50_001, 100)
    best = decision.ceaf(decision.net_benefit(*vaccine, thresholds=grid))["best"]
    assert grid[(best == "vaccination").to_numpy().argmax()] == 20_100


def test_dampack_example_to_the_printed_digits(dampack):
    # EVPI at each threshold, then loss and acceptability at 50,000, printed by dampack 1.0.2
    worth = {10_000: 2_378.99730, 50_000: 14_954.05463, 100_000: 22_683.94661, 150_000: 31_201.41766}
    worth[200_000] = 39_917.63456
    made = decision.net_benefit(*dampack[:2], thresholds=list(worth))
    # the data are stored to ten digits
    np.testing.assert_allclose(decision.evpi(made), list(worth.values()), atol=2e-5)
    at = {"threshold": 50_000}
    np.testing.assert_allclose(decision.expected_loss(made).sel(at), [14_954.05, 19_370.48, 18_537.64], atol=0.006)
    # dampack breaks ties by lot
    np.testing.assert_allclose(decision.ceac(made).sel(at), [0.356, 0.275, 0.369], atol=6e-4)


@pytest.mark.parametrize(
    ("mean", "sd", "expected"),
    [(0, 1, 0.398942), (100, 500, 153.447318), (-250, 1_000, 286.344698), (1_000, 500, 4.245351)],
)
def test_evpi_of_a_normal_increment_is_the_closed_form(mean, sd, expected):
    assert sd * norm.pdf(mean / sd) - abs(mean) * norm.cdf(-abs(mean) / sd) == pytest.approx(expected, abs=1e-6)
    # quantiles in place of draws: no Monte Carlo error, and 200,000 of them leave 1e-4 of a standard deviation
    increments = mean + sd * norm.ppf((np.arange(200_000) + 0.5) / 200_000)
    made = labelled(np.column_stack([np.zeros_like(increments), increments]))
    assert float(decision.evpi(made)) == pytest.approx(expected, abs=1e-4 * sd)


def _random(seed, draws=400, scenarios=6):
    rng = np.random.default_rng(seed)
    # rounded, so that lines are equal, parallel and cross on the grid itself
    return (
        labelled(rng.normal(0, 2, (draws, scenarios)).round()),
        labelled(rng.normal(0, 9, (draws, scenarios)).round()),
    )


@pytest.mark.parametrize("seed", range(6))
def test_the_envelope_is_the_slow_way_with_ties_on_the_grid(seed):
    effect, cost = _random(seed)
    grid = np.arange(-12.0, 12.25, 0.25)
    made = decision.net_benefit(effect, cost, thresholds=grid)
    slow = effect * xr.DataArray(grid, dims="threshold", coords={"threshold": grid}) - cost
    for find in (decision.p_best, decision.ceac, decision.expected_loss, decision.evpi):
        xr.testing.assert_allclose(find(made), find(slow).transpose(*find(made).dims), atol=1e-11)
    xr.testing.assert_allclose(decision.ceaf(made)["p_best"], decision.ceaf(slow)["p_best"], atol=1e-11)
    assert decision.ceaf(made)["best"].equals(decision.ceaf(slow)["best"])
    versus = decision.p_cost_effective_vs(made, "s2")
    xr.testing.assert_allclose(versus, decision.p_cost_effective_vs(slow, "s2").transpose(*versus.dims))
    np.testing.assert_allclose(decision.p_best(made).sum("scenario"), 1)
    xr.testing.assert_allclose(made.at(3.0), slow.sel(threshold=3.0, drop=True))


def test_best_of_all_and_better_than_one_differ():
    made = labelled([[0, 1, 2], [0, 1, 2], [0, -1, -1]])
    np.testing.assert_allclose(decision.p_best(made), [1 / 3, 0, 2 / 3])
    np.testing.assert_allclose(decision.p_cost_effective_vs(made, "s0"), [0, 2 / 3, 2 / 3])


def test_the_frontier_follows_the_mean_and_not_the_most_frequent():
    made = labelled([[0, -1], [0, -1], [0, 10]])
    frontier = decision.ceaf(made)
    assert frontier["best"].item() == "s1"
    assert float(frontier["p_best"]) == pytest.approx(1 / 3)


def test_labels_must_agree():
    effect, cost = _random(1)
    for other in (cost.isel(draw=slice(1, None)), cost.assign_coords(scenario=list("abcdef")), cost[:, ::-1]):
        with pytest.raises(EvaluationError, match="differ in their labels"):
            decision.net_benefit(effect, other, thresholds=[1.0])


@pytest.mark.parametrize("grid", [[2.0, 1.0], [1.0, 1.0], [], [np.nan]])
def test_thresholds_must_rise(grid):
    with pytest.raises(EvaluationError, match="rise"):
        decision.net_benefit(*_random(1), thresholds=grid)


def test_what_cannot_be_decided_is_refused():
    effect, cost = _random(1)
    with pytest.raises(UnitError, match="pupils"):
        decision.net_benefit(effect, cost.assign_attrs(units="pupils"), thresholds=[1.0])
    with pytest.raises(EvaluationError, match="missing"):
        decision.evpi(effect.where(effect > 0))
    with pytest.raises(EvaluationError, match="no dimension draw"):
        decision.evpi(effect.isel(draw=0))
    with pytest.raises(EvaluationError, match="needs thresholds"):
        decision.ceac(effect)
    with pytest.raises(EvaluationError, match="no scenario 'x'"):
        decision.p_cost_effective_vs(effect, "x")


def test_decision_is_public():
    assert av.decision is decision
