"""Two-by-two difference-in-differences on rates: mean change of pilots less mean change of comparison schools."""

from __future__ import annotations

import numpy as np
import pandas as pd

from averting.design import Design
from averting.effects.estimator import Estimator, Request
from averting.effects.inference.dispatch import LINEAR
from averting.effects.inference.linear import Linear
from averting.effects.kernels.ols import Array
from averting.effects.regressions import Cells, cells, difference_effect, filled_rates, infer_fills
from averting.effects.result import Effect


def _before_after(values: Array, data: Cells) -> Array:
    """Mean of each school's known rates before and after, (school, 2)."""
    after = data.counts.treated[0]
    known = data.weights > 0
    sides = [
        np.where(known[:, side], values[:, side], 0.0).sum(1) / known[:, side].sum(1) for side in (~after, after)
    ]
    return np.stack(sides, axis=1)


def _means(problem: Linear) -> pd.DataFrame:
    pilots = len(problem.kinds)
    rows = {}
    for name, chosen in (("pilots", slice(None, pilots)), ("comparison", slice(pilots, None))):
        rows[name] = np.average(problem.outcome[chosen], axis=0, weights=problem.weights[chosen, 0])
    table = pd.DataFrame.from_dict(rows, orient="index", columns=["before", "after"]).rename_axis("schools")
    return table.assign(change=table["after"] - table["before"]).reset_index()


def fit(design: Design, request: Request) -> Effect:
    """Compare mean changes of rates.

    Returns
    -------
    Effect
        Scale ``difference``, events per 100 pupils and period; ``tables["means"]`` holds the four means.

    Raises
    ------
    EstimationError
        If a school is not known on both sides of the start, or no event is.
    """
    data = cells(design, request, "did_2x2")

    def problem(events: Array) -> Linear:
        outcome = _before_after(filled_rates(data, events), data)
        return Linear(
            outcome=outcome,
            weights=np.repeat(data.counts.weights[:, None], 2, axis=1),
            paths=np.array([[[0.0], [1.0]]]),
            kinds=np.zeros(len(design.pilots), dtype=np.intp),
            covariates=np.empty((*outcome.shape, 0)),
            contrast=np.ones(1),
            sizes=data.sizes,
            alpha=request.alpha,
            draws=request.draws,
            clusters=data.clusters,
            cluster=data.cluster,
        )

    inferred, middle = infer_fills(design, request, data, problem, "did_2x2")
    return difference_effect(
        design, request, data, method="did_2x2", inferred=inferred, tables={"means": _means(middle)}
    )


ESTIMATOR = Estimator(
    label="Two-by-two difference-in-differences on rates",
    assumption="Without the programme, pilots' rates would have changed by as many events per 100 pupils as comparison "
    "schools' rates.",
    inferences=LINEAR,
    supports=frozenset({"weights", "cluster"}),
    reference="Card and Krueger (1994), American Economic Review 84(4)",
    fit=fit,
)
