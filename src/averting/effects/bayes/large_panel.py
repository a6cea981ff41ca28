"""The count model for panels of thousands of schools: the same posterior, walked along other variables and worked out faster.

*Walked.* Thousands of schools show a year's shock far better than fifteen years show the spread of shocks, and show the common
level only together with the mean of the years' shocks. In standard units both are narrow ridges. Here the sum of the two is
one variable and the differences between years are others, as they are and not in units of their spread.

*Worked out.* With ``x`` the expected count over the negative binomial's size, a count ``k`` has a probability that is
proportional to ``x**k * (1 + x)**-(k + size)``, and ``x`` is a product: exposure, the school's rate before or after its start,
the year's. So exponentials are taken once a school and a year, and one logarithm a cell is left.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import helmert

from averting.effects.bayes.cells import Cells, subset
from averting.effects.bayes.count_model import folded, folded_shocks, size_of
from averting.effects.bayes.families import log_ways
from averting.effects.bayes.first_look import FirstLook
from averting.effects.bayes.priors import Prior, declare
from averting.errors import EstimationError

Array = NDArray[np.float64]
LARGE = 1_000
"""Schools from which a panel is written so; smaller ones, whose levels and years leave each other more room, are sampled fast
enough as they were."""


def observe_large(
    cells: Cells,
    priors: Mapping[str, Prior],
    schools: int,
    periods: int,
    looked: FirstLook | None,
    effect: Callable[[Cells], Any],
) -> None:
    """Add what would have been without the programme, its effect and the likelihood to the PyMC model in this context.

    Parameters
    ----------
    looked : FirstLook, optional
        Without it, schools' levels and shocks are sampled in standard units.
    effect : callable
        ``effect(cells)``: the programme's effect on the linear predictor of pilots' cells, a tensor.
    """
    import pymc as pm
    import pytensor.tensor as pt

    middle, years, year_mean = _years(priors, periods)
    dispersion, pilot_level = declare(priors["dispersion"]), declare(priors["pilot_level"])
    common = middle + pilot_level * (np.arange(schools) < len(cells.event_time))
    moved = folded_shocks(priors["shock_sd"], schools, looked=looked)
    own = pm.Data("centre", cells.centre) + _levels(common, priors["school_sd"], schools, moved, looked)
    pm.Deterministic("level", middle - year_mean)
    # every school before its start, then every school after
    halves = pt.concatenate([own, own + moved])  # type: ignore[no-untyped-call]
    _observe(cells, large_data(cells, schools), halves, years, size_of(dispersion), effect)


def _levels(common: Any, prior: Prior, schools: int, moved: Any, looked: FirstLook | None) -> Any:
    """Return schools' levels before the start, sampled as they are over all their years where counts show them."""
    import pymc as pm

    if looked is None:
        return common + folded("school", prior, schools)
    spread, drift = declare(prior), pm.Data("look_late", looked.late) * moved
    own = pm.Normal("school_level", common + drift, spread, shape=schools) - drift
    pm.Deterministic("school", (own - common) / spread)
    return own


def _years(priors: Mapping[str, Prior], periods: int) -> tuple[Any, Any, Any]:
    """Return the common level and the mean of the years' shocks together, the shocks less their mean, and their mean.

    The first is normal, as is the mean of the shocks given the first, which the data say nothing more about; and the shocks
    less their mean are as many independent normals as there are contrasts, with the same spread.
    """
    import pymc as pm

    if priors["level"].shape != "normal":
        raise EstimationError(
            f"With {LARGE:,} schools or more the prior of 'level' must be normal; it is {priors['level'].shape}. "
            "Declare a normal one."
        )
    level, spread = priors["level"], declare(priors["period_sd"])
    between, within = level.sd**2, spread**2 / periods
    both = between + within
    middle = pm.Normal("middle", level.mean, pm.math.sqrt(both))
    apart = pm.Normal("year_mean", 0.0, 1.0) * level.sd * pm.math.sqrt(within / both)
    year_mean = (middle - level.mean) * within / both + apart
    contrasts = pm.Normal("year_contrast", 0.0, spread, shape=periods - 1)
    years = pm.math.dot(helmert(periods).T, contrasts)
    pm.Deterministic("period", (years + year_mean) / spread)
    return middle, years, year_mean


def _observe(
    cells: Cells,
    data: Mapping[str, NDArray[Any]],
    halves: Any,
    years: Any,
    size: Any,
    effect: Callable[[Cells], Any],
) -> None:
    """Add the likelihood: of every count, or of the least that a suppressed one can be, and then of what it can be beside."""
    import pymc as pm
    import pytensor.tensor as pt

    ours = int((cells.school < len(cells.event_time)).sum())  # pilots come first
    added = effect(subset(cells, np.arange(len(cells.school)) < ours))
    held = {name: pm.Data(name, values) for name, values in data.items()}
    counts, exposure = held["cell_numbers"][0], held["cell_numbers"][1]
    half, year = held["cell_places"][0], held["cell_places"][1]
    over = exposure * pt.exp(halves - pt.log(size))[half] * pt.exp(years)[year]
    over = pt.concatenate([over[:ours] * pt.exp(added), over[ours:]])  # type: ignore[no-untyped-call]
    powers = (held["half_total"] * halves).sum() + (held["year_total"] * years).sum()
    powers += held["log_exposure"] + (counts[:ours] * added).sum() - counts.sum() * pt.log(size)
    ways = (held["count_times"] * log_ways(held["count_values"], size)).sum()
    pm.Potential("observed", powers + ways - ((counts + size) * pt.log1p(over)).sum())
    if "hidden_at" in held:
        chosen = over[held["hidden_at"]]
        beside = _beside(held["hidden_steps"], len(data["hidden_steps"]), chosen / (1.0 + chosen), size)
        pm.Potential("suppressed", pt.log(beside).sum())


def large_data(cells: Cells, schools: int) -> dict[str, NDArray[Any]]:
    """Return what the likelihood holds of the cells, by name; few arrays, because each costs half a second to compile.

    ``hidden_*`` are left out where every count is known.
    """
    counts = cells.lower.astype(np.float64)
    half = cells.school + schools * (cells.after > 0)
    values, times = np.unique(cells.lower, return_counts=True)
    data = {
        "cell_numbers": np.array([counts, np.exp(cells.log_exposure)]),
        "cell_places": np.array([half, cells.period]),
        "half_total": np.bincount(half, counts, 2 * schools),
        "year_total": np.bincount(cells.period, counts, len(cells.years)),
        "log_exposure": np.array((counts * cells.log_exposure).sum()),
        "count_values": values,
        "count_times": times,
    }
    hidden = np.flatnonzero(~cells.exact)
    if len(hidden) == 0:
        return data
    lower, upper = cells.lower[hidden], cells.upper[hidden]
    below = lower + np.arange((upper - lower).max())[:, None]
    steps = np.array([below, np.where(below < upper, 1.0 / (below + 1), 0.0)])
    return {**data, "hidden_at": hidden, "hidden_steps": steps.swapaxes(0, 1)}


def _beside(steps: Any, number: int, share: Any, size: Any) -> Any:
    """Return the probability that a count is within its bounds over that of the lower one, a tensor (hidden cell,).

    From one count to the next the probability grows by ``share * (size + k) / (k + 1)``. ``steps`` (step, 2, hidden cell), of
    that ``number``, are ``k`` and ``1 / (k + 1)``, which is 0 from the upper bound on.
    """
    found: Any = 1.0
    for step in reversed(range(number)):
        found = 1.0 + share * (size + steps[step, 0]) * steps[step, 1] * found
    return found
