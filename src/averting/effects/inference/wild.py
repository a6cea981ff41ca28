"""``wild`` and ``subcluster``: restricted wild cluster bootstrap with Webb's six points."""

from __future__ import annotations

import numpy as np

from averting.effects.inference.linear import STEPS, Inferred, Linear
from averting.effects.kernels.inversion import accepted_interval, confidence_draws
from averting.effects.kernels.ols import Array
from averting.effects.kernels.wild import wild_bootstrap, wild_p, wild_t

SAMPLES = 1_999


def wild(problem: Linear, rng: np.random.Generator, *, by_unit: bool = False) -> Inferred:
    """Infer a contrast: the interval holds every effect that the bootstrap test, with it imposed, accepts.

    ``by_unit`` flips the residuals of single schools, while errors stay clustered: the subcluster bootstrap.
    """
    fit = problem.fit_contrast()
    units = np.arange(len(problem.outcome)) if by_unit else None
    found = wild_bootstrap(fit, draws=SAMPLES, rng=rng, clusters=problem.clusters, units=units)
    reach = 20 * max(found.error, 1e-12)
    grid = found.estimate + np.linspace(-reach, reach, STEPS)

    def p_value(supposed: Array) -> Array:
        return wild_p(found, supposed)

    truth, draws = wild_t(found, grid)
    below = np.asarray((draws < truth[:, None]).mean(axis=1))
    return Inferred(
        found.estimate,
        accepted_interval(p_value, grid, problem.alpha),
        float(p_value(np.zeros(1))[0]),
        confidence_draws(grid, np.minimum.accumulate(below), problem.draws, rng),
        f"wild cluster bootstrap by {problem.cluster}{', single units flipped' if by_unit else ''}, no effect imposed, "
        f"Webb's six points, {SAMPLES:,} samples",
    )
