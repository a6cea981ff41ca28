"""Paths of schools' own over the years, beyond their level, what all schools share in a year, and their lasting shock.

A path is written twice, as every part of a model is: in PyMC for fitting, and in NumPy for drawing it from its priors. Its
value in every school and period is stored under the name ``path``, in the units of the linear predictor.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from averting.effects.bayes.priors import Prior, declare

Array = NDArray[np.float64]
FACTORS = 2
"""Courses over the years that schools share in parts of their own, where a model has them."""


@dataclass(frozen=True)
class Path:
    """One kind of path.

    Parameters
    ----------
    parameters : tuple of str
        Its parameters, in the model's file of priors.
    add : callable
        ``add(priors, schools, years)``: declare them within a PyMC model and return the paths, a tensor (school,
        period); ``years`` are the periods' distances from the first, in years.
    draw : callable
        ``draw(values, schools, years, rng)``: paths from the priors, (draw, school, period), given draws of the
        parameters by name.
    """

    parameters: tuple[str, ...]
    add: Callable[[Mapping[str, Prior], int, Array], Any]
    draw: Callable[[Mapping[str, Array], int, Array, np.random.Generator], Array]


def _signed(prior: Prior, name: str) -> Any:
    """Declare a half-normal spread as the size of a normal factor, and return the factor.

    What it multiplies is symmetrical, so that signs cancel; a sampler then passes freely through a spread of zero.
    """
    import pymc as pm

    factor = pm.Normal(name, 0.0, prior.sd)
    pm.Deterministic(prior.name, pm.math.abs(factor))
    return factor


def _gaps(years: Array) -> tuple[Array, Array, Array]:
    """Return, for a Cholesky factor of correlations that fade: years between, which pairs count, years before."""
    between = np.abs(np.subtract.outer(years, years))
    before = np.append(1.0, np.diff(years))  # the first is not used: nothing comes before it
    return between, np.tril(np.ones(between.shape)), before


def fading(persistence: Array, years: Array) -> Array:
    """Return what turns standard normals into a stationary first-order autoregression, (..., period, period).

    Parameters
    ----------
    persistence : array
        Correlation of a year with the next, any shape.
    years : array (period,)
        Distances from the first period; a gap of several years lets more fade.
    """
    between, lower, before = _gaps(years)
    kept = np.asarray(persistence)[..., None, None]
    fresh = np.sqrt(1.0 - kept ** (2 * before))
    fresh[..., 0] = 1.0
    return np.asarray(kept**between * lower * fresh)


def _add_noise(priors: Mapping[str, Prior], schools: int, years: Array) -> Any:
    import pymc as pm
    import pytensor.tensor as pt

    between, lower, before = _gaps(years)
    factor, kept = _signed(priors["noise_sd"], "noise_factor"), declare(priors["persistence"])
    fresh = pt.switch(np.arange(len(years)) == 0, 1.0, pt.sqrt(1.0 - kept ** (2 * before)))
    root = kept**between * lower * fresh[None, :]
    return factor * pm.math.dot(pm.Normal("noise", 0.0, 1.0, shape=(schools, len(years))), root.T)


def _draw_noise(values: Mapping[str, Array], schools: int, years: Array, rng: np.random.Generator) -> Array:
    root = fading(values["persistence"], years)
    standard = rng.normal(size=(len(root), schools, len(years)))
    return np.asarray(values["noise_sd"][:, None, None] * standard @ np.swapaxes(root, 1, 2))


def _add_factors(priors: Mapping[str, Prior], schools: int, years: Array) -> Any:
    import pymc as pm

    factor = _signed(priors["course_sd"], "course_factor")
    part = pm.Normal("part", 0.0, 1.0, shape=(schools, FACTORS))
    course = pm.Normal("course", 0.0, 1.0, shape=(FACTORS, len(years)))
    return factor * pm.math.dot(part, course) / np.sqrt(FACTORS)


def _draw_factors(values: Mapping[str, Array], schools: int, years: Array, rng: np.random.Generator) -> Array:
    draws = len(values["course_sd"])
    part, course = rng.normal(size=(draws, schools, FACTORS)), rng.normal(size=(draws, FACTORS, len(years)))
    return np.asarray(values["course_sd"][:, None, None] * (part @ course) / np.sqrt(FACTORS))


FADING_NOISE = Path(("noise_sd", "persistence"), _add_noise, _draw_noise)
"""Noise that carries over from year to year and fades: stationary first-order autoregression."""

SHARED_COURSES = Path(("course_sd",), _add_factors, _draw_factors)
"""A few courses over the years, of which each school takes parts of its own, positive or negative: a low-rank path."""
