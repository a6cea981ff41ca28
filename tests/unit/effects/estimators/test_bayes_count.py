from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import xarray as xr
from scipy import stats

from averting.design import Counts, Design
from averting.effects import Effect, estimate
from averting.effects.bayes.cells import flatten
from averting.effects.bayes.convergence import check_convergence
from averting.effects.bayes.count_fit import build_plain
from averting.effects.bayes.count_model import BASELINE, change_in_counts
from averting.effects.bayes.likelihood import draw_within_bounds, log_pmf
from averting.effects.bayes.priors import FAMILIES, load_priors
from averting.effects.bayes.sampling import CHAINS, flat
from averting.effects.estimators import bayes_count
from averting.errors import EstimationError, MissingExtraError

DesignOf = Callable[..., Design]
PARAMETERS = ("log_ratio", *BASELINE)


def strong(design_of: DesignOf) -> Design:
    """Twelve schools by six years; pilots' rate falls to a fifth; counts of 1 and 2 are suppressed."""
    rng = np.random.default_rng(8)
    rate = 12 * rng.gamma(6, 1 / 6, (12, 1)) * np.ones(6)
    rate[:3, 3:] *= 0.2
    events = rng.poisson(rate).astype(float)
    hidden = (events == 1) | (events == 2)
    assert hidden[:3, 3:].any()
    return design_of(events, hidden=hidden)


@pytest.fixture(scope="module")
def fitted() -> list[Effect]:
    """Hold the one effect that the module's slow tests share."""
    return []


def fit(design: Design, **options: Any) -> Effect:
    return estimate(design, "events", method="bayes_count", draws=400, seed=4, **options)


@pytest.fixture
def effect(fitted: list[Effect], design_of: DesignOf) -> Effect:
    if not fitted:
        fitted.append(fit(strong(design_of)))
    return fitted[0]


# --- one fit ------------------------------------------------------------------------------------------


@pytest.mark.slow
def test_a_strong_effect_is_found(effect: Effect) -> None:
    # the true ratio is 0.2; a prior centred on 1 with a spread of 0.5 in logs, and schools' own shocks, pull it up
    assert 0.1 < effect.estimate < 0.5
    assert effect.probability_of_reduction() > 0.99
    assert effect.interval[0] < effect.estimate < effect.interval[1] < 1
    assert (effect.averted().total() > 0).mean() > 0.99


@pytest.mark.slow
def test_effect_is_what_the_draws_say(effect: Effect) -> None:
    assert effect.draw_kind == "posterior"
    assert effect.p_value is None
    assert effect.draws.sizes["draw"] == effect.change.sizes["draw"] == 400
    assert effect.draws.attrs["units"] == "ratio"
    expected = np.quantile(effect.draws, [0.025, 0.5, 0.975])
    assert (effect.interval[0], effect.estimate, effect.interval[1]) == pytest.approx(expected.tolist())


@pytest.mark.slow
def test_change_is_a_count_less_a_count_for_treated_years_only(effect: Effect) -> None:
    assert effect.change["period"].values.tolist() == ["2009/10", "2010/11", "2011/12"]
    assert effect.change.attrs["units"] == "events"
    values = effect.change.to_numpy()
    np.testing.assert_array_equal(values, np.round(values))


@pytest.mark.slow
def test_sampler_is_checked_and_priors_are_shown(effect: Effect) -> None:
    keys = [check.key for check in effect.checks]
    assert {"sampler/r_hat", "sampler/ess", "sampler/divergences", "sampler/e_bfmi", "bayes/predictive"} <= set(
        keys
    )
    assert set(effect.tables["priors"]["parameter"]) == set(load_priors("bayes_count"))
    assert "shock_sd" in set(effect.tables["posterior"]["parameter"])


@pytest.mark.slow
def test_same_seed_same_draws(effect: Effect, design_of: DesignOf) -> None:
    again = fit(strong(design_of))
    np.testing.assert_array_equal(again.draws, effect.draws)
    np.testing.assert_array_equal(again.change, effect.change)
    assert again.checks == effect.checks


# --- the likelihood -----------------------------------------------------------------------------------


@pytest.mark.slow
def test_likelihood_is_the_sum_of_negative_binomial_probabilities(design_of: DesignOf) -> None:
    rng = np.random.default_rng(1)
    events = rng.poisson(4.0, (6, 4)).astype(float)
    events[4, 1] = np.nan
    hidden = (events <= 3) & (events >= 1)
    pupils = rng.integers(500, 1_500, events.shape)
    design = design_of(events, pilots=2, start=2, hidden=hidden, bounds=(1, 3), pupils=pupils)
    counts = design.counts("events")
    cells = flatten(design, counts, method="bayes_count", indicator="events")
    model = build_plain(
        bayes_count.MODEL, cells, load_priors("bayes_count"), 6, 4
    )  # test_looked.py: the form that ships
    point = {name: value + rng.normal(0, 0.3, np.shape(value)) for name, value in model.initial_point().items()}
    potentials = model.replace_rvs_by_values([model["observed"], model["suppressed"]])
    names = ("school_factor", "school_standard", "shock_factor", "shock_standard")
    outputs = [*potentials, *(model.logp(vars=[model[name]]) for name in names)]
    options = {"mode": "FAST_COMPILE", "on_unused_input": "ignore"}
    found = model.compile_fn(outputs, inputs=model.value_vars, **options)(point)

    before = counts.upper[2:, :2], counts.lower[2:, :2], counts.exposure[2:, :2]
    centre = np.log(np.nansum((before[0] + before[1]) / 2) / np.nansum(before[2]))
    spread = {name: np.exp(point[f"{name}_log__"]) for name in ("period_sd", "dispersion")}
    level = point["level"] + point["pilot_level"] * np.array([1, 1, 0, 0, 0, 0])
    own, shock = (point[f"{name}_factor"] * point[f"{name}_standard"] for name in ("school", "shock"))
    exact, interval = 0.0, 0.0
    for school, period in np.argwhere(np.isfinite(counts.upper)):
        log_mean = centre + level[school] + own[school] + np.log(pupils[school, period])
        log_mean += spread["period_sd"] * point["period"][period]
        if period >= 2:
            log_mean += shock[school]
            if school < 2:
                log_mean += point["log_ratio"]
        size = 1 / (spread["dispersion"] + 1e-6)
        count = stats.nbinom(size, size / (size + np.exp(log_mean)))
        lower, upper = counts.lower[school, period], counts.upper[school, period]
        if lower == upper:
            exact += count.logpmf(lower)
        else:
            assert (lower, upper) == (1, 3)
            interval += np.log(sum(count.pmf(value) for value in (1, 2, 3)))
    assert hidden.any()
    # a spread's prior, folded: a normal of either sign whose size is half-normal with the same sd
    densities = [stats.norm(0, 1).logpdf(point[name]).sum() for name in names]
    assert found == pytest.approx([exact, interval, *densities], rel=1e-8)


def test_shocks_set_in_at_a_pilots_own_start_and_at_the_first_for_others(design_of: DesignOf) -> None:
    events = np.full((5, 6), 3.0)
    design = design_of(events, pilots=2, starts=[2, 4])
    cells = flatten(design, design.counts("events"), method="bayes_count", indicator="events")
    after = cells.after.reshape(5, 6).astype(bool)
    treated = cells.treated.reshape(5, 6).astype(bool)
    assert after[0].tolist() == [False, False, True, True, True, True]
    assert after[1].tolist() == [False, False, False, False, True, True]
    assert after[2:].tolist() == [[False, False, True, True, True, True]] * 3
    np.testing.assert_array_equal(treated[:2], after[:2])
    assert not treated[2:].any()


# --- from posterior to counts -------------------------------------------------------------------------


def posterior(draws: int, schools: int, periods: int, **fixed: float) -> xr.Dataset:
    """A posterior in which every draw is the same point."""
    values: dict[str, Any] = {
        "log_ratio": 0.0, "level": 0.0, "pilot_level": 0.0, "school_sd": 1.0, "period_sd": 1.0, "shock_sd": 1.0,
        "dispersion": 0.2,
    }  # fmt: skip
    arrays = {name: (("chain", "draw"), np.full((2, draws), value)) for name, value in {**values, **fixed}.items()}
    rng = np.random.default_rng(0)
    for name, size in (("school", schools), ("shock", schools), ("period", periods)):
        point = rng.normal(0, 0.2, size)
        arrays[name] = (("chain", "draw", name), np.broadcast_to(point, (2, draws, size)))  # type: ignore[assignment]
    return xr.Dataset(arrays)


def change_of(draws: xr.Dataset, cells: Any, counts: Counts) -> np.ndarray:
    log_effect = flat(draws, "log_ratio")[:, None, None]
    return change_in_counts(draws, cells, counts, log_effect, pilots=2, rng=np.random.default_rng(1))


def plain(design_of: DesignOf, events: np.ndarray, **options: Any) -> tuple[Any, Counts]:
    design = design_of(events, pilots=2, start=2, **options)
    counts = design.counts("events")
    return flatten(design, counts, method="bayes_count", indicator="events"), counts


def test_change_is_observed_less_what_the_model_expects_without(design_of: DesignOf) -> None:
    events = np.full((5, 4), 30.0)
    cells, counts = plain(design_of, events)
    draws = posterior(4_000, 5, 4, log_ratio=np.log(0.5))
    change = change_of(draws, cells, counts)
    assert change.shape == (8_000, 2, 4)
    assert (change[:, :, :2] == 0).all()
    for school in range(2):
        for period in (2, 3):
            shape = sum(float(draws[name][0, 0, at]) for name, at in (
                ("school", school), ("period", period), ("shock", school)))  # fmt: skip
            mean = 900 * np.exp(cells.centre + shape)  # without the programme: no log_ratio
            without = 30 - change[:, school, period]
            deviation = np.sqrt(mean + 0.2 * mean**2)  # negative binomial, size 1 / 0.2
            assert without.mean() == pytest.approx(mean, abs=5 * deviation / np.sqrt(8_000))
            assert without.std() == pytest.approx(deviation, rel=0.05)


def test_suppressed_counts_are_drawn_within_their_bounds_with_the_models_odds(design_of: DesignOf) -> None:
    events = np.full((5, 4), 30.0)
    hidden = np.zeros(events.shape, dtype=bool)
    hidden[0, 2] = True
    _, counts = plain(design_of, events, hidden=hidden, bounds=(1, 3))
    mean, size = np.full((30_000, 2, 4), 2.5), np.full(30_000, 4.0)
    observed = draw_within_bounds(counts.lower[:2], counts.upper[:2], mean, size, np.random.default_rng(1))
    cell = observed[:, 0, 2]
    assert set(np.unique(cell)) == {1, 2, 3}
    odds = stats.nbinom(4, 4 / 6.5).pmf([1, 2, 3])
    shares = [(cell == value).mean() for value in (1, 2, 3)]
    assert shares == pytest.approx(list(odds / odds.sum()), abs=0.015)  # five standard errors
    np.testing.assert_array_equal(np.delete(observed.reshape(-1, 8), 2, axis=1), 30.0)


def test_a_missing_count_is_no_change(design_of: DesignOf) -> None:
    events = np.full((5, 4), 30.0)
    events[1, 3] = np.nan
    cells, counts = plain(design_of, events)
    change = change_of(posterior(50, 5, 4), cells, counts)
    assert np.isfinite(change).all()
    assert (change[:, 1, 3] == 0).all()


def test_probabilities_are_scipys() -> None:
    k, mean, size = np.arange(30.0), 3.7, 0.65
    np.testing.assert_allclose(
        log_pmf(k, np.array(mean), np.array(size)),
        stats.nbinom(size, size / (size + mean)).logpmf(k),
        rtol=1e-10,
    )


# --- the sampler's own report -------------------------------------------------------------------------


def trace(*, stuck: bool = False, diverging: int = 0, draws: int = 500) -> xr.DataTree:
    rng = np.random.default_rng(2)
    shape = (CHAINS, draws)
    dims = ("chain", "draw")
    coords = {"chain": range(shape[0]), "draw": range(shape[1])}
    values = {name: rng.normal(size=shape) for name in PARAMETERS}
    if stuck:
        values["log_ratio"][0] += 3.0
    flags = np.zeros(shape, dtype=bool)
    flags.flat[:diverging] = True
    return xr.DataTree.from_dict(
        {
            "posterior": xr.Dataset({name: (dims, value) for name, value in values.items()}, coords=coords),
            "sample_stats": xr.Dataset({"diverging": (dims, flags)}, coords=coords),
        }
    )


@pytest.mark.slow
@pytest.mark.parametrize(
    ("faults", "failing"),
    [
        ({}, set()),
        ({"stuck": True}, {"sampler/r_hat", "sampler/ess"}),
        ({"diverging": 1}, {"sampler/divergences"}),
        ({"draws": 60}, {"sampler/ess"}),
    ],
    ids=["well", "one chain apart", "a divergence", "few draws"],
)
def test_a_sampler_that_did_not_work_fails_a_check(faults: dict[str, Any], failing: set[str]) -> None:
    checks, summary = check_convergence(trace(**faults), PARAMETERS)
    assert failing <= {check.key for check in checks if check.status == "fail"}
    if not failing:
        assert {check.status for check in checks} == {"pass"}
    for check in checks:
        assert bool(check.guidance) == (check.status == "fail")
    assert summary["parameter"].tolist() == list(PARAMETERS)


# --- refusals -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("absent", ["nutpie", "pymc"])
def test_without_the_extra_the_error_names_it(
    design_of: DesignOf, monkeypatch: pytest.MonkeyPatch, absent: str
) -> None:
    monkeypatch.setitem(sys.modules, absent, None)
    with pytest.raises(
        MissingExtraError, match=r"method 'bayes_count' needs the 'bayes' extra.*averting\[bayes\]"
    ):
        fit(design_of(np.full((6, 6), 3.0)))


@pytest.mark.parametrize(
    ("schools", "years", "words"),
    [
        (slice(3), slice(3, None), "the pilots from their start on"),
        (slice(3), slice(3), "the pilots before their start"),
        (slice(3, None), slice(3), "the comparison schools before 2009/10"),
        (slice(3, None), slice(3, None), "the comparison schools from 2009/10 on"),
    ],
)
def test_data_that_would_give_back_the_prior(
    design_of: DesignOf, schools: slice, years: slice, words: str
) -> None:
    events = np.full((8, 6), 3.0)
    events[schools, years] = np.nan
    with pytest.raises(EstimationError, match=f"no events is known for {words}"):
        fit(design_of(events))


def test_bounds_too_far_apart(design_of: DesignOf) -> None:
    events = np.full((8, 6), 3.0)
    with pytest.raises(EstimationError, match="more than 20 apart"):
        fit(design_of(events, hidden=events == 3.0, bounds=(0, 21)))


@pytest.mark.parametrize("family", FAMILIES)
def test_every_prior_says_what_it_means_and_where_it_comes_from(family: str) -> None:
    priors = load_priors("bayes_count", family)
    assert set(priors) == set(PARAMETERS)
    for name, prior in priors.items():
        assert prior.sd > 0, name
        assert prior.meaning, name
        assert prior.source, name


def test_families_differ_in_what_they_expect_of_the_programme_only() -> None:
    neutral, sceptical, enthusiastic = (load_priors("bayes_count", family) for family in FAMILIES)
    for other in (sceptical, enthusiastic):
        assert {name for name in neutral if neutral[name] != other[name]} == {"log_ratio"}
    assert sceptical["log_ratio"].sd < neutral["log_ratio"].sd
    assert enthusiastic["log_ratio"].mean < 0 == neutral["log_ratio"].mean


def test_an_unknown_family_is_refused_by_name(design_of: DesignOf) -> None:
    with pytest.raises(EstimationError, match=r"bayes_count has no prior 'hopeful'. It takes one of: neutral"):
        fit(design_of(np.full((6, 6), 3.0)), prior="hopeful")
    with pytest.raises(EstimationError, match="It takes none: it is not Bayesian"):
        estimate(design_of(np.full((6, 6), 3.0)), "events", method="ratio_did", prior="sceptical")
