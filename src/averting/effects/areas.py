"""One programme in a few areas: what each area's effect says alone, what they share, and what each borrows."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.special import ndtri

from averting.effects.kernels import pooling as kernel
from averting.effects.kernels.pooling import Floats
from averting.effects.result import Effect
from averting.effects.verdict import Verdict, verdict
from averting.errors import EstimationError

SCALES = (0.1, 0.25, 0.5, 1.0)
"""Scales of the prior on the spread between areas under which the answer is shown beside the one that was declared."""


@dataclass(frozen=True)
class AreaEffect:
    """One area's own effect, as a normal on the log ratio.

    Parameters
    ----------
    name : str
        Area.
    pilots : int
        Number of pilots.
    log_ratio, se : float
        Estimate and error on the log scale.
    effect : Effect
        What it was made from.
    """

    name: str
    pilots: int
    log_ratio: float
    se: float
    effect: Effect


def area_effect(name: str, effect: Effect, *, pilots: int) -> AreaEffect | str:
    """Return an area's effect on the log scale, or why it cannot be pooled.

    The error is the longer arm of the log interval over the normal quantile of its level: an interval that is longer to
    one side is never made narrower.

    Raises
    ------
    EstimationError
        If the effect is no ratio, or is a posterior: its prior would be counted once in each area.
    """
    if effect.estimand.scale != "ratio":
        raise EstimationError(f"{name}: the effect is a {effect.estimand.scale}. Name an estimate of a ratio.")
    if effect.draw_kind == "posterior":
        raise EstimationError(
            f"{name}: {effect.method} gives a posterior, whose prior would be counted in every area. Name an estimate by a "
            "method without a prior, such as ratio_did."
        )
    low, high = effect.interval
    if effect.verdict is Verdict.NOT_ESTIMABLE:
        return "not estimable: a check fails, or the interval has no end"
    if not (0 < low <= effect.estimate <= high < math.inf and low < high):
        return "its interval has no end on one side, so that it has no error to weigh it by"
    centre = math.log(effect.estimate)
    arm = max(math.log(high) - centre, centre - math.log(low))
    return AreaEffect(name, pilots, centre, arm / float(ndtri((1 + effect.level) / 2)), effect)


@dataclass(frozen=True, eq=False)
class PooledAreas:
    """What areas share under one prior on the spread between them; all but ``spread`` are ratios.

    Parameters
    ----------
    scale, level : float
        Of the half-normal prior on the standard deviation of log ratios between areas, and of the intervals.
    shared : float
        Median of the ratio that areas have in common.
    interval, new_area : tuple of float
        Of that ratio, and of the ratio in one more area like these.
    spread : tuple of float
        Median and interval of the standard deviation between areas, on the log scale.
    local : DataFrame
        A row per area: ``area``, ``pilots``, ``alone``, ``alone_lower``, ``alone_upper``, ``with_others``, ``lower``, ``upper``,
        ``borrowed`` (share of the area's answer that comes from the shared one), ``weight`` (its share of the shared one).
    """

    scale: float
    level: float
    shared: float
    interval: tuple[float, float]
    new_area: tuple[float, float]
    spread: tuple[float, float, float]
    local: pd.DataFrame

    @property
    def verdict(self) -> Verdict:
        """What may be said of the shared ratio, by the rules of every estimate."""
        return verdict(self.interval, no_effect=1.0)


def pool_areas(areas: Sequence[AreaEffect], *, scale: float, level: float = 0.95) -> PooledAreas:
    """Pool areas' effects that are alike but not the same.

    Log ratios are normal about a shared mean with a spread between areas. The mean has a flat prior, so nothing is drawn
    towards no effect; the spread has a half-normal prior, because two areas hardly speak about it.

    Parameters
    ----------
    areas : sequence of AreaEffect
        Two or more whose data have no school in common.
    scale : float
        Of the half-normal prior: it puts 95 % of its weight under 1.96 times the scale.
    level : float
        Of the intervals.

    Raises
    ------
    EstimationError
        With fewer than two areas, or a scale or level out of range.
    """
    if len(areas) < 2 or not (0 < scale < math.inf) or not (0 < level < 1):
        raise EstimationError(
            f"{len(areas)} areas, scale {scale:g}, level {level:g}. Give two areas or more, a scale above 0 and a level "
            "between 0 and 1."
        )
    y, se = np.array([one.log_ratio for one in areas]), np.array([one.se for one in areas])
    tau = kernel.spread_grid(y, se, scale)
    mean, variance, log_likelihood = kernel.given_spread(y, se, tau)
    weight = kernel.spread_weights(tau, log_likelihood, scale)
    low, middle, high = _ratios(mean, variance, weight, level)
    new = _ratios(mean, variance + tau**2, weight, level)
    local = kernel.local_given_spread(y, se, tau, mean, variance)
    share = weight @ (variance[:, None] / (se**2 + tau[:, None] ** 2))
    rows = [
        {**_alone(area), **_with_others(local, at, weight, level), "weight": float(share[at])}
        for at, area in enumerate(areas)
    ]
    below = np.cumsum(weight) - 0.5 * weight
    at_tails = np.interp((0.5, (1 - level) / 2, (1 + level) / 2), below, tau)
    spread = (float(at_tails[0]), float(at_tails[1]), float(at_tails[2]))
    return PooledAreas(scale, level, middle, (low, high), (new[0], new[2]), spread, pd.DataFrame(rows))


def _ratios(mean: Floats, variance: Floats, weight: Floats, level: float) -> tuple[float, float, float]:
    """Return lower end, median and upper end of a mixture of normals of the log ratio, as ratios."""
    mixture = kernel.Mixture(mean, np.sqrt(variance), weight)
    tails = ((1 - level) / 2, 0.5, (1 + level) / 2)
    low, middle, high = (math.exp(kernel.mixture_quantile(mixture, tail)) for tail in tails)
    return low, middle, high


def _alone(area: AreaEffect) -> dict[str, object]:
    low, high = area.effect.interval
    return {
        "area": area.name,
        "pilots": area.pilots,
        "alone": area.effect.estimate,
        "alone_lower": low,
        "alone_upper": high,
    }


def _with_others(local: tuple[Floats, ...], at: int, weight: Floats, level: float) -> dict[str, float]:
    mean, variance, borrowed = (part[:, at] for part in local)
    low, middle, high = _ratios(mean, variance, weight, level)
    return {"with_others": middle, "lower": low, "upper": high, "borrowed": float(weight @ borrowed)}


def prior_table(areas: Sequence[AreaEffect], *, scale: float, level: float = 0.95) -> pd.DataFrame:
    """Return the shared ratio under the declared prior and those of :data:`SCALES`, a row each."""
    rows = []
    for one in sorted({*SCALES, scale}):
        found = pool_areas(areas, scale=one, level=level)
        low, high = found.interval
        rows.append(
            {
                "scale": one,
                "declared": "yes" if one == scale else "",
                "shared": found.shared,
                "lower": low,
                "upper": high,
                "spread": found.spread[0],
                "new_area_lower": found.new_area[0],
                "new_area_upper": found.new_area[1],
                "verdict": str(found.verdict),
            }
        )
    return pd.DataFrame(rows)
