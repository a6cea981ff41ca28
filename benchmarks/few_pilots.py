"""Size, coverage and power of ``ratio_did`` with few pilots, at a nominal 5 %.

Run: ``uv run python benchmarks/few_pilots.py [replications]``

Coverage is the share of panels in which the test of the true ratio does not reject it. The interval holds every
ratio that the test accepts, so it covers at least as often.
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from averting.effects.estimators.ratio_did import MOST_SETS
from averting.effects.kernels.conditional import unit_scores
from averting.effects.kernels.permutation import set_statistics, treated_sets, two_sided_p

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "simulation"))
from panels import SETTINGS, Panels, Setting, draw_panels

ALPHA = 0.05
BLOCK = 50  # panels that share one draw of sets


def p_values(panels: Panels, pilots: int, *, supposed: float, rng: np.random.Generator) -> NDArray[np.float64]:
    """P-value of a supposed ratio in each panel; 1 where ``ratio_did`` would refuse for want of events before."""
    before, after, offset = panels.totals()
    sets, _ = treated_sets(before.shape[1], np.arange(pilots), most=MOST_SETS, rng=rng)
    offset[:, :pilots] += np.log(supposed)
    found = two_sided_p(set_statistics(unit_scores(before, after, offset), sets))
    return np.where(before[:, :pilots].sum(1) > 0, found, 1.0)


def rejections(setting: Setting, replications: int, *, ratio: float, supposed: float, seed: int) -> float:
    """Share of panels, with the true ratio given, in which the supposed ratio is rejected."""
    rng = np.random.default_rng([seed, round(100 * ratio)])
    rejected = 0
    for first in range(0, replications, BLOCK):
        panels = draw_panels(setting, min(BLOCK, replications - first), ratio=ratio, rng=rng)
        rejected += int((p_values(panels, setting.pilots, supposed=supposed, rng=rng) <= ALPHA).sum())
    return rejected / replications


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("replications", nargs="?", type=int, default=1_000)
    replications = parser.parse_args().replications
    low, high = stats.binom.ppf([0.005, 0.995], replications, ALPHA) / replications
    print(f"{replications} replications; a true size of 5 % gives {low:.3f} to {high:.3f} 99 times in 100")
    print(f"{'':34s}{'size':>8s}{'coverage':>10s}{'coverage':>10s}{'power':>8s}{'time':>8s}")
    print(f"{'true ratio':34s}{'1':>8s}{'1':>10s}{'0.5':>10s}{'0.5':>8s}{'s':>8s}")
    for number, (name, setting) in enumerate(SETTINGS.items()):
        begun = time.perf_counter()
        size = rejections(setting, replications, ratio=1.0, supposed=1.0, seed=number)
        missed = rejections(setting, replications, ratio=0.5, supposed=0.5, seed=number)
        power = rejections(setting, replications, ratio=0.5, supposed=1.0, seed=number)
        spent = time.perf_counter() - begun
        print(f"{name:34s}{size:8.3f}{1 - size:10.3f}{1 - missed:10.3f}{power:8.3f}{spent:8.1f}", flush=True)


if __name__ == "__main__":
    main()
