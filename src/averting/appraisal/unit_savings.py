"""What one averted exclusion saves, draw by draw: money is linear in how many are averted, so this is worked out once."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from averting import units
from averting.appraisal.adjustments import amount_of
from averting.appraisal.scenario import Scenario
from averting.costs import savings
from averting.costs.quantities import spread
from averting.errors import UnitError
from averting.years import AcademicYear, FinancialYear

type Array = NDArray[np.float64]

_ORIGIN = AcademicYear(2000)


def savings_per_exclusion(
    parameters: xr.Dataset,
    *,
    price_year: FinancialYear,
    payers_as_of: FinancialYear,
    conditions: Collection[str] = (),
    values: Mapping[str, float] | None = None,
) -> xr.DataArray:
    """Return what averting one exclusion saves.

    Parameters
    ----------
    parameters : Dataset, dims (draw,)
        From :meth:`averting.costs.ParameterSet.draw`.
    price_year : FinancialYear
        Year in whose prices the result is.
    payers_as_of, conditions : FinancialYear, collection of str
        As in :func:`averting.costs.savings`. One year's rules hold throughout: who pays cannot follow the calendar
        where money is counted from the exclusion.
    values : mapping of str to float, optional
        Parameters taken to be known, each in the price year it was drawn in; the others keep their draws.

    Returns
    -------
    DataArray, dims (draw, line, payer, year), units GBP, basis "undiscounted"
        ``year`` counts financial years from the one in which the academic year of the exclusion begins. Any number
        averted saves this many times as much.
    """
    known = {
        key: xr.full_like(parameters[key], value).assign_attrs(parameters[key].attrs)
        for key, value in (values or {}).items()
    }
    draws = parameters["draw"].to_numpy()
    one = xr.DataArray(
        np.ones((len(draws), 1)), dims=("draw", "period"), coords={"draw": draws, "period": [_ORIGIN.label]}
    )
    flows = savings(
        units.label(one, "pupils"),
        parameters.assign(known),
        price_year=price_year,
        payers_as_of=payers_as_of,
        conditions=conditions,
    )
    return flows.assign_coords(year=flows["year"].to_numpy() - _ORIGIN.start)


@dataclass(frozen=True, eq=False)
class Streams:
    """Savings per exclusion of one scenario as plain arrays: a stream is what one line brings to one payer.

    Parameters
    ----------
    lines, payers, kinds : tuple of str
        By stream.
    values : array, shape (stream, draw, offset)
        Pounds, undiscounted; offset counts financial years from the one in which the academic year begins.
    """

    lines: tuple[str, ...]
    payers: tuple[str, ...]
    kinds: tuple[str, ...]
    values: Array

    @classmethod
    def of(cls, each: xr.DataArray, scenario: Scenario) -> Streams:
        """Take the streams of savings per exclusion that ever hold money, moved later by the scenario's lag."""
        cells = [
            (i, j)
            for i in range(each.sizes["line"])
            for j in range(each.sizes["payer"])
            if bool((each[:, i, j] != 0).any())
        ]
        values = np.stack([each[:, i, j].to_numpy() for i, j in cells]) if cells else np.zeros((0, 0, 0))
        late = int(amount_of(scenario.adjustments, "lag"))
        lines, payers, kinds = (each[name].to_numpy() for name in ("line", "payer", "kind"))
        return cls(
            tuple(str(lines[i]) for i, _ in cells),
            tuple(str(payers[j]) for _, j in cells),
            tuple(str(kinds[i]) for i, _ in cells),
            np.pad(values, ((0, 0), (0, 0), (late, 0))),
        )

    def like(self, each: xr.DataArray, scenario: Scenario) -> Array:
        """Return the same streams of other savings per exclusion, shape (stream, draw, offset)."""
        late = int(amount_of(scenario.adjustments, "lag"))
        found = np.stack(
            [
                each.sel(line=line, payer=payer).to_numpy()
                for line, payer in zip(self.lines, self.payers, strict=True)
            ]
        )
        return np.pad(found, ((0, 0), (0, 0), (late, 0)))


def laid_out(values: Array, averted: Array, starts: list[int], *, first: int, years: int) -> Array:
    """Lay savings per exclusion along the years in which exclusions are averted.

    Parameters
    ----------
    values : array, shape (..., draw, offset)
        Savings per exclusion.
    averted : array, shape (draw, period)
        Exclusions averted.
    starts : list of int
        Year in which each period begins.
    first, years : int
        First financial year of the result, and how many.

    Returns
    -------
    array, shape (..., draw, year)

    Raises
    ------
    UnitError
        If a period begins before the first year.
    """
    if min(starts) < first:
        raise UnitError(
            f"Flows begin {first - min(starts)} years before the base year. Move the base year to the first year with "
            "a flow: earlier flows are not compounded."
        )
    return spread(averted, starts, values, range(first, first + years))
