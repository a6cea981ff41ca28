"""What averted exclusions save by cohort of pupils: the same unit costs for all, and intervals that allow for many looks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
import xarray as xr

from averting.appraisal.appraisal import VIEW_LABELS, appraise
from averting.appraisal.programme import ProgrammeCost
from averting.appraisal.scenario import CENTRAL
from averting.costs import ParameterSet
from averting.draws import spread_of
from averting.effects import Effect
from averting.years import FinancialYear

CANNOT, PAYS, LOSES = "cannot tell", "saves more than was spent", "saves less than was spent"
_COLUMNS = (
    "cohort", "view", "averted", "averted_lower", "averted_upper", "savings", "savings_lower", "savings_upper", "spend", "net",
    "net_lower", "net_upper", "finding",
)  # fmt: skip


def cohort_savings(
    effects: Mapping[str, Effect | str],
    parameters: ParameterSet,
    *,
    base_year: FinancialYear,
    price_year: FinancialYear,
    programme: Mapping[str, Sequence[ProgrammeCost]],
    level: float = 0.95,
    draws: int = 4_000,
    seed: int = 1,
) -> pd.DataFrame:
    """Return what each cohort's averted exclusions save.

    Every cohort's exclusion is valued at the same unit costs, because none by characteristic was seen. Intervals hold for all
    cohorts together with probability ``level`` or more: each is at ``1 - (1 - level) / m`` for m cohorts (Bonferroni). Cohorts
    overlap, so their savings do not add up.

    Parameters
    ----------
    effects : mapping of str to Effect or str
        Effect on permanent exclusions by cohort, or why there is none.
    parameters : ParameterSet
        Declared costs.
    base_year, price_year : FinancialYear
        Of the present value, and of prices.
    programme : mapping of str to sequence of ProgrammeCost
        What was spent on a cohort's pupils, where that is known.
    level : float
        Of all intervals together.
    draws, seed : int
        Size and seed of the joint sample.

    Returns
    -------
    DataFrame
        One row a cohort with an effect and a view (cash only; cash and places freed): ``averted``, ``savings``, ``net`` (savings
        less spend; NaN without ``spend``), each with ends, in pupils and pounds of present value; ``finding``.
    """
    made = {name: effect for name, effect in effects.items() if not isinstance(effect, str)}
    each = 1 - (1 - level) / max(len(made), 1)
    rows: list[dict[str, object]] = []
    for name, effect in made.items():
        found = appraise(
            effect.averted(), parameters, base_year=base_year, price_year=price_year, draws=draws, seed=seed,
            programme=programme.get(name, ()),
        )  # fmt: skip
        averted = _ends("averted", effect.averted().total(), each)
        for view, label in VIEW_LABELS.items():
            at = {"scenario": CENTRAL.key, "view": view}
            money = _ends("savings", found.savings().sel(at), each)
            row = {"cohort": name, "view": label, **averted, **money}
            if found.has_programme_cost:
                spend = float(found.programme_cost().sel(at).mean("draw"))
                row |= {"spend": spend, **_ends("net", found.npv().sel(at), each)}
            rows.append({**row, "finding": _finding(row)})
    return pd.DataFrame(rows, columns=list(_COLUMNS))


def _ends(name: str, values: xr.DataArray, level: float) -> dict[str, float]:
    spread = spread_of(values.to_numpy(), level)
    return {name: spread["median"], f"{name}_lower": spread["lower"], f"{name}_upper": spread["upper"]}


def _finding(row: Mapping[str, object]) -> str:
    low, high = (float(str(row.get(f"net_{end}", np.nan))) for end in ("lower", "upper"))
    return PAYS if low > 0 else LOSES if high < 0 else CANNOT if low == low else ""
