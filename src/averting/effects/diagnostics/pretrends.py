"""Whether pilots were on another path before the start, and whether a test could have seen it."""

from __future__ import annotations

import numpy as np
import pandas as pd

from averting.checks import CheckResult
from averting.draws import stream
from averting.effects.diagnostics.asked import Asked, Finding
from averting.effects.diagnostics.event_study import from_differences
from averting.effects.kernels.honest import EventStudy
from averting.effects.kernels.pretrends import bias_after_passing, joint_test, slope_found

CHANCES = (0.5, 0.8)


def pretrends(asked: Asked) -> Finding:
    """Test differences before the start jointly, and find the trend that such a test would miss."""
    return from_differences(
        asked,
        "pretrends",
        "Earlier trends were not tested",
        lambda study, periods, schools: judge_pretrends(
            study,
            periods,
            clusters=schools,
            level=asked.effect.level,
            seed=asked.seed,
            units=asked.design.panel.units,
            span=asked.span,
        ),
    )


def judge_pretrends(
    study: EventStudy,
    periods: tuple[str, ...],
    *,
    clusters: int | None = None,
    level: float = 0.95,
    seed: int = 1,
    units: str = "schools",
    span: str = "year",
) -> Finding:
    """Judge an event study's coefficients before the start; see :mod:`averting.effects.kernels.pretrends`.

    Parameters
    ----------
    study : EventStudy
        Coefficients, covariance, and how many lie before the reference period.
    periods : tuple of str
        Of the coefficients.
    clusters : int, optional
        Independent units behind the covariance, which the joint test allows for.
    level : float
        Level of the tests.
    seed : int
        Seed of the bias's draws.
    units, span : str
        What is compared, in the plural, and what one period is, for the words.

    Returns
    -------
    Finding
        ``table`` has a row per coefficient: period, difference, standard_error; and for trends found with a chance
        of 50 % and 80 %, what they would come to there (trend_50, trend_80) and how far an estimate that is looked
        at only if the test passed would be off (bias_50, bias_80; NaN before the start).
    """
    before = slice(0, study.before)
    test = joint_test(study.beta[before], study.sigma[before, before], clusters=clusters)
    table = pd.DataFrame(
        {"period": periods, "difference": study.beta, "standard_error": np.sqrt(np.diag(study.sigma))}
    )
    slopes = []
    for chance in CHANCES:
        slope = slope_found(study.times[before], study.sigma[before, before], chance=chance, level=level)
        rng = stream(seed, f"diagnostics/pretrends/{chance}")
        bias, _ = bias_after_passing(slope * study.times, study.sigma, before=study.before, rng=rng, level=level)
        table[f"trend_{chance:.0%}".rstrip("%")] = slope * study.times
        table[f"bias_{chance:.0%}".rstrip("%")] = np.concatenate([np.full(study.before, np.nan), bias])
        slopes.append(slope)
    off = float(np.nanmean(table["bias_80"]))
    failed = test.p_value < 1 - level
    message = (
        f"Joint test of no difference in trends before the start: p = {test.p_value:.2g}. A steady drift of "
        f"{slopes[0]:.3g} events per 100 pupils a {span} would be noticed half the time, {slopes[1]:.3g} four times in "
        f"five; with the latter, an estimate that passed would be off by {off:.3g} on average."
    )
    advice = f"Pilots and comparison {units} moved apart before the start." if failed else ""
    return Finding(CheckResult("diagnostics/pretrends", "warn" if failed else "pass", message, advice), table)
