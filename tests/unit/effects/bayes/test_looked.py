"""The form that is written about a first look against the plain one: the same posterior, along other variables."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from scipy import stats

from averting.design import Design
from averting.effects.bayes.cells import Cells, flatten
from averting.effects.bayes.count_fit import CountModel, build_plain
from averting.effects.bayes.looked import looked_data, observe_looked
from averting.effects.bayes.priors import load_priors
from averting.effects.estimators import bayes_count, bayes_event_time
from averting.errors import EstimationError

DesignOf = Callable[..., Design]
OPTIONS: dict[str, Any] = {"mode": "FAST_COMPILE", "on_unused_input": "ignore"}
SHARED = ("level", "period_sd", "period", "school_sd", "school", "shock_sd", "shock")
SAME = ("log_ratio", "pilot_level", "dispersion_log__", "event_sd_log__", "event_step")
"""What both forms report, where their variables differ, and the variables that do not."""


def cells_of(design_of: DesignOf, *, bounds: tuple[int, int] | None, mean: float = 5.0) -> Cells:
    """Six schools, two pilots that start in years 2 and 4 of 6; a cell is missing, counts within bounds are suppressed."""
    rng = np.random.default_rng(1)
    events = rng.poisson(mean, (6, 6)).astype(float)
    events[0, 1] = events[4, 1] = np.nan
    low, high = bounds or (0, 1)
    hidden = (events >= low) & (events <= high) & (bounds is not None)
    pupils = rng.integers(500, 1_500, events.shape)
    design = design_of(events, pilots=2, starts=[2, 4], hidden=hidden, bounds=(low, high), pupils=pupils)
    return flatten(design, design.counts("events"), method="test", indicator="events")


Point = dict[str, Any]


def density_of(model: Any) -> Callable[[Point], tuple[Point, float]]:
    """Return the function from a sampler's point to what is reported and the log density of that, whatever was sampled."""
    reported = model.replace_rvs_by_values([model[name] for name in SHARED])
    compiled = model.compile_fn([*reported, model.logp()], inputs=model.value_vars, **OPTIONS)
    sizes = {name: np.shape(value) for name, value in model.initial_point().items()}
    folds = sum(name.endswith("_factor") for name in sizes)

    def told(flat: Any) -> tuple[Point, Any]:
        parts = np.split(flat, np.cumsum([int(np.prod(shape)) for shape in sizes.values()])[:-1])
        point = {name: part.reshape(shape) for (name, shape), part in zip(sizes.items(), parts, strict=True)}
        *found, density = compiled(point)
        known = {**{name: point[name] for name in SAME if name in point}, **dict(zip(SHARED, found, strict=True))}
        return known | {"density": density}, np.concatenate([np.ravel(value) for value in known.values()])

    def at(point: Point) -> tuple[Point, float]:
        flat, step = np.concatenate([np.ravel(point[name]) for name in sizes]), 1e-5
        slopes = [
            (told(flat + move)[1] - told(flat - move)[1]) / (2 * step) for move in step * np.identity(len(flat))
        ]
        found = told(flat)[0]
        # a factor and its opposite give the same report: as many points, all equally likely
        density = found.pop("density") - np.linalg.slogdet(np.array(slopes))[1] + folds * np.log(2.0)
        return found, float(density)

    return at


@pytest.mark.slow
@pytest.mark.parametrize(
    ("model", "bounds", "mean"),
    [(bayes_count.MODEL, (1, 6), 5.0), (bayes_event_time.MODEL, None, 5.0), (bayes_count.MODEL, (1, 2), 0.8)],
    ids=["hidden", "known", "few events"],
)
def test_posterior_is_that_of_the_plain_form(
    design_of: DesignOf,
    model: CountModel,
    bounds: tuple[int, int] | None,
    mean: float,
) -> None:
    cells = cells_of(design_of, bounds=bounds, mean=mean)
    assert cells.exact.all() == (bounds is None)
    priors = load_priors(model.key)
    plain, looked = build_plain(model, cells, priors, 6, 6), model.build(cells, priors, 6, 6)
    of_plain, of_looked = density_of(plain), density_of(looked)
    rng = np.random.default_rng(2)
    for _ in range(3):
        point = {name: at + rng.normal(0, 0.4, np.shape(at)) for name, at in looked.initial_point().items()}
        reported, density = of_looked(point)
        same = {name: point[name] for name in plain.initial_point() if name in point}
        standard = {
            f"{name}_{part}": reported[told]
            for name in ("school", "shock")
            for part, told in (("factor", f"{name}_sd"), ("standard", name))
        }
        years = {"period_sd_log__": np.log(reported["period_sd"]), "period": reported["period"]}
        again, expected = of_plain({**same, **standard, **years, "level": reported["level"]})
        for name in SHARED:
            np.testing.assert_allclose(again[name], reported[name], rtol=1e-10)
        # slopes are central differences; a term that is wrong would be out by a part in a thousand
        assert density == pytest.approx(expected, rel=1e-8)


@pytest.mark.slow
def test_counts_within_wide_bounds_have_scipys_probability(design_of: DesignOf) -> None:
    cells = cells_of(design_of, bounds=(2, 20))
    model = bayes_count.MODEL.build(cells, load_priors("bayes_count"), 6, 6)
    # nothing varies but the counts: every cell expects its exposure times the centre, the ratio and no more
    point = {name: np.zeros_like(at) for name, at in model.initial_point().items()}
    point |= {"log_ratio": np.array(-0.7), "dispersion_log__": np.log(0.4), "period_factor": np.array(1e-9)}
    names = ["observed", "suppressed", "shock", "school"]
    found = model.compile_fn(
        model.replace_rvs_by_values([model[name] for name in names]), inputs=model.value_vars, **OPTIONS
    )(point)
    shock, own = found[2], found[3]  # spreads are 1 (their logs 0), but for the shocks', which is 0
    assert own == pytest.approx(0.0)
    assert np.isfinite(shock).all()
    mean = np.exp(cells.centre - 0.7 * cells.treated + cells.log_exposure)
    size = 1 / (0.4 + 1e-6)
    count = stats.nbinom(size, size / (size + mean))
    within = np.log([sum(count.pmf(k)[at] for k in range(low, high + 1)) for at, (low, high) in enumerate(
        zip(cells.lower, cells.upper, strict=True))])  # fmt: skip
    assert found[0] + found[1] == pytest.approx(within.sum(), rel=1e-10)
    assert (~cells.exact).sum() > 10


def test_data_are_few_arrays_and_hold_what_the_cells_hold(design_of: DesignOf) -> None:
    cells = cells_of(design_of, bounds=(1, 6))
    data = looked_data(cells, 6, 6)
    by_half, by_year = data["half_total"], data["year_total"]
    assert by_half.sum() == by_year.sum() == cells.lower.sum()
    assert by_half[6:].sum() == cells.lower[cells.after > 0].sum()
    assert data["count_times"].prod(axis=0).sum() == cells.lower.sum()
    hidden = np.flatnonzero(~cells.exact)
    np.testing.assert_array_equal(data["hidden_at"], hidden)
    # as many steps up from each lower bound as there are other possible counts
    np.testing.assert_array_equal(
        (data["hidden_steps"][:, 1] > 0).sum(axis=0), (cells.upper - cells.lower)[hidden]
    )
    np.testing.assert_array_equal(data["hidden_steps"][0, 0], cells.lower[hidden])


def test_a_level_that_is_not_normal_is_refused(design_of: DesignOf) -> None:
    import pymc as pm

    priors = load_priors("bayes_count")
    priors = {**priors, "level": replace(priors["level"], shape="half_normal")}
    with pm.Model(), pytest.raises(EstimationError, match="must be normal; it is half_normal"):
        observe_looked(cells_of(design_of, bounds=None), priors, 6, 6, lambda _: 0.0)
