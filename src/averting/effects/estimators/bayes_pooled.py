"""The count hierarchy with a ratio of each pilot's own, drawn towards the pilots' middle as far as data allow."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import NDArray

from averting.design import Design
from averting.draws import spread_of
from averting.effects.bayes.cells import Cells
from averting.effects.bayes.count_effect import fit_count_model
from averting.effects.bayes.count_fit import CountModel, Posterior
from averting.effects.bayes.priors import FAMILIES
from averting.effects.bayes.sampling import SAMPLERS, flat
from averting.effects.estimator import Estimator, Request
from averting.effects.result import Effect


def add_by_pilot(cells: Cells, parameters: Mapping[str, Any], units: Mapping[str, Any]) -> Any:
    """Return each treated cell's own pilot's log ratio, a tensor (cell,)."""
    import pymc as pm

    own = parameters["log_ratio"] + parameters["effect_sd"] * units["pilot_effect"]
    at = np.minimum(cells.school, len(cells.event_time) - 1)
    return own[pm.Data("cell_own_effect", at)] * pm.Data("cell_treated", cells.treated)


def read_by_pilot(draws: xr.Dataset, _cells: Cells) -> NDArray[np.float64]:
    """Return pilots' log ratios, (draw, pilot, 1)."""
    own = flat(draws, "effect_sd")[:, None] * flat(draws, "pilot_effect")
    return (flat(draws, "log_ratio")[:, None] + own)[:, :, None]


def schools_table(found: Posterior) -> pd.DataFrame:
    """Return one row a pilot.

    Returns
    -------
    DataFrame
        Columns pilot; median, lower and upper of its ratio; probability of a reduction; and shrinkage: the share of
        the spread between pilots that the data leave open for this one, 1 where it only borrows from the others.

    References
    ----------
    Gelman, A. and Pardoe, I. (2006). Bayesian measures of explained variance and pooling in multilevel (hierarchical)
    models. Technometrics 48, 241-251.
    """
    units = flat(found.draws, "pilot_effect")
    rows = [
        {
            "pilot": pilot,
            **spread_of(np.exp(found.effect[:, at, 0]), found.level),
            "probability": float((found.effect[:, at, 0] < 0).mean()),
            "shrinkage": float(min(units[:, at].var(), 1.0)),
        }
        for at, pilot in enumerate(found.design.pilots)
    ]
    return pd.DataFrame(rows)


MODEL = CountModel(
    "bayes_pooled",
    add_by_pilot,
    read_by_pilot,
    parameters=("log_ratio", "effect_sd"),
    units=lambda cells: {"pilot_effect": len(cells.event_time)},
    tables=lambda found: {"schools": schools_table(found)},
)


def fit(design: Design, request: Request) -> Effect:
    """Fit pilots' own ratios; see :func:`averting.effects.bayes.count_effect.fit_count_model`."""
    return fit_count_model(design, request, MODEL)


ESTIMATOR = Estimator(
    label="Count hierarchy with pilots' own effects",
    assumption="Without the programme, each pilot's rate would have followed its own level, the years' common "
    "shocks, and a lasting shock like every other school's; and the pilots' own ratios are alike enough to "
    "learn from one another.",
    inferences=SAMPLERS,
    supports=frozenset({"staggered"}),
    reference="Rubin (1981); Gelman and Pardoe (2006) for how much is borrowed",
    fit=fit,
    priors=FAMILIES,
)
