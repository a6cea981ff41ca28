"""The Bayesian synthetic control's pooling, density and counts without the programme, against plain loops."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import xarray as xr
from scipy import stats

from averting.design import Counts, Design
from averting.effects.bayes.pooled_series import PooledSeries, pool
from averting.effects.bayes.priors import load_priors
from averting.effects.estimators import bayes_synthetic
from averting.errors import EstimationError

DesignOf = Callable[..., Design]


def made(design_of: DesignOf) -> tuple[Design, Counts, PooledSeries]:
    """Two pilots and four others over five years, the third left out; a donor lacks a year, a pilot's count is hidden."""
    rng = np.random.default_rng(3)
    events = rng.poisson(9.0, (6, 5)).astype(float) + 3
    events[5, 1] = np.nan
    hidden = np.zeros(events.shape, dtype=bool)
    hidden[0, 4] = True
    pupils = rng.integers(500, 1_500, events.shape)
    whole = design_of(events, pilots=2, start=3, pupils=pupils, hidden=hidden)
    design = Design(
        whole.panel, whole.starts, comparison=list(whole.comparison), exclude_periods=[whole.panel.periods[2]]
    )
    counts = design.counts("events")
    return design, counts, pool(design, counts, method="test", indicator="events")


def test_pilots_are_pooled_and_donors_known_throughout(design_of: DesignOf) -> None:
    design, counts, series = made(design_of)
    assert series.donors == design.comparison[:3]
    assert series.years.tolist() == [0, 1, 3, 4]
    np.testing.assert_array_equal(series.cells.lower, counts.lower[:2].sum(axis=0))
    assert series.cells.upper[3] - series.cells.lower[3] == 1
    np.testing.assert_allclose(np.exp(series.cells.log_exposure), counts.exposure[:2].sum(axis=0))
    np.testing.assert_allclose(series.rates.T, (counts.lower[2:5] + 0.5 / 3) / counts.exposure[2:5])
    np.testing.assert_allclose(series.shares.sum(axis=0), 1.0)
    rate = [
        (counts.lower[i, :2].sum() + counts.lower[:2, :2].sum() / counts.exposure[:2, :2].sum() * one)
        / (counts.exposure[i, :2].sum() + one)
        for i, one in enumerate(counts.exposure[:2, :2].mean(axis=1))
    ]
    expected = np.array(rate)[:, None] * counts.exposure[:2]
    np.testing.assert_allclose(series.shares, expected / expected.sum(axis=0))


@pytest.mark.slow
def test_density_is_a_mix_that_drifts(design_of: DesignOf) -> None:
    _, _, series = made(design_of)
    model = bayes_synthetic.build_model(series, load_priors("bayes_synthetic"))
    rng = np.random.default_rng(2)
    point = {name: value + rng.normal(0, 0.3, np.shape(value)) for name, value in model.initial_point().items()}
    outputs = model.replace_rvs_by_values([model["observed"], model["suppressed"], model["weight"]])
    options: dict[str, Any] = {"mode": "FAST_COMPILE", "on_unused_input": "ignore"}
    exact, interval, weight = model.compile_fn(outputs, inputs=model.value_vars, **options)(point)
    assert weight.sum() == pytest.approx(1.0)
    expected, size = [0.0, 0.0], 1 / (np.exp(point["dispersion_log__"]) + 1e-6)
    walk = 0.0
    for period, years in enumerate([0, 1, 2, 1]):
        walk += np.sqrt(years) * (point["step"][period - 1] if period else 0.0)
        log_mean = np.log(series.rates[period] @ weight) + series.cells.log_exposure[period] + point["level"]
        log_mean += np.exp(point["drift_sd_log__"]) * walk + point["log_ratio"] * (period >= 2)
        count = stats.nbinom(size, size / (size + np.exp(log_mean)))
        low, high = series.cells.lower[period], series.cells.upper[period]
        if low == high:
            expected[0] += count.logpmf(low)
        else:
            expected[1] += np.log(count.pmf(np.arange(low, high + 1)).sum())
    assert [exact, interval] == pytest.approx(expected, rel=1e-8)


def test_change_is_shared_by_pilots_and_starts_with_the_programme(design_of: DesignOf) -> None:
    _, counts, series = made(design_of)
    size = 20_000
    values = {
        "log_ratio": np.full(size, np.log(0.5)), "level": np.zeros(size), "drift_sd": np.full(size, 0.1),
        "dispersion": np.full(size, 0.1), "step": np.ones((size, 3)), "weight": np.full((size, 3), 1 / 3),
    }  # fmt: skip
    draws = xr.Dataset(
        {name: (("chain", "draw", f"{name}_dim")[: value.ndim + 1], value[None]) for name, value in values.items()}
    )
    change, pooled = bayes_synthetic.change_by_pilot(draws, series, counts, np.random.default_rng(1))
    assert (change[:, :, :2] == 0).all()
    walk = 0.1 * np.cumsum([0, 1, np.sqrt(2), 1])
    mean = series.rates.mean(axis=1) * np.exp(series.cells.log_exposure + walk)
    for period in (2, 3):
        without = pooled[:, period] - change[:, :, period].sum(axis=1)
        error = np.sqrt(mean[period] + 0.1 * mean[period] ** 2) / np.sqrt(size)
        assert without.mean() == pytest.approx(mean[period], abs=5 * error)
    np.testing.assert_array_equal(pooled[:, :3], np.broadcast_to(series.cells.lower[:3], (size, 3)))
    assert set(np.unique(pooled[:, 3])) == {series.cells.lower[3], series.cells.upper[3]}


def test_what_cannot_be_pooled_is_refused(design_of: DesignOf) -> None:
    events = np.full((5, 6), 3.0)
    events[0, 1] = np.nan
    with pytest.raises(EstimationError, match="needs every pilot's events in every period"):
        bayes_synthetic.fit(design_of(events), _request())
    events = np.full((5, 6), 3.0)
    events[3, 1] = np.nan
    with pytest.raises(EstimationError, match="1 comparison schools have events in every period"):
        bayes_synthetic.fit(design_of(events), _request())


def _request() -> Any:
    from averting.effects.estimator import Request

    return Request("events", "posterior")
