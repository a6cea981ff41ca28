"""What regression estimators share: arrays of rates with their refusals, fills, checks, and the Effect they make."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from averting.checks import CheckResult
from averting.design import Counts, Design
from averting.draws import stream
from averting.effects.estimator import Request
from averting.effects.inference.choice import FEW_PILOTS
from averting.effects.inference.dispatch import infer
from averting.effects.inference.linear import Inferred, Linear, joined
from averting.effects.kernels.ols import Array, cell_influence, dependent_columns, residualise, two_way
from averting.effects.outcomes import (
    MOST_LEVEL_GAP,
    change_in_events,
    fill_suppressed,
    label_draws,
    pilots_in_words,
    rates,
    since_when,
)
from averting.effects.result import Effect, Estimand
from averting.errors import EstimationError, Fault, refuse

CLUSTERED = ("cr1", "cr2", "cr3", "wild", "subcluster")
"""Kinds of inference that can take clusters of units."""

CLUSTERS = ("la", "region")
"""Labels of a panel that can be clusters."""

MEASURED = {
    "cr1": "15 % to 22 % with three pilots of 60 or 300 schools, 28 % with two and 55 % with one of 20",
    "cr2": "1 % to 3 % with three pilots, and it found a true halving 5 % of the time",
    "cr3": "8 % to 10 % with three pilots and 15 % with two",
    "wild": "0 % to 1 % with three pilots, and it found a true halving 1 % of the time",
    "ferman_pinto": "4 % to 5 % with three pilots like the rest, 16 % where they exclude 2.5 times as much and 2 % where "
    "0.4 times",
    "permutation": "6 % with three pilots like the rest, 27 % where they exclude 2.5 times as much and 0 % where 0.4 times",
}
"""How often a true null was rejected at a nominal 5 %, 500 simulated panels each, for regressions of rates."""


class Cells(NamedTuple):
    """Arrays of one indicator: ``counts``; ``weights`` (school, period), 0 where missing; covariates with names.

    ``clusters`` (school,) numbers who shares shocks, None where each school stands alone; ``cluster`` says what they are.
    """

    counts: Counts
    weights: Array
    covariates: Array
    names: tuple[str, ...]
    clusters: NDArray[np.intp] | None
    cluster: str

    @property
    def sizes(self) -> Array:
        """Mean pupils of each school, (school,)."""
        return np.asarray(np.nansum(self.counts.exposure, axis=1) / np.maximum((self.weights > 0).sum(axis=1), 1))


def cells(design: Design, request: Request, method: str) -> Cells:
    """Return a design's arrays for a regression.

    Raises
    ------
    EstimationError
        Listing schools without data on a side of the start, and covariates that are not known where the count is;
        or if clusters are asked for that are not known, or that the inference has no use for.
    """
    counts = design.counts(request.indicator)
    known = np.isfinite(counts.upper)
    covariates = design.covariates(request.covariates)
    refuse(EstimationError, f"{method} cannot be estimated", _faults(design, request, counts, covariates))
    weights = known * counts.weights[:, None]
    clusters = _clusters(design, request, method)
    words = request.cluster or design.panel.level
    return Cells(counts, weights, np.where(known[..., None], covariates, 0.0), request.covariates, clusters, words)


def _clusters(design: Design, request: Request, method: str) -> NDArray[np.intp] | None:
    if request.inference == "subcluster" and not request.cluster:
        raise EstimationError(
            f"{method}: inference 'subcluster' flips single {design.panel.units} while errors are clustered by "
            'something larger, and no cluster is named. Give one, such as cluster="la", or use inference="wild".'
        )
    if not request.cluster:
        return None
    if request.inference not in CLUSTERED:
        raise EstimationError(
            f"{method}: inference '{request.inference}' does not cluster by {request.cluster}. Use one of "
            f"{', '.join(CLUSTERED)}, or ratio_did, which compares pilots with sets that lie together as they do."
        )
    labels = design.panel.data.coords.get(request.cluster)
    known = [] if request.cluster not in CLUSTERS or labels is None else labels.sel(school=list(design.schools))
    names = np.char.strip(np.asarray(known).astype(str))
    if len(names) == 0 or (names == "").any():
        raise EstimationError(
            f"{method}: cluster '{request.cluster}' is not known of every one of the {design.panel.units}. Use one of "
            f"{', '.join(CLUSTERS)} that the data have, or leave it out."
        )
    return np.unique(names, return_inverse=True)[1].astype(np.intp)


def _faults(design: Design, request: Request, counts: Counts, covariates: Array) -> list[Fault]:
    known = np.isfinite(counts.upper)
    pilots = len(design.pilots)
    late = counts.treated.any(axis=0)
    faults = []
    for row, school in enumerate(design.schools):
        after = counts.treated[row] if row < pilots else late
        if not ((known[row] & after).any() and (known[row] & ~after).any()):
            found = (
                f"{request.indicator} is not known on both sides of the start, or has no pupils to be counted over"
            )
            faults.append(
                Fault(f"{design.panel.level} {school}", found, "Leave it out, or use a balanced comparison rule.")
            )
    for column, name in enumerate(request.covariates):
        rows, periods = np.nonzero(known & ~np.isfinite(covariates[..., column]))
        if len(rows):
            where = f"{design.panel.level} {design.schools[rows[0]]} in {design.periods[periods[0]]}"
            found = f"it is not known in {len(rows)} cells where {request.indicator} is, first {where}"
            fix = "Fill it with a reason, leave those schools or periods out, or do without it."
            faults.append(Fault(f"covariate {name}", found, fix))
    return faults


def refuse_dependent(method: str, problem: Linear, names: tuple[str, ...]) -> None:
    """Refuse regressors that school and period effects and earlier regressors already determine, by name.

    Parameters
    ----------
    method : str
        For the message.
    problem : Linear
        The regression.
    names : tuple of str
        Of its regressors, treatment first.
    """
    regressors = problem.regressors
    within = residualise(two_way(problem.weights), regressors)
    found = dependent_columns(regressors, within, problem.weights)
    refuse(
        EstimationError,
        f"{method} cannot tell some of its regressors apart",
        [
            Fault(
                names[column],
                "it follows exactly from school effects, period effects and the regressors before it",
                "Leave it out: a covariate must change within schools, and differently in some than in others."
                if column >= problem.paths.shape[-1]
                else "A pilot needs a known period before its start, and comparison schools in the same periods.",
            )
            for column in found
        ],
    )


def kinds_by_start(design: Design) -> tuple[tuple[str, ...], NDArray[np.intp]]:
    """Return the different starts in order, and which of them each pilot has."""
    starts = tuple(sorted(set(design.starts.values())))
    return starts, np.array([starts.index(design.starts[pilot]) for pilot in design.pilots], dtype=np.intp)


def infer_fills(
    design: Design, request: Request, data: Cells, problem: Callable[[Array], Linear], method: str
) -> tuple[Inferred, Linear]:
    """Infer from every fill of suppressed cells; return the joint answer and the middle fill's problem.

    Parameters
    ----------
    design, request, data : Design, Request, Cells
        What is estimated from what.
    problem : callable
        Makes a problem of events (school, period); its fit decides which cells raise the estimate.
    method : str
        Names the random stream.
    """
    middle = problem(fill_suppressed(data.counts)["middle"])
    raises = None
    if middle.outcome.shape == data.counts.lower.shape:
        raises = cell_influence(middle.fit(), middle.padded()) > 0
    fills = fill_suppressed(data.counts, raises)
    request.progress(f"inferring by {request.inference}")
    found = {}
    for name, events in fills.items():
        rng = stream(request.seed, f"effects/{method}/{request.indicator}/{name}")
        found[name] = infer(request.inference, problem(events), rng)
    return joined(found), middle


def filled_rates(data: Cells, events: Array) -> Array:
    """Return events per 100 pupils, 0 in cells whose weight is 0."""
    return np.where(data.weights > 0, rates(events, data.counts.exposure), 0.0)


def difference_effect(
    design: Design,
    request: Request,
    data: Cells,
    *,
    method: str,
    inferred: Inferred,
    checks: tuple[CheckResult, ...] = (),
    tables: Mapping[str, pd.DataFrame] | None = None,
) -> Effect:
    """Wrap a difference of rates into an Effect with the checks all regressions of rates share."""
    pilots = len(design.pilots)
    return Effect(
        estimand=Estimand(
            request.indicator,
            contrast="events per 100 pupils and period with the programme, less without it",
            population=f"{pilots_in_words(design)}, {since_when(design)}",
            scale="difference",
        ),
        method=method,
        inference=inferred.words + (f"; {request.reason}" if request.reason else ""),
        estimate=inferred.estimate,
        interval=inferred.interval,
        level=request.level,
        draws=label_draws(inferred.draws, "rate"),
        draw_kind="confidence",
        change=change_in_events(inferred.draws, design, data.counts),
        p_value=inferred.p_value,
        checks=(
            *design.checks,
            few_pilots_check(method, request.inference, pilots, MEASURED),
            *clusters_check(method, pilots, data),
            level_gap_check(method, request.inference, pilots, data, units=design.panel.units),
            suppression_check(method, data.counts),
            *checks,
        ),
        tables=tables or {},
    )


def few_pilots_check(method: str, inference: str, pilots: int, measured: Mapping[str, str]) -> CheckResult:
    """Say how the inference behaved when measured with few pilots; what rejects too many true nulls fails."""
    key = f"{method}/treated_schools"
    if pilots > FEW_PILOTS:
        message = (
            f"{pilots} pilots; above {FEW_PILOTS}, inference was not measured here to go wrong for being few."
        )
        return CheckResult(key, "pass", message)
    rates_found = measured.get(inference)
    said = f"rejected a true null {rates_found}" if rates_found else "was not measured with few pilots"
    message = (
        f"{pilots} pilot{'s' if pilots > 1 else ''}. In simulated panels at a nominal 5 %, {inference} {said}."
    )
    hopeless = inference in ("cr1", "cr3")
    return CheckResult(
        key,
        "fail" if hopeless else "warn",
        message,
        "Judge this design by ratio_did, which holds its size with few pilots.",
    )


def clusters_check(method: str, pilots: int, data: Cells) -> list[CheckResult]:
    """Say how many clusters hold pilots, where clusters were asked for; a standard error rests on those."""
    if data.clusters is None:
        return []
    own, every = len(np.unique(data.clusters[:pilots])), len(np.unique(data.clusters))
    return [
        CheckResult(
            f"{method}/clusters",
            "fail" if own <= FEW_PILOTS else "pass",
            f"Pilots lie in {own} of {every} clusters (by {data.cluster}), and a standard error rests on those; with "
            f"{FEW_PILOTS} or fewer it is not to be used.",
            "Judge this design by ratio_did, which compares pilots with sets that lie together as they do."
            if own <= FEW_PILOTS
            else "",
        )
    ]


def level_gap_check(method: str, inference: str, pilots: int, data: Cells, *, units: str) -> CheckResult:
    """Compare rates before the first start; changes of rates are not exchangeable between different levels."""
    early = ~data.counts.treated.any(axis=0)
    events = fill_suppressed(data.counts)["middle"][:, early]
    pupils = np.where(data.weights[:, early] > 0, data.counts.exposure[:, early], 0.0)
    weighted = data.counts.weights[:, None]
    pilot = np.nansum(events[:pilots]) / max(pupils[:pilots].sum(), 1e-300)
    rest = np.nansum((weighted * events)[pilots:]) / max((weighted * pupils)[pilots:].sum(), 1e-300)
    ratio = pilot / rest if rest > 0 else np.inf
    wide = not 1 / MOST_LEVEL_GAP <= ratio <= MOST_LEVEL_GAP
    times = f"{ratio:.1f} times" if 0 < ratio < np.inf else "not to be compared with"
    message = f"Pilots' rate before the start was {times} that of the comparison {units}"
    rule = f"; between 1/{MOST_LEVEL_GAP} and {MOST_LEVEL_GAP} times is asked for."
    if not wide:
        return CheckResult(f"{method}/level_gap", "pass", message + rule)
    why = (
        " A permutation of changes of rates was measured to reject 27 % of true nulls at 2.5 times and 0 % at 0.4."
    )
    return CheckResult(
        f"{method}/level_gap",
        "fail" if inference in ("permutation", "conley_taber", "ferman_pinto") else "warn",
        message + rule + why,
        f"Use ratio_did, or comparison {units} with rates like the pilots'.",
    )


def suppression_check(method: str, counts: Counts) -> CheckResult:
    """Say how many cells are suppressed and that the interval covers them."""
    suppressed = int((counts.upper > counts.lower).sum())
    cells_known = int(np.isfinite(counts.upper).sum())
    if not suppressed:
        return CheckResult(f"{method}/suppression", "pass", "No cell is suppressed.")
    message = (
        f"{suppressed} of {cells_known} cells are suppressed; the interval covers the fills that give the lowest and "
        "the highest estimate."
    )
    return CheckResult(f"{method}/suppression", "warn", message)
