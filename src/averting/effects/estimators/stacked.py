"""Stacked difference-in-differences with the corrective weights of Wing, Freedman and Hollingsworth."""

from __future__ import annotations

from averting.checks import CheckResult
from averting.design import Design
from averting.effects.estimator import Estimator, Request
from averting.effects.kernels.stacked import stacked_effects, widest_window
from averting.effects.outcomes import pilots_in_words
from averting.effects.result import Effect
from averting.effects.staggered import Fitted, Method, Sample, fit_rates, refuse_gaps, sample_of
from averting.effects.staggered.sample import Array


def _fit(rates: Array, cohort: Array, sample: Sample) -> Fitted:
    before, after = widest_window(cohort, sample.time)
    found = stacked_effects(rates, cohort, sample.time, before=before, after=after, weight=sample.weights)
    return Fitted(found.cells, lambda part: found.outcome_weights(part, len(sample.time)))


def _population(sample: Sample) -> str:
    _, after = widest_window(sample.cohort, sample.time)
    return f"{pilots_in_words(sample.design)}, in the first {after + 1} periods from each one's start"


def _notes(sample: Sample) -> tuple[CheckResult, ...]:
    before, after = widest_window(sample.cohort, sample.time)
    message = (
        f"every pilot is seen from {before} periods before its start to {after} after its first; later periods count "
        "neither in the estimate nor in the number averted, so that every pilot weighs alike at every time."
    )
    return (CheckResult("stacked/window", "info", message),)


METHOD = Method("stacked", _fit, _population, notes=_notes)


def fit(design: Design, request: Request) -> Effect:
    """Estimate effects within the widest window that every cohort of pilots has, and their average.

    Returns
    -------
    Effect
        As :func:`averting.effects.staggered.fit.fit_rates` describes; ``tables`` has ``group_time`` and
        ``event_study``, all against the last period before the start, and with analytic inference ``averages``.

    Raises
    ------
    EstimationError
        Where the design does not allow the method, or a school has gaps.
    """
    sample = sample_of(design, request.indicator, request.covariates, METHOD.key)
    refuse_gaps(sample, METHOD.key)
    return fit_rates(design, request, METHOD, sample)


ESTIMATOR = Estimator(
    label="Stacked difference-in-differences, corrective weights",
    assumption="Without the programme, within the window around each start, pilots' rates would have changed by as many "
    "points as those of schools not treated before the window ends.",
    inferences=("analytic", "permutation"),
    supports=frozenset({"weights", "staggered"}),
    reference="Wing, Freedman and Hollingsworth (2024), NBER Working Paper 32054",
    fit=fit,
)
