"""What one averted exclusion is worth to a council, before any evaluation: for ``averting savings``."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import xarray as xr

from averting.appraisal.unit_savings import savings_per_exclusion
from averting.costs import known_payers, load_parameters
from averting.costs.parameters import Unset
from averting.reporting.numbers import unit
from averting.years import FinancialYear

LOW, MIDDLE, HIGH = 0.05, 0.5, 0.95
KINDS = {
    "cashable": "cash",
    "capacity": "places and time freed, which is money only if you close them or use them",
    "economic": "worth to society, in nobody's budget",
}


@dataclass(frozen=True)
class CouncilSavings:
    """What averting exclusions is worth, by kind of saving and payer.

    Parameters
    ----------
    local_authority : str or None
        Whose figures; None for the spread over all authorities.
    families : tuple of str
        Families of declared costs.
    averted : float
        How many exclusions.
    price_year : FinancialYear
        In whose prices.
    rows : tuple of dict
        kind, payer, low, middle, high in pounds: 5th, 50th and 95th percentile; payer is "all" for a kind's sum.
    unset : tuple of Unset
        Figures that only the council can give.
    """

    local_authority: str | None
    families: tuple[str, ...]
    averted: float
    price_year: FinancialYear
    rows: tuple[dict[str, Any], ...]
    unset: tuple[Unset, ...]

    def to_dict(self) -> dict[str, Any]:
        """Return plain values."""
        return {
            "local_authority": self.local_authority, "families": list(self.families), "averted": self.averted,
            "price_year": self.price_year.label, "savings": list(self.rows), "you_must_give": [one.key for one in self.unset],
        }  # fmt: skip

    def lines(self) -> Iterator[str]:
        """Yield the answer in words."""
        whose = self.local_authority or "an authority of England, no one in particular"
        many = (
            "one averted permanent exclusion"
            if self.averted == 1
            else f"{self.averted:g} averted permanent exclusions"
        )
        yield f"What {many} would save {whose}, over the pupils' years at school, in {self.price_year.label} prices:"
        payers = {**known_payers(), "all": "together"}
        for row in self.rows:
            if row["payer"] == "all":
                yield f"{row['kind']}: {KINDS[row['kind']]}"
            spread = f"{_pounds(row['middle'])} ({_pounds(row['low'])} to {_pounds(row['high'])})"
            yield f"  {payers[row['payer']]}: {spread}"
        yield "Nine times in ten it lies within the brackets, given the declared costs; below zero it costs more than it saves."
        yield "Kinds are never added up. How many a pilot averted is another question: averting new, then run."
        for one in self.unset:
            yield f"left out until you give it: {one.key} ({unit(one.unit)}). {one.ask}"
        if self.unset:
            yield "docs/council-costs.md shows where figures of your own go."


def council_savings(
    local_authority: str | None = None,
    *,
    averted: float = 1.0,
    families: tuple[str, ...] = ("after_exclusion",),
    price_year: str = "2023-24",
    draws: int = 4_000,
    seed: int = 1,
) -> CouncilSavings:
    """Return what averting exclusions would save a council, by its own declared figures where there are any.

    Parameters
    ----------
    local_authority : str, optional
        Name of an authority with figures; without one, the spread over all authorities.
    averted : float
        How many exclusions.
    families : tuple of str
        Families of declared costs.
    price_year : str
        Financial year in whose prices, and under whose rules of who pays.
    draws, seed : int
        Joint draws of the declared costs.

    Raises
    ------
    ParameterError
        If the authority or a family is not known.
    """
    year = FinancialYear.parse(price_year)
    parameters = load_parameters(*families, la=local_authority)
    each = savings_per_exclusion(parameters.draw(draws, seed=seed), price_year=year, payers_as_of=year)
    rows = tuple(_rows(averted * each.sum("year").groupby("kind").sum()))
    return CouncilSavings(local_authority, families, averted, year, rows, tuple(parameters.unset.values()))


def _rows(flows: xr.DataArray) -> Iterator[dict[str, Any]]:
    """Yield a kind's sum and then its payers, of kinds that hold money."""
    for kind in (kind for kind in KINDS if kind in flows["kind"].to_numpy()):
        of_kind = flows.sel(kind=kind)
        if not bool((of_kind != 0).any()):
            continue
        yield {"kind": kind, "payer": "all", **_spread(of_kind.sum("payer"))}
        for payer in of_kind["payer"].to_numpy():
            one = of_kind.sel(payer=payer)
            if bool((one != 0).any()):
                yield {"kind": kind, "payer": str(payer), **_spread(one)}


def _spread(draws: xr.DataArray) -> dict[str, float]:
    low, middle, high = np.quantile(draws.to_numpy(), [LOW, MIDDLE, HIGH])
    return {"low": round(float(low)), "middle": round(float(middle)), "high": round(float(high))}


def _pounds(amount: float) -> str:
    return f"{'-' if amount < 0 else ''}£{abs(amount):,.0f}"
