"""Whether data drawn from the fitted model look like the data, in what matters here."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from averting.checks import CheckResult

Array = NDArray[np.float64]
EXTREME = 0.01
"""A feature of the data with a smaller tail share than this, in either direction, is one the model does not make."""


def _dispersion(counts: Array, mean: Array) -> Array:
    return np.asarray(((counts - mean) ** 2 / np.maximum(mean, 1e-9)).mean(axis=1))


FEATURES: dict[str, tuple[str, Callable[[Array, Array], Array]]] = {
    "zeros": ("share of counts that are zero", lambda counts, mean: (counts == 0).mean(axis=1)),
    "tail": ("largest count", lambda counts, mean: counts.max(axis=1)),
    "dispersion": ("squared distance from the expected count, relative to it", _dispersion),
}
"""Feature by key: in words, and as a function of counts and expected counts, both (draw, cell), to (draw,)."""


def predictive_table(observed: Array, replicated: Array, mean: Array, before: NDArray[np.bool_]) -> pd.DataFrame:
    """Compare features of the data with those of data drawn from the fitted model.

    Parameters
    ----------
    observed : array (draw, cell)
        The data; where a count is hidden, a draw within its bounds, so that hidden counts cannot fail a check.
    replicated : array (draw, cell)
        Counts drawn from the model with the same draws.
    mean : array (draw, cell)
        Expected counts.
    before : array (cell,) of bool
        The pilots' cells before their start, whose total is the fit that the comparison rests on.

    Returns
    -------
    DataFrame
        Columns feature, observed and replicated (means over draws), tail (share of draws in which the replicated
        feature is below the observed one, ties counted by half).

    References
    ----------
    Gelman, A., Meng, X.-L. and Stern, H. (1996). Posterior predictive assessment of model fitness via realized
    discrepancies. Statistica Sinica 6, 733-807.
    """
    rows = []
    pairs = {words: (feature(observed, mean), feature(replicated, mean)) for words, feature in FEATURES.values()}
    pairs["pilots' events before their start"] = observed[:, before].sum(1), replicated[:, before].sum(1)
    for words, (seen, drawn) in pairs.items():
        tail = float((drawn < seen).mean() + 0.5 * (drawn == seen).mean())
        rows.append({"feature": words, "observed": seen.mean(), "replicated": drawn.mean(), "tail": tail})
    return pd.DataFrame(rows)


def check_prediction(table: pd.DataFrame) -> CheckResult:
    """Say in words whether the model makes data like those it was fitted to."""
    odd = table[(table["tail"] < EXTREME) | (table["tail"] > 1 - EXTREME)]["feature"].tolist()
    if odd:
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
