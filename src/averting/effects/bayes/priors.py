"""Declared priors: each model's table in ``models/priors``, in three families that differ in what they expect."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import stats

from averting.errors import EstimationError
from averting.resources import read_model

Shape = Literal["normal", "half_normal", "correlation"]
SHAPES: tuple[Shape, ...] = ("normal", "half_normal", "correlation")
FAMILIES = ("neutral", "sceptical", "enthusiastic")
"""What a prior expects of the programme: nothing either way, little change, or a fall."""
EFFECT = "log_ratio"
"""The parameter that says what the programme did; a prior of one's own is on it."""


@dataclass(frozen=True)
class Prior:
    """Prior of one parameter.

    Parameters
    ----------
    name : str
        The parameter.
    shape : {"normal", "half_normal", "correlation"}
        Normal with ``mean`` and ``sd``; the positive half of a normal around 0 with that ``sd``; or a correlation
        whose Fisher's z (inverse hyperbolic tangent) is normal with them.
    mean, sd : float
        On the parameter's own scale, logs of rates unless ``meaning`` says otherwise.
    meaning, source : str
        What the parameter is, and where the prior comes from.
    """

    name: str
    shape: Shape
    mean: float
    sd: float
    meaning: str
    source: str

    def log_density(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the log density at values of any shape, for the sensitivity to this prior."""
        if self.shape == "half_normal":
            return np.asarray(stats.halfnorm.logpdf(values, scale=self.sd))
        if self.shape == "correlation":
            inside = np.clip(values, -1 + 1e-12, 1 - 1e-12)
            return np.asarray(stats.norm.logpdf(np.arctanh(inside), self.mean, self.sd) - np.log1p(-(inside**2)))
        return np.asarray(stats.norm.logpdf(values, self.mean, self.sd))

    def draw(self, draws: int, rng: np.random.Generator) -> NDArray[np.float64]:
        """Draw values, (draw,)."""
        values = rng.normal(self.mean, self.sd, draws)
        if self.shape == "half_normal":
            return np.abs(values)
        return np.tanh(values) if self.shape == "correlation" else values

    @property
    def below_zero(self) -> float:
        """Chance that the prior gives to values below 0: of a log ratio, to a reduction."""
        return 0.0 if self.shape == "half_normal" else float(stats.norm.cdf(0.0, self.mean, self.sd))

    def __str__(self) -> str:
        if self.shape == "half_normal":
            return f"half-normal({self.sd:g})"
        normal = f"normal({self.mean:g}, {self.sd:g})"
        return f"tanh of {normal}" if self.shape == "correlation" else normal


def load_priors(model: str, family: str | Prior = "neutral") -> dict[str, Prior]:
    """Return a model's priors from ``models/priors/<model>.toml``, with what a family changes.

    A :class:`Prior` in place of a family is the one on the effect, ``log_ratio``, beside the neutral others.

    A file that begins with ``extends = "<other model>"`` takes over that model's priors, save those it states.

    Raises
    ------
    EstimationError
        If the family is not one of :data:`FAMILIES`, the model has no ``log_ratio``, or a prior lacks something.
    """
    if isinstance(family, Prior):
        return {**load_priors(model), EFFECT: _on_the_effect(model, family)}
    if family not in FAMILIES:
        raise EstimationError(f"prior '{family}' is not known. Use one of: {', '.join(FAMILIES)}.")
    tables = _tables(model)
    changed = tables.get(family, {})
    return {
        name: _prior(model, name, {**table, **changed.get(name, {})})
        for name, table in tables.items()
        if name not in FAMILIES
    }


def _on_the_effect(model: str, prior: Prior) -> Prior:
    meant = load_priors(model).get(EFFECT)
    if meant is None or (prior.name, prior.shape) != (EFFECT, meant.shape):
        raise EstimationError(
            f"{model} takes no prior of '{prior.name}' ({prior.shape}). Give a normal prior of {EFFECT} to a model of counts, "
            f"or name one of: {', '.join(FAMILIES)}."
        )
    return replace(prior, meaning=meant.meaning)


def _tables(model: str) -> dict[str, Any]:
    tables = read_model("priors", f"{model}.toml")
    if "extends" not in tables:
        return tables
    base = _tables(tables.pop("extends"))
    families = {family: {**base.get(family, {}), **tables.get(family, {})} for family in FAMILIES}
    return {**base, **tables, **families}


def _prior(model: str, name: str, table: Mapping[str, Any]) -> Prior:
    absent = [key for key in ("family", "sd", "meaning", "source") if not table.get(key)]
    if absent or table["family"] not in SHAPES or not table["sd"] > 0:
        raise EstimationError(
            f"models/priors/{model}.toml [{name}]: a prior needs family ({', '.join(SHAPES)}), a positive sd, "
            f"meaning and source; {', '.join(absent) or 'family or sd'} is missing or wrong."
        )
    return Prior(name, table["family"], table.get("mean", 0.0), table["sd"], table["meaning"], table["source"])


def prior_table(priors: Mapping[str, Prior], reduction: float | None = None) -> pd.DataFrame:
    """Return one row a prior, for the report: parameter, meaning, prior, source, and the chance of a value below 0.

    ``reduction`` replaces that chance for ``log_ratio`` where the effect hangs on more than this parameter.
    """
    chances = {name: prior.below_zero for name, prior in priors.items()}
    if reduction is not None:
        chances["log_ratio"] = reduction
    rows = [(name, prior.meaning, str(prior), prior.source, chances[name]) for name, prior in priors.items()]
    return pd.DataFrame(rows, columns=["parameter", "meaning", "prior", "source", "below_zero"])


def declare(prior: Prior) -> Any:
    """Return the PyMC variable of one prior; to be called within a model."""
    import pymc as pm

    if prior.shape == "half_normal":
        return pm.HalfNormal(prior.name, prior.sd)
    if prior.shape == "correlation":
        return pm.Deterministic(prior.name, pm.math.tanh(pm.Normal(f"{prior.name}_z", prior.mean, prior.sd)))
    return pm.Normal(prior.name, prior.mean, prior.sd)
