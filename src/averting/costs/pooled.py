"""Pooled budgets: who puts in, what is drawn, what is left, and who bears or gets back the difference."""

from __future__ import annotations

import math
from collections.abc import Mapping

import pandas as pd

from averting.costs.payers import known_payers
from averting.errors import Fault, ParameterError, refuse
from averting.years import FinancialYear

type Amounts = Mapping[FinancialYear, float]


def _faults(amounts: Mapping[str, float], *, where: str, least: float = 0.0) -> list[Fault]:
    return [
        Fault(where, f"{key} is {amount}", f"Give pounds, {least:g} or more")
        for key, amount in amounts.items()
        if not least <= amount < math.inf
    ]


def risk_share(amount: float, contributions: Mapping[str, float]) -> dict[str, float]:
    """Split a difference from plan in proportion to what each partner put in.

    Parameters
    ----------
    amount : float
        Pounds: an overspend to bear, or what is left to hand back.
    contributions : mapping of str to float
        Pounds by payer, zero or more, not all zero.

    Returns
    -------
    dict of str to float
        By payer; adds up to ``amount``.

    Raises
    ------
    ParameterError
        For an unknown payer, a contribution below zero or contributions that are all zero.
    """
    faults = _faults(contributions, where="contributions")
    faults += [
        Fault("contributions", f"'{payer}' is not a payer", f"Known: {', '.join(known_payers())}")
        for payer in contributions
        if payer not in known_payers()
    ]
    if not faults and not sum(contributions.values()) > 0:
        faults.append(Fault("contributions", "they add up to 0", "Give what each partner put in"))
    refuse(ParameterError, "A difference cannot be shared", faults)
    whole = math.fsum(contributions.values())
    return {payer: amount * put_in / whole for payer, put_in in contributions.items()}


def pool_account(contributions: Mapping[str, Amounts], spending: Amounts) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Follow a pooled budget through its years, in cash.

    Parameters
    ----------
    contributions : mapping of str to (mapping of FinancialYear to float)
        Pounds that each payer puts in, by year.
    spending : mapping of FinancialYear to float
        Pounds drawn from the pool, by year.

    Returns
    -------
    (DataFrame, DataFrame)
        By year: ``opening``, ``contributed``, ``drawn``, ``unspent`` (carried forward, zero or more) and ``overspend``,
        borne at once by the partners in proportion to all that each has put in so far. By payer: ``contributed``,
        ``overspend`` borne, ``returned`` (its share of what is left at the end), ``net`` and ``share`` of the pool's
        cost, for :func:`averting.appraisal.measures.contributor_returns`. Over payers, ``net`` adds up to what was
        drawn.

    Raises
    ------
    ParameterError
        For an unknown payer, an amount below zero, or a year that overspends before anybody has put anything in.
    """
    flat = {f"{payer} {year}": amount for payer, each in contributions.items() for year, amount in each.items()}
    faults = _faults(flat, where="contributions")
    faults += _faults({str(year): amount for year, amount in spending.items()}, where="spending")
    refuse(ParameterError, "The pooled budget cannot be followed", faults)
    years = sorted({*spending, *(year for each in contributions.values() for year in each)})
    put_in = dict.fromkeys(contributions, 0.0)
    borne = dict.fromkeys(contributions, 0.0)
    opening, rows = 0.0, []
    for year in years:
        given = {payer: each.get(year, 0.0) for payer, each in contributions.items()}
        put_in = {payer: put_in[payer] + given[payer] for payer in put_in}
        left = opening + math.fsum(given.values()) - spending.get(year, 0.0)
        if left < 0:
            share = risk_share(-left, put_in)
            borne = {payer: borne[payer] + share[payer] for payer in borne}
        row = {"year": year.label, "opening": opening, "contributed": math.fsum(given.values())}
        row |= {"drawn": spending.get(year, 0.0), "unspent": max(left, 0.0), "overspend": max(-left, 0.0)}
        rows.append(row)
        opening = max(left, 0.0)
    returned = risk_share(opening, put_in)
    return pd.DataFrame(rows), _by_payer(put_in, borne, returned)


def _by_payer(put_in: dict[str, float], borne: dict[str, float], returned: dict[str, float]) -> pd.DataFrame:
    net = {payer: put_in[payer] + borne[payer] - returned[payer] for payer in put_in}
    whole = math.fsum(net.values())
    return pd.DataFrame(
        [
            {
                "payer": payer,
                "contributed": put_in[payer],
                "overspend": borne[payer],
                "returned": returned[payer],
                "net": net[payer],
                "share": net[payer] / whole if whole else float("nan"),
            }
            for payer in put_in
        ]
    )


def match_funding(given: float, *, ratio: float, cap: float = math.inf) -> float:
    """Return what a funder adds who matches another's contribution.

    Parameters
    ----------
    given : float
        Pounds that are matched.
    ratio : float
        Pounds added for each pound given; 1 matches pound for pound.
    cap : float
        Most that is added.

    Raises
    ------
    ParameterError
        For a value below zero.
    """
    if not (0 <= given < math.inf and 0 <= ratio < math.inf and cap >= 0):
        raise ParameterError(f"given is {given}, ratio {ratio} and cap {cap}. None may be below zero.")
    return min(given * ratio, cap)
