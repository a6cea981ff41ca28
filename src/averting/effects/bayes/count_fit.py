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
    FEW,
    baseline_linear,
    linear_without,
    size_of,
)
from averting.effects.bayes.families import NEGATIVE_BINOMIAL, Family
from averting.effects.bayes.likelihood import observe_counts
from averting.effects.bayes.looked import observe_looked
from averting.effects.bayes.paths import Path
from averting.effects.bayes.priors import Prior, declare, load_priors
from averting.effects.bayes.sampling import USUAL, Pace, require_bayes, sample
from averting.effects.estimator import Request
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
    path : Path, optional
        What a school does from year to year beyond its level, the years' shocks and its lasting shock.
    pace : Pace
        How the sampler walks.
    tables : callable
        What the model can show beyond what every model shows.
    """

    key: str
    effect: Callable[[Cells, Mapping[str, Any], Mapping[str, Any]], Any]
    read: Callable[[xr.Dataset, Cells], Array]
    parameters: tuple[str, ...] = ("log_ratio",)
    units: Callable[[Cells], Mapping[str, int]] = lambda _cells: {}
    family: Family = NEGATIVE_BINOMIAL
    path: Path | None = None
    pace: Pace = USUAL
    tables: Callable[[Posterior], dict[str, pd.DataFrame]] = no_tables

    @property
    def summarised(self) -> tuple[str, ...]:
        """Parameters that are summarised, checked and stored."""
        return (*self.parameters, *BASELINE, *(self.path.parameters if self.path else ()))

    def build(self, cells: Cells, priors: Priors, schools: int, periods: int) -> Any:
        """Build the PyMC model: what would have been without the programme, and the effect."""
        import pymc as pm

        if self.path is not None or self.family.bounded:
            return build_plain(self, cells, priors, schools, periods)
        with pm.Model() as model:
            effect = self.declared(priors, cells)
            observe_looked(cells, priors, schools, periods, effect)
        return model

    def declared(self, priors: Priors, cells: Cells) -> Callable[[Cells], Any]:
        """Declare what the effect is made of in the PyMC model in context; return the effect on any of the cells."""
        import pymc as pm

        parameters = {name: declare(priors[name]) for name in self.parameters}
        units = {name: pm.Normal(name, 0.0, 1.0, shape=size) for name, size in self.units(cells).items()}
        return lambda some: self.effect(some, parameters, units)


def build_plain(model: CountModel, cells: Cells, priors: Priors, schools: int, periods: int) -> Any:
    """Build the PyMC model in standard units: where schools have paths of their own, or counts are out of a number."""
    import pymc as pm

    with pm.Model() as built:
        effect = model.declared(priors, cells)
        # shares say so much of a school's level that with many schools it is sampled as it is
        standard = schools < FEW or not model.family.bounded
        linear = baseline_linear(cells, priors, schools, periods, standard=standard)
        if model.path is not None:
            path = pm.Deterministic("path", model.path.add(priors, schools, cells.years))
            linear += path[built["cell_school"], built["cell_period"]]
        linear += effect(cells)
        observe_counts(cells, linear, size_of(built["dispersion"]), family=model.family)
    return built


def sample_count_model(design: Design, request: Request, model: CountModel) -> Posterior:
    """Draw from a count model's posterior; see :func:`averting.effects.bayes.count_effect.fit_count_model`."""
    require_bayes(model.key)
    counts = design.counts(request.indicator)
    cells = flatten(design, counts, method=model.key, indicator=request.indicator)
    cells = replace(cells, centre=model.family.centre(cells.centre))
    _refuse_beyond(model, cells, request.indicator)
    priors = load_priors(model.key, request.prior)
    built = model.build(cells, priors, len(design.schools), len(design.periods))
    return read_posterior(
        design, request, model, cells, priors, sample_request(built, request, model.key, pace=model.pace)
    )


def _refuse_beyond(model: CountModel, cells: Cells, indicator: str) -> None:
    beyond = int((cells.upper > cells.trials).sum()) if model.family.bounded else 0
    if beyond:
        raise EstimationError(
            f"{model.key}: {beyond} cells may have more {indicator} than they have of what these are counted out of. "
            "Give the number that could be counted as the exposure, or use method='bayes_count'."
        )


def sample_request(built: Any, request: Request, key: str, *, pace: Pace = USUAL) -> xr.DataTree:
    """Draw from a PyMC model's posterior as a request asks."""
    return sample(
        built,
        draws=request.draws,
        seed=int(stream(request.seed, f"effects/{key}/{request.indicator}").integers(2**31)),
        sampler=request.inference,
        progress=request.progress,
        pace=pace,
    )


def read_posterior(
    design: Design, request: Request, model: CountModel, cells: Cells, priors: Priors, trace: xr.DataTree
) -> Posterior:
    """Read the effect and the pilots' ratio from draws."""
    counts, draws = design.counts(request.indicator), trace["posterior"].to_dataset()
    effect = model.read(draws, cells)
    ratio = expected_ratio(draws, cells, counts, effect, len(design.pilots), model.family)
    return Posterior(design, counts, cells, priors, trace, effect, ratio, request.level)


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
