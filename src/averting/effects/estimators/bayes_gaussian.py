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
from averting.draws import stream
from averting.effects.bayes.count_fit import sample_request
from averting.effects.bayes.count_model import BASELINE, FEW, baseline_linear, linear_without
from averting.effects.bayes.leave_one_out import check_leave_one_out, leave_one_out
from averting.effects.bayes.means import Means, flatten_means
from averting.effects.bayes.outcome import Measured, posterior_effect
from averting.effects.bayes.predictive import Feature, Replicates, check_prediction, predictive_table
from averting.effects.bayes.priors import Prior, declare, load_priors
from averting.effects.bayes.sampling import SAMPLERS, flat, require_bayes
from averting.effects.estimator import Estimator, Request
from averting.effects.result import Effect

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
        linear = baseline_linear(means, priors, schools, periods, standard=schools < FEW)
        linear += difference * pm.Data("cell_treated", means.treated)
        spread = pm.math.sqrt(model["dispersion"] ** 2 + pupil_sd**2 / pm.Data("cell_pupils", means.pupils))
        pm.Normal("mean", linear, spread, observed=pm.Data("cell_value", means.value))
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
    rng = stream(request.seed, f"{key}/predict")
    change = _change(draws, means, design, rng) * means.scale
    predicted, left_out = _predicted(draws, means, rng), _left_out(draws, means, design)
    return posterior_effect(
        design,
        request,
        _KEY,
        told=flat(draws, "difference") * means.scale,
        change=change,
        priors=priors,
        trace=trace,
        summarised=_PARAMETERS,
        kept=draws[[*_PARAMETERS, "period"]],
        checks=(check_prediction(predicted), check_leave_one_out(left_out)),
        tables={
            "predictive": predicted,
            "leave_one_out": left_out,
            "scale": pd.DataFrame({"middle": [means.middle], "one_standard_deviation": [means.scale]}),
        },
        measured=_points(means.scale),
    )


def _points(scale: float) -> Measured:
    """Return a difference in the measure's own units, of a parameter in units of ``scale``."""
    return Measured(
        "difference",
        "mean with the programme less the mean without it",
        "difference",
        lambda told: np.asarray(told / scale),
        lambda sampled: np.asarray(sampled * scale),
        0.0,
        "points",
        "points",
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
