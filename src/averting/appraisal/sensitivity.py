"""What a result hangs on: one thing changed, two things changed, and what a thing would have to be for it to pay.

Whatever is not changed keeps its draws: values are compared draw by draw, and means are means over everything else that
is uncertain, not values at everything else's mean.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import NDArray
from scipy.optimize import brentq

from averting.appraisal.adjustments import adjusted_averted, amount_of
from averting.appraisal.appraisal import Appraisal, appraise, kinds_of
from averting.appraisal.programme import ProgrammeCost, programme_flows
from averting.appraisal.scenario import CENTRAL, Scenario
from averting.appraisal.unit_savings import Streams, laid_out, savings_per_exclusion
from averting.costs import Distribution, Override, Parameter, ParameterSet, present_value
from averting.costs.discounting import Timing, factors
from averting.draws import resample
from averting.effects import Averted
from averting.errors import EvaluationError
from averting.years import FinancialYear

type Array = NDArray[np.float64]

AVERTED, PROGRAMME_COST = "averted", "programme_cost"
"""Names, beside those of parameters, of what may be changed: multiples of what was averted and of what was spent."""

_STEPS = 9


@dataclass(frozen=True, eq=False)
class Case:
    """Everything one scenario's appraisal needs, so that it can be asked again with something changed.

    Parameters
    ----------
    averted, parameters, programme, base_year, price_year, scenario, discounting, draws, seed, payers_as_of, conditions, timing
        As in :func:`averting.appraise`.
    view : str
        Which savings count: ``cashable`` or ``cashable_and_capacity``.
    """

    averted: Averted
    parameters: ParameterSet
    base_year: FinancialYear
    price_year: FinancialYear
    programme: tuple[ProgrammeCost, ...] = ()
    scenario: Scenario = CENTRAL
    view: str = "cashable"
    discounting: str = "2022"
    draws: int = 1_000
    seed: int = 1
    payers_as_of: FinancialYear | None = None
    conditions: tuple[str, ...] = ()
    timing: Timing = "start"
    # what the view counts of savings per exclusion, by what the parameters are: cases made from one another share it
    _kept: dict[str, Array] = field(default_factory=dict, repr=False, compare=False)

    def __post_init__(self) -> None:
        kinds_of(self.view)

    def appraisal(self) -> Appraisal:
        """Return the appraisal of this case."""
        return appraise(
            self.averted,
            self.parameters,
            base_year=self.base_year,
            price_year=self.price_year,
            programme=self.programme,
            scenarios=(self.scenario,),
            discounting=self.discounting,
            timing=self.timing,
            draws=self.draws,
            seed=self.seed,
            payers_as_of=self.payers_as_of,
            conditions=self.conditions,
        )

    @property
    def rules_of(self) -> FinancialYear:
        """Year whose payer rules hold where money is counted per exclusion: the one asked for, else the base year."""
        return self.payers_as_of or self.base_year

    def npv(self) -> float:
        """Return the mean net present value in the case's view.

        The same number as the appraisal's, reached without it: savings are linear in what was averted, so savings per
        exclusion are worked out once for each set of parameters.
        """
        sample = resample(self.averted.by_academic_year(), self.draws, seed=self.seed, key="appraisal/averted")
        sample = adjusted_averted(sample, self.scenario.adjustments)
        counted, starts = self._per_exclusion(), [int(str(label)[:4]) for label in sample["period"].to_numpy()]
        years = np.arange(max(starts) - self.base_year.start + counted.shape[-1])
        flows = laid_out(counted, sample.to_numpy(), starts, first=self.base_year.start, years=len(years))
        return (
            float((flows @ factors(years, edition=self.discounting, timing=self.timing)).mean())
            + self.npv_of_spend()
        )

    def _per_exclusion(self) -> Array:
        """Return savings per exclusion that the view counts, shape (draw, offset)."""
        known = self.parameters.under(self.scenario.overrides)
        about = (self.draws, self.seed, self.price_year, self.scenario.adjustments, known.families, self.view)
        key = repr((about, [(name, known[name].distribution, known[name].price_year) for name in known]))
        if key not in self._kept:
            drawn = known.draw(self.draws, seed=self.seed)
            each = savings_per_exclusion(
                drawn, price_year=self.price_year, payers_as_of=self.rules_of, conditions=self.conditions
            )
            streams = Streams.of(each, self.scenario)
            self._kept[key] = streams.values[np.isin(streams.kinds, kinds_of(self.view))].sum(axis=0)
        return self._kept[key]

    def npv_of_spend(self) -> float:
        """Return the present value of the programme's own spend, zero or below."""
        if not self.programme:
            return 0.0
        flows = programme_flows(self.programme, price_year=self.price_year, deflator=self.parameters.deflator)
        spent = present_value(flows, base_year=self.base_year, edition=self.discounting, timing=self.timing)
        return float(spent.sum()) * (1 + amount_of(self.scenario.adjustments, "optimism_bias"))

    def central(self, name: str) -> float:
        """Return the mean of a parameter under the scenario; 1 for the multiples of averted and spent."""
        if name in (AVERTED, PROGRAMME_COST):
            return 1.0
        return self.parameter(name).central

    def parameter(self, name: str) -> Parameter:
        """Return a parameter under the scenario; an unknown name is an EvaluationError."""
        known = self.parameters.under(self.scenario.overrides)
        if name not in known:
            names = ", ".join([AVERTED, PROGRAMME_COST, *known])
            raise EvaluationError(f"There is nothing called '{name}' to change. Known: {names}.")
        return known[name]

    def uncertain(self) -> list[str]:
        """Return the names of what is uncertain: what was averted, and every parameter that is not fixed."""
        known = self.parameters.under(self.scenario.overrides)
        return [AVERTED, *(key for key in known if known[key].distribution.family != "fixed")]

    def label(self, name: str) -> str:
        """Return how reports name what is changed."""
        fixed = {AVERTED: "Exclusions averted (multiple)", PROGRAMME_COST: "Programme cost (multiple)"}
        return fixed.get(name) or str(self.parameter(name).label)

    def range(self, name: str, low: float, high: float) -> tuple[float, float]:
        """Return two quantiles of a parameter; of averted, as multiples of its mean; spend has no distribution."""
        if name == PROGRAMME_COST:
            return 1.0, 1.0
        if name == AVERTED:
            total = self.averted.total().to_numpy()
            if not total.mean():
                raise EvaluationError("What was averted is zero on average, so multiples of it say nothing.")
            first, last = np.quantile(total, [low, high]) / total.mean()
            return float(first), float(last)
        distribution = self.parameter(name).distribution
        return distribution.quantile(low), distribution.quantile(high)

    def with_value(self, name: str, value: float) -> Case:
        """Return the case with a parameter known to be a value, or averted draws or spend multiplied by it."""
        if name == AVERTED:
            quantity = self.averted.quantity
            return replace(
                self, averted=replace(self.averted, quantity=(quantity * value).assign_attrs(quantity.attrs))
            )
        if name == PROGRAMME_COST:
            return replace(
                self, programme=tuple(replace(cost, amount=cost.amount * value) for cost in self.programme)
            )
        price_year = self.parameter(name).price_year
        override = Override(Distribution.point(value), f"sensitivity: {name}", price_year=price_year)
        overrides = {**self.scenario.overrides, name: override}
        return replace(self, scenario=replace(self.scenario, overrides=overrides))


def one_way(
    case: Case, *, names: Sequence[str] | None = None, low: float = 0.05, high: float = 0.95
) -> pd.DataFrame:
    """Return what each uncertain thing alone does to mean net present value: the bars of a tornado.

    Each is set to its low and high quantile in turn, all else keeping its draws. Averted exclusions are multiplied so
    that their mean stands at the quantile of their draws.

    Returns
    -------
    DataFrame
        ``name``, ``label``, ``low``, ``high``, ``npv_low``, ``npv_high``, ``npv`` (nothing changed) and ``swing``, widest
        first.

    Raises
    ------
    EvaluationError
        For an unknown name, or quantiles that are not 0 < low < high < 1.
    """
    if not 0 < low < high < 1:
        raise EvaluationError(f"low is {low} and high is {high}. Give shares with 0 < low < high < 1.")
    npv, rows = case.npv(), []
    for name in case.uncertain() if names is None else names:
        ends = case.range(name, low, high)
        npv_low, npv_high = (case.with_value(name, value).npv() for value in ends)
        row = {"name": name, "label": case.label(name), "low": ends[0], "high": ends[1]}
        rows.append(
            {**row, "npv_low": npv_low, "npv_high": npv_high, "npv": npv, "swing": abs(npv_high - npv_low)}
        )
    return pd.DataFrame(rows).sort_values("swing", ascending=False, kind="stable", ignore_index=True)


def two_way(
    case: Case, first: str, first_values: Sequence[float], second: str, second_values: Sequence[float]
) -> xr.DataArray:
    """Return mean net present value over a grid of two things, dims (the two names), all else keeping its draws."""
    if first == second:
        raise EvaluationError(f"'{first}' cannot be changed against itself. Give two names.")
    grid = [[case.with_value(first, a).with_value(second, b).npv() for b in second_values] for a in first_values]
    coords = {first: list(first_values), second: list(second_values)}
    return xr.DataArray(grid, dims=(first, second), coords=coords, attrs={"units": "GBP"})


@dataclass(frozen=True)
class BreakEven:
    """What one thing would have to be for a programme to pay.

    Parameters
    ----------
    name, label : str
        What is changed.
    current : float
        Its mean as it stands.
    value : float or None
        Where mean net present value is zero, nearest to the current one; None where it is nowhere in the band.
    low, high : float
        Band that was searched: the parameter's plausible range.
    pays_now : bool
        Whether mean net present value is zero or above as it stands.
    unit : str
        Unit of the values.
    """

    name: str
    label: str
    current: float
    value: float | None
    low: float
    high: float
    pays_now: bool
    unit: str

    def __str__(self) -> str:
        band = f"{self.low:,.4g} to {self.high:,.4g} {self.unit}"
        kind = "band searched" if self.name in (AVERTED, PROGRAMME_COST) else "plausible band"
        if self.value is None:
            every = "every" if self.pays_now else "no"
            return f"{self.label}: {every} value in the {kind} makes it pay ({band})."
        turn = "stops paying" if self.pays_now else "starts to pay"
        return (
            f"{self.label}: the programme {turn} at {self.value:,.4g} {self.unit}; it stands at {self.current:,.4g}, "
            f"and the {kind} is {band}."
        )


def break_even(case: Case, name: str, *, low: float | None = None, high: float | None = None) -> BreakEven:
    """Find what a parameter, or a multiple of averted or spent, would have to be for mean net present value to be zero.

    Parameters
    ----------
    case : Case
        What is appraised.
    name : str
        Key of a parameter, ``averted`` or ``programme_cost``.
    low, high : float, optional
        Band to search; the parameter's plausible range by default, and 0 to 10 times for multiples.

    Raises
    ------
    EvaluationError
        For an unknown name or a band that is none.
    """
    multiple = name in (AVERTED, PROGRAMME_COST)
    plausible = (0.0, 10.0) if multiple else case.parameter(name).plausible
    unit = "times" if multiple else str(case.parameter(name).unit)
    first, last = (plausible[0] if low is None else low), (plausible[1] if high is None else high)
    if not first < last:
        raise EvaluationError(
            f"The band for '{name}' is {first} to {last}. Its low end must be below its high end."
        )
    # worth is a straight line in a multiple, so its ends tell; a parameter may bend it
    values = np.linspace(first, last, 2 if multiple else _STEPS)
    worth = [case.with_value(name, float(value)).npv() for value in values]
    current, now = case.central(name), case.npv()
    roots = [
        float(brentq(lambda v: case.with_value(name, v).npv(), a, b, xtol=1e-6 * (last - first)))
        for a, b, at_a, at_b in zip(values[:-1], values[1:], worth[:-1], worth[1:], strict=True)
        if at_a * at_b < 0
    ]
    roots += [float(v) for v, at in zip(values, worth, strict=True) if at == 0]
    nearest = min(roots, key=lambda root: abs(root - current)) if roots else None
    return BreakEven(name, case.label(name), current, nearest, first, last, now >= 0, unit)


def break_even_averted(case: Case) -> float:
    """Return how many exclusions must be averted, spread over years as the average is, for it to pay on average.

    Works whatever the sign of what was averted: one exclusion, spread evenly over the periods, is valued in the same
    draws, and the programme's cost is divided by its mean worth.

    Returns
    -------
    float
        Infinite where an averted exclusion saves nothing in this view.
    """
    one = _one_averted(case).appraisal()
    at = {"scenario": case.scenario.key, "view": case.view}
    worth, cost = (float(array.sel(at).mean()) for array in (one.savings(), one.programme_cost()))
    return cost / worth if worth > 0 else float("inf")


def _one_averted(case: Case) -> Case:
    """Return the case with one exclusion averted for certain, spread evenly over schools and periods."""
    quantity = case.averted.quantity
    even = xr.full_like(quantity, 1 / (quantity.sizes["school"] * quantity.sizes["period"]))
    return replace(case, averted=replace(case.averted, quantity=even.assign_attrs(quantity.attrs)))


def break_even_grid(case: Case, name: str, *, counts: Sequence[float], values: Sequence[float]) -> xr.DataArray:
    """Return mean net present value by how many exclusions are averted and what a parameter is.

    Unlike :func:`two_way`, the first axis counts exclusions, so that it has a meaning where the estimate is near zero
    or of the wrong sign. Exclusions are spread evenly over schools and periods, as in :func:`break_even_averted`.

    Parameters
    ----------
    case : Case
        What is appraised.
    name : str
        Key of a parameter.
    counts, values : sequence of float
        Exclusions averted, and values of the parameter in its own unit and price year.

    Returns
    -------
    DataArray, dims ("averted", name), units GBP

    Raises
    ------
    EvaluationError
        For an unknown name.
    """
    one = replace(_one_averted(case), programme=())
    worth = np.array([one.with_value(name, float(value)).npv() for value in values])
    spent = case.npv_of_spend()
    grid = np.asarray(counts, dtype=float)[:, None] * worth[None, :] + spent
    coords = {"averted": list(counts), name: list(values)}
    return xr.DataArray(grid, dims=("averted", name), coords=coords, attrs={"units": "GBP"})
