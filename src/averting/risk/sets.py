"""The same associations under several adjustment sets, side by side, so that over-control shows."""

from __future__ import annotations

import math
from collections.abc import Sequence

import pandas as pd

from averting.risk.cells import RiskCells
from averting.risk.margins import associations
from averting.risk.model import Pair, Prior, fit_risk

UNADJUSTED, DEMOGRAPHICS, FULL = "unadjusted", "demographics", "full"
MOVED = 1.25
"""A risk ratio that changes by more than this factor from one set to the next is pointed out."""


def adjustment_sets(
    cells: RiskCells,
    *,
    demographics: Sequence[str],
    full: Sequence[str] | None = None,
    interactions: Sequence[Pair] = (),
    schools: bool = False,
    pool: Sequence[str] = (),
    prior: Prior | None = None,
    level: float = 0.95,
) -> pd.DataFrame:
    """Return every characteristic's association under three sets: unadjusted, demographics only, full.

    Parameters
    ----------
    cells : RiskCells
        Pupils, counted.
    demographics : sequence of str
        What precedes schooling, such as sex, ethnicity and free school meals. A characteristic outside it is reported
        with the demographics held equal.
    full : sequence of str, optional
        All characteristics held equal in the last set; every one of the cells by default.
    interactions, pool, prior
        Of the last set, as for :func:`averting.risk.fit_risk`; ``pool`` of every set.
    schools : bool
        Whether schools have levels of their own in the last set.
    level : float
        Of the intervals.

    Returns
    -------
    DataFrame
        As :func:`averting.risk.associations` gives, with ``set`` after ``reference``; sets side by side within a level.
    """
    every = tuple(cells.characteristics if full is None else full)
    chosen: dict[str, tuple[str, ...]] = {UNADJUSTED: (), DEMOGRAPHICS: tuple(demographics), FULL: every}
    found = []
    for name, members in chosen.items():
        last = name == FULL
        for model_of, reported in _models(members, cells.characteristics).items():
            model = fit_risk(
                cells,
                adjust=model_of,
                interactions=interactions if last else (),
                schools=schools and last,
                pool=[one for one in pool if one in model_of],
                prior={at: given for at, given in (prior or {}).items() if at[0] in model_of} if last else None,
            )
            found.append(associations(model, reported, level=level).assign(set=name))
    table = pd.concat(found, ignore_index=True)
    table["_set"] = table["set"].map({name: i for i, name in enumerate(chosen)})
    for i, (name, known) in enumerate(cells.levels.items()):
        own = table["characteristic"] == name
        table.loc[own, "_name"] = i
        table.loc[own, "_place"] = table.loc[own, "level"].map({text: j for j, text in enumerate(known)})
    table = table.sort_values(["_name", "_place", "_set"]).drop(columns=["_name", "_place", "_set"])
    first = ["characteristic", "level", "reference", "set"]
    return table[[*first, *table.columns.drop(first)]].reset_index(drop=True)


def _models(members: Sequence[str], every: Sequence[str]) -> dict[tuple[str, ...], list[str]]:
    """Return the models a set needs, each with the characteristics that are reported from it."""
    models: dict[tuple[str, ...], list[str]] = {tuple(members): list(members)} if members else {}
    for name in every:
        if name not in members:
            models[(*members, name)] = [name]
    return models


def moved(table: pd.DataFrame) -> list[str]:
    """Say, a sentence each, where an association depends on what else is held equal.

    Parameters
    ----------
    table : DataFrame
        From :func:`adjustment_sets`.
    """
    said = []
    for (name, text), rows in table.groupby(["characteristic", "level"], sort=False):
        by_set = rows.set_index("set")["risk_ratio"]
        known = {one: float(value) for one, value in by_set.items() if not math.isnan(value)}
        if not {UNADJUSTED, DEMOGRAPHICS, FULL} <= set(known):
            continue
        who = f"{str(name).replace('_', ' ')}: {text}"
        parts = f"{known[UNADJUSTED]:.2f} unadjusted, {known[DEMOGRAPHICS]:.2f} with demographics, {known[FULL]:.2f} in full"
        if abs(math.log(known[FULL] / known[DEMOGRAPHICS])) > math.log(MOVED):
            said.append(
                f"{who}: risk ratio {parts}. What the full set adds may lie on the way from the characteristic to "
                "the outcome (absence, special needs): holding it equal can hide an association rather than explain it."
            )
        elif abs(math.log(known[DEMOGRAPHICS] / known[UNADJUSTED])) > math.log(MOVED):
            said.append(f"{who}: risk ratio {parts}. Much of the raw ratio goes with the other demographics.")
    return said
