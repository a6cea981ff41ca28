"""The Bayesian synthetic controls' pooling, densities and counts without the programme, against plain loops."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import xarray as xr
from scipy import stats

from averting.design import Counts, Design
from averting.effects.bayes.pooled_fit import Mix, change_by_pilot
from averting.effects.bayes.pooled_series import PooledSeries, pool
from averting.effects.bayes.priors import load_priors
from averting.effects.estimators import bayes_horseshoe, bayes_synthetic
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
    assert series.cells.years.tolist() == [0, 1, 3, 4]
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


def horseshoe(point: dict[str, Any]) -> np.ndarray:
    """Coefficients by the formula of Piironen and Vehtari (2017), section 2.3."""
    common, widest = (np.exp(point[f"{name}_log__"]) for name in ("mix_sd", "widest"))
    local = stats.halfcauchy.ppf(stats.norm.cdf(point["place"]))
    held = widest**2 * local**2 / (widest**2 + common**2 * local**2)
    return np.asarray(common * np.sqrt(held) * point["standard"])


def mixed(mix: Mix, series: PooledSeries, weight: np.ndarray, period: int) -> float:
    """Log rate of the mix in one period."""
    if mix is bayes_synthetic.MIX:
        return float(np.log(series.rates[period] @ weight))
    log_rates, average = np.log(series.rates), np.log(series.rates.mean(axis=1))
    usual = [np.mean([log_rates[t, j] - average[t] for t in (0, 1)]) for j in range(len(weight))]
    return float(
        average[period]
        + sum(w * (log_rates[period, j] - average[period] - usual[j]) for j, w in enumerate(weight))
    )


@pytest.mark.slow
@pytest.mark.parametrize("mix", [bayes_synthetic.MIX, bayes_horseshoe.MIX], ids=lambda mix: mix.key)
def test_density_is_a_mix_that_drifts(design_of: DesignOf, mix: Mix) -> None:
    _, _, series = made(design_of)
    model = mix.build(series, load_priors(mix.key))
    rng = np.random.default_rng(2)
    point = {name: value + rng.normal(0, 0.3, np.shape(value)) for name, value in model.initial_point().items()}
    outputs = model.replace_rvs_by_values([model["observed"], model["suppressed"], model[mix.weight]])
    options: dict[str, Any] = {"mode": "FAST_COMPILE", "on_unused_input": "ignore"}
    exact, interval, weight = model.compile_fn(outputs, inputs=model.value_vars, **options)(point)
    if mix is bayes_synthetic.MIX:
        assert weight.sum() == pytest.approx(1.0)
    else:
        np.testing.assert_allclose(weight, horseshoe(point))
    expected, size = [0.0, 0.0], 1 / (np.exp(point["dispersion_log__"]) + 1e-6)
    walk = 0.0
    for period, years in enumerate([0, 1, 2, 1]):
        walk += np.sqrt(years) * (point["step"][period - 1] if period else 0.0)
        log_mean = mixed(mix, series, weight, period) + series.cells.log_exposure[period] + point["level"]
        log_mean += np.exp(point["drift_sd_log__"]) * walk + point["log_ratio"] * (period >= 2)
        count = stats.nbinom(size, size / (size + np.exp(log_mean)))
        low, high = series.cells.lower[period], series.cells.upper[period]
        if low == high:
            expected[0] += count.logpmf(low)
        else:
            expected[1] += np.log(count.pmf(np.arange(low, high + 1)).sum())
    assert [exact, interval] == pytest.approx(expected, rel=1e-8)


def test_most_coefficients_are_near_zero_and_few_are_held(design_of: DesignOf) -> None:
    _, _, series = made(design_of)
    priors = load_priors("bayes_horseshoe")
    drawn = bayes_horseshoe.draw_coefficients(series, priors, 40_000, np.random.default_rng(1))
    size = np.abs(drawn["coefficient"]).ravel()
    # half of a half-Cauchy(1) lies below 1, and the common spread's own median is 0.034
    assert np.median(size) < 0.05
    assert 0.005 < (size > 0.3).mean() < 0.1
    # however large a local spread, a coefficient is normal with at most the spread `widest`
    assert (size / np.repeat(drawn["widest"], len(series.donors))).max() < 6


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
    without = bayes_synthetic.MIX.expected_without(draws, series)
    change, pooled = change_by_pilot(draws, without, series, counts, np.random.default_rng(1))
    assert (change[:, :, :2] == 0).all()
    walk = 0.1 * np.cumsum([0, 1, np.sqrt(2), 1])
    mean = series.rates.mean(axis=1) * np.exp(series.cells.log_exposure + walk)
    for period in (2, 3):
        drawn = pooled[:, period] - change[:, :, period].sum(axis=1)
        error = np.sqrt(mean[period] + 0.1 * mean[period] ** 2) / np.sqrt(size)
        assert drawn.mean() == pytest.approx(mean[period], abs=5 * error)
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
