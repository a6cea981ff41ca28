"""Two-way fixed effects: rates on school effects, period effects, covariates and being treated."""

from __future__ import annotations

import numpy as np
import pandas as pd

from averting.checks import CheckResult
from averting.design import Design
from averting.effects.estimator import Estimator, Request
from averting.effects.inference.dispatch import LINEAR
from averting.effects.inference.linear import Linear
from averting.effects.kernels.bacon import forbidden_share
from averting.effects.kernels.ols import Array
from averting.effects.regressions import (
    Cells,
    cells,
    difference_effect,
    filled_rates,
    infer_fills,
    kinds_by_start,
    refuse_dependent,
)
from averting.effects.result import Effect


def treatment_paths(design: Design) -> Array:
    """Return the treatment column of each start, (start, period, 1)."""
    starts, _ = kinds_by_start(design)
    return np.array([[[float(period >= start)] for period in design.periods] for start in starts])


def staggered_check(method: str, design: Design) -> CheckResult:
    """Say what Goodman-Bacon's decomposition says of staggered starts."""
    starts, kinds = kinds_by_start(design)
    if len(starts) == 1:
        return CheckResult(f"{method}/staggered", "pass", "All pilots start together.")
    first = np.array([sum(period < start for period in design.periods) for start in starts])[kinds]
    share = forbidden_share(first, len(design.comparison), len(design.periods))
    return CheckResult(
        f"{method}/staggered",
        "warn",
        f"Pilots start in {len(starts)} periods. Goodman-Bacon's decomposition puts {share:.1%} of the weight on "
        "comparing later pilots with pilots already treated, which is right only if effects do not change over time "
        "(computed for equal weights and no missing cell).",
        "Compare with a group-time or imputation estimator, which makes no such comparison.",
    )


def _coefficients(problem: Linear, data: Cells) -> pd.DataFrame:
    fit = problem.fit()
    return pd.DataFrame({"regressor": ["treated", *data.names], "coefficient": fit.coefficients})


def fit(design: Design, request: Request) -> Effect:
    """Regress rates on being treated.

    Returns
    -------
    Effect
        Scale ``difference``, events per 100 pupils and period; ``tables["coefficients"]`` holds all coefficients.

    Raises
    ------
    EstimationError
        If a school is not known on both sides of the start, a covariate has gaps, or regressors are collinear.
    """
    data = cells(design, request, "twfe")
    paths, kinds = treatment_paths(design), kinds_by_start(design)[1]

    def problem(events: Array) -> Linear:
        return Linear(
            outcome=filled_rates(data, events),
            weights=data.weights,
            paths=paths,
            kinds=kinds,
            covariates=data.covariates,
            contrast=np.ones(1),
            sizes=data.sizes,
            alpha=request.alpha,
            draws=request.draws,
            clusters=data.clusters,
            cluster=data.cluster,
        )

    refuse_dependent("twfe", problem(data.counts.upper), ("treated", *data.names))
    inferred, middle = infer_fills(design, request, data, problem, "twfe")
    return difference_effect(
        design,
        request,
        data,
        method="twfe",
        inferred=inferred,
        checks=(staggered_check("twfe", design),),
        tables={"coefficients": _coefficients(middle, data)},
    )


ESTIMATOR = Estimator(
    label="Two-way fixed effects on rates",
    assumption="Without the programme, pilots' rates would have changed by as many events per 100 pupils as comparison "
    "schools' rates, given the covariates; where starts differ, effects do not change over time.",
    inferences=LINEAR,
    supports=frozenset({"weights", "covariates", "changing_covariates", "staggered", "cluster"}),
    reference="Goodman-Bacon (2021), Journal of Econometrics 225(2), on what it estimates",
    fit=fit,
)
