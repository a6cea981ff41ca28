"""Permutation of labelled starts: the list, the shortcut, and supposed effects."""

from __future__ import annotations

from math import comb

import numpy as np
import pytest

from averting.effects.kernels.aggregation import Shares, coefficients
from averting.effects.kernels.assignment import (
    Noise,
    Permuted,
    curve_of,
    fit_noise,
    labelled_sets,
    permute_exchangeable,
    permute_refitted,
)
from averting.effects.kernels.group_time import group_time_effects
from averting.effects.kernels.permutation import two_sided_p


def test_every_way_is_listed_once():
    sets, exact = labelled_sets(7, np.array([3.0, 2.0, 3.0]), most=1_000, rng=np.random.default_rng(1))
    assert exact
    assert len(sets) == comb(7, 1) * comb(6, 2)
    np.testing.assert_array_equal(sets[0], [0, 1, 2])
    ways = {(row[1], frozenset(row[[0, 2]])) for row in sets}
    assert len(ways) == len(sets)
    assert all(len(set(row)) == 3 for row in sets)


def test_drawn_ways_are_uniform():
    sets, exact = labelled_sets(30, np.array([3.0, 2.0]), most=6_000, rng=np.random.default_rng(1))
    assert not exact or len(sets) == 870
    sets, exact = labelled_sets(30, np.array([3.0, 2.0, 1.0]), most=6_000, rng=np.random.default_rng(1))
    assert not exact
    np.testing.assert_array_equal(sets[0], [0, 1, 2])
    # 200 expected, standard deviation 14
    assert np.abs(np.bincount(sets[:, 1]) - 200).max() < 60


def _problem():
    rng = np.random.default_rng(5)
    time, cohort = np.arange(6.0), np.array([2.0, 4.0, 4.0] + [np.inf] * 9)
    outcome = rng.gamma(2, 1, size=(12, 6))
    noise = Noise(outcome.mean(1), rng.uniform(0.1, 0.3, (12, 6)), 0.05)

    def weights_of(starts):
        found = group_time_effects(outcome, starts, time)
        part = coefficients(found.cells, found.cells.after[None], Shares(starts, np.ones(12), False))[0]
        return found.outcome_weights(part, 6)

    return outcome, cohort, time >= cohort[:, None], noise, weights_of


def test_shortcut_is_the_same_as_fitting_every_way_anew():
    outcome, cohort, treated, noise, weights_of = _problem()
    sets, _ = labelled_sets(12, cohort[:3], most=300, rng=np.random.default_rng(1))
    short = permute_exchangeable(outcome, weights_of(cohort), treated, sets, noise)
    long = permute_refitted(outcome, weights_of, cohort, treated, sets, noise)
    for one, other in zip(short, long, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-9, atol=1e-12)


def test_supposing_an_effect_takes_it_off_the_treated():
    outcome, cohort, treated, noise, weights_of = _problem()
    sets, _ = labelled_sets(12, cohort[:3], most=300, rng=np.random.default_rng(1))
    weights = weights_of(cohort)
    permuted = permute_exchangeable(outcome, weights, treated, sets, noise)
    levels = noise.level[None, :3]
    lowered = permute_exchangeable(outcome - 0.7 * treated, weights, treated, sets, noise)
    np.testing.assert_allclose(
        permuted.statistics(np.array([0.7]), levels), lowered.statistics(np.zeros(1), levels), atol=1e-9
    )
    assert permuted.overlap[0] == np.float64(1) or abs(permuted.overlap[0] - 1) < 1e-12


def test_pilots_with_more_events_than_the_rest_are_not_called_too_often():
    """Pilots at 2.5 times the rate, no effect: unstudentised permutation called a quarter of these."""
    rng = np.random.default_rng(11)
    time, cohort = np.arange(8.0), np.array([4.0] * 3 + [np.inf] * 37)
    treated = time >= cohort[:, None]
    called = np.zeros(2)
    sets, _ = labelled_sets(40, cohort[:3], most=1_000, rng=rng)
    found = group_time_effects(np.zeros((40, 8)), cohort, time)
    part = coefficients(found.cells, found.cells.after[None], Shares(cohort, np.ones(40), False))[0]
    weights = found.outcome_weights(part, 8)
    for _ in range(400):
        level = 0.3 * rng.gamma(4, 1 / 4, 40) * np.where(np.arange(40) < 3, 2.5, 1.0)
        mean = 9 * level[:, None] * rng.gamma(6, 1 / 6, (40, 8))
        outcome = rng.poisson(mean) / 9.0
        each = np.full((40, 8), 1 / 9)
        noise = fit_noise(outcome, each, outcome.mean(1), weights[:3].mean(0), 3)
        permuted = permute_exchangeable(outcome, weights, treated, sets, noise)
        studentised = permuted.statistics(np.zeros(1), noise.level[None, :3])[0]
        called += [two_sided_p(studentised) <= 0.05, two_sided_p(permuted.estimate) <= 0.05]
    # 400 trials at a true 5 % lie within 2.2 points 19 times in 20
    assert called[0] / 400 < 0.10
    assert called[1] / 400 > 0.15


def test_spread_beyond_poisson_is_found_among_units_of_unlike_level():
    rng = np.random.default_rng(12)
    level = rng.gamma(4, 0.5, 20_000)[:, None] * np.ones(4)
    outcome = rng.poisson(9 * level * rng.gamma(6, 1 / 6, level.shape)) / 9
    contrast = np.array([-0.5, -0.5, 0.5, 0.5])
    noise = fit_noise(outcome, np.full(level.shape, 1 / 9), level[:, 0], contrast, 3)
    # the standard error is 0.0033, a fiftieth of the truth
    assert noise.spread == pytest.approx(1 / 6, rel=0.1)


def test_the_curve_is_one_at_the_estimate_and_reaches_ten_standard_deviations():
    sets = np.random.default_rng(13).normal(size=200)
    overlap = np.where(np.arange(200) == 0, 1.0, 0.0)
    for estimate, wide in ((sets[0], sets.std()), (50.0, None)):
        permuted = Permuted(
            np.array([estimate, *sets[1:]]), overlap, np.full(200, 0.04), np.zeros((200, 1)), np.zeros((200, 1))
        )
        curve = curve_of(permuted, lambda supposed: np.zeros((len(supposed), 1)))
        reach = 10 * (permuted.estimate.std() if wide is None else wide)
        np.testing.assert_allclose(curve.grid[[0, 50, 100]], estimate + np.array([-reach, 0, reach]), rtol=1e-12)
        assert curve.two_sided[50] == 1.0
        assert curve.two_sided[[0, 100]].max() == 1 / 200
        assert (np.diff(curve.lower_mid) <= 0).all()
