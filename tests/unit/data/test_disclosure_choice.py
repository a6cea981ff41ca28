"""The choice of what else to withhold, against every other choice tried in turn, with every whole number tried in turn."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise, product

import numpy as np
import pytest

from averting.data.disclosure import protection
from averting.data.disclosure.protection import System, complementary, counts_of_rate, feasible_interval, unsafe

PROTECTION = 2


def spans(system: System, hidden: np.ndarray) -> np.ndarray:
    """Return the least and most of every cell over all whole numbers that fit what a reader knows, shape (2, n)."""
    ends = np.where(hidden, system.withheld, system.shown).astype(int)
    points = np.array(list(product(*(range(low, high + 1) for low, high in ends.T))))
    points = points[(points @ system.relations.T == 0).all(axis=1)]
    return np.array([points.min(axis=0), points.max(axis=0)])


def is_safe(system: System, hidden: np.ndarray) -> bool:
    low, high = spans(system, hidden)
    return bool(((high - low)[hidden & system.guarded] >= PROTECTION).all())


def drawn(rng: np.random.Generator) -> System:
    """Draw a few cells that add up in two overlapping ways; a reader knows a little of the withheld ones."""
    parts = rng.integers(1, 9, 4)
    first, second = rng.permutation(4)[:3], rng.permutation(4)[:2]
    values = np.concatenate([parts, [parts[first].sum(), parts[second].sum()]]).astype(float)
    relations = np.zeros((2, 6))
    relations[0, first], relations[1, second] = 1, 1
    relations[[0, 1], [4, 5]] = -1
    must = np.zeros(6, dtype=bool)
    must[rng.integers(0, 4)] = True
    may = ~must & (rng.random(6) < 0.8)
    withheld = np.array([np.maximum(values - rng.integers(0, 4, 6), 0), values + rng.integers(0, 4, 6)])
    return System(
        relations=relations,
        shown=np.array([values, values]),
        withheld=withheld,
        must=must,
        may=may,
        guarded=rng.random(6) < 0.9,
        whole=np.ones(6, dtype=bool),
    )


@pytest.mark.parametrize("seed", range(60))
def test_the_choice_is_the_cheapest_of_all_that_are_safe(seed: int) -> None:
    rng = np.random.default_rng(seed)
    system = drawn(rng)
    cost = 1 + rng.permutation(6) / 7.0  # no two choices of as many cells cost the same but by chance
    found = complementary(system, PROTECTION, cost=cost)
    others = np.flatnonzero(system.may)
    choices = [
        system.must | np.isin(np.arange(6), others[np.array(bits) == 1])
        for bits in product([0, 1], repeat=len(others))
    ]
    safe = [hidden for hidden in choices if is_safe(system, hidden)]
    if found is None:
        assert safe == []
        return
    assert is_safe(system, found)
    assert (found | ~system.must).all()
    assert cost[found].sum() == pytest.approx(min(cost[hidden].sum() for hidden in safe))


@pytest.mark.parametrize("seed", range(12))
def test_what_a_reader_can_find_is_what_every_whole_number_tried_says(seed: int) -> None:
    rng = np.random.default_rng([1, seed])
    system = drawn(rng)
    hidden = system.must | system.may
    low, high = spans(system, hidden)
    for cell in range(6):
        assert feasible_interval(system, hidden, cell) == (low[cell], high[cell])
    weak = np.flatnonzero(hidden & system.guarded & (high - low < PROTECTION))
    assert unsafe(system, hidden, PROTECTION) == weak.tolist()


@pytest.mark.parametrize("reach", [(0, 9), (-6, 0)])
def test_a_cell_that_gives_away_from_above_and_from_below_is_found(reach: tuple[int, int]) -> None:
    """``x + y + s = t`` limits x on one side, ``x + u = s + z`` on the other: another s would move both ends one way."""
    values = np.array([3.0, 7, 6, 20, 30, 9])  # x, y, z, s, t, and u = s + z - x
    values[5] = values[3] + values[2] - values[0]
    relations = np.array([[1.0, 1, 0, 1, -1, 0], [1.0, 0, -1, -1, 0, 1]])
    hidden = np.array([True, True, True, False, False, False])
    system = System(
        relations=relations,
        shown=np.array([values, values]),
        withheld=values + np.array([[-2, reach[0], reach[0], -3, -3, 0], [2, reach[1], reach[1], 3, 3, 0]]),
        must=hidden,
        may=np.array([False, False, False, True, False, False]),
        guarded=np.array([True, False, False, False, False, False]),
        whole=np.ones(6, dtype=bool),
    )
    assert unsafe(system, hidden, PROTECTION) == [0]
    found = complementary(system, PROTECTION, cost=np.ones(6))
    assert found is not None
    assert found.tolist() == [True, True, True, True, False, False]


def test_any_cell_may_help_one_that_only_whole_numbers_make_narrow() -> None:
    """``2 x = y`` and y from 3 to 9: x spans 3 as a fraction, and 2 as a whole number, so duals say nothing of it."""
    values, hidden = np.array([3.0, 6, 9]), np.array([True, True, False])
    system = System(
        relations=np.array([[2.0, -1, 0]]),
        shown=np.array([values, values]),
        withheld=np.array([[0.0, 3, 8], [10, 9, 10]]),
        must=hidden,
        may=~hidden,
        guarded=np.array([True, False, False]),
        whole=np.ones(3, dtype=bool),
    )
    assert feasible_interval(system, hidden, 0) == (2.0, 4.0)
    assert protection._givers(system, hidden, 0, 3).tolist() == [False, False, True]
    # four are too many even for fractions, and the third cell has no part in that
    assert protection._givers(system, hidden, 0, 4).tolist() == [False, False, False]


def test_after_many_rounds_what_was_chosen_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    """A tangled table: choosing afresh could go on for long, so choices are only added to, and still are safe."""
    kept: list[np.ndarray] = []
    cheapest = protection._cheapest

    def watched(*asked: object, **more: object) -> object:
        kept.append(np.array(more["kept"]))
        return cheapest(*asked, **more)  # type: ignore[arg-type]

    inner = np.random.default_rng(4).integers(5, 30, (4, 4)).astype(float)
    inner[0, 0] = inner[2, 3] = 2
    margins = np.block([[inner, inner.sum(1, keepdims=True)], [inner.sum(0, keepdims=True), inner.sum()]])
    values = margins.ravel()
    at = np.arange(25).reshape(5, 5)
    relations = np.zeros((10, 25))
    for i in range(5):
        relations[i, at[i, :4]], relations[i, at[i, 4]] = 1, -1
        relations[5 + i, at[:4, i]], relations[5 + i, at[4, i]] = 1, -1
    must = values == 2
    limits = np.array([np.where(must, 1, 5.0), np.where(must, 4, np.inf)])
    true = np.ones(25, dtype=bool)
    system = System(relations, np.array([values, values]), limits, must, ~must, true, true)
    monkeypatch.setattr(protection, "_cheapest", watched)
    monkeypatch.setattr(protection, "_ROUNDS", 1)
    found = complementary(system, PROTECTION, cost=1 + np.arange(25) / 1e4)
    assert found is not None
    assert unsafe(replace(system, must=found), found, PROTECTION) == []
    assert len(kept) > 2, "the test must be able to fail"
    assert (kept[0] == must).all()
    for before, now in pairwise(kept[1:]):
        assert (now | ~before).all() and now.sum() > before.sum()
    assert (found | ~kept[-1]).all()
    # afresh as often as is said, and no oftener
    kept.clear()
    monkeypatch.setattr(protection, "_ROUNDS", 2)
    complementary(system, PROTECTION, cost=1 + np.arange(25) / 1e4)
    assert len(kept) > 1 and (kept[0] == must).all() and (kept[1] == must).all()


@pytest.mark.parametrize("per", [1.0, 100.0])
@pytest.mark.parametrize("digits", [0, 2, 4])
def test_counts_of_a_rate_are_all_that_are_printed_so(per: float, digits: int) -> None:
    for exposure in (40, 1_000, 25_000, 310_000):
        counts = np.arange(0, min(exposure, 5_000) + 1)
        # a rate that falls on an edge may be printed either way
        rates = counts * per / exposure
        for count in (0, 1, 7, 40):
            rate = round(count * per / exposure, digits)
            printed_so = counts[np.abs(rates - rate) <= 0.5 * 10.0**-digits + 1e-12]
            if printed_so[-1] < counts[-1]:
                assert counts_of_rate(rate, exposure, per=per, digits=digits) == (printed_so[0], printed_so[-1])
