"""Event study on rates: one coefficient for each period before and after the start, against the last before it."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from averting.checks import CheckResult
from averting.design import Design
from averting.draws import stream
from averting.effects.estimator import Estimator, Request
from averting.effects.estimators.twfe import staggered_check
from averting.effects.inference.bands import Bands, clustered_bands, permuted_bands
from averting.effects.inference.linear import Linear
from averting.effects.kernels.ols import Array
from averting.effects.regressions import (
    Cells,
    cells,
    difference_effect,
    filled_rates,
    infer_fills,
    kinds_by_start,
    refuse_dependent,
)
from averting.effects.result import Effect

REFERENCE = -1


def event_times(design: Design, data: Cells) -> tuple[NDArray[np.intp], Array]:
    """Return the event times estimated, and their columns (start, period, event time).

    Event time counts the periods used, 0 being the first treated one; times at which no pilot is known have no
    column, and the reference has none.
    """
    starts, kinds = kinds_by_start(design)
    first = np.array([sum(period < start for period in design.periods) for start in starts])
    time = np.arange(len(design.periods))[None, :] - first[:, None]
    known = data.weights[: len(kinds)] > 0
    found = np.unique(time[kinds][known])
    found = found[found != REFERENCE]
    return found, (time[:, :, None] == found).astype(np.float64)


def _bands(request: Request, problem: Linear, leads: NDArray[np.bool_]) -> Bands:
    rng = stream(request.seed, f"effects/event_study/{request.indicator}/bands")
    if request.inference == "permutation":
        return permuted_bands(problem, leads, rng)
    return clustered_bands(request.inference, problem, leads, rng)


def _tables(times: NDArray[np.intp], bands: Bands, leads: NDArray[np.bool_]) -> dict[str, pd.DataFrame]:
    estimates = bands.estimates
    rows = pd.DataFrame(
        {
            "event_time": times,
            "estimate": estimates,
            "lower": estimates - bands.single,
            "upper": estimates + bands.single,
            "simultaneous_lower": estimates - bands.simultaneous,
            "simultaneous_upper": estimates + bands.simultaneous,
        }
    )
    zeros = dict.fromkeys(rows.columns, 0.0) | {"event_time": REFERENCE}
    rows = pd.concat([rows, pd.DataFrame([zeros])]).astype({"event_time": int}).sort_values("event_time")
    joint = pd.DataFrame({"leads": [int(leads.sum())], "p_value": [bands.leads_p], "test": [bands.words]})
    return {"event_study": rows.reset_index(drop=True), "pre_trend": joint}


def _pre_trend_check(request: Request, bands: Bands, leads: NDArray[np.bool_]) -> CheckResult:
    key = "event_study/pre_trend"
    if not leads.any():
        return CheckResult(key, "warn", "Only one period before the start: earlier trends cannot be seen.")
    rejects = bands.leads_p <= request.alpha
    message = f"Joint test of {leads.sum()} leads: p = {bands.leads_p:.2f}, held against {request.alpha:.3g}."
    if rejects:
        return CheckResult(
            key, "warn", message, "Pilots were on another path before the start; do not read the effect as causal."
        )
    return CheckResult(key, "info", message, "With few pilots such a test finds little: no proof of equal trends.")


def fit(design: Design, request: Request) -> Effect:
    """Estimate leads and lags of the start.

    Returns
    -------
    Effect
        Scale ``difference``: the plain average over event times from the start on. ``tables["event_study"]`` holds
        event_time, estimate, lower, upper, simultaneous_lower, simultaneous_upper; ``tables["pre_trend"]`` the
        joint test of the leads. In the simultaneous band all true coefficients lie at once.

    Raises
    ------
    EstimationError
        If a school is not known on both sides of the start, a covariate has gaps, or regressors are collinear.
    """
    data = cells(design, request, "event_study")
    times, paths = event_times(design, data)
    kinds = kinds_by_start(design)[1]

    def problem(events: Array) -> Linear:
        return Linear(
            outcome=filled_rates(data, events),
            weights=data.weights,
            paths=paths,
            kinds=kinds,
            covariates=data.covariates,
            contrast=(times >= 0) / (times >= 0).sum(),
            sizes=data.sizes,
            alpha=request.alpha,
            draws=request.draws,
            clusters=data.clusters,
            cluster=data.cluster,
        )

    names = (*(f"event time {time}" for time in times), *data.names)
    refuse_dependent("event_study", problem(data.counts.upper), names)
    inferred, middle = infer_fills(design, request, data, problem, "event_study")
    leads = times < REFERENCE
    bands = _bands(request, middle, leads)
    return difference_effect(
        design,
        request,
        data,
        method="event_study",
        inferred=inferred,
        checks=(staggered_check("event_study", design), _pre_trend_check(request, bands, leads)),
        tables=_tables(times, bands, leads),
    )


ESTIMATOR = Estimator(
    label="Event study on rates",
    assumption="Without the programme, pilots' rates would have moved in parallel with comparison schools' since the last "
    "period before the start; where starts differ, effects are the same at each time since the start.",
    inferences=("cr3", "permutation", "cr1", "cr2"),
    supports=frozenset({"weights", "covariates", "changing_covariates", "staggered", "cluster"}),
    reference="Freyaldenhoven, Hansen and Shapiro (2019), American Economic Review 109(9), on such plots; Montiel Olea "
    "and Plagborg-Møller (2019) for the band",
    fit=fit,
)
