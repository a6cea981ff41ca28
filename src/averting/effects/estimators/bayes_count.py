"""Negative-binomial hierarchical difference-in-differences with exposure (PyMC, sampled by nutpie).

Schools differ in level, years share shocks, and every school has a lasting shock of its own from the start on,
so that what three pilots did after the start counts as three observations of change, not as many. A suppressed
count contributes the probability of its interval.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import NDArray

from averting.checks import CheckResult
from averting.design import Counts, Design
from averting.draws import stream
from averting.effects.bayes.calibration import check_calibration
from averting.effects.bayes.cells import Cells, flatten
from averting.effects.bayes.convergence import check_convergence
from averting.effects.bayes.count_model import (
    BASELINE,
    baseline_log_rate,
    change_in_counts,
    expected_without,
    size_of,
)
from averting.effects.bayes.likelihood import draw_counts, draw_within_bounds, observe_counts
from averting.effects.bayes.predictive import check_prediction, predictive_table
from averting.effects.bayes.priors import FAMILIES, Prior, declare, load_priors, prior_table
from averting.effects.bayes.sampling import SAMPLERS, flat, require_bayes, sample
from averting.effects.bayes.sensitivity import check_sensitivity, power_scaled
from averting.effects.estimator import Estimator, Request
from averting.effects.outcomes import label_change, label_draws
from averting.effects.result import Effect, Estimand

_KEY = "bayes_count"
_PREDICTED = 400  # posterior draws that predictive checks use; more would not change a tail share that matters


def build_model(cells: Cells, priors: dict[str, Prior], schools: int, periods: int) -> Any:
    """Build the PyMC model: what would have been without the programme, times one ratio for all pilots."""
    import pymc as pm
    import pytensor.tensor as pt

    with pm.Model() as model:
        log_ratio = declare(priors["log_ratio"])
        without = baseline_log_rate(cells, priors, schools, periods)
        log_rate = without + log_ratio * pm.Data("cell_treated", cells.treated)
        mean = pt.exp(log_rate + pm.Data("cell_log_exposure", cells.log_exposure))
        observe_counts(cells, mean, size_of(model["dispersion"]))
    return model


def _predicted(
    posterior: xr.Dataset, cells: Cells, design: Design, counts: Counts, rng: np.random.Generator
) -> pd.DataFrame:
    """Compare the data with data drawn from some of the posterior draws; see ``predictive_table``."""
    thinned = posterior.isel(draw=slice(None, None, max(1, posterior.sizes["draw"] * 4 // _PREDICTED)))
    after = np.zeros(counts.upper.shape, dtype=bool)
    after[cells.school, cells.period] = cells.after > 0
    mean = expected_without(thinned, cells, np.nan_to_num(counts.exposure), after, pilots=len(design.pilots))
    mean = np.maximum(mean * np.exp(flat(thinned, "log_ratio")[:, None, None] * counts.treated), 1e-12)
    size = size_of(flat(thinned, "dispersion"))
    observed = draw_within_bounds(counts.lower, counts.upper, mean, size, rng)
    known = np.isfinite(counts.upper)
    replicated = draw_counts(mean, size[:, None, None], rng)
    is_pilot = np.arange(len(known))[:, None] < len(design.pilots)
    return predictive_table(
        observed[:, known], replicated[:, known], mean[:, known], (is_pilot & ~counts.treated)[known]
    )


def _stored(trace: xr.DataTree, pilots: int) -> xr.DataTree:
    """Keep what is used again: parameters with a meaning, the pilots' own terms, and the sampler's statistics."""
    posterior = trace["posterior"].to_dataset()
    terms = [posterior[name].isel({posterior[name].dims[-1]: slice(pilots)}) for name in ("school", "shock")]
    kept = xr.merge([posterior[["log_ratio", *BASELINE, "period"]], *terms])
    groups = {"posterior": kept.drop_attrs()}
    if "sample_stats" in trace.children:
        stats = trace["sample_stats"].to_dataset()
        groups["sample_stats"] = stats[[name for name in ("diverging", "energy") if name in stats]].drop_attrs()
    return xr.DataTree.from_dict(groups)


def fit(design: Design, request: Request) -> Effect:
    """Fit the hierarchy and compare the pilots with what it predicts without the programme.

    Returns
    -------
    Effect
        Scale ``ratio``; ``draws`` are the posterior of the ratio; ``change`` is the pilots' count minus posterior
        predictive counts without the programme.

    Raises
    ------
    EstimationError
        Where one side of the comparison is not known at all, or a suppressed count's bounds are far apart.
    MissingExtraError
        Without the ``bayes`` extra.
    """
    require_bayes(_KEY)
    indicator, seed = request.indicator, request.seed
    counts = design.counts(indicator)
    cells = flatten(design, counts, method=_KEY, indicator=indicator)
    priors = load_priors(_KEY, request.prior)
    model = build_model(cells, priors, len(design.schools), len(design.periods))
    trace = sample(
        model,
        draws=request.draws,
        seed=int(stream(seed, f"effects/{_KEY}/{indicator}").integers(2**31)),
        sampler=request.inference,
        progress=request.progress,
    )
    posterior = trace["posterior"].to_dataset()
    convergence, summary = check_convergence(trace, ("log_ratio", *BASELINE))
    log_ratio = flat(posterior, "log_ratio")
    rng = stream(seed, f"effects/{_KEY}/{indicator}/predict")
    change = change_in_counts(
        posterior, cells, counts, log_ratio[:, None, None], pilots=len(design.pilots), rng=rng
    )
    scaled = power_scaled(log_ratio, priors["log_ratio"].log_density(log_ratio), request.level)
    predicted = _predicted(posterior, cells, design, counts, stream(seed, f"effects/{_KEY}/{indicator}/check"))
    return _effect(
        design,
        request,
        log_ratio[: request.draws],
        change[: request.draws],
        checks=(*convergence, check_prediction(predicted), check_sensitivity(scaled), check_calibration(_KEY)),
        tables={
            "posterior": summary,
            "priors": prior_table(priors),
            "predictive": predicted,
            "prior_sensitivity": scaled,
        },
        trace=_stored(trace, len(design.pilots)),
    )


def _effect(
    design: Design,
    request: Request,
    log_ratio: NDArray[np.float64],
    change: NDArray[np.float64],
    *,
    checks: tuple[CheckResult, ...],
    tables: dict[str, pd.DataFrame],
    trace: xr.DataTree,
) -> Effect:
    ratio = np.exp(log_ratio)
    tail = (1 - request.level) / 2
    lower, middle, upper = np.quantile(ratio, [tail, 0.5, 1 - tail])
    return Effect(
        estimand=Estimand(
            request.indicator,
            contrast="rate with the programme over the rate without it",
            population=f"{len(design.pilots)} pilot schools, from their start",
            scale="ratio",
        ),
        method=_KEY,
        inference=f"posterior ({request.prior} prior), equal-tailed interval",
        estimate=float(middle),
        interval=(float(lower), float(upper)),
        level=request.level,
        draws=label_draws(ratio, "ratio"),
        draw_kind="posterior",
        change=label_change(change, design),
        checks=(*design.checks, *checks),
        tables=tables,
        trace=trace,
    )


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
