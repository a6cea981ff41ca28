"""Schools' own paths over the years: their covariance by closed form, and the same in PyMC, in NumPy and in a whole model."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import xarray as xr

from averting.design import Design
from averting.effects.bayes.cells import flatten
from averting.effects.bayes.count_model import linear_without
from averting.effects.bayes.paths import FACTORS, FADING_NOISE, SHARED_COURSES, Path, fading
from averting.effects.bayes.priors import load_priors
from averting.effects.estimators import bayes_autocorrelated, bayes_factors

YEARS = np.array([0.0, 1.0, 2.0, 5.0, 6.0])
"""Three years are left out."""
MODELS = {"bayes_autocorrelated": bayes_autocorrelated.MODEL, "bayes_factors": bayes_factors.MODEL}


@pytest.mark.parametrize("persistence", [0.7, 0.0, -0.3, 0.99])
def test_noise_fades_by_the_years_between(persistence: float) -> None:
    root = fading(np.array([persistence, 0.5]), YEARS)[0]
    between = np.abs(YEARS[:, None] - YEARS)
    np.testing.assert_allclose(root @ root.T, persistence**between, atol=1e-12)
    assert (np.triu(root, 1) == 0).all()


def test_noise_drawn_from_its_prior_has_its_covariance() -> None:
    draws = 40_000
    values = {"noise_sd": np.full(draws, 0.5), "persistence": np.full(draws, 0.6)}
    drawn = FADING_NOISE.draw(values, 2, YEARS, np.random.default_rng(1))
    assert drawn.shape == (draws, 2, len(YEARS))
    expected = 0.25 * 0.6 ** np.abs(YEARS[:, None] - YEARS)
    # the standard error of a covariance of 40,000 draws is at most 0.25 x sqrt(2 / 40,000) = 0.002
    np.testing.assert_allclose(np.cov(drawn[:, 0].T), expected, atol=0.01)
    assert abs(np.corrcoef(drawn[:, 0, 0], drawn[:, 1, 0])[0, 1]) < 0.025


def test_shared_courses_are_few_and_have_the_declared_spread() -> None:
    draws = 20_000
    drawn = SHARED_COURSES.draw({"course_sd": np.full(draws, 0.5)}, 6, YEARS, np.random.default_rng(1))
    assert np.linalg.matrix_rank(drawn[0]) == FACTORS
    # a sum of two products of standard normals has variance 2 and kurtosis 6: standard error of its spread 1.1 %
    assert drawn[:, 3, 2].std() == pytest.approx(0.5, rel=0.05)
    assert abs(np.corrcoef(drawn[:, 0, 0], drawn[:, 1, 0])[0, 1]) < 0.05


def loop(key: str, point: dict[str, Any], school: int, period: int) -> float:
    """The path in one cell, written out."""
    if key == "bayes_factors":
        parts = [point["part"][school, k] * point["course"][k, period] for k in range(FACTORS)]
        return float(point["course_factor"] * sum(parts) / np.sqrt(FACTORS))
    persistence, noise = np.tanh(point["persistence_z"]), point["noise"][school]
    value = noise[0]
    for at in range(1, period + 1):
        kept = persistence ** (YEARS[at] - YEARS[at - 1])
        value = kept * value + np.sqrt(1 - kept**2) * noise[at]
    return float(point["noise_factor"] * value)


@pytest.mark.slow
@pytest.mark.parametrize("key", MODELS)
def test_a_model_adds_the_path_to_every_cell(design_of: Callable[..., Design], key: str) -> None:
    from averting.effects.bayes.count_model import size_of

    rng = np.random.default_rng(4)
    events = rng.poisson(6.0, (5, 7)).astype(float)
    whole = design_of(events, pilots=2, start=5)
    left_out = list(whole.panel.periods[3:5])
    design = Design(whole.panel, whole.starts, comparison=list(whole.comparison), exclude_periods=left_out)
    cells = flatten(design, design.counts("events"), method="test", indicator="events")
    assert cells.years.tolist() == YEARS.tolist()
    path = MODELS[key].path
    assert path is not None
    model = MODELS[key].build(cells, load_priors(key), 5, 5)
    point = {name: value + rng.normal(0, 0.4, np.shape(value)) for name, value in model.initial_point().items()}
    names = ["observed", "path", "level", "pilot_level", "school", "school_sd", "period", "period_sd", "shock"]
    names += ["shock_sd", "log_ratio", "dispersion", *path.parameters]
    outputs = model.replace_rvs_by_values([model[name] for name in names])
    options: dict[str, Any] = {"mode": "FAST_COMPILE", "on_unused_input": "ignore"}
    found = dict(zip(names, model.compile_fn(outputs, inputs=model.value_vars, **options)(point), strict=True))
    expected = [[loop(key, point, school, period) for period in range(5)] for school in range(5)]
    np.testing.assert_allclose(found["path"], expected, rtol=1e-9)
    draws = xr.Dataset(
        {
            name: (
                ("chain", "draw", *[f"{name}_{i}" for i in range(np.ndim(value))]),
                np.asarray(value)[None, None],
            )
            for name, value in found.items()
        }
    )
    after = np.zeros((5, 5), dtype=bool)
    after[cells.school, cells.period] = cells.after > 0
    linear = linear_without(draws, cells, after, pilots=2)[0][cells.school, cells.period]
    linear = linear + found["log_ratio"] * cells.treated
    size = float(size_of(found["dispersion"]))
    from scipy import stats

    mean = np.exp(linear + cells.log_exposure)
    assert found["observed"] == pytest.approx(
        stats.nbinom(size, size / (size + mean)).logpmf(cells.lower).sum(), rel=1e-8
    )


def test_a_path_has_declared_priors() -> None:
    for key, model in MODELS.items():
        assert isinstance(model.path, Path)
        assert set(load_priors(key)) == set(model.summarised)
