from __future__ import annotations

from math import comb

import numpy as np
import pytest

from averting.effects.kernels.placebo import (
    gap_placebos,
    placebo_draws,
    placebo_interval,
    placebo_p,
    placebo_sets,
    ratio_placebos,
)

AFTER = np.arange(6) >= 3


def gaps(seed: int, sets: int = 200) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(sets, 6))


def test_every_set_of_comparison_schools_is_listed_once() -> None:
    sets, exact = placebo_sets(2, 6, most=15, rng=np.random.default_rng(1))
    assert exact
    assert len(sets.members) == 1 + comb(6, 2)
    assert sets.members[0].tolist() == [0, 1]
    assert len({tuple(sorted(row)) for row in sets.members[1:].tolist()}) == 15
    assert sets.members[1:].min() == 2
    assert not sets.donors[:, :2].any()
    assert sets.donors.sum(1).tolist() == [6] + [4] * 15


def test_sets_drawn_are_comparison_schools_at_random() -> None:
    sets, exact = placebo_sets(3, 40, most=500, rng=np.random.default_rng(1))
    assert not exact
    assert len(sets.members) == 501
    counted = np.bincount(sets.members[1:].ravel(), minlength=43)
    assert counted[:3].sum() == 0
    assert counted[3:].min() > 15  # 37.5 expected each, standard deviation 6
    assert (np.diff(np.sort(sets.members, axis=1), axis=1) > 0).all()


def test_p_value_is_a_count() -> None:
    gap = gaps(1)
    size = np.abs(gap[:, AFTER].mean(1))
    assert placebo_p(gap_placebos(gap, AFTER), np.zeros(1))[0] == np.mean(size >= size[0])
    ratio = np.sqrt((gap[:, AFTER] ** 2).mean(1)) / np.sqrt((gap[:, ~AFTER] ** 2).mean(1))
    assert placebo_p(ratio_placebos(gap, AFTER, 0.0), np.zeros(1))[0] == np.mean(ratio >= ratio[0] - 1e-9)


@pytest.mark.parametrize("seed", range(8))
def test_interval_holds_what_the_test_accepts(seed: int) -> None:
    gap = gaps(seed)
    gap[0] += np.where(AFTER, 0.5 * seed, 0.0)
    for placebos in (gap_placebos(gap, AFTER), ratio_placebos(gap, AFTER, 0.1)):
        low, high = placebo_interval(placebos, 0.1)
        if np.isnan(low):  # the gap after moves so much that no constant effect explains it
            assert (placebo_p(placebos, np.linspace(-20.0, 20.0, 999)) <= 0.1).all()
            continue
        inside, outside = np.linspace(low + 1e-4, high - 1e-4, 50), np.array([low - 1e-4, high + 1e-4])
        assert (placebo_p(placebos, inside) > 0.1).all()
        assert (placebo_p(placebos, outside) <= 0.1).all()


def test_interval_is_the_estimate_and_a_quantile_either_way() -> None:
    placebos = gap_placebos(gaps(3), AFTER)
    # of 200, the 10th largest absolute placebo has p = 11 / 200 > 0.05 and the 9th 10 / 200
    reach = np.sort(np.abs(placebos.average[1:]))[-10]
    wanted = (placebos.average[0] - reach, placebos.average[0] + reach)
    assert placebo_interval(placebos, 0.05) == pytest.approx(wanted, abs=1e-6)


def test_too_few_placebos_set_no_bound() -> None:
    assert placebo_interval(gap_placebos(gaps(4, sets=10), AFTER), 0.05) == (-np.inf, np.inf)


def test_draws_follow_the_placebos() -> None:
    placebos = gap_placebos(gaps(5, sets=2_000), AFTER)
    draws = placebo_draws(placebos, 4_000, np.random.default_rng(1))
    expected = placebos.average[0] - np.quantile(placebos.average[1:], [0.975, 0.5, 0.025])
    # a grid point is a hundredth of the largest placebo
    np.testing.assert_allclose(np.quantile(draws, [0.025, 0.5, 0.975]), expected, atol=0.03)
