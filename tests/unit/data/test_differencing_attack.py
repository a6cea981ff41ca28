"""An attacker who has every published table, knows the rules, and solves for what is withheld."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import Bounds, LinearConstraint, milp

from averting.data.disclosure import (
    CountTable,
    DisclosureRecord,
    PublicTable,
    Rules,
    Sum,
    counts_of_rate,
    known_rules,
    load_rules,
    primary,
    protect,
)

RULES = [load_rules(key) for key in known_rules()]
EXACT = load_rules("under_five_exact")
NO_LIMIT = 10_000.0


def table(counts: object, *, name: str = "counts", labels: Sequence[Sequence[str]] | None = None) -> CountTable:
    inner = np.asarray(counts)
    axes = labels or [[f"{'abc'[axis]}{i}" for i in range(size)] for axis, size in enumerate(inner.shape)]
    return CountTable.from_counts(name, axes, inner)


def reasons(record: DisclosureRecord) -> dict[tuple[str, ...], str]:
    return {decision.cell: decision.reason for decision in record.decisions if decision.reason != "rounding"}


def told(rules: Rules, reason: str) -> tuple[float, float]:
    """What a cell's reason gives away: the attacker has read the rules and the record."""
    if reason == "primary":
        return float(rules.smallest), rules.threshold - 1.0
    return 0.0, NO_LIMIT


def attack(
    releases: Sequence[tuple[Sequence[PublicTable], DisclosureRecord]], *, exact: dict[tuple[str, ...], float]
) -> dict[tuple[str, ...], tuple[int, int]]:
    """Bound every withheld cell by integer programming over all releases at once.

    ``exact`` are counts that the attacker knows behind rounded ones; it never holds a withheld one.
    """
    low: dict[tuple[str, ...], float] = {}
    high: dict[tuple[str, ...], float] = {}
    sums: dict[Sum, None] = {}
    for tables, record in releases:
        why = reasons(record)
        for public in tables:
            sums |= dict.fromkeys(public.sums)
            for key, value in zip(public.keys, public.lower, strict=True):
                bounds = told(record.rules, why[key]) if np.isnan(value) else (exact[key], exact[key])
                low[key] = max(low.get(key, 0.0), bounds[0])
                high[key] = min(high.get(key, NO_LIMIT), bounds[1])
    keys = list(low)
    matrix = np.zeros((len(sums), len(keys)))
    for row, one in enumerate(sums):
        matrix[row, keys.index(one.total)] = -1
        for part in one.parts:
            matrix[row, keys.index(part)] = 1
    found = {}
    for i, key in enumerate(keys):
        if low[key] < high[key]:
            ends = []
            for sign in (1, -1):
                solved = milp(
                    sign * np.eye(len(keys))[i],
                    integrality=np.ones(len(keys)),
                    bounds=Bounds([low[k] for k in keys], [high[k] for k in keys]),
                    constraints=LinearConstraint(matrix, 0, 0),
                )
                assert solved.x is not None
                ends.append(round(solved.x[i]))
            found[key] = (ends[0], ends[1])
    return found


def truth(*tables: CountTable) -> dict[tuple[str, ...], float]:
    return {key: value for one in tables for key, value in zip(one.keys, one.lower.tolist(), strict=True)}


def withheld(tables: Sequence[PublicTable]) -> set[tuple[str, ...]]:
    return {key for public in tables for key in public.withheld}


def assert_safe(releases: Sequence[tuple[Sequence[PublicTable], DisclosureRecord]], *tables: CountTable) -> None:
    counts = truth(*tables)
    found = attack(releases, exact=counts)
    protection = releases[-1][1].rules.protection
    for key in set().union(*(withheld(public) for public, _ in releases)):
        low, high = found[key]
        assert low <= counts[key] <= high
        assert high - low >= protection, key


def only_primary(inner: CountTable, rules: Rules) -> tuple[tuple[PublicTable, ...], DisclosureRecord]:
    """What many publish: small counts withheld and nothing else, through a table without sums to protect."""
    alone = CountTable(inner.name, inner.keys, inner.lower, inner.upper)
    public, record = protect([alone], rules)
    with_sums = PublicTable(
        inner.name, inner.keys, inner.sums, public[0].lower, public[0].upper, public[0].least, public[0].most
    )
    return (with_sums,), record


COUNTS = [[12, 3, 20], [9, 14, 6], [30, 8, 11]]


def test_without_secondary_suppression_the_attack_recovers_the_count() -> None:
    inner = table(COUNTS)
    assert attack([only_primary(inner, EXACT)], exact=truth(inner))[("a0", "b1")] == (3, 3)


@pytest.mark.parametrize("rules", RULES, ids=lambda rules: rules.key)
def test_with_it_the_attack_fails(rules: Rules) -> None:
    inner = table([[12, 2, 20], [9, 14, 16], [30, 18, 11]])
    release = protect([inner], rules)
    assert release[1].passes
    assert ("a0", "b1") in withheld(release[0])
    assert_safe([release], inner)


@settings(max_examples=12)
@given(st.data(), st.sampled_from(RULES), st.sampled_from([(2, 3), (3, 3), (4, 2), (2, 2, 2)]))
def test_no_withheld_count_of_any_table_is_recovered(
    data: st.DataObject, rules: Rules, shape: tuple[int, ...]
) -> None:
    size = int(np.prod(shape))
    values = data.draw(st.lists(st.integers(0, 25), min_size=size, max_size=size))
    inner = table(np.reshape(values, shape))
    release = protect([inner], rules)
    assert release[1].passes
    assert withheld(release[0]) >= {
        key for key, value in truth(inner).items() if rules.smallest <= value < rules.threshold
    }
    assert_safe([release], inner)


@settings(max_examples=12)
@given(st.lists(st.integers(0, 9), min_size=4, max_size=4))
def test_brute_force_agrees_on_small_tables(values: list[int]) -> None:
    inner = table(np.reshape(values, (2, 2)))
    (public,), record = protect([inner], EXACT)
    counts, why = truth(inner), reasons(record)
    guesses = np.indices((24,) * 4).reshape(4, -1)
    possible = np.ones(guesses.shape[1], dtype=bool)
    # every cell of the table with margins is a sum of inner cells
    members = [truth(table(np.reshape(one, (2, 2)))) for one in np.eye(4, dtype=int)]
    trials = {
        key: sum(member[key] * guess for member, guess in zip(members, guesses, strict=True)) for key in counts
    }
    for key, trial in trials.items():
        low, high = told(EXACT, why[key]) if key in why else (counts[key], counts[key])
        possible &= (trial >= low) & (trial <= high)
    for key in public.withheld:
        seen = trials[key][possible]
        assert seen.min() <= counts[key] <= seen.max()
        assert np.ptp(seen) >= EXACT.protection


def test_two_releases_are_protected_together() -> None:
    labels = [["north", "south", "west"], ["girls", "boys"]]
    counts = np.array([[3, 17], [9, 8], [14, 21]])
    first_table = table(counts, labels=labels)
    first = protect([first_table], EXACT)
    # the second release shows two regions together, which the first did not
    merged = Sum(("north or west", "girls"), (("north", "girls"), ("west", "girls")))
    keys = (merged.total, ("south", "girls"), ("all", "girls"))
    values = np.array([17.0, 9.0, 26.0])
    second_table = CountTable(
        "second", (*keys, ("north", "girls"), ("west", "girls")), np.r_[values, 3, 14], np.r_[values, 3, 14],
        (merged, Sum(("all", "girls"), (merged.total, ("south", "girls")))),
    )  # fmt: skip
    alone = protect([second_table], EXACT)
    together = protect([second_table], EXACT, previous=first[0])
    assert together[1].passes
    assert withheld(together[0]) >= withheld(first[0]) & set(second_table.keys)
    assert_safe([first, together], first_table, second_table)
    found = attack([first, alone], exact=truth(first_table, second_table))
    narrowest = min(high - low for low, high in found.values()) if len(found) else 0
    recovered = [key for key in withheld(first[0]) if key not in found]
    assert recovered or narrowest < EXACT.protection, "the test must be able to fail"


def test_a_subgroup_table_that_shares_cells_is_protected_with_the_first() -> None:
    outer = table([12, 3, 20], labels=[["x", "y", "z"]])
    nested = CountTable(
        "subgroups", (("z",), ("z", "boys"), ("z", "girls")), np.array([20.0, 19, 1]), np.array([20.0, 19, 1]),
        (Sum(("z",), (("z", "boys"), ("z", "girls"))),),
    )  # fmt: skip
    release = protect([outer, nested], EXACT)
    assert release[1].passes
    assert_safe([release], outer, nested)


def test_rounding_does_not_bring_a_count_back() -> None:
    rules = load_rules("under_five")
    inner = table(COUNTS)
    (public,), record = protect([inner], rules)
    shown = public.lower[~np.isnan(public.lower)]
    assert (shown % 5 == 0).all()
    assert_safe([((public,), record)], inner)


@given(st.integers(1, 400), st.integers(20, 3000))
def test_a_printed_rate_and_its_denominator_give_the_count_away(count: int, exposure: int) -> None:
    low, high = counts_of_rate(round(100 * count / exposure, 2), exposure)
    assert low <= count <= high
    if exposure < 9_000:
        assert low == high == count


def test_counts_known_within_bounds_are_protected_at_both_ends() -> None:
    keys = (("a",), ("b",), ("c",), ("all",))
    sums = (Sum(("all",), keys[:3]),)
    inner = CountTable("bounds", keys, np.array([3.0, 11, 9, 23]), np.array([6.0, 11, 10, 27]), sums)
    (public,), record = protect([inner], EXACT)
    assert record.passes
    assert ("a",) in public.withheld
    assert len(public.withheld) >= 2
    assert np.isnan(public.upper[np.isnan(public.lower)]).all()


def test_small_is_below_the_threshold_and_zero_only_where_the_rules_say() -> None:
    values = np.array([0.0, 1, 4, 5])
    assert primary(values, values, EXACT).tolist() == [False, True, True, False]
    assert primary(values, values, load_rules("under_ten_with_zero")).tolist() == [True] * 4
    # between two and seven: could be small
    assert primary(np.array([2.0]), np.array([7.0]), EXACT).tolist() == [True]
