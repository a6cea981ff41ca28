"""A quick look at one effect, for notebooks; reports use :mod:`averting.reporting.figures`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from averting.errors import MissingExtraError

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from averting.effects.result import Effect


def plot_effect(effect: Effect, *, ax: Axes | None = None) -> Axes:
    """Draw a histogram of the draws, the interval and the line of no effect.

    Parameters
    ----------
    effect : Effect
        What to draw.
    ax : Axes, optional
        Where to draw; by default on a new figure.

    Raises
    ------
    MissingExtraError
        Without matplotlib (the ``report`` extra).
    """
    try:
        import matplotlib.pyplot as plt
    except ImportError as error:
        raise MissingExtraError("report", "plotting an effect") from error
    if ax is None:
        _, ax = plt.subplots(figsize=(6, 3), layout="constrained")
    draws = effect.draws.to_numpy()
    least, most = np.quantile(draws, [0.005, 0.995])
    shown = draws[(draws >= least) & (draws <= most)]
    ax.hist(shown, bins=40, color="#9db7d5", edgecolor="none")
    ax.axvline(effect.estimand.no_effect, color="#0b0c0c", linewidth=1, linestyle="--")
    lower, upper = effect.interval
    # an interval without a bound, or far beyond the draws, runs to the edge of what is shown
    ax.hlines(0, max(lower, least), min(upper, most), color="#12436d", linewidth=5)
    ax.plot(effect.estimate, 0, "o", color="#12436d", clip_on=False)
    ax.set(xlabel=f"{effect.estimand.scale}: {effect.estimand.contrast}", yticks=[], title=str(effect.verdict))
    return ax
