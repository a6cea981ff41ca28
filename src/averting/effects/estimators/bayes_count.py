"""Negative-binomial hierarchical difference-in-differences with exposure (PyMC, sampled by nutpie).

Schools differ in level, years share shocks, and every school has a lasting shock of its own from the start on,
so that what three pilots did after the start counts as three observations of change, not as many. A suppressed
count contributes the probability of its interval. One ratio holds for all pilots and years.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from averting.design import Design
from averting.effects.bayes.cells import Cells
from averting.effects.bayes.count_effect import fit_count_model
from averting.effects.bayes.count_fit import CountModel
from averting.effects.bayes.priors import FAMILIES
from averting.effects.bayes.sampling import SAMPLERS, flat
from averting.effects.estimator import Estimator, Request
from averting.effects.result import Effect


def add_common(cells: Cells, parameters: Mapping[str, Any], _units: Mapping[str, Any]) -> Any:
    """Return one log ratio for all treated cells, a tensor (cell,)."""
    import pymc as pm

    return parameters["log_ratio"] * pm.Data("cell_treated", cells.treated)


def read_common(draws: xr.Dataset, _cells: Cells) -> NDArray[np.float64]:
    """Return the log ratio, (draw, 1, 1)."""
    return flat(draws, "log_ratio")[:, None, None]


MODEL = CountModel("bayes_count", add_common, read_common)
build_model = MODEL.build


def fit(design: Design, request: Request) -> Effect:
    """Fit the hierarchy; see :func:`averting.effects.bayes.count_effect.fit_count_model`."""
    return fit_count_model(design, request, MODEL)


ESTIMATOR = Estimator(
    label="Negative-binomial hierarchy",
    assumption="Without the programme, each pilot's rate would have followed its own level, the years' common "
    "shocks, and a lasting shock drawn from the same spread as every other school's.",
    inferences=SAMPLERS,
    supports=frozenset({"staggered"}),
    reference="Gelman and Hill (2007), chapters 6 and 15; Gelman (2006) for half-normal spreads",
    fit=fit,
    priors=FAMILIES,
)
