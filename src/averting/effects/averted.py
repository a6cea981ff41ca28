"""``Averted``: how many exclusions did not happen. The sign of an effect turns here and nowhere else."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import xarray as xr

from averting import units
from averting.draws import spread_of
from averting.years import Period


@dataclass(frozen=True, eq=False)
class Averted:
    """Quantity averted, counterfactual minus pilot.

    Parameters
    ----------
    quantity : DataArray, dims (draw, school, period), units "pupils" or "events"
        Negative where there were more events than there would have been.
    indicator : str
        What was averted.
    draw_kind : str
        ``posterior``, ``bootstrap`` or ``confidence``.

    Examples
    --------
    >>> made = av.simulate_pilot(seed=1, pilots=2, comparison=12)
    >>> design = av.Design(made.panel(), pilots=list(made.pilots), start="2021/22", comparison="all")
    >>> averted = av.estimate(design, "permanent_exclusions", draws=200).averted()
    >>> sorted(averted.summary())
    ['level', 'lower', 'median', 'upper']
    """

    quantity: xr.DataArray
    indicator: str
    draw_kind: str

    @classmethod
    def from_change(cls, change: xr.DataArray, *, indicator: str, draw_kind: str) -> Self:
        """Turn a change (pilot minus counterfactual, in events) into what was averted.

        A permanent exclusion ends one pupil's place, so it counts as one pupil; other events stay events.
        """
        units.require(change, units="events", what="change")
        unit = "pupils" if indicator == "permanent_exclusions" else "events"
        return cls(units.label(-change, unit), indicator, draw_kind)

    def by_period(self) -> xr.DataArray:
        """Return the quantity summed over schools, dims (draw, period)."""
        return self.quantity.sum("school").assign_attrs(self.quantity.attrs)

    def by_academic_year(self) -> xr.DataArray:
        """Return the quantity summed over schools and over the terms of a year, dims (draw, period).

        Costs and discounting are by year, so this is the one place where terms become years.
        """
        quantity = self.by_period()
        years = [Period.parse(period).year.label for period in quantity["period"].to_numpy().astype(str).tolist()]
        if len(set(years)) == len(years):
            return quantity.assign_coords(period=years)
        summed = quantity.assign_coords(period=years).groupby("period").sum()
        return summed.transpose("draw", "period").assign_attrs(quantity.attrs)

    def total(self) -> xr.DataArray:
        """Return the quantity over all schools and periods, dims (draw,)."""
        return self.quantity.sum(("school", "period")).assign_attrs(self.quantity.attrs)

    def summary(self, level: float = 0.95) -> dict[str, float]:
        """Return median and equal-tailed interval of the total."""
        return {**spread_of(self.total().to_numpy(), level), "level": level}
