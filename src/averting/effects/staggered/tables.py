"""Tables of effects by cohort and period, and by time since the start."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
from scipy.stats import norm

from averting.draws import stream
from averting.effects.estimator import Request
from averting.effects.kernels.aggregation import (
    Average,
    Cells,
    Shares,
    aggregate,
    coefficients,
    multiplier_draws,
    rows_by,
    simultaneous_critical,
    standard_errors,
)
from averting.effects.kernels.permutation import two_sided_p
from averting.effects.staggered.answer import Permutation, permute
from averting.effects.staggered.sample import Array, Sample

_BAND_DRAWS = 999


def group_time_table(sample: Sample, cells: Cells, *, errors: bool) -> pd.DataFrame:
    """Return one row per cohort and period: estimate, and its standard error where it means something."""
    periods = sample.design.panel.periods
    found = standard_errors(cells.influence) if errors else np.full(len(cells.effect), np.nan)
    return pd.DataFrame(
        {
            "cohort": [periods[int(at)] for at in cells.cohort],
            "period": [periods[int(at)] for at in cells.time],
            "event_time": (cells.time - cells.cohort).astype(int),
            "estimate": cells.effect,
            "standard_error": found,
        }
    )


def averages_table(sample: Sample, cells: Cells, shares: Shares, request: Request, method: str) -> pd.DataFrame:
    """Return averages by event time, cohort and period, each with pointwise and simultaneous limits."""
    periods = sample.design.panel.periods
    rng = stream(request.seed, f"effects/{method}/{request.indicator}/bands")
    parts = []
    for by in ("event_time", "cohort", "period"):
        found = aggregate(cells, shares, by)
        part = _limits(found.rows, request.level, rng)
        labels = found.rows.label.astype(int)
        part.insert(0, "of", [str(label) if by == "event_time" else periods[label] for label in labels])
        part.insert(0, "by", by)
        every = _limits(found.overall, request.level, rng)
        every.insert(0, "of", "all")
        every.insert(0, "by", by)
        parts += [part, every]
    return pd.concat(parts, ignore_index=True)


def _limits(rows: Average, level: float, rng: np.random.Generator) -> pd.DataFrame:
    errors = standard_errors(rows.influence)
    point = float(norm.ppf(0.5 + level / 2))
    drawn = multiplier_draws(rows.influence, _BAND_DRAWS, rng)
    band = max(simultaneous_critical(drawn, errors, level), point)
    return pd.DataFrame(
        {
            "estimate": rows.effect,
            "standard_error": errors,
            "lower": rows.effect - point * errors,
            "upper": rows.effect + point * errors,
            "band_lower": rows.effect - band * errors,
            "band_upper": rows.effect + band * errors,
        }
    )


def event_study_from(averages: pd.DataFrame) -> pd.DataFrame:
    """Return the rows by event time of :func:`averages_table`."""
    kept = averages[(averages["by"] == "event_time") & (averages["of"] != "all")]
    kept = kept.assign(event_time=kept["of"].astype(int)).drop(columns=["by", "of"]).reset_index(drop=True)
    return kept[["event_time", *[name for name in kept.columns if name != "event_time"]]]


def permuted_event_study(
    sample: Sample,
    outcome: Array,
    cells: Cells,
    shares: Shares,
    weights_of_rows: Callable[[Array], Array],
    plan: Permutation,
    level: float,
) -> pd.DataFrame:
    """Return effects by event time with their permutation p-values, and a band that covers all together.

    Where assignments are worked out anew there are estimates only.
    """
    labels, kept = rows_by(cells, "event_time")
    parts = coefficients(cells, kept, shares)
    table = pd.DataFrame({"event_time": labels.astype(int), "estimate": parts @ cells.effect})
    if plan.refitted:
        return table.assign(p_value=np.nan, band_lower=np.nan, band_upper=np.nan)
    zero = np.zeros(1)
    statistics, errors = [], []
    for part, estimate in zip(parts, table["estimate"], strict=True):
        weights = weights_of_rows(part)
        found = permute(sample, outcome, weights, weights_of_rows, plan)
        statistics.append(found.statistics(zero, sample.level(zero))[0])
        errors.append(abs(float(estimate) / statistics[-1][0]) if statistics[-1][0] else 0.0)
    every = np.array(statistics)
    reach = float(np.quantile(np.abs(every).max(0), level)) * np.array(errors)
    return table.assign(
        p_value=two_sided_p(every),
        band_lower=table["estimate"] - reach,
        band_upper=table["estimate"] + reach,
    )
