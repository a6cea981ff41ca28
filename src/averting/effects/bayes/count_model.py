"""What a count would be without the programme: the part that every count model shares.

Schools differ in level, the pilots as a group may differ from all others, years share shocks, and every school has
a lasting shock of its own from the start on, so that what three pilots did after the start counts as three
observations of change, not as many.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from averting.design import Counts
from averting.effects.bayes.cells import Cells
from averting.effects.bayes.likelihood import draw_counts, draw_within_bounds
from averting.effects.bayes.priors import Prior, declare
from averting.effects.bayes.sampling import flat

SPREADS = ("school_sd", "period_sd", "shock_sd", "dispersion")
BASELINE = ("level", "pilot_level", *SPREADS)
"""Parameters of the part without the programme, the ones that are summarised and stored."""

_LEAST_DISPERSION = 1e-6


def baseline_log_rate(cells: Cells, priors: Mapping[str, Prior], schools: int, periods: int) -> Any:
    """Return the log rate of every cell without the programme; to be called within a PyMC model.

    The pilots' common level is a parameter of its own: pilots are chosen because they exclude more, and a spread
    shared with all other schools would pull them towards the rest and mistake their level for an effect.

    Returns
    -------
    tensor (cell,)
        Needs the variables of :data:`BASELINE`, and ``school``, ``period`` and ``shock`` in standard units.
    """
    import pymc as pm

    level, pilot_level = declare(priors["level"]), declare(priors["pilot_level"])
    spread = {name: declare(priors[name]) for name in SPREADS}
    # non-centred: with few events a school, level and spread would otherwise make a funnel
    school = pm.Normal("school", 0.0, 1.0, shape=schools)
    period = pm.Normal("period", 0.0, 1.0, shape=periods)
    shock = pm.Normal("shock", 0.0, 1.0, shape=schools)
    # data, not constants: the compiled code then serves other data, and is found in the compiler's cache
    at_school, at_period = pm.Data("cell_school", cells.school), pm.Data("cell_period", cells.period)
    return (
        pm.Data("centre", cells.centre)
        + level
        + pilot_level * pm.Data("cell_pilot", cells.pilot)
        + spread["school_sd"] * school[at_school]
        + spread["period_sd"] * period[at_period]
        + spread["shock_sd"] * shock[at_school] * pm.Data("cell_after", cells.after)
    )


def size_of(dispersion: Any) -> Any:
    """Return the negative binomial's size for a dispersion, a tensor or an array."""
    return 1.0 / (dispersion + _LEAST_DISPERSION)


def expected_without(
    posterior: xr.Dataset, cells: Cells, exposure: NDArray[np.float64], after: NDArray[np.bool_], *, pilots: int
) -> NDArray[np.float64]:
    """Return expected events without the programme, (draw, school, period).

    Parameters
    ----------
    posterior : Dataset
        Variables of :func:`baseline_log_rate`, dims chain, draw and their own.
    cells : Cells
        For the centre of the rates.
    exposure : array (school, period)
        Pupils; the first rows of the design's schools.
    after : array (school, period) of bool
        Where each school's lasting shock has set in.
    pilots : int
        How many of the schools, the first ones, are pilots.
    """
    rows = len(exposure)
    school = flat(posterior, "school_sd")[:, None] * flat(posterior, "school")[:, :rows]
    shock = flat(posterior, "shock_sd")[:, None] * flat(posterior, "shock")[:, :rows]
    period = flat(posterior, "period_sd")[:, None] * flat(posterior, "period")
    own = flat(posterior, "pilot_level")[:, None] * (np.arange(rows) < pilots)
    level = cells.centre + flat(posterior, "level")[:, None] + own + school
    return np.asarray(np.exp(level[:, :, None] + period[:, None, :] + shock[:, :, None] * after) * exposure)


def change_in_counts(
    posterior: xr.Dataset,
    cells: Cells,
    counts: Counts,
    log_effect: NDArray[np.float64],
    *,
    pilots: int,
    rng: np.random.Generator,
) -> NDArray[np.float64]:
    """Return the pilots' events less posterior predictive counts without the programme, (draw, pilot, period).

    Parameters
    ----------
    log_effect : array (draw, pilot, period)
        Log of the rate with the programme over the rate without it; broadcast.
    """
    lower, upper, exposure = (array[:pilots] for array in (counts.lower, counts.upper, counts.exposure))
    treated = counts.treated[:pilots]
    mean = expected_without(posterior, cells, np.nan_to_num(exposure), treated, pilots=pilots)
    size = size_of(flat(posterior, "dispersion"))
    without = draw_counts(mean, size[:, None, None], rng)
    observed = draw_within_bounds(lower, upper, np.maximum(mean, 1e-12) * np.exp(log_effect), size, rng)
    return np.where(treated & np.isfinite(upper), observed - without, 0.0)
