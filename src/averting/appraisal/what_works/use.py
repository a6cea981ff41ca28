"""From an entry of the directory to a prior, a forecast for a scenario, and what a pilot adds to it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import xarray as xr
from scipy.stats import norm

from averting import units
from averting.appraisal.what_works.catalogue import Intervention
from averting.draws import stream
from averting.effects import Averted, Effect
from averting.effects.bayes.priors import Prior, load_priors
from averting.errors import EstimationError
from averting.years import AcademicYear

ELSEWHERE = 0.3
"""Standard deviation, in logs, by which an effect measured elsewhere may differ here: an assumption, not measured."""


def directory_prior(entry: Intervention, indicator: str, *, elsewhere: float = ELSEWHERE) -> Prior:
    """Return what the directory makes one expect of an intervention before a pilot.

    Parameters
    ----------
    entry : Intervention
        From :func:`averting.appraisal.what_works.what_works`.
    indicator : str
        What it is to move.
    elsewhere : float
        Standard deviation, in logs, by which a measured effect may differ in another place.

    Returns
    -------
    Prior
        Of the log of the rate with the programme over the rate without it: the measured effect with its own error and that
        of another place; the sceptical prior of ``models/priors`` where no effect was measured, or its interval has no end.
    """
    effect = entry.effect_on(indicator)
    sceptical = load_priors("bayes_count", "sceptical")["log_ratio"]
    if effect is None:
        source = f"Directory of What Works, {entry.label}: no effect on this was measured; {sceptical.source}"
        return Prior("log_ratio", "normal", sceptical.mean, sceptical.sd, sceptical.meaning, source)
    own = _error(effect.lower, effect.upper, effect.level)
    return Prior(
        "log_ratio",
        "normal",
        math.log(effect.ratio),
        math.hypot(own, elsewhere),
        sceptical.meaning,
        f"Directory of What Works, {entry.label}: {entry.cited}; {elsewhere:g} in logs for another place, an assumption",
    )


def _error(lower: float, upper: float, level: float) -> float:
    return math.log(upper / lower) / (2 * float(norm.ppf((1 + level) / 2)))


def forecast(
    entry: Intervention,
    indicator: str = "permanent_exclusions",
    *,
    without: float,
    years: Sequence[str],
    elsewhere: float = ELSEWHERE,
    draws: int = 4_000,
    seed: int = 1,
) -> Averted:
    """Return what an intervention may avert before it is tried here: for a scenario of :func:`averting.appraise`.

    Parameters
    ----------
    entry : Intervention
        From :func:`averting.appraisal.what_works.what_works`.
    indicator : str
        What is averted.
    without : float
        Expected events a year without it, in the schools that would have it.
    years : sequence of str
        Academic years it would run.
    elsewhere : float
        As for :func:`directory_prior`.
    draws, seed : int
        Number of draws, and their seed.

    Returns
    -------
    Averted
        Draws of the prior, negative where it does harm; the ratio is the same in all years. Not an estimate: no pilot stands
        behind it.

    Raises
    ------
    EstimationError
        If no event is expected without it, or no year is given.
    """
    if not without > 0 or not math.isfinite(without):
        raise EstimationError(f"without is {without}. Give the events a year expected without it, above 0.")
    if not years:
        raise EstimationError("No year is given. Name the academic years in which it would run.")
    prior = directory_prior(entry, indicator, elsewhere=elsewhere)
    ratio = np.exp(prior.draw(draws, stream(seed, f"what_works/{entry.key}/{indicator}")))
    change = np.repeat((without * (ratio - 1.0))[:, None, None], len(years), axis=2)
    coords = {
        "draw": range(draws),
        "school": ["planned"],
        "period": [str(AcademicYear.parse(year)) for year in years],
    }
    array = xr.DataArray(change, dims=("draw", "school", "period"), coords=coords)
    return Averted.from_change(units.label(array, "events"), indicator=indicator, draw_kind="posterior")


@dataclass(frozen=True)
class Updated:
    """What is believed of an intervention after a pilot.

    Parameters
    ----------
    ratio, lower, upper, level : float
        Rate with it over rate without it, and its interval.
    prior_weight : float
        Share of the answer that is the directory's, 0 to 1.
    """

    ratio: float
    lower: float
    upper: float
    level: float
    prior_weight: float


def updated(effect: Effect, entry: Intervention, *, elsewhere: float = ELSEWHERE) -> Updated:
    """Weigh a pilot's estimate with what the directory made one expect, both as normal in logs.

    Parameters
    ----------
    effect : Effect
        A ratio with a bounded interval.
    entry : Intervention
        From :func:`averting.appraisal.what_works.what_works`.
    elsewhere : float
        As for :func:`directory_prior`.

    Raises
    ------
    EstimationError
        If the effect is no ratio, its interval has no end, or it is already Bayesian: its own prior would count besides.
    """
    lower, upper = effect.interval
    if effect.estimand.scale != "ratio" or effect.draw_kind == "posterior":
        raise EstimationError(
            "Only a ratio whose estimate has no prior of its own can be weighed with the directory's."
        )
    if not (0 < lower and math.isfinite(upper) and 0 < effect.estimate < math.inf):
        raise EstimationError(
            "The interval has no end, so the pilot alone cannot be weighed. The directory's prior stands as it is."
        )
    prior = directory_prior(entry, effect.estimand.indicator, elsewhere=elsewhere)
    data = _error(lower, upper, effect.level) ** -2
    before = prior.sd**-2
    centre = (before * prior.mean + data * math.log(effect.estimate)) / (before + data)
    reach = float(norm.ppf((1 + effect.level) / 2)) * (before + data) ** -0.5
    return Updated(
        math.exp(centre),
        math.exp(centre - reach),
        math.exp(centre + reach),
        effect.level,
        before / (before + data),
    )
