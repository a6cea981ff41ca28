"""What a cost line is: quantities and parameters in, pounds by payer and year out."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from averting.costs.quantities import COHORT, Quantities

type Array = NDArray[np.float64]
type Flows = Callable[[Quantities, Mapping[str, Array]], Array]

Kind = Literal["cashable", "capacity", "economic", "transfer", "lifetime"]
KINDS: tuple[Kind, ...] = ("cashable", "capacity", "economic", "transfer", "lifetime")

# Unit a unit cost must have for each quantity, so that the product is pounds.
UNIT_COST_UNITS = {
    "averted_exclusions": "GBP/pupil",
    "placement_years": "GBP/pupil/year",
    "census_years": "GBP/pupil/year",
    "young_adult_years": "GBP/pupil/year",
    **dict.fromkeys(COHORT, "GBP/pupil/year"),
}


@dataclass(frozen=True)
class CostLine:
    """One line of the account.

    Parameters
    ----------
    key, label : str
        Name in code and name in reports.
    kind : {"cashable", "capacity", "economic", "transfer", "lifetime"}
        Whether money is released, room is freed, society gains, one payer's gain is another's loss, or public money
        changes hands years later, and only so far as exclusion causes it. Views never count the last.
    payers : tuple of str
        Whom it touches, in the order of the first axis of what ``flows`` returns.
    needs : mapping of str to str
        Unit required of each parameter it uses.
    flows : callable
        From quantities and parameter draws (money already in the wanted prices) to pounds saved,
        shape (payer, draw, year); positive is a saving to that payer.
    family : str
        File of ``models/costs`` it belongs to.
    note : str
        What a reader should know before adding it up.
    causal_share : str
        Parameter that says how much of an association exclusion causes; given exactly for lines of kind ``lifetime``.
    """

    key: str
    label: str
    kind: Kind
    payers: tuple[str, ...]
    needs: Mapping[str, str]
    flows: Flows
    family: str
    note: str = ""
    causal_share: str = ""


def _times(
    quantities: Quantities,
    values: Mapping[str, Array],
    *,
    quantity: str,
    factors: tuple[str, ...],
    rest_of: str | None,
    sign: float,
) -> Array:
    per_draw = sign * np.prod([values[key] for key in factors], axis=0)
    if rest_of is not None:
        per_draw = per_draw * (1 - values[rest_of])
    flows: Array = quantities.get(quantity) * per_draw[:, None]
    return flows[None]


def quantity_times_cost(
    key: str,
    *,
    label: str,
    kind: Kind,
    payer: str,
    quantity: str,
    unit_cost: str,
    share: str | None,
    rest_of: str | None,
    causal_share: str | None = None,
    sign: int,
    family: str,
    note: str,
) -> CostLine:
    """Make a plain line: quantity x unit cost [x share] [x (1 - rest_of)] [x causal share], to one payer.

    Parameters
    ----------
    quantity : str
        One of ``averting.costs.quantities.QUANTITIES``.
    unit_cost, share, rest_of : str
        Parameter keys. ``share`` scales the line by itself and ``rest_of`` by 1 minus itself; both may be None.
    sign : {1, -1}
        1 where averting an exclusion saves the cost, -1 where it brings it.
    key, label, kind, payer, family, note
        As in :class:`CostLine`.
    """
    factors = tuple(key for key in (unit_cost, share, causal_share) if key is not None)
    shares = {key: "share" for key in (share, rest_of, causal_share) if key is not None}
    needs = {unit_cost: UNIT_COST_UNITS[quantity], **shares}
    return CostLine(
        key,
        label,
        kind,
        (payer,),
        needs,
        partial(_times, quantity=quantity, factors=factors, rest_of=rest_of, sign=float(sign)),
        family,
        note,
        causal_share or "",
    )
