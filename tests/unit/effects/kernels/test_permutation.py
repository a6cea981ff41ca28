from __future__ import annotations

from itertools import combinations
from math import comb

import numpy as np
import pytest
from scipy import stats

from averting.effects.kernels.conditional import Scores, unit_scores
from averting.effects.kernels.permutation import (
    COMPARISONS_PER_PILOT,
    lower_mid_p,
    reference_sets,
    set_statistics,
    treated_sets,
    two_sided_p,
)

RNG = 11


def rng() -> np.random.Generator:
    return np.random.default_rng(RNG)


# --- sets ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("units", "treated"), [(6, [0, 1]), (7, [5, 2, 3]), (5, [4])])
def test_every_set_is_listed_once_and_the_true_one_first(units: int, treated: list[int]) -> None:
    sets, exact = treated_sets(units, np.array(treated), most=1_000, rng=rng())
    assert exact
    assert sets[0].tolist() == sorted(treated)
    assert sorted(map(tuple, sets.tolist())) == list(combinations(range(units), len(treated)))


def test_listing_stops_where_there_are_more_sets_than_asked_for() -> None:
    for most, expected in ((comb(8, 3), True), (comb(8, 3) - 1, False)):
        sets, exact = treated_sets(8, np.array([0, 1, 2]), most=most, rng=rng())
        assert exact is expected
        assert len(sets) == most


@pytest.mark.parametrize("units", [40, 900])  # 900 units: more than one block of rows is drawn
def test_drawn_sets_are_valid_and_start_with_the_true_one(units: int) -> None:
    sets, exact = treated_sets(units, np.array([7, 1, 3]), most=6_000, rng=rng())
    assert not exact
    assert sets.shape == (6_000, 3)
    assert sets[0].tolist() == [1, 3, 7]
    assert sets.min() >= 0
    assert sets.max() < units
    assert all(len(set(row)) == 3 for row in sets.tolist())
    # each unit is in 3 of every `units` members: six standard errors either side
    often = np.bincount(sets.ravel(), minlength=units) / len(sets)
    share = 3 / units
    assert np.abs(often - share).max() < 6 * np.sqrt(share * (1 - share) / len(sets))


def test_drawn_sets_belong_to_the_generator() -> None:
    first, second = (treated_sets(50, np.arange(4), most=500, rng=rng())[0] for _ in range(2))
    np.testing.assert_array_equal(first, second)


def test_reference_sets_hold_no_pilot_where_comparison_units_are_many() -> None:
    pilots = 2
    enough = pilots + COMPARISONS_PER_PILOT * pilots
    sets, exact = reference_sets(enough, pilots, most=1_000, rng=rng())
    assert exact
    assert sets[0].tolist() == [0, 1]
    assert sorted(map(tuple, sets[1:].tolist())) == list(combinations(range(2, enough), 2))
    fewer, exact = reference_sets(enough - 1, pilots, most=1_000, rng=rng())
    assert exact
    assert len(fewer) == comb(enough - 1, pilots)


def test_drawn_reference_sets_hold_no_pilot() -> None:
    sets, exact = reference_sets(80, 3, most=500, rng=rng())
    assert not exact
    assert sets.shape == (500, 3)
    assert sets[0].tolist() == [0, 1, 2]
    assert sets[1:].min() >= 3
    assert sets.max() < 80


# --- statistics ---------------------------------------------------------------------------------------


def test_statistics_are_sums_over_roots_of_sums() -> None:
    draw = rng()
    scores = Scores(draw.normal(size=(2, 3, 6)), draw.random((2, 3, 6)))
    sets, _ = treated_sets(6, np.array([1, 4]), most=100, rng=draw)
    found = set_statistics(scores, sets)
    assert found.shape == (2, 3, len(sets))
    for index in np.ndindex(2, 3):
        for row, members in enumerate(sets.tolist()):
            total = sum(scores.score[index][unit] for unit in members)
            variance = sum(scores.variance[index][unit] for unit in members)
            share = variance / scores.variance[index].sum()
            assert found[index][row] == pytest.approx(total / (variance * (1 - share)) ** 0.5, abs=1e-12)


def test_a_squared_statistic_is_the_binomial_score_test_of_the_set() -> None:
    # without overdispersion, the chi-squared of a two by two table: the set against the others, before and after
    before, after = np.array([30.0, 25.0, 40.0, 36.0]), np.array([20.0, 16.0, 41.0, 33.0])
    sets, _ = treated_sets(4, np.array([0, 1]), most=100, rng=rng())
    scores = unit_scores(before, after, np.zeros(4))
    table = [[before[:2].sum(), after[:2].sum()], [before[2:].sum(), after[2:].sum()]]
    expected = stats.chi2_contingency(table, correction=False).statistic
    assert set_statistics(scores, sets)[0] ** 2 == pytest.approx(expected, rel=1e-9)


def test_a_set_without_events_has_statistic_zero() -> None:
    scores = unit_scores(np.array([0.0, 0.0, 4.0, 6.0]), np.array([0.0, 0.0, 7.0, 2.0]), np.zeros(4))
    sets, _ = treated_sets(4, np.array([0, 1]), most=100, rng=rng())
    assert set_statistics(scores, sets)[0] == 0.0


# --- p-values -----------------------------------------------------------------------------------------


def test_smallest_p_value_is_one_over_the_number_of_sets() -> None:
    assert two_sided_p(np.array([-9.0, 1.0, 2.0, -3.0])) == 0.25
    assert two_sided_p(np.array([0.0, 1.0, 2.0, -3.0])) == 1.0


def test_ties_count_against_the_programme_on_either_side() -> None:
    assert two_sided_p(np.array([2.0, -2.0, 2.0 - 1e-12, 1.0])) == 0.75


def test_one_sided_p_counts_ties_by_half() -> None:
    assert lower_mid_p(np.array([1.0, 0.0, 1.0, 2.0])) == (1 + 0.5 * 2) / 4
    assert lower_mid_p(np.array([5.0, 0.0, 1.0, 2.0])) == (3 + 0.5) / 4


def test_p_values_keep_leading_axes() -> None:
    statistics = rng().normal(size=(3, 2, 9))
    for kind in (two_sided_p, lower_mid_p):
        together = kind(statistics)
        assert together.shape == (3, 2)
        assert together[2, 1] == kind(statistics[2, 1])


def test_p_value_is_uniform_when_any_set_could_have_been_the_pilots() -> None:
    # one data set, each of its C(8, 3) sets the true one in turn: p-values of 1/56, 2/56 ... once each
    draw = rng()
    scores = unit_scores(
        draw.poisson(40.0, 8).astype(float), draw.poisson(35.0, 8).astype(float), draw.normal(0, 0.2, 8)
    )
    found = []
    for pilots in combinations(range(8), 3):
        sets, exact = treated_sets(8, np.array(pilots), most=100, rng=draw)
        assert exact
        found.append(float(two_sided_p(set_statistics(scores, sets))))
    np.testing.assert_allclose(np.sort(found), np.arange(1, 57) / 56)


def test_p_value_is_never_too_small_with_ties() -> None:
    # units in identical pairs: ties must make the test more cautious, never less
    before, after = np.repeat([4.0, 9.0, 2.0], 2), np.repeat([3.0, 2.0, 6.0], 2)
    scores = unit_scores(before, after, np.zeros(6))
    found = []
    for pilots in combinations(range(6), 2):
        sets, _ = treated_sets(6, np.array(pilots), most=100, rng=rng())
        found.append(float(two_sided_p(set_statistics(scores, sets))))
    for size in np.unique(found):
        assert np.mean(np.array(found) <= size + 1e-12) <= size + 1e-12
