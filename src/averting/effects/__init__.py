"""What the programme did: estimators, their inference, and what may be said."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from averting.data import Indicator, load_indicators
from averting.design import Design
from averting.design.events import COVARIATE as EVENT
from averting.effects.averted import Averted
from averting.effects.bayes.priors import Prior, load_priors
from averting.effects.estimator import Estimator, Feature, Progress, Request, silent
from averting.effects.inference.choice import choose_inference
from averting.effects.result import Effect, Estimand
from averting.effects.verdict import CAUTIONS, RULES, Verdict, cautions
from averting.errors import EstimationError
from averting.registry import collect

__all__ = [
    "CAUTIONS",
    "RULES",
    "Averted",
    "Effect",
    "Estimand",
    "Estimator",
    "Verdict",
    "cautions",
    "estimate",
    "known_estimators",
]


def not_a_count(indicator: Indicator) -> str:
    """Say that an indicator cannot be estimated because it is no count."""
    return (
        f"'{indicator.key}' ({indicator.label}) is declared as a {indicator.kind}, and estimators take counts. "
        "Estimate an indicator of kind 'count', or declare one of your own that counts what you mean. In Python, "
        "method='bayes_gaussian' takes means and shares."
    )


DEFAULT_METHOD = "ratio_did"


def known_estimators() -> dict[str, Estimator]:
    """Return every estimator, keyed by the name used in ``evaluation.toml``."""
    return collect("averting.effects.estimators", "ESTIMATOR", Estimator)


def estimate(
    design: Design,
    indicator: str,
    *,
    method: str = "auto",
    inference: str = "auto",
    covariates: Sequence[str] = (),
    prior: str | Prior = "neutral",
    alongside: str = "",
    cluster: str = "",
    level: float = 0.95,
    draws: int = 4_000,
    seed: int = 1,
    progress: Progress = silent,
) -> Effect:
    """Estimate the effect of a programme on one indicator.

    Parameters
    ----------
    design : Design
        Who is compared with whom, from when.
    indicator : str
        Key of an indicator in the design's panel.
    method : str
        ``auto`` (ratio difference-in-differences, permuted) or a key of :func:`known_estimators`.
    inference : str
        ``auto`` (chosen by the number of pilots; the Effect says why), or one the method offers.
    covariates : sequence of str
        Covariates of the panel to adjust for, where the method can; ``event:<id>`` where the panel has an event's.
    prior : {"neutral", "sceptical", "enthusiastic"} or Prior
        What a Bayesian method expects of the programme before seeing the data: a family of priors, or a prior on the log of
        the ratio, such as :func:`averting.appraisal.what_works.directory_prior` makes from an entry of the directory.
    alongside : str
        Key of a second, commoner count to model together with the first, where the method can.
    cluster : str
        Label of the panel whose members share shocks, such as ``la``, for the standard errors of a regression.
    level : float
        Level of the interval, between 0.5 and 0.999.
    draws : int
        Number of draws to return, at least 100.
    seed : int
        Seed of every random number; the same seed gives the same Effect.
    progress : callable
        Is told, in words, what is being done.

    Raises
    ------
    EstimationError
        If an option is unknown, the indicator is no count, comparison units have no event before or after the first
        start, or the design does not allow the method.
    MissingExtraError
        If the method needs an extra that is not installed.

    Examples
    --------
    >>> made = av.simulate_pilot(seed=1, pilots=2, comparison=12)
    >>> design = av.Design(made.panel(), pilots=list(made.pilots), start="2021/22", comparison="all")
    >>> av.estimate(design, "permanent_exclusions", method="ratio_did", draws=200, seed=1)
    Effect(permanent_exclusions, ratio_did: ratio ..., 95% interval ...; too uncertain to tell)
    """
    known = known_estimators()
    key = DEFAULT_METHOD if method == "auto" else method
    if key not in known:
        raise EstimationError(f"method '{method}' is not known. Use 'auto' or one of: {', '.join(known)}.")
    _refuse_kind(key, known[key], design, indicator, alongside)
    if not 0.5 <= level <= 0.999:
        raise EstimationError(f"level is {level}; it must be between 0.5 and 0.999, for example 0.95.")
    if draws < 100:
        raise EstimationError(f"draws is {draws}; at least 100 are needed to describe an interval.")
    spec = known[key]
    _refuse_unsupported(key, spec, design, tuple(covariates), alongside, cluster)
    _refuse_prior(key, spec, prior)
    if spec.takes == "count":
        refuse_unrecorded(key, design, indicator)
    chosen, reason = resolve_inference(key, spec, inference, design)
    return spec.fit(
        design,
        Request(
            indicator, chosen, reason, tuple(covariates), level, draws, seed, progress, prior, alongside, cluster
        ),
    )


def _refuse_prior(key: str, spec: Estimator, prior: str | Prior) -> None:
    if isinstance(prior, Prior) and spec.priors:
        load_priors(key, prior)
    elif prior != "neutral" and prior not in spec.priors:
        families = f"one of: {', '.join(spec.priors)}" if spec.priors else "none: it is not Bayesian"
        raise EstimationError(f"{key} has no prior '{prior}'. It takes {families}.")


def refuse_unrecorded(method: str, design: Design, indicator: str) -> None:
    """Refuse comparison units without any event before, or after, the first start.

    Whether they had none or nobody counted them, they show no path; against a flat line of noughts any method finds
    an effect, and calls it certain.

    Raises
    ------
    EstimationError
        Saying on which side of the start.
    """
    counts = design.counts(indicator)
    rest, late = counts.upper[len(design.pilots) :], counts.treated.any(axis=0)
    start = min(design.starts.values())
    for when, chosen in ((f"before {start}", ~late), (f"from {start} on", late)):
        if np.isfinite(rest[:, chosen]).any() and np.nansum(rest[:, chosen]) == 0:
            raise EstimationError(
                f"{method}: the comparison {design.panel.units} have no {indicator} {when}, so they do not show what "
                "would have happened without the programme. Check that the indicator was recorded then, use more "
                "periods, or a commoner indicator."
            )


def _refuse_kind(key: str, spec: Estimator, design: Design, indicator: str, alongside: str) -> None:
    """Refuse a count where a method takes means and shares, and the other way about."""
    if spec.takes == "measure":
        if indicator not in design.panel.measures:
            had = ", ".join(design.panel.measures) or "none; name them as measures when reading the file"
            raise EstimationError(
                f"{key} takes a mean or a share, such as attainment, and '{indicator}' is not among the data's: {had}. "
                "For a count use method='bayes_count'."
            )
        return
    for named in (indicator, alongside):
        declared = load_indicators().get(named)
        if declared is not None and declared.kind != "count":
            raise EstimationError(not_a_count(declared))


def resolve_inference(key: str, spec: Estimator, asked: str, design: Design) -> tuple[str, str]:
    """Return the kind of inference to use, and why where ``auto`` chose it.

    Raises
    ------
    EstimationError
        If the method does not offer what was asked.
    """
    if asked == "auto":
        return choose_inference(spec.inferences, design)
    if asked not in spec.inferences:
        offered = ", ".join(f"'{name}'" for name in spec.inferences)
        raise EstimationError(f"{key} has no inference '{asked}'. It offers 'auto' and {offered}.")
    return asked, ""


def _refuse_unsupported(
    key: str, spec: Estimator, design: Design, covariates: tuple[str, ...], alongside: str, cluster: str
) -> None:
    """Refuse by name what a method cannot do, rather than leave it out without a word."""
    needed: dict[Feature, tuple[bool, str]] = {
        "weights": (design.weighted, "weights of comparison schools"),
        "covariates": (bool(covariates), "covariates"),
        "changing_covariates": (
            any(name.startswith(EVENT) for name in covariates),
            "an event as a covariate, because it changes over time",
        ),
        "staggered": (design.common_start is None, "pilots that start in different periods"),
        "alongside": (bool(alongside), "a second indicator alongside"),
        "cluster": (bool(cluster), "clusters of its units"),
    }
    for feature, (asked, words) in needed.items():
        if asked and feature not in spec.supports:
            able = [name for name, other in known_estimators().items() if feature in other.supports]
            raise EstimationError(f"{key} cannot use {words}. Methods that can: {', '.join(able) or 'none'}.")
