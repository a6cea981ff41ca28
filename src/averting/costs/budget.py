"""Where a budget stands: budget, forecast, variance and what is left, rated by thresholds that its owner declares."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import pandas as pd

from averting.errors import Fault, ParameterError, refuse


@dataclass(frozen=True)
class BudgetLine:
    """One line of a budget in one year, in pounds.

    Parameters
    ----------
    budget : float
        What may be spent; above 0.
    spent : float
        So far.
    forecast : float
        What will have been spent by the end of the year, no less than ``spent`` where nothing comes back.
    lower, upper : float, optional
        What the forecast may turn out to be; the rating then honours that it is uncertain.
    """

    budget: float
    spent: float
    forecast: float
    lower: float | None = None
    upper: float | None = None


def budget_position(
    lines: Mapping[str, BudgetLine], *, amber: float, red: float, reserve: float = 0.0
) -> pd.DataFrame:
    """Return where each line stands and where all do.

    A line is red where its forecast exceeds the budget by the share ``red`` or more, amber by ``amber`` or more, else green. With
    an interval it is red or green only where all of the interval is; otherwise amber.

    Parameters
    ----------
    lines : mapping of str to BudgetLine
        By name; ``all`` is kept for the sum.
    amber, red : float
        Overspends, as shares of the budget, from which a line is amber and red: the authority's own thresholds, since none is
        general.
    reserve : float
        Pounds that are there besides, below zero for a deficit brought forward.

    Returns
    -------
    DataFrame
        ``line``, ``budget``, ``spent``, ``forecast``, ``variance`` (forecast less budget: above 0 is an overspend), ``share`` (of
        the budget), ``rating`` (green, amber, red) and ``balance`` (the reserve less the variance; of all only).

    Raises
    ------
    ParameterError
        For no line, a budget not above 0, amounts that are no numbers, an interval without its forecast, or thresholds out of
        order.
    """
    _refuse(lines, amber, red)
    rows = [_row(name, one, amber, red) for name, one in lines.items()]
    ends = [[one.forecast if end is None else end for end in (one.lower, one.upper)] for one in lines.values()]
    every = BudgetLine(
        math.fsum(one.budget for one in lines.values()),
        math.fsum(one.spent for one in lines.values()),
        math.fsum(one.forecast for one in lines.values()),
        # all lines at their worst together: wider than chance would have it, never narrower
        math.fsum(low for low, _ in ends),
        math.fsum(high for _, high in ends),
    )
    whole = _row("all", every, amber, red)
    rows.append({**whole, "balance": reserve - (every.forecast - every.budget)})
    columns = ["line", "budget", "spent", "forecast", "variance", "share", "rating", "balance"]
    return pd.DataFrame(rows, columns=columns)


def _row(name: str, one: BudgetLine, amber: float, red: float) -> dict[str, object]:
    variance = one.forecast - one.budget
    shares = [(one.forecast if end is None else end) / one.budget - 1 for end in (one.lower, one.upper)]
    rated = {_rating(share, amber, red) for share in shares}
    return {
        "line": name,
        "budget": one.budget,
        "spent": one.spent,
        "forecast": one.forecast,
        "variance": variance,
        "share": variance / one.budget,
        "rating": rated.pop() if len(rated) == 1 else "amber",
    }


def _rating(share: float, amber: float, red: float) -> str:
    return "red" if share >= red else "amber" if share >= amber else "green"


def _refuse(lines: Mapping[str, BudgetLine], amber: float, red: float) -> None:
    faults = [Fault("lines", "there is none", "Give at least one")] * (not lines)
    if "all" in lines:
        faults.append(Fault("all", "this is the sum's name", "Call the line otherwise"))
    for name, one in lines.items():
        amounts = [
            one.budget,
            one.spent,
            one.forecast,
            *(end for end in (one.lower, one.upper) if end is not None),
        ]
        if not all(math.isfinite(amount) for amount in amounts) or one.budget <= 0:
            faults.append(Fault(name, "an amount is no number, or the budget not above 0", "Give pounds"))
        elif not (one.lower or one.forecast) <= one.forecast <= (one.upper or one.forecast):
            faults.append(
                Fault(name, "the forecast is not within its interval", "Give lower <= forecast <= upper")
            )
    if not 0 <= amber < red:
        faults.append(
            Fault("amber, red", f"{amber:g} and {red:g}", "Give shares, 0 <= amber < red, such as 0.01 and 0.05")
        )
    refuse(ParameterError, "The budget cannot be rated", faults)
