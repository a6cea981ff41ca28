"""The same cohort, one pupil at a time: what :mod:`averting.costs.cohort` is checked against."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from averting.costs.cohort import STATES, Rates

type Array = NDArray[np.float64]
type States = NDArray[np.int64]

_EXCLUDED, _STATE, _SPECIAL, _BACK = (STATES.index(k) for k in ("excluded", "state_ap", "special", "reintegrated"))
_OUT = np.isin(STATES, ["excluded", "state_ap", "independent_ap", "home_unknown"])
_PLACES = np.array([STATES.index(key) for key in ("state_ap", "independent_ap", "home_unknown")])
_MONTH = 1 / 12


def simulate_pupils(rates: Rates, months: States, *, rng: np.random.Generator) -> Array:
    """Simulate excluded pupils by drawing every event's time.

    Parameters
    ----------
    rates : Rates
        Of one draw: the same for all pupils.
    months : array of int, shape (pupil,)
        Months from each pupil's exclusion to the end of Year 11.
    rng : Generator
        Source of randomness.

    Returns
    -------
    array, shape (pupil, state, month)
        Years each pupil spends in each state in each month, 0 after Year 11. Exponential waiting times have no
        memory, so drawing them afresh each month is exact.
    """
    count, last = months.size, int(months.max(initial=0))
    state = np.full(count, _EXCLUDED)
    spent = np.zeros((count, len(STATES), last))
    each = np.arange(count)
    for month in range(last):
        found = np.where(state == _EXCLUDED, _wait(float(rates.placement[0]), count, rng), np.inf)
        back = np.where(_OUT[state], _wait(_return_rate(rates, month), count, rng), np.inf)
        place, school = _places(rates, count, rng), _schools(rates, count, rng)
        leaves, moves = np.minimum(back, _MONTH), np.minimum(np.minimum(found, back), _MONTH)
        after = np.where(moves < leaves, place, state)
        end = np.where(back < _MONTH, school, after)
        spent[each, state, month] += moves
        spent[each, after, month] += leaves - moves
        spent[each, end, month] += _MONTH - leaves
        fails = (end == _BACK) & (rng.random(count) < -np.expm1(-float(rates.breakdown[0]) * _MONTH))
        state = np.where(fails, _STATE, end)
    spent *= (np.arange(last) < months[:, None])[:, None, :]
    return spent


def _return_rate(rates: Rates, month: int) -> float:
    return float((rates.return_first_year if month < 12 else rates.return_later)[0])


def _wait(rate: float, count: int, rng: np.random.Generator) -> Array:
    return rng.exponential(1 / rate, count) if rate > 0 else np.full(count, np.inf)


def _places(rates: Rates, count: int, rng: np.random.Generator) -> States:
    shares = [float(rates.to_state_ap[0]), float(rates.to_independent_ap[0]), float(rates.to_home[0])]
    places: States = rng.choice(_PLACES, count, p=shares)
    return places


def _schools(rates: Rates, count: int, rng: np.random.Generator) -> States:
    return np.where(rng.random(count) < float(rates.return_to_special[0]), _SPECIAL, _BACK)
