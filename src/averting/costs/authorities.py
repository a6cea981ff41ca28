"""Beyond one authority: what the same effect would come to elsewhere, and what it is to a deficit on the schools grant."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from averting.costs.claims.feasible import provision
from averting.costs.local_figures import GRANT, read_figures, refuse_unknown
from averting.draws import stream
from averting.errors import Fault, ParameterError, refuse
from averting.resources import read_model

type Array = NDArray[np.float64]

CAVEAT = (
    "This supposes that what was found in the pilot's schools would be found elsewhere. Nothing in the pilot shows that: "
    "its schools chose to take part, and other authorities exclude, place and pay otherwise."
)
"""What has to stand beside every figure of this module."""


PHASES = ("Primary", "Secondary", "Special")
"""Words after an authority's name that say which of its schools are meant."""


@dataclass(frozen=True)
class Elsewhere:
    """What an effect would come to in other authorities.

    Parameters
    ----------
    table : DataFrame
        By authority and phase: ``exclusions`` a year, and mean and interval of ``averted`` a year and ``saving`` (pounds a
        year in the long run, gross), with ``own_cost``: whether the authority's own cost of a place was used.
    averted, saving : array, shape (draw,)
        All authorities together.
    caveat : str
        To be shown beside any of it.
    """

    table: pd.DataFrame
    averted: Array
    saving: Array
    caveat: str = CAVEAT


def elsewhere(
    share_averted: Array,
    exclusions: Mapping[str, float],
    *,
    years: Array,
    between: float,
    level: float = 0.95,
    seed: int = 1,
) -> Elsewhere:
    """Carry an effect to other authorities.

    Parameters
    ----------
    share_averted : array, shape (draw,)
        Share of exclusions averted where it was measured; negative where they rose, and kept so.
    exclusions : mapping of str to float
        Exclusions a year by authority; name authority and phase as one, ``"Salford, Secondary"``, for one phase. Phases
        of one authority share its difference and its cost.
    years : array, shape (draw,)
        Years of provision that one averted exclusion saves.
    between : float
        Standard deviation between authorities of the share averted, 0 to 1. There is no default: one pilot cannot say how
        much authorities differ, and 0 says that they do not.
    level : float
        Level of the intervals.
    seed : int
        Seed of authorities' differences and of the costs of authorities without a figure.

    Returns
    -------
    Elsewhere
        A place costs what section 251 of 2021-22 says of the authority; where it has no figure, that of another
        authority drawn at random for each draw. Undiscounted, in the long run, before the programme's cost and the
        funding that stays with the pupil.

    Raises
    ------
    ParameterError
        For counts below zero, draws that do not match, or a spread outside 0 to 1.
    """
    _refuse_elsewhere(share_averted, exclusions, years, between)
    draws, tail = share_averted.size, (1 - level) / 2
    costs = provision().by_authority
    pool = np.array(list(costs.values()))
    rows, averted, saving = [], np.zeros(draws), np.zeros(draws)
    for place, count in exclusions.items():
        authority, phase = _named(place)
        own = costs.get(authority)
        random = stream(seed, f"authority/{authority}")
        fewer = count * (share_averted + between * random.standard_normal(draws))
        saved = fewer * years * (own if own is not None else random.choice(pool, draws))
        averted, saving = averted + fewer, saving + saved
        row: dict[str, object] = {"authority": authority, "phase": phase, "exclusions": count}
        row["own_cost"] = own is not None
        for name, values in (("averted", fewer), ("saving", saved)):
            low, high = np.quantile(values, [tail, 1 - tail])
            row |= {f"{name}_mean": values.mean(), f"{name}_lower": low, f"{name}_upper": high}
        rows.append(row)
    return Elsewhere(pd.DataFrame(rows), averted, saving)


def _named(place: str) -> tuple[str, str]:
    """Return authority and phase of a name; names of authorities may hold a comma themselves, as "Bristol, City of"."""
    authority, _, phase = place.rpartition(", ")
    return (authority, phase) if phase in PHASES else (place, "all")


def _refuse_elsewhere(share: Array, exclusions: Mapping[str, float], years: Array, between: float) -> None:
    faults = [
        Fault(f"exclusions of {place}", f"{count} is not a count", "Give exclusions a year, zero or more")
        for place, count in exclusions.items()
        if not 0 <= count < math.inf
    ]
    if not exclusions:
        faults.append(Fault("exclusions", "no authority is named", "Give exclusions a year by authority"))
    if share.ndim != 1 or share.shape != years.shape:
        faults.append(
            Fault("draws", f"shapes {share.shape} and {years.shape}", "Give one share and duration a draw")
        )
    elif not (np.isfinite(share).all() and (share <= 1).all() and (years >= 0).all()):
        faults.append(Fault("draws", "a share is above 1 or a duration below 0", "Check which is which"))
    if not 0 <= between <= 1:
        faults.append(Fault("between", f"{between} is not a share", "Give 0 to 1"))
    refuse(ParameterError, "An effect cannot be carried elsewhere", faults)


@cache
def _grant() -> dict[str, Any]:
    return read_model("local", "dsg_2021_22.toml")


def schools_grant(authority: str, *, own: str | Path | None = None) -> dict[str, float]:
    """Return an authority's dedicated schools grant in 2021-22, or in the year of a set of one's own.

    Parameters
    ----------
    authority : str
        Its name, as the figures have it.
    own : str or Path, optional
        A set that ``averting local-figures`` made of the grant's workbooks.

    Returns
    -------
    dict
        ``allocation`` in pounds, ``balance_share`` of income at the end of the year (below zero is a deficit), and
        ``balance`` in pounds, worked out from the two: near, not exact.

    Raises
    ------
    ParameterError
        For an authority that is not there, or a set without both allocations and balances.
    """
    declared: Mapping[str, Any] = _grant() if own is None else _own_grant(Path(own))
    named = "dsg_2021_22" if own is None else Path(own).name
    refuse_unknown(
        authority, tuple(la for la in declared["allocation"] if la in declared["balance_share"]), (named,)
    )
    allocation, share = float(declared["allocation"][authority]), float(declared["balance_share"][authority])
    return {"allocation": allocation, "balance_share": share, "balance": allocation * share}


def _own_grant(path: Path) -> Mapping[str, Mapping[str, float]]:
    figures = read_figures(path).get(GRANT)
    lacking = [key for key in ("allocation", "balance_share") if figures is None or key not in figures.values]
    if figures is None or lacking:
        raise ParameterError(
            f"{path.name} has no {' and no '.join(lacking)} of the grant. Make it from both workbooks: averting local-figures "
            "DSG_by_year_dr.xlsx dsg_deficit_derived.xlsx"
        )
    return figures.values


def recovery(deficit: float, *, planned: float, saving: Array) -> pd.DataFrame:
    """Set a saving against a plan that recovers a deficit.

    Parameters
    ----------
    deficit : float
        Pounds owed, above zero.
    planned : float
        Pounds by which the plan brings it down each year, zero or more.
    saving : array, shape (draw,)
        Pounds a year of cash that the programme releases in the high needs block, net of what it costs that block.

    Returns
    -------
    DataFrame
        For the plan ``alone`` and ``with`` the programme: mean yearly reduction, the years to clear the deficit at that
        mean (infinite where it does not fall), the share of the deficit that a year of it is, and the ``chance`` that
        it is brought down faster than planned. Freed places that are not cut are not cash: leave them out.

    Raises
    ------
    ParameterError
        For a deficit that is not above zero or a plan below zero.
    """
    if not 0 < deficit < math.inf or not 0 <= planned < math.inf:
        raise ParameterError(
            f"deficit is {deficit} and planned {planned}. Give a deficit above 0, planned 0 or more."
        )
    rows = []
    for case, yearly, chance in (
        ("alone", planned, float("nan")),
        ("with", planned + float(saving.mean()), float((saving > 0).mean())),
    ):
        years = deficit / yearly if yearly > 0 else math.inf
        rows.append({"plan": case, "yearly": yearly, "years": years, "share": yearly / deficit, "chance": chance})
    return pd.DataFrame(rows)
