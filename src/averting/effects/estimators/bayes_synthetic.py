"""Bayesian synthetic control: the pilots' pooled count beside a weighted mix of comparison schools that may drift away."""

from __future__ import annotations

from collections.abc import Mapping
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
from averting.effects.bayes.predictive import FEATURES, Replicates, check_prediction, predictive_table
from averting.effects.bayes.priors import FAMILIES, Prior, declare, load_priors
from averting.effects.bayes.sampling import SAMPLERS, flat, require_bayes
from averting.effects.estimator import Estimator, Request
from averting.effects.result import Effect

Array = NDArray[np.float64]
_KEY = "bayes_synthetic"
_PARAMETERS = ("log_ratio", "level", "drift_sd", "dispersion")


def _drift(series: PooledSeries) -> Array:
    """Return what turns standard steps into a walk with the variance of the years between periods, (period, step)."""
    steps = np.sqrt(np.diff(series.years))
    return np.asarray(np.tril(np.ones((len(series.years), len(steps))), -1) * steps)


def build_model(series: PooledSeries, priors: Mapping[str, Prior]) -> Any:
    """Build the PyMC model of the pilots' pooled count."""
    import pymc as pm
    import pytensor.tensor as pt

    cells, periods = series.cells, len(series.years)
    with pm.Model() as model:
        value = {name: declare(priors[name]) for name in _PARAMETERS}
        weight = pm.Dirichlet("weight", np.ones(len(series.donors)))
        step = pm.Normal("step", 0.0, 1.0, shape=periods - 1)
        linear = pt.log(pm.math.dot(pm.Data("rates", series.rates), weight)) + value["level"]
        linear += value["drift_sd"] * pm.math.dot(pm.Data("drift", _drift(series)), step)
        linear += value["log_ratio"] * pm.Data("cell_treated", cells.treated)
        observe_counts(cells, linear, size_of(value["dispersion"]))
    return model


def expected_without(draws: xr.Dataset, series: PooledSeries) -> Array:
    """Return the pilots' expected pooled count without the programme, (draw, period)."""
    mixed = np.log(flat(draws, "weight") @ series.rates.T)
    moved = flat(draws, "drift_sd")[:, None] * (flat(draws, "step") @ _drift(series).T)
    return np.asarray(np.exp(mixed + flat(draws, "level")[:, None] + moved + series.cells.log_exposure))


def change_by_pilot(
    draws: xr.Dataset, series: PooledSeries, counts: Counts, rng: np.random.Generator
) -> tuple[Array, Array]:
    """Return pilots' events less their share of a drawn count without the programme, and the pooled counts drawn.

    Returns
    -------
    change : array (draw, pilot, period)
        Zero before the start.
    pooled : array (draw, period)
        The pilots' pooled count, hidden ones drawn within their bounds.
    """
    pilots = len(series.shares)
    size, without = size_of(flat(draws, "dispersion")), expected_without(draws, series)
    ratio = np.exp(flat(draws, "log_ratio"))[:, None] ** series.cells.treated
    mean = (without * ratio)[:, None, :] * series.shares
    observed = draw_within_bounds(counts.lower[:pilots], counts.upper[:pilots], mean, size, rng)
    drawn = draw_counts(without, size[:, None], rng)[:, None, :] * series.shares
    return np.where(counts.treated[:pilots], observed - drawn, 0.0), observed.sum(axis=1)


def weights_table(draws: xr.Dataset, series: PooledSeries, level: float) -> pd.DataFrame:
    """Return one row a donor, heaviest first: school, and median and interval of its weight."""
    weight = flat(draws, "weight")
    rows = [{"school": donor, **spread_of(weight[:, at], level)} for at, donor in enumerate(series.donors)]
    return pd.DataFrame(rows).sort_values("median", ascending=False, kind="stable", ignore_index=True)


def fit(design: Design, request: Request) -> Effect:
    """Fit weights, level and drift to the pilots' pooled count, and compare it with the weighted mix.

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
    require_bayes(_KEY)
    counts = design.counts(request.indicator)
    series = pool(design, counts, method=_KEY, indicator=request.indicator)
    priors = load_priors(_KEY, request.prior)
    trace = sample_request(build_model(series, priors), request, _KEY, careful=True)
    draws = trace["posterior"].to_dataset()
    rng = stream(request.seed, f"effects/{_KEY}/{request.indicator}/predict")
    change, pooled = change_by_pilot(draws, series, counts, rng)
    ratio = np.exp(flat(draws, "log_ratio"))
    mean = expected_without(draws, series) * ratio[:, None] ** series.cells.treated
    replicated = draw_counts(mean, size_of(flat(draws, "dispersion"))[:, None], rng)
    before, exposure = series.cells.treated == 0, np.exp(series.cells.log_exposure)
    predicted = predictive_table(Replicates(pooled, replicated, mean, exposure, before, before), FEATURES)
    return posterior_effect(
        design,
        request,
        _KEY,
        ratio=ratio,
        change=change,
        priors=priors,
        trace=trace,
        summarised=_PARAMETERS,
        kept=draws[[*_PARAMETERS, "step", "weight"]],
        checks=(check_prediction(predicted),),
        tables={"predictive": predicted, "weights": weights_table(draws, series, request.level)},
    )


ESTIMATOR = Estimator(
    label="Bayesian synthetic control",
    assumption="Without the programme, the pilots' pooled rate would have followed a weighted mix of the comparison "
    "schools' rates, at its own level and drifting from it no faster than before the start.",
    inferences=SAMPLERS,
    supports=frozenset(),
    reference="Brodersen et al. (2015) for the drift; Abadie, Diamond and Hainmueller (2010) for the mix",
    fit=fit,
    priors=FAMILIES,
)
