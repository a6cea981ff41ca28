"""From a count model to an ``Effect``: build, sample, check, compare the pilots with what they would have been.

A count model is the part without the programme (``count_model``) and a programme's effect that is added to it. The
effect is written twice, once in PyMC for fitting and once in NumPy for reading draws; everything else is here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import NDArray

from averting.design import Counts, Design
from averting.draws import stream
from averting.effects.bayes.cells import Cells, flatten
from averting.effects.bayes.count_model import (
    BASELINE,
    baseline_log_rate,
    change_in_counts,
    linear_without,
    size_of,
)
from averting.effects.bayes.families import NEGATIVE_BINOMIAL, Family
from averting.effects.bayes.likelihood import draw_within_bounds, observe_counts
from averting.effects.bayes.outcome import posterior_effect
from averting.effects.bayes.predictive import predictive_table
from averting.effects.bayes.priors import Prior, declare, load_priors
from averting.effects.bayes.sampling import flat, require_bayes, sample
from averting.effects.estimator import Request
from averting.effects.result import Effect
from averting.errors import EstimationError

Array = NDArray[np.float64]
Priors = Mapping[str, Prior]
_PREDICTED = 400  # posterior draws that predictive checks use; more would not change a tail share that matters
_PRIOR_DRAWS = 4_000
_SUMMED = 1_000  # draws held at once while expectations are summed: memory stays small with many pilots


@dataclass(frozen=True)
class Posterior:
    """A fitted count model.

    Parameters
    ----------
    design, counts, cells
        What was fitted.
    priors : mapping
        Priors it was fitted with.
    trace : DataTree
        All draws.
    effect : array (draw, pilot, period)
        What the programme adds to the linear predictor, from a pilot's start; broadcast over pilots and periods.
    ratio : array (draw,)
        Pilots' expected events with the programme over those without it.
    level : float
        Level of intervals.
    """

    design: Design
    counts: Counts
    cells: Cells
    priors: Priors
    trace: xr.DataTree
    effect: Array
    ratio: Array
    level: float

    @property
    def draws(self) -> xr.Dataset:
        """Posterior draws, dims chain, draw and the variables' own."""
        return self.trace["posterior"].to_dataset()


def no_tables(_posterior: Posterior) -> dict[str, pd.DataFrame]:
    """Show nothing beyond what every model shows."""
    return {}


@dataclass(frozen=True)
class CountModel:
    """How a programme's effect enters a count model, and how it is read from draws.

    Parameters
    ----------
    key : str
        The estimator's key, and the name of its file of priors.
    effect : callable
        ``effect(cells, parameters, units)``: the effect on each cell's linear predictor, a tensor (cell,), from
        declared parameters and vectors of standard normals, both by name; zero in untreated cells.
    read : callable
        ``read(draws, cells)``: the same from draws, (draw, pilot, period), broadcast.
    parameters : tuple of str
        Parameters of the effect.
    units : callable
        ``units(cells)``: lengths of the vectors of standard normals, by name.
    family : Family
        Distribution of a count.
    tables : callable
        What the model can show beyond what every model shows.
    """

    key: str
    effect: Callable[[Cells, Mapping[str, Any], Mapping[str, Any]], Any]
    read: Callable[[xr.Dataset, Cells], Array]
    parameters: tuple[str, ...] = ("log_ratio",)
    units: Callable[[Cells], Mapping[str, int]] = lambda _cells: {}
    family: Family = NEGATIVE_BINOMIAL
    tables: Callable[[Posterior], dict[str, pd.DataFrame]] = no_tables

    def build(self, cells: Cells, priors: Priors, schools: int, periods: int) -> Any:
        """Build the PyMC model: what would have been without the programme, and the effect."""
        import pymc as pm

        with pm.Model() as model:
            parameters = {name: declare(priors[name]) for name in self.parameters}
            units = {name: pm.Normal(name, 0.0, 1.0, shape=size) for name, size in self.units(cells).items()}
            linear = baseline_log_rate(cells, priors, schools, periods) + self.effect(cells, parameters, units)
            observe_linear(cells, linear, size_of(model["dispersion"]), self.family)
        return model


def observe_linear(cells: Cells, linear: Any, size: Any, family: Family, suffix: str = "") -> None:
    """Add the likelihood of cells with this linear predictor to the model in whose context this is called."""
    import pymc as pm
    import pytensor.tensor as pt

    exposure = pt.exp(pm.Data(f"cell_log_exposure{suffix}", cells.log_exposure))
    observe_counts(cells, family.scale_tensor(linear) * exposure, size, family=family, suffix=suffix)


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


def sample_count_model(design: Design, request: Request, model: CountModel) -> Posterior:
    """Draw from a count model's posterior; see :func:`fit_count_model`."""
    require_bayes(model.key)
    counts = design.counts(request.indicator)
    cells = flatten(design, counts, method=model.key, indicator=request.indicator)
    cells = replace(cells, centre=model.family.centre(cells.centre))
    _refuse_beyond(model, cells, request.indicator)
    priors = load_priors(model.key, request.prior)
    built = model.build(cells, priors, len(design.schools), len(design.periods))
    return read_posterior(design, request, model, cells, priors, sample_request(built, request, model.key))


def _refuse_beyond(model: CountModel, cells: Cells, indicator: str) -> None:
    beyond = int((cells.upper > cells.trials).sum()) if model.family.bounded else 0
    if beyond:
        raise EstimationError(
            f"{model.key}: {beyond} cells may have more {indicator} than they have of what these are counted out of. "
            "Give the number that could be counted as the exposure, or use method='bayes_count'."
        )


def sample_request(built: Any, request: Request, key: str, *, careful: bool = False) -> xr.DataTree:
    """Draw from a PyMC model's posterior as a request asks."""
    return sample(
        built,
        draws=request.draws,
        seed=int(stream(request.seed, f"effects/{key}/{request.indicator}").integers(2**31)),
        sampler=request.inference,
        progress=request.progress,
        careful=careful,
    )


def read_posterior(
    design: Design, request: Request, model: CountModel, cells: Cells, priors: Priors, trace: xr.DataTree
) -> Posterior:
    """Read the effect and the pilots' ratio from draws."""
    counts, draws = design.counts(request.indicator), trace["posterior"].to_dataset()
    effect = model.read(draws, cells)
    ratio = expected_ratio(draws, cells, counts, effect, len(design.pilots), model.family)
    return Posterior(design, counts, cells, priors, trace, effect, ratio, request.level)


def conclude(found: Posterior, request: Request, model: CountModel) -> Effect:
    """Check a fitted model, and make the ``Effect``."""
    design, counts, key = found.design, found.counts, f"effects/{model.key}/{request.indicator}"
    change = change_in_counts(
        found.draws,
        found.cells,
        counts,
        found.effect,
        pilots=len(design.pilots),
        rng=stream(request.seed, f"{key}/predict"),
        family=model.family,
    )
    chance = prior_chance(found, model, stream(request.seed, f"{key}/prior")) if model.units(found.cells) else None
    return posterior_effect(
        design,
        request,
        model.key,
        ratio=found.ratio,
        change=change,
        priors=found.priors,
        trace=found.trace,
        summarised=(*model.parameters, *BASELINE),
        kept=_kept(found, model),
        predicted=_predicted(found, model, stream(request.seed, f"{key}/check")),
        tables=model.tables(found),
        chance=chance,
    )


def expected_events(
    draws: xr.Dataset, cells: Cells, counts: Counts, effect: Array, pilots: int, family: Family
) -> tuple[Array, Array]:
    """Return the pilots' expected events with and without the programme, (draw, pilot, period); 0 where untreated."""
    treated = counts.treated[:pilots] & np.isfinite(counts.upper[:pilots])
    exposure = np.where(treated, np.nan_to_num(counts.exposure[:pilots]), 0.0)
    linear = linear_without(draws, cells, counts.treated[:pilots], pilots=pilots)
    return family.scale(linear + effect) * exposure, family.scale(linear) * exposure


def expected_ratio(
    draws: xr.Dataset, cells: Cells, counts: Counts, effect: Array, pilots: int, family: Family
) -> Array:
    """Return the pilots' expected events with the programme over those without it, (draw,)."""
    ratios = []
    for first in range(0, draws.sizes["draw"], _SUMMED):
        part = draws.isel(draw=slice(first, first + _SUMMED))
        chains = draws.sizes["chain"]
        block = effect.reshape(chains, -1, *effect.shape[1:])[:, first : first + _SUMMED]
        both = expected_events(part, cells, counts, block.reshape(-1, *effect.shape[1:]), pilots, family)
        with_it, without = (events.sum((1, 2)).reshape(chains, -1) for events in both)
        ratios.append(with_it / without)
    return np.concatenate(ratios, axis=1).ravel()


def prior_chance(found: Posterior, model: CountModel, rng: np.random.Generator) -> float:
    """Return the chance that the prior gives to a reduction, where the ratio hangs on more than one parameter."""
    cells, pilots = found.cells, len(found.design.pilots)
    schools, periods = found.counts.upper.shape
    lengths = {"school": schools, "shock": schools, "period": periods, **model.units(cells)}
    shape = (1, _PRIOR_DRAWS)
    drawn: dict[str, Any] = {
        name: (("chain", "draw"), prior.draw(_PRIOR_DRAWS, rng)[None]) for name, prior in found.priors.items()
    }
    for name, size in lengths.items():
        drawn[name] = (("chain", "draw", f"{name}_dim"), rng.normal(size=(*shape, size)))
    draws = xr.Dataset(drawn)
    ratio = expected_ratio(draws, cells, found.counts, model.read(draws, cells), pilots, model.family)
    return float((ratio < 1).mean())


def _predicted(found: Posterior, model: CountModel, rng: np.random.Generator) -> pd.DataFrame:
    """Compare the data with data drawn from some of the posterior draws; see ``predictive_table``."""
    counts, cells, pilots = found.counts, found.cells, len(found.design.pilots)
    draws = found.draws
    thinned = draws.isel(draw=slice(None, None, max(1, draws.sizes["draw"] * 4 // _PREDICTED)))
    after = np.zeros(counts.upper.shape, dtype=bool)
    after[cells.school, cells.period] = cells.after > 0
    linear = linear_without(thinned, cells, after, pilots=pilots)
    linear[:, :pilots] += np.where(counts.treated[:pilots], model.read(thinned, cells), 0.0)
    exposure = np.nan_to_num(counts.exposure)
    mean = np.maximum(model.family.scale(linear) * exposure, 1e-12)
    size = size_of(flat(thinned, "dispersion"))
    observed = draw_within_bounds(counts.lower, counts.upper, mean, size, rng, exposure, family=model.family)
    known = np.isfinite(counts.upper)
    replicated = model.family.draw(mean, size[:, None, None], exposure, rng)
    is_pilot = np.arange(len(known))[:, None] < pilots
    return predictive_table(
        observed[:, known], replicated[:, known], mean[:, known], (is_pilot & ~counts.treated)[known]
    )


def _kept(found: Posterior, model: CountModel) -> xr.Dataset:
    """Keep what is used again: parameters with a meaning, and the pilots' own terms."""
    posterior, pilots = found.draws, len(found.design.pilots)
    terms = [posterior[name].isel({posterior[name].dims[-1]: slice(pilots)}) for name in ("school", "shock")]
    named = [*model.parameters, *BASELINE, "period", *model.units(found.cells)]
    return xr.merge([posterior[named], *terms])
