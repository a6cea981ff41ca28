"""Where a programme's money went, and what it comes to for a school, a pupil and a year."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import xarray as xr

from averting import units
from averting.appraisal.programme import ProgrammeCost
from averting.appraisal.programme_elements import cost_band, known_elements
from averting.costs import Deflator, deflate, known_payers
from averting.errors import AvertingError, Fault, ParameterError, refuse
from averting.years import FinancialYear

_LEDGER = ("year", "amount", "payer", "element")
_LEDGER_OPTIONAL = ("price_year", "phase", "in_kind", "description")
_YES = {"yes": True, "true": True, "1": True, "no": False, "false": False, "0": False, "": False}


def programme_table(
    costs: Sequence[ProgrammeCost], *, price_year: FinancialYear, deflator: Deflator | None = None
) -> pd.DataFrame:
    """Return what was spent, in one price year, by element, phase, in kind or money, year and payer.

    Returns
    -------
    DataFrame
        ``element``, ``element_label``, ``phase``, ``in_kind``, ``year``, ``payer``, ``payer_label``, ``amount``.
    """
    rows: dict[tuple[str, str, bool, int, str], float] = {}
    for cost in costs:
        at = (cost.element, cost.phase, cost.in_kind, cost.year.start, cost.payer)
        rows[at] = rows.get(at, 0.0) + _in_prices(cost, price_year, deflator)
    elements, payers = list(known_elements()), list(known_payers())
    order = sorted(rows, key=lambda at: (elements.index(at[0]), at[1], at[2], at[3], payers.index(at[4])))
    table = [
        (element, known_elements()[element], phase, in_kind, FinancialYear(year).label, payer,
         known_payers()[payer], rows[element, phase, in_kind, year, payer])
        for element, phase, in_kind, year, payer in order
    ]  # fmt: skip
    columns = ["element", "element_label", "phase", "in_kind", "year", "payer", "payer_label", "amount"]
    return pd.DataFrame(table, columns=columns)


def _in_prices(cost: ProgrammeCost, price_year: FinancialYear, deflator: Deflator | None) -> float:
    paid = units.money(xr.DataArray(cost.amount), price_year=cost.price_year)
    return float(deflate(paid, to=price_year, deflator=deflator))


def programme_unit_costs(
    costs: Sequence[ProgrammeCost],
    *,
    price_year: FinancialYear,
    deflator: Deflator | None = None,
    schools: float | None = None,
    pupils_supported: float | None = None,
) -> pd.DataFrame:
    """Return what the programme cost in all, for a school and for a pupil supported, and its cost band.

    Per exclusion averted see :func:`averting.appraisal.measures.cost_per_averted`, which knows how uncertain that is.

    Parameters
    ----------
    costs : sequence of ProgrammeCost
        At least one.
    price_year : FinancialYear
        Prices of the result.
    schools, pupils_supported : float, optional
        Schools taking part, and pupils supported in a year on average; above zero.

    Returns
    -------
    DataFrame
        ``measure``, ``amount`` in pounds, and ``band`` for the yearly cost per pupil supported.
    """
    if not costs:
        raise ParameterError("The programme has no cost. Give at least one.")
    for name, number in (("schools", schools), ("pupils_supported", pupils_supported)):
        if number is not None and not (np.isfinite(number) and number > 0):
            raise ParameterError(f"{name} is {number}. Give a number above zero, or leave it out.")
    amounts = np.array([_in_prices(cost, price_year, deflator) for cost in costs])
    start_up = np.array([cost.phase == "start_up" for cost in costs])
    in_kind = np.array([cost.in_kind for cost in costs])
    years = len({cost.year for cost, once in zip(costs, start_up, strict=True) if not once}) or 1
    total, yearly = float(amounts.sum()), float(amounts[~start_up].sum()) / years
    rows: list[tuple[str, float, str]] = [
        ("in all", total, ""),
        ("of which to start up", float(amounts[start_up].sum()), ""),
        ("of which in kind", float(amounts[in_kind].sum()), ""),
        ("running, a year", yearly, ""),
    ]
    if schools is not None:
        rows += [("in all, a school", total / schools, ""), ("running, a school and year", yearly / schools, "")]
    if pupils_supported is not None:
        each = yearly / pupils_supported
        rows.append(("running, a pupil supported and year", each, cost_band(each)))
    return pd.DataFrame(rows, columns=["measure", "amount", "band"])


def read_ledger(path: str | Path, *, source: str) -> tuple[ProgrammeCost, ...]:
    """Read spending, one row each: spot purchases of a local response fund, or any other ledger.

    Parameters
    ----------
    path : str or Path
        CSV with the columns ``year`` (financial), ``amount``, ``payer`` and ``element``; ``price_year`` (the year itself
        without it), ``phase``, ``in_kind`` and ``description`` may be there. Names of pupils or families do not belong
        in it, and ``description`` is not read further.
    source : str
        What the ledger is, for the report.

    Raises
    ------
    ParameterError
        Listing every row that cannot be used; amounts below zero are refused, so book a refund as less spending.
    """
    path = Path(path)
    try:
        with path.open(encoding="utf-8-sig", newline="") as handle:
            reader = csv.DictReader(handle)
            columns = [str(name).strip() for name in reader.fieldnames or ()]
            rows = [{str(key).strip(): str(value or "").strip() for key, value in row.items()} for row in reader]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise ParameterError(f"{path} cannot be read: {error}. Give a CSV file.") from error
    known = (*_LEDGER, *_LEDGER_OPTIONAL)
    faults = [
        Fault(path.name, f"there is no column '{name}'", "Add it") for name in _LEDGER if name not in columns
    ]
    unknown = [name for name in columns if name not in known]
    faults += [Fault(path.name, f"column '{name}' is not known", f"Known: {', '.join(known)}") for name in unknown]
    refuse(ParameterError, f"{path.name} is not a ledger", faults)
    costs = []
    for number, row in enumerate(rows, start=2):
        try:
            costs.append(_ledger_row(row, source))
        except AvertingError as error:
            faults.append(Fault(f"{path.name}, row {number}", error.message.rstrip("."), "Correct it"))
    if not rows:
        faults.append(Fault(path.name, "there is no row", "Add spending, or leave the ledger out"))
    refuse(ParameterError, f"{path.name} is not a ledger", faults)
    return tuple(costs)


def _ledger_row(row: dict[str, str], source: str) -> ProgrammeCost:
    year = FinancialYear.parse(row["year"])
    try:
        amount = float(row["amount"].replace(",", "").removeprefix("£"))
    except ValueError as error:
        raise ParameterError(f"amount is '{row['amount']}', not pounds.") from error
    in_kind = row.get("in_kind", "").lower()
    if in_kind not in _YES:
        raise ParameterError(f"in_kind is '{in_kind}'. Write yes or no.")
    prices = FinancialYear.parse(row["price_year"]) if row.get("price_year") else year
    phase = row.get("phase") or "running"
    return ProgrammeCost(year, amount, row["payer"], prices, source, row["element"], phase, _YES[in_kind])
