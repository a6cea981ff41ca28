"""The hierarchy for school means and shares, such as attainment: normal, with the number of pupils behind each mean."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import NDArray
from scipy import stats

from averting.design import Design
from averting.draws import spread_of, stream
from averting.effects.bayes.calibration import check_calibration
from averting.effects.bayes.convergence import check_convergence
from averting.effects.bayes.count_fit import sample_request
from averting.effects.bayes.count_model import BASELINE, baseline_linear, linear_without
from averting.effects.bayes.leave_one_out import check_leave_one_out, leave_one_out
from averting.effects.bayes.means import Means, flatten_means
from averting.effects.bayes.outcome import stored_trace
from averting.effects.bayes.predictive import Feature, Replicates, check_prediction, predictive_table
from averting.effects.bayes.priors import Prior, declare, load_priors, prior_table
from averting.effects.bayes.sampling import SAMPLERS, flat, require_bayes
from averting.effects.bayes.sensitivity import check_sensitivity, power_scaled
from averting.effects.estimator import Estimator, Request
from averting.effects.outcomes import label_change, label_draws
from averting.effects.result import Effect, Estimand

Array = NDArray[np.float64]
_KEY = "bayes_gaussian"
_PARAMETERS = ("difference", *BASELINE, "pupil_sd")
_FEATURES: Mapping[str, Feature] = {
    "largest mean": lambda values, _data: np.asarray(values.max(axis=1)),
    "smallest mean": lambda values, _data: np.asarray(values.min(axis=1)),
    "squared distance from the expected mean": lambda values, data: np.asarray(
        np.square(values - data.mean).mean(axis=1)
    ),
    "pilots' mean before their start": lambda values, data: np.asarray(values[:, data.before].mean(axis=1)),
}


def build_model(means: Means, priors: Mapping[str, Prior], schools: int, periods: int) -> Any:
    """Build the PyMC model of standardised means."""
    import pymc as pm

    with pm.Model() as model:
        difference, pupil_sd = declare(priors["difference"]), declare(priors["pupil_sd"])
        linear = baseline_linear(means, priors, schools, periods)
        linear += difference * pm.Data("cell_treated", means.treated)
        spread = pm.math.sqrt(model["dispersion"] ** 2 + pupil_sd**2 / pm.Data("cell_pupils", means.pupils))
        pm.Normal("mean", linear, spread, observed=means.value)
    return model


def expected(draws: xr.Dataset, means: Means, *, treated: bool) -> Array:
    """Return the expected standardised mean of every known cell, (draw, cell), with or without the programme."""
    schools, periods = int(means.school.max()) + 1, int(means.period.max()) + 1
    after = np.zeros((schools, periods), dtype=bool)
    after[means.school, means.period] = means.after > 0
    linear = linear_without(draws, means, after, pilots=len(means.event_time))[:, means.school, means.period]
    return np.asarray(linear + flat(draws, "difference")[:, None] * means.treated if treated else linear)


def spread(draws: xr.Dataset, means: Means) -> Array:
    """Return the standard deviation of every known cell about its expectation, (draw, cell)."""
    chance = np.square(flat(draws, "pupil_sd"))[:, None] / means.pupils
    return np.asarray(np.sqrt(np.square(flat(draws, "dispersion"))[:, None] + chance))


def fit(design: Design, request: Request) -> Effect:
    """Fit school means and compare the pilots with what they would have been.

    Returns
    -------
    Effect
        Scale ``difference``, in the measure's own units; ``change`` is the pilots' mean less a posterior predictive
        mean without the programme, in points.

    Raises
    ------
    EstimationError
        Where one side of the comparison is not known at all, or comparison schools do not differ.
    MissingExtraError
        Without the ``bayes`` extra.
    """
    require_bayes(_KEY)
    means = flatten_means(design, request.indicator, method=_KEY)
    priors = load_priors(_KEY, request.prior)
    built = build_model(means, priors, len(design.schools), len(design.periods))
    return conclude(design, request, means, priors, sample_request(built, request, _KEY))


def conclude(
    design: Design, request: Request, means: Means, priors: Mapping[str, Prior], trace: xr.DataTree
) -> Effect:
    """Check a fitted model, and make the ``Effect``."""
    draws, key = trace["posterior"].to_dataset(), f"effects/{_KEY}/{request.indicator}"
    standard = flat(draws, "difference")
    rng = stream(request.seed, f"{key}/predict")
    change = _change(draws, means, design, rng)[: request.draws] * means.scale
    difference = (standard * means.scale)[: request.draws]
    convergence, summary = check_convergence(trace, _PARAMETERS)
    scaled = power_scaled(
        standard, priors["difference"].log_density(standard), request.level, back=lambda at: at * means.scale
    )
    predicted, left_out = _predicted(draws, means, rng), _left_out(draws, means, design)
    middle = spread_of(difference, request.level)
    return Effect(
        estimand=Estimand(
            request.indicator,
            contrast="mean with the programme less the mean without it",
            population=f"{len(design.pilots)} pilot schools, from their start",
            scale="difference",
        ),
        method=_KEY,
        inference=f"posterior ({request.prior} prior), equal-tailed interval",
        estimate=middle["median"],
        interval=(middle["lower"], middle["upper"]),
        level=request.level,
        draws=label_draws(difference, "points"),
        draw_kind="posterior",
        change=label_change(change, design, unit="points"),
        checks=(
            *design.checks,
            *convergence,
            check_prediction(predicted),
            check_leave_one_out(left_out),
            check_sensitivity(scaled, no_effect=0.0),
            check_calibration(_KEY),
        ),
        tables={
            "posterior": summary,
            "priors": prior_table(priors),
            "predictive": predicted,
            "leave_one_out": left_out,
            "prior_sensitivity": scaled,
            "scale": pd.DataFrame({"middle": [means.middle], "one_standard_deviation": [means.scale]}),
        },
        trace=stored_trace(draws[[*_PARAMETERS, "period"]], trace),
    )


def _change(draws: xr.Dataset, means: Means, design: Design, rng: np.random.Generator) -> Array:
    """Return the pilots' means less posterior predictive means without the programme, (draw, pilot, period)."""
    deviation = spread(draws, means)
    without = expected(draws, means, treated=False) + deviation * rng.normal(size=deviation.shape)
    change = np.zeros((len(deviation), len(design.pilots), len(design.periods)))
    at = means.treated > 0
    change[:, means.school[at], means.period[at]] = (means.value - without)[:, at]
    return change


def _predicted(draws: xr.Dataset, means: Means, rng: np.random.Generator) -> pd.DataFrame:
    linear, deviation = expected(draws, means, treated=True), spread(draws, means)
    replicated = linear + deviation * rng.normal(size=linear.shape)
    is_pilot = means.school < len(means.event_time)
    before = is_pilot & (means.treated == 0)
    observed = np.broadcast_to(means.value, linear.shape)
    return predictive_table(
        Replicates(observed, replicated, linear, means.pupils, before, ~is_pilot & (means.after == 0)), _FEATURES
    )


def _left_out(draws: xr.Dataset, means: Means, design: Design) -> pd.DataFrame:
    mean = expected(draws, means, treated=True)
    log_p = np.asarray(stats.norm.logpdf(means.value, mean, spread(draws, means)))
    table = leave_one_out(log_p, chains=draws.sizes["chain"])
    table.insert(0, "period", np.array(design.periods)[means.period])
    table.insert(0, "school", np.array(design.schools)[means.school])
    return table


ESTIMATOR = Estimator(
    label="Normal hierarchy for means and shares",
    assumption="Without the programme, each pilot's mean would have followed its own level, the years' common shocks, and "
    "a lasting shock drawn from the same spread as every other school's.",
    inferences=SAMPLERS,
    supports=frozenset({"staggered"}),
    reference="Gelman and Hill (2007), chapters 12 and 13; Goldstein (2011) for pupils within schools",
    fit=fit,
    priors=("neutral", "sceptical"),
    takes="measure",
)
