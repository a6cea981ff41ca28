"""Models of the pilots' pooled count beside comparison schools: what they share, and from draws to an ``Effect``.

The pilots' pooled rate follows a mix of comparison schools at its own level, and may drift from it. Models differ in the
mix, which is written twice: in PyMC for fitting, in NumPy for reading draws.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import NDArray

from averting.design import Counts, Design
from averting.draws import spread_of, stream
from averting.effects.bayes.count_fit import sample_request
from averting.effects.bayes.count_model import size_of
from averting.effects.bayes.likelihood import draw_counts, draw_within_bounds, observe_counts
from averting.effects.bayes.outcome import posterior_effect
from averting.effects.bayes.pooled_series import PooledSeries, pool
from averting.effects.bayes.predictive import (
    FEATURES,
    Replicates,
    check_prediction,
    check_priors,
    predictive_table,
)
from averting.effects.bayes.priors import Prior, declare, load_priors
from averting.effects.bayes.sampling import CAREFUL, Pace, flat, require_bayes
from averting.effects.estimator import Request
from averting.effects.result import Effect

Array = NDArray[np.float64]
Priors = Mapping[str, Prior]
_PRIOR_DRAWS = 400
_SHARED = ("log_ratio", "level", "drift_sd", "dispersion")
_WIDE = tuple(name for name in FEATURES if "expected count" not in name)
"""What the priors of a pooled count must leave open."""


@dataclass(frozen=True)
class Mix:
    """How comparison schools are mixed.

    Parameters
    ----------
    key : str
        The estimator's key, and the name of its file of priors.
    add : callable
        ``add(series, priors)``: declare the mix within a PyMC model and return the log of its rate, a tensor (period,).
    read : callable
        ``read(draws, series)``: the same from draws, (draw, period).
    draw : callable
        ``draw(series, priors, draws, rng)``: the mix's variables from their priors, by name, each (draw, ...).
    weight : str
        The variable (donor,) that says how much of each comparison school is in the mix.
    parameters : tuple of str
        The mix's own parameters with declared priors.
    pace : Pace
        How the sampler walks.
    """

    key: str
    add: Callable[[PooledSeries, Priors], Any]
    read: Callable[[xr.Dataset, PooledSeries], Array]
    draw: Callable[[PooledSeries, Priors, int, np.random.Generator], dict[str, Array]]
    weight: str = "weight"
    parameters: tuple[str, ...] = ()
    pace: Pace = CAREFUL

    def build(self, series: PooledSeries, priors: Priors) -> Any:
        """Build the PyMC model of the pilots' pooled count."""
        import pymc as pm

        cells, periods = series.cells, len(series.cells.years)
        with pm.Model() as model:
            value = {name: declare(priors[name]) for name in _SHARED}
            linear = self.add(series, priors) + value["level"]
            step = pm.Normal("step", 0.0, 1.0, shape=periods - 1)
            linear += value["drift_sd"] * pm.math.dot(pm.Data("drift", _drift(series)), step)
            linear += value["log_ratio"] * pm.Data("cell_treated", cells.treated)
            observe_counts(cells, linear, size_of(value["dispersion"]))
        return model

    def expected_without(self, draws: xr.Dataset, series: PooledSeries) -> Array:
        """Return the pilots' expected pooled count without the programme, (draw, period)."""
        moved = flat(draws, "drift_sd")[:, None] * (flat(draws, "step") @ _drift(series).T)
        level = flat(draws, "level")[:, None]
        return np.asarray(np.exp(self.read(draws, series) + level + moved + series.cells.log_exposure))


def _drift(series: PooledSeries) -> Array:
    """Return what turns standard steps into a walk with the variance of the years between periods, (period, step)."""
    years = series.cells.years
    steps = np.sqrt(np.diff(years))
    return np.asarray(np.tril(np.ones((len(years), len(steps))), -1) * steps)


def change_by_pilot(
    draws: xr.Dataset, without: Array, series: PooledSeries, counts: Counts, rng: np.random.Generator
) -> tuple[Array, Array]:
    """Return pilots' events less their share of a drawn count without the programme, and the pooled counts drawn.

    Parameters
    ----------
    without : array (draw, period)
        The expected pooled count without the programme.

    Returns
    -------
    change : array (draw, pilot, period)
        Zero before the start.
    pooled : array (draw, period)
        The pilots' pooled count, hidden ones drawn within their bounds.
    """
    pilots, size = len(series.shares), size_of(flat(draws, "dispersion"))
    mean = _with_programme(draws, without, series)[:, None, :] * series.shares
    observed = draw_within_bounds(counts.lower[:pilots], counts.upper[:pilots], mean, size, rng)
    drawn = draw_counts(without, size[:, None], rng)[:, None, :] * series.shares
    return np.where(counts.treated[:pilots], observed - drawn, 0.0), observed.sum(axis=1)


def _with_programme(draws: xr.Dataset, without: Array, series: PooledSeries) -> Array:
    return np.asarray(without * np.exp(flat(draws, "log_ratio"))[:, None] ** series.cells.treated)


def weights_table(draws: xr.Dataset, series: PooledSeries, mix: Mix, level: float) -> pd.DataFrame:
    """Return one row a donor, heaviest first: school, and median and interval of its weight."""
    weight = flat(draws, mix.weight)
    table = pd.DataFrame(
        {"school": donor, **spread_of(weight[:, at], level)} for at, donor in enumerate(series.donors)
    )
    return table.sort_values("median", ascending=False, kind="stable", ignore_index=True, key=abs)


def _from_prior(mix: Mix, series: PooledSeries, priors: Priors, rng: np.random.Generator) -> xr.Dataset:
    """Draw every variable of a model from its priors, dims (chain, draw, ...) with one chain."""
    drawn = {name: priors[name].draw(_PRIOR_DRAWS, rng) for name in _SHARED}
    drawn["step"] = rng.normal(size=(_PRIOR_DRAWS, len(series.cells.years) - 1))
    drawn |= mix.draw(series, priors, _PRIOR_DRAWS, rng)
    return xr.Dataset(
        {
            name: (("chain", "draw", f"{name}_dim")[: 1 + values.ndim], values[None])
            for name, values in drawn.items()
        }
    )


def _replicates(
    draws: xr.Dataset, mix: Mix, series: PooledSeries, pooled: Array, rng: np.random.Generator
) -> Replicates:
    mean = _with_programme(draws, mix.expected_without(draws, series), series)
    drawn = draw_counts(mean, size_of(flat(draws, "dispersion"))[:, None], rng)
    before, exposure = series.cells.treated == 0, np.exp(series.cells.log_exposure)
    return Replicates(pooled, drawn, mean, exposure, before, before)


def fit_pooled_model(design: Design, request: Request, mix: Mix) -> Effect:
    """Fit mix, level and drift to the pilots' pooled count, and compare it with the mix.

    Returns
    -------
    Effect
        Scale ``ratio``; ``change`` divides the pooled count without the programme among pilots by their own rates
        before the start.

    Raises
    ------
    EstimationError
        If a pilot's count is not known in some period, or fewer than two comparison schools' are in all.
    MissingExtraError
        Without the ``bayes`` extra.
    """
    require_bayes(mix.key)
    counts = design.counts(request.indicator)
    series = pool(design, counts, method=mix.key, indicator=request.indicator)
    priors = load_priors(mix.key, request.prior)
    trace = sample_request(mix.build(series, priors), request, mix.key, pace=mix.pace)
    draws, key = trace["posterior"].to_dataset(), f"effects/{mix.key}/{request.indicator}"
    rng = stream(request.seed, f"{key}/predict")
    change, pooled = change_by_pilot(draws, mix.expected_without(draws, series), series, counts, rng)
    after = predictive_table(_replicates(draws, mix, series, pooled, rng), FEATURES)
    rng = stream(request.seed, f"{key}/prior_predictive")
    ahead = _replicates(_from_prior(mix, series, priors, rng), mix, series, pooled[:_PRIOR_DRAWS], rng)
    before = predictive_table(ahead, {name: FEATURES[name] for name in _WIDE})
    summarised = (*_SHARED, *mix.parameters)
    return posterior_effect(
        design,
        request,
        mix.key,
        told=np.exp(flat(draws, "log_ratio")),
        change=change,
        priors=priors,
        trace=trace,
        summarised=summarised,
        kept=draws[[*summarised, "step", mix.weight]],
        checks=(check_priors(before), check_prediction(after)),
        tables={
            "predictive": after,
            "prior_predictive": before,
            "weights": weights_table(draws, series, mix, request.level),
        },
    )
