"""How alike pilots and comparison schools were before the programme, and how both moved over time."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from averting.design.design import Counts, Design
from averting.design.features import descriptions
from averting.design.features import measure as measure_schools

Array = NDArray[np.float64]

_COLUMNS = (
    "pilots",
    "comparison",
    "standardised_difference",
    "variance_ratio",
    "overlap",
    "unweighted_difference",
)


def _middle(counts: Counts) -> Array:
    return 0.5 * (counts.lower + counts.upper)


def balance(design: Design) -> pd.DataFrame:
    """Compare pilots with comparison schools before the first start.

    Returns
    -------
    DataFrame
        One row per indicator's rate per 100, one for exposure and one per covariate: mean over pilots, mean over
        comparison schools, their difference in standard deviations of the comparison schools, variance_ratio
        (pilots' over comparison schools'; NaN with one pilot), overlap (share of pilots within the range of
        the comparison schools) and unweighted_difference. The mean and variance of comparison schools are weighted
        where the design has weights; the standard deviations never are, so that both differences are on one scale.
        Suppressed counts enter at the middle of their bounds; schools without a value take no part in its row.
    """
    before = np.array([period < min(design.starts.values()) for period in design.periods])
    pilots = np.arange(len(design.schools)) < len(design.pilots)
    rows = []
    first = design.counts(design.panel.indicators[0])
    weights = first.weights
    measures = {"exposure": np.nanmean(np.where(before, first.exposure, np.nan)[:, before], axis=1)}
    for indicator in design.panel.indicators:
        counts = design.counts(indicator)
        events = np.nansum(_middle(counts)[:, before], axis=1)
        measures[f"{indicator}, per 100"] = 100 * events / np.nansum(counts.exposure[:, before], axis=1)
    if described := descriptions(design.panel):
        periods = [period for period, early in zip(design.periods, before, strict=True) if early]
        values, names = measure_schools(design.panel, design.schools, periods, described)
        measures |= dict(zip(names, values.T, strict=True))
    for measure, value in measures.items():
        known = np.isfinite(value)
        others = ~pilots & known
        rows.append({"measure": measure, **_compare(value[pilots & known], value[others], weights[others])})
    return pd.DataFrame(rows)


def _compare(pilots: Array, others: Array, weights: Array) -> dict[str, float]:
    if len(pilots) == 0 or len(others) < 2:
        return dict.fromkeys(_COLUMNS, np.nan)
    spread = np.std(others, ddof=1)
    own = np.var(pilots, ddof=1) if len(pilots) > 1 else np.nan
    mean = np.average(others, weights=weights)
    # with equal weights, the sum of squares over one less than the number of schools
    free = weights.sum() - (weights**2).sum() / weights.sum()
    variance = (weights * (others - mean) ** 2).sum() / free
    numbers = (
        pilots.mean(),
        mean,
        (pilots.mean() - mean) / spread if spread > 0 else np.nan,
        own / variance if spread > 0 else np.nan,
        ((pilots >= others.min()) & (pilots <= others.max())).mean(),
        (pilots.mean() - others.mean()) / spread if spread > 0 else np.nan,
    )
    return {name: float(number) for name, number in zip(_COLUMNS, numbers, strict=True)}


def paths(design: Design, indicator: str) -> pd.DataFrame:
    """Return events, exposure and rates of pilots and comparison schools by period.

    Returns
    -------
    DataFrame
        Columns period, group ("pilots", "comparison"), lower, upper (bounds of the group's events), exposure,
        rate, rate_lower, rate_upper (per 100; the rate at the middle of the bounds), used. Periods left out of
        the analysis are shown too, with ``used`` false. These are counts, so weights of comparison schools play
        no part.
    """
    cells = design.panel.data.sel(indicator=indicator)
    rows = []
    for group, schools in (("pilots", design.pilots), ("comparison", design.comparison)):
        part = cells.sel(school=list(schools))
        known = np.isfinite(part["upper"]) & (part["exposure"] > 0)
        totals = {
            name: part[name].where(known).sum("school").to_numpy() for name in ("lower", "upper", "exposure")
        }
        for i, period in enumerate(design.panel.periods):
            lower, upper, exposure = (totals[name][i] for name in ("lower", "upper", "exposure"))
            scale = 100 / exposure if exposure > 0 else np.nan
            rows.append(
                {
                    "period": period,
                    "group": group,
                    "lower": lower,
                    "upper": upper,
                    "exposure": exposure,
                    "rate": scale * (lower + upper) / 2,
                    "rate_lower": scale * lower,
                    "rate_upper": scale * upper,
                    "used": period not in design.excluded,
                }
            )
    return pd.DataFrame(rows)
