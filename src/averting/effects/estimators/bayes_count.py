"""Negative-binomial hierarchical difference-in-differences with exposure (PyMC, sampled by nutpie).

Schools differ in level, years share shocks, and every school has a lasting shock of its own from the start on,
so that what three pilots did after the start counts as three observations of change, not as many. A suppressed
count contributes the probability of its interval.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import NDArray
from scipy.special import gammaln, logsumexp

from averting import units
from averting.checks import CheckResult
from averting.design import Counts, Design
from averting.draws import stream
from averting.effects.estimator import Estimator, Request
from averting.effects.outcomes import label_change
from averting.effects.result import Effect, Estimand
from averting.errors import EstimationError, MissingExtraError
from averting.resources import models_dir

CHAINS = 4
TUNE = 1_000
WIDEST_INTERVAL = 20
R_HAT_LIMIT, ESS_LIMIT = 1.01, 400.0
_STORED = ("log_ratio", "level", "school_sd", "period_sd", "shock_sd", "dispersion")


@dataclass(frozen=True)
class _Cells:
    """Known cells of one indicator, flattened: positions, bounds, exposure and treatment, each (cell,)."""

    school: NDArray[np.intp]
    period: NDArray[np.intp]
    lower: NDArray[np.int64]
    upper: NDArray[np.int64]
    log_exposure: NDArray[np.float64]
    treated: NDArray[np.float64]
    after: NDArray[np.float64]
    centre: float

    @property
    def exact(self) -> NDArray[np.bool_]:
        return np.equal(self.lower, self.upper)


def priors() -> dict[str, dict[str, Any]]:
    """Return the declared priors of this model, from ``models/priors/bayes_count.toml``."""
    with (models_dir() / "priors" / "bayes_count.toml").open("rb") as handle:
        return tomllib.load(handle)


def _refuse_unusable(design: Design, counts: Counts, indicator: str) -> None:
    """Refuse data from which only the prior would come back."""
    known = np.isfinite(counts.upper)
    pilots, first = len(design.pilots), min(design.starts.values())
    early = np.array([label < first for label in design.periods])
    for part, whose in (
        (known[:pilots] & counts.treated[:pilots], "the pilots from their start on"),
        (known[:pilots] & ~counts.treated[:pilots], "the pilots before their start"),
        (known[pilots:] & early, f"the comparison schools before {first}"),
        (known[pilots:] & ~early, f"the comparison schools from {first} on"),
    ):
        if not part.any():
            raise EstimationError(f"bayes_count: no {indicator} is known for {whose}. Add those years' data.")


def _cells(design: Design, counts: Counts) -> _Cells:
    known = np.isfinite(counts.upper)
    if (counts.upper[known] - counts.lower[known]).max(initial=0.0) > WIDEST_INTERVAL:
        raise EstimationError(f"bayes_count: a suppressed count's bounds are more than {WIDEST_INTERVAL} apart.")
    school, period = np.nonzero(known)
    first = min(design.starts.values())
    late = np.array([label >= first for label in design.periods])
    # a comparison school's shock sets in when the first pilot starts, a pilot's own when it starts
    after = np.where(np.arange(len(known))[:, None] < len(design.pilots), counts.treated, late)
    before = ~late[None, :] & known & (np.arange(len(known))[:, None] >= len(design.pilots))
    events = 0.5 * (counts.lower + counts.upper)[before].sum()
    return _Cells(
        school,
        period,
        counts.lower[known].astype(np.int64),
        counts.upper[known].astype(np.int64),
        np.log(counts.exposure[known]),
        counts.treated[known].astype(np.float64),
        after[known].astype(np.float64),
        float(np.log(max(events, 0.5) / counts.exposure[before].sum())),
    )


def _build_model(cells: _Cells, schools: int, periods: int) -> Any:
    """Build the PyMC model of :func:`fit`; every prior is read from its declared table."""
    import pymc as pm
    import pytensor.tensor as pt

    prior = priors()
    with pm.Model() as model:
        normal = {name: pm.Normal(name, prior[name]["mean"], prior[name]["sd"]) for name in ("log_ratio", "level")}
        spread = {
            name: pm.HalfNormal(name, prior[name]["sd"])
            for name in ("school_sd", "period_sd", "shock_sd", "dispersion")
        }
        # non-centred: with few events a school, level and spread would otherwise make a funnel
        school = pm.Normal("school", 0.0, 1.0, shape=schools)
        period = pm.Normal("period", 0.0, 1.0, shape=periods)
        shock = pm.Normal("shock", 0.0, 1.0, shape=schools)
        log_rate = (
            cells.centre
            + normal["level"]
            + spread["school_sd"] * school[cells.school]
            + spread["period_sd"] * period[cells.period]
            + spread["shock_sd"] * shock[cells.school] * cells.after
            + normal["log_ratio"] * cells.treated
        )
        mean = pt.exp(log_rate + cells.log_exposure)
        size = 1.0 / (spread["dispersion"] + 1e-6)
        exact = cells.exact
        counts = pm.NegativeBinomial.dist(mu=mean[exact], alpha=size)
        pm.Potential("observed", pm.logp(counts, cells.lower[exact]).sum())
        if not exact.all():
            pm.Potential("suppressed", _interval_log_probability(cells, mean, size).sum())
    return model


def _interval_log_probability(cells: _Cells, mean: Any, size: Any) -> Any:
    """Log probability that each suppressed count lies within its bounds, summed over the few values it can be."""
    import pymc as pm
    import pytensor.tensor as pt
    from pytensor.tensor.special import logsumexp as logsumexp_of

    hidden = ~cells.exact
    lower, upper = cells.lower[hidden], cells.upper[hidden]
    terms = []
    for extra in range(int((upper - lower).max()) + 1):
        inside = lower + extra <= upper
        log_p = pm.logp(pm.NegativeBinomial.dist(mu=mean[hidden], alpha=size), np.minimum(lower + extra, upper))
        terms.append(pt.switch(inside, log_p, -np.inf))
    return logsumexp_of(pt.stack(terms), axis=0)  # type: ignore[no-untyped-call]


def _sample(model: Any, draws: int, seed: int) -> Any:
    import nutpie
    from pytensor.configdefaults import config

    # fast-math lets code compiled afresh and code read from the compiler's cache round differently, and the
    # sampler turns one bit into another path: without it the same seed gives the same draws, at no cost measured
    with config.change_flags(numba__fastmath=False):
        compiled = nutpie.compile_pymc_model(model)
    return nutpie.sample(
        compiled, draws=-(-draws // CHAINS), tune=TUNE, chains=CHAINS, cores=2, seed=seed, progress_bar=False
    )


def _flat(posterior: Any, name: str) -> NDArray[np.float64]:
    """Return one variable with chains joined, (draw, ...)."""
    values = np.asarray(posterior[name].to_numpy(), dtype=np.float64)
    return values.reshape(-1, *values.shape[2:])


def _counterfactual_mean(
    posterior: Any, cells: _Cells, exposure: NDArray[np.float64], pilots: int, after: NDArray[np.bool_]
) -> NDArray[np.float64]:
    """Return the pilots' expected events without the programme, (draw, pilot, period)."""
    school = _flat(posterior, "school_sd")[:, None] * _flat(posterior, "school")[:, :pilots]
    shock = _flat(posterior, "shock_sd")[:, None] * _flat(posterior, "shock")[:, :pilots]
    period = _flat(posterior, "period_sd")[:, None] * _flat(posterior, "period")
    level = cells.centre + _flat(posterior, "level")
    log_rate = level[:, None, None] + school[:, :, None] + period[:, None, :] + shock[:, :, None] * after
    return np.asarray(np.exp(log_rate) * exposure)


def _negative_binomial_log_pmf(
    k: NDArray[np.float64], mean: NDArray[np.float64], size: NDArray[np.float64]
) -> NDArray[np.float64]:
    share = np.log(size / (size + mean))
    return np.asarray(
        gammaln(k + size) - gammaln(size) - gammaln(k + 1) + size * share + k * np.log(mean / (size + mean))
    )


def _observed_draws(
    lower: NDArray[np.float64],
    upper: NDArray[np.float64],
    mean: NDArray[np.float64],
    size: NDArray[np.float64],
    rng: np.random.Generator,
) -> NDArray[np.float64]:
    """Draw each pilot's observed count, (draw, pilot, period): itself, or within its bounds where hidden."""
    observed = np.broadcast_to(np.nan_to_num(lower), mean.shape).copy()
    for row, column in np.argwhere(upper > lower):
        values = np.arange(lower[row, column], upper[row, column] + 1)
        log_p = _negative_binomial_log_pmf(values, mean[:, row, column, None], size[:, None])
        share = np.exp(log_p - logsumexp(log_p, axis=1, keepdims=True)).cumsum(1)
        pick = (rng.random(len(share))[:, None] > share).sum(1)
        observed[:, row, column] = values[np.minimum(pick, len(values) - 1)]
    return observed


def _change(
    posterior: Any, cells: _Cells, counts: Counts, pilots: int, rng: np.random.Generator
) -> NDArray[np.float64]:
    """Pilot minus a posterior predictive count without the programme, (draw, pilot, period)."""
    lower, upper, exposure = (array[:pilots] for array in (counts.lower, counts.upper, counts.exposure))
    treated = counts.treated[:pilots]
    mean = _counterfactual_mean(posterior, cells, np.nan_to_num(exposure), pilots, treated)
    size = 1.0 / (_flat(posterior, "dispersion") + 1e-6)
    without = rng.poisson(rng.gamma(size[:, None, None], np.maximum(mean, 1e-12) / size[:, None, None]))
    with_programme = np.maximum(mean, 1e-12) * np.exp(_flat(posterior, "log_ratio"))[:, None, None]
    observed = _observed_draws(lower, upper, with_programme, size, rng)
    counted = treated & np.isfinite(upper)
    return np.where(counted, observed - without, 0.0)


def _diagnostics(trace: Any) -> tuple[list[CheckResult], pd.DataFrame]:
    from arviz_stats.summary import summary as summarise

    summary = summarise(  # type: ignore[no-untyped-call]
        trace, var_names=list(_STORED), kind="all", round_to="none"
    ).astype(float)
    divergences = int(trace["sample_stats"]["diverging"].sum())
    r_hat, ess = float(summary["r_hat"].max()), float(summary["ess_bulk"].min())
    redo = "Do not use this fit: see the sampler's advice, or use method='ratio_did'."

    def check(key: str, ok: bool, message: str) -> CheckResult:
        return CheckResult(f"sampler/{key}", "pass" if ok else "fail", message, "" if ok else redo)

    return [
        check("r_hat", r_hat <= R_HAT_LIMIT, f"Largest R-hat is {r_hat:.3f}; it should be at most {R_HAT_LIMIT}."),
        check(
            "ess", ess >= ESS_LIMIT, f"Smallest bulk effective sample size is {ess:.0f}; at least {ESS_LIMIT:.0f}."
        ),
        check("divergences", divergences == 0, f"{divergences} divergent transitions; there should be none."),
    ], summary.rename_axis("parameter").reset_index()


def _prior_table() -> pd.DataFrame:
    rows = [
        {
            "parameter": name,
            "meaning": table["meaning"],
            "prior": f"{table['family'].replace('_', '-')}({table.get('mean', 0)}, {table['sd']})",
            "source": table["source"],
        }
        for name, table in priors().items()
    ]
    return pd.DataFrame(rows)


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
    try:
        import nutpie  # noqa: F401
        import pymc  # noqa: F401
    except ImportError as error:
        raise MissingExtraError("bayes", "method 'bayes_count'") from error
    indicator, draws, seed = request.indicator, request.draws, request.seed
    counts = design.counts(indicator)
    _refuse_unusable(design, counts, indicator)
    cells = _cells(design, counts)
    pilots = len(design.pilots)
    request.progress(f"compiling and sampling: {len(cells.lower):,} school-years, {CHAINS} chains")
    model = _build_model(cells, len(design.schools), len(design.periods))
    trace = _sample(model, draws, int(stream(seed, f"effects/bayes_count/{indicator}").integers(2**31)))
    posterior = trace["posterior"]
    checks, summary = _diagnostics(trace)
    keep = slice(0, draws)
    ratio = np.exp(_flat(posterior, "log_ratio"))[keep]
    change = _change(posterior, cells, counts, pilots, stream(seed, f"effects/bayes_count/{indicator}/predict"))[
        keep
    ]
    tail = (1 - request.level) / 2
    lower, middle, upper = np.quantile(ratio, [tail, 0.5, 1 - tail])
    return Effect(
        estimand=Estimand(
            indicator,
            contrast="rate with the programme over the rate without it",
            population=f"{pilots} pilot schools, from their start",
            scale="ratio",
        ),
        method="bayes_count",
        inference="posterior, equal-tailed interval",
        estimate=float(middle),
        interval=(float(lower), float(upper)),
        level=request.level,
        draws=units.label(xr.DataArray(ratio, dims="draw", coords={"draw": np.arange(len(ratio))}), "ratio"),
        draw_kind="posterior",
        change=label_change(change, design),
        checks=(*design.checks, *checks, *_CALIBRATION),
        tables={"posterior": summary, "priors": _prior_table()},
    )


_CALIBRATION = (
    CheckResult(
        "bayes_count/calibration",
        "info",
        "In the project's measurements a model of this kind called 7 % of null effects in schools like the rest, "
        "and 15 to 17 % where pilots exclude 2.5 times as much (100 replications each).",
        "Where pilots were chosen because they exclude more, lean on the permuted estimate.",
    ),
)

ESTIMATOR = Estimator(
    label="Negative-binomial hierarchy",
    assumption="Without the programme, each pilot's rate would have followed its own level, the years' common "
    "shocks, and a lasting shock drawn from the same spread as every other school's.",
    inferences=("posterior",),
    supports=frozenset({"staggered"}),
    reference="Gelman and Hill (2007), chapters 6 and 15; Gelman (2006) for half-normal spreads",
    fit=fit,
)
