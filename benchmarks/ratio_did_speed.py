"""Time of ``ratio_did`` beside its arithmetic floor: one gather and sum over the same sets.

Run: ``uv run python benchmarks/ratio_did_speed.py``
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd

from averting.data import Panel
from averting.design import Design
from averting.effects import estimate
from averting.effects.estimators.ratio_did import MOST_SETS
from averting.effects.kernels.conditional import unit_scores
from averting.effects.kernels.permutation import reference_sets, set_statistics, two_sided_p

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "simulation"))
from panels import Panels, Setting, draw_panels

REPEATS = 5
WORK = {
    "60 schools x 8, 2 pilots, every set": (Setting(60, 2), False),
    "43 schools x 10, 3 pilots, every set": (Setting(43, 3, years=10), False),
    "43 schools x 10, 3 pilots, suppressed": (Setting(43, 3, years=10), True),
    "300 schools x 15, 3 pilots, sets drawn": (Setting(300, 3, years=15), False),
    "300 schools x 15, 3 pilots, suppressed": (Setting(300, 3, years=15), True),
}


def best(work: Callable[[], object]) -> float:
    """Shortest of several runs, in milliseconds."""
    times = []
    for _ in range(REPEATS):
        start = time.perf_counter()
        work()
        times.append(time.perf_counter() - start)
    return 1000 * min(times)


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
        }
    )
    panel = Panel.from_frame(
        frame, school="school", period="period", counts=["events"], exposure="pupils", symbols={"x": (1, 2)}
    )
    pilots = panel.schools[: setting.pilots]
    return Design(panel, pilots, start=panel.periods[drawn.start], exclude_periods=())


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
        whole = best(lambda design=design: estimate(design, "events"))
        print(
            f"{name:42s}{len(sets):8,d}{least:8.2f}{test:9.2f}{test / least:8.1f}{whole:8.0f}{whole / least:8.0f}"
        )
    print("whole: p-value, interval, 4,000 draws of ratio and change, and what could have been detected")


if __name__ == "__main__":
    main()
