"""From a fitted count model to an ``Effect``: what is averted, and every check that its posterior must stand."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import NDArray

from averting.design import Design
from averting.draws import stream
from averting.effects.bayes.count_fit import CountModel, Posterior, expected_ratio, sample_count_model
from averting.effects.bayes.count_model import change_in_counts, linear_without, size_of
from averting.effects.bayes.leave_one_out import check_leave_one_out, leave_one_out
from averting.effects.bayes.likelihood import draw_within_bounds, log_within
from averting.effects.bayes.outcome import posterior_effect
from averting.effects.bayes.predictive import (
    BEFORE,
    FEATURES,
    Replicates,
    check_prediction,
    check_priors,
    predictive_table,
)
from averting.effects.bayes.sampling import CHAINS, flat
from averting.effects.estimator import Request
from averting.effects.result import Effect

Array = NDArray[np.float64]
_PREDICTED = 400  # posterior draws that predictive checks use; more would not change a tail share that matters
_LEFT_OUT = 1_000  # posterior draws that leaving counts out uses
_PRIOR_DRAWS = 4_000
_HELD = 4_000_000  # log probabilities held at once: 32 MB
_LEAST = 1e-12
_BY_SCHOOL = ("school", "shock", "path")


def fit_count_model(design: Design, request: Request, model: CountModel) -> Effect:
    """Fit a model and compare the pilots with what it predicts without the programme.

    Returns
    -------
    Effect
        Scale ``ratio``; ``draws`` are the posterior of the pilots' expected events with the programme over those
        without it; ``change`` is the pilots' count minus posterior predictive counts without the programme.

    Raises
    ------
    EstimationError
        Where one side of the comparison is not known at all, or a suppressed count's bounds are far apart.
    MissingExtraError
        Without the ``bayes`` extra.
    """
    return conclude(sample_count_model(design, request, model), request, model)


def conclude(found: Posterior, request: Request, model: CountModel) -> Effect:
    """Check a fitted model, and make the ``Effect``."""
    design, key = found.design, f"effects/{model.key}/{request.indicator}"
    change = change_in_counts(
        found.draws,
        found.cells,
        found.counts,
        found.effect,
        pilots=len(design.pilots),
        rng=stream(request.seed, f"{key}/predict"),
        family=model.family,
    )
    chance = prior_chance(found, model, stream(request.seed, f"{key}/prior")) if model.units(found.cells) else None
    rng = stream(request.seed, f"{key}/check")
    after = predictive_table(replicate(found, model, thin(found, _PREDICTED), rng), FEATURES)
    rng = stream(request.seed, f"{key}/prior_predictive")
    before = predictive_table(
        replicate(found, model, draws_from_prior(found, model, _PREDICTED, rng), rng), BEFORE
    )
    left_out = leave_out(found, model)
    return posterior_effect(
        design,
        request,
        model.key,
        told=found.ratio,
        change=change,
        priors=found.priors,
        trace=found.trace,
        summarised=model.summarised,
        kept=_kept(found, model),
        checks=(check_priors(before), check_prediction(after), check_leave_one_out(left_out)),
        tables={
            "predictive": after,
            "prior_predictive": before,
            "leave_one_out": left_out,
            **model.tables(found),
        },
        chance=chance,
    )


def thin(found: Posterior, most: int) -> xr.Dataset:
    """Return evenly spaced draws, about as many as ``most`` over all chains."""
    draws = found.draws
    return draws.isel(draw=slice(None, None, max(1, draws.sizes["draw"] * CHAINS // most)))


def draws_from_prior(found: Posterior, model: CountModel, draws: int, rng: np.random.Generator) -> xr.Dataset:
    """Draw every variable of a model from its priors, dims (chain, draw, ...) with one chain."""
    schools, periods = found.counts.upper.shape
    lengths = {"school": schools, "shock": schools, "period": periods, **model.units(found.cells)}
    drawn: dict[str, Any] = {
        name: (("chain", "draw"), prior.draw(draws, rng)[None]) for name, prior in found.priors.items()
    }
    for name, size in lengths.items():
        drawn[name] = (("chain", "draw", f"{name}_dim"), rng.normal(size=(1, draws, size)))
    if model.path is not None:
        values = {name: drawn[name][1][0] for name in model.path.parameters}
        path = model.path.draw(values, schools, found.cells.years, rng)
        drawn["path"] = (("chain", "draw", "path_school", "path_period"), path[None])
    return xr.Dataset(drawn)


def prior_chance(found: Posterior, model: CountModel, rng: np.random.Generator) -> float:
    """Return the chance that the prior gives to a reduction, where the ratio hangs on more than one parameter."""
    draws, cells = draws_from_prior(found, model, _PRIOR_DRAWS, rng), found.cells
    effect = model.read(draws, cells)
    ratio = expected_ratio(draws, cells, found.counts, effect, len(found.design.pilots), model.family)
    return float((ratio < 1).mean())


def expected_in_all(found: Posterior, model: CountModel, draws: xr.Dataset, schools: slice) -> Array:
    """Return expected counts of some schools in every period, the programme's effect included, (draw, school, period).

    The slice begins at 0 or after the pilots.
    """
    counts, cells, pilots = found.counts, found.cells, len(found.design.pilots)
    after = np.zeros(counts.upper.shape, dtype=bool)
    after[cells.school, cells.period] = cells.after > 0
    some = draws.isel({draws[name].dims[2]: schools for name in _BY_SCHOOL if name in draws})
    first = schools.start == 0
    linear = linear_without(some, cells, after[schools], pilots=pilots if first else 0)
    if first:
        linear[:, :pilots] += np.where(counts.treated[:pilots], model.read(draws, cells), 0.0)
    return np.maximum(model.family.scale(linear) * np.nan_to_num(counts.exposure[schools]), _LEAST)


def replicate(found: Posterior, model: CountModel, draws: xr.Dataset, rng: np.random.Generator) -> Replicates:
    """Draw the data again from given draws."""
    counts, pilots = found.counts, len(found.design.pilots)
    mean = expected_in_all(found, model, draws, slice(0, None))
    size, exposure = size_of(flat(draws, "dispersion")), np.nan_to_num(counts.exposure)
    known = np.isfinite(counts.upper)
    observed = draw_within_bounds(counts.lower, counts.upper, mean, size, rng, exposure, family=model.family)
    replicated = model.family.draw(mean, size[:, None, None], exposure, rng)
    is_pilot = np.arange(len(known))[:, None] < pilots
    late = counts.treated.any(axis=0)
    return Replicates(
        observed[:, known],
        replicated[:, known],
        mean[:, known],
        exposure[known],
        (is_pilot & ~counts.treated)[known],
        (~is_pilot & ~late)[known],
    )


def leave_out(found: Posterior, model: CountModel) -> pd.DataFrame:
    """Predict every known cell from all others; see :func:`averting.effects.bayes.leave_one_out.leave_one_out`."""
    draws, counts, design = thin(found, _LEFT_OUT), found.counts, found.design
    size, exposure = size_of(flat(draws, "dispersion")), np.nan_to_num(counts.exposure)
    # a block of schools at a time: memory stays small with thousands of them
    step = max(_HELD // (size.size * len(design.periods)), len(design.pilots), 1)
    tables = []
    for first in range(0, len(design.schools), step):
        block = slice(first, first + step)
        mean = expected_in_all(found, model, draws, block)
        school, period = np.nonzero(np.isfinite(counts.upper[block]))
        lower, upper, trials = (array[block][school, period] for array in (counts.lower, counts.upper, exposure))
        log_p = log_within(lower, upper, mean[:, school, period], size, trials, family=model.family)
        table = leave_one_out(log_p, chains=draws.sizes["chain"])
        table.insert(0, "period", np.array(design.periods)[period])
        table.insert(0, "school", np.array(design.schools)[block][school])
        tables.append(table)
    return pd.concat(tables, ignore_index=True)


def _kept(found: Posterior, model: CountModel) -> xr.Dataset:
    """Keep what is used again: parameters with a meaning, and the pilots' own terms."""
    posterior, pilots = found.draws, len(found.design.pilots)
    terms = [
        posterior[name].isel({posterior[name].dims[2]: slice(pilots)}) for name in _BY_SCHOOL if name in posterior
    ]
    named = [*model.summarised, "period", *model.units(found.cells)]
    return xr.merge([posterior[named], *terms])
