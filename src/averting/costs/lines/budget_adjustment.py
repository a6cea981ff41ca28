"""The school's budget adjustment: money that moves with a permanently excluded pupil.

When a pupil is permanently excluded, the authority reduces the school's budget share by A x (B / 52) + C: A is
what the pupil attracts for a full funding period, B the complete weeks left in it, C a financial adjustment
order (School and Early Years Finance (England) Regulations, regulation on pupils permanently excluded from
maintained schools). An averted exclusion leaves that money with the school, and the high-needs block without it.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from averting.costs.cost_line import CostLine
from averting.costs.quantities import Quantities

type Array = NDArray[np.float64]

_WEEKS_IN_FUNDING_PERIOD = 52


def _flows(quantities: Quantities, values: Mapping[str, Array]) -> Array:
    per_pupil = (
        values["mainstream_pupil_funding"] * values["budget_adjustment_weeks"] / _WEEKS_IN_FUNDING_PERIOD
        + values["financial_adjustment_order"]
    )
    kept_by_school = quantities.averted_exclusions * per_pupil[:, None]
    return np.stack([kept_by_school, -kept_by_school])


LINE = CostLine(
    key="budget_adjustment",
    label="Budget adjustment that an exclusion moves from the school to the authority",
    kind="transfer",
    payers=("school", "la_high_needs"),
    needs={
        "mainstream_pupil_funding": "GBP/pupil/year",
        "budget_adjustment_weeks": "weeks",
        "financial_adjustment_order": "GBP/pupil",
    },
    flows=_flows,
    family="high_needs_block",
    note="Moves between payers in the financial year of the exclusion and nets to zero. An academy's adjustment "
    "is made under its funding agreement on the same terms.",
)
