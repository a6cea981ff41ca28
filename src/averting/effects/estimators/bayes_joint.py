"""Two counts modelled together, so that a rare one borrows from a common one: schools' levels, shocks and effects.

What is gained is shown beside the fit on its own, and what is paid for it: the assumed correlations.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from averting.checks import CheckResult
from averting.design import Design
from averting.draws import spread_of
from averting.effects.bayes.cells import Cells, flatten
from averting.effects.bayes.convergence import check_convergence
from averting.effects.bayes.count_effect import conclude
from averting.effects.bayes.count_fit import (
    CountModel,
    Posterior,
    Priors,
    read_posterior,
    sample_count_model,
    sample_request,
)
from averting.effects.bayes.count_model import BASELINE, FEW, baseline_linear, size_of
from averting.effects.bayes.likelihood import observe_counts
from averting.effects.bayes.priors import FAMILIES, declare, load_priors
from averting.effects.bayes.sampling import SAMPLERS, flat, require_bayes
from averting.effects.bayes.sensitivity import power_scaled
from averting.effects.estimator import Estimator, Request
from averting.effects.estimators import bayes_count
from averting.effects.result import Effect
from averting.errors import EstimationError

_KEY, _OTHER = "bayes_joint", "_alongside"
CORRELATIONS = ("effect_correlation", "school_correlation", "shock_correlation")
MODEL = CountModel(
    _KEY,
    bayes_count.add_common,
    bayes_count.read_common,
    parameters=("log_ratio", f"log_ratio{_OTHER}", *CORRELATIONS, *(f"{name}{_OTHER}" for name in BASELINE)),
)


def build_model(cells: Cells, other: Cells, priors: Priors, schools: int, periods: int) -> Any:
    """Build the PyMC model of both counts; the second's variables end in ``_alongside``.

    The first's school levels, shocks and log ratio are, in standard units, ``r`` times the second's and
    ``sqrt(1 - r**2)`` times terms of their own, so that they have the priors that they have on their own.
    """
    import pymc as pm

    first, second = priors["log_ratio"], priors[f"log_ratio{_OTHER}"]
    with pm.Model() as model:
        correlation = {name: declare(priors[name]) for name in CORRELATIONS}
        ratio_alongside = declare(second)
        few = schools < FEW
        own = pm.Normal(f"school{_OTHER}", 0.0, 1.0, shape=schools) if few else None
        linear = baseline_linear(other, priors, schools, periods, suffix=_OTHER, school=own, correlated=True)
        linear += ratio_alongside * pm.Data(f"cell_treated{_OTHER}", other.treated)
        observe_counts(other, linear, size_of(model[f"dispersion{_OTHER}"]), suffix=_OTHER)
        standard = _borrow("effect", correlation, (ratio_alongside - second.mean) / second.sd)
        log_ratio = pm.Deterministic("log_ratio", first.mean + first.sd * standard)
        shock = pm.Deterministic("shock", _borrow("shock", correlation, model[f"shock{_OTHER}"], schools))
        levels = _levels_like(correlation, model[f"school{_OTHER}"], schools)
        linear = baseline_linear(cells, priors, schools, periods, **levels, shock=shock)
        linear += bayes_count.add_common(cells, {"log_ratio": log_ratio}, {})
        observe_counts(cells, linear, size_of(model["dispersion"]))
    return model


def _levels_like(correlation: Mapping[str, Any], other: Any, schools: int) -> dict[str, Any]:
    """Return how the first's levels are made from the second's: sampled as they are, or with few schools in standard units."""
    import pymc as pm

    if schools < FEW:
        return {"school": pm.Deterministic("school", _borrow("school", correlation, other, schools))}
    alike = correlation["school_correlation"]
    return {"levels_like": (alike * other, pm.math.sqrt(1.0 - alike**2))}


def _borrow(name: str, correlations: Mapping[str, Any], standard: Any, shape: int | None = None) -> Any:
    """Return standard normals that are correlated with given ones."""
    import pymc as pm

    correlation = correlations[f"{name}_correlation"]
    own = pm.Normal(f"{name}_own", 0.0, 1.0, shape=shape)
    return correlation * standard + pm.math.sqrt(1.0 - correlation**2) * own


def fit(design: Design, request: Request) -> Effect:
    """Fit both counts together and the first on its own; see :func:`averting.effects.bayes.count_effect.fit_count_model`.

    Raises
    ------
    EstimationError
        Also where no second indicator is named.
    """
    if request.alongside in ("", request.indicator):
        raise EstimationError(
            f"{_KEY} models {request.indicator} together with a second indicator, which is commoner. "
            'Name it: alongside = "suspensions", for example.'
        )
    require_bayes(_KEY)
    own, other = (
        flatten(design, design.counts(indicator), method=_KEY, indicator=indicator)
        for indicator in (request.indicator, request.alongside)
    )
    priors = load_priors(_KEY, request.prior)
    built = build_model(own, other, priors, len(design.schools), len(design.periods))
    found = read_posterior(design, request, MODEL, own, priors, sample_request(built, request, _KEY))
    alone = sample_count_model(design, request, bayes_count.MODEL)
    effect = conclude(found, request, MODEL)
    tables = {
        **effect.tables,
        "joint": joint_table(found, alone, request),
        "correlations": correlation_table(found),
    }
    return replace(effect, tables=tables, checks=(*effect.checks, check_gain(found, alone, request)))


def joint_table(found: Posterior, alone: Posterior, request: Request) -> pd.DataFrame:
    """Return the ratio of the first count fitted on its own and together, and of the second.

    Returns
    -------
    DataFrame
        Columns fit, indicator, median, lower, upper, probability (of a reduction) and width: of the interval in logs.
    """
    rows = []
    for words, indicator, ratio in (
        ("on its own", request.indicator, alone.ratio),
        (f"together with {request.alongside}", request.indicator, found.ratio),
        (f"together with {request.indicator}", request.alongside, np.exp(flat(found.draws, f"log_ratio{_OTHER}"))),
    ):
        spread = spread_of(ratio, request.level)
        width = float(np.log(spread["upper"] / spread["lower"]))
        rows.append(
            {"fit": words, "indicator": indicator, **spread, "probability": (ratio < 1).mean(), "width": width}
        )
    return pd.DataFrame(rows)


def correlation_table(found: Posterior) -> pd.DataFrame:
    """Return the correlations as assumed and as found: median and interval of prior and posterior."""
    rows = []
    for name in CORRELATIONS:
        before = found.priors[name].draw(20_000, np.random.default_rng(1))
        after = spread_of(flat(found.draws, name), found.level)
        prior = {f"prior_{end}": value for end, value in spread_of(before, found.level).items()}
        rows.append({"correlation": name, **prior, **after})
    return pd.DataFrame(rows)


def check_gain(found: Posterior, alone: Posterior, request: Request) -> CheckResult:
    """Say what was gained by modelling two counts together, and what was assumed for it."""
    key, indicator = "bayes/joint", request.indicator.replace("_", " ")
    other = request.alongside.replace("_", " ")
    if any(check.status == "fail" for check in check_convergence(alone.trace, ("log_ratio", *BASELINE))[0]):
        words = f"The fit of {indicator} alone, to compare with, cannot be used: what is gained by {other} is not known."
        return CheckResult(key, "warn", words, "Run it on its own with method='bayes_count'.")
    widths = joint_table(found, alone, request)["width"].to_numpy()
    density = found.priors["effect_correlation"].log_density(flat(found.draws, "effect_correlation"))
    scaled = power_scaled(np.log(found.ratio), density, request.level).dropna()["estimate"]
    return CheckResult(
        key,
        "info",
        f"Together with {other}, the interval of {indicator} is {1 - widths[1] / widths[0]:.0%} narrower (in logs) than on "
        "its own. Its price is an assumption: that the programme moves both, with the correlation declared. With that "
        f"assumption given half to double its weight, the ratio runs from {scaled.min():.2f} to {scaled.max():.2f}.",
    )


ESTIMATOR = Estimator(
    label="Two counts modelled together",
    assumption="Without the programme, each pilot's rates would have followed their own levels, the years' common "
    "shocks, and lasting shocks like every other school's; and the programme moves both counts, alike to the degree "
    "that the declared correlation says.",
    inferences=SAMPLERS,
    supports=frozenset({"staggered", "alongside"}),
    reference="Bujkiewicz et al. (2019), on joint models that borrow from a surrogate outcome; Prentice (1989)",
    fit=fit,
    priors=FAMILIES,
)
