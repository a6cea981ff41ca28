"""The model behind the funder's explorer: few enough numbers for a page, exact for means.

Net present value is a sum over streams (what a line brings to a payer) of exclusions averted times savings per exclusion
times a discount factor. Each unit cost enters a line as a straight line, so means for any setting of the controls follow
from means at "as drawn", at nought, and of the slope; how long pupils stay out enters as a table over a grid. Whatever a
reader does not set keeps its draws. The chance of paying back is counted over a stratified part of the draws.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import product

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from averting.appraisal.adjustments import adjusted_averted, amount_of
from averting.appraisal.appraisal import VIEWS
from averting.appraisal.programme import programme_flows
from averting.appraisal.sensitivity import Case
from averting.appraisal.unit_savings import Streams, laid_out, savings_per_exclusion
from averting.costs import placement_years
from averting.costs.discounting import factors
from averting.costs.pathways import RETURN_HAZARD
from averting.draws import resample
from averting.units import label
from averting.years import FinancialYear

type Array = NDArray[np.float64]

DRAWS = 400
"""How many joint draws a page counts the chance of paying back from."""

DRAWN, NOUGHT, SLOPE = "d", "0", "1"
_STRATA = 20
_GRID_STEP = 0.2
_GOLDEN = 0.6180339887
_MOST_UNIT_COSTS = 2


@dataclass(frozen=True)
class Point:
    """A setting of the controls; None leaves a thing as it was estimated or declared.

    Parameters
    ----------
    averted : float, optional
        Exclusions averted in all, taken to be known and spread evenly over the years.
    values : mapping of str to float
        Unit costs and shares taken to be known, in the prices they were declared in.
    duration : int, optional
        Place in the grid of years out of mainstream per exclusion.
    spend : float, optional
        The programme's cost in all, undiscounted, spread over years and payers as declared.
    schedule : str
        ``standard``, ``reduced`` or ``none``.
    horizon : int, optional
        Number of financial years counted from the base year.
    view : str
        Which savings count.
    """

    averted: float | None = None
    values: tuple[tuple[str, float], ...] = ()
    duration: int | None = None
    spend: float | None = None
    schedule: str = "standard"
    horizon: int | None = None
    view: str = "cashable"


@dataclass(frozen=True, eq=False)
class Basis:
    """The draws of one case, and how to value any setting of the controls with all of them.

    Parameters
    ----------
    case : Case
        What is appraised.
    """

    case: Case

    @cached_property
    def drawn(self) -> xr.Dataset:
        """Draws of every parameter under the case's scenario."""
        case = self.case
        return case.parameters.under(case.scenario.overrides).draw(case.draws, seed=case.seed)

    @cached_property
    def sample(self) -> xr.DataArray:
        """Exclusions averted after the scenario's adjustments, dims (draw, period)."""
        case = self.case
        found = resample(case.averted.by_academic_year(), case.draws, seed=case.seed, key="appraisal/averted")
        return adjusted_averted(found, case.scenario.adjustments)

    @cached_property
    def starts(self) -> list[int]:
        """Year in which each period begins."""
        return [int(str(period)[:4]) for period in self.sample["period"].to_numpy()]

    @cached_property
    def streams(self) -> Streams:
        """Savings per exclusion as drawn."""
        return Streams.of(self._per_exclusion({}), self.case.scenario)

    def _per_exclusion(self, values: Mapping[str, float]) -> xr.DataArray:
        case = self.case
        return savings_per_exclusion(
            self.drawn,
            price_year=case.price_year,
            payers_as_of=case.rules_of,
            conditions=case.conditions,
            values=values,
        )

    def streams_at(self, values: Mapping[str, float]) -> Array:
        """Return savings per exclusion with some parameters known, shape (stream, draw, offset)."""
        if not values:
            return self.streams.values
        return self.streams.like(self._per_exclusion(values), self.case.scenario)

    @cached_property
    def spend(self) -> dict[str, Array]:
        """The programme's cost by payer and financial year, positive, undiscounted."""
        case = self.case
        if not case.programme:
            return {}
        flows = -programme_flows(case.programme, price_year=case.price_year, deflator=case.parameters.deflator)
        flows = flows * (1 + amount_of(case.scenario.adjustments, "optimism_bias"))
        laid = flows.reindex(
            year=list(range(case.base_year.start, case.base_year.start + self.years)), fill_value=0
        )
        return {str(payer): laid.sel(payer=payer).to_numpy() for payer in laid["payer"].to_numpy()}

    @cached_property
    def years(self) -> int:
        """Number of financial years from the base year to the last with money."""
        spent = [cost.year.start for cost in self.case.programme]
        saved = max(self.starts) + self.streams.values.shape[-1] - 1
        return int(max([saved, *spent]) - self.case.base_year.start + 1)

    @cached_property
    def hazards(self) -> Array:
        """Yearly rates of return that the grid of durations stands for; empty where nothing depends on them."""
        if RETURN_HAZARD not in self.drawn or self.drawn[RETURN_HAZARD].to_numpy().std() == 0:
            return np.zeros(0)
        low, high = self.case.parameters[RETURN_HAZARD].plausible
        fine = np.linspace(low, high, 2_001)
        stay = self._years_out(fine)
        first, last = np.ceil(stay[-1] / _GRID_STEP - 1e-9), np.floor(stay[0] / _GRID_STEP + 1e-9)
        grid = np.round(_GRID_STEP * np.arange(first, last + 1), 10)
        return np.interp(-grid, -stay, fine)

    @cached_property
    def durations(self) -> Array:
        """Years out of mainstream per exclusion at each point of the grid."""
        return self._years_out(self.hazards) if len(self.hazards) else self.hazards

    def _years_out(self, hazards: Array) -> Array:
        means = self.drawn.mean("draw").expand_dims(draw=np.arange(len(hazards))).copy()
        means[RETURN_HAZARD] = ("draw", hazards)
        for key in self.drawn:
            means[key].attrs = self.drawn[key].attrs
        one = xr.DataArray(
            np.ones((len(hazards), 1)),
            dims=("draw", "period"),
            coords={"draw": np.arange(len(hazards)), "period": ["2000/01"]},
        )
        return np.asarray(placement_years(label(one, "pupils"), means).sum("year").to_numpy(), dtype=np.float64)

    def factors(self, schedule: str) -> Array:
        """Discount factors of the years from the base year."""
        if schedule == "none":
            return np.ones(self.years)
        return factors(
            np.arange(self.years), edition=self.case.discounting, series=schedule, timing=self.case.timing
        )

    def counted(self, view: str) -> NDArray[np.bool_]:
        """Say of each stream whether a view counts it."""
        return np.isin(self.streams.kinds, VIEWS[view])

    def results(self, point: Point) -> dict[str, object]:
        """Work out everything a page shows at one setting, with all draws."""
        known = dict(point.values)
        if point.duration is not None:
            known[RETURN_HAZARD] = float(self.hazards[point.duration])
        averted = self.sample.to_numpy()
        if point.averted is not None:
            averted = np.full_like(averted, point.averted / averted.shape[1])
        flows = laid_out(
            self.streams_at(known), averted, self.starts, first=self.case.base_year.start, years=self.years
        )
        weight = self.factors(point.schedule) * (np.arange(self.years) < (point.horizon or self.years))
        worth = (flows @ weight)[self.counted(point.view)]
        total = sum((float(by_year.sum()) for by_year in self.spend.values()), 0.0)
        scale = 1.0 if point.spend is None or not total else point.spend / total
        paid = {payer: scale * float(by_year @ weight) for payer, by_year in self.spend.items()}
        cost = sum(paid.values())
        payers = dict.fromkeys((*np.array(self.streams.payers)[self.counted(point.view)].tolist(), *paid))
        owner = np.array(self.streams.payers)[self.counted(point.view)]
        split = {p: float(worth[owner == p].sum(axis=0).mean()) - paid.get(p, 0.0) for p in payers}
        saved = worth.sum(axis=0)
        low, high = np.quantile(saved - cost, [0.025, 0.975])
        return {
            "savings": float(saved.mean()),
            "cost": cost,
            "npv": float(saved.mean()) - cost,
            "bcr": float(saved.mean()) / cost if cost > 0 else None,
            "chance": float((saved > cost).mean()),
            "lower": float(low),
            "upper": float(high),
            "payers": split,
        }

    @cached_property
    def representatives(self) -> NDArray[np.intp]:
        """A stratified part of the draws: even along what was averted and, within that, along savings per exclusion."""
        count = self.sample.sizes["draw"]
        if count <= DRAWS:
            return np.arange(count)
        averted = self.sample.sum("period").to_numpy()
        each = self.streams.values[self.counted("cashable")].sum(axis=(0, 2))
        chosen: list[int] = []
        for row, stratum in enumerate(np.array_split(np.argsort(averted, kind="stable"), _STRATA)):
            ordered = stratum[np.argsort(each[stratum], kind="stable")]
            # another place within the parts of each stratum, so that the ends of both are met as often as they should
            place = (row * _GOLDEN) % 1
            chosen += [int(part[int(place * len(part))]) for part in np.array_split(ordered, DRAWS // _STRATA)]
        return np.array(chosen)


def unit_costs(basis: Basis) -> list[str]:
    """Return the uncertain unit costs that a reader may set, those that move most money first, and causal shares."""
    case = basis.case
    known = case.parameters.under(case.scenario.overrides)
    used = {key for line in known.lines if line.key in basis.streams.lines for key in line.needs}
    money = [
        key for key in used if known[key].unit.startswith("GBP") and known[key].distribution.family != "fixed"
    ]
    moved = {
        key: _moved(basis, key, *(known[key].distribution.quantile(q) for q in (0.05, 0.95))) for key in money
    }
    widest = sorted(money, key=lambda key: (-moved[key], key))[:_MOST_UNIT_COSTS]
    return [*widest, *sorted(key for key in used if known[key].unit == "share" and "causal" in key)]


def _moved(basis: Basis, key: str, low: float, high: float) -> float:
    ends = [np.abs(basis.streams_at({key: value}).sum(axis=2)).mean(axis=1).sum() for value in (low, high)]
    return abs(float(ends[1] - ends[0]))


def slots(basis: Basis, keys: Sequence[str]) -> dict[str, int]:
    """Give each control a number such that controls of one line differ; controls of one number are moved together."""
    found: dict[str, int] = {}
    together = [set(line.needs) for line in basis.case.parameters.lines]
    for key in keys:
        taken = {found[other] for needs in together if key in needs for other in needs if other in found}
        found[key] = min(set(range(len(keys))) - taken)
    return found


def states(basis: Basis, keys: Sequence[str], duration: int | None) -> dict[tuple[str, ...], Array]:
    """Return savings per exclusion at every combination of as drawn, nought and slope, by slot.

    Returns
    -------
    dict
        By one of ``d``, ``0``, ``1`` for each slot: array of shape (stream, draw, offset).
    """
    slot = slots(basis, keys)
    count = max(slot.values(), default=-1) + 1
    hazard = {} if duration is None else {RETURN_HAZARD: float(basis.hazards[duration])}
    raw = {
        combination: basis.streams_at(
            {**hazard, **{k: float(combination[slot[k]]) for k in keys if combination[slot[k]] != DRAWN}}
        )
        for combination in product((DRAWN, NOUGHT, SLOPE), repeat=count)
    }
    for axis in range(count):
        for combination in raw:
            if combination[axis] == SLOPE:
                at_nought = (*combination[:axis], NOUGHT, *combination[axis + 1 :])
                raw[combination] = raw[combination] - raw[at_nought]
    return raw


def evidence(case: Case, key: str) -> tuple[float, float]:
    """Return the 5% and 95% points of a parameter under the case's scenario."""
    found = case.parameter(key).distribution
    return found.quantile(0.05), found.quantile(0.95)


def year_labels(basis: Basis) -> list[str]:
    """Return the financial years from the base year on."""
    first = basis.case.base_year.start
    return [FinancialYear(first + i).label for i in range(basis.years)]
