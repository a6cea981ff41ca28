"""``appraise`` joins averted exclusions, costs and programme spend; ``Appraisal`` answers from the joined flows."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import cached_property

import pandas as pd
import xarray as xr

from averting import units
from averting.appraisal.account import Account, Part, account_of, part_of
from averting.appraisal.adjustments import adjusted_averted, amount_of, lagged
from averting.appraisal.programme import ProgrammeCost, programme_flows
from averting.appraisal.scenario import CENTRAL, NO_PROGRAMME, Scenario, refuse_other_lines
from averting.costs import ParameterSet, present_value, savings
from averting.costs.discounting import Timing
from averting.draws import resample
from averting.effects import Averted
from averting.errors import EvaluationError
from averting.notebook import card
from averting.years import FinancialYear, financial_year

PROGRAMME = "programme"
VIEWS = {
    "cashable": ("cashable", "transfer"),
    "cashable_and_capacity": ("cashable", "capacity", "transfer"),
}
"""Which kinds of saving each view counts. Cash and capacity are never added without saying so."""

VIEW_LABELS = {
    "cashable": "Cash only",
    "cashable_and_capacity": "Cash, and places freed",
}


def kinds_of(view: str) -> tuple[str, ...]:
    """Return the kinds of saving that a view counts; an unknown view is an EvaluationError."""
    if view not in VIEWS:
        raise EvaluationError(f"There is no view '{view}'. Use one of: {', '.join(VIEWS)}.")
    return VIEWS[view]


@dataclass(frozen=True)
class Appraisal:
    """Flows of money that follow from a programme, under each scenario.

    Parameters
    ----------
    account : Account
        Money by stream, undiscounted. Positive: a saving to that payer. The programme's own spend is the line
        ``programme``, negative. :attr:`flows` and :attr:`present` lay it out in full.
    base_year : FinancialYear
        Year whose discount factor is 1.
    discounting : str
        Edition of the Green Book whose schedule was used.
    draw_kind : str
        Kind of the effect's draws; only ``posterior`` may be worded as a probability.
    scenarios : tuple of Scenario
        In order; doing nothing first.
    averted : DataArray, dims (draw, scenario), units pupils, optional
        Exclusions averted over all periods, after each scenario's adjustments, on the same draws as the money.
    timing : {"start", "mid", "end"}
        When in a financial year its money is taken to move, for discounting.

    Examples
    --------
    >>> made = av.simulate_pilot(seed=1, pilots=2, comparison=12)
    >>> design = av.Design(made.panel(), pilots=list(made.pilots), start="2021/22", comparison="all")
    >>> effect = av.estimate(design, "permanent_exclusions", draws=200)
    >>> parameters = av.load_parameters("high_needs_block")
    >>> made = av.appraise(effect.averted(), parameters, base_year="2021-22", draws=200)
    >>> made.npv().dims
    ('draw', 'scenario', 'view')
    """

    account: Account
    base_year: FinancialYear
    discounting: str
    draw_kind: str
    scenarios: tuple[Scenario, ...]
    averted: xr.DataArray | None = None
    timing: Timing = "start"

    @property
    def flows(self) -> xr.DataArray:
        """The flows in full: dims (draw, scenario, line, payer, year), units GBP, basis "undiscounted".

        Coordinates ``kind`` and ``line_label`` on line, ``payer_label`` on payer. Made anew each time, and large: most of
        it is zeros. Sums over lines and payers are better taken from ``account``.
        """
        return self.account.full()

    @property
    def present(self) -> xr.DataArray:
        """The same flows discounted to ``base_year``: same dims, basis "present_value"."""
        return self.discounted.full()

    @cached_property
    def discounted(self) -> Account:
        """The account discounted to ``base_year``."""
        streams = present_value(
            self.account.streams, base_year=self.base_year, edition=self.discounting, timing=self.timing
        )
        return self.account.with_streams(streams)

    @property
    def payers(self) -> tuple[str, ...]:
        """Keys of all payers that a line of the account touches."""
        return tuple(str(payer) for payer in self.account.grid["payer"].to_numpy())

    @property
    def has_programme_cost(self) -> bool:
        """Whether the programme's own spend was given; without it only the worth of savings can be said."""
        return PROGRAMME in self.account.grid["line"].to_numpy()

    @property
    def price_year(self) -> FinancialYear:
        """Year in whose prices the flows are."""
        return FinancialYear.parse(str(self.account.streams.attrs["price_year"]))

    def _by_view(self, *, programme: bool) -> xr.DataArray:
        """Sum present values over lines, payers and years, for each view: dims (draw, scenario, view)."""
        held = self.discounted
        totals = [
            held.of_kinds((), also=PROGRAMME) if programme else held.of_kinds(kinds, without=PROGRAMME)
            for kinds in VIEWS.values()
        ]
        views = pd.Index(list(VIEWS), name="view")
        summed = [each.sum(("stream", "year")) for each in totals]
        return xr.concat(summed, dim=views, coords="minimal", compat="override").transpose(
            "draw", "scenario", "view"
        )

    def savings(self) -> xr.DataArray:
        """Return the present value of savings, before the programme's cost: dims (draw, scenario, view)."""
        return self._by_view(programme=False)

    def programme_cost(self) -> xr.DataArray:
        """Return the present value of the programme's cost, positive: dims (draw, scenario, view)."""
        return -self._by_view(programme=True)

    def npv(self) -> xr.DataArray:
        """Return net present value, savings minus programme cost: dims (draw, scenario, view)."""
        with units.exact():
            return self.savings() - self.programme_cost()

    def bcr(self) -> xr.DataArray:
        """Return the benefit-cost ratio: mean present value of savings over that of programme cost.

        Returns
        -------
        DataArray, dims (scenario, view)
            A ratio of means, not a mean of ratios; NaN where nothing is spent. Above the line stand all savings
            the view counts, below it the programme's own spend and nothing else.
        """
        cost = self.programme_cost().mean("draw")
        with units.exact():
            return self.savings().mean("draw") / cost.where(cost > 0)

    def chance_of_paying(self) -> xr.DataArray:
        """Return the share of draws in which savings exceed the programme's cost: dims (scenario, view).

        A probability only where ``draw_kind`` is ``posterior``.
        """
        return (self.npv() > 0).mean("draw")

    def by_payer(self) -> xr.DataArray:
        """Return the present value by payer and kind of saving: dims (draw, scenario, payer, kind)."""
        held = self.discounted
        kinds = sorted({str(kind) for kind in held.grid["kind"].to_numpy()})
        each = [held.by_payer(held.of_kinds((kind,)).sum("year")) for kind in kinds]
        joined = xr.concat(each, dim=pd.Index(kinds, name="kind"), coords="minimal", compat="override")
        return joined.transpose("draw", "scenario", "payer", "kind")

    def summary(self, level: float = 0.95) -> pd.DataFrame:
        """Return one row per scenario and view: savings, cost, net present value with interval, ratio, chance."""
        tail = (1 - level) / 2
        npv, gross, cost = self.npv(), self.savings(), self.programme_cost().mean("draw")
        quantiles = npv.quantile([tail, 0.5, 1 - tail], dim="draw")
        ratio, chance = self.bcr(), self.chance_of_paying()
        rows = []
        for scenario in self.scenarios:
            for view in VIEWS:
                at = {"scenario": scenario.key, "view": view}
                low, middle, high = quantiles.sel(at).to_numpy()
                rows.append(
                    {
                        **at,
                        "savings_mean": float(gross.mean("draw").sel(at)),
                        "programme_cost": float(cost.sel(at)),
                        "npv_mean": float(npv.mean("draw").sel(at)),
                        "npv_median": float(middle),
                        "npv_lower": float(low),
                        "npv_upper": float(high),
                        "bcr": float(ratio.sel(at)),
                        "chance_of_paying": float(chance.sel(at)),
                    }
                )
        return pd.DataFrame(rows)

    def to_frame(self) -> pd.DataFrame:
        """Return mean flows, undiscounted and present value, one row per scenario, line, payer and year."""
        kinds = {"undiscounted": self.account, "present_value": self.discounted}
        means = xr.Dataset({name: held.full(held.streams.mean("draw")) for name, held in kinds.items()})
        frame = means.to_dataframe(dim_order=["payer", "year", "line", "scenario"]).reset_index()
        moved = (frame["undiscounted"] != 0) | (frame["present_value"] != 0)
        columns = ["scenario", "line", "line_label", "kind", "payer", "year", "undiscounted", "present_value"]
        return frame.loc[moved, columns].reset_index(drop=True)

    def _repr_html_(self) -> str:
        """Return savings, cost and what is left, by scenario and view, in pounds."""
        rows = [
            (
                str(row.scenario),
                VIEW_LABELS.get(str(row.view), str(row.view)),
                f"{row.savings_mean:,.0f}",
                f"{row.programme_cost:,.0f}",
                f"{row.npv_mean:,.0f} ({row.npv_lower:,.0f} to {row.npv_upper:,.0f})",
            )
            for row in self.summary().itertuples()
        ]
        columns = ("scenario", "who counts", "savings, £", "programme, £", "net present value, £ (interval)")
        return card(repr(self), {}, columns=columns, rows=rows)

    def __repr__(self) -> str:
        keys = ", ".join(scenario.key for scenario in self.scenarios)
        return f"Appraisal({keys}; {self.price_year.label} prices, present value in {self.base_year})"


def appraise(
    averted: Averted,
    parameters: ParameterSet,
    *,
    base_year: FinancialYear | str | int,
    price_year: FinancialYear | str | int | None = None,
    programme: Sequence[ProgrammeCost] = (),
    scenarios: Sequence[Scenario] = (CENTRAL,),
    discounting: str = "2022",
    timing: Timing = "start",
    payers_as_of: FinancialYear | None = None,
    conditions: Collection[str] = (),
    draws: int = 4_000,
    seed: int = 1,
) -> Appraisal:
    """Value what a programme averted, under each scenario, with the same draws in all of them.

    Effects and parameters are joined on one index of draws and taken to be independent: nothing in the data of
    a pilot says what a place costs.

    Parameters
    ----------
    averted : Averted
        Permanent exclusions averted, in pupils; negative draws are kept.
    parameters : ParameterSet
        Declared costs, before any scenario's overrides.
    base_year : FinancialYear, str or int
        Year of the present value; not later than the first flow. An int is the year it starts in.
    price_year : FinancialYear, str or int, optional
        Prices every figure is brought to; by default the latest that the deflator knows.
    programme : sequence of ProgrammeCost
        The programme's own spend; without it only the worth of savings can be said.
    scenarios : sequence of Scenario
        Doing nothing is added in front where it is not among them.
    discounting : str
        Edition of the Green Book whose schedule to use.
    timing : {"start", "mid", "end"}
        When in a financial year its money moves; at the "start", factors are those of the Green Book's table.
    payers_as_of, conditions : FinancialYear, collection of str, optional
        Payer rules of which year to use, and facts that are so; as in :func:`averting.costs.savings`. They move money
        between payers and change no total.
    draws, seed : int
        Size and seed of the joint sample.

    Raises
    ------
    EvaluationError
        If two scenarios share a key, or one counts a line that others leave out.
    UnitError
        If what was averted is not in pupils, or a flow precedes the base year.

    Examples
    --------
    >>> made = av.simulate_pilot(seed=1, pilots=2, comparison=12)
    >>> design = av.Design(made.panel(), pilots=list(made.pilots), start="2021/22", comparison="all")
    >>> effect = av.estimate(design, "permanent_exclusions", draws=200)
    >>> parameters = av.load_parameters("high_needs_block")
    >>> av.appraise(effect.averted(), parameters, base_year="2021-22", price_year="2023-24", draws=200)
    Appraisal(no_programme, central; 2023-24 prices, present value in 2021-22)
    """
    units.require(averted.quantity, units="pupils", what="averted")
    prices = parameters.deflator.latest if price_year is None else financial_year(price_year)
    base = financial_year(base_year)
    listed = tuple(scenarios)
    if all(scenario.programme for scenario in listed):
        listed = (NO_PROGRAMME, *listed)
    keys = [scenario.key for scenario in listed]
    if len(set(keys)) < len(keys):
        raise EvaluationError(f"Two scenarios share a key: {', '.join(keys)}. Give each its own.")
    refuse_other_lines(parameters, listed)
    sample = resample(averted.by_academic_year(), draws, seed=seed, key="appraisal/averted")
    spend = programme_flows(programme, price_year=prices, deflator=parameters.deflator) if programme else None
    adjusted = [adjusted_averted(sample, scenario.adjustments) for scenario in listed]
    flows = {
        scenario.key: _parts(
            scenario,
            fewer,
            parameters,
            spend,
            price_year=prices,
            payers_as_of=payers_as_of,
            conditions=conditions,
            seed=seed,
        )
        for scenario, fewer in zip(listed, adjusted, strict=True)
    }
    pounds = {"units": "GBP", "price_year": prices.label, "basis": "undiscounted"}
    account = account_of(flows, draws=sample["draw"].to_numpy(), attrs=pounds)
    totals = [fewer.sum("period") * scenario.programme for scenario, fewer in zip(listed, adjusted, strict=True)]
    pupils = units.label(
        xr.concat(totals, dim=pd.Index(keys, name="scenario")).transpose("draw", "scenario"), "pupils"
    )
    made = Appraisal(account, base, discounting, averted.draw_kind, listed, pupils, timing)
    _ = made.discounted  # a flow before the base year is refused here, not at the first question
    return made


def _parts(
    scenario: Scenario,
    averted: xr.DataArray,
    parameters: ParameterSet,
    spend: xr.DataArray | None,
    *,
    price_year: FinancialYear,
    payers_as_of: FinancialYear | None,
    conditions: Collection[str],
    seed: int,
) -> tuple[Part, ...]:
    """Flows of one scenario: its savings, and the programme's spend."""
    drawn = parameters.under(scenario.overrides).draw(averted.sizes["draw"], seed=seed)
    saved = savings(averted, drawn, price_year=price_year, payers_as_of=payers_as_of, conditions=conditions)
    parts = [part_of(lagged(saved, scenario.adjustments))]
    if spend is not None:
        dearer = spend * (1 + amount_of(scenario.adjustments, "optimism_bias"))
        spent = dearer.expand_dims(line=[PROGRAMME], draw=averted["draw"]).assign_coords(
            kind=("line", ["cashable"]), line_label=("line", ["Programme"])
        )
        parts.append(part_of(spent))
    return tuple(parts if scenario.programme else (part._replace(held={}) for part in parts))
