"""Group-time effects with the comparison and the use of covariates named, for who wants other than the defaults."""

from __future__ import annotations

from collections.abc import Sequence
from typing import get_args

from averting.design import Design
from averting.effects import refuse_unrecorded, resolve_inference
from averting.effects.estimator import Progress, Request, silent
from averting.effects.estimators.callaway_santanna import ESTIMATOR, method_for
from averting.effects.kernels.group_time import Control
from averting.effects.kernels.two_period import Adjustment
from averting.effects.result import Effect
from averting.effects.staggered import fit_rates
from averting.errors import EstimationError

KEY = "group_time_effect"


def group_time_effect(
    design: Design,
    indicator: str,
    *,
    control: Control = "never",
    adjustment: Adjustment | None = None,
    inference: str = "auto",
    covariates: Sequence[str] = (),
    level: float = 0.95,
    draws: int = 4_000,
    seed: int = 1,
    progress: Progress = silent,
) -> Effect:
    """Estimate effects by cohort and period as ``callaway_santanna`` does, with its choices named.

    Parameters
    ----------
    design : Design
        Who is compared with whom, from when.
    indicator : str
        Key of a count in the design's panel.
    control : {"never", "not_yet"}
        Compare each cohort with units never treated, or also with pilots whose start is still to come.
    adjustment : {"regression", "weighting", "doubly_robust"}, optional
        How covariates are used: regress the comparison's change on them, weigh the comparison by the odds of being a
        pilot, or both. By default doubly robust where every cohort has five pilots for each coefficient, else regression.
    inference, covariates, level, draws, seed, progress
        As for :func:`averting.estimate`.

    Returns
    -------
    Effect
        As from ``averting.estimate(design, indicator, method="callaway_santanna")``.

    Raises
    ------
    EstimationError
        If an option is unknown, or the design does not allow the method.
    """
    for name, given, allowed in (
        ("control", control, get_args(Control)),
        ("adjustment", adjustment or "doubly_robust", get_args(Adjustment)),
    ):
        if given not in allowed:
            raise EstimationError(f"{KEY}: {name} '{given}' is not known. Use one of: {', '.join(allowed)}.")
    if adjustment and not covariates:
        raise EstimationError(
            f"{KEY}: adjustment '{adjustment}' says how covariates are used, and none is named. Name covariates, or "
            "leave it out."
        )
    refuse_unrecorded(KEY, design, indicator)
    chosen, reason = resolve_inference(KEY, ESTIMATOR, inference, design)
    request = Request(indicator, chosen, reason, tuple(covariates), level, draws, seed, progress)
    return fit_rates(design, request, method_for(control, adjustment))
