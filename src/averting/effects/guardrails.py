"""A fall in exclusions is no success if pupils left by another door: the same method on each, judged together."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from averting.checks import CheckResult
from averting.effects.result import Effect
from averting.effects.verdict import Verdict

ROSE, FELL, UNCLEAR, NOT_ESTIMABLE = "rose", "fell", "cannot tell", "not estimable"
COLUMNS = ("indicator", "estimate", "lower", "upper", "p_value", "p_adjusted", "finding", "note")
COMBINED = "combined"
"""Key of exclusions and moves taken together."""


def holm(p_values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Adjust p-values so that the chance of any false finding among them keeps its level [holm_1979]_.

    Parameters
    ----------
    p_values : array (k,)
        NaN where there is none; those are left out of the family.

    References
    ----------
    .. [holm_1979] Holm, S. (1979). A simple sequentially rejective multiple test procedure. Scandinavian Journal of
       Statistics 6(2).
    """
    adjusted = np.full(len(p_values), np.nan)
    order = np.argsort(p_values, kind="stable")[: int(np.isfinite(p_values).sum())]
    steps = p_values[order] * np.arange(len(order), 0, -1)
    adjusted[order] = np.minimum(1.0, np.maximum.accumulate(steps))
    return adjusted


def guardrail_table(effects: Mapping[str, Effect | str]) -> pd.DataFrame:
    """Judge effects on other outcomes together.

    Parameters
    ----------
    effects : mapping of str to Effect or str
        By indicator; text says why there is no estimate. :data:`COMBINED` is shown and not part of the family.

    Returns
    -------
    DataFrame
        A row per indicator with :data:`COLUMNS`; ``finding`` is "rose", "fell", "cannot tell" or "not estimable".
    """
    rows = [_row(name, effect) for name, effect in effects.items()]
    table = pd.DataFrame(rows, columns=list(COLUMNS))
    family = (table["indicator"] != COMBINED) & (table["finding"] != NOT_ESTIMABLE)
    p_values = table["p_value"].astype(float).to_numpy()
    table["p_adjusted"] = holm(np.where(family, p_values, np.nan))
    levels = [1 - effect.level for effect in effects.values() if isinstance(effect, Effect)]
    lost = family & (table["p_adjusted"] > round(min(levels, default=0.05), 9))
    table.loc[lost, "finding"] = UNCLEAR
    return table


def _row(name: str, effect: Effect | str) -> dict[str, object]:
    if isinstance(effect, str):
        return {"indicator": name, "finding": NOT_ESTIMABLE, "note": effect}
    words = {
        Verdict.INCREASE: ROSE,
        Verdict.REDUCTION: FELL,
        Verdict.UNCERTAIN: UNCLEAR,
        Verdict.NOT_ESTIMABLE: NOT_ESTIMABLE,
    }
    low, high = effect.interval
    return {
        "indicator": name,
        "estimate": effect.estimate,
        "lower": low,
        "upper": high,
        "p_value": np.nan if effect.p_value is None else effect.p_value,
        "finding": words[effect.verdict],
        "note": "",
    }


def guardrail_check(primary: Effect, table: pd.DataFrame, labels: Mapping[str, str]) -> CheckResult:
    """Say whether what fell may have moved elsewhere.

    Parameters
    ----------
    primary : Effect
        The effect that the verdict rests on.
    table : DataFrame
        From :func:`guardrail_table`.
    labels : mapping of str to str
        Indicators' names in running text.
    """
    key, fell = "guardrails", primary.verdict is Verdict.REDUCTION
    outcome = labels.get(primary.estimand.indicator, primary.estimand.indicator)
    single = table[table["indicator"] != COMBINED]
    seen = single[single["finding"] != NOT_ESTIMABLE]
    if seen.empty:
        message = (
            f"No other way out of the classroom (managed moves, off-site direction, home education, part-time timetables, "
            f"unexplained exits, days lost) could be estimated, so a fall in {outcome} may be a move elsewhere."
        )
        return CheckResult(key, "warn" if fell else "info", message, "Add these counts to the data.")
    risen = [labels.get(name, name) for name in seen.loc[seen["finding"] == ROSE, "indicator"]]
    if risen:
        moved = "what fell may have moved there, which is no success" if fell else "pupils may have moved there"
        return CheckResult(
            key, "warn", f"With the programme, {_list(risen)} rose: {moved}.", "Find out where pupils went."
        )
    together = table.loc[table["indicator"] == COMBINED, "finding"]
    unclear = [labels.get(name, name) for name in seen.loc[seen["finding"] == UNCLEAR, "indicator"]]
    if fell and (together != FELL).any():
        message = (
            f"Exclusions and other ways out taken together did not demonstrably fall, so it cannot be ruled out that the "
            f"fall in {outcome} moved elsewhere."
        )
        return CheckResult(key, "warn", message, "Find out where pupils went.")
    open_ = f" For {_list(unclear)} it cannot be told." if unclear else ""
    return CheckResult(
        key, "info" if unclear else "pass", f"No other way out of the classroom is seen to have risen.{open_}"
    )


def _list(names: list[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
