"""What a count would be without the programme: the part that every count model shares.

Schools differ in level, the pilots as a group may differ from all others, years share shocks, and every school has
a lasting shock of its own from the start on, so that what three pilots did after the start counts as three
observations of change, not as many.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from averting.design import Counts
from averting.effects.bayes.cells import Cells, Places
from averting.effects.bayes.families import NEGATIVE_BINOMIAL, Family
from averting.effects.bayes.likelihood import draw_within_bounds
from averting.effects.bayes.priors import Prior, declare
from averting.effects.bayes.sampling import flat

SPREADS = ("school_sd", "period_sd", "shock_sd", "dispersion")
BASELINE = ("level", "pilot_level", *SPREADS)
"""Parameters of the part without the programme, the ones that are summarised and stored."""

FEW = 50
"""Schools below which shares, means and two counts have levels in standard units: their spread may then be near zero, where a
sampler that walks along the levels themselves is stuck. Of 15 schools, 14 of 21 fits failed so and 3 in standard units; of 60,
levels as they are gave up to twice the effective draws."""

_LEAST_DISPERSION = 1e-6


def baseline_linear(
    cells: Places,
    priors: Mapping[str, Prior],
    schools: int,
    periods: int,
    *,
    suffix: str = "",
    levels_like: tuple[Any, Any] = (0.0, 1.0),
    school: Any = None,
    shock: Any = None,
    correlated: bool = False,
    standard: bool = False,
) -> Any:
    """Return the linear predictor of every cell without the programme; to be called within a PyMC model.

    The pilots' common level is a parameter of its own: pilots are chosen because they exclude more, and a spread
    shared with all other schools would pull them towards the rest and mistake their level for an effect.

    Parameters
    ----------
    suffix : str
        Added to the names of variables, where a model has several indicators.
    levels_like : tuple of tensors
        Mean and standard deviation of schools' levels in standard units, where they borrow from another indicator.
    school, shock : tensor (school,), optional
        Schools' levels and shocks in standard units, where the model has made them already.
    correlated : bool
        Whether another indicator's shocks are made from these, whose sign then matters.
    standard : bool
        Sample schools' levels in standard units: where few schools, few events or a competing term leave their spread badly
        known.

    Returns
    -------
    tensor (cell,)
        Needs the variables of :data:`BASELINE`, and ``school``, ``period`` and ``shock`` in standard units.
    """
    import pymc as pm

    named = {name: replace(priors[name], name=f"{name}{suffix}") for name in BASELINE}
    level, pilot_level = declare(named["level"]), declare(named["pilot_level"])
    apart = {"shock_sd", "school_sd"} if standard else {"shock_sd"}
    spread = {name: declare(named[name]) for name in SPREADS if name not in apart}
    common = level + pilot_level * (np.arange(schools) < len(cells.event_time))

    # the order of variables decides the draws of a seed
    if school is not None:
        own = common + spread["school_sd"] * school
    elif standard:
        own = common + folded("school", named["school_sd"], schools, suffix)
    else:
        own = _levels(common, spread["school_sd"], levels_like, schools, suffix)
    moved = _shocks(named["shock_sd"], shock, schools, suffix, may_fold=not correlated)
    period = pm.Normal(f"period{suffix}", 0.0, 1.0, shape=periods)
    return _in_cells(cells, own, (spread["period_sd"], period), moved, suffix)


def _levels(common: Any, spread: Any, like: tuple[Any, Any], schools: int, suffix: str) -> Any:
    """Return schools' levels before the start, sampled as they are.

    Years of counts say more about a school's level than its prior does, and written about zero the common level would trade off
    with all of them.
    """
    import pymc as pm

    mean, deviation = like
    own = pm.Normal(f"school_level{suffix}", common + spread * mean, spread * deviation, shape=schools)
    pm.Deterministic(f"school{suffix}", (own - common) / spread)
    return own


def _shocks(prior: Prior, made: Any, schools: int, suffix: str, *, may_fold: bool) -> Any:
    """Return schools' shocks: of those in standard units that are made already, or of new ones."""
    import pymc as pm

    if made is None and may_fold:
        return folded("shock", prior, schools, suffix)
    standard = pm.Normal(f"shock{suffix}", 0.0, 1.0, shape=schools) if made is None else made
    return declare(prior) * standard


def _in_cells(cells: Places, own: Any, years: tuple[Any, Any], moved: Any, suffix: str) -> Any:
    """Return the linear predictor of every cell from schools' levels, years' spread and shocks, and schools' shocks."""
    import pymc as pm

    # data, not constants: the compiled code then serves other data, and is found in the compiler's cache
    def data(name: str, values: Any) -> Any:
        return pm.Data(f"{name}{suffix}", values)

    at_school, at_period = data("cell_school", cells.school), data("cell_period", cells.period)
    spread, period = years
    level = data("centre", cells.centre) + own[at_school]
    return level + spread * period[at_period] + moved[at_school] * data("cell_after", cells.after)


def folded(name: str, prior: Prior, schools: int, suffix: str = "") -> Any:
    """Return schools' terms as a factor, which may cross zero while it is sampled, times standard normals.

    A half-normal spread times standard normals has the distribution of a normal factor times standard normals: signs
    cancel. The spread is often small, and a sampler moves freely through zero where it would crawl along an edge.
    ``<name>_sd`` is the factor's size, and ``<name>`` takes over its sign.
    """
    import pymc as pm

    factor = pm.Normal(f"{name}_factor{suffix}", 0.0, prior.sd)
    return named_terms(name, prior, factor, pm.Normal(f"{name}_standard{suffix}", 0.0, 1.0, shape=schools), suffix)


def named_terms(name: str, prior: Prior, factor: Any, standard: Any, suffix: str = "") -> Any:
    """Store the spread as the factor's size and the terms in standard units with its sign; return their product."""
    import pymc as pm
    import pytensor.tensor as pt

    pm.Deterministic(prior.name, pt.abs(factor))
    pm.Deterministic(f"{name}{suffix}", pt.sign(factor) * standard)
    return factor * standard


def size_of(dispersion: Any) -> Any:
    """Return the negative binomial's size for a dispersion, a tensor or an array."""
    return 1.0 / (dispersion + _LEAST_DISPERSION)


def linear_without(
    posterior: xr.Dataset, cells: Places, after: NDArray[np.bool_], *, pilots: int
) -> NDArray[np.float64]:
    """Return the linear predictor without the programme, (draw, school, period); see :func:`expected_without`."""
    rows = len(after)
    school = flat(posterior, "school_sd")[:, None] * flat(posterior, "school")[:, :rows]
    shock = flat(posterior, "shock_sd")[:, None] * flat(posterior, "shock")[:, :rows]
    period = flat(posterior, "period_sd")[:, None] * flat(posterior, "period")
    own = flat(posterior, "pilot_level")[:, None] * (np.arange(rows) < pilots)
    level = cells.centre + flat(posterior, "level")[:, None] + own + school
    path = flat(posterior, "path")[:, :rows] if "path" in posterior else 0.0
    return np.asarray(level[:, :, None] + period[:, None, :] + shock[:, :, None] * after + path)


def expected_without(
    posterior: xr.Dataset, cells: Cells, exposure: NDArray[np.float64], after: NDArray[np.bool_], *, pilots: int
) -> NDArray[np.float64]:
    """Return expected events without the programme, (draw, school, period).

    Parameters
    ----------
    posterior : Dataset
        Variables of :func:`baseline_linear`, dims chain, draw and their own.
    cells : Cells
        For the centre of the rates.
    exposure : array (school, period)
        Pupils; the first rows of the design's schools.
    after : array (school, period) of bool
        Where each school's lasting shock has set in.
    pilots : int
        How many of the schools, the first ones, are pilots.
    """
    return np.asarray(np.exp(linear_without(posterior, cells, after, pilots=pilots)) * exposure)


def change_in_counts(
    posterior: xr.Dataset,
    cells: Cells,
    counts: Counts,
    log_effect: NDArray[np.float64],
    *,
    pilots: int,
    rng: np.random.Generator,
    family: Family = NEGATIVE_BINOMIAL,
) -> NDArray[np.float64]:
    """Return the pilots' events less posterior predictive counts without the programme, (draw, pilot, period).

    Parameters
    ----------
    log_effect : array (draw, pilot, period)
        What the programme adds to the linear predictor; broadcast.
    """
    lower, upper = counts.lower[:pilots], counts.upper[:pilots]
    exposure, treated = np.nan_to_num(counts.exposure[:pilots]), counts.treated[:pilots]
    linear = linear_without(posterior, cells, treated, pilots=pilots)
    size = size_of(flat(posterior, "dispersion"))
    without = family.draw(family.scale(linear) * exposure, size[:, None, None], exposure, rng)
    mean = np.maximum(family.scale(linear + log_effect) * exposure, 1e-12)
    observed = draw_within_bounds(lower, upper, mean, size, rng, exposure, family=family)
    return np.where(treated & np.isfinite(upper), observed - without, 0.0)
