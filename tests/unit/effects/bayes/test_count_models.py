"""Each model's effect, in PyMC and in NumPy, against plain loops; and what a fit makes of it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import xarray as xr

from averting.design import Design
from averting.effects import Effect, estimate
from averting.effects.bayes.cells import Cells, flatten
from averting.effects.bayes.count_fit import CountModel
from averting.effects.bayes.priors import load_priors
from averting.effects.estimators import bayes_count, bayes_event_time, bayes_pooled
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
