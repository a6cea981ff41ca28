"""Dose and response: the permutation by hand, its size and coverage where doses are drawn by lot, and what it refuses to tell."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from scipy.optimize import brentq

from averting.data import simulate_pilot
from averting.design import Design
from averting.effects.dose import CAVEAT, dose_response
from averting.effects.kernels.dose import dose_interval, dose_orders, dose_p_value, dose_slope, dose_statistics
from averting.errors import EstimationError


def test_p_value_is_the_share_of_all_orders_by_hand():
    before, after = np.array([40.0, 30, 50, 20, 60]), np.array([20.0, 14, 30, 13, 22])
    dose, odds = np.array([5.0, 6, 1, 2, 8]), np.full(5, math.log(0.6))
    orders, differ = dose_orders(dose, np.random.default_rng(1))
    assert (differ, len(orders)) == (120, 120)

    total = before + after
    # the score by its definition: expected under one common change, found by SciPy
    change = brentq(lambda one: (after - total / (1 + np.exp(-(odds + one)))).sum(), -3, 3, xtol=1e-14)
    share = 1 / (1 + np.exp(-(odds + change)))

    def statistic(order):
        weight = total * share * (1 - share)
        centred = order - (order * weight).sum() / weight.sum()
        return abs((centred * (after - total * share)).sum() / np.sqrt((weight * centred**2).sum()))

    every = np.array([statistic(np.array(order)) for order in itertools.permutations(dose.tolist())])
    assert np.abs(dose_statistics(before, after, odds, orders)) == pytest.approx(every, abs=1e-9)
    assert dose_p_value(before, after, odds, orders) == np.mean(every >= statistic(dose) - 1e-9)


def test_slope_is_the_binomial_regression_of_statsmodels(peer):
    rng = np.random.default_rng(3)
    dose, odds = rng.uniform(0, 10, 12), rng.normal(-0.4, 0.2, 12)
    total = rng.integers(30, 90, 12).astype(float)
    after = rng.binomial(total.astype(int), 1 / (1 + np.exp(-(odds - 0.05 * dose)))).astype(float)
    sm = peer("statsmodels.api")
    columns = np.column_stack([np.ones(12), dose])
    theirs = sm.GLM(np.column_stack([after, total - after]), columns, sm.families.Binomial(), offset=odds).fit()
    assert dose_slope(total - after, after, odds, dose) == pytest.approx(theirs.params[1], abs=1e-6)


def test_doses_drawn_by_lot_reject_no_more_than_they_should_and_the_interval_covers():
    """Pilots differ by shocks of their own that no count model knows: orders of doses do not mind."""
    rng, covered, rejected, trials, slope = np.random.default_rng(5), 0, 0, 150, -0.08
    for _ in range(trials):
        dose, shock = rng.uniform(0, 10, 5), np.exp(rng.normal(0, 0.3, 5))
        base = rng.gamma(2, 10, 5) + 1
        odds = np.full(5, math.log(0.6))
        orders, _ = dose_orders(dose, rng)
        before = rng.poisson(5 * base).astype(float)
        flat = rng.poisson(3 * base * shock).astype(float)
        rejected += dose_p_value(before, flat, odds, orders) <= 0.05
        fell = rng.poisson(3 * base * shock * np.exp(slope * dose)).astype(float)
        covered += dose_p_value(before, fell, odds, orders, slope=slope) > 0.05
    spread = math.sqrt(0.05 * 0.95 / trials)
    assert rejected / trials <= 0.05 + 3 * spread
    assert covered / trials >= 0.95 - 3 * spread


def test_interval_holds_the_slopes_that_are_not_rejected():
    before, after = np.array([400.0, 300, 500, 200, 600]), np.array([250.0, 170, 210, 60, 90])
    dose, odds = np.array([1.0, 2, 4, 6, 9]), np.full(5, math.log(0.6))
    orders, _ = dose_orders(dose, np.random.default_rng(1))
    slope = dose_slope(before, after, odds, dose)
    low, high = dose_interval(before, after, odds, orders, slope=slope, alpha=0.05)
    assert low < slope < high < 0
    for end, inside in ((low, 0.002), (high, -0.002)):
        assert dose_p_value(before, after, odds, orders, slope=end + inside) > 0.05
        if math.isfinite(end):
            assert dose_p_value(before, after, odds, orders, slope=end - inside) <= 0.05


@pytest.fixture(scope="module")
def design():
    made = simulate_pilot(seed=1, pilots=5, comparison=14)
    return Design(made.panel(), pilots=list(made.pilots), start="2021/22", comparison="all")


def test_three_pilots_cannot_tell_and_five_can(design):
    made = simulate_pilot(seed=1, pilots=3, comparison=14)
    three = Design(made.panel(), pilots=list(made.pilots), start="2021/22", comparison="all")
    found = dose_response(three, "suspensions", dict(zip(made.pilots, (1.0, 2.0, 3.0), strict=True)))
    assert (found.told, found.orders) == (False, 6)
    said = found.sentence("contacts per 100 pupils")
    assert "cannot be told" in said and "once in 6" in said and CAVEAT in said
    assert math.isnan(found.ratio)
    doses = dict(zip(design.pilots, (1.0, 2.0, 3.0, 4.0, 5.0), strict=True))
    found = dose_response(design, "suspensions", doses)
    assert found.told and found.orders == 120
    assert found.lower <= found.ratio <= found.upper
    assert CAVEAT in found.sentence("contacts per 100 pupils")
    # the same dose everywhere is no dose
    assert not dose_response(design, "suspensions", dict.fromkeys(design.pilots, 2.0)).told


@pytest.mark.parametrize("same", [(2.0, 1.0, 3.0, 4.0, 5.0), (2.0, 2.0, 3.0, 4.0, 5.0)])
def test_events_of_one_dose_alone_tell_nothing(design, same, monkeypatch):
    """Every slope fits them equally well, so none is given."""
    before, after = np.array([9.0, 7 * (same[1] == 2), 0, 0, 0]), np.array([4.0, 2 * (same[1] == 2), 0, 0, 0])
    monkeypatch.setattr("averting.effects.dose._counts", lambda *_: (before, after, np.zeros(5)))
    found = dose_response(design, "suspensions", dict(zip(design.pilots, same, strict=True)))
    assert not found.told and math.isnan(found.ratio)
    assert "pilots of one dose" in found.sentence("contacts per 100 pupils")


def test_slope_has_no_end_where_events_after_are_all_of_one_side():
    before, none, dose = np.array([10.0, 20, 30]), np.array([0.0, 0, 9]), np.array([1.0, 2, 5])
    assert dose_slope(np.array([10.0, 20, 0]), none, np.zeros(3), dose) == math.inf
    assert dose_slope(before, np.array([9.0, 0, 0]), np.zeros(3), dose) == -math.inf


@pytest.mark.parametrize(
    ("doses", "told"), [({}, "5 pilots have no dose"), (dict.fromkeys("abcde", 1.0), "5 pilots have no dose")]
)
def test_doses_that_cannot_be_used_are_refused(design, doses, told):
    with pytest.raises(EstimationError, match=told):
        dose_response(design, "suspensions", doses)
    with pytest.raises(EstimationError, match="no number from 0 up"):
        dose_response(design, "suspensions", dict.fromkeys(design.pilots, -1.0))
