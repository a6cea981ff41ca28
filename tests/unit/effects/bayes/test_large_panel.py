"""The form for thousands of schools against the plain one: the same posterior, written along other variables."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from scipy import stats

from averting.design import Design
from averting.effects.bayes import count_fit
from averting.effects.bayes.cells import Cells, flatten
from averting.effects.bayes.count_fit import CountModel
from averting.effects.bayes.first_look import look
from averting.effects.bayes.large_panel import LARGE, large_data, observe_large
from averting.effects.bayes.priors import load_priors
from averting.effects.estimators import bayes_count, bayes_event_time
from averting.errors import EstimationError

DesignOf = Callable[..., Design]
OPTIONS: dict[str, Any] = {"mode": "FAST_COMPILE", "on_unused_input": "ignore"}
YEARS_OF = ("middle", "year_mean", "year_contrast")
"""What the years' shocks and the common level are made of in the form for large panels."""


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


def built(monkeypatch: pytest.MonkeyPatch, model: CountModel, cells: Cells, *, large: bool) -> Any:
    monkeypatch.setattr(count_fit, "MANY", 0)
    monkeypatch.setattr(count_fit, "LARGE", 0 if large else LARGE)
    return model.build(cells, load_priors(model.key), 6, 6)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("model", "bounds", "mean"),
    [(bayes_count.MODEL, (1, 6), 5.0), (bayes_event_time.MODEL, None, 5.0), (bayes_count.MODEL, (1, 2), 0.8)],
    ids=["hidden", "known", "few events"],
)
def test_posterior_is_that_of_the_plain_form(
    design_of: DesignOf,
    monkeypatch: pytest.MonkeyPatch,
    model: CountModel,
    bounds: tuple[int, int] | None,
    mean: float,
) -> None:
    cells = cells_of(design_of, bounds=bounds, mean=mean)
    assert (look(cells, 6) is None) == (mean < 1)
    assert cells.exact.all() == (bounds is None)
    plain, large = (built(monkeypatch, model, cells, large=form) for form in (False, True))
    shared = ["level", "period", "school", "shock"]
    old = plain.compile_fn(
        [plain.logp(), *plain.replace_rvs_by_values([plain[name] for name in shared[2:]])],
        inputs=plain.value_vars,
        **OPTIONS,
    )
    new = large.compile_fn(
        [large.logp(), *large.replace_rvs_by_values([large[name] for name in shared])],
        inputs=large.value_vars,
        **OPTIONS,
    )
    rng = np.random.default_rng(2)
    for _ in range(3):
        point = {name: at + rng.normal(0, 0.4, np.shape(at)) for name, at in large.initial_point().items()}
        density, level, period, school, shock = new(point)
        mapped = {name: point[name] for name in plain.initial_point() if name in point}
        before, school_before, shock_before = old({**mapped, "level": level, "period": period})
        np.testing.assert_allclose(school, school_before, rtol=1e-10)
        np.testing.assert_allclose(shock, shock_before, rtol=1e-10)
        # level and years are linear in the variables they are made of, so their Jacobian is read off by moving each by one
        flat = np.concatenate([np.ravel(point[name]) for name in YEARS_OF])
        at = np.append(level, period)
        columns = []
        for index in range(len(flat)):
            moved = flat + (np.arange(len(flat)) == index)
            made = new({**point, "middle": moved[0], "year_mean": moved[1], "year_contrast": moved[2:]})
            columns.append(np.append(made[1], made[2]) - at)
        _, jacobian = np.linalg.slogdet(np.array(columns))
        assert density == pytest.approx(before + jacobian, rel=1e-10)


@pytest.mark.slow
def test_counts_within_wide_bounds_have_scipys_probability(
    design_of: DesignOf, monkeypatch: pytest.MonkeyPatch
) -> None:
    cells = cells_of(design_of, bounds=(2, 20))
    model = built(monkeypatch, bayes_count.MODEL, cells, large=True)
    # nothing varies but the counts: every cell expects its exposure times the centre, the ratio and no more
    point = {name: np.zeros_like(at) for name, at in model.initial_point().items()}
    point |= {"log_ratio": np.array(-0.7), "dispersion_log__": np.log(0.4)}
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


def test_only_large_panels_are_written_so() -> None:
    def names(schools: int, count: int) -> set[str]:
        events = np.full((schools, 4), count)
        school, period = (at.ravel() for at in np.indices(events.shape))
        after, pilot = (period >= 2).astype(np.float64), (school < 1).astype(np.float64)
        exposure, times = np.full(events.size, 7.0), np.array([[-1, -1, 0, 1]])
        cells = Cells(
            school, period, events.ravel(), events.ravel(), exposure, after * pilot, after, pilot, -5.0, times,
            np.arange(4.0),
        )  # fmt: skip
        model = bayes_count.build_model(cells, load_priors("bayes_count"), schools, 4)
        return {variable.name for variable in model.free_RVs}

    assert "middle" in names(LARGE, 5)
    assert "middle" not in names(LARGE - 1, 5)
    assert {"middle", "school_standard"} <= names(LARGE, 1)


def test_data_are_few_arrays_and_hold_what_the_cells_hold(design_of: DesignOf) -> None:
    cells = cells_of(design_of, bounds=(1, 6))
    data = large_data(cells, 6)
    assert data["half_total"].sum() == data["year_total"].sum() == cells.lower.sum()
    assert data["half_total"][6:].sum() == cells.lower[cells.after > 0].sum()
    assert (data["count_values"] * data["count_times"]).sum() == cells.lower.sum()
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
        observe_large(cells_of(design_of, bounds=None), priors, 6, 6, None, lambda _: 0.0)
