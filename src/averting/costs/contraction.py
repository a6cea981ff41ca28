"""Add up a large account without ever holding it: draws x states x years x lines x payers, contracted early.

Full flows of 100,000 draws, 60 years, 25 lines and 11 payers would take 13 GB. Years are summed with their
discount factors and payers' shares, block by block of draws, before lines are valued.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from averting.costs.cohort import STATES, Rates, years_by_state
from averting.errors import ParameterError

type Array = NDArray[np.float64]

_BLOCK = 4_000
# Financial years from the one in which Reception begins to the one in which Year 11 ends.
_SCHOOL_YEARS = 13


def present_account(rates: Rates, mix: Array, *, states: NDArray[np.int64], costs: Array, weights: Array) -> Array:
    """Present value saved by one averted exclusion, by line and payer.

    Parameters
    ----------
    rates : Rates
        Per draw.
    mix : array, shape (year group, term) or (draw, year group, term)
        When exclusions happen.
    states : array of int, shape (line,)
        State of ``averting.costs.cohort.STATES`` in which each line's cost is borne.
    costs : array, shape (line, draw)
        Pounds for a year in that state.
    weights : array, shape (line, payer, year)
        Discount factor of each financial year times each payer's share of the line in that year.

    Returns
    -------
    array, shape (line, payer, draw)
        Positive is a saving: time in a state that an exclusion brings and averting it avoids. Time in mainstream,
        which averting brings, comes out negative.

    Raises
    ------
    ParameterError
        For a state that does not exist or shapes that do not fit.
    """
    lines, payers, horizon = weights.shape
    draws = rates.placement.size
    if states.shape != (lines,) or costs.shape != (lines, draws):
        raise ParameterError(
            f"states has shape {states.shape}, costs {costs.shape} and weights {weights.shape} with {draws} draws. "
            "They must be (line,), (line, draw) and (line, payer, year)."
        )
    if states.min(initial=0) < 0 or states.max(initial=0) >= len(STATES):
        raise ParameterError(f"A line's state must be 0 to {len(STATES) - 1}, the places of {', '.join(STATES)}.")
    account = np.empty((lines, payers, draws))
    # After Year 11 both paths are the same, so later years add nothing, whatever their weights.
    reach = min(horizon, _SCHOOL_YEARS)
    weights = np.ascontiguousarray(weights[..., :reach])
    for start in range(0, draws, _BLOCK):
        block = slice(start, min(start + _BLOCK, draws))
        excluded, averted = years_by_state(rates.part(block), mix[block] if mix.ndim == 3 else mix, reach)
        excluded -= averted
        for line in range(lines):
            account[line, :, block] = (weights[line] @ excluded[states[line]]) * costs[line, block]
    return account
