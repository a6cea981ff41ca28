"""From a few pilot schools to many: what the programme would save and cost if it were offered more widely."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import NDArray

from averting import units
from averting.appraisal.appraisal import Appraisal, appraise
from averting.appraisal.programme import ProgrammeCost
from averting.appraisal.scenario import Scenario
from averting.costs import ParameterSet
from averting.costs.discounting import Timing
from averting.effects import Averted
from averting.errors import EvaluationError, Fault, refuse
from averting.years import AcademicYear, FinancialYear, Period

WIDER = Scenario("wider", "Offered more widely")

CAVEAT = (
    "Read this as a supposition. It takes for granted that other schools would respond as the pilots did, less the "
    "dilution declared. Pilots are seldom like other schools: they volunteer, they are chosen for need or for "
    "readiness, and they get attention that a larger programme cannot give. Nothing in the pilots' data says how far "
    "their effect carries over. The same draws of the effect hold in every school, so the interval does not narrow "
    "with the number of schools."
)


@dataclass(frozen=True)
class ScaleUp:
    """A wider programme, as it is supposed.

    Parameters
    ----------
    start : AcademicYear
        First year.
    years, schools : int
        How many years it runs, and how many schools take part at the most.
    ramp_up : tuple of float
        Share of the schools taking part in the first year, the second and so on, never falling; the last holds for
        all later years.
    fade_out : float
        Share of its effect that a school loses each year after its first.
    dilution : float
        Share of the pilots' effect that other schools do not get.
    fixed_cost, cost_per_school : float
        Pounds a year: whatever the number of schools, and for each school that takes part.
    payer, price_year, source
        Who pays, prices of the costs, and where they come from, as in :class:`ProgrammeCost`.

    Raises
    ------
    EvaluationError
        For numbers that cannot be, all at once.
    """

    start: AcademicYear
    years: int
    schools: int
    fixed_cost: float
    cost_per_school: float
    payer: str
    price_year: FinancialYear
    source: str
    ramp_up: tuple[float, ...] = (1.0,)
    fade_out: float = 0.0
    dilution: float = 0.0

    def __post_init__(self) -> None:
        shares = {"fade_out": self.fade_out, "dilution": self.dilution, "fixed_cost": self.fixed_cost}
        shares |= {"cost_per_school": self.cost_per_school}
        faults = [
            Fault(f"scale_up {name}", f"it is {value}", "Give a share of 0 to 1" if top == 1 else "Give 0 or more")
            for (name, value), top in zip(shares.items(), (1, 1, np.inf, np.inf), strict=True)
            if not 0 <= value <= top
        ]
        if not 1 <= self.years <= 30:
            faults.append(Fault("scale_up years", f"it is {self.years}", "Give 1 to 30"))
        if self.schools < 1:
            faults.append(Fault("scale_up schools", f"it is {self.schools}", "Give 1 or more"))
        steps = (0.0, *self.ramp_up)
        if not self.ramp_up or any(b < a for a, b in pairwise(steps)) or steps[-1] > 1:
            faults.append(Fault("scale_up ramp_up", f"it is {list(self.ramp_up)}", "Give rising shares of 0 to 1"))
        refuse(EvaluationError, "The wider programme cannot be used", faults)

    @property
    def taking_part(self) -> NDArray[np.float64]:
        """Schools that take part, by year."""
        shares = [*self.ramp_up[: self.years], *[self.ramp_up[-1]] * (self.years - len(self.ramp_up))]
        return self.schools * np.array(shares)

    @property
    def at_work(self) -> NDArray[np.float64]:
        """Schools by year, each counted at the share of the pilots' effect that it has left."""
        joining = np.diff(self.taking_part, prepend=0.0)
        left = (1 - self.fade_out) ** np.arange(self.years)
        return (1 - self.dilution) * np.convolve(joining, left)[: self.years]

    def costs(self) -> tuple[ProgrammeCost, ...]:
        """Return its cost by year; a year's cost falls in the financial year in which the academic year begins."""
        return tuple(
            ProgrammeCost(
                FinancialYear(self.start.start + year),
                self.fixed_cost + self.cost_per_school * float(schools),
                self.payer,
                self.price_year,
                self.source,
            )
            for year, schools in enumerate(self.taking_part)
        )


def _at_work(averted: Averted) -> set[tuple[int, str]]:
    """Pilot schools, by row, and academic years in which the programme was at work."""
    quantity = averted.quantity
    years = [Period.parse(str(period)).year.label for period in quantity["period"].to_numpy()]
    moved = (quantity != 0).any("draw").transpose("school", "period").to_numpy()
    cells = {(int(row), years[column]) for row, column in zip(*np.nonzero(moved), strict=True)}
    if not cells:
        raise EvaluationError("Nothing was averted in any draw, so there is nothing to scale up.")
    return cells


def schools_and_years(averted: Averted) -> tuple[int, int]:
    """Return how many pilot schools, and in how many academic years, the programme was at work."""
    cells = _at_work(averted)
    return len({school for school, _ in cells}), len({year for _, year in cells})


def averted_by_school_year(averted: Averted) -> xr.DataArray:
    """Return what one pilot school averted in one academic year, on average over pilots and years, dims (draw,)."""
    return averted.total() / len(_at_work(averted))


def scale_up(
    averted: Averted,
    parameters: ParameterSet,
    plan: ScaleUp,
    *,
    base_year: FinancialYear,
    price_year: FinancialYear,
    discounting: str = "2022",
    timing: Timing = "start",
    payers_as_of: FinancialYear | None = None,
    conditions: Collection[str] = (),
    draws: int = 4_000,
    seed: int = 1,
) -> Appraisal:
    """Value a wider programme from what the pilots averted, a school and year.

    Parameters
    ----------
    averted : Averted
        Of the pilots.
    plan : ScaleUp
        What is supposed of the wider programme.
    parameters, base_year, price_year, discounting, timing, payers_as_of, conditions, draws, seed
        As in :func:`averting.appraise`.

    Returns
    -------
    Appraisal
        Scenario ``wider`` beside doing nothing. See ``CAVEAT`` for what it takes for granted.
    """
    each = averted_by_school_year(averted)
    periods = [AcademicYear(plan.start.start + year).label for year in range(plan.years)]
    at_work = xr.DataArray(plan.at_work, dims="period", coords={"period": periods})
    quantity = (each * at_work).expand_dims(school=["wider"]).transpose("draw", "school", "period")
    wider = Averted(units.label(quantity, averted.quantity.attrs["units"]), averted.indicator, averted.draw_kind)
    return appraise(
        wider,
        parameters,
        base_year=base_year,
        price_year=price_year,
        programme=plan.costs(),
        scenarios=(WIDER,),
        discounting=discounting,
        timing=timing,
        payers_as_of=payers_as_of,
        conditions=conditions,
        draws=draws,
        seed=seed,
    )


def scale_up_table(appraisal: Appraisal, plan: ScaleUp, *, level: float = 0.95) -> pd.DataFrame:
    """Return one row per view: schools, what is averted, saved and spent, net with interval, ratio and chance."""
    if appraisal.averted is None:
        raise EvaluationError("This appraisal does not hold what was averted. Make it with scale_up.")
    averted = appraisal.averted.sel(scenario=WIDER.key).to_numpy()
    low, high = np.quantile(averted, [(1 - level) / 2, (1 + level) / 2])
    about = {
        "schools": plan.schools,
        "school_years": float(plan.taking_part.sum()),
        "averted_mean": float(averted.mean()),
        "averted_lower": float(low),
        "averted_upper": float(high),
    }
    summary = appraisal.summary(level).query("scenario == 'wider'")
    return pd.DataFrame([{**about, **row} for row in summary.drop(columns="scenario").to_dict(orient="records")])
