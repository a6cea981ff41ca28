"""Size, coverage and power of ``ratio_did`` with few pilots, at a nominal 5 %.

Run: ``uv run --group peers python benchmarks/few_pilots.py [replications] [--peers panels]``

A second table has the tests that peer libraries offer by default, on panels of the same settings.

Coverage is the share of panels in which the test of the true ratio does not reject it. The interval holds every
ratio that the test accepts, so it covers at least as often. ``oracle`` is the same score judged by a normal
distribution, its common ratio and dispersion taken from 600 comparison schools: about what a test that
conditions on each school's total could do if nothing but the pilots were uncertain.

Other references were tried (6,000 replications a design). Taking ratio and dispersion from the comparison schools
alone raises power in A from .29 to .34, and the size to .07 in A and .12 with 20 comparison schools. Corrected for
the error of that fit the size falls to .06 and .07, and power to .30. Cut at the p-value that rejects 5 % of true
nulls, every variant and the oracle find a halving in A 27 to 30 times in 100.
"""

from __future__ import annotations

import argparse
import time
from functools import partial

import numpy as np
from numpy.typing import NDArray
from scipy import stats
from scipy.special import expit

from averting.effects.filled import FilledCounts, Permuted
from averting.effects.kernels.areas import sets_of_like_split
from averting.effects.kernels.conditional import fit_common_ratio, unit_scores
from averting.effects.kernels.permutation import reference_sets, set_statistics, two_sided_p
from averting.parallel import Workers
from panels import SETTINGS, Panels, Setting, draw_panels
from peer_tests import Peer, load_peers, long_frame, p_value

ALPHA = 0.05
BLOCK = 50  # panels that share one draw of sets
SETS = 5_000  # an evaluation draws 20,000: a p-value of 0.05 is off by 0.003 here, at random
ORACLE_SCHOOLS = 600
Floats = NDArray[np.float64]


def choose_sets(setting: Setting, rng: np.random.Generator) -> NDArray[np.intp]:
    """Return the sets that ``ratio_did`` would compare."""
    if setting.areas:
        return sets_of_like_split(setting.area(), setting.pilots, most=SETS, rng=rng)
    return reference_sets(setting.schools, setting.pilots, most=SETS, rng=rng)[0]


def p_values(panels: Panels, pilots: int, sets: NDArray[np.intp], *, supposed: float) -> Floats:
    """P-value of a supposed ratio in each panel; 1 where ``ratio_did`` would refuse for want of events before."""
    found, truth = [], []
    for fill in panels.fills(pilots):
        before, after, offset = fill.totals()
        offset[:, :pilots] += np.log(supposed)
        statistics = set_statistics(unit_scores(before, after, offset), sets)
        found.append(two_sided_p(statistics))
        truth.append(statistics[:, 0])
    disagree = (np.min(truth, axis=0) < 0) & (np.max(truth, axis=0) > 0)
    return np.where(disagree | (before[:, :pilots].sum(1) == 0), 1.0, np.max(found, axis=0))


def staggered_p_values(panels: Panels, setting: Setting, sets: NDArray[np.intp], *, supposed: float) -> Floats:
    """P-value of a supposed ratio in each panel, each pilot a cohort of its own."""
    own = np.arange(setting.pilots)
    found = []
    for events, pupils in zip(panels.events.astype(float), panels.pupils, strict=True):
        counts = np.broadcast_to(events, (setting.pilots, *events.shape))
        fill = FilledCounts(counts, pupils, setting.treated(), own, Permuted(sets, own))
        before = (events[: setting.pilots] * ~setting.treated()).sum()
        found.append(float(fill.p_at_ratio(np.log([supposed]))[0]) if before > 0 else 1.0)
    return np.array(found)


def oracle_p_values(panels: Panels, pilots: int) -> Floats:
    """P-value of no effect where the comparison schools' ratio and dispersion are all but known."""
    before, after, offset = panels.totals()
    log_ratio, correlation = fit_common_ratio(before[:, pilots:], after[:, pilots:], offset[:, pilots:])
    total = (before + after)[:, :pilots]
    p = expit(log_ratio[:, None] + offset[:, :pilots])
    weight = 1 / (1 + np.maximum(total - 1, 0) * correlation[:, None])
    score = (weight * (after[:, :pilots] - total * p)).sum(1)
    spread = np.sqrt(np.maximum((weight * total * p * (1 - p)).sum(1), 1e-12))
    return np.where(before[:, :pilots].sum(1) > 0, 2 * stats.norm.sf(np.abs(score / spread)), 1.0)


def rejections(setting: Setting, replications: int, *, ratio: float, supposed: float, seed: int) -> float:
    """Share of panels, with the true ratio given, in which the supposed ratio is rejected."""
    rng = np.random.default_rng([seed, round(100 * ratio)])
    rejected = 0
    for first in range(0, replications, BLOCK):
        panels = draw_panels(setting, min(BLOCK, replications - first), ratio=ratio, rng=rng)
        sets = choose_sets(setting, rng)
        if setting.starts:
            sets[1:] = rng.permuted(sets[1:], axis=1)  # who of a set takes which start is drawn too
            found = staggered_p_values(panels, setting, sets, supposed=supposed)
        else:
            found = p_values(panels, setting.pilots, sets, supposed=supposed)
        rejected += int((found <= ALPHA).sum())
    return rejected / replications


def oracle(setting: Setting, replications: int, *, ratio: float, seed: int) -> float:
    """Share of panels in which the oracle rejects no effect."""
    rng = np.random.default_rng([seed, round(100 * ratio), 7])
    many = setting._replace(schools=ORACLE_SCHOOLS)
    rejected = 0
    for first in range(0, replications, BLOCK):
        panels = draw_panels(many, min(BLOCK, replications - first), ratio=ratio, rng=rng)
        rejected += int((oracle_p_values(panels, setting.pilots) <= ALPHA).sum())
    return rejected / replications


def row(setting: Setting, replications: int, seed: int) -> list[float]:
    """Return size, coverage at 1, 0.75 and 0.5, and power at 0.5; then the oracle's size and power."""
    missed = [rejections(setting, replications, ratio=r, supposed=r, seed=seed) for r in (1.0, 0.75, 0.5)]
    power = rejections(setting, replications, ratio=0.5, supposed=1.0, seed=seed)
    known = not (setting.areas or setting.suppressed or setting.starts)
    fewer = min(replications, 2_000)
    best = [oracle(setting, fewer, ratio=r, seed=seed) if known else np.nan for r in (1.0, 0.5)]
    return [missed[0], *(1 - share for share in missed), power, *best]


def timed_row(task: tuple[int, str], *, replications: int) -> tuple[list[float], float]:
    """Return a setting's row, and the processor time it took."""
    number, name = task
    begun = time.process_time()
    return row(SETTINGS[name], replications, number), time.process_time() - begun


def print_ours(replications: int, workers: int | None) -> None:
    low, high = (stats.binom.ppf(tail, replications, ALPHA) / replications for tail in (0.005, 0.995))
    print(f"ratio_did, {replications} panels; a true size of 5 % gives {low:.3f} to {high:.3f} 99 times in 100")
    heads = ("size", "cover", "cover", "cover", "power", "oracle", "oracle", "time")
    print(f"{'':34s}" + "".join(f"{head:>8s}" for head in heads))
    ratios = ("1", "1", "0.75", "0.5", "0.5", "1", "0.5", "s")
    print(f"{'true ratio':34s}" + "".join(f"{ratio:>8s}" for ratio in ratios))
    work, names = partial(timed_row, replications=replications), list(SETTINGS)
    made = Workers(workers).each(work, list(enumerate(names)), seconds=0.02 * replications)
    for number, (values, spent) in made:  # in the order in which they end
        shown = "".join(f"{value:8.3f}" for value in values)
        print(f"{names[number]:34s}{shown}{spent:8.1f}", flush=True)


def peer_rejections(setting: Setting, test: Peer, panels: int, *, ratio: float, seed: int) -> float:
    """Share of panels, with the true ratio given, in which a peer's test rejects no effect."""
    rng = np.random.default_rng([seed, round(100 * ratio), 13])
    drawn = draw_panels(setting, panels, ratio=ratio, rng=rng)
    frames = (long_frame(*one, setting.treated()) for one in zip(drawn.events, drawn.pupils, strict=True))
    return float(np.mean([p_value(test, frame) <= ALPHA for frame in frames]))


def print_peers(panels: int) -> None:
    peers = load_peers()
    print(f"\npeers, {panels} panels: " + ("" if peers else "none is installed"))
    for number, (name, setting) in enumerate(SETTINGS.items()):
        if setting.areas or setting.suppressed:  # no peer takes bounds, or looks at who shares an authority
            continue
        for peer, test in peers.items():
            size, power = (peer_rejections(setting, test, panels, ratio=r, seed=number) for r in (1.0, 0.5))
            print(f"{name:34s}{peer:42s} size {size:.3f}  rejects at a ratio of 0.5: {power:.3f}", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("replications", nargs="?", type=int, default=1_000)
    parser.add_argument("--workers", type=int, help="processes; every core by default, where that saves time")
    parser.add_argument("--peers", type=int, default=500, metavar="PANELS", help="panels for each peer; 0: none")
    asked = parser.parse_args()
    if asked.replications:
        print_ours(asked.replications, asked.workers)
    if asked.peers:
        print_peers(asked.peers)


if __name__ == "__main__":
    main()
