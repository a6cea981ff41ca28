"""Effects on cohorts of pupils, such as those on free school meals, judged together and beside all other pupils."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np
import pandas as pd
from scipy.special import ndtr, ndtri

from averting.design import Design
from averting.effects import estimate
from averting.effects.areas import AreaEffect, area_effect
from averting.effects.guardrails import guardrail_table, holm
from averting.effects.result import Effect
from averting.effects.verdict import Verdict, verdict
from averting.errors import DesignError, EstimationError


def cohort_effect(design: Design, indicator: str, *, threshold: int, draws: int, seed: int) -> Effect | str:
    """Return the effect on one cohort, or why there is none.

    Parameters
    ----------
    design : Design
        Its panel holds the cohort's own counts, over its own pupils.
    threshold : int
        There is no estimate where pilots together had fewer events than this before the start, or after it.
    """
    upper = design.panel.bounds(indicator)[1].sel(school=list(design.pilots), period=list(design.periods))
    after = [period in design.treated_periods for period in design.periods]
    seen = [float(upper.isel(period=np.flatnonzero(np.array(after) == side)).sum()) for side in (False, True)]
    if min(seen) < threshold:
        return f"pilots may have had fewer than {threshold} before the start, or after it"
    try:
        return estimate(design, indicator, method="ratio_did", draws=draws, seed=seed)
    except (DesignError, EstimationError) as error:
        return error.message


def cohort_table(effects: Mapping[str, Effect | str]) -> pd.DataFrame:
    """Return a row per cohort with Holm's adjustment over cohorts; columns as of the table of guardrails."""
    return guardrail_table(effects).rename(columns={"indicator": "cohort"})


def beside_the_rest(
    cohorts: Mapping[str, Effect | str], rests: Mapping[str, Effect | str], *, level: float = 0.95
) -> pd.DataFrame:
    """Return the ratio of each cohort's ratio to that of all other pupils, adjusted by Holm over cohorts.

    Log ratios are taken as normal and independent. Shocks of a school strike both and would make their difference surer, so
    intervals are wide rather than narrow.
    """
    rows = [_row(name, cohorts[name], rests[name], level) for name in cohorts]
    table = pd.DataFrame(rows, columns=["cohort", "ratio", "lower", "upper", "p_value", "finding", "note"])
    table["p_adjusted"] = holm(table["p_value"].to_numpy(dtype=np.float64))
    lost = table["p_adjusted"] > round(1 - level, 9)
    table.loc[lost, "finding"] = str(Verdict.UNCERTAIN)
    return table[["cohort", "ratio", "lower", "upper", "p_value", "p_adjusted", "finding", "note"]]


def _row(name: str, cohort: Effect | str, rest: Effect | str, level: float) -> dict[str, object]:
    parts = [one if isinstance(one, str) else area_effect(name, one, pilots=0) for one in (cohort, rest)]
    whys = [f"{who}{part}" for who, part in zip(("", "the rest: "), parts, strict=True) if isinstance(part, str)]
    if whys:
        return {"cohort": name, "finding": str(Verdict.NOT_ESTIMABLE), "note": "; ".join(whys)}
    one, other = (part for part in parts if isinstance(part, AreaEffect))
    centre, se = one.log_ratio - other.log_ratio, math.hypot(one.se, other.se)
    arm = float(ndtri((1 + level) / 2)) * se
    ends = (math.exp(centre - arm), math.exp(centre + arm))
    words = {
        Verdict.REDUCTION: "evidence that the cohort fell by more than the rest",
        Verdict.INCREASE: "evidence that the cohort fell by less than the rest, or rose by more",
    }
    found = verdict(ends, no_effect=1.0)
    return {
        "cohort": name,
        "ratio": math.exp(centre),
        "lower": ends[0],
        "upper": ends[1],
        "p_value": float(2 * ndtr(-abs(centre / se))),
        "finding": words.get(found, str(found)),
        "note": "",
    }
