"""What an estimator declares about itself, so that one file is enough to add one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from averting.design import Design
from averting.effects.result import Effect

Progress = Callable[[str], None]


def silent(_message: str) -> None:
    """Report progress to nobody."""


class Fit(Protocol):
    """Signature of every estimator."""

    def __call__(
        self, design: Design, indicator: str, *, level: float, draws: int, seed: int, progress: Progress
    ) -> Effect:
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
    inference : str
        The one inference it comes with: ``permutation`` or ``posterior``.
    reference : str
        Paper or guidance the method follows.
    fit : Fit
        The function.
    """

    label: str
    assumption: str
    inference: str
    reference: str
    fit: Fit
