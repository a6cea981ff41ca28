"""The set of assumptions under which a saving would be true."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
import pandas as pd

from averting.costs.claims.claim import Saving
from averting.costs.claims.counts import KnownCount
from averting.costs.families import known_authorities, load_parameters
from averting.costs.lifetime import lifetime_totals
from averting.costs.pathways import RETURN_HAZARD, YEAR_GROUP_SHARES, YEAR_GROUPS, placement_months

# A pupil excluded in the middle of Year 7 who never returns is out for 4.5 years: none can be out for longer.
_MOST_YEARS = 4.5
_STEP = 0.25
_BASELINES = range(10, 151)


@dataclass(frozen=True)
class Provision:
    """What a year of state alternative provision costs, and how long an excluded pupil is out of mainstream.

    Parameters
    ----------
    low, middle, high : float
        Pounds a year, place and top-up: the 5th, 50th and 95th percentile of authorities.
    years : float
        Years out of mainstream after an exclusion, by the declared means.
    by_authority : dict of str to float
        Pounds a year, by authority.
    """

    low: float
    middle: float
    high: float
    years: float
    by_authority: dict[str, float]


@cache
def provision() -> Provision:
    """Return the declared figures: section 251 by authority, and the means of the high needs family."""
    declared = load_parameters("high_needs_block")
    place = declared["ap_place"].central
    costs = {la: place + load_parameters("high_needs_block", la=la)["ap_top_up"].central for la in
             known_authorities("high_needs_block")}  # fmt: skip
    low, middle, high = np.quantile(list(costs.values()), [0.05, 0.5, 0.95])
    months = placement_months(
        np.array([declared[RETURN_HAZARD].central]), np.array([12 * (11.5 - group) for group in YEAR_GROUPS])
    )
    shares = np.array([declared[key].central for key in YEAR_GROUP_SHARES])
    return Provision(float(low), float(middle), float(high), float(months[0].sum(axis=1) @ shares / 12), costs)


def cells(whole: float, known: Provision) -> tuple[int, int]:
    """Return how many pairs of baseline (10 to 150) and duration (0.25 to 4.5 years) fit, and how many were looked at.

    Parameters
    ----------
    whole : float
        Pounds a year that all exclusions are supposed to cost.
    known : Provision
        A pair fits where it makes a year of provision cost between the 5th and 95th percentile of authorities.
    """
    years = np.arange(_STEP, _MOST_YEARS + _STEP / 2, _STEP)
    unit = whole / np.outer(np.array(_BASELINES), years)
    return int(((unit >= known.low) & (unit <= known.high)).sum()), unit.size


def by_lifetime(saving: Saving, counts: Sequence[KnownCount], known: Provision) -> pd.DataFrame:
    """Return one row for each lifetime cost that the claim may have used."""
    if saving.lifetime is None:
        return pd.DataFrame()
    share = saving.causal_share.value if saving.causal_share else 1.0
    if saving.lifetime_unit_cost is not None:
        costs = {"as stated": saving.lifetime_unit_cost.value}
    else:
        costs = {parameter.label: parameter.central for parameter in lifetime_totals().values()}
    rows = []
    for label, cost in costs.items():
        if not cost * share:
            continue
        low, high = saving.lifetime.low / (cost * share), saving.lifetime.high / (cost * share)
        row: dict[str, object] = {"lifetime_cost": label, "unit": cost, "averted_low": low, "averted_high": high}
        if saving.reduction is not None:
            before = low / saving.reduction.value, high / saving.reduction.value
            row |= {"baseline_low": before[0], "baseline_high": before[1]}
            row["counts_that_fit"] = "; ".join(one.label for one in counts if one.within(*before))
        if saving.annual is not None:
            each = saving.annual.value / high, saving.annual.value / low
            row |= {"yearly_each_low": each[0], "yearly_each_high": each[1]}
            row |= {"years_low": each[0] / known.high, "years_high": each[1] / known.low}
        rows.append(row)
    return pd.DataFrame(rows)


def by_count(saving: Saving, counts: Sequence[KnownCount], known: Provision) -> pd.DataFrame:
    """Return one row for each published count that may be the baseline, where the duration it needs is possible.

    ``years_at_own_cost`` is the duration at the authority's own cost of a year, where that is known.
    """
    if saving.annual is None or saving.reduction is None:
        return pd.DataFrame()
    rows = []
    for count in counts:
        if count.value == 0:
            continue
        averted = count.value * saving.reduction.value
        each = saving.annual.value / averted
        if each / known.high > _MOST_YEARS or each / known.low < _STEP:
            continue
        own = known.by_authority.get(count.place)
        row: dict[str, object] = {"place": count.place, "year": count.year.label, "count": count.value}
        row |= {"averted": averted, "yearly_each": each}
        row |= {"years_low": each / known.high, "years_high": min(each / known.low, _MOST_YEARS)}
        row["years_at_own_cost"] = each / own if own else float("nan")
        if saving.lifetime is not None:
            row["lifetime_each"] = saving.lifetime.value / averted
        rows.append(row)
    return pd.DataFrame(rows)
