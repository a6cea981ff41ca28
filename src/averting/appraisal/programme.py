"""What the programme itself cost, by year and by who paid."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import xarray as xr

from averting import units
from averting.appraisal.programme_elements import PHASES, known_elements
from averting.costs import Deflator, deflate, known_payers
from averting.errors import ParameterError
from averting.years import FinancialYear


@dataclass(frozen=True)
class ProgrammeCost:
    """Spend on the programme in one financial year by one payer.

    Parameters
    ----------
    year : FinancialYear
        When it was spent.
    amount : float
        Pounds in prices of ``price_year``; zero or more.
    payer : str
        Key of a payer in ``models/payers.toml``.
    price_year : FinancialYear
        Prices the amount is in; the year itself for cash as it was paid.
    source : str
        Where the amount comes from: a ledger, a grant letter, or words that say it is an assumption.
    element : str
        Part of the programme: a key of ``models/programme_elements.toml``.
    phase : {"running", "start_up"}
        Whether it is spent again each year, or once.
    in_kind : bool
        Whether it is time or goods given, not money. It counts as a cost like any other.

    Examples
    --------
    >>> year = av.FinancialYear(2021)
    >>> av.ProgrammeCost(year, 60_000, "la_general_fund", year, source="council ledger").year.label
    '2021-22'
    """

    year: FinancialYear
    amount: float
    payer: str
    price_year: FinancialYear
    source: str
    element: str = "other"
    phase: str = "running"
    in_kind: bool = False

    def __post_init__(self) -> None:
        where = f"programme cost of {self.year}"
        if not np.isfinite(self.amount) or self.amount < 0:
            raise ParameterError(f"{where}: the amount is {self.amount}. Give pounds spent, zero or more.")
        if self.payer not in known_payers():
            raise ParameterError(
                f"{where}: '{self.payer}' is not a payer. Known payers: {', '.join(known_payers())}."
            )
        if not self.source.strip():
            raise ParameterError(f"{where} has no source. Say where the amount comes from.")
        if self.element not in known_elements():
            known = ", ".join(known_elements())
            raise ParameterError(f"{where}: '{self.element}' is not an element. Known elements: {known}.")
        if self.phase not in PHASES:
            raise ParameterError(f"{where}: '{self.phase}' is not a phase. Use one of: {', '.join(PHASES)}.")


def programme_flows(
    costs: Sequence[ProgrammeCost], *, price_year: FinancialYear, deflator: Deflator | None = None
) -> xr.DataArray:
    """Return spending as flows, negative because it is not a saving.

    Parameters
    ----------
    costs : sequence of ProgrammeCost
    price_year : FinancialYear
        Prices of the result.
    deflator : Deflator, optional
        Brings prices together; by default the latest that ships.

    Returns
    -------
    DataArray, dims (payer, year), units GBP, basis "undiscounted"
        In the price year asked for.
    """
    payers = [payer for payer in known_payers() if any(cost.payer == payer for cost in costs)]
    years = sorted({cost.year.start for cost in costs})
    amounts = np.zeros((len(payers), len(years)))
    for cost in costs:
        paid = units.money(xr.DataArray(cost.amount), price_year=cost.price_year)
        amounts[payers.index(cost.payer), years.index(cost.year.start)] -= float(
            deflate(paid, to=price_year, deflator=deflator)
        )
    labels = [known_payers()[payer] for payer in payers]
    flows = xr.DataArray(
        amounts,
        dims=("payer", "year"),
        coords={"payer": payers, "payer_label": ("payer", labels), "year": years},
    )
    return units.money(flows, price_year=price_year)
