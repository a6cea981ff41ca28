"""Wooldridge's extended regression with Poisson counts and exposure: the ratio of events with to without."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pandas as pd
from scipy.stats import norm

from averting.checks import CheckResult
from averting.design import Design
from averting.draws import stream
from averting.effects.estimator import Estimator, Request
from averting.effects.kernels.aggregation import Cells, standard_errors
from averting.effects.kernels.cohort_regression import CohortFit, cohort_outcome_weights, poisson_cohort_fit
from averting.effects.outcomes import fill_suppressed, label_change, label_draws
from averting.effects.result import Effect, Estimand
from averting.effects.staggered import Sample, all_treated, refuse_gaps, sample_of
from averting.effects.staggered.checks import cluster_checks, overlap_check, suppression_check
from averting.effects.staggered.sample import Array
from averting.errors import EstimationError

KEY = "etwfe_poisson"


def _fit(events: Array, sample: Sample) -> CohortFit:
    covariates = sample.before_first() if sample.names else None
    exposure, weights = sample.counts.exposure, sample.weights
    return poisson_cohort_fit(events, exposure, sample.cohort, sample.time, weight=weights, covariates=covariates)


def _log_ratios(fitted: CohortFit, sizes: Array, rows: Array) -> tuple[Array, Array]:
    """Log ratio of events with to without over the cells each row keeps, (row, cell), and influences (school, row)."""
    parts = rows * sizes
    totals = [parts @ cells.effect for cells in (fitted.observed, fitted.without)]
    influences = [cells.influence @ parts.T for cells in (fitted.observed, fitted.without)]
    return np.log(totals[0] / totals[1]), influences[0] / totals[0] - influences[1] / totals[1]


def _sizes(cells: Cells, sample: Sample) -> Array:
    return np.asarray([np.count_nonzero(sample.cohort == cohort) for cohort in cells.cohort], dtype=float)


def _refuse_empty(sample: Sample, indicator: str) -> None:
    pilots = slice(0, sample.pilots)
    events, treated = sample.intensity, sample.counts.treated
    for first in np.unique(sample.cohort[pilots]):
        members = sample.cohort == first
        if events[members][:, sample.time < first].sum() == 0:
            raise EstimationError(
                f"{KEY}: the pilots that start in {sample.cohort_label(first)} have no {indicator} before it, so no "
                "ratio can be formed. Leave them out, or use a method on the difference scale."
            )
    if events[pilots][treated[pilots]].sum() == 0:
        raise EstimationError(
            f"{KEY}: the pilots have no {indicator} from their start on: the ratio is 0, and no standard error can be "
            "given on its logarithm. Use ratio_did."
        )
    if (events[sample.pilots :].sum(0) == 0).any():
        raise EstimationError(
            f"{KEY}: in some period no comparison unit has any {indicator}, so the path without the programme is not "
            "known. Leave the period out, or use a commoner indicator."
        )


def _fills(sample: Sample) -> dict[str, Array]:
    """Fill in the directions of the linear estimator's weights; exact where all pilots start together."""
    treated = np.unique(sample.cohort)[:, None] <= sample.time
    sizes = np.repeat([(sample.cohort == first).sum() for first in np.unique(sample.cohort)], treated.sum(1))
    shape = sample.intensity.shape
    weights = cohort_outcome_weights(shape, sample.cohort, sample.time, sizes / sizes.sum(), weight=sample.weights)
    return fill_suppressed(sample.counts, raises=weights > 0)


def _table(fitted: CohortFit, sizes: Array, sample: Sample, level: float, *, by_cell: bool) -> pd.DataFrame:
    cells = fitted.cells
    position = np.arange(len(sizes)) if by_cell else cells.time - cells.cohort
    labels = np.unique(position)
    kept = position == labels[:, None]
    with np.errstate(divide="ignore", invalid="ignore"):
        log_ratio, influence = _log_ratios(fitted, sizes, kept.astype(float))
        reach = norm.ppf(0.5 + level / 2) * standard_errors(influence)
    table = pd.DataFrame({"estimate": np.exp(log_ratio)})
    if by_cell:
        periods = sample.design.panel.periods
        table.insert(0, "cohort", [periods[int(at)] for at in cells.cohort])
        table.insert(1, "period", [periods[int(at)] for at in cells.time])
        return table
    table.insert(0, "event_time", labels.astype(int))
    return table.assign(lower=np.exp(log_ratio - reach), upper=np.exp(log_ratio + reach))


def _change(middle: CohortFit, events: Array, ratio: float, draws: Array, sample: Sample) -> Array:
    """Pilots' events minus what they would have been, where the ratio is as drawn, (draw, pilot, period)."""
    pilots = slice(0, sample.pilots)
    treated = sample.counts.treated[pilots]
    without = np.where(treated, middle.expected[pilots], 0.0)
    observed = np.where(treated, events[pilots], 0.0)
    return np.asarray(observed - without * (ratio / draws)[:, None, None])


class _LogRatio(NamedTuple):
    """Log ratio over all treated periods and its standard error, by fill: what is said covers every fill."""

    centre: dict[str, float]
    error: dict[str, float]

    @classmethod
    def of(cls, fits: dict[str, CohortFit], sizes: Array) -> _LogRatio:
        whole = np.ones((1, len(sizes)))
        found = {name: _log_ratios(one, sizes, whole) for name, one in fits.items()}
        return cls(
            {name: float(log_ratio[0]) for name, (log_ratio, _) in found.items()},
            {name: float(standard_errors(influence)[0]) for name, (_, influence) in found.items()},
        )

    def interval(self, level: float) -> tuple[float, float]:
        reach = float(norm.ppf(0.5 + level / 2))
        low = min(self.centre[name] - reach * self.error[name] for name in self.centre)
        high = max(self.centre[name] + reach * self.error[name] for name in self.centre)
        return float(np.exp(low)), float(np.exp(high))

    def p_value(self) -> float:
        if min(self.centre.values()) < 0 < max(self.centre.values()):
            return 1.0
        return max(float(2 * norm.sf(abs(self.centre[name]) / self.error[name])) for name in self.centre)


def fit(design: Design, request: Request) -> Effect:
    """Estimate the ratio of the pilots' events to those expected without the programme.

    Returns
    -------
    Effect
        Scale ``ratio``: sum of the pilots' events over all treated periods, over the sum expected. The interval is
        normal on the logarithm. ``change`` scales the expected events so that their ratio is as drawn. With suppressed
        cells, ``interval`` is the widest over three fills.

    Raises
    ------
    EstimationError
        Where the design does not allow the method, a school has gaps, or events are too few to form a ratio.
    """
    sample = sample_of(design, request.indicator, request.covariates, KEY)
    refuse_gaps(sample, KEY)
    _refuse_empty(sample, request.indicator)
    filled = _fills(sample)
    fits = {name: _fit(events, sample) for name, events in filled.items()}
    if not all(np.isfinite(one.without.effect).all() for one in fits.values()):
        raise EstimationError(
            f"{KEY}: the Poisson regression does not settle: events are too few, or covariates follow from each other "
            "within a cohort. Leave covariates out, or use ratio_did."
        )
    sizes = _sizes(fits["middle"].cells, sample)
    found = _LogRatio.of(fits, sizes)
    draws = _draws(found, request)
    ratio = float(np.exp(found.centre["middle"]))
    return Effect(
        estimand=Estimand(
            request.indicator,
            contrast="events with the programme over events without it",
            population=all_treated(sample),
            scale="ratio",
        ),
        method=KEY,
        inference=f"Poisson pseudo-likelihood, variance clustered by {design.panel.level}, normal interval of the log ratio"
        + (f" ({request.reason})" if request.reason else ""),
        estimate=ratio,
        interval=found.interval(request.level),
        level=request.level,
        draws=label_draws(draws, "ratio"),
        draw_kind="confidence",
        change=label_change(_change(fits["middle"], filled["middle"], ratio, draws, sample), design),
        p_value=found.p_value(),
        checks=(*design.checks, *_checks(sample)),
        tables={
            "group_time": _table(fits["middle"], sizes, sample, request.level, by_cell=True),
            "event_study": _table(fits["middle"], sizes, sample, request.level, by_cell=False),
        },
    )


def _draws(found: _LogRatio, request: Request) -> Array:
    centre, error = found
    used = [name for name in centre if name != "middle"] or ["middle"]
    rng = stream(request.seed, f"effects/{KEY}/{request.indicator}")
    parts = np.array_split(np.arange(request.draws), len(used))
    drawn = [centre[n] + error[n] * rng.standard_normal(len(part)) for n, part in zip(used, parts, strict=True)]
    return np.exp(np.concatenate(drawn))


def _checks(sample: Sample) -> list[CheckResult]:
    found = [check for check in cluster_checks(KEY, sample) if not check.key.endswith("single_school_cohorts")]
    return [*found, suppression_check(KEY, sample), *overlap_check(KEY, sample)]


ESTIMATOR = Estimator(
    label="Extended Poisson regression with exposure (Wooldridge)",
    assumption="Without the programme, mean rates of pilots that start together would have changed in the same "
    "proportion as those of comparison schools in all periods, given covariates from before the start.",
    inferences=("analytic",),
    supports=frozenset({"weights", "covariates", "staggered"}),
    reference="Wooldridge (2023), Simple approaches to nonlinear difference-in-differences with panel data",
    fit=fit,
)
