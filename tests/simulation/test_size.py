"""Does the permuted test reject true nulls as often as it says, whatever the pilots' number, size and level?

The full table is printed by ``benchmarks/few_pilots.py``.
"""

from __future__ import annotations

from types import ModuleType
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from averting.data import Panel
from averting.design import Design
from averting.effects import estimate
from averting.effects.filled import FilledCounts, Permuted
from averting.effects.kernels.conditional import unit_scores
from averting.effects.kernels.permutation import reference_sets, set_statistics, two_sided_p

REPLICATIONS = 1_000
SETS = 4_000  # a p-value of 0.05 is then off by 0.003, half of what 1,000 replications can show
ABCD = (
    "A: 3 of 60",
    "B: pilots at 2.5 times the rate",
    "C: pilots at 0.4 times the rate",
    "D: 3 of 300, mean 0.5",
)


def p_values(drawn: Any, pilots: int, *, supposed: float, rng: np.random.Generator) -> np.ndarray:
    before, after, offset = drawn.totals()
    sets, _ = reference_sets(before.shape[1], pilots, most=SETS, rng=rng)
    offset[:, :pilots] += np.log(supposed)
    return two_sided_p(set_statistics(unit_scores(before, after, offset), sets))


@pytest.mark.parametrize("name", ABCD)
@pytest.mark.parametrize("ratio", [1.0, 0.5])
def test_true_ratio_is_rejected_as_often_as_stated(panels: ModuleType, name: str, ratio: float) -> None:
    # at a ratio of 1 this is the size; at 0.5 one minus the coverage of the interval's underlying test
    rng = np.random.default_rng([ABCD.index(name), round(10 * ratio)])
    setting = panels.SETTINGS[name]
    drawn = panels.draw_panels(setting, REPLICATIONS, ratio=ratio, rng=rng)
    rejected = int((p_values(drawn, setting.pilots, supposed=ratio, rng=rng) <= 0.05).sum())
    fewest, most = stats.binom.ppf([0.0005, 0.9995], REPLICATIONS, 0.05)
    assert fewest <= rejected <= most


def test_a_strong_effect_is_seen_more_often_than_chance(panels: ModuleType) -> None:
    # guards the two tests above against a test that never looks at the pilots
    rng = np.random.default_rng(5)
    setting = panels.SETTINGS["B: pilots at 2.5 times the rate"]
    drawn = panels.draw_panels(setting, 200, ratio=0.25, rng=rng)
    found = p_values(drawn, setting.pilots, supposed=1.0, rng=rng) <= 0.05
    assert found.mean() > 0.6


@pytest.mark.parametrize("name", ["1 of 20", "3 with 20 comparison schools"])
def test_kernels_give_the_p_value_that_users_see(panels: ModuleType, name: str) -> None:
    # the tests above use the kernels for speed: tie them to the public function, with every set listed
    rng = np.random.default_rng(3)
    setting = panels.SETTINGS[name]
    drawn = panels.draw_panels(setting, 1, ratio=0.5, rng=rng)
    schools, years = (range(setting.schools), range(setting.years))
    frame = pd.DataFrame(
        {
            "school": [f"s{school:03d}" for school in schools for _ in years],
            "period": [f"{2008 + year}/{(9 + year) % 100:02d}" for _ in schools for year in years],
            "events": drawn.events[0].ravel(),
            "pupils": drawn.pupils[0].ravel(),
        }
    )
    panel = Panel.from_frame(frame, school="school", period="period", counts=["events"], exposure="pupils")
    design = Design(panel, panel.schools[: setting.pilots], start=panel.periods[drawn.start])
    before, after, offset = drawn.totals()
    sets, exact = reference_sets(setting.schools, setting.pilots, most=20_000, rng=rng)
    assert exact
    expected = two_sided_p(set_statistics(unit_scores(before, after, offset), sets))[0]
    assert estimate(design, "events", draws=100).p_value == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize("name", ["A, three starts", "B, three starts", "C, three starts"])
def test_staggered_pilots_are_called_as_often_as_stated(panels: ModuleType, name: str) -> None:
    # three pilots that start in three different years, and no effect
    setting = panels.SETTINGS[name]
    rng = np.random.default_rng([ord(name[0]) - ord("A"), 77])
    drawn = panels.draw_panels(setting, 400, ratio=1.0, rng=rng)
    sets, _ = reference_sets(drawn.events.shape[1], 3, most=1_000, rng=rng)
    judge = Permuted(np.concatenate([sets[:1], rng.permuted(sets[1:], axis=1)]), np.arange(3))
    rejected = 0
    for events, pupils in zip(drawn.events.astype(float), drawn.pupils, strict=True):
        counts = np.broadcast_to(events, (3, *events.shape))
        fill = FilledCounts(counts, pupils, setting.treated(), np.arange(3), judge)
        rejected += int(fill.p_at_ratio(np.zeros(1))[0] <= 0.05)
    fewest, most = stats.binom.ppf([0.0005, 0.9995], 400, 0.05)
    assert fewest <= rejected <= most
