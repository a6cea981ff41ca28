"""An ``Effect`` from posterior draws of a ratio."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import NDArray

from averting.checks import CheckResult
from averting.design import Design
from averting.effects.estimator import Request
from averting.effects.outcomes import label_change, label_draws
from averting.effects.result import Effect, Estimand

Array = NDArray[np.float64]


def spread_of(draws: Array, level: float) -> dict[str, float]:
    """Return median and equal-tailed interval of draws, as columns of a table."""
    tail = (1 - level) / 2
    lower, middle, upper = np.quantile(draws, [tail, 0.5, 1 - tail])
    return {"median": float(middle), "lower": float(lower), "upper": float(upper)}


def posterior_effect(
    design: Design,
    request: Request,
    key: str,
    *,
    ratio: Array,
    change: Array,
    checks: tuple[CheckResult, ...],
    tables: Mapping[str, pd.DataFrame],
    trace: xr.DataTree,
) -> Effect:
    """Return the effect that as many draws as were asked for describe.

    Parameters
    ----------
    ratio : array (draw,)
        Rate with the programme over the rate without it.
    change : array (draw, pilot, period)
        Pilot minus counterfactual, in events.
    """
    ratio, change = ratio[: request.draws], change[: request.draws]
    spread = spread_of(ratio, request.level)
    return Effect(
        estimand=Estimand(
            request.indicator,
            contrast="rate with the programme over the rate without it",
            population=f"{len(design.pilots)} pilot schools, from their start",
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
        checks=(*design.checks, *checks),
        tables=tables,
        trace=trace,
    )
