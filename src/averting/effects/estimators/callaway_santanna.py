"""Callaway and Sant'Anna: effects by cohort and period against schools never treated, then averaged."""

from __future__ import annotations

from averting.checks import CheckResult
from averting.design import Design
from averting.effects.estimator import Estimator, Request
from averting.effects.kernels.group_time import Control, group_time_effects
from averting.effects.kernels.two_period import Adjustment
from averting.effects.result import Effect
from averting.effects.staggered import Fitted, Method, Sample, all_treated, fit_rates
from averting.effects.staggered.checks import overlap_check
from averting.effects.staggered.sample import Array

PILOTS_PER_COEFFICIENT = 5
"""A model of who becomes a pilot is fitted only where every cohort has this many pilots for each coefficient."""


def _adjustment(sample: Sample) -> Adjustment:
    needed = PILOTS_PER_COEFFICIENT * (1 + len(sample.names))
    return "doubly_robust" if min(sample.cohort_sizes.values()) >= needed else "regression"


def _notes(sample: Sample, adjustment: Adjustment) -> tuple[CheckResult, ...]:
    if not sample.names:
        return ()
    units = sample.design.panel.units
    words = {
        "doubly_robust": f"comparison {units} are weighted to resemble the pilots and their change is regressed on "
        "covariates: right if either model is",
        "regression": f"comparison {units}' change is regressed on covariates; there are too few pilots to model who "
        "becomes one",
        "weighting": f"comparison {units} are weighted to resemble the pilots",
    }
    said = CheckResult("callaway_santanna/covariates", "info", f"{words[adjustment]}.")
    return (said, *overlap_check("callaway_santanna", sample))


def method_for(control: Control = "never", adjustment: Adjustment | None = None) -> Method:
    """Return the method with controls and a use of covariates named; by default doubly robust where pilots suffice."""

    def fit_cells(rates: Array, cohort: Array, sample: Sample) -> Fitted:
        found = group_time_effects(
            rates,
            cohort,
            sample.time,
            weight=sample.weights,
            covariates=sample.covariates if sample.names else None,
            control=control,
            adjustment=adjustment or _adjustment(sample),
        )
        return Fitted(found.cells, lambda part: found.outcome_weights(part, len(sample.time)))

    def notes(sample: Sample) -> tuple[CheckResult, ...]:
        return _notes(sample, adjustment or _adjustment(sample))

    return Method("callaway_santanna", fit_cells, all_treated, estimated_shares=True, notes=notes)


METHOD = method_for()


def fit(design: Design, request: Request) -> Effect:
    """Estimate effects by cohort and period, and their average over pilots and treated periods.

    Returns
    -------
    Effect
        As :func:`averting.effects.staggered.fit.fit_rates` describes; ``tables`` has ``group_time`` (before the start
        each period is compared with the one before it) and ``event_study``, and with analytic or bootstrap inference
        ``averages``.

    Raises
    ------
    EstimationError
        Where the design does not allow the method.
    """
    return fit_rates(design, request, METHOD)


ESTIMATOR = Estimator(
    label="Group-time effects (Callaway and Sant'Anna)",
    assumption="Without the programme, each cohort of pilots' rates would have changed by as many points since its last "
    "period before the start as those of comparison schools with like covariates.",
    inferences=("analytic", "bootstrap", "permutation"),
    supports=frozenset({"weights", "covariates", "staggered"}),
    reference="Callaway and Sant'Anna (2021), Journal of Econometrics 225(2); Sant'Anna and Zhao (2020)",
    fit=fit,
)
