"""How alike pilots and comparison schools were before the programme, and how both moved over time."""

from __future__ import annotations

import numpy as np
import pandas as pd

from averting.design.design import Counts, Design


def _middle(counts: Counts) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
    return 0.5 * (counts.lower + counts.upper)


def balance(design: Design) -> pd.DataFrame:
    """Compare pilots with comparison schools before the first start.

    Returns
    -------
    DataFrame
        One row per indicator's rate per 100 and one for exposure: mean over pilots, mean over comparison
        schools, and their difference in standard deviations of the comparison schools. Suppressed counts
        enter at the middle of their bounds.
    """
    before = np.array([period < min(design.starts.values()) for period in design.periods])
    pilots = np.arange(len(design.schools)) < len(design.pilots)
    rows = []
    first = design.counts(design.panel.indicators[0])
    measures = {"exposure": np.nanmean(np.where(before, first.exposure, np.nan)[:, before], axis=1)}
    for indicator in design.panel.indicators:
        counts = design.counts(indicator)
        events = np.nansum(_middle(counts)[:, before], axis=1)
        measures[f"{indicator}, per 100"] = 100 * events / np.nansum(counts.exposure[:, before], axis=1)
    for measure, value in measures.items():
        spread = np.std(value[~pilots], ddof=1)
        gap = value[pilots].mean() - value[~pilots].mean()
        rows.append(
            {
                "measure": measure,
                "pilots": value[pilots].mean(),
                "comparison": value[~pilots].mean(),
                "standardised_difference": gap / spread if spread > 0 else np.nan,
            }
        )
    return pd.DataFrame(rows)


def paths(design: Design, indicator: str) -> pd.DataFrame:
    """Return events, exposure and rates of pilots and comparison schools by period.

    Returns
    -------
    DataFrame
        Columns period, group ("pilots", "comparison"), lower, upper (bounds of the group's events), exposure,
        rate, rate_lower, rate_upper (per 100; the rate at the middle of the bounds), used. Periods left out of
        the analysis are shown too, with ``used`` false.
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
