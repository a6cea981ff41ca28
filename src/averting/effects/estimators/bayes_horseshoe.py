"""Bayesian synthetic control that departs from the comparison schools' average only where few of them demand it."""

from __future__ import annotations

from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from averting.design import Design
from averting.effects.bayes.pooled_fit import Mix, Priors, fit_pooled_model
from averting.effects.bayes.pooled_series import PooledSeries
from averting.effects.bayes.priors import FAMILIES, declare
from averting.effects.bayes.sampling import SAMPLERS, THOROUGH, flat
from averting.effects.estimator import Estimator, Request
from averting.effects.result import Effect

Array = NDArray[np.float64]


def departures(series: PooledSeries) -> tuple[Array, Array]:
    """Return the log of the average rate (period,), and each school's departures from it (period, donor).

    Departures are about their mean before the start, so that a coefficient shifts no level.
    """
    average = np.log(series.rates.mean(axis=1))
    apart = np.log(series.rates) - average[:, None]
    return average, apart - apart[series.cells.treated == 0].mean(axis=0)


def add_coefficients(series: PooledSeries, priors: Priors) -> Any:
    """Return the log of the mix, a tensor (period,): the average, and coefficients with a regularised horseshoe prior."""
    import pymc as pm
    import pytensor.tensor as pt

    average, apart = departures(series)
    common, widest = declare(priors["mix_sd"]), declare(priors["widest"])
    # half-Cauchy(1) as the tangent of a uniform angle, and that from a standard normal: the sampler meets no long tail
    place = pm.Normal("place", 0.0, 1.0, shape=len(series.donors))
    local = pt.tan(0.25 * np.pi * (1.0 + pt.erf(place / np.sqrt(2.0))))
    standard = pm.Normal("standard", 0.0, 1.0, shape=len(series.donors))
    spread = common * local / pm.math.sqrt(1.0 + (common * local / widest) ** 2)
    coefficient = pm.Deterministic("coefficient", standard * spread)
    return pm.Data("average", average) + pm.math.dot(pm.Data("apart", apart), coefficient)


def read_coefficients(draws: xr.Dataset, series: PooledSeries) -> Array:
    """Return the log of the mix, (draw, period)."""
    average, apart = departures(series)
    return np.asarray(average + flat(draws, "coefficient") @ apart.T)


def draw_coefficients(
    series: PooledSeries, priors: Priors, draws: int, rng: np.random.Generator
) -> dict[str, Array]:
    """Draw coefficients and the parameters of their spread from their priors."""
    drawn = {name: priors[name].draw(draws, rng) for name in MIX.parameters}
    shape = (draws, len(series.donors))
    wide = drawn["mix_sd"][:, None] * np.abs(rng.standard_cauchy(shape))
    spread = wide * drawn["widest"][:, None] / np.hypot(drawn["widest"][:, None], wide)
    return {**drawn, "coefficient": rng.normal(size=shape) * spread}


MIX = Mix(
    "bayes_horseshoe",
    add_coefficients,
    read_coefficients,
    draw_coefficients,
    weight="coefficient",
    parameters=("mix_sd", "widest"),
    pace=THOROUGH,
)


def fit(design: Design, request: Request) -> Effect:
    """Fit sparse departures from an average; see :func:`averting.effects.bayes.pooled_fit.fit_pooled_model`."""
    return fit_pooled_model(design, request, MIX)


ESTIMATOR = Estimator(
    label="Bayesian synthetic control, sparse",
    assumption="Without the programme, the pilots' pooled rate would have followed the comparison schools' average and, to "
    "the same degree as before, the departures of a few of them from it, at its own level and drifting no faster than "
    "before the start.",
    inferences=SAMPLERS,
    supports=frozenset(),
    reference="Piironen and Vehtari (2017) for the regularised horseshoe; Brodersen et al. (2015) for the drift",
    fit=fit,
    priors=FAMILIES,
)
