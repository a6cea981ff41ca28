"""Wooldridge's extended two-way fixed effects, linear: one effect for each cohort and period."""

from __future__ import annotations

from averting.checks import CheckResult
from averting.design import Design
from averting.effects.estimator import Estimator, Request
from averting.effects.kernels.cohort_regression import cohort_outcome_weights, linear_cohort_fit
from averting.effects.result import Effect
from averting.effects.staggered import Fitted, Method, Sample, all_treated, fit_rates, refuse_gaps, sample_of
from averting.effects.staggered.checks import overlap_check
from averting.effects.staggered.sample import Array


def _fit(rates: Array, cohort: Array, sample: Sample) -> Fitted:
    covariates = sample.before_first() if sample.names else None
    found = linear_cohort_fit(rates, cohort, sample.time, weight=sample.weights, covariates=covariates)

    def outcome_weights(part: Array) -> Array:
        return cohort_outcome_weights(
            rates.shape, cohort, sample.time, part, weight=sample.weights, covariates=covariates
        )

    return Fitted(found.cells, outcome_weights)


def _notes(sample: Sample) -> tuple[CheckResult, ...]:
    return tuple(overlap_check("etwfe", sample))


METHOD = Method("etwfe", _fit, all_treated, notes=_notes)


def fit(design: Design, request: Request) -> Effect:
    """Estimate effects by cohort and period, and their average over pilots and treated periods.

    Covariates are taken from the last period before the first start; levels of cohorts, the common path and effects
    may all depend on them.

    Returns
    -------
    Effect
        As :func:`averting.effects.staggered.fit.fit_rates` describes; ``tables`` has ``group_time`` and
        ``event_study`` from the start on, and with analytic inference ``averages``.

    Raises
    ------
    EstimationError
        Where the design does not allow the method, or a school has gaps.
    """
    sample = sample_of(design, request.indicator, request.covariates, METHOD.key)
    refuse_gaps(sample, METHOD.key)
    return fit_rates(design, request, METHOD, sample)


ESTIMATOR = Estimator(
    label="Extended two-way fixed effects (Wooldridge)",
    assumption="Without the programme, mean rates of pilots that start together would have moved in parallel with "
    "those of comparison schools in all periods, given covariates from before the start.",
    inferences=("analytic", "permutation"),
    supports=frozenset({"weights", "covariates", "staggered"}),
    reference="Wooldridge (2021), Two-way fixed effects, the two-way Mundlak regression, and DiD estimators",
    fit=fit,
)
