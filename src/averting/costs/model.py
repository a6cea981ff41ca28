"""From averted exclusions to pounds by line, payer and financial year."""

from __future__ import annotations

from collections.abc import Collection, Sequence

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from averting.costs.cost_line import CostLine
from averting.costs.families import load_parameters
from averting.costs.overlaps import overlap_faults
from averting.costs.pathways import quantities
from averting.costs.payer_rules import apply_payer_rules
from averting.costs.payers import known_payers
from averting.costs.prices import deflate
from averting.costs.quantities import Quantities
from averting.errors import Fault, ParameterError, refuse
from averting.units import money
from averting.years import FinancialYear

type Array = NDArray[np.float64]


def _chosen(parameters: xr.Dataset, lines: Sequence[str] | None) -> tuple[CostLine, ...]:
    families = [family for family in str(parameters.attrs.get("families", "")).split(",") if family]
    if not families:
        raise ParameterError("The draws name no family of parameters. Make them with ParameterSet.draw.")
    known = {line.key: line for line in load_parameters(*families).lines}
    asleep = {key: [need for need in line.needs if need not in parameters] for key, line in known.items()}
    wanted = tuple(key for key in known if not asleep[key]) if lines is None else tuple(lines)
    faults = [
        Fault("lines", f"there is no line '{key}' in {', '.join(families)}", f"Known: {', '.join(known)}")
        for key in wanted
        if key not in known
    ]
    faults += [
        Fault("lines", f"line '{key}' waits for {', '.join(asleep[key])}", "Give it as an override, with a reason")
        for key in wanted
        if asleep.get(key)
    ]
    faults += overlap_faults(wanted, where="lines")
    if not wanted:
        faults.append(Fault("lines", "no line is chosen", f"Known: {', '.join(known)}"))
    refuse(ParameterError, "Cost lines cannot be used", faults)
    return tuple(known[key] for key in wanted)


def _values(parameters: xr.Dataset, lines: Sequence[CostLine], price_year: FinancialYear) -> dict[str, Array]:
    """Draws of every parameter the lines use, money in one price year."""
    values: dict[str, Array] = {}
    for key in sorted({key for line in lines for key in line.needs}):
        draws = parameters[key]
        if "price_year" in draws.attrs:
            draws = deflate(draws, to=price_year, deflator=parameters.attrs.get("deflator"))
        values[key] = draws.to_numpy()
    return values


def _account(
    lines: Sequence[CostLine], payers: Sequence[str], amounts: Quantities, values: dict[str, Array]
) -> Array:
    """Shape (draw, line, payer, year)."""
    draws, years = amounts.averted_exclusions.shape
    account = np.zeros((draws, len(lines), len(payers), years))
    for row, line in enumerate(lines):
        columns = [payers.index(payer) for payer in line.payers]
        account[:, row, columns, :] = line.flows(amounts, values).transpose(1, 0, 2)
    return account


def savings(
    averted: xr.DataArray,
    parameters: xr.Dataset,
    *,
    price_year: FinancialYear,
    lines: Sequence[str] | None = None,
    payers_as_of: FinancialYear | None = None,
    conditions: Collection[str] = (),
) -> xr.DataArray:
    """Public money saved by averted exclusions.

    Parameters
    ----------
    averted : DataArray, dims (draw, period), units pupils
        Permanent exclusions averted by academic year; negative where they rose, and kept so.
    parameters : Dataset, dims (draw,)
        From :meth:`averting.costs.ParameterSet.draw`, on the same draws: both are used draw by draw, never by
        their means.
    price_year : FinancialYear
        Year in whose prices the result is.
    lines : sequence of str, optional
        Cost lines to work out; by default all lines of the parameters' families but those that wait for a number
        nobody has given (:attr:`ParameterSet.asleep` names them).

    payers_as_of, conditions : FinancialYear, collection of str, optional
        ``as_of`` and ``conditions`` of :func:`apply_payer_rules`: by default every flow falls to whoever pays in its
        own year.

    Returns
    -------
    DataArray, dims (draw, line, payer, year), units GBP, basis "undiscounted"
        Positive is a saving to that payer. ``line`` has the coordinates ``kind`` and ``line_label``, ``payer``
        has ``payer_label``; only payers that a line touches appear, and ``year`` holds starts of financial
        years. Kinds are not to be summed with each other; lines of kind ``transfer`` add up to zero over payers.

    Raises
    ------
    UnitError
        If ``averted`` is not in pupils by (draw, period), has missing values or other draws than the
        parameters, or the price year is outside the deflator.
    ParameterError
        For an unknown line.
    """
    chosen = _chosen(parameters, lines)
    amounts = quantities(averted, parameters)
    touched = {payer for line in chosen for payer in line.payers}
    payers = {key: name for key, name in known_payers().items() if key in touched}
    account = _account(chosen, list(payers), amounts, _values(parameters, chosen, price_year))
    array = xr.DataArray(
        account,
        dims=("draw", "line", "payer", "year"),
        coords={
            "draw": averted["draw"].to_numpy(),
            "line": [line.key for line in chosen],
            "kind": ("line", [line.kind for line in chosen]),
            "line_label": ("line", [line.label for line in chosen]),
            "payer": list(payers),
            "payer_label": ("payer", list(payers.values())),
            "year": list(amounts.years),
        },
        name="savings",
    )
    paid = apply_payer_rules(array, as_of=payers_as_of, conditions=conditions)
    return money(paid, price_year=price_year)
