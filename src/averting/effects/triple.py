"""Triple differences: the effect on one indicator beyond that on another, which the programme should not move."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from averting.checks import CheckResult
from averting.design import Design
from averting.effects import refuse_unrecorded, resolve_inference
from averting.effects.estimator import Progress, Request, silent
from averting.effects.estimators.callaway_santanna import ESTIMATOR, METHOD
from averting.effects.result import Effect
from averting.effects.staggered import Sample, fit_rates, sample_of
from averting.errors import EstimationError

KEY = "triple_difference"


def triple_difference(
    design: Design,
    indicator: str,
    *,
    unaffected: str,
    inference: str = "auto",
    covariates: Sequence[str] = (),
    level: float = 0.95,
    draws: int = 4_000,
    seed: int = 1,
    progress: Progress = silent,
) -> Effect:
    """Estimate the effect on one indicator, net of the same schools' change in another.

    What strikes a pilot as a whole, such as a new head or a change in who attends, moves both indicators and cancels.
    The rate of the unaffected indicator is taken off that of the indicator, in each school and period, and effects by
    cohort and period are those of ``callaway_santanna`` [olden_moen_2022]_.

    Parameters
    ----------
    design : Design
        Who is compared with whom, from when.
    indicator : str
        The indicator the programme is to move.
    unaffected : str
        A count in the same panel that it cannot move, on the same scale: shocks common to both must move both
        rates by as many points.
    inference, covariates, level, draws, seed, progress
        As for :func:`averting.estimate` with ``method="callaway_santanna"``.

    Returns
    -------
    Effect
        Scale ``difference``.

    Raises
    ------
    EstimationError
        If both indicators are the same, an option is unknown, or the design does not allow it.

    References
    ----------
    .. [olden_moen_2022] Olden, A. and Møen, J. (2022). The triple difference estimator. Econometrics Journal 25(3).
    """
    if indicator == unaffected:
        raise EstimationError(f"{KEY}: '{indicator}' cannot be compared with itself. Name another indicator.")
    refuse_unrecorded(KEY, design, indicator)
    chosen, reason = resolve_inference(KEY, ESTIMATOR, inference, design)
    request = Request(indicator, chosen, reason, tuple(covariates), level, draws, seed, progress)

    def notes(sample: Sample) -> tuple[CheckResult, ...]:
        message = f"the change in {unaffected} was taken off; the programme must not have moved it."
        return (*METHOD.notes(sample), CheckResult(f"{KEY}/unaffected", "info", message))

    return fit_rates(
        design, request, replace(METHOD, key=KEY, notes=notes), _difference(design, request, unaffected)
    )


def _difference(design: Design, request: Request, unaffected: str) -> Sample:
    """Return a sample whose bounds are those of the difference, and whose noise is that of both."""
    first = sample_of(design, request.indicator, request.covariates, KEY)
    second = sample_of(design, unaffected, request.covariates, KEY)
    bounds = first.counts._replace(
        lower=first.counts.lower - second.counts.upper, upper=first.counts.upper - second.counts.lower
    )
    return replace(first, counts=bounds, intensity=first.intensity + second.intensity)
