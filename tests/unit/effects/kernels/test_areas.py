from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from averting.effects.kernels.areas import crowding, sets_of_like_split, split_over_areas, stand_in_areas

AREA = np.repeat(np.arange(10), 6)


def rng() -> np.random.Generator:
    return np.random.default_rng(4)


def test_split_counts_units_of_each_area() -> None:
    assert split_over_areas(np.array([4, 2, 4])) == (2, 1)
    assert split_over_areas(np.array([7, 7, 7])) == (3,)


def test_crowding_is_the_hypergeometric_chance() -> None:
    # two units in one area of six among ten such areas: the second is one of 5 of the other 59
    found = crowding(AREA, 2, draws=40_000, rng=rng())
    assert found == pytest.approx(5 / 59, abs=5 * np.sqrt(0.08 * 0.92 / 40_000))
    # areas of two and of ten: both units of the first, or two of the second
    found = crowding(np.repeat([0, 1], [2, 10]), 2, draws=40_000, rng=rng())
    assert found == pytest.approx((1 + 45) / 66, abs=5 * np.sqrt(0.7 * 0.3 / 40_000))
    # three in one area: hypergeometric, summed over areas
    expected = 10 * stats.hypergeom.pmf(3, 60, 6, 3)
    assert crowding(AREA, 3, draws=40_000, rng=rng()) == pytest.approx(expected, abs=0.002)


def test_units_spread_over_many_areas_are_not_crowded() -> None:
    spread = np.concatenate([[0, 1, 2], AREA[3:]])
    assert crowding(spread, 3, draws=1_000, rng=rng()) == 1.0


@pytest.mark.parametrize("pilots", [3, 4])
def test_sets_lie_in_areas_as_the_pilots_do(pilots: int) -> None:
    area = AREA.copy()
    area[3] = 1  # of four pilots the last lies in the next area
    sets = sets_of_like_split(area, pilots, most=500, rng=rng())
    assert sets[0].tolist() == list(range(pilots))
    assert sets[1:].min() >= pilots
    assert {split_over_areas(area[row]) for row in sets} == {split_over_areas(area[:pilots])}
    assert all(len(set(row)) == pilots for row in sets.tolist())


def test_every_area_stands_in_equally_often() -> None:
    area = np.concatenate([[0, 0, 0], np.repeat([1, 2, 3], [3, 10, 30])])
    sets = sets_of_like_split(area, 3, most=3_001, rng=rng())
    often = np.bincount(area[sets[1:, 0]], minlength=4)[1:]
    # 1,000 each, with a standard error of 26
    assert often == pytest.approx([1_000] * 3, abs=130)


def test_stand_ins_are_other_areas_that_are_large_enough() -> None:
    area = np.array([0, 0, 0, *[1] * 3, *[2] * 2, *[3] * 5, *[0] * 9])
    assert stand_in_areas(area, 3) == 2
