"""Whether data drawn from a model, before and after it has seen the data, look like the data, in what matters here."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from averting.checks import CheckResult
from averting.draws import spread_of

Array = NDArray[np.float64]
EXTREME = 0.01
"""A feature of the data with a smaller tail share than this, in either direction, is one the model does not make."""


@dataclass(frozen=True)
class Replicates:
    """The data, and data drawn from a model.

    Parameters
    ----------
    observed : array (draw, cell)
        The data; where a count is hidden, a draw within its bounds, so that hidden counts cannot fail a check.
    replicated : array (draw, cell)
        Counts drawn from the model with the same draws.
    mean : array (draw, cell)
        Expected counts.
    exposure : array (cell,)
        What the counts are counted over.
    before : array (cell,) of bool
        The pilots' cells before their start, whose total is the fit that the comparison rests on.
    beside : array (cell,) of bool
        The comparison schools' cells before the first start.
    """

    observed: Array
    replicated: Array
    mean: Array
    exposure: Array
    before: NDArray[np.bool_]
    beside: NDArray[np.bool_]


Feature = Callable[[Array, Replicates], Array]


def _zeros(counts: Array, _data: Replicates) -> Array:
    return np.asarray((counts == 0).mean(axis=1))


def _largest(counts: Array, _data: Replicates) -> Array:
    return np.asarray(counts.max(axis=1))


def _dispersion(counts: Array, data: Replicates) -> Array:
    return np.asarray(((counts - data.mean) ** 2 / np.maximum(data.mean, 1e-9)).mean(axis=1))


def _pilots_before(counts: Array, data: Replicates) -> Array:
    return np.asarray(counts[:, data.before].sum(1))


def _rate(counts: Array, data: Replicates) -> Array:
    return np.asarray(100 * counts[:, data.beside].sum(1) / data.exposure[data.beside].sum())


def _pilots_beside(counts: Array, data: Replicates) -> Array:
    rates = [(counts[:, part].sum(1) + 0.5) / data.exposure[part].sum() for part in (data.before, data.beside)]
    return np.asarray(rates[0] / rates[1])


_ZEROS, _LARGEST = "share of counts that are zero", "largest count"
FEATURES: Mapping[str, Feature] = {
    _ZEROS: _zeros,
    _LARGEST: _largest,
    "squared distance from the expected count, relative to it": _dispersion,
    "pilots' events before their start": _pilots_before,
}
"""What the fitted model must make, in words, as a function of counts (draw, cell) and of what they belong to."""

BEFORE: Mapping[str, Feature] = {
    _ZEROS: _zeros,
    _LARGEST: _largest,
    "comparison schools' events per 100 before the start": _rate,
    "pilots' rate over theirs before the start": _pilots_beside,
}
"""What the priors must leave open."""


def predictive_table(data: Replicates, features: Mapping[str, Feature], level: float = 0.95) -> pd.DataFrame:
    """Compare features of the data with those of data drawn from a model.

    Returns
    -------
    DataFrame
        Columns feature, observed (mean over draws); replicated, lower and upper: median and interval of the replicated
        feature; tail (share of draws in which the replicated feature is below the observed one, ties counted by half).

    References
    ----------
    Gelman, A., Meng, X.-L. and Stern, H. (1996). Posterior predictive assessment of model fitness via realized
    discrepancies. Statistica Sinica 6, 733-807.
    """
    rows = []
    for words, feature in features.items():
        seen, drawn = feature(data.observed, data), feature(data.replicated, data)
        spread = spread_of(drawn, level)
        tail = float((drawn < seen).mean() + 0.5 * (drawn == seen).mean())
        rows.append(
            {
                "feature": words,
                "observed": seen.mean(),
                "replicated": spread["median"],
                "lower": spread["lower"],
                "upper": spread["upper"],
                "tail": tail,
            }
        )
    return pd.DataFrame(rows)


def _odd(table: pd.DataFrame) -> list[str]:
    return [str(name) for name in table[(table["tail"] < EXTREME) | (table["tail"] > 1 - EXTREME)]["feature"]]


def check_priors(table: pd.DataFrame) -> CheckResult:
    """Say in words whether the priors leave room for data like these."""
    key = "bayes/prior_predictive"
    if odd := _odd(table):
        return CheckResult(
            key,
            "warn",
            f"Before the data, the priors all but exclude what these data show of: {'; '.join(odd)}.",
            "The priors say more than they should. See 'What to do when a check fails'.",
        )
    return CheckResult(
        key,
        "pass",
        f"Before the data, the priors leave room for data like these, in: {'; '.join(table['feature'])}.",
    )


def check_prediction(table: pd.DataFrame) -> CheckResult:
    """Say in words whether the model makes data like those it was fitted to."""
    if odd := _odd(table):
        return CheckResult(
            "bayes/predictive",
            "warn",
            f"Data drawn from the fitted model differ from the real data in: {'; '.join(odd)}.",
            "The model misses something about these counts. See 'What to do when a check fails'.",
        )
    return CheckResult(
        "bayes/predictive",
        "pass",
        "Data drawn from the fitted model resemble the real data in zeros, largest count, spread and the pilots' "
        "events before their start.",
    )
