"""One door to every kind of inference for estimators that are regressions."""

from __future__ import annotations

import numpy as np

from averting.effects.inference.linear import Inferred, Linear
from averting.effects.inference.permutation import permuted
from averting.effects.inference.residuals import by_residuals
from averting.effects.inference.sandwich import clustered
from averting.effects.inference.wild import wild

LINEAR = ("cr3", "permutation", "cr1", "cr2", "wild", "subcluster", "ferman_pinto", "conley_taber")
"""Kinds of inference for a linear regression, the one for many pilots first."""


def infer(kind: str, problem: Linear, rng: np.random.Generator) -> Inferred:
    """Infer a problem's contrast by one of :data:`LINEAR`.

    Raises
    ------
    EstimationError
        If the kind does not exist for this design, with the reason.
    """
    if kind == "permutation":
        return permuted(problem, rng)
    if kind in ("wild", "subcluster"):
        return wild(problem, rng, by_unit=kind == "subcluster")
    if kind in ("ferman_pinto", "conley_taber"):
        return by_residuals(kind, problem, rng)
    return clustered(kind, problem, rng)
