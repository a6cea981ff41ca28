"""Size and power of placebo inference for the synthetic methods at a nominal 5 %, and their speed beside diff-diff's.

Run: ``uv run python benchmarks/synthetic.py [replications]``; ``--group peers`` adds diff-diff to the second table.

Panels are those of ``few_pilots.py``, where ``ratio_did`` holds its size. In B and C the pilots' level differs from
the comparison schools', and so does how much a rate of theirs varies: no placebo of other schools can tell.
"""

from __future__ import annotations

import argparse
import importlib
import time
import warnings

import numpy as np
import pandas as pd

from averting.effects.estimators import augmented_synthetic_control, synthetic_control, synthetic_did
from averting.effects.kernels.placebo import placebo_p, placebo_sets
from averting.effects.kernels.synthetic import in_parts
from averting.effects.synthetic import fit_outcomes
from panels import SETTINGS, Setting, draw_panels

ALPHA = 0.05
PLACEBOS = 99  # p-values stay fair with any number; more of them would only lend a little power
METHODS = {
    method.key: method
    for method in (synthetic_control.METHOD, synthetic_did.METHOD, augmented_synthetic_control.METHOD)
}


def rejections(key: str, setting: Setting, replications: int, *, ratio: float, seed: int) -> float:
    """Share of panels, with the true ratio given, in which no effect is rejected."""
    rng = np.random.default_rng([seed, round(100 * ratio)])
    panels = draw_panels(setting, replications, ratio=ratio, rng=rng)
    after = np.arange(setting.years) >= panels.start
    rejected = 0
    for events, pupils in zip(panels.events, panels.pupils, strict=True):
        sets, _ = placebo_sets(setting.pilots, setting.schools - setting.pilots, most=PLACEBOS, rng=rng)
        placebos = fit_outcomes(METHODS[key], 100.0 * events / pupils, sets, after).placebos
        rejected += int(placebo_p(placebos, np.zeros(1))[0] <= ALPHA)
    return rejected / replications


def print_sizes(replications: int) -> None:
    print(f"{replications} replications, {PLACEBOS} placebos a panel")
    print(f"{'':34s}{'method':30s}{'size':>8s}{'power':>8s}{'time':>8s}")
    for number, (name, setting) in enumerate(SETTINGS.items()):
        if setting.schools > 100 or setting.starts:  # minutes, for a setting that A stands for; or refused
            continue
        for key in METHODS:
            begun = time.perf_counter()
            size, power = (
                rejections(key, setting, replications, ratio=ratio, seed=number) for ratio in (1.0, 0.5)
            )
            spent = time.perf_counter() - begun
            print(f"{name:34s}{key:30s}{size:8.3f}{power:8.3f}{spent:8.1f}", flush=True)


def print_speed() -> None:
    """Print seconds for one estimate with 200 placebos, 3 pilots of 300 schools over 15 years."""
    rng = np.random.default_rng(1)
    panels = draw_panels(Setting(300, 3, years=15), 1, ratio=1.0, rng=rng)
    outcomes, after = 100.0 * panels.events[0] / panels.pupils[0], np.arange(15) >= panels.start
    sets, _ = placebo_sets(3, 297, most=200, rng=rng)
    print("\n300 schools x 15 years, 200 placebos; processor seconds")
    for key, method in METHODS.items():
        begun = time.process_time()
        estimate = in_parts(method.weigh, outcomes, sets, after).gap[0, after].mean()
        print(f"averting {key:30s}{time.process_time() - begun:8.2f}{estimate:10.4f}", flush=True)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            _print_diff_diff(outcomes, after)
    except ImportError:
        print("diff-diff is not installed")


def _print_diff_diff(outcomes: np.ndarray, after: np.ndarray) -> None:
    method = importlib.import_module("diff_diff").SyntheticDiD
    school, year = np.indices(outcomes.shape)
    frame = pd.DataFrame({"school": school.ravel(), "year": year.ravel(), "rate": outcomes.ravel()})
    frame["pilot"] = (frame["school"] < 3).astype(int)
    begun = time.process_time()
    found = method(n_bootstrap=200, seed=1).fit(
        frame,
        outcome="rate",
        treatment="pilot",
        unit="school",
        time="year",
        post_periods=np.flatnonzero(after).tolist(),
    )
    print(f"diff-diff {'SyntheticDiD':29s}{time.process_time() - begun:8.2f}{found.att:10.4f}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("replications", nargs="?", type=int, default=500)
    print_sizes(parser.parse_args().replications)
    print_speed()


if __name__ == "__main__":
    main()
