"""Money that says no more of a count than the counts shown beside it.

Savings are what was averted times what each is worth, and what was averted in a year is the year's count times a
factor that the effect tells. Discounting gives every year another worth. A reader who knows the worth, the factor and
the programme's cost therefore has one more equation in the yearly counts, as exact as the money: to three figures of
a net amount near zero, that is to the pound, which is enough to solve for withheld years. So where a year is
withheld, amounts that rest on counts are rounded to about what one averted event is worth.
"""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import xarray as xr

from averting.appraisal.appraisal import PROGRAMME
from averting.reporting.results import Results

_STEPS = (1, 2, 5, 10)


def money_base(worth: float) -> float:
    """Return the base to round to: 1, 2 or 5 times a power of ten, no less than what one averted event is worth."""
    if worth <= 1:
        return 1.0
    power = 10.0 ** math.floor(math.log10(worth))
    return next(step * power for step in _STEPS if step * power >= worth)


def worth_of_one(results: Results) -> float:
    """Return the present value of one averted event, in pounds, in the scenario and view where it is worth most.

    A quotient of mean sizes, so that it is defined where gains and losses balance.
    """
    effect = results.valued
    assert effect is not None
    averted = float(np.abs(effect.averted().total().to_numpy()).mean())
    with xr.open_dataset(results.folder / "appraisal" / "totals.nc", engine="scipy") as totals:
        savings = float(abs(totals["savings"]).mean("draw").max())
    return savings / averted if averted else 0.0


def rounded_summary(summary: pd.DataFrame, base: float) -> pd.DataFrame:
    """Return the summary with every amount that rests on counts rounded, and ratios of the rounded amounts.

    Net amounts are rounded before the programme's cost, which is known, is taken off: otherwise a net amount near
    zero would be shown to the pound, and savings and net amounts rounded apart would narrow each other.
    """
    summary = summary.copy()
    cost = summary["programme_cost"]
    summary["savings_mean"] = _to(summary["savings_mean"], base)
    for name in ("npv_mean", "npv_median", "npv_lower", "npv_upper"):
        summary[name] = _to(summary[name] + cost, base) - cost
    summary["bcr"] = (summary["savings_mean"] / cost).where(summary["bcr"].notna())
    return summary


def rounded_payers(payers: pd.DataFrame, flows: pd.DataFrame, base: float) -> pd.DataFrame:
    """Return amounts by payer rounded, but for payers who only pay for the programme, which is no secret."""
    payers = payers.copy()
    moved = flows[flows["line"] != PROGRAMME]
    keys = ["scenario", "payer", "kind"]
    counted = set(moved[keys].drop_duplicates().itertuples(index=False, name=None))
    rests = [key in counted for key in payers[keys].itertuples(index=False, name=None)]
    for name in ("mean", "median", "lower", "upper"):
        payers.loc[rests, name] = _to(payers.loc[rests, name], base)
    return payers


def _to(amounts: pd.Series[float], base: float) -> pd.Series[float]:
    return (amounts / base + 0.5).floordiv(1.0) * base
