"""Borusyak, Jaravel and Spiess: what pilots would have had, imputed from school and period effects."""

from __future__ import annotations

import numpy as np

from averting.design import Design
from averting.effects.estimator import Estimator, Request
from averting.effects.kernels.imputed import imputed_effects
from averting.effects.result import Effect
from averting.effects.staggered import Fitted, Method, Sample, all_treated, fit_rates, sample_of
from averting.effects.staggered.sample import Array
from averting.errors import EstimationError


def _fit(rates: Array, cohort: Array, sample: Sample) -> Fitted:
    found = imputed_effects(
        rates,
        cohort,
        sample.time,
        weight=sample.weights,
        covariates=sample.covariates if sample.names else None,
    )
    return Fitted(found.cells, found.outcome_weights)


METHOD = Method("imputation", _fit, all_treated)


def fit(design: Design, request: Request) -> Effect:
    """Estimate effects by cohort and period, and their average over pilots and treated periods.

    Returns
    -------
    Effect
        As :func:`averting.effects.staggered.fit.fit_rates` describes; ``tables`` has ``group_time`` and
        ``event_study`` from the start on, and with analytic inference ``averages``. The standard error is the authors'
        conservative one.

    Raises
    ------
    EstimationError
        Where the design does not allow the method, or a covariate does not change over time.
    """
    sample = sample_of(design, request.indicator, request.covariates, METHOD.key)
    for name, values in zip(sample.names, np.moveaxis(sample.covariates, 2, 0), strict=True):
        path = values - values.mean(1, keepdims=True)
        if np.abs(path - path.mean(0)).max() <= 1e-9 * max(np.abs(values).max(), 1e-12):
            raise EstimationError(
                f"imputation: covariate {name} does not change over time, or changes alike in all schools, so it is part "
                "of the school and period effects. Leave it out; callaway_santanna and etwfe use such covariates."
            )
    return fit_rates(design, request, METHOD, sample)


ESTIMATOR = Estimator(
    label="Imputation (Borusyak, Jaravel and Spiess)",
    assumption="Without the programme, every school's rate would have been its own level plus a path common to all "
    "schools, in all periods, given covariates that the programme does not move.",
    inferences=("analytic", "permutation"),
    supports=frozenset({"weights", "covariates", "changing_covariates", "staggered"}),
    reference="Borusyak, Jaravel and Spiess (2024), Review of Economic Studies 91(6)",
    fit=fit,
)
