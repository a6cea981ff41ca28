"""How much of the answer is the prior's: power-scaling of the prior on the effect and of the data."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from averting.checks import CheckResult

Array = NDArray[np.float64]
POWERS = (0.5, 0.8, 1.0, 1.25, 2.0)
_RELIABLE = 0.1  # of the draws must be left, in effective number, for a reweighted answer to be shown


def power_scaled(
    effect: Array, log_density: Array, level: float, *, back: Callable[[Array], Array] = np.exp
) -> pd.DataFrame:
    """Return the posterior of an effect under the prior raised to several powers, without fitting again.

    Parameters
    ----------
    effect : array (draw,)
        Posterior draws, of a log ratio or a difference: no effect is 0.
    log_density : array (draw,)
        Log prior density of each draw.
    level : float
        Level of the interval.
    back : callable
        To the scale that is shown; by default from logs of ratios to ratios.

    Returns
    -------
    DataFrame
        Columns power (1 is the prior as declared; below it is weaker), estimate, lower, upper, probability (of a
        reduction) and effective (share of draws that the reweighting leaves); NaN where too few are left.

    References
    ----------
    Kallioinen, N., Paananen, T., Bürkner, P.-C. and Vehtari, A. (2024). Detecting and diagnosing prior and
    likelihood sensitivity with power-scaling. Statistics and Computing 34, 57.
    """
    order = np.argsort(effect)
    rows = []
    for power in POWERS:
        log_weight = (power - 1.0) * log_density
        weight = np.exp(log_weight - log_weight.max())
        weight /= weight.sum()
        effective = float(1.0 / np.square(weight).sum() / len(weight))
        shares = np.cumsum(weight[order])
        tail = (1 - level) / 2
        at = np.searchsorted(shares, [0.5, tail, 1 - tail]).clip(max=len(order) - 1)
        values = [*back(effect[order][at]), weight[effect < 0].sum()]
        rows.append([power, *(values if effective >= _RELIABLE else [np.nan] * 4), effective])
    return pd.DataFrame(rows, columns=["power", "estimate", "lower", "upper", "probability", "effective"])


def check_sensitivity(table: pd.DataFrame, *, no_effect: float = 1.0) -> CheckResult:
    """Warn where halving or doubling the prior's weight changes whether the interval excludes no effect."""
    known = table.dropna()
    calls = set(zip((known["lower"] > no_effect).tolist(), (known["upper"] < no_effect).tolist(), strict=True))
    low, high = known["probability"].min(), known["probability"].max()
    words = (
        f"With the prior on the effect given half to double its weight, the probability of a reduction runs from "
        f"{low:.0%} to {high:.0%}"
    )
    if len(calls) > 1:
        return CheckResult(
            "bayes/prior_sensitivity",
            "warn",
            f"{words}, and whether the interval excludes no effect depends on that weight.",
            "Say so beside the result, and show the families of priors side by side.",
        )
    return CheckResult("bayes/prior_sensitivity", "pass", f"{words}; the verdict does not depend on it.")
