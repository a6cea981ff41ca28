"""From a design to an Effect, for the three methods that build the pilots a synthetic twin.

They differ in how schools are weighed (:mod:`averting.effects.kernels.synthetic`) and in the statistic that placebos
are ranked by; refusals, fills of suppressed cells, checks and tables are the same and stand here. Several pilots are
one treated unit, the mean of their rates, as in synthetic difference-in-differences: a mean of three schools of rare
counts can be matched, single schools can hardly.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd

from averting.design import Counts, Design
from averting.draws import stream
from averting.effects.estimator import Request
from averting.effects.kernels.placebo import (
    Placebos,
    gap_placebos,
    placebo_draws,
    placebo_interval,
    placebo_p,
    placebo_sets,
    ratio_placebos,
)
from averting.effects.kernels.simplex import Array, Mask
from averting.effects.kernels.synthetic import Method, Sets, Synthetic, in_parts, noise_level
from averting.effects.outcomes import (
    change_in_events,
    fill_suppressed,
    label_draws,
    pilots_in_words,
    rates,
    since_when,
)
from averting.effects.result import Effect, Estimand
from averting.effects.synthetic_checks import synthetic_checks
from averting.errors import EstimationError

LEAST_FIT = 0.1
"""A root mean square gap before the start below this share of the comparison schools' noise counts as this share."""

_NAMED = 5


@dataclass(frozen=True)
class SyntheticMethod:
    """How one of the methods weighs schools, and what its placebos are ranked by.

    Parameters
    ----------
    key : str
        The estimator's name.
    weigh : callable
        A method of :mod:`averting.effects.kernels.synthetic`.
    statistic : {"gap", "ratio"}
        ``gap``: mean gap after the start; ``ratio``: root mean square gap after over before [abadie_2010]_.
    most_placebos : int
        Sets of comparison schools are all tried up to this number, and this many drawn at random beyond it.
    """

    key: str
    weigh: Method
    statistic: Literal["gap", "ratio"]
    most_placebos: int = 500


@dataclass(frozen=True)
class Fitted:
    """One fill of the suppressed cells: rates (school, period), what was fitted, and what each set shows."""

    outcomes: Array
    fitted: Synthetic
    placebos: Placebos


def fit_synthetic(method: SyntheticMethod, design: Design, request: Request) -> Effect:
    """Fit the pilots and every placebo set, for each fill of suppressed cells, and wrap the answer."""
    counts = design.counts(request.indicator)
    after = counts.treated[0]
    refuse_unusable(method.key, design, counts, request.indicator)
    rng = stream(request.seed, f"effects/{method.key}/{request.indicator}/sets")
    sets, exact = placebo_sets(len(design.pilots), len(design.comparison), most=method.most_placebos, rng=rng)
    request.progress(
        f"putting comparison {design.panel.units} in the pilots' place: {len(sets.members) - 1:,} sets"
    )
    fills = {
        name: fit_outcomes(method, rates(events, counts.exposure), sets, after)
        for name, events in fill_suppressed(counts).items()
    }
    middle = fills["middle"]
    difference = _draws(fills, request, method.key)
    checks = synthetic_checks(
        method.key, design, counts, middle.outcomes, middle.fitted, len(sets.members) - 1, exact, request.alpha
    )
    return Effect(
        estimand=Estimand(
            request.indicator,
            contrast="rate with the programme less the rate without it, events per 100 pupils and period",
            population=f"mean of {pilots_in_words(design)}, {since_when(design)}",
            scale="difference",
        ),
        method=method.key,
        inference=_inference_in_words(method, exact, request.reason),
        estimate=float(middle.placebos.average[0]),
        interval=_interval(fills, request.alpha),
        level=request.level,
        draws=label_draws(difference, "rate"),
        draw_kind="confidence",
        change=change_in_events(difference, design, counts),
        p_value=_p_value(fills),
        checks=checks,
        tables=_tables(design, middle, after),
    )


def refuse_unusable(key: str, design: Design, counts: Counts, indicator: str) -> None:
    """Refuse data that no synthetic twin can be made from, naming schools and remedy.

    Raises
    ------
    EstimationError
        With fewer than two periods before the start, too few comparison schools, cells that are not known, or
        pilots without events before.
    """
    before, pilots = ~counts.treated[0], len(design.pilots)
    if before.sum() < 2:
        raise EstimationError(
            f"{key}: there is one period before {design.common_start}, and weights are found from at least 2. "
            "Add earlier periods, or use method='ratio_did'."
        )
    if len(design.comparison) < pilots + 2:
        raise EstimationError(
            f"{key}: there are {len(design.comparison)} comparison {design.panel.units} for {pilots} pilot(s); placebos need at "
            f"least {pilots + 2}, so that each has 2 to be compared with. Widen the comparison rule."
        )
    known = np.isfinite(rates(counts.upper, counts.exposure)).all(axis=1)
    gaps = [school for school, whole in zip(design.schools, known, strict=True) if not whole]
    if gaps:
        named = ", ".join(gaps[:_NAMED]) + (f" and {len(gaps) - _NAMED} more" if len(gaps) > _NAMED else "")
        raise EstimationError(
            f"{key}: {indicator} is not known in every period used for {named}. Weights need whole series: leave "
            "these out (comparison='all' takes complete ones only), exclude the periods, or use "
            "method='ratio_did'."
        )
    if counts.upper[:pilots][:, before].sum() == 0:
        raise EstimationError(
            f"{key}: the pilots have no {indicator} before {design.common_start}, so nothing could have fallen. Use "
            "a commoner indicator, or earlier periods."
        )


def fit_outcomes(method: SyntheticMethod, outcomes: Array, sets: Sets, after: Mask) -> Fitted:
    """Fit every set to rates (school, period), and say what each shows after the start."""
    try:
        fitted = in_parts(method.weigh, outcomes, sets, after)
    except ArithmeticError as error:
        raise EstimationError(
            f"{method.key}: {error}. Rates may differ by many orders of magnitude: check headcounts, "
            "or use method='ratio_did'."
        ) from error
    if method.statistic == "gap":
        return Fitted(outcomes, fitted, gap_placebos(fitted.gap, after))
    noise = noise_level(outcomes[:, ~after], sets.donors[:1])[0] / np.sqrt(sets.members.shape[1])
    return Fitted(outcomes, fitted, ratio_placebos(fitted.gap, after, LEAST_FIT * noise))


def _interval(fills: dict[str, Fitted], alpha: float) -> tuple[float, float]:
    ends = np.array([placebo_interval(fill.placebos, alpha) for fill in fills.values()])
    # a fill that rejects every effect (NaN) adds nothing to what the others accept
    return float(np.fmin.reduce(ends[:, 0])), float(np.fmax.reduce(ends[:, 1]))


def _p_value(fills: dict[str, Fitted]) -> float:
    """Largest p-value of no effect over the fills; 1 where they fall on both sides of it."""
    signs = {float(np.sign(fill.placebos.average[0])) for fill in fills.values()}
    if {-1.0, 1.0} <= signs:
        return 1.0
    return float(max(placebo_p(fill.placebos, np.zeros(1))[0] for fill in fills.values()))


def _draws(fills: dict[str, Fitted], request: Request, key: str) -> Array:
    """Draws of a constant effect, shared equally by the fills for and against where there are any."""
    used = [fill for name, fill in fills.items() if name != "middle"] or list(fills.values())
    sizes = [len(part) for part in np.array_split(np.arange(request.draws), len(used))]
    return np.concatenate(
        [
            placebo_draws(
                fill.placebos, size, stream(request.seed, f"effects/{key}/{request.indicator}/draws/{number}")
            )
            for number, (fill, size) in enumerate(zip(used, sizes, strict=True))
        ]
    )


def _inference_in_words(method: SyntheticMethod, exact: bool, reason: str) -> str:
    ranked = {
        "gap": "ranked by the mean gap after the start",
        "ratio": "ranked by the ratio of the gap after the start to the gap before",
    }[method.statistic]
    listed = "every set listed" if exact else "sets drawn at random"
    because = f"; {reason}" if reason else ""
    return f"permutation: placebos in the pilots' place, {ranked}, {listed}{because}"


def _tables(design: Design, middle: Fitted, after: Mask) -> dict[str, pd.DataFrame]:
    """Weights, path and placebos, with suppressed cells in the middle of their bounds."""
    pilots, weights, gap = len(design.pilots), middle.fitted.weights[0], middle.fitted.gap[0]
    held = pd.DataFrame({"school": list(design.comparison), "weight": weights[pilots:]})
    observed = middle.outcomes[:pilots].mean(0)
    return {
        "weights": held[held["weight"].abs() > 1e-6]
        .sort_values("weight", ascending=False, kind="stable")
        .reset_index(drop=True),
        "path": pd.DataFrame(
            {
                "period": list(design.periods),
                "observed": observed,
                "synthetic": observed - gap,
                "gap": gap,
                "after": after,
                "period_weight": _spread_over(middle.fitted.period_weights[0], after),
            }
        ),
        "placebo": pd.DataFrame(
            {
                "estimate": middle.placebos.average,
                "statistic": np.sqrt(middle.placebos.spread + middle.placebos.average**2) / middle.placebos.scale,
                "is_pilots": np.arange(len(middle.placebos.average)) == 0,
            }
        ),
    }


def _spread_over(before: Array, after: Mask) -> Array:
    whole = np.zeros(len(after))
    whole[~after] = before
    return whole
