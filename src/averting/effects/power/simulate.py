"""Simulate pilots before there are any, and count what the test would say of them."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from averting.checks import CheckResult
from averting.draws import stream
from averting.effects.kernels.permutation import reference_sets
from averting.effects.kernels.trials import NOT_ESTIMABLE, call_verdicts, change_counts
from averting.effects.power.noise import DeclaredNoise, PanelNoise
from averting.effects.power.result import VERDICTS, Power
from averting.errors import EstimationError
from averting.parallel import Advance, Workers, no_advance

RATIOS = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0, 1.25, 1.5, 2.0)
"""True ratios of rates simulated unless others are asked for."""

BATCH = 100
_SETS = 1_000


class _Task(NamedTuple):
    noise: DeclaredNoise | PanelNoise
    pilots: int
    years_after: int
    ratios: tuple[float, ...]
    level: float
    trials: int
    seed: int
    batch: int


def simulate_power(
    noise: DeclaredNoise | PanelNoise,
    *,
    pilots: Sequence[int],
    years_after: Sequence[int],
    ratios: Sequence[float] = RATIOS,
    level: float = 0.95,
    trials: int = 1_000,
    seed: int = 1,
    workers: int | None = 1,
    cluster: str | None = None,
    advance: Advance = no_advance,
) -> Power:
    """Find the chance of each verdict of ``ratio_did`` for a design that has not begun.

    Pilots without an effect are drawn; their events after the start are thinned (a true fall) or added to (a true
    rise); the permutation test of ``ratio_did`` is applied, on at most 1,000 sets of schools where an evaluation
    uses 20,000, which costs little power [davison_hinkley_1997]_. Suppressed counts are suppressed again, so that
    the price of suppression is in the result.

    Parameters
    ----------
    noise : DeclaredNoise or PanelNoise
        Where schools without an effect come from.
    pilots, years_after : sequence of int
        Every combination is simulated.
    ratios : sequence of float
        True ratios of rates; 1 is always among them.
    level : float
        Level of the interval that must exclude no effect, between 0.5 and 0.999.
    trials : int
        Simulated pilots for each combination and ratio; the same ones for each ratio.
    seed : int
        Seed of every random number; the result depends on nothing else, whatever runs it.
    workers : int or None
        Processes; None takes every core where that saves time. In a script, other than 1 needs
        ``if __name__ == "__main__":``.
    cluster : str, optional
        Address of a Dask scheduler, instead of processes here; needs the ``scale`` extra.
    advance : callable
        Is told how many tasks are done, of how many.

    Raises
    ------
    EstimationError
        If an option is out of range, or the noise cannot serve the design.
    MissingExtraError
        If a cluster is named and the ``scale`` extra is not installed.

    References
    ----------
    .. [davison_hinkley_1997] Davison, A. C. and Hinkley, D. V. (1997). Bootstrap Methods and their Application.
       Cambridge University Press, section 4.2.5.
    """
    wanted = tuple(sorted({float(ratio) for ratio in (*ratios, 1.0)}))
    _refuse_options(pilots, years_after, wanted, level, trials)
    checks = noise.checks(pilots, years_after)
    sizes = [min(BATCH, trials - first) for first in range(0, trials, BATCH)]
    tasks = [
        _Task(noise, few, years, wanted, level, size, seed, batch)
        for few, years, (batch, size) in product(sorted(set(pilots)), sorted(set(years_after)), enumerate(sizes))
    ]
    counted = Workers(workers, cluster).map(_count_verdicts, tasks, advance=advance)
    tallies: dict[tuple[int, int], NDArray[np.int64]] = {}
    for task, found in zip(tasks, counted, strict=True):
        at = (task.pilots, task.years_after)
        tallies[at] = tallies.get(at, np.zeros_like(found)) + found
    table = pd.DataFrame(
        [
            {"pilots": few, "years_after": years, "ratio": ratio, "change": round(100 * (ratio - 1), 6)}
            | {name: float(n) / trials for name, n in zip(VERDICTS, row, strict=True)}
            for (few, years), tally in tallies.items()
            for ratio, row in zip(wanted, tally, strict=True)
        ]
    )
    return Power(
        table, noise.basis, level, trials, (*checks, *_blind_checks(table), *_size_checks(table, level, trials))
    )


def _refuse_options(
    pilots: Sequence[int], years_after: Sequence[int], ratios: tuple[float, ...], level: float, trials: int
) -> None:
    for name, value, fine, allowed in (
        ("pilots", list(pilots), len(pilots) > 0 and min(pilots, default=0) >= 1, "numbers from 1 on"),
        ("years_after", list(years_after), min(years_after, default=0) >= 1, "numbers from 1 on"),
        ("ratios", list(ratios), ratios[0] >= 0 and np.isfinite(ratios).all(), "ratios of 0 or more"),
        ("level", level, 0.5 <= level <= 0.999, "a level between 0.5 and 0.999"),
        ("trials", trials, trials >= BATCH, f"{BATCH} or more, or the chances mean little"),
    ):
        if not fine:
            raise EstimationError(f"power: {name} is {value}. Give {allowed}.")


def _count_verdicts(task: _Task) -> NDArray[np.int64]:
    """Return how many trials of one batch end in each verdict, shape (ratio, verdict)."""
    where = f"power/{task.pilots}/{task.years_after}/{task.batch}"
    base = task.noise.draw(task.pilots, task.years_after, task.trials, stream(task.seed, f"{where}/draw"))
    units, few = base.counts.shape[1], task.pilots
    rng = stream(task.seed, f"{where}/sets")
    sets, _ = reference_sets(units, few, most=_SETS, rng=rng)
    alpha = round(1 - task.level, 9)
    tally = np.zeros((len(task.ratios), len(VERDICTS)), dtype=np.int64)
    for row, ratio in enumerate(task.ratios):
        if 1 / len(sets) > alpha:  # no result could be significant, which ratio_did calls not estimable
            tally[row, NOT_ESTIMABLE] = task.trials
            continue
        counts = base.counts.copy()
        part = np.ix_(np.arange(task.trials), np.arange(few), np.flatnonzero(base.after))
        change = stream(task.seed, f"{where}/ratio {ratio:g}")
        counts[part] = change_counts(base.counts[part], base.expected[part], ratio, change)
        codes = call_verdicts(
            counts.astype(np.float64),
            base.exposure,
            base.after,
            pilots=few,
            sets=sets,
            alpha=alpha,
            hidden=task.noise.hidden,
        )
        tally[row] = np.bincount(codes, minlength=len(VERDICTS))
    return tally


def _blind_checks(table: pd.DataFrame) -> tuple[CheckResult, ...]:
    never = table.groupby("pilots")["not_estimable"].min()
    blind = [str(few) for few, share in never.items() if share == 1.0]
    if not blind:
        return ()
    message = f"Pilots: {', '.join(blind)}. There are too few sets of schools for any result to be significant."
    return (CheckResult("power/permutations", "fail", message, "Add comparison schools."),)


def _size_checks(table: pd.DataFrame, level: float, trials: int) -> tuple[CheckResult, ...]:
    """Hold the chance of a verdict without an effect against the level it was asked for."""
    none = table[table["ratio"] == 1.0]
    largest, alpha = float((none["reduction"] + none["increase"]).max()), 1 - level
    beyond = largest > alpha + 0.02 + 3 * np.sqrt(alpha * level / trials)
    message = f"With no effect at all, a reduction or an increase is found in up to {largest:.1%} of trials."
    advice = (
        "More than the level allows: few schools of this past are like the pilots, and those few moved alike. Widen "
        "the comparison rule, and read small effects with care."
    )
    return (CheckResult("power/false_alarm", "warn" if beyond else "pass", message, advice if beyond else ""),)
