"""Bayesian synthetic control: the pilots' pooled count beside a weighted mix of comparison schools that may drift away."""

from __future__ import annotations

from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from averting.design import Design
from averting.effects.bayes.pooled_fit import Mix, Priors, fit_pooled_model
from averting.effects.bayes.pooled_series import PooledSeries
from averting.effects.bayes.priors import FAMILIES
from averting.effects.bayes.sampling import SAMPLERS, flat
from averting.effects.estimator import Estimator, Request
from averting.effects.result import Effect

Array = NDArray[np.float64]


def add_weights(series: PooledSeries, _priors: Priors) -> Any:
    """Return the log of a mix with weights that are positive and add up to one, a tensor (period,)."""
    import pymc as pm
    import pytensor.tensor as pt

    weight = pm.Dirichlet("weight", np.ones(len(series.donors)))
    return pt.log(pm.math.dot(pm.Data("rates", series.rates), weight))


def read_weights(draws: xr.Dataset, series: PooledSeries) -> Array:
    """Return the log of the mix, (draw, period)."""
    return np.asarray(np.log(flat(draws, "weight") @ series.rates.T))


def draw_weights(series: PooledSeries, _priors: Priors, draws: int, rng: np.random.Generator) -> dict[str, Array]:
    """Draw weights from their prior."""
    return {"weight": rng.dirichlet(np.ones(len(series.donors)), draws)}


MIX = Mix("bayes_synthetic", add_weights, read_weights, draw_weights)


def fit(design: Design, request: Request) -> Effect:
    """Fit a mix of positive weights; see :func:`averting.effects.bayes.pooled_fit.fit_pooled_model`."""
    return fit_pooled_model(design, request, MIX)


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
