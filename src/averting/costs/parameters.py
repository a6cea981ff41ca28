"""Parameters: numbers with a unit, a price year, a payer and a source, and sets of them."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Literal

import numpy as np
import pandas as pd
import xarray as xr

from averting.costs.cost_line import CostLine
from averting.costs.distributions import Distribution
from averting.costs.prices import Deflator, known_deflator
from averting.costs.references import known_references
from averting.draws import stream
from averting.errors import Fault, ParameterError, refuse
from averting.notebook import card
from averting.units import shown
from averting.years import FinancialYear

Grade = Literal["A", "B", "C", "D", "E"]
Confidence = Literal["seen", "derived", "assumption"]

# A distribution must lie in the plausible range but for this much in each tail.
_TAIL = 0.005
_SUM_TOLERANCE = 1e-9


@dataclass(frozen=True)
class Parameter:
    """One sourced number.

    Parameters
    ----------
    key, label : str
        Name in code and name in reports.
    distribution : Distribution
        What is known of it; a known number is a ``fixed`` distribution.
    unit : str
        One of ``averting.units.UNITS``.
    price_year : FinancialYear or None
        Year whose prices it is in; given exactly where the unit is money.
    payer : str or None
        Key in ``models/payers.toml``; given exactly where the unit is money.
    source, locator : str
        Key in ``models/references.bib``, and the place in that source.
    grade : {"A", "B", "C", "D", "E"}
        Strength of the evidence, from a statute or official statistic (A) to judgement (E).
    confidence : {"seen", "derived", "assumption"}
        Whether the number stands in the source, is worked out from it, or is assumed in its light.
    review_by : date
        When it should be looked at again.
    plausible : (float, float)
        Range outside which a value is taken for a mistake.
    note : str
        What a reader should know before using it.
    disputed : str
        Who says otherwise, where the number is contested; empty where nobody is known to.

    Examples
    --------
    >>> parameter = next(iter(av.load_parameters("high_needs_block").values()))
    >>> bool(parameter.source and parameter.locator)
    True
    """

    key: str
    label: str
    distribution: Distribution
    unit: str
    price_year: FinancialYear | None
    payer: str | None
    source: str
    locator: str
    grade: Grade
    confidence: Confidence
    review_by: date
    plausible: tuple[float, float]
    note: str = ""
    disputed: str = ""

    @property
    def central(self) -> float:
        """Mean of the distribution, which is what a budget works with."""
        return self.distribution.mean

    def implausible(self) -> str | None:
        """Return what lies outside the plausible range, in words, or None."""
        low, high = self.plausible
        if low <= self.distribution.quantile(_TAIL) and self.distribution.quantile(1 - _TAIL) <= high:
            return None
        if self.distribution.family == "fixed":
            return f"value {self.central:g} is outside plausible = [{low:g}, {high:g}]"
        reach = [self.distribution.quantile(share) for share in (_TAIL, 1 - _TAIL)]
        return (
            f"99% of the {self.distribution.family} distribution lies in {reach[0]:.4g} to {reach[1]:.4g}, "
            f"which leaves plausible = [{low:g}, {high:g}]"
        )


@dataclass(frozen=True)
class Override:
    """A change to one parameter for one evaluation or scenario.

    Parameters
    ----------
    distribution : Distribution
        What to use instead.
    reason : str
        Why; printed beside the number.
    source : str
        Where it comes from: a key in ``references.bib`` or plain words; empty for a what-if.
    price_year : FinancialYear or None
        Where the new amount is in other prices than the one it replaces.

    Examples
    --------
    >>> from averting.costs import Distribution, Override
    >>> Override(Distribution.point(0.5), reason="our own records").distribution.mean
    0.5
    """

    distribution: Distribution
    reason: str
    source: str = ""
    price_year: FinancialYear | None = None

    def __post_init__(self) -> None:
        if not self.reason.strip():
            raise ParameterError("An override has no reason. Say why the declared number does not hold here.")


@dataclass(frozen=True)
class Unset:
    """A number that nobody could source and that the user must give before the lines that need it are counted.

    Parameters
    ----------
    key, label, unit, payer, review_by, plausible
        As in :class:`Parameter`.
    ask : str
        What to look for, and where.
    """

    key: str
    label: str
    unit: str
    payer: str | None
    review_by: date
    plausible: tuple[float, float]
    ask: str

    def given(self, override: Override) -> Parameter:
        """Return the parameter that an override makes of it."""
        return Parameter(
            key=self.key,
            label=self.label,
            distribution=override.distribution,
            unit=self.unit,
            price_year=override.price_year,
            payer=self.payer,
            source=override.source or "override",
            locator="override",
            grade="E",
            confidence="assumption",
            review_by=self.review_by,
            plausible=self.plausible,
            note=override.reason,
        )


@dataclass(frozen=True)
class SumRule:
    """Parameters that must add up, for example shares of one whole or the parts of a published cost.

    Parameters
    ----------
    key : str
        Name of the rule.
    members : tuple of str
        Parameters that are added.
    total : float
        What they must come to.
    tolerance : float
        How far off they may be: the rounding of the published total.
    """

    key: str
    members: tuple[str, ...]
    total: float
    tolerance: float = _SUM_TOLERANCE


@dataclass(frozen=True, repr=False)
class ParameterSet(Mapping[str, Parameter]):
    """Parameters by key, with the cost lines and sum rules declared beside them.

    Parameters
    ----------
    parameters : mapping of str to Parameter
        In the order of declaration.
    families : tuple of str
        Files of ``models/costs`` they come from.
    lines : tuple of CostLine
        Cost lines of those families.
    sum_rules : tuple of SumRule
        Checked here, so that no override can break them.
    unset : mapping of str to Unset
        Numbers the user must give; until then the lines that need one are left out.
    deflator : Deflator, optional
        Brings prices together; by default the latest that ships.

    Examples
    --------
    >>> parameters = av.load_parameters("high_needs_block")
    >>> sorted(parameters.draw(3, seed=1).sizes.items())
    [('draw', 3)]
    """

    parameters: Mapping[str, Parameter]
    families: tuple[str, ...] = ()
    lines: tuple[CostLine, ...] = ()
    sum_rules: tuple[SumRule, ...] = field(default=())
    unset: Mapping[str, Unset] = field(default_factory=dict)
    deflator: Deflator = field(default_factory=known_deflator)

    def __post_init__(self) -> None:
        faults = [Fault(f"sum rule {rule.key}", *fault) for rule in self.sum_rules if (fault := self._off(rule))]
        refuse(ParameterError, "Parameters do not add up", faults)

    def _off(self, rule: SumRule) -> tuple[str, str] | None:
        uncertain = [key for key in rule.members if self[key].distribution.family != "fixed"]
        if uncertain:
            return f"{', '.join(uncertain)} has a distribution", "Members of a sum are drawn apart, so give values"
        total = math.fsum(self[key].central for key in rule.members)
        if math.isclose(total, rule.total, rel_tol=0.0, abs_tol=rule.tolerance):
            return None
        return (
            f"{', '.join(rule.members)} add up to {total:.9g}",
            f"They must add up to {rule.total:g}: change the others as well",
        )

    def __getitem__(self, key: str) -> Parameter:
        return self.parameters[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self.parameters)

    def __len__(self) -> int:
        return len(self.parameters)

    @property
    def asleep(self) -> dict[str, tuple[str, ...]]:
        """Lines that are left out, each with the numbers it waits for."""
        waiting = {line.key: tuple(key for key in line.needs if key not in self) for line in self.lines}
        return {line: keys for line, keys in waiting.items() if keys}

    def under(self, overrides: Mapping[str, Override]) -> ParameterSet:
        """Return the set with some parameters replaced, or given where unset; the original is unchanged.

        Parameters
        ----------
        overrides : mapping of str to Override
            By parameter key.

        Raises
        ------
        ParameterError
            For an unknown key, a value outside the plausible range, or parameters that no longer add up.
        """
        known: dict[str, Parameter | Unset] = {**self, **self.unset}
        faults = [
            Fault(f"override '{key}'", "there is no such parameter", f"Known keys: {', '.join(known)}")
            for key in overrides
            if key not in known
        ]
        changed = {key: _overridden(known[key], overrides[key]) for key in known if key in overrides}
        for parameter in changed.values():
            faults += _override_faults(parameter)
        refuse(ParameterError, "Overrides cannot be used", faults)
        unset = {key: each for key, each in self.unset.items() if key not in changed}
        return replace(self, parameters={**self.parameters, **changed}, unset=unset)

    def draw(self, n: int, *, seed: int) -> xr.Dataset:
        """Draw every parameter, each from its own stream.

        Parameters
        ----------
        n : int
            Number of joint draws. Parameters are drawn independently of each other.
        seed : int
            The evaluation's seed. The stream of a parameter depends on the seed and its key only, so an
            override moves no other parameter, and two distributions of one parameter share their ranks.

        Returns
        -------
        Dataset, dims (draw,)
            One variable per parameter with ``units`` and, for money, ``price_year`` and ``payer``; families and
            deflator are in the attributes.
        """
        variables = {
            key: ("draw", parameter.distribution.draw(n, stream(seed, f"parameter/{key}")), _labels(parameter))
            for key, parameter in self.items()
        }
        about = {"families": ",".join(self.families), "deflator": self.deflator}
        return xr.Dataset(variables, coords={"draw": np.arange(n)}, attrs=about)

    def __repr__(self) -> str:
        families = ", ".join(self.families) or "no family"
        return (
            f"ParameterSet({families}: {len(self)} parameters, {len(self.lines)} lines, {len(self.unset)} to give)"
        )

    def _repr_html_(self) -> str:
        """Return every parameter with its range, unit, prices, grade and source, and what you must give."""
        rows = [
            (
                str(row["key"]),
                shown(row["central"]),
                f"{shown(row['low'])} to {shown(row['high'])}" if row["low"] < row["high"] else "",
                str(row["unit"]),
                str(row["price_year"] or ""),
                str(row["grade"]),
                str(row["source"]),
            )
            for row in self.sources().to_dict(orient="records")
        ]
        columns = ("parameter", "central", "90 % range", "unit", "prices", "grade", "source")
        facts = {f"you must give {key}": asked.ask for key, asked in self.unset.items()}
        return card(repr(self), facts, columns=columns, rows=rows)

    def sources(self) -> pd.DataFrame:
        """Return one row per parameter: what it is, how sure it is, and where it comes from."""
        return pd.DataFrame([_source_row(parameter) for parameter in self.values()])


def _override_faults(parameter: Parameter) -> list[Fault]:
    where = f"override '{parameter.key}'"
    faults = []
    if found := parameter.implausible():
        faults.append(Fault(where, found, "Check the unit and the decimal point"))
    money = parameter.unit.startswith("GBP")
    if parameter.price_year and not money:
        faults.append(Fault(where, f"unit {parameter.unit} has no price year", "Leave it out"))
    if money and parameter.price_year is None:
        faults.append(Fault(where, "has no price_year", "Say which financial year's prices it is in: '2023-24'"))
    return faults


def _overridden(parameter: Parameter | Unset, override: Override) -> Parameter:
    if isinstance(parameter, Unset):
        return parameter.given(override)
    # Evidence for the old number is no evidence for the new one, so grade and source go with it.
    return replace(
        parameter,
        distribution=override.distribution,
        price_year=override.price_year or parameter.price_year,
        source=override.source or "override",
        locator="override",
        grade="E",
        confidence="assumption",
        note=override.reason,
    )


def _labels(parameter: Parameter) -> dict[str, str]:
    labels = {"units": parameter.unit, "label": parameter.label}
    if parameter.price_year is not None:
        labels["price_year"] = parameter.price_year.label
    if parameter.payer is not None:
        labels["payer"] = parameter.payer
    return labels


def _source_row(parameter: Parameter) -> dict[str, object]:
    reference = known_references().get(parameter.source)
    return {
        "key": parameter.key,
        "label": parameter.label,
        "central": parameter.central,
        "low": parameter.distribution.quantile(0.05),
        "high": parameter.distribution.quantile(0.95),
        "unit": parameter.unit,
        "price_year": parameter.price_year.label if parameter.price_year else "",
        "payer": parameter.payer or "",
        "grade": parameter.grade,
        "confidence": parameter.confidence,
        "source": parameter.source,
        "reference": reference.short() if reference else parameter.source,
        "cited": f"{reference.author} ({reference.year})" if reference else parameter.source,
        "locator": parameter.locator,
        "review_by": parameter.review_by.isoformat(),
        "note": parameter.note,
        "licence": reference.licence if reference else "",
        "disputed": parameter.disputed,
    }
