"""Time of ``ratio_did`` beside its arithmetic floor, one gather and sum over the same sets, and beside peers.

Run: ``uv run --group peers python benchmarks/ratio_did_speed.py``

The peers permute rates, not a score, and with fewer draws, whose time is scaled up to 9,999.
"""

from __future__ import annotations

import importlib
import time
import warnings
from collections.abc import Callable
from functools import partial

import numpy as np
import pandas as pd

from averting.data import Panel
from averting.design import Design
from averting.effects import estimate
from averting.effects.estimators.ratio_did import MOST_SETS
from averting.effects.kernels.conditional import unit_scores
from averting.effects.kernels.permutation import reference_sets, set_statistics, two_sided_p
from panels import Panels, Setting, draw_panels
from peer_tests import load_libraries, long_frame

REPEATS, DRAWS = 5, 9_999
WORK = {
    "60 schools x 8, 2 pilots, every set": (Setting(60, 2), False),
    "43 schools x 10, 3 pilots, every set": (Setting(43, 3, years=10), False),
    "43 schools x 10, 3 pilots, suppressed": (Setting(43, 3, years=10), True),
    "300 schools x 15, 3 pilots, sets drawn": (Setting(300, 3, years=15), False),
    "300 schools x 15, 3 pilots, suppressed": (Setting(300, 3, years=15), True),
}


def best(work: Callable[[], object], times: int = REPEATS) -> float:
    """Shortest of several runs, in milliseconds of processor time."""
    taken = []
    for _ in range(times):
        start = time.process_time()
        work()
        taken.append(time.process_time() - start)
    return 1000 * min(taken)


def to_design(drawn: Panels, setting: Setting, *, suppress: bool) -> Design:
    """Make a design of the one panel drawn, counts of 1 and 2 hidden where asked for."""
    schools, years = range(setting.schools), range(setting.years)
    events = drawn.events[0].ravel().astype(str).astype(object)
    if suppress:
        events[np.isin(drawn.events[0].ravel(), [1, 2])] = "x"
    frame = pd.DataFrame(
        {
            "school": [f"s{school:03d}" for school in schools for _ in years],
            "period": [f"{2000 + year}/{(1 + year) % 100:02d}" for _ in schools for year in years],
            "events": events,
            "pupils": drawn.pupils[0].ravel(),
            "la": [f"la{area}" for area in setting.area() for _ in years],
        }
    )
    panel = Panel.from_frame(
        frame,
        school="school",
        period="period",
        counts=["events"],
        exposure="pupils",
        symbols={"x": (1, 2)},
        la="la",
    )
    pilots = panel.schools[: setting.pilots]
    return Design(panel, pilots, start=panel.periods[drawn.start], exclude_periods=())


def peer_seconds(frame: pd.DataFrame, schools: int, pilots: int) -> dict[str, float]:
    """Seconds that each installed peer would take for 9,999 draws on the long frame of ``peer_tests``."""
    found = {}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of the peers' own making
        late = frame["year"] >= frame.loc[frame["treated"] > 0, "year"].min()
        if "pyfixest" in load_libraries():
            rate = frame.groupby(["school", late])["rate"].mean().unstack()
            changes = pd.DataFrame({"y": rate[True] - rate[False], "d": np.arange(schools) < pilots})
            fitted = importlib.import_module("pyfixest").feols("y ~ d", changes.astype(float))
            fitted.ritest("d", reps=2, rng=np.random.default_rng(1))  # compiles
            spent = best(lambda: fitted.ritest("d", reps=999, rng=np.random.default_rng(1)), times=1)
            found["pyfixest ritest, 999 scaled"] = spent / 1000 * DRAWS / 999
        if "diff_diff" in load_libraries():
            test = importlib.import_module("diff_diff").permutation_test
            asked = frame.assign(post=late.astype(int), group=(frame["g"] > 0).astype(int))
            names = {"outcome": "rate", "treatment": "group", "time": "post", "unit": "school"}
            spent = best(lambda: test(asked, **names, n_permutations=99, seed=1), times=1)
            found["diff-diff permutation_test, 99 scaled"] = spent / 1000 * DRAWS / 99
    return found


def print_peers() -> None:
    setting, rng = Setting(300, 3, years=15), np.random.default_rng(1)
    drawn = draw_panels(setting, 1, ratio=0.6, rng=rng)
    totals = tuple(array[0] for array in drawn.totals())

    def ours() -> object:
        sets, _ = reference_sets(300, 3, most=DRAWS, rng=np.random.default_rng(1))
        return two_sided_p(set_statistics(unit_scores(*totals), sets))

    print(f"\n{DRAWS:,} draws, 300 schools x 15 years, seconds: averting, sets drawn anew {best(ours) / 1000:.3f}")
    frame = long_frame(drawn.events[0], drawn.pupils[0], setting.treated())
    for name, seconds in peer_seconds(frame, 300, 3).items():
        print(f"{name:42s}{seconds:8.3f}", flush=True)


def main() -> None:
    print(
        f"{'ms, best of 5':42s}{'sets':>8s}{'floor':>8s}{'p-value':>9s}{'/floor':>8s}{'whole':>8s}{'/floor':>8s}"
    )
    for name, (setting, suppress) in WORK.items():
        rng = np.random.default_rng(1)
        drawn = draw_panels(setting, 1, ratio=0.6, rng=rng)
        before, after, offset = (array[0] for array in drawn.totals())
        sets, _ = reference_sets(setting.schools, setting.pilots, most=MOST_SETS, rng=rng)

        def floor(values: np.ndarray = after, sets: np.ndarray = sets) -> object:
            return values[sets].sum(axis=1)

        def p_value(data: tuple[np.ndarray, ...] = (before, after, offset), sets: np.ndarray = sets) -> object:
            return two_sided_p(set_statistics(unit_scores(*data), sets))

        design = to_design(drawn, setting, suppress=suppress)
        least, test = best(floor), best(p_value)
        whole = best(partial(estimate, design, "events"))
        print(
            f"{name:42s}{len(sets):8,d}{least:8.2f}{test:9.2f}{test / least:8.1f}{whole:8.0f}{whole / least:8.0f}"
        )
    print("whole: p-value, interval, 4,000 draws of ratio and change, and what could have been detected")
    print_peers()


if __name__ == "__main__":
    main()
