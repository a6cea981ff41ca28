"""An ``Effect`` from posterior draws of a ratio, with the checks that every Bayesian estimate has."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

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
from averting.effects.result import Effect, Estimand

Array = NDArray[np.float64]


def posterior_effect(
    design: Design,
    request: Request,
    key: str,
    *,
    ratio: Array,
    change: Array,
    priors: Mapping[str, Prior],
    trace: xr.DataTree,
    summarised: Sequence[str],
    kept: xr.Dataset,
    checks: Sequence[CheckResult],
    tables: Mapping[str, pd.DataFrame],
    chance: float | None = None,
) -> Effect:
    """Return the effect that as many draws as were asked for describe.

    Parameters
    ----------
    ratio : array (draw,)
        Rate with the programme over the rate without it.
    change : array (draw, pilot, period)
        Pilot minus counterfactual, in events.
    priors : mapping
        All priors; ``log_ratio`` is the one whose weight is varied.
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
    """
    convergence, summary = check_convergence(trace, summarised)
    density = priors["log_ratio"].log_density(flat(trace["posterior"].to_dataset(), "log_ratio"))
    scaled = power_scaled(np.log(ratio), density, request.level)
    ratio, change = ratio[: request.draws], change[: request.draws]
    spread = spread_of(ratio, request.level)
    return Effect(
        estimand=Estimand(
            request.indicator,
            contrast="rate with the programme over the rate without it",
            population=f"{pilots_in_words(design)}, {since_when(design)}",
            scale="ratio",
        ),
        method=key,
        inference=f"posterior ({request.prior} prior), equal-tailed interval",
        estimate=spread["median"],
        interval=(spread["lower"], spread["upper"]),
        level=request.level,
        draws=label_draws(ratio, "ratio"),
        draw_kind="posterior",
        change=label_change(change, design),
        checks=(
            *design.checks,
            *convergence,
            *checks,
            check_sensitivity(scaled),
            check_calibration(key),
        ),
        tables={
            "posterior": summary,
            "priors": prior_table(priors, chance),
            "prior_sensitivity": scaled,
            "change_by_pilot": change_by_pilot(change, design, request.level),
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
