"""The count hierarchy with a ratio that moves with time since the start, by a random walk."""

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
from averting.errors import EstimationError

_KEY = "bayes_event_time"


def _walk_matrix(cells: Cells) -> NDArray[np.float64]:
    """Return what turns steps into a walk whose mean over the event times that occur is zero, (event time, step)."""
    walk = np.tril(np.ones((_times(cells), _times(cells))), -1)[:, :-1]
    return np.asarray(walk - walk[_occurring(cells)].mean(axis=0))


def _times(cells: Cells) -> int:
    return int(cells.event_time.max()) + 1


def _occurring(cells: Cells) -> NDArray[np.intp]:
    return np.unique(cells.event_time[cells.event_time >= 0])


def add_by_event_time(cells: Cells, parameters: Mapping[str, Any], units: Mapping[str, Any]) -> Any:
    """Return each treated cell's log ratio at its time since the start, a tensor (cell,)."""
    import pymc as pm

    # not a product of matrices, which takes ten seconds to compile
    moved = (pm.Data("walk", _walk_matrix(cells)) * units["event_step"]).sum(axis=1)
    by_time = parameters["log_ratio"] + parameters["event_sd"] * moved
    return by_time[pm.Data("cell_event_time", cells.at_event)] * pm.Data("cell_treated", cells.treated)


def by_event_time(draws: xr.Dataset, cells: Cells) -> NDArray[np.float64]:
    """Return log ratios, (draw, event time)."""
    moved = flat(draws, "event_step") @ _walk_matrix(cells).T
    return np.asarray(flat(draws, "log_ratio")[:, None] + flat(draws, "event_sd")[:, None] * moved)


def read_by_event_time(draws: xr.Dataset, cells: Cells) -> NDArray[np.float64]:
    """Return log ratios, (draw, pilot, period)."""
    return by_event_time(draws, cells)[:, np.maximum(cells.event_time, 0)]


def event_time_table(found: Posterior) -> pd.DataFrame:
    """Return one row for each time since the start: pilots observed, ratio with interval, probability of a reduction."""
    effects = by_event_time(found.draws, found.cells)
    known = np.isfinite(found.counts.upper[: len(found.design.pilots)])
    rows = [
        {
            "event_time": int(time),
            "pilots": int(((found.cells.event_time == time) & known).sum()),
            **spread_of(np.exp(effects[:, time]), found.level),
            "probability": float((effects[:, time] < 0).mean()),
        }
        for time in _occurring(found.cells)
    ]
    return pd.DataFrame(rows)


MODEL = CountModel(
    _KEY,
    add_by_event_time,
    read_by_event_time,
    parameters=("log_ratio", "event_sd"),
    units=lambda cells: {"event_step": _times(cells) - 1},
    tables=lambda found: {"event_time": event_time_table(found)},
)


def fit(design: Design, request: Request) -> Effect:
    """Fit an effect that moves; see :func:`averting.effects.bayes.count_effect.fit_count_model`.

    Raises
    ------
    EstimationError
        Also where no pilot has a second period from its start on: then nothing can move.
    """
    latest = {
        pilot: [period for period in design.periods if period >= start] for pilot, start in design.starts.items()
    }
    if max(len(periods) for periods in latest.values()) < 2:
        raise EstimationError(
            f"{_KEY}: no pilot has more than one period from its start on, so an effect cannot be seen to move. "
            "Use method='bayes_count'."
        )
    return fit_count_model(design, request, MODEL)


ESTIMATOR = Estimator(
    label="Count hierarchy with an effect that moves",
    assumption="Without the programme, each pilot's rate would have followed its own level, the years' common "
    "shocks, and a lasting shock like every other school's; and the effect is the same in all pilots at the same "
    "time since their start, and moves by small steps.",
    inferences=SAMPLERS,
    supports=frozenset({"staggered"}),
    reference="Rue and Held (2005), chapter 3, for random walks; Callaway and Sant'Anna (2021) for time since the start",
    fit=fit,
    priors=FAMILIES,
)
