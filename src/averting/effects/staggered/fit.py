"""Estimate, judge and wrap an effect on rates, for every estimator that is linear in them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import pandas as pd

from averting.checks import CheckResult
from averting.design import Design
from averting.draws import stream
from averting.effects.estimator import Request
from averting.effects.kernels.aggregation import Cells, Shares, coefficients, overall
from averting.effects.outcomes import change_in_events, fill_suppressed, label_draws, pilots_in_words, rates
from averting.effects.result import DrawKind, Effect, Estimand
from averting.effects.staggered import checks as said
from averting.effects.staggered import tables
from averting.effects.staggered.answer import (
    Answer,
    Permutation,
    analytic_answer,
    bootstrap_answer,
    choose_sets,
    permute,
    permuted_answer,
)
from averting.effects.staggered.sample import Array, Sample, sample_of
from averting.errors import EstimationError


class Fitted(NamedTuple):
    """Cells, and the weights of outcomes (school, period) in any combination of them (cell,)."""

    cells: Cells
    outcome_weights: Callable[[Array], Array]


@dataclass(frozen=True)
class Method:
    """What one linear estimator brings.

    Parameters
    ----------
    key : str
        The estimator's key.
    fit : callable
        Takes rates (school, period), the start of every school (school,) and the sample; returns :class:`Fitted`.
    population : callable
        Takes the sample; says for whom, and over which periods, the overall effect is.
    estimated_shares : bool
        Whether cohorts' shares count as estimated.
    notes : callable
        Takes the sample; returns checks of the estimator's own.
    """

    key: str
    fit: Callable[[Array, Array, Sample], Fitted]
    population: Callable[[Sample], str]
    estimated_shares: bool = False
    notes: Callable[[Sample], tuple[CheckResult, ...]] = lambda _sample: ()

    def shares(self, sample: Sample) -> Shares:
        """Return the cohorts' shares."""
        return Shares(sample.cohort, sample.weights, self.estimated_shares)


_WORDS = {
    "analytic": "influence functions, clustered by {unit}, normal interval",
    "bootstrap": "multiplier bootstrap of influence functions, clustered by {unit}",
}


def all_treated(sample: Sample) -> str:
    """Say for whom an average over all treated pilot-periods is."""
    starts = list(sample.cohort_sizes)
    when = f"from {starts[0]} on" if len(starts) == 1 else f"each from its start, {starts[0]} to {starts[-1]}, on"
    return f"{pilots_in_words(sample.design)}, {when}, each pilot and period alike"


def fit_rates(design: Design, request: Request, method: Method, sample: Sample | None = None) -> Effect:
    """Estimate a difference of rates.

    Returns
    -------
    Effect
        Scale ``difference``, in events per 100 pupils and period. With suppressed cells, estimates of three fills are
        made: the estimate is linear in every cell, so those that favour and oppose the programme most bound it, and
        ``interval`` and ``p_value`` are the widest. ``change`` follows the effects by cohort and period; under
        permutation the overall effect's uncertainty shifts them all alike.

    Raises
    ------
    EstimationError
        Where the design does not allow the method.
    """
    sample = sample or sample_of(design, request.indicator, request.covariates, method.key)
    middle = rates(0.5 * (sample.counts.lower + sample.counts.upper), sample.counts.exposure)
    first = method.fit(middle, sample.cohort, sample)
    _refuse_unknown(method.key, sample, first.cells)
    weights = _overall_weights(first, method, sample)
    filled = {
        name: rates(events, sample.counts.exposure)
        for name, events in fill_suppressed(sample.counts, raises=weights > 0).items()
    }
    shares = method.shares(sample)
    by_fill = {
        name: first.cells if name == "middle" else method.fit(y, sample.cohort, sample).cells
        for name, y in filled.items()
    }
    if request.inference == "permutation":
        plan = choose_sets(sample, request, method.key)
        request.progress(
            f"permuting which {design.panel.units} are pilots, and from when: {len(plan.sets):,} ways"
        )
        answer, found, extra = _permuted(sample, filled, first, weights, method, request, plan)
        words = "permutation of who is a pilot and from when, studentised, " + (
            "every way listed" if plan.exact else "ways drawn at random"
        )
    else:
        request.progress("working out standard errors from influence functions")
        answer = _from_influence(by_fill, shares, request, method.key)
        found, extra = _influence_tables(sample, first.cells, shares, request, method.key)
        extra = [*said.cluster_checks(method.key, sample), *extra]
        words = _WORDS[request.inference].format(unit=design.panel.level)
    return _effect(sample, request, method, first.cells, answer, words, found, extra)


def _overall_weights(fitted: Fitted, method: Method, sample: Sample) -> Array:
    cells = fitted.cells
    return fitted.outcome_weights(coefficients(cells, cells.after[None, :], method.shares(sample))[0])


def _refuse_unknown(key: str, sample: Sample, cells: Cells) -> None:
    lost = cells.after & ~np.isfinite(cells.effect)
    if lost.any() or not cells.after.any():
        named = sorted({sample.cohort_label(cohort) for cohort in cells.cohort[lost]}) or list(sample.cohort_sizes)
        raise EstimationError(
            f"{key}: the effect on pilots that start in {', '.join(named)} cannot be estimated in some period: no school "
            "to compare is known there and in the period before the start, or covariates are collinear among those, or "
            "separate pilots from them. Leave the period or the covariate out, or widen the comparison."
        )


def _permuted(
    sample: Sample,
    filled: Mapping[str, Array],
    first: Fitted,
    weights: Array,
    method: Method,
    request: Request,
    plan: Permutation,
) -> tuple[Answer, dict[str, pd.DataFrame], list[CheckResult]]:
    def weights_of(cohort: Array) -> Array:
        return _overall_weights(method.fit(filled["middle"], cohort, sample), method, sample)

    permuted = {name: permute(sample, y, weights, weights_of, plan) for name, y in filled.items()}
    answer, statistics = permuted_answer(sample, permuted, first.cells, request, method.key)
    study = tables.permuted_event_study(
        sample, filled["middle"], first.cells, method.shares(sample), first.outcome_weights, plan, request.level
    )
    check = said.permutation_check(method.key, sample, plan, len(statistics), answer.interval, request.alpha)
    shown = pd.DataFrame({"statistic": statistics, "is_pilots": np.arange(len(statistics)) == 0})
    group_time = tables.group_time_table(sample, first.cells, errors=False)
    return answer, {"group_time": group_time, "event_study": study, "permutation": shown}, [check]


def _from_influence(by_fill: Mapping[str, Cells], shares: Shares, request: Request, key: str) -> Answer:
    """Widest interval over the fills; draws shared equally by the extreme ones."""
    make = analytic_answer if request.inference == "analytic" else bootstrap_answer
    used = [name for name in by_fill if name != "middle"] or ["middle"]
    sizes = dict(
        zip(used, (len(part) for part in np.array_split(np.arange(request.draws), len(used))), strict=True)
    )
    answers = {
        name: make(
            cells,
            shares,
            sizes.get(name, 100),
            request.level,
            stream(request.seed, f"effects/{key}/{request.indicator}/{name}"),
        )
        for name, cells in by_fill.items()
    }
    signs = {float(np.sign(overall(cells, shares).effect[0])) for cells in by_fill.values()}
    return Answer(
        (min(one.interval[0] for one in answers.values()), max(one.interval[1] for one in answers.values())),
        1.0 if len(signs) > 1 else max(one.p_value for one in answers.values()),
        np.concatenate([answers[name].draws for name in used]),
        np.concatenate([answers[name].by_cell for name in used]),
    )


def _influence_tables(
    sample: Sample, cells: Cells, shares: Shares, request: Request, key: str
) -> tuple[dict[str, pd.DataFrame], list[CheckResult]]:
    averages = tables.averages_table(sample, cells, shares, request, key)
    found = {
        "group_time": tables.group_time_table(sample, cells, errors=True),
        "event_study": tables.event_study_from(averages),
        "averages": averages,
    }
    trend = said.pre_trend_check(key, cells, sample.pilots)
    return found, [] if trend is None else [trend]


def _effect(
    sample: Sample,
    request: Request,
    method: Method,
    cells: Cells,
    answer: Answer,
    words: str,
    found: dict[str, pd.DataFrame],
    extra: list[CheckResult],
) -> Effect:
    kind: DrawKind = "bootstrap" if request.inference == "bootstrap" else "confidence"
    return Effect(
        estimand=Estimand(
            request.indicator,
            contrast="events per 100 pupils and period with the programme, minus without it",
            population=method.population(sample),
            scale="difference",
        ),
        method=method.key,
        inference=words + (f" ({request.reason})" if request.reason else ""),
        estimate=float(overall(cells, method.shares(sample)).effect[0]),
        interval=answer.interval,
        level=request.level,
        draws=label_draws(answer.draws, "rate"),
        draw_kind=kind,
        change=change_in_events(_by_pilot(answer.by_cell, cells, sample), sample.design, sample.counts),
        p_value=answer.p_value,
        checks=(
            *sample.design.checks,
            *extra,
            said.suppression_check(method.key, sample),
            said.level_check(method.key, sample),
            *method.notes(sample),
        ),
        tables=found,
    )


def _by_pilot(by_cell: Array, cells: Cells, sample: Sample) -> Array:
    """Spread draws of cells (draw, cell) to (draw, pilot, period); zero where no cell is."""
    found = np.zeros((len(by_cell), sample.pilots, len(sample.time)))
    for cell in np.flatnonzero(cells.after):
        pilots = np.flatnonzero(sample.cohort[: sample.pilots] == cells.cohort[cell])
        period = int(np.flatnonzero(sample.time == cells.time[cell])[0])
        found[:, pilots, period] = by_cell[:, [cell]]
    return found
