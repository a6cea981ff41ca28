"""A negative-binomial count model written about a first look: the posterior of the plain form, walked along other variables.

*Walked.* Counts may show a year's shock, a school's level or its lasting shock better than they show the spread of such terms,
or worse. In standard units the first are narrow ridges, as they are the second are narrow funnels. Here each is a distance from
where a first look at the counts puts it, given the spread; and the common level and the mean of the years' shocks, of which the
counts show only the sum, are one variable.

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
from averting.effects.bayes.count_model import named_terms, size_of
from averting.effects.bayes.families import log_ways
from averting.effects.bayes.first_look import look, look_at_years
from averting.effects.bayes.priors import Prior, declare
from averting.errors import EstimationError

Array = NDArray[np.float64]


def observe_looked(
    cells: Cells, priors: Mapping[str, Prior], schools: int, periods: int, effect: Callable[[Cells], Any]
) -> None:
    """Add what would have been without the programme, its effect and the likelihood to the PyMC model in this context.

    Parameters
    ----------
    effect : callable
        ``effect(cells)``: the programme's effect on the linear predictor of pilots' cells, a tensor.
    """
    import pymc as pm

    data = looked_data(cells, schools, periods)
    held = {name: pm.Data(name, values) for name, values in data.items()}
    middle, years, year_mean = _years(priors, periods, held["look_years"])
    dispersion, pilot_level = declare(priors["dispersion"]), declare(priors["pilot_level"])
    common = middle + pilot_level * (np.arange(schools) < len(cells.event_time))
    own, moved = _schools(common, priors, schools, held["look_schools"])
    own += held["offsets"][0]
    pm.Deterministic("level", middle - year_mean)
    # every school before its start, then every school after; sums and products, because joining compiles slowly
    halves = (own[None, :] + moved[None, :] * np.array([[0.0], [1.0]])).ravel()
    ours = int((cells.school < len(cells.event_time)).sum())  # pilots come first
    added = effect(subset(cells, np.arange(len(cells.school)) < ours))
    steps = len(data["hidden_steps"]) if "hidden_steps" in data else 0
    _observe(held, steps, halves, years, size_of(dispersion), added)


def _schools(common: Any, priors: Mapping[str, Prior], schools: int, looked: Any) -> tuple[Any, Any]:
    """Return schools' levels before the start and their shocks, each (school,); ``looked`` is a first look, (5, school)."""
    change, information, late, level, known = (looked[row] for row in range(5))
    factor, standard = _about("shock", priors["shock_sd"], change, information, schools)
    moved = named_terms("shock", priors["shock_sd"], factor, standard)
    # counts show a level over all years, better than that before the start
    factor, standard = _about("school", priors["school_sd"], level - late * moved - common, known, schools)
    return common + named_terms("school", priors["school_sd"], factor, standard), moved


def _about(name: str, prior: Prior, change: Any, information: Any, number: int) -> tuple[Any, Any]:
    """Return a factor, whose size is the terms' spread, and standard normals, sampled as distances from a first look.

    Given the factor, a term that its counts alone put at ``change`` with ``information`` is about normal with mean and spread
    ``middle`` and ``1 / width`` in standard units; what is sampled is the distance from there.
    """
    import pymc as pm
    import pytensor.tensor as pt

    factor = pm.Normal(f"{name}_factor", 0.0, prior.sd)
    width = pt.sqrt(1.0 + factor**2 * information)
    middle = factor * information * change / width**2
    moved = pm.Normal(f"{name}_moved", -middle * width, width, shape=number)
    return factor, middle + moved / width  # standard normal, because of the mean and spread just given


def _years(priors: Mapping[str, Prior], periods: int, looked: Any) -> tuple[Any, Any, Any]:
    """Return the common level and the mean of the years' shocks together, the shocks less their mean, and their mean.

    The first is normal, as is the mean of the shocks given the first, which the data say nothing more about; and the shocks
    less their mean are as many independent normals as there are contrasts, with the same spread.
    """
    import pymc as pm
    import pytensor.tensor as pt

    level = priors["level"]
    if level.shape != "normal":
        raise EstimationError(f"The prior of 'level' must be normal; it is {level.shape}. Declare a normal one.")
    factor, standard = _about("period", priors["period_sd"], looked[0], looked[1], periods - 1)
    spread = pm.Deterministic("period_sd", pt.abs(factor))
    between, within = level.sd**2, factor**2 / periods
    both = between + within
    middle = pm.Normal("middle", level.mean, pm.math.sqrt(both))
    apart = pm.Normal("year_mean", 0.0, 1.0) * level.sd * pm.math.sqrt(within / both)
    year_mean = (middle - level.mean) * within / both + apart
    # not a product of matrices, which takes ten seconds to compile
    years = factor * (helmert(periods).T * standard).sum(axis=1)
    pm.Deterministic("period", (years + year_mean) / spread)
    return middle, years, year_mean


def _observe(held: Mapping[str, Any], steps: int, halves: Any, years: Any, size: Any, added: Any) -> None:
    """Add the likelihood: of every count, or of the least that a suppressed one can be, and then of what it can be beside.

    ``added`` is what the programme adds to each of the pilots' cells, the first ones.
    """
    import pymc as pm
    import pytensor.tensor as pt

    ours = added.shape[0]
    counts, exposure = held["cell_numbers"][0], held["cell_numbers"][1]
    half, year = held["cell_places"][0], held["cell_places"][1]
    over = exposure * pt.exp(halves - pt.log(size))[half] * pt.exp(years)[year]
    over = pt.set_subtensor(over[:ours], over[:ours] * pt.exp(added))  # type: ignore[no-untyped-call]
    powers = (held["half_total"] * halves).sum() + (held["year_total"] * years).sum()
    powers += held["offsets"][1] + (counts[:ours] * added).sum() - counts.sum() * pt.log(size)
    ways = (held["count_times"][1] * log_ways(held["count_times"][0], size)).sum()
    pm.Potential("observed", powers + ways - ((counts + size) * pt.log1p(over)).sum())
    if steps:
        chosen = over[held["hidden_at"]]
        beside = _beside(held["hidden_steps"], steps, chosen / (1.0 + chosen), size)
        pm.Potential("suppressed", pt.log(beside).sum())


def looked_data(cells: Cells, schools: int, periods: int) -> dict[str, NDArray[Any]]:
    """Return what the model holds, by name; few arrays, because each costs half a second to compile.

    ``hidden_*`` are left out where every count is known.
    """
    counts = cells.lower.astype(np.float64)
    half = cells.school + schools * (cells.after > 0)
    looked = look(cells, schools)
    data = {
        "cell_numbers": np.array([counts, np.exp(cells.log_exposure)]),
        "cell_places": np.array([half, cells.period]),
        "half_total": np.bincount(half, counts, 2 * schools),
        "year_total": np.bincount(cells.period, counts, periods),
        "offsets": np.array([cells.centre, (counts * cells.log_exposure).sum()]),
        "count_times": np.array(np.unique(cells.lower, return_counts=True)),
        "look_years": look_at_years(cells, periods),
        "look_schools": np.array([looked.change, looked.information, looked.late, looked.level, looked.known]),
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
