"""An ``Effect`` from posterior draws of a ratio or a difference, with the checks that every Bayesian estimate has."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import NDArray

from averting.checks import CheckResult
from averting.design import Design
from averting.draws import spread_of
from averting.effects.bayes.calibration import check_calibration
from averting.effects.bayes.convergence import check_convergence
from averting.effects.bayes.priors import Prior, prior_table
from averting.effects.bayes.sampling import flat
from averting.effects.bayes.sensitivity import check_sensitivity, power_scaled
from averting.effects.estimator import Request
from averting.effects.outcomes import label_change, label_draws, pilots_in_words, since_when
from averting.effects.result import Effect, Estimand, Scale

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Measured:
    """On which scale an effect is told, and on which its prior is declared, where no effect is 0.

    Parameters
    ----------
    scale : str
        The estimand's.
    contrast : str
        What is compared, in words.
    parameter : str
        The model's parameter whose prior's weight is varied.
    inwards, back : callable
        From the scale that is told to the parameter's, and back.
    no_effect : float
        On the scale that is told.
    unit, change_unit : str
        Of the estimand's draws, and of the pilots' change; a change in events is also summed by pilot.
    """

    scale: Scale
    contrast: str
    parameter: str
    inwards: Callable[[Array], Array]
    back: Callable[[Array], Array]
    no_effect: float
    unit: str
    change_unit: str = "events"


RATIO = Measured(
    "ratio", "rate with the programme over the rate without it", "log_ratio", np.log, np.exp, 1.0, "ratio"
)


def posterior_effect(
    design: Design,
    request: Request,
    key: str,
    *,
    told: Array,
    change: Array,
    priors: Mapping[str, Prior],
    trace: xr.DataTree,
    summarised: Sequence[str],
    kept: xr.Dataset,
    checks: Sequence[CheckResult],
    tables: Mapping[str, pd.DataFrame],
    chance: float | None = None,
    measured: Measured = RATIO,
) -> Effect:
    """Return the effect that as many draws as were asked for describe.

    Parameters
    ----------
    told : array (draw,)
        The effect, on the scale that it is told on.
    change : array (draw, pilot, period)
        Pilot minus counterfactual, in events or points.
    priors : mapping
        All priors; that of ``measured.parameter`` is the one whose weight is varied.
    trace : DataTree
        All draws, for the checks of the sampler.
    summarised : sequence of str
        Parameters to summarise and to check.
    kept : Dataset
        Draws to store.
    checks : sequence of CheckResult
        Of what the model predicts.
    tables : mapping
        What this model shows beyond what all show.
    chance : float, optional
        The chance that the priors give to a reduction, where it hangs on more than ``log_ratio``.
    measured : Measured
        The scale; by default a ratio of rates.
    """
    convergence, summary = check_convergence(trace, summarised)
    sampled = flat(trace["posterior"].to_dataset(), measured.parameter)
    density = priors[measured.parameter].log_density(sampled)
    scaled = power_scaled(measured.inwards(told), density, request.level, back=measured.back)
    told, change = told[: request.draws], change[: request.draws]
    spread = spread_of(told, request.level)
    summed = {"change_by_pilot": change_by_pilot(change, design, request.level)}
    return Effect(
        estimand=Estimand(
            request.indicator,
            contrast=measured.contrast,
            population=f"{pilots_in_words(design)}, {since_when(design)}",
            scale=measured.scale,
        ),
        method=key,
        inference=f"posterior ({request.prior} prior), equal-tailed interval",
        estimate=spread["median"],
        interval=(spread["lower"], spread["upper"]),
        level=request.level,
        draws=label_draws(told, measured.unit),
        draw_kind="posterior",
        change=label_change(change, design, unit=measured.change_unit),
        checks=(
            *design.checks,
            *convergence,
            *checks,
            check_sensitivity(scaled, no_effect=measured.no_effect),
            check_calibration(key),
        ),
        tables={
            "posterior": summary,
            "priors": prior_table(priors, chance),
            "prior_sensitivity": scaled,
            **(summed if measured.change_unit == "events" else {}),
            **tables,
        },
        trace=stored_trace(kept, trace),
    )


def change_by_pilot(change: Array, design: Design, level: float) -> pd.DataFrame:
    """Return one row a pilot: median and interval of its events over all its periods, with minus without."""
    rows = [
        {"pilot": pilot, **spread_of(change[:, at].sum(axis=1), level)} for at, pilot in enumerate(design.pilots)
    ]
    return pd.DataFrame(rows)


def stored_trace(kept: xr.Dataset, trace: xr.DataTree) -> xr.DataTree:
    """Return draws to keep, with the sampler's statistics that ArviZ reads, where there are any."""
    groups = {"posterior": kept.drop_attrs()}
    if "sample_stats" in trace.children:
        stats = trace["sample_stats"].to_dataset()
        groups["sample_stats"] = stats[[name for name in ("diverging", "energy") if name in stats]].drop_attrs()
    return xr.DataTree.from_dict(groups)
