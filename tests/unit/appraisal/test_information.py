"""The worth of information: closed forms, a case that defeats a straight line, peers' numbers and what must be nested."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from averting.appraisal import decision
from averting.costs import factors
from averting.errors import EvaluationError

DRAWS = 40_000


def labelled(values):
    values = np.asarray(values, dtype=float)
    coords = {"draw": np.arange(len(values)), "scenario": [f"s{i}" for i in range(values.shape[1])]}
    return xr.DataArray(values, dims=("draw", "scenario"), coords=coords)


def against_nothing(increment):
    return labelled(np.column_stack([np.zeros_like(increment), increment]))


def drawn(**values):
    n = len(next(iter(values.values())))
    return xr.Dataset({key: ("draw", value) for key, value in values.items()}, coords={"draw": np.arange(n)})


def within(found, truth, *, errors=2.0):
    assert abs(float(found["evppi"]) - truth) < errors * float(found["mcse"]), (float(found["evppi"]), truth)


def test_a_case_in_which_a_straight_line_finds_nothing():
    x = np.random.default_rng(3).normal(size=DRAWS)
    found = decision.evppi(against_nothing(100 * (x**2 - 1.2)), drawn(x=x)).sel(group="x")
    # E max(0, 100 (x^2 - 1.2)) for x ~ N(0, 1): 200 (a phi(a) + Q(a)) - 240 Q(a), a = sqrt(1.2)
    within(found, 41.5, errors=2)
    assert float(found["mcse"]) < 1


def test_two_normal_parameters_are_the_closed_forms():
    first, second, noise = np.random.default_rng(5).normal(size=(3, DRAWS))
    made = against_nothing(100 + 300 * first + 400 * second)
    inputs = drawn(first=first, second=second, noise=noise)
    groups = {"first": ["first"], "second": ["second"], "both": ["first", "second"], "noise": ["noise"]}
    found = decision.evppi(made, inputs, groups=groups)
    for group, truth in {"first": 76.270834, "second": 114.537879, "both": 153.447318}.items():
        within(found.sel(group=group), truth, errors=2.5)
    assert float(found["evppi"].sel(group="noise")) < 0.5
    assert np.abs(found["adjusted"]).max() < 0.5


def test_a_group_knows_what_its_members_do_together():
    first, second = np.random.default_rng(6).normal(size=(2, DRAWS))
    made = against_nothing(100 * first * second)
    groups = {"first": ["first"], "both": ["first", "second"]}
    found = decision.evppi(made, drawn(first=first, second=second), groups=groups)
    assert float(found["evppi"].sel(group="first")) < 0.6
    # E max(0, xy) = E|x| E|y| / 2 = 1 / pi
    within(found.sel(group="both"), 100 / np.pi)


def test_standard_errors_are_the_spread_over_repeats():
    values, errors = [], []
    for seed in range(60):
        x, rest = np.random.default_rng(seed).normal(size=(2, 1_500))
        found = decision.evppi(against_nothing(100 * (x**2 - 1.2) + 150 * rest), drawn(x=x)).sel(group="x")
        values.append(float(found["evppi"]))
        errors.append(float(found["mcse"]))
    # the standard deviation of 60 values is known to about 9 %
    assert np.mean(errors) == pytest.approx(np.std(values, ddof=1), rel=0.3)
    # a smoother follows a little of the noise: the bias stays within one standard error of a single run
    assert np.mean(values) == pytest.approx(41.5, abs=np.mean(errors))


@pytest.mark.parametrize("seed", range(3))
def test_no_group_is_worth_less_than_one_inside_it_or_more_than_everything(seed):
    rng = np.random.default_rng(seed)
    inputs = rng.normal(size=(300, 3))
    effect = labelled(rng.normal(size=(300, 4)) + inputs @ rng.normal(size=(3, 4)))
    cost = labelled(rng.normal(size=(300, 4)) + inputs @ rng.normal(size=(3, 4)))
    groups = {"a": ["a"], "b": ["b"], "ab": ["a", "b"], "abc": ["a", "b", "c"]}
    made = decision.net_benefit(effect, cost, thresholds=np.linspace(0, 5, 9))
    found = decision.evppi(made, drawn(**dict(zip("abc", inputs.T, strict=True))), groups=groups)
    worth = found["evppi"]
    for inner, outer in (("a", "ab"), ("b", "ab"), ("ab", "abc")):
        assert (worth.sel(group=inner) <= worth.sel(group=outer)).all()
    assert (worth <= decision.evpi(made)).all()
    np.testing.assert_allclose(worth - found["adjusted"], worth, atol=float(decision.evpi(made).max()))


def test_thresholds_at_once_are_thresholds_one_by_one():
    rng = np.random.default_rng(8)
    x = rng.normal(size=2_000)
    effect, cost = (
        labelled(rng.normal(size=(2_000, 3)) + np.outer(x**2, slope)) for slope in ([0, 1, 2], [2, 1, 0])
    )
    made = decision.net_benefit(effect, cost, thresholds=[0.5, 1.0, 2.0])
    found = decision.evppi(made, drawn(x=x))
    one = decision.evppi(decision.net_benefit(effect, cost, thresholds=[1.0]), drawn(x=x)).isel(threshold=0)
    xr.testing.assert_allclose(found.sel(threshold=1.0), one)


def test_few_values_are_worth_their_means():
    rng = np.random.default_rng(9)
    kind = rng.integers(0, 3, 3_000).astype(float)
    increment = np.array([-1.0, 0.5, 2.0])[kind.astype(int)] + rng.normal(size=3_000)
    found = decision.evppi(against_nothing(increment), drawn(kind=kind, constant=np.ones(3_000)))
    means = pd.Series(increment).groupby(kind).transform("mean").to_numpy()
    expected = np.maximum(means, 0).mean() - max(increment.mean(), 0)
    assert float(found["evppi"].sel(group="kind")) == pytest.approx(expected, rel=1e-6)
    assert float(found["evppi"].sel(group="constant")) == 0


def test_all_parameters_of_an_example_are_worth_its_perfect_information(shared):
    """Outcomes of dampack's example follow from its parameters without further chance."""
    frame = pd.read_csv(shared / "reference/cba/dampack_example_psa.csv.gz")
    keys = ["Chemo", "Radio", "Surgery"]
    effect, cost = (labelled(frame[[f"{kind}_{key}" for key in keys]].to_numpy()) for kind in ("eff", "cost"))
    names = list(frame.columns[6:])
    made = decision.net_benefit(effect, cost, thresholds=[50_000.0])
    inputs = drawn(**{name: frame[name].to_numpy() for name in names})
    found = decision.evppi(made, inputs, groups={**{n: [n] for n in names}, "all": names}).isel(threshold=0)
    assert float(found["evppi"].sel(group="all")) == pytest.approx(14_954.05, rel=0.02)
    assert (found["evppi"] <= 14_954.06).all()


# Closed forms for a normal prior (mean 100, sd 300) and observations of sd 1,000, by number of observations
EVSI = {10: 41.847596, 50: 65.525777, 100: 70.478439, 500: 75.034234}


def test_the_worth_of_a_study_is_the_closed_form():
    truth = xr.DataArray(
        100 + 300 * np.random.default_rng(2).normal(size=DRAWS), dims="draw", coords={"draw": np.arange(DRAWS)}
    )
    made = against_nothing(truth.to_numpy())
    studies = {str(n): 1_000 / np.sqrt(n) for n in EVSI}
    found = decision.evsi(made, truth, studies=studies, seed=4)
    for n, expected in EVSI.items():
        at = found.sel(study=str(n))
        assert abs(float(at["evsi"]) - expected) < 2.5 * float(at["mcse"])
    assert (np.diff(found["evsi"]) > 0).all()
    assert (found["evsi"] <= found["evppi"]).all()
    again = decision.evsi(made, truth, studies=studies, seed=4)
    assert again.identical(found)


def test_more_data_err_less():
    truth = xr.DataArray([0.0, 2.0, 4.0], dims="draw")
    sd = float(truth.std())
    assert decision.study_error(truth, have=2, add=1) == pytest.approx(sd * np.sqrt(2))
    assert decision.study_error(truth, have=3, add=10) == pytest.approx(sd * np.sqrt(0.3))
    with pytest.raises(EvaluationError, match="above zero"):
        decision.study_error(truth, have=3, add=0)


def test_a_decision_counts_discounted_and_a_study_costs():
    times = decision.population(a_year=4, years=3, edition="2022", begin=1)
    assert times == pytest.approx(4 * (1 / 1.035 + 1 / 1.035**2 + 1 / 1.035**3))
    assert times == pytest.approx(4 * factors([1, 2, 3], edition="2022").sum())
    worth = xr.DataArray([10.0, 100.0], dims="study")
    np.testing.assert_allclose(decision.enbs(worth, times=times, study_cost=500), worth * times - 500)


def test_what_is_asked_of_information_must_be_there():
    made = against_nothing(np.arange(30.0))
    inputs = drawn(x=np.arange(30.0))
    refused = [
        lambda: decision.evppi(made, inputs, groups={"g": []}),
        lambda: decision.evppi(made, inputs, groups={"g": ["y"]}),
        lambda: decision.evppi(made, inputs.assign_coords(draw=np.arange(1, 31))),
        lambda: decision.evppi(made, inputs.where(inputs["x"] > 3)),
        lambda: decision.evppi(made.expand_dims(view=["a"]), inputs),
        lambda: decision.evsi(made, inputs["x"], studies={}),
        lambda: decision.evsi(made, inputs["x"], studies={"none": 0.0}),
        lambda: decision.population(a_year=1, years=0),
        lambda: decision.enbs(xr.DataArray(1.0), times=-1, study_cost=0),
    ]
    for ask in refused:
        with pytest.raises(EvaluationError):
            ask()
