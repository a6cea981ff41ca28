"""How far from parallel trends may have been before the answer changes."""

from __future__ import annotations

import numpy as np
import pandas as pd

from averting.checks import CheckResult
from averting.draws import stream
from averting.effects.diagnostics.asked import Asked, Finding
from averting.effects.diagnostics.event_study import from_differences
from averting.effects.kernels.honest import EventStudy, relative_interval, smoothness_interval
from averting.errors import EstimationError

RELATIVE = (0.0, 0.5, 1.0, 1.5, 2.0)
SMOOTH = (0.0, 0.25, 0.5, 1.0)
"""Changes of slope, in standard errors of the first coefficient after the start."""


def honest(asked: Asked) -> Finding:
    """Widen the interval of the mean difference after the start by what trends may have done."""

    def judge(study: EventStudy, periods: tuple[str, ...], schools: int) -> Finding:
        after = len(study.beta) - study.before
        level, mean = asked.effect.level, np.full(after, 1 / after)
        try:
            return judge_honest(study, mean, level=level, seed=asked.seed, span=asked.span)
        except ValueError as error:
            raise EstimationError(f"{error}. Use fewer periods after the start.") from error

    return from_differences(asked, "honest", "Sensitivity to trends was not found", judge)


def judge_honest(
    study: EventStudy, weights: np.ndarray, *, level: float = 0.95, seed: int = 1, span: str = "year"
) -> Finding:
    """Return intervals under both restrictions; see :mod:`averting.effects.kernels.honest`.

    Parameters
    ----------
    study : EventStudy
        Coefficients, covariance, and how many lie before the reference period.
    weights : array (after,)
        Of the coefficients after the start.
    level : float
        Level of the intervals.
    seed : int
        Seed of the first stage's critical value.
    span : str
        What one period is, for the words.

    Returns
    -------
    Finding
        ``table``: columns restriction ("relative", "smooth"), size, lower, upper (events per 100 pupils), and
        no_effect, whether 0 lies in the interval.
    """
    alpha = round(1 - level, 9)
    rows = [
        ("relative", size, *relative_interval(study, weights, times=size, rng=stream(seed, "diagnostics/honest"), alpha=alpha))
        for size in RELATIVE
    ]  # fmt: skip
    unit = float(np.sqrt(study.sigma[study.before, study.before]))
    if study.before > 1:
        smooth = [share * unit for share in SMOOTH]
        rows += [
            ("smooth", size, *smoothness_interval(study, weights, largest=size, alpha=alpha)) for size in smooth
        ]
    table = pd.DataFrame(rows, columns=["restriction", "size", "lower", "upper"])
    table["no_effect"] = ~((table["lower"] > 0) | (table["upper"] < 0))
    relative = table[table["restriction"] == "relative"]
    holds = relative.loc[~relative["no_effect"], "size"]
    return Finding(_check(holds, span), table)


def _check(holds: pd.Series[float], span: str) -> CheckResult:
    key = "diagnostics/honest"
    by = f"{span.capitalize()} by {span} and by a normal approximation, the mean difference in rates"
    if holds.empty:
        message = f"{by} cannot be told from none even if trends were parallel, so uneven trends change nothing."
        return CheckResult(key, "info", message)
    most = float(holds.max())
    if most == 0:
        message = f"{by} would be clear of zero only if trends had been exactly parallel after the start."
    else:
        message = (
            f"{by} stays clear of zero even if trends departed, after the start, up to {most:g} times as much from one "
            f"{span} to the next as they ever did before."
        )
    weak = most < 1
    advice = "A departure as large as seen before would undo it." if weak else ""
    return CheckResult(key, "warn" if weak else "pass", message, advice)
