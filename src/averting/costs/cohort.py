"""A cohort after permanent exclusion: where pupils are, month by month, to the end of Year 11 and beyond.

States and moves (a Markov chain in continuous time, followed exactly within each month)::

    excluded --placed--> state AP | independent AP | home or unknown
       any of these --return--> reintegrated in a mainstream school | special school
    reintegrated --breaks down, at a month's end--> state AP
    every state --end of Year 11--> post-16

The rate of return depends on the time since exclusion: one rate in the first year, one after it. The pupil whose
exclusion is averted stays in mainstream school, part of the time suspended. Plain arrays only.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from averting.errors import ParameterError
from averting.years import AcademicYear, financial_year_at

type Array = NDArray[np.float64]

STATES = (
    "mainstream",
    "suspended",
    "excluded",
    "state_ap",
    "independent_ap",
    "special",
    "home_unknown",
    "reintegrated",
    "post_16",
)
"""Where a pupil can be. The first two belong to a pupil not excluded; the last to both."""

YEAR_GROUPS = tuple(range(12))
"""National-curriculum years, Reception as 0."""

# Middle of the autumn, spring and summer term, in months after 1 September: 1 November, 1 March, 1 July.
TERM_MONTHS = (2, 6, 10)
MONTHS = 12 * len(YEAR_GROUPS) - TERM_MONTHS[0]

_MONTH = 1 / 12
_FIRST_YEAR = 12
_MAINSTREAM, _SUSPENDED, _EXCLUDED, _STATE, _INDEPENDENT, _SPECIAL, _HOME, _BACK, _POST_16 = range(len(STATES))
_PLACED = (_STATE, _INDEPENDENT, _HOME)
_TOLERANCE = 1e-9


@dataclass(frozen=True)
class Rates:
    """What moves a pupil, each an array of shape (draw,).

    Parameters
    ----------
    placement : array
        Yearly rate at which provision is found.
    to_state_ap, to_independent_ap, to_home : array
        Where pupils are placed; shares that add up to 1.
    return_first_year, return_later : array
        Yearly rate of return from any place outside mainstream, in the first twelve months and after.
    return_to_special : array
        Share of returns that are to a special school.
    breakdown : array
        Yearly rate at which a reintegration fails.
    suspended : array
        Share of school time that a pupil not excluded spends suspended.

    Raises
    ------
    ParameterError
        For lengths that differ, rates below 0, or shares outside 0 to 1 or that do not add up.
    """

    placement: Array
    to_state_ap: Array
    to_independent_ap: Array
    to_home: Array
    return_first_year: Array
    return_later: Array
    return_to_special: Array
    breakdown: Array
    suspended: Array

    def __post_init__(self) -> None:
        values = {each.name: np.asarray(getattr(self, each.name)) for each in fields(self)}
        sizes = {value.shape for value in values.values()}
        if len(sizes) > 1 or len(next(iter(sizes))) != 1:
            raise ParameterError(f"Rates have shapes {sorted(sizes)}. Give each as one number per draw.")
        shares = ("to_state_ap", "to_independent_ap", "to_home", "return_to_special", "suspended")
        for name, value in values.items():
            most = 1.0 if name in shares else np.inf
            if not ((value >= 0) & (value <= most)).all():
                reach = f"{value.min():g} to {value.max():g}"
                raise ParameterError(f"{name} runs from {reach}. It must lie between 0 and {most:g}.")
        total = values["to_state_ap"] + values["to_independent_ap"] + values["to_home"]
        if np.abs(total - 1).max(initial=0.0) > _TOLERANCE:
            raise ParameterError("to_state_ap, to_independent_ap and to_home must add up to 1 in every draw.")

    def part(self, which: slice) -> Rates:
        """Return the rates of some draws."""
        return Rates(*(getattr(self, each.name)[which] for each in fields(self)))


def mean_over_month(rate: Array) -> Array:
    """Mean over a month of exp(-rate x time), for a yearly rate; 1 where the rate is 0."""
    left = rate * _MONTH
    safe = np.where(left > 0, left, 1.0)
    found: Array = np.where(left > 0, -np.expm1(-safe) / safe, 1.0)
    return found


def walk(rates: Rates, months: int = MONTHS) -> Iterator[tuple[Array, Array]]:
    """Follow an excluded pupil month by month, as if school had no end.

    Parameters
    ----------
    rates : Rates
        Per draw.
    months : int
        Number of months after exclusion.

    Yields
    ------
    (array, array), each of shape (state, draw)
        Shares at the start of the month, and their mean over the month; both add up to 1 over states.
    """
    now = np.zeros((len(STATES), rates.placement.size))
    now[_EXCLUDED] = 1.0
    to = np.stack([rates.to_state_ap, rates.to_independent_ap, rates.to_home])
    unplaced, fails = np.exp(-rates.placement * _MONTH), -np.expm1(-rates.breakdown * _MONTH)
    speeds = [
        (np.exp(-rate * _MONTH), mean_over_month(rate), mean_over_month(rate + rates.placement))
        for rate in (rates.return_first_year, rates.return_later)
    ]
    for month in range(months):
        out, out_mean, waiting_mean = speeds[month >= _FIRST_YEAR]
        mean = _moved(now, to, rates.return_to_special, out_mean, waiting_mean)
        yield now, mean
        now = _moved(now, to, rates.return_to_special, out, out * unplaced)
        failed = now[_BACK] * fails
        now[_BACK] -= failed
        now[_STATE] += failed


def _moved(now: Array, to: Array, special: Array, out: Array, waiting: Array) -> Array:
    """Shares after moves that leave ``out`` of those outside mainstream there, and ``waiting`` of the unplaced."""
    moved = np.zeros_like(now)
    placed = now[_EXCLUDED] * (out - waiting)
    moved[_EXCLUDED] = now[_EXCLUDED] * waiting
    returned = now[_EXCLUDED].copy()
    for share, state in zip(to, _PLACED, strict=True):
        moved[state] = now[state] * out + share * placed
        returned += now[state]
    returned *= 1 - out
    moved[_SPECIAL] = now[_SPECIAL] + special * returned
    moved[_BACK] = now[_BACK] + (1 - special) * returned
    return moved


def school_months() -> NDArray[np.int64]:
    """Whole months from exclusion to the end of Year 11, shape (year group, term)."""
    left: NDArray[np.int64] = 12 * (12 - np.array(YEAR_GROUPS)[:, None]) - np.array(TERM_MONTHS)
    return left


def school_weights(mix: Array) -> tuple[Array, NDArray[np.int64]]:
    """Lay months after exclusion over school life and financial years.

    Parameters
    ----------
    mix : array, shape (..., year group, term)
        Shares of exclusions; they add up to 1 over the last two axes.

    Returns
    -------
    array, shape (..., term, month)
        Years of life in each month after exclusion that lie before the end of Year 11.
    array of int, shape (term, month)
        Financial year of each month, counted from that in which the academic year of the exclusion begins.

    Raises
    ------
    ParameterError
        For another shape, or shares that are negative or do not add up to 1.
    """
    if mix.shape[-2:] != (len(YEAR_GROUPS), len(TERM_MONTHS)):
        raise ParameterError(f"The mix has shape {mix.shape}. Its last axes are 12 year groups and 3 terms.")
    if np.abs(mix.sum(axis=(-2, -1)) - 1).max() > _TOLERANCE or mix.min() < 0:
        raise ParameterError("The mix of year groups and terms must hold shares of 0 or more that add up to 1.")
    at_school = school_months()[:, :, None] > np.arange(MONTHS)
    origin = AcademicYear(2000)
    years = [
        [financial_year_at(origin, start + month).start - origin.start for month in range(MONTHS)]
        for start in TERM_MONTHS
    ]
    weights: Array = np.einsum("...gt,gtm->...tm", mix, at_school * _MONTH)
    return weights, np.array(years)


def _life(mix: Array, horizon: int) -> Array:
    """Years of life after exclusion in each financial year, shape (year, ...)."""
    months = np.full((horizon, len(TERM_MONTHS)), 12.0)
    for term, start in enumerate(TERM_MONTHS):
        first = financial_year_at(AcademicYear(0), start).start
        months[:first, term] = 0.0
        # Financial year n after the start of the academic year ends 12 n + 7 months after 1 September.
        months[first, term] = 12 * first + 7 - start
    life: Array = np.einsum("yt,...gt->y...", months * _MONTH, mix)
    return life


def years_by_state(rates: Rates, mix: Array, horizon: int) -> tuple[Array, Array]:
    """Return expected years in each state by financial year, with the exclusion and without it.

    Parameters
    ----------
    rates : Rates
        Per draw.
    mix : array, shape (year group, term) or (draw, year group, term)
        When exclusions happen.
    horizon : int
        Financial years to cover, the first being that in which the academic year of the exclusion begins.

    Returns
    -------
    (array, array), each of shape (state, year, draw)
        Path of the pupil excluded, and of the same pupil had the exclusion been averted. Both add up to the same
        time in every year.

    Raises
    ------
    ParameterError
        For a mix that is none, or a horizon that ends before Year 11 does.
    """
    weights, year = school_weights(mix)
    alive = weights.reshape(-1, *year.shape).any(axis=0)
    if horizon <= year[alive].max():
        raise ParameterError(f"{horizon} financial years end before Year 11 does. Give a longer horizon.")
    excluded, averted = np.zeros((2, len(STATES), horizon, rates.placement.size))
    school = np.zeros((horizon, rates.placement.size))
    for month, (_, mean) in enumerate(walk(rates, int(np.flatnonzero(alive.any(axis=0))[-1]) + 1)):
        for at in np.unique(year[alive[:, month], month]):
            weight = weights[..., year[:, month] == at, month].sum(axis=-1)
            excluded[_EXCLUDED:_POST_16, at] += mean[_EXCLUDED:_POST_16] * weight
            school[at] += weight
    averted[_MAINSTREAM], averted[_SUSPENDED] = school * (1 - rates.suspended), school * rates.suspended
    averted[_POST_16] = excluded[_POST_16] = _life(mix, horizon).reshape(horizon, -1) - school
    return excluded, averted
