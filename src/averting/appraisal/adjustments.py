"""Declared corrections to what a pilot averted and cost, each with its reason."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
import xarray as xr

from averting.errors import EvaluationError

Kind = Literal["optimism_bias", "deadweight", "displacement", "drop_off", "lag"]

MEANINGS = {
    "optimism_bias": "the programme costs this share more than planned",
    "deadweight": "this share of what was averted would not have happened without the programme either",
    "displacement": "this share of what was averted happened elsewhere instead",
    "drop_off": "each year after the first averts this share less than the year before",
    "lag": "savings come this many years later",
}
"""What each kind of adjustment says, as reports print it."""


@dataclass(frozen=True)
class Adjustment:
    """One correction, for one scenario.

    Parameters
    ----------
    kind : {"optimism_bias", "deadweight", "displacement", "drop_off", "lag"}
        See ``MEANINGS``. An effect estimated against comparison schools has deadweight taken out already: declare
        it only where what was averted was counted, not estimated. Displacement is to what the comparison cannot
        see, for example a pupil moved off the roll in place of an exclusion.
    amount : float
        A share of 0 to 1; for ``optimism_bias`` zero or more; for ``lag`` whole years.
    reason : str
        Why; printed beside the number.

    Raises
    ------
    EvaluationError
        For an unknown kind, an amount outside its range or no reason.
    """

    kind: Kind
    amount: float
    reason: str

    def __post_init__(self) -> None:
        if self.kind not in get_args(Kind):
            raise EvaluationError(f"There is no adjustment '{self.kind}'. Use one of: {', '.join(MEANINGS)}.")
        if not self.reason.strip():
            raise EvaluationError(f"The adjustment {self.kind} has no reason. Say why it is needed here.")
        most = 1.0 if self.kind in ("deadweight", "displacement", "drop_off") else 50.0
        if not 0 <= self.amount <= most:
            raise EvaluationError(f"The adjustment {self.kind} is {self.amount}. It must be 0 to {most:g}.")
        if self.kind == "lag" and self.amount != int(self.amount):
            raise EvaluationError(f"A lag of {self.amount} years is not whole. Flows are by financial year.")


def amount_of(adjustments: Sequence[Adjustment], kind: Kind) -> float:
    """Return the amount declared of one kind, zero where there is none."""
    return sum(one.amount for one in adjustments if one.kind == kind)


def adjusted_averted(averted: xr.DataArray, adjustments: Sequence[Adjustment]) -> xr.DataArray:
    """Return averted exclusions, dims (draw, period), after deadweight, displacement and drop-off."""
    keep = (1 - amount_of(adjustments, "deadweight")) * (1 - amount_of(adjustments, "displacement"))
    starts = np.array([int(str(period)[:4]) for period in averted["period"].to_numpy()])
    fade = (1 - amount_of(adjustments, "drop_off")) ** (starts - starts.min())
    factor = xr.DataArray(keep * fade, dims="period", coords={"period": averted["period"].to_numpy()})
    return (averted * factor).transpose("draw", "period").assign_attrs(averted.attrs)


def lagged(savings: xr.DataArray, adjustments: Sequence[Adjustment]) -> xr.DataArray:
    """Return savings moved later by the declared lag."""
    return savings.assign_coords(year=savings["year"].to_numpy() + int(amount_of(adjustments, "lag")))


def distributional_weight(income: float, *, reference: float, elasticity: float = 1.3) -> float:
    """Return the welfare weight of a pound to people of one income [hmt_green_book]_.

    Parameters
    ----------
    income, reference : float
        Income of those who gain, and the income whose weight is 1, on the same definition.
    elasticity : float
        Elasticity of the marginal utility of income; the Green Book's is 1.3.

    Returns
    -------
    float
        ``(reference / income) ** elasticity``. Report weighted results beside unweighted ones, never in their place.

    References
    ----------
    .. [hmt_green_book] HM Treasury, The Green Book, chapter on distributional appraisal.
    """
    if not (income > 0 and reference > 0 and elasticity >= 0):
        raise EvaluationError(
            f"income {income}, reference {reference}, elasticity {elasticity}: incomes must be above 0."
        )
    return float((reference / income) ** elasticity)
