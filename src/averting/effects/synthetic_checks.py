"""What to know before believing a synthetic twin: its fit, who it is made of, and what its placebos can show."""

from __future__ import annotations

import numpy as np

from averting.checks import CheckResult
from averting.design import Counts, Design
from averting.effects.kernels.simplex import Array
from averting.effects.kernels.synthetic import Synthetic, noise_level
from averting.effects.outcomes import MOST_LEVEL_GAP

POOR_FIT = 0.25
"""Gap before the start, relative to the pilots' level, from which the twin is called a poor one: our own convention."""

NOTICED = 0.01
"""A school counts as part of the twin from this weight."""

FEW_DONORS = 3


def synthetic_checks(
    key: str,
    design: Design,
    counts: Counts,
    outcomes: Array,
    fitted: Synthetic,
    placebos: int,
    exact: bool,
    alpha: float,
) -> tuple[CheckResult, ...]:
    """Return the design's checks and those of one fit, middle fill.

    Parameters
    ----------
    key : str
        The estimator's name.
    design, counts : Design, Counts
        Give pilots, bounds and periods.
    outcomes : array (school, period)
        Rates, pilots first.
    fitted : Synthetic
        The pilots in row 0.
    placebos : int
        Number of placebo sets.
    exact : bool
        Whether they are all that there are.
    alpha : float
        One minus the level of the interval.
    """
    before, pilots = outcomes[:, ~counts.treated[0]], len(design.pilots)
    return (
        *design.checks,
        _placebos(key, placebos, exact, alpha, pilots, len(design.comparison)),
        _fit(key, before, fitted, ~counts.treated[0], pilots),
        _donors(key, fitted.weights[0]),
        _levels(key, before, pilots),
        _suppression(key, counts),
    )


def _placebos(key: str, placebos: int, exact: bool, alpha: float, pilots: int, others: int) -> CheckResult:
    smallest = 1.0 / (placebos + 1)
    blind = smallest > alpha
    kind = "all" if exact else "a random sample of"
    return CheckResult(
        f"{key}/permutations",
        "fail" if blind else "pass",
        f"{kind} {placebos:,} sets of {pilots} others were put in the pilots' place; the smallest "
        f"p-value this design can give is {smallest:.3g}. A placebo's twin is made from {others - pilots} others and never "
        f"from the pilots, the pilots' from {others}: the two are not quite alike, so p-values may be a little too small.",
        f"No result of this design could be significant at {alpha:.3g}: add more to compare with."
        if blind
        else "",
    )


def _fit(key: str, before: Array, fitted: Synthetic, early: Array, pilots: int) -> CheckResult:
    gap = fitted.gap[0][early.astype(bool)]
    missed = float(np.sqrt((gap**2).mean()))
    level = float(before[:pilots].mean())
    own, others = before[:pilots].mean(0), before[pilots:]
    outside = int(((own < others.min(0)) | (own > others.max(0))).sum())
    donors = np.arange(len(before))[None] >= pilots
    noise = float(noise_level(before, donors)[0]) / np.sqrt(pilots)
    poor = missed > POOR_FIT * level
    words = (
        f"before the start the twin misses the pilots by {missed / level:.0%} of their level (root mean square; over "
        f"{POOR_FIT:.0%} is called poor), {missed / noise if noise > 0 else 0.0:.2f} of the noise of as many others. "
        f"The pilots lie outside the range of those they are compared with in {outside} of {len(own)} periods."
    )
    advice = "Do not read the gap after the start as an effect: use method='ratio_did'."
    close = "A close fit to few periods of rare counts is partly luck: it follows noise as well as level."
    return CheckResult(
        f"{key}/pre_fit", "warn" if poor or outside else "pass", words, advice if poor or outside else close
    )


def _donors(key: str, weights: Array) -> CheckResult:
    number = int((np.abs(weights) >= NOTICED).sum())
    largest = float(weights.max())
    few = number < FEW_DONORS or largest > 0.5
    return CheckResult(
        f"{key}/donors",
        "warn" if few else "pass",
        f"{number} of those compared with have a weight of {NOTICED:.0%} or more; the largest is {largest:.0%}. Fewer than "
        f"{FEW_DONORS}, or one with over half, leave the result to what happened in single ones.",
        "Leave the largest out and see whether the answer stays." if few else "",
    )


def _levels(key: str, before: Array, pilots: int) -> CheckResult:
    own, others = float(before[:pilots].mean()), float(before[pilots:].mean())
    ratio = own / others if others > 0 else np.inf
    unfair = not 1 / MOST_LEVEL_GAP <= ratio <= MOST_LEVEL_GAP
    return CheckResult(
        f"{key}/levels",
        "fail" if unfair else "pass",
        f"before the start the pilots' rate is {ratio:.2f} times that of the others. Rarer counts vary less, so "
        f"placebos judge chance fairly only where levels are alike (within {MOST_LEVEL_GAP} times; at 2.5 times, 30 % of "
        "programmes without any effect were called).",
        "The p-value and interval are not to be relied on: use method='ratio_did', which allows for levels."
        if unfair
        else "",
    )


def _suppression(key: str, counts: Counts) -> CheckResult:
    suppressed, cells = int((counts.upper > counts.lower).sum()), int(np.isfinite(counts.upper).sum())
    return CheckResult(
        f"{key}/suppression",
        "warn" if suppressed else "pass",
        f"{suppressed} of {cells} cells are suppressed. The interval joins three fills: the middle of each range, and "
        "the ends for and against the programme. Weights change with the fill, so other fills could lie outside."
        if suppressed
        else "No cell is suppressed.",
        "Use method='ratio_did', whose interval covers every fill." if suppressed else "",
    )
