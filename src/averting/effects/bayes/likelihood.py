"""Counts of which some are known only to lie within bounds: in PyMC for fitting, in NumPy for drawing."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import logsumexp

from averting.effects.bayes.cells import Cells
from averting.effects.bayes.families import NEGATIVE_BINOMIAL, Family

Array = NDArray[np.float64]
_ANY = np.array(1.0)


def cell_data(cells: Cells, *, bounded: bool = False) -> dict[str, NDArray[Any]]:
    """Return what the likelihood holds of the cells' counts, by name: known ones first, then those within bounds.

    ``hidden_*`` are left out where every count is known.
    """
    exact, hidden = np.flatnonzero(cells.exact), np.flatnonzero(~cells.exact)
    values, times = np.unique(cells.lower[exact], return_counts=True)
    exposure = cells.trials if bounded else np.exp(cells.log_exposure)
    data = {
        "cell_exposure": exposure,
        "exact_at": exact,
        "exact_count": cells.lower[exact],
        "exact_values": values,
        "exact_times": times,
    }
    if len(hidden) == 0:
        return data
    lower, upper = cells.lower[hidden], cells.upper[hidden]
    possible = lower + np.arange((upper - lower).max() + 1)[:, None]
    within, pick = np.unique(np.minimum(possible, upper), return_inverse=True)
    return {
        **data,
        "hidden_at": hidden,
        "hidden_values": within,
        "hidden_pick": pick.reshape(possible.shape),
        "hidden_possible": possible <= upper,
    }


def observe_counts(
    cells: Cells, linear: Any, size: Any, *, family: Family = NEGATIVE_BINOMIAL, suffix: str = ""
) -> None:
    """Add the likelihood of every cell to the PyMC model in whose context this is called.

    Parameters
    ----------
    cells : Cells
        Bounds of the counts, and their exposure.
    linear : tensor (cell,)
        Linear predictor of the rate.
    size : tensor
        Inverse of the dispersion.
    family : Family
        Distribution of a count.
    suffix : str
        Added to the names of variables, where a model has several indicators.
    """
    import pymc as pm
    import pytensor.tensor as pt
    from pytensor.tensor.special import logsumexp as logsumexp_of

    held = cell_data(cells, bounded=family.bounded)
    data = {name: pm.Data(f"{name}{suffix}", values) for name, values in held.items()}
    at, exposure = data["exact_at"], data["cell_exposure"]
    counts, values, times = data["exact_count"], data["exact_values"], data["exact_times"]
    known = family.total_log_p(counts, values, times, linear[at], size, exposure[at])
    pm.Potential(f"observed{suffix}", known)
    if "hidden_at" not in data:
        return
    at = data["hidden_at"]
    each = family.log_p(data["hidden_values"], data["hidden_pick"], linear[at], size, exposure[at])
    # the sum over the few values that a suppressed count can be
    within = logsumexp_of(pt.switch(data["hidden_possible"], each, -np.inf), axis=0)  # type: ignore[no-untyped-call]
    pm.Potential(f"suppressed{suffix}", within.sum())


def log_within(
    lower: Array, upper: Array, mean: Array, size: Array, trials: Array, *, family: Family = NEGATIVE_BINOMIAL
) -> Array:
    """Return the log probability that each count lies within its bounds, (draw, cell).

    Parameters
    ----------
    lower, upper, trials : array (cell,)
        Bounds, equal where the count is known, and exposure.
    mean : array (draw, cell)
        Expected counts.
    size : array (draw,)
        Inverse of the dispersion.
    family : Family
        Distribution of a count.
    """
    found = family.log_pmf(lower, mean, size[:, None], trials)
    hidden = np.flatnonzero(upper > lower)
    for extra in range(1, int((upper - lower).max(initial=0)) + 1):
        open_ = hidden[lower[hidden] + extra <= upper[hidden]]
        more = family.log_pmf(lower[open_] + extra, mean[:, open_], size[:, None], trials[open_])
        found[:, open_] = np.logaddexp(found[:, open_], more)
    return found


def log_pmf(k: Array, mean: Array, size: Array) -> Array:
    """Return the negative-binomial log probability of ``k``; all broadcast."""
    return NEGATIVE_BINOMIAL.log_pmf(k, mean, size, _ANY)


def draw_counts(mean: Array, size: Array, rng: np.random.Generator) -> Array:
    """Draw a negative-binomial count for each mean; ``size`` broadcasts."""
    return NEGATIVE_BINOMIAL.draw(mean, size, _ANY, rng)


def draw_within_bounds(
    lower: Array,
    upper: Array,
    mean: Array,
    size: Array,
    rng: np.random.Generator,
    trials: Array = _ANY,
    *,
    family: Family = NEGATIVE_BINOMIAL,
) -> Array:
    """Draw each observed count, (draw, school, period): itself, or within its bounds where it is hidden.

    Parameters
    ----------
    lower, upper : array (school, period)
        Bounds; NaN, which gives 0, where the count is missing.
    mean : array (draw, school, period)
        Expected counts.
    size : array (draw,)
        Inverse of the dispersion.
    trials : array (school, period)
        Exposure, for counts out of it.
    family : Family
        Distribution of a count.
    """
    observed = np.broadcast_to(np.nan_to_num(lower), mean.shape).copy()
    trials = np.broadcast_to(trials, lower.shape)
    for row, column in np.argwhere(upper > lower):
        values = np.arange(lower[row, column], upper[row, column] + 1)
        log_p = family.log_pmf(values, mean[:, row, column, None], size[:, None], trials[row, column])
        share = np.exp(log_p - logsumexp(log_p, axis=1, keepdims=True)).cumsum(1)
        pick = (rng.random(len(share))[:, None] > share).sum(1)
        observed[:, row, column] = values[np.minimum(pick, len(values) - 1)]
    return observed
