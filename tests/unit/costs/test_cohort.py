"""The cohort against closed forms, against pupils simulated one at a time, and against a slow account."""

import numpy as np
import pytest

from averting.costs.cohort import (
    MONTHS,
    STATES,
    TERM_MONTHS,
    YEAR_GROUPS,
    Rates,
    school_months,
    years_by_state,
)
from averting.costs.cohort_simulation import simulate_pupils
from averting.costs.contraction import present_account
from averting.costs.pathways import placement_months
from averting.errors import ParameterError

OUT = [STATES.index(key) for key in ("excluded", "state_ap", "independent_ap", "home_unknown")]
HORIZON = 60


def _rates(n: int, seed: int = 1, **fixed: float) -> Rates:
    rng = np.random.default_rng(seed)
    to = rng.dirichlet([7.0, 2.0, 1.0], n)
    drawn = {
        "placement": rng.gamma(4, 5, n),
        "to_state_ap": to[:, 0],
        "to_independent_ap": to[:, 1],
        "to_home": 1 - to[:, 0] - to[:, 1],
        "return_first_year": rng.gamma(2, 0.2, n),
        "return_later": rng.gamma(2, 0.1, n),
        "return_to_special": rng.beta(2, 5, n),
        "breakdown": rng.gamma(1, 0.2, n),
        "suspended": rng.beta(1, 20, n),
    }
    return Rates(**{**drawn, **{key: np.full(n, value) for key, value in fixed.items()}})


def _one(group: int, term: int) -> np.ndarray:
    mix = np.zeros((12, 3))
    mix[group, term] = 1.0
    return mix


@pytest.mark.parametrize("group", YEAR_GROUPS)
@pytest.mark.parametrize("term", range(3))
@pytest.mark.parametrize("hazard", [0.0, 0.186, 1.5])
def test_time_out_is_the_closed_form(group: int, term: int, hazard: float) -> None:
    rates = _rates(3, return_first_year=hazard, return_later=hazard, breakdown=0.0)
    excluded, _ = years_by_state(rates, _one(group, term), HORIZON)
    left = 12 - group - TERM_MONTHS[term] / 12
    expected = left if hazard == 0 else (1 - np.exp(-hazard * left)) / hazard
    np.testing.assert_allclose(excluded[OUT].sum(axis=(0, 1)), expected, rtol=1e-12)


def test_two_rates_of_return_give_the_closed_form_of_two_pieces() -> None:
    rates = _rates(1, return_first_year=0.5, return_later=0.1, breakdown=0.0)
    excluded, _ = years_by_state(rates, _one(7, 1), HORIZON)
    expected = (1 - np.exp(-0.5)) / 0.5 + np.exp(-0.5) * (1 - np.exp(-0.1 * 3.5)) / 0.1
    assert excluded[OUT].sum() == pytest.approx(expected, rel=1e-12)


def test_waiting_for_a_place_is_the_closed_form() -> None:
    rates = _rates(1, placement=10.0, return_first_year=0.2, return_later=0.2)
    excluded, _ = years_by_state(rates, _one(7, 1), HORIZON)
    expected = (1 - np.exp(-10.2 * 4.5)) / 10.2
    assert excluded[STATES.index("excluded")].sum() == pytest.approx(expected, rel=1e-12)


def test_years_agree_with_the_simple_pathway_month_by_month() -> None:
    hazard = np.array([0.05, 0.186, 0.6])
    rates = Rates(*(np.full(3, 1 / 3),) * 4, hazard, hazard, *(np.zeros(3),) * 3)
    excluded, _ = years_by_state(rates, _one(8, 1), HORIZON)
    months = placement_months(hazard, np.array([42.0]))[:, 0] / 12
    # 1 March is one month before the end of its financial year
    by_year = np.stack([months[:, :1].sum(1), *(months[:, i : i + 12].sum(1) for i in range(1, 42, 12))])
    np.testing.assert_allclose(excluded[OUT].sum(axis=0)[: len(by_year)], by_year, rtol=1e-12)


def test_both_paths_fill_the_same_time_and_nobody_is_lost() -> None:
    mix = np.random.default_rng(2).dirichlet(np.ones(36)).reshape(12, 3)
    excluded, averted = years_by_state(_rates(50), mix, HORIZON)
    np.testing.assert_allclose(excluded.sum(axis=0), averted.sum(axis=0), rtol=1e-12)
    np.testing.assert_allclose(excluded.sum(axis=0)[2:], 1.0, rtol=1e-12)  # whole years from the second on
    assert excluded.min() >= -1e-15
    assert averted.min() >= 0
    assert (excluded[:2] == 0).all()
    assert (averted[2:8] == 0).all()
    school = (mix * school_months()).sum() / 12
    np.testing.assert_allclose(averted[:2].sum(axis=(0, 1)), school, rtol=1e-12)


def test_a_mix_per_draw_is_the_mix() -> None:
    mix = np.random.default_rng(2).dirichlet(np.ones(36)).reshape(12, 3)
    rates = _rates(20)
    together = years_by_state(rates, mix, HORIZON)
    apart = years_by_state(rates, np.broadcast_to(mix, (20, 12, 3)), HORIZON)
    np.testing.assert_allclose(together, apart, rtol=1e-12, atol=1e-15)
    parts = sum(
        mix[g, t] * np.array(years_by_state(rates, _one(g, t), HORIZON)) for g in range(12) for t in range(3)
    )
    np.testing.assert_allclose(together, parts, rtol=1e-10, atol=1e-14)


def test_simulated_pupils_agree_with_the_cohort() -> None:
    rates, pupils = _rates(1, seed=4, placement=6.0, breakdown=0.4), 20_000
    months = int(school_months()[9, 0])
    spent = simulate_pupils(rates, np.full(pupils, months), rng=np.random.default_rng(5)).sum(axis=2)
    excluded, _ = years_by_state(rates, _one(9, 0), HORIZON)
    expected = excluded[:8, :, 0].sum(axis=1)
    np.testing.assert_allclose(spent.sum(axis=1), months / 12, rtol=1e-12)
    error = spent[:, :8].std(axis=0) / np.sqrt(pupils)
    # six states, so four standard errors fail by chance about once in 2,500 seeds
    assert (np.abs(spent[:, :8].mean(axis=0) - expected) <= 4 * error + 1e-12).all()
    assert expected[STATES.index("reintegrated")] > 0.1  # the check has something to find


def _slow_state_years(rates: Rates, group: int, term: int) -> dict[tuple[str, int], float]:
    """One draw by its differential equations, in thin slices of each month: nothing shared with the kernel."""
    found: dict[tuple[str, int], float] = {}
    one = {key: float(getattr(rates, key)[0]) for key in rates.__dataclass_fields__}
    now = {"excluded": 1.0, "state_ap": 0.0, "independent_ap": 0.0, "home_unknown": 0.0}
    now |= {"special": 0.0, "reintegrated": 0.0}
    slices = 400
    for month in range(12 * (12 - group) - TERM_MONTHS[term]):
        year = (TERM_MONTHS[term] + month + 5) // 12
        hazard = one["return_first_year"] if month < 12 else one["return_later"]
        for _ in range(slices):
            step, before = 1 / 12 / slices, dict(now)
            # midpoint rule: exact to the square of the slice
            half = _flow(before, one, hazard, step / 2)
            now = _flow(half, one, hazard, step, start=before)
            for key in now:
                found[key, year] = found.get((key, year), 0.0) + step * half[key]
        fails = now["reintegrated"] * (1 - np.exp(-one["breakdown"] / 12))
        now["reintegrated"] -= fails
        now["state_ap"] += fails
    return found


def _flow(
    at: dict[str, float], one: dict[str, float], hazard: float, step: float, start: dict[str, float] | None = None
) -> dict[str, float]:
    moved = dict(start or at)
    placed = at["excluded"] * one["placement"] * step
    moved["excluded"] -= placed
    for key, to in (
        ("state_ap", "to_state_ap"),
        ("independent_ap", "to_independent_ap"),
        ("home_unknown", "to_home"),
    ):
        moved[key] += placed * one[to]
    for key in ("excluded", "state_ap", "independent_ap", "home_unknown"):
        back = at[key] * hazard * step
        moved[key] -= back
        moved["special"] += back * one["return_to_special"]
        moved["reintegrated"] += back * (1 - one["return_to_special"])
    return moved


def test_agrees_with_thin_slices_of_time() -> None:
    rates = _rates(1, seed=9)
    excluded, _ = years_by_state(rates, _one(10, 2), HORIZON)
    slow = _slow_state_years(rates, 10, 2)
    assert len(slow) == 12
    for (key, year), value in slow.items():
        assert excluded[STATES.index(key), year, 0] == pytest.approx(value, rel=1e-5, abs=1e-8)


def _slow_account(
    rates: Rates, mix: np.ndarray, states: np.ndarray, costs: np.ndarray, weights: np.ndarray
) -> np.ndarray:
    """The account by loops over draws, year groups, terms, lines, payers and years."""
    account = np.zeros((weights.shape[0], weights.shape[1], costs.shape[1]))
    for draw in range(costs.shape[1]):
        for group in range(12):
            for term in range(3):
                one = rates.part(slice(draw, draw + 1))
                with_it, without = years_by_state(one, _one(group, term), weights.shape[2])
                for line, payer, year in np.ndindex(*weights.shape):
                    years = with_it[states[line], year, 0] - without[states[line], year, 0]
                    value = mix[group, term] * years * costs[line, draw] * weights[line, payer, year]
                    account[line, payer, draw] += value
    return account


def test_the_contracted_account_is_the_slow_one() -> None:
    rng = np.random.default_rng(6)
    rates, mix = _rates(2, seed=7), rng.dirichlet(np.ones(36)).reshape(12, 3)
    states, costs, weights = rng.integers(0, 9, 4), rng.normal(1e4, 5e3, (4, 2)), rng.random((4, 3, 14))
    fast = present_account(rates, mix, states=states, costs=costs, weights=weights)
    np.testing.assert_allclose(fast, _slow_account(rates, mix, states, costs, weights), rtol=1e-9, atol=1e-6)


def test_blocks_of_draws_leave_no_seam() -> None:
    rates, mix = _rates(4_500), np.full((12, 3), 1 / 36)
    states, weights = np.arange(9), np.random.default_rng(8).random((9, 2, 20))
    costs = np.random.default_rng(9).normal(1.0, 1.0, (9, 4_500))
    account = present_account(rates, mix, states=states, costs=costs, weights=weights)
    excluded, averted = years_by_state(rates, mix, 20)
    whole = np.einsum("syd,spy,sd->spd", excluded - averted, weights, costs)
    np.testing.assert_allclose(account, whole, rtol=1e-9, atol=1e-9)
    # whoever is not in one state is in another, so equal costs and weights cancel
    equal = present_account(
        rates, mix, states=states, costs=np.ones_like(costs), weights=np.broadcast_to(weights[:1], weights.shape)
    )
    np.testing.assert_allclose(equal.sum(axis=0), 0.0, atol=1e-10)


def test_what_cannot_be_is_refused() -> None:
    with pytest.raises(ParameterError, match="must add up to 1"):
        _rates(3, to_home=0.9)
    with pytest.raises(ParameterError, match="breakdown runs from -1"):
        _rates(3, breakdown=-1.0)
    with pytest.raises(ParameterError, match="suspended runs from 2"):
        _rates(3, suspended=2.0)
    with pytest.raises(ParameterError, match="12 year groups and 3 terms"):
        years_by_state(_rates(1), np.ones((5, 3)) / 15, 60)
    with pytest.raises(ParameterError, match="add up to 1"):
        years_by_state(_rates(1), np.ones((12, 3)), 60)
    with pytest.raises(ParameterError, match="end before Year 11"):
        years_by_state(_rates(1), _one(0, 0), 8)
    with pytest.raises(ParameterError, match="one number per draw"):
        Rates(*(np.ones(2),) * 8, np.ones(3))
    with pytest.raises(ParameterError, match=r"must be \(line,\)"):
        present_account(
            _rates(2), _one(9, 1), states=np.array([1]), costs=np.ones((2, 2)), weights=np.ones((1, 1, 9))
        )
    with pytest.raises(ParameterError, match="state must be 0 to 8"):
        present_account(
            _rates(2), _one(9, 1), states=np.array([9]), costs=np.ones((1, 2)), weights=np.ones((1, 1, 9))
        )
    assert MONTHS == 142
