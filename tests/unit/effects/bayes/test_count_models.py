"""Each model's effect, in PyMC and in NumPy, against plain loops; and what a fit makes of it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import xarray as xr
from scipy import stats

from averting.design import Design
from averting.effects import Effect, estimate
from averting.effects.bayes import count_fit
from averting.effects.bayes.cells import Cells, flatten
from averting.effects.bayes.count_fit import CountModel, Posterior
from averting.effects.bayes.families import BETA_BINOMIAL
from averting.effects.bayes.priors import load_priors
from averting.effects.estimator import Request
from averting.effects.estimators import bayes_binomial, bayes_count, bayes_event_time, bayes_joint, bayes_pooled
from averting.errors import EstimationError

DesignOf = Callable[..., Design]


def staggered(design_of: DesignOf, years: int = 7) -> tuple[Design, Cells]:
    """Six schools; three pilots that start in years 2, 4 and 3; one cell of a pilot is missing."""
    events = np.full((6, years), 5.0)
    events[1, 5] = np.nan
    design = design_of(events, pilots=3, starts=[2, 4, 3])
    return design, flatten(design, design.counts("events"), method="test", indicator="events")


def pooled_effect(point: dict[str, Any], pilot: int, _time: int) -> float:
    return float(point["log_ratio"] + point["effect_sd"] * point["pilot_effect"][pilot])


def moving_effect(point: dict[str, Any], _pilot: int, time: int) -> float:
    walk = [0.0]
    for step in point["event_step"]:
        walk.append(walk[-1] + point["event_sd"] * step)
    return float(point["log_ratio"] + walk[time] - np.mean(walk))


MODELS = [
    (bayes_count.MODEL, lambda point, _pilot, _time: float(point["log_ratio"])),
    (bayes_pooled.MODEL, pooled_effect),
    (bayes_event_time.MODEL, moving_effect),
]


def points(model: CountModel, cells: Cells, draws: int) -> list[dict[str, Any]]:
    rng = np.random.default_rng(3)
    sizes = model.units(cells)
    return [
        {name: rng.uniform(0.1, 1) for name in model.parameters}
        | {name: rng.normal(size=n) for name, n in sizes.items()}
        for _ in range(draws)
    ]


def as_draws(drawn: list[dict[str, Any]]) -> xr.Dataset:
    found = {}
    for name in drawn[0]:
        values = np.array([point[name] for point in drawn])[None]
        found[name] = (("chain", "draw", *([f"{name}_dim"] * (values.ndim - 2))), values)
    return xr.Dataset(found)


@pytest.mark.parametrize(("model", "formula"), MODELS, ids=[model.key for model, _ in MODELS])
def test_effects_read_from_draws_are_the_formulas(design_of: DesignOf, model: CountModel, formula: Any) -> None:
    design, cells = staggered(design_of)
    drawn = points(model, cells, 4)
    treated = design.counts("events").treated[:3]
    found = np.broadcast_to(model.read(as_draws(drawn), cells), (4, *treated.shape))
    starts = [2, 4, 3]
    for draw, pilot, period in np.argwhere(np.broadcast_to(treated, found.shape)):
        expected = formula(drawn[draw], pilot, period - starts[pilot])
        assert found[draw, pilot, period] == pytest.approx(expected, rel=1e-12)


@pytest.mark.slow
@pytest.mark.parametrize(("model", "formula"), MODELS, ids=[model.key for model, _ in MODELS])
def test_the_model_adds_the_same_effect_to_treated_cells_only(
    design_of: DesignOf, model: CountModel, formula: Any
) -> None:
    import pymc as pm

    _, cells = staggered(design_of)
    (point,) = points(model, cells, 1)
    with pm.Model():
        found = model.effect(
            cells,
            {name: pm.Data(name, point[name]) for name in model.parameters},
            {name: pm.Data(name, point[name]) for name in model.units(cells)},
        ).eval(mode="FAST_COMPILE")
    starts = [2, 4, 3]
    for cell, value in enumerate(found):
        school, period = int(cells.school[cell]), int(cells.period[cell])
        treated = school < 3 and period >= starts[school]
        assert value == pytest.approx(formula(point, school, period - starts[school]) if treated else 0.0)


def test_time_since_the_start_counts_years_that_are_left_out(design_of: DesignOf) -> None:
    whole, _ = staggered(design_of)
    design = Design(
        whole.panel, whole.starts, comparison=list(whole.comparison), exclude_periods=[whole.panel.periods[4]]
    )
    cells = flatten(design, design.counts("events"), method="test", indicator="events")
    assert cells.event_time.tolist() == [
        [-1, -1, 0, 1, 3, 4],
        [-1, -1, -1, -1, 1, 2],
        [-1, -1, -1, 0, 2, 3],
    ]


def test_an_effect_cannot_move_in_one_period(design_of: DesignOf) -> None:
    with pytest.raises(EstimationError, match=r"no pilot has more than one period.*Use method='bayes_count'"):
        estimate(design_of(np.full((6, 4), 3.0), start=3), "events", method="bayes_event_time")


@pytest.mark.parametrize("key", ["bayes_pooled", "bayes_event_time"])
def test_a_model_takes_over_the_priors_it_extends(key: str) -> None:
    base, own = load_priors("bayes_count", "sceptical"), load_priors(key, "sceptical")
    assert set(base) < set(own)
    assert all(own[name] == base[name] for name in base if name != "log_ratio")
    assert (own["log_ratio"].mean, own["log_ratio"].sd) == (base["log_ratio"].mean, base["log_ratio"].sd)


# --- one fit a model ----------------------------------------------------------------------------------


def fading(design_of: DesignOf) -> Design:
    """Fourteen schools by eight years; pilots differ in their ratio: 0.2, 0.3 and 1; counts of 1 and 2 hidden."""
    rng = np.random.default_rng(8)
    rate = 12 * rng.gamma(6, 1 / 6, (14, 1)) * np.ones(8)
    rate[:3, 4:] *= np.array([0.2, 0.3, 1.0])[:, None]
    events = rng.poisson(rate).astype(float)
    return design_of(events, start=4, hidden=(events == 1) | (events == 2))


@pytest.mark.slow
def test_pilots_own_effects(design_of: DesignOf) -> None:
    effect: Effect = estimate(fading(design_of), "events", method="bayes_pooled", draws=400, seed=4)
    table = effect.tables["schools"]
    assert table["pilot"].tolist() == ["s000", "s001", "s002"]
    assert table["median"][2] > 1.2 * table["median"][0]
    assert ((table["lower"] < table["median"]) & (table["median"] < table["upper"])).all()
    assert table["shrinkage"].between(0, 1).all()
    assert effect.estimate < 1
    assert table["median"].min() < effect.estimate < table["median"].max()
    assert effect.trace is not None
    assert effect.trace["posterior"]["pilot_effect"].shape[-1] == 3
    # the prior of the ratio is symmetrical about 1, and so is what is made of it
    chance = effect.tables["priors"].set_index("parameter").loc["log_ratio", "below_zero"]
    assert chance == pytest.approx(0.5, abs=0.03)  # four standard errors of 4,000 draws


# --- two counts together ------------------------------------------------------------------------------


def two_counts(design_of: DesignOf) -> tuple[Design, dict[str, Cells]]:
    """Five schools, two of them pilots, with a rare count and a common one."""
    rng = np.random.default_rng(5)
    rare = design_of(rng.poisson(2.0, (5, 4)).astype(float), pilots=2, start=2)
    common = design_of(rng.poisson(40.0, (5, 4)).astype(float), pilots=2, start=2)
    both = {"rare": rare, "common": common}
    return rare, {
        name: flatten(design, design.counts("events"), method="test", indicator="events")
        for name, design in both.items()
    }


@pytest.mark.slow
@pytest.mark.parametrize("few", [True, False], ids=["few schools", "many schools"])
def test_joint_density_is_that_of_correlated_normals_and_two_likelihoods(
    design_of: DesignOf, few: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not few:
        monkeypatch.setattr(bayes_joint, "FEW", 0)
    _, cells = two_counts(design_of)
    priors = load_priors("bayes_joint")
    model = bayes_joint.build_model(cells["rare"], cells["common"], priors, 5, 4)
    rng = np.random.default_rng(2)
    point = {name: value + rng.normal(0, 0.3, np.shape(value)) for name, value in model.initial_point().items()}
    names = (
        "observed",
        "observed_alongside",
        "log_ratio",
        "school",
        "school_alongside",
        "shock",
        "shock_alongside",
    )
    outputs = model.replace_rvs_by_values([model[name] for name in names])
    options = {"mode": "FAST_COMPILE", "on_unused_input": "ignore"}
    found = dict(zip(names, model.compile_fn(outputs, inputs=model.value_vars, **options)(point), strict=True))

    link = {name: np.tanh(point[f"{name}_correlation_z"]) for name in ("effect", "shock", "school")}
    own = np.sqrt(1 - link["effect"] ** 2)
    assert found["log_ratio"] == pytest.approx(
        link["effect"] * point["log_ratio_alongside"] + own * point["effect_own"]
    )
    np.testing.assert_allclose(
        found["shock"],
        link["shock"] * found["shock_alongside"] + np.sqrt(1 - link["shock"] ** 2) * point["shock_own"],
    )
    for suffix, kind in (("", "rare"), ("_alongside", "common")):
        spread = {
            name: np.exp(point[f"{name}{suffix}_log__"])
            for name in ("school_sd", "period_sd", "shock_sd", "dispersion")
        }
        pilot = np.array([1, 1, 0, 0, 0])
        middle = point[f"level{suffix}"] + point[f"pilot_level{suffix}"] * pilot
        levels = middle + spread["school_sd"] * found[f"school{suffix}"]
        if not few:
            np.testing.assert_allclose(levels, point[f"school_level{suffix}"])
        ratio = float(found["log_ratio"]) if kind == "rare" else point["log_ratio_alongside"]
        shock = found[f"shock{suffix}"]
        part, total = cells[kind], 0.0
        for cell, (school, period) in enumerate(zip(part.school, part.period, strict=True)):
            log_mean = part.centre + part.log_exposure[cell] + levels[school]
            log_mean += spread["period_sd"] * point[f"period{suffix}"][period]
            if period >= 2:
                log_mean += spread["shock_sd"] * shock[school] + ratio * (school < 2)
            size = 1 / (spread["dispersion"] + 1e-6)
            total += stats.nbinom(size, size / (size + np.exp(log_mean))).logpmf(part.lower[cell])
        assert found[f"observed{suffix}"] == pytest.approx(total, rel=1e-8)
    pull = link["school"]
    if few:
        own = point["school_own"]
        np.testing.assert_allclose(found["school"], pull * found["school_alongside"] + np.sqrt(1 - pull**2) * own)
        return
    # a school's level is, given the other count's, normal with the correlated mean and what is left of the spread
    density = model.compile_fn(model.logp(vars=[model["school_level"]]), inputs=model.value_vars, **options)(point)
    rare_sd = np.exp(point["school_sd_log__"])
    centre = point["level"] + point["pilot_level"] * np.array([1, 1, 0, 0, 0])
    given = stats.norm(centre + rare_sd * pull * found["school_alongside"], rare_sd * np.sqrt(1 - pull**2))
    assert density == pytest.approx(given.logpdf(point["school_level"]).sum(), rel=1e-8)


def test_two_counts_need_two(design_of: DesignOf) -> None:
    design = design_of(np.full((8, 6), 3.0))
    for other in ("", "events"):
        with pytest.raises(EstimationError, match=r"together with a second indicator.*alongside ="):
            estimate(design, "events", method="bayes_joint", alongside=other)
    with pytest.raises(EstimationError, match=r"ratio_did cannot use a second indicator.*bayes_joint"):
        estimate(design, "events", alongside="others")


def posterior_of(design: Design, cells: Cells, ratio: np.ndarray, **drawn: np.ndarray) -> Posterior:
    draws = xr.Dataset({name: (("chain", "draw"), values[None]) for name, values in drawn.items()})
    trace = xr.DataTree.from_dict({"posterior": draws})
    priors = load_priors("bayes_joint")
    return Posterior(design, design.counts("events"), cells, priors, trace, np.zeros((1, 1, 1)), ratio, 0.95)


def test_the_gain_of_two_counts_is_measured_in_logs(design_of: DesignOf) -> None:
    design, cells = two_counts(design_of)
    rng = np.random.default_rng(1)
    log_ratio = rng.normal(-0.3, 0.5, 20_000)
    together = posterior_of(
        design, cells["rare"], np.exp(log_ratio), log_ratio_alongside=rng.normal(-0.4, 0.1, 20_000)
    )
    alone = posterior_of(design, cells["rare"], np.exp(2 * log_ratio))
    request = Request("events", "posterior", alongside="suspensions")
    table = bayes_joint.joint_table(together, alone, request)
    assert table["fit"].tolist() == ["on its own", "together with suspensions", "together with events"]
    assert table["width"].tolist() == pytest.approx([3.92, 1.96, 0.392], rel=0.03)
    assert table["median"].tolist() == pytest.approx(np.exp([-0.6, -0.3, -0.4]).tolist(), rel=0.03)


# --- counts out of a known number ---------------------------------------------------------------------


def test_beta_binomial_is_scipys() -> None:
    k, mean, size, trials = np.arange(21.0), np.array(6.0), np.array(12.5), np.array(20.0)
    share = 6.0 / 20.0
    expected = stats.betabinom(20, share * 12.5, (1 - share) * 12.5)
    np.testing.assert_allclose(BETA_BINOMIAL.log_pmf(k, mean, size, trials), expected.logpmf(k), rtol=1e-9)
    drawn = BETA_BINOMIAL.draw(np.full(40_000, 6.0), size, trials, np.random.default_rng(1))
    # five standard errors
    assert drawn.mean() == pytest.approx(expected.mean(), abs=5 * expected.std() / 200)
    assert drawn.var() == pytest.approx(expected.var(), rel=0.05)


@pytest.mark.slow
@pytest.mark.parametrize("few", [True, False], ids=["few schools", "many schools"])
def test_binomial_density_is_scipys(design_of: DesignOf, few: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    if not few:
        monkeypatch.setattr(count_fit, "FEW", 0)
    rng = np.random.default_rng(4)
    pupils = rng.integers(30, 60, (6, 4))
    events = rng.binomial(pupils, 0.2).astype(float)
    hidden = events <= 5
    assert hidden.any()
    design = design_of(events, pilots=2, start=2, pupils=pupils, hidden=hidden, bounds=(1, 5))
    cells = flatten(design, design.counts("events"), method="test", indicator="events")
    model = bayes_binomial.MODEL.build(cells, load_priors("bayes_binomial"), 6, 4)
    point = {name: value + rng.normal(0, 0.3, np.shape(value)) for name, value in model.initial_point().items()}
    potentials = model.replace_rvs_by_values([model["observed"], model["suppressed"]])
    options = {"mode": "FAST_COMPILE", "on_unused_input": "ignore"}
    found = model.compile_fn(potentials, inputs=model.value_vars, **options)(point)
    exact, interval = 0.0, 0.0
    for cell, (school, period) in enumerate(zip(cells.school, cells.period, strict=True)):
        odds = cells.centre
        if few:
            odds += point["level"] + point["pilot_level"] * (school < 2)
            odds += point["school_factor"] * point["school_standard"][school]
        else:
            odds += point["school_level"][school]
        odds += np.exp(point["period_sd_log__"]) * point["period"][period]
        if period >= 2:
            odds += point["shock_factor"] * point["shock_standard"][school] + point["log_ratio"] * (school < 2)
        share, size = 1 / (1 + np.exp(-odds)), 1 / (np.exp(point["dispersion_log__"]) + 1e-6)
        count = stats.betabinom(pupils[school, period], share * size, (1 - share) * size)
        if cells.lower[cell] == cells.upper[cell]:
            exact += count.logpmf(cells.lower[cell])
        else:
            interval += np.log(count.pmf(np.arange(1, 6)).sum())
    assert found == pytest.approx([exact, interval], rel=1e-7)


def test_more_events_than_pupils_are_no_share(design_of: DesignOf) -> None:
    with pytest.raises(EstimationError, match="48 cells may have more events than they have"):
        estimate(design_of(np.full((8, 6), 3.0), pupils=2), "events", method="bayes_binomial")
