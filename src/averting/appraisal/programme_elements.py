"""What a programme is made of, how staff time becomes pounds, and the cost bands that schools know."""

from __future__ import annotations

import math
from functools import cache

from averting.errors import ParameterError
from averting.resources import read_model

PHASES = ("running", "start_up")


@cache
def known_elements() -> dict[str, str]:
    """Return the label of every element of a programme by key, in the order tables show them."""
    return {key: str(entry["label"]) for key, entry in read_model("programme_elements.toml").items()}


@cache
def cost_bands() -> tuple[tuple[str, float], ...]:
    """Return the label of each band of yearly cost per pupil, and the last amount in it; the last has no end."""
    bands = read_model("cost_bands.toml")["band"]
    return tuple((f"{band['label']} ({band['name']})", float(band.get("up_to", math.inf))) for band in bands)


def cost_band(per_pupil_year: float) -> str:
    """Return the band of a cost per pupil and year [eef_cost_guidance]_.

    Raises
    ------
    ParameterError
        For a cost below zero or one that is not a number.

    References
    ----------
    .. [eef_cost_guidance] Education Endowment Foundation, About the Toolkits: cost.
    """
    if not per_pupil_year >= 0:
        raise ParameterError(f"The cost per pupil and year is {per_pupil_year}. It must be zero or more.")
    return next(label for label, last in cost_bands() if per_pupil_year <= last)


def staff_cost(*, fte: float, pay: float, on_costs: float) -> float:
    """Return what staff cost for a year: full-time equivalents x pay x (1 + on-costs).

    Parameters
    ----------
    fte : float
        Full-time equivalents, zero or more.
    pay : float
        Pounds for a full-time year, before the employer's on-costs; above zero.
    on_costs : float
        Employer's pension, national insurance and the like as a share of pay, 0 to 1. There is no default: it differs
        between pension schemes.

    Raises
    ------
    ParameterError
        For a value outside its range; on-costs above 1 are mostly a percentage that should be a share.
    """
    if not 0 <= fte < math.inf or not 0 < pay < math.inf:
        raise ParameterError(f"fte is {fte} and pay is {pay}. Give fte of zero or more, and pay above zero.")
    if not 0 <= on_costs <= 1:
        raise ParameterError(f"on_costs is {on_costs}. Give a share of pay, 0 to 1: 30 % is 0.3.")
    return fte * pay * (1 + on_costs)


def time_cost(*, people: float, hours: float, rate: float) -> float:
    """Return what meetings cost in a year: people x hours each x pounds an hour.

    Raises
    ------
    ParameterError
        For a value below zero.
    """
    if not all(0 <= value < math.inf for value in (people, hours, rate)):
        raise ParameterError(f"people is {people}, hours {hours} and rate {rate}. None may be below zero.")
    return people * hours * rate
