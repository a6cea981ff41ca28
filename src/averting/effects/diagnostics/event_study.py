"""Pilots against comparison schools year by year, as plain arrays: what pre-trend tests and sensitivity take."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from averting.design import Design
from averting.effects.diagnostics.asked import Asked, Finding, finding
from averting.effects.kernels.event_path import event_path
from averting.effects.kernels.honest import EventStudy
from averting.effects.outcomes import rates
from averting.errors import EstimationError


def from_differences(
    asked: Asked, key: str, unseen: str, judge: Callable[[EventStudy, tuple[str, ...], int], Finding]
) -> Finding:
    """Judge an estimate's yearly differences; where there are none, or none to judge, say why after ``unseen``."""
    try:
        return judge(*yearly_differences(asked.design, asked.effect.estimand.indicator))
    except EstimationError as error:
        return finding(key, "info", f"{unseen}: {error.message}")


def yearly_differences(design: Design, indicator: str) -> tuple[EventStudy, tuple[str, ...], int]:
    """Return differences in rates since the last period before the start, with few-pilot covariance.

    Parameters
    ----------
    design : Design
        With a common start. Suppressed counts enter at the middle of their bounds.
    indicator : str
        A count of the design's panel; differences are in events per 100 pupils.

    Returns
    -------
    study : EventStudy
        Coefficients and covariance; periods left out are skipped, so that the rest count as consecutive.
    periods : tuple of str
        Of the coefficients.
    schools : int
        Comparison schools with a rate in every period, on which the covariance rests.

    Raises
    ------
    EstimationError
        If starts differ, a pilot lacks a period, there is none before the reference period, or comparison schools
        are too few for a covariance.
    """
    if design.common_start is None:
        raise EstimationError("yearly differences need a common start; use an event study for staggered starts.")
    counts = design.counts(indicator)
    values = rates(0.5 * (counts.lower + counts.upper), counts.exposure)
    complete = np.isfinite(values).all(axis=1)
    pilots = len(design.pilots)
    reference = int((~counts.treated[0]).sum()) - 1
    if not complete[:pilots].all():
        raise EstimationError(f"a pilot's {indicator} is not known in every period used.")
    if reference < 1:
        raise EstimationError("there is one period before the start, so earlier trends cannot be seen.")
    schools = int(complete[pilots:].sum())
    if schools <= len(design.periods) + 1:
        raise EstimationError(
            f"{schools} comparison {design.panel.units} are too few for {len(design.periods)} periods."
        )
    beta, sigma = event_path(values[complete], pilots, reference)
    periods = tuple(period for at, period in enumerate(design.periods) if at != reference)
    if not np.all(np.linalg.eigvalsh(sigma) > 0):
        raise EstimationError(
            f"comparison {design.panel.units} hardly vary in {indicator}, so nothing can be judged by them."
        )
    return EventStudy(beta, sigma, reference), periods, schools
