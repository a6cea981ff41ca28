"""What an estimator declares about itself, so that one file is enough to add one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, Protocol

from averting.design import Design
from averting.effects.bayes.priors import Prior
from averting.effects.result import Effect

Progress = Callable[[str], None]
Feature = Literal["weights", "covariates", "changing_covariates", "staggered", "alongside", "cluster"]


def silent(_message: str) -> None:
    """Report progress to nobody."""


@dataclass(frozen=True)
class Request:
    """What is asked of an estimator; :func:`averting.effects.estimate` has checked all of it.

    Parameters
    ----------
    indicator : str
        Key of a count in the design's panel.
    inference : str
        One of the estimator's own ``inferences``; ``auto`` is resolved before.
    reason : str
        Why this inference, where ``auto`` chose it; empty where it was asked for.
    covariates : tuple of str
        Covariates of the panel to adjust for; empty unless the estimator declares that it can.
    level : float
        Level of the interval.
    draws : int
        Number of draws to return.
    seed : int
        Seed of every random number.
    progress : callable
        Is told, in words, what is being done.
    prior : str or Prior
        Family of priors, one of the estimator's own; ``neutral`` where it has none; or a prior on the effect.
    alongside : str
        Key of a second count to model together with the first; empty unless the estimator declares that it can.
    cluster : str
        Label of the panel whose members share shocks, such as ``la``; empty where each unit stands alone.
    """

    indicator: str
    inference: str
    reason: str = ""
    covariates: tuple[str, ...] = ()
    level: float = 0.95
    draws: int = 4_000
    seed: int = 1
    progress: Progress = silent
    prior: str | Prior = "neutral"
    alongside: str = ""
    cluster: str = ""

    @property
    def alpha(self) -> float:
        """One minus the level, rounded so that a p-value of exactly 0.1 is no larger than 1 - 0.9."""
        return round(1 - self.level, 9)


class Fit(Protocol):
    """Signature of every estimator."""

    def __call__(self, design: Design, request: Request) -> Effect:
        """Estimate the effect of the programme on one indicator."""
        ...


@dataclass(frozen=True)
class Estimator:
    """Specification of one estimator.

    Parameters
    ----------
    label : str
        Name for reports.
    assumption : str
        What must be true for the estimate to be the programme's effect, in words.
    inferences : tuple of str
        The kinds of inference it offers, such as ``permutation`` or ``cr3``, the one for many pilots first.
    supports : frozenset of {"weights", "covariates", "changing_covariates", "staggered", "alongside", "cluster"}
        What it can do; a design or request that needs more is refused by name before ``fit`` is called.
    reference : str
        Paper or guidance the method follows.
    fit : Fit
        The function.
    priors : tuple of str
        Families of priors it can be fitted with; none unless it is Bayesian.
    takes : {"count", "measure"}
        Counts over an exposure, or a panel's means and shares.
    """

    label: str
    assumption: str
    inferences: tuple[str, ...]
    supports: frozenset[Feature]
    reference: str
    fit: Fit
    priors: tuple[str, ...] = ()
    takes: Literal["count", "measure"] = "count"
