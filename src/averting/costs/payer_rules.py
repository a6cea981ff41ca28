"""Dated rules that move a bill from the payer a cost line names to another: ``models/payer_rules.toml``."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from functools import cache
from typing import Any

import xarray as xr

from averting.costs.payers import known_payers
from averting.errors import Fault, ParameterError, refuse
from averting.resources import read_model
from averting.years import FinancialYear

_KEYS = {"key", "label", "from", "to", "share", "first", "source", "locator", "grade", "review_by", "note"}
_OPTIONAL = {"last", "if"}


@dataclass(frozen=True)
class PayerRule:
    """One rule.

    Parameters
    ----------
    key, label : str
        Name in code and name in reports.
    giver, taker : str
        Payer relieved and payer who pays in its place: keys of ``models/payers.toml``.
    share : float
        Part of the bill that moves, 0 to 1.
    first, last : FinancialYear
        Financial years in which it holds, both included; ``last`` is None where no end is known.
    condition : str
        Fact about the authority that must be said to be so; empty where there is none.
    source, locator : str
        Key in ``models/references.bib``, and the place in it.
    """

    key: str
    label: str
    giver: str
    taker: str
    share: float
    first: FinancialYear
    last: FinancialYear | None
    condition: str
    source: str
    locator: str

    def holds(self, year: FinancialYear) -> bool:
        """Whether the rule is in force in a year."""
        return self.first <= year and (self.last is None or year <= self.last)


def read_payer_rules(entries: list[dict[str, Any]], *, where: str) -> tuple[PayerRule, ...]:
    """Read rules as they stand in TOML.

    Raises
    ------
    ParameterError
        Listing every missing or unknown key, unknown payer, or share outside 0 to 1.
    """
    faults = []
    for number, entry in enumerate(entries, start=1):
        name = f"rule {entry.get('key', number)}"
        faults += [Fault(where, f"{name} has no {key}", "Add it") for key in sorted(_KEYS - set(entry))]
        unknown = sorted(set(entry) - _KEYS - _OPTIONAL)
        faults += [Fault(where, f"{name} has an unknown key '{key}'", "Leave it out") for key in unknown]
        for key in ("from", "to"):
            if key in entry and entry[key] not in known_payers():
                fix = f"Use one of: {', '.join(known_payers())}"
                faults.append(Fault(where, f"{name} has {key} = {entry[key]!r}", fix))
        if not 0 <= float(entry.get("share", 0)) <= 1:
            faults.append(Fault(where, f"{name} has share = {entry['share']}", "Give a share from 0 to 1"))
    refuse(ParameterError, f"{where} does not load", faults)
    return tuple(
        PayerRule(
            entry["key"],
            entry["label"],
            entry["from"],
            entry["to"],
            float(entry["share"]),
            FinancialYear.parse(entry["first"]),
            FinancialYear.parse(entry["last"]) if "last" in entry else None,
            entry.get("if", ""),
            entry["source"],
            entry["locator"],
        )
        for entry in entries
    )


@cache
def known_payer_rules() -> tuple[PayerRule, ...]:
    """Return the rules that ship with averting."""
    return read_payer_rules(read_model("payer_rules.toml")["rule"], where="models/payer_rules.toml")


def apply_payer_rules(
    flows: xr.DataArray, *, as_of: FinancialYear | None = None, conditions: Collection[str] = ()
) -> xr.DataArray:
    """Move bills to those who pay them under the rules.

    Parameters
    ----------
    flows : DataArray, dims (..., payer, year)
        Money by the payer that each cost line names; ``year`` holds starts of financial years.
    as_of : FinancialYear, optional
        Use the rules of this year for every flow; by default each flow has the rules of its own year.
    conditions : collection of str
        Facts that are so, for example ``"dsg_deficit"``: the authority had a deficit on its dedicated schools grant
        at 31 March 2026 and an approved plan.

    Returns
    -------
    DataArray, same dims
        The same money by other payers: totals over payers are unchanged. Payers appear in the order of
        ``models/payers.toml``.

    Raises
    ------
    ParameterError
        For a condition that no rule has.
    """
    rules = known_payer_rules()
    possible = sorted({rule.condition for rule in rules if rule.condition})
    unknown = sorted(set(conditions) - set(possible))
    if unknown:
        raise ParameterError(f"No payer rule has the condition '{unknown[0]}'. Use: {', '.join(possible)}.")
    # Rules are alternatives for one payer, so each takes its share of the bill as the cost line states it.
    moved = flows
    for rule in rules:
        if rule.condition and rule.condition not in conditions:
            continue
        years = [int(year) for year in flows["year"].to_numpy() if rule.holds(as_of or FinancialYear(int(year)))]
        if years and rule.giver in flows["payer"].to_numpy():
            moved = _move(moved, flows, rule, years)
    return moved


def _move(moved: xr.DataArray, flows: xr.DataArray, rule: PayerRule, years: list[int]) -> xr.DataArray:
    present = set(moved["payer"].to_numpy())
    if rule.taker not in present:
        order = [payer for payer in known_payers() if payer in present | {rule.taker}]
        labels = [known_payers()[payer] for payer in order]
        moved = moved.drop_vars("payer_label", errors="ignore").reindex(payer=order, fill_value=0.0)
        moved = moved.assign_coords(payer_label=("payer", labels)) if "payer_label" in flows.coords else moved
    moved = moved.copy()
    part = rule.share * flows.sel(payer=rule.giver, year=years, drop=True)
    for payer, sign in ((rule.giver, -1.0), (rule.taker, 1.0)):
        at = {"payer": payer, "year": years}
        moved.loc[at] = moved.loc[at] + sign * part.to_numpy()
    return moved
