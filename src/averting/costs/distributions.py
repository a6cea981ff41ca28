"""Distributions of a parameter, declared by a family and its moments or quantiles.

Draws are made by inverting the distribution function at uniform numbers, so that two scenarios that give one
parameter different distributions still use the same ranks: a high draw in one is a high draw in the other.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy import special, stats

from averting.errors import ParameterError

type Numbers = Mapping[str, float]
type Array = NDArray[np.float64]

# A declared mean is read from print, so it may be rounded; a typing error is far larger than this.
_LARGEST = 1e300  # also of whole numbers, which TOML lets grow beyond what a float holds
_MEAN_TOLERANCE = 1e-3
_QUANTILES = {"p5": 0.05, "p25": 0.25, "median": 0.5, "p75": 0.75, "p95": 0.95}


@dataclass(frozen=True)
class _Shape:
    """What a family makes of its numbers: the analytic mean and the quantile function."""

    mean: float
    quantile: Callable[[Array], Array]


def _need(ok: bool, what: str) -> None:
    if not ok:
        raise ParameterError(what)


def _location_scale(table: Numbers) -> tuple[float, float]:
    """Centre and spread of a normal curve through two declared quantiles."""
    (p_low, low), (p_high, high) = sorted((_QUANTILES[key], table[key]) for key in table if key in _QUANTILES)
    z_low, z_high = float(special.ndtri(p_low)), float(special.ndtri(p_high))
    _need(high > low, "quantiles must rise with their probability")
    scale = (high - low) / (z_high - z_low)
    return low - z_low * scale, scale


def _normal_shape(mean: float, sd: float) -> _Shape:
    return _Shape(mean, lambda u: np.asarray(mean + sd * special.ndtri(u), dtype=np.float64))


def _lognormal_shape(location: float, scale: float) -> _Shape:
    return _Shape(
        math.exp(location + scale**2 / 2),
        lambda u: np.asarray(np.exp(location + scale * special.ndtri(u)), dtype=np.float64),
    )


def _normal_moments(table: Numbers) -> _Shape:
    _need(table["sd"] > 0, "sd must be above 0")
    return _normal_shape(table["mean"], table["sd"])


def _normal_quantiles(table: Numbers) -> _Shape:
    return _normal_shape(*_location_scale(table))


def _lognormal_moments(table: Numbers) -> _Shape:
    mean, sd = table["mean"], table["sd"]
    _need(mean > 0 and sd > 0, "mean and sd must be above 0")
    variance = math.log1p((sd / mean) ** 2)
    return _lognormal_shape(math.log(mean) - variance / 2, math.sqrt(variance))


def _lognormal_quantiles(table: Numbers) -> _Shape:
    quantiles = {key: value for key, value in table.items() if key in _QUANTILES}
    _need(min(quantiles.values()) > 0, "quantiles must be above 0")
    return _lognormal_shape(*_location_scale({key: math.log(value) for key, value in quantiles.items()}))


def _gamma_moments(table: Numbers) -> _Shape:
    mean, sd = table["mean"], table["sd"]
    _need(mean > 0 and sd > 0, "mean and sd must be above 0")
    return _gamma_shape({"shape": (mean / sd) ** 2, "scale": sd**2 / mean})


def _gamma_shape(table: Numbers) -> _Shape:
    shape, scale = table["shape"], table["scale"]
    _need(shape > 0 and scale > 0, "shape and scale must be above 0")
    return _Shape(shape * scale, lambda u: np.asarray(scale * special.gammaincinv(shape, u), dtype=np.float64))


def _beta_moments(table: Numbers) -> _Shape:
    mean, sd = table["mean"], table["sd"]
    _need(0 < mean < 1, "mean must be between 0 and 1")
    _need(0 < sd**2 < mean * (1 - mean), "sd must be above 0 and below the square root of mean x (1 - mean)")
    size = mean * (1 - mean) / sd**2 - 1
    return _beta_shape({"alpha": mean * size, "beta": (1 - mean) * size})


def _beta_shape(table: Numbers) -> _Shape:
    alpha, beta = table["alpha"], table["beta"]
    _need(alpha > 0 and beta > 0, "alpha and beta must be above 0")
    return _Shape(
        alpha / (alpha + beta), lambda u: np.asarray(special.betaincinv(alpha, beta, u), dtype=np.float64)
    )


def _three_points(table: Numbers) -> tuple[float, float, float]:
    low, mode, high = table["low"], table["mode"], table["high"]
    _need(low < high and low <= mode <= high, "low <= mode <= high and low < high are needed")
    return low, mode, high


def _triangular(table: Numbers) -> _Shape:
    low, mode, high = _three_points(table)
    frozen = stats.triang((mode - low) / (high - low), loc=low, scale=high - low)
    return _Shape((low + mode + high) / 3, lambda u: np.asarray(frozen.ppf(u), dtype=np.float64))


def _pert(table: Numbers) -> _Shape:
    low, mode, high = _three_points(table)
    width = high - low
    inner = _beta_shape({"alpha": 1 + 4 * (mode - low) / width, "beta": 1 + 4 * (high - mode) / width})
    return _Shape((low + 4 * mode + high) / 6, lambda u: low + width * inner.quantile(u))


def _uniform(table: Numbers) -> _Shape:
    low, high = table["low"], table["high"]
    _need(low < high, "low must be below high")
    return _Shape((low + high) / 2, lambda u: low + (high - low) * u)


def _fixed(table: Numbers) -> _Shape:
    value = table["value"]
    return _Shape(value, lambda u: np.full(u.shape, value))


# family -> the sets of keys it can be declared by, each with the function that reads them
FAMILIES: dict[str, dict[tuple[str, ...], Callable[[Numbers], _Shape]]] = {
    "normal": {("mean", "sd"): _normal_moments, ("p5", "p95"): _normal_quantiles},
    "lognormal": {
        ("mean", "sd"): _lognormal_moments,
        ("p5", "p95"): _lognormal_quantiles,
        ("median", "p95"): _lognormal_quantiles,
        ("p25", "p75"): _lognormal_quantiles,
    },
    "gamma": {("mean", "sd"): _gamma_moments, ("shape", "scale"): _gamma_shape},
    "beta": {("mean", "sd"): _beta_moments, ("alpha", "beta"): _beta_shape},
    "triangular": {("low", "mode", "high"): _triangular},
    "pert": {("low", "mode", "high"): _pert},
    "uniform": {("low", "high"): _uniform},
    "fixed": {("value",): _fixed},
}


@dataclass(frozen=True)
class Distribution:
    """One uncertain number.

    Parameters
    ----------
    family : str
        One of ``FAMILIES``.
    numbers : tuple of (str, float)
        The numbers it is declared by, sorted by name; any family may also declare its ``mean``, which is then
        checked against the analytic one.

    Raises
    ------
    ParameterError
        For an unknown family or key, numbers that make no distribution, or a declared mean that is not the
        family's.

    Examples
    --------
    >>> Distribution.from_table({"family": "uniform", "low": 0, "high": 4}).mean
    2.0
    """

    family: str
    numbers: tuple[tuple[str, float], ...]

    def __post_init__(self) -> None:
        analytic = self.mean  # makes the shape, so that numbers which make none are refused here and not later
        declared = dict(self.numbers).get("mean", analytic)
        if not math.isclose(analytic, declared, rel_tol=_MEAN_TOLERANCE):
            raise ParameterError(
                f"the {self.family} distribution declares mean {declared:g}, but its other numbers give "
                f"{analytic:g}. Correct one of them."
            )

    @classmethod
    def from_table(cls, table: Mapping[str, object]) -> Distribution:
        """Read ``{family = "gamma", mean = 1.0, sd = 0.2}``; anything not understood is a ParameterError."""
        numbers: dict[str, float] = {}
        for key, value in table.items():
            if key == "family":
                continue
            if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) < _LARGEST:
                raise ParameterError(f"distribution has {key} = {value!r}. It must be a finite number.")
            numbers[key] = float(value)
        return cls(str(table.get("family", "")), tuple(sorted(numbers.items())))

    @classmethod
    def point(cls, value: float) -> Distribution:
        """Return the distribution of a number that is taken as known."""
        return cls.from_table({"family": "fixed", "value": value})

    @cached_property
    def _shape(self) -> _Shape:
        variants = FAMILIES.get(self.family)
        if variants is None:
            raise ParameterError(f"'{self.family}' is not a family. Use one of: {', '.join(FAMILIES)}.")
        table = dict(self.numbers)
        for keys, read in variants.items():
            if set(table) in (set(keys), {*keys, "mean"}):
                return self._read(read, table)
        allowed = " or ".join("{" + ", ".join(keys) + "}" for keys in variants)
        raise ParameterError(
            f"the {self.family} distribution has keys {{{', '.join(table)}}}. Give {allowed}; "
            "'mean' may be added and is then checked."
        )

    def _read(self, read: Callable[[Numbers], _Shape], table: dict[str, float]) -> _Shape:
        try:
            return read(table)
        except ArithmeticError as error:  # a ratio or square that no computer holds
            told = ", ".join(f"{key} = {value:g}" for key, value in table.items())
            raise ParameterError(
                f"the {self.family} distribution with {told} cannot be computed. Look for a slip in its exponents."
            ) from error

    @property
    def mean(self) -> float:
        """Analytic mean."""
        return self._shape.mean

    def quantile(self, probability: float) -> float:
        """Value below which a share ``probability`` of the draws falls."""
        return float(self._shape.quantile(np.array([probability]))[0])

    def draw(self, n: int, rng: np.random.Generator) -> Array:
        """Return ``n`` independent draws; the same generator gives the same ranks whatever the family."""
        return self._shape.quantile(rng.random(n))
