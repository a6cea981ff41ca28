"""Declared priors: each model's table in ``models/priors``, in three families that differ in what they expect."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import stats

from averting.errors import EstimationError
from averting.resources import models_dir

FAMILIES = ("neutral", "sceptical", "enthusiastic")
"""What a prior expects of the programme: nothing either way, little change, or a fall."""

Shape = Literal["normal", "half_normal"]


@dataclass(frozen=True)
class Prior:
    """Prior of one parameter.

    Parameters
    ----------
    name : str
        The parameter.
    shape : {"normal", "half_normal"}
        Normal with ``mean`` and ``sd``; or the positive half of a normal around 0 with that ``sd``.
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
        return np.asarray(stats.norm.logpdf(values, self.mean, self.sd))

    @property
    def below_zero(self) -> float:
        """Chance that the prior gives to values below 0: of a log ratio, to a reduction."""
        return 0.0 if self.shape == "half_normal" else float(stats.norm.cdf(0.0, self.mean, self.sd))

    def __str__(self) -> str:
        return (
            f"half-normal({self.sd:g})" if self.shape == "half_normal" else f"normal({self.mean:g}, {self.sd:g})"
        )


def load_priors(model: str, family: str = "neutral") -> dict[str, Prior]:
    """Return a model's priors from ``models/priors/<model>.toml``, with what a family changes.

    Raises
    ------
    EstimationError
        If the family is not one of :data:`FAMILIES`, or a prior lacks something.
    """
    if family not in FAMILIES:
        raise EstimationError(f"prior '{family}' is not known. Use one of: {', '.join(FAMILIES)}.")
    with (models_dir() / "priors" / f"{model}.toml").open("rb") as handle:
        tables = tomllib.load(handle)
    changed = tables.get(family, {})
    return {
        name: _prior(model, name, {**table, **changed.get(name, {})})
        for name, table in tables.items()
        if name not in FAMILIES
    }


def _prior(model: str, name: str, table: Mapping[str, Any]) -> Prior:
    absent = [key for key in ("family", "sd", "meaning", "source") if not table.get(key)]
    if absent or table["family"] not in ("normal", "half_normal") or not table["sd"] > 0:
        raise EstimationError(
            f"models/priors/{model}.toml [{name}]: a prior needs family (normal or half_normal), a positive sd, "
            f"meaning and source; {', '.join(absent) or 'family or sd'} is missing or wrong."
        )
    return Prior(name, table["family"], table.get("mean", 0.0), table["sd"], table["meaning"], table["source"])


def prior_table(priors: Mapping[str, Prior]) -> pd.DataFrame:
    """Return one row a prior, for the report: parameter, meaning, prior, source, and the chance of a value below 0."""
    rows = [(prior.name, prior.meaning, str(prior), prior.source, prior.below_zero) for prior in priors.values()]
    return pd.DataFrame(rows, columns=["parameter", "meaning", "prior", "source", "below_zero"])


def declare(prior: Prior) -> Any:
    """Return the PyMC variable of one prior; to be called within a model."""
    import pymc as pm

    if prior.shape == "half_normal":
        return pm.HalfNormal(prior.name, prior.sd)
    return pm.Normal(prior.name, prior.mean, prior.sd)
