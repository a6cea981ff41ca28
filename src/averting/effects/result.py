"""``Estimand`` and ``Effect``: what every estimator returns, and nothing else."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

import numpy as np
import pandas as pd
import xarray as xr

from averting.checks import CheckResult
from averting.effects.averted import Averted
from averting.effects.verdict import Verdict, verdict
from averting.errors import EstimationError
from averting.notebook import card

if TYPE_CHECKING:
    from matplotlib.axes import Axes

DrawKind = Literal["posterior", "bootstrap", "confidence"]
Scale = Literal["ratio", "difference"]


@dataclass(frozen=True)
class Estimand:
    """What a number is about.

    Parameters
    ----------
    indicator : str
        Key of the indicator, for example ``permanent_exclusions``.
    contrast : str
        What is compared with what, in words.
    population : str
        For whom, in words.
    scale : {"ratio", "difference"}
        ``ratio``: rate with the programme over rate without it; no effect is 1. ``difference``: no effect is 0.

    Examples
    --------
    >>> from averting.effects import Estimand
    >>> Estimand("suspensions", "with or without", "two schools", "ratio").no_effect
    1.0
    """

    indicator: str
    contrast: str
    population: str
    scale: Scale

    @property
    def no_effect(self) -> float:
        """The value that means no effect."""
        return 1.0 if self.scale == "ratio" else 0.0


@dataclass(frozen=True, eq=False)
class Effect:
    """Estimated effect of a programme on one indicator.

    Parameters
    ----------
    estimand : Estimand
        What the numbers are about.
    method, inference : str
        Estimator's key, and how the interval was made, in words for the report.
    estimate : float
        Point estimate on the estimand's scale.
    interval : tuple of float
        Lower and upper end exactly as the method gives them; infinite where the method sets no bound.
    level : float
        Level of the interval, for example 0.95.
    draws : DataArray, dims (draw,)
        Draws of the estimand.
    draw_kind : {"posterior", "bootstrap", "confidence"}
        Only ``posterior`` draws may be worded as probabilities.
    change : DataArray, dims (draw, school, period), units "events"
        Pilot minus counterfactual in the indicator's own units, for each pilot's treated periods
        (zero before a pilot's start).
    p_value : float or None
        Two-sided, where the method has one.
    checks : tuple of CheckResult
        What to know before believing the numbers.
    tables : mapping of str to DataFrame
        What the method can show of its working, for the report.
    trace : DataTree or None
        A Bayesian fit's ``posterior`` and ``sample_stats`` (dims chain, draw), as ArviZ reads them.

    Raises
    ------
    EstimationError
        If draws are missing, not finite, or without the dims above; if the estimand is empty.

    Examples
    --------
    >>> made = av.simulate_pilot(seed=1, pilots=2, comparison=12)
    >>> design = av.Design(made.panel(), pilots=list(made.pilots), start="2021/22", comparison="all")
    >>> effect = av.estimate(design, "permanent_exclusions", draws=200)
    >>> effect.interval[0] < effect.estimate < effect.interval[1]
    True
    >>> str(effect.verdict)
    'too uncertain to tell'
    """

    estimand: Estimand
    method: str
    inference: str
    estimate: float
    interval: tuple[float, float]
    level: float
    draws: xr.DataArray
    draw_kind: DrawKind
    change: xr.DataArray
    p_value: float | None = None
    checks: tuple[CheckResult, ...] = ()
    tables: Mapping[str, pd.DataFrame] = field(default_factory=dict)
    trace: xr.DataTree | None = None

    def __post_init__(self) -> None:
        if not (self.estimand.indicator and self.estimand.contrast and self.estimand.population):
            raise EstimationError(f"{self.method}: an effect without a complete estimand says nothing.")
        for name, array, dims in (
            ("draws", self.draws, ("draw",)),
            ("change", self.change, ("draw", "school", "period")),
        ):
            if array.dims != dims:
                raise EstimationError(f"{self.method}: {name} must have dims {dims}, not {array.dims}.")
            if array.size == 0 or not np.isfinite(array.to_numpy()).all():
                raise EstimationError(f"{self.method}: {name} must be there and finite.")
        if self.draws.sizes["draw"] != self.change.sizes["draw"]:
            raise EstimationError(f"{self.method}: draws and change must share one draw index.")

    @property
    def verdict(self) -> Verdict:
        """What may be said; the rules are in :mod:`averting.effects.verdict`."""
        return verdict(self.interval, no_effect=self.estimand.no_effect, checks=self.checks)

    def probability_of_reduction(self) -> float:
        """Return the posterior probability that the programme lowered the indicator.

        Raises
        ------
        EstimationError
            If the draws are not a posterior: then no probability can be stated.
        """
        if self.draw_kind != "posterior":
            raise EstimationError(
                f"{self.method} gives {self.draw_kind} draws: a probability can be worded only from a posterior. "
                "Use method='bayes_count'."
            )
        return float((self.draws < self.estimand.no_effect).mean())

    def averted(self) -> Averted:
        """Return the quantity averted; the sign turns there, once."""
        return Averted.from_change(self.change, indicator=self.estimand.indicator, draw_kind=self.draw_kind)

    def to_frame(self) -> pd.DataFrame:
        """Return one row: indicator, method, estimate, interval, p-value and verdict."""
        return pd.DataFrame(
            {
                "indicator": [self.estimand.indicator],
                "method": [self.method],
                "scale": [self.estimand.scale],
                "estimate": [self.estimate],
                "lower": [self.interval[0]],
                "upper": [self.interval[1]],
                "level": [self.level],
                "p_value": [np.nan if self.p_value is None else self.p_value],
                "verdict": [str(self.verdict)],
            }
        )

    def plot(self, ax: Axes | None = None) -> Axes:
        """Draw the interval and the draws behind it; needs the ``report`` extra."""
        from averting.effects.plot import plot_effect

        return plot_effect(self, ax=ax)

    def _repr_html_(self) -> str:
        """Return the verdict, the interval and what to know before believing them; no count of a school."""
        low, high = self.interval
        facts = {
            "verdict": str(self.verdict),
            f"{self.estimand.scale} ({self.level:.0%} interval)": f"{self.estimate:.2f} ({low:.2f} to {high:.2f})",
            "no effect is": f"{self.estimand.no_effect:g}",
            **({} if self.p_value is None else {"p-value": f"{self.p_value:.3f}"}),
            "what is compared": f"{self.estimand.contrast}, for {self.estimand.population}",
            "method": f"{self.method}, {self.inference}",
        }
        return card(f"Effect on {self.estimand.indicator}", facts, checks=self.checks)

    def __repr__(self) -> str:
        low, high = self.interval
        return (
            f"Effect({self.estimand.indicator}, {self.method}: {self.estimand.scale} {self.estimate:.2f}, "
            f"{self.level:.0%} interval {low:.2f} to {high:.2f}; {self.verdict})"
        )
