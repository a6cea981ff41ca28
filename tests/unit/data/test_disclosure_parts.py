"""What the attack on whole releases does not reach: limits of the rules, and what a reader knows of one cell."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from averting.data.disclosure import CountTable, DisclosureRecord, PublicTable, Sum, load_rules, protect
from averting.data.disclosure.control import _decisions, _gather
from averting.data.disclosure.protection import System, feasible_interval
from averting.data.disclosure.record import Decision
from averting.errors import DisclosureError

RULES = {
    "label": "A label", "threshold": 5, "zero_is_small": False, "rounding": 5, "protection": 2, "confidence": "judgement",
    "source": "A source.",
}  # fmt: skip


def written(folder: Path, **changed: object) -> Path:
    path = folder / "rules.toml"
    lines = [f"{key} = {json.dumps(value)}" for key, value in {**RULES, **changed}.items()]
    path.write_text("\n".join(["[ours]", *lines, ""]), encoding="utf-8")
    return path


@pytest.mark.parametrize(("zero_is_small", "most"), [(False, 3), (True, 4)])
def test_protection_is_at_most_the_span_of_small_counts(tmp_path: Path, zero_is_small: bool, most: int) -> None:
    """Of 1 to 4 a reader can be left with four candidates, three more than one; of 0 to 4 with five."""
    fine = load_rules("ours", path=written(tmp_path, protection=most, zero_is_small=zero_is_small))
    assert (fine.protection, fine.smallest) == (most, 0 if zero_is_small else 1)
    with pytest.raises(DisclosureError, match=f"so much protection. Give {most} or less"):
        load_rules("ours", path=written(tmp_path, protection=most + 1, zero_is_small=zero_is_small))


@pytest.mark.parametrize("key", ["threshold", "rounding", "protection"])
@pytest.mark.parametrize("value", [0, -1, 2.0, True, "5"])
def test_numbers_of_rules_are_whole_and_above_nothing(tmp_path: Path, key: str, value: object) -> None:
    with pytest.raises(DisclosureError, match=f"{key} is not a whole number from 1 up"):
        load_rules("ours", path=written(tmp_path, **{key: value}))


@pytest.mark.parametrize("key", ["threshold", "rounding", "protection"])
def test_one_is_allowed_wherever_it_can_be(tmp_path: Path, key: str) -> None:
    least = {"threshold": 3, "rounding": 1, "protection": 1}
    assert getattr(load_rules("ours", path=written(tmp_path, **{**least, key: least[key]})), key) == least[key]


def test_what_being_withheld_says_of_a_count_known_within_bounds() -> None:
    """A lower bound may be nothing although the count is small; an upper bound may be above the threshold."""
    rules = load_rules("under_five_exact")
    keys = (("a",), ("b",), ("c",), ("all",))
    lower, upper = np.array([0.0, 3, 20, 23]), np.array([7.0, 3, 20, 30])
    cells = _gather([CountTable("t", keys, lower, upper, (Sum(("all",), keys[:3]),))], rules, [])
    assert cells.small.tolist() == [True, True, False, False]
    low, high = cells.said_by_withholding(0)
    assert (low[0], high[0]) == (0.0, 4.0)
    assert (low[1], high[1]) == (1.0, 4.0)
    low, high = cells.said_by_withholding(1)
    assert (low[0], high[0]) == (1.0, np.inf)
    assert (low[1], high[1]) == (1.0, 4.0)
    assert (low[2], high[2]) == (5.0, np.inf)
    assert len(cells.systems()) == 2


def test_a_total_is_worth_the_cells_it_sums_and_order_settles_draws() -> None:
    counts = np.array([1.0, 6, 20, 27])
    keys = (("a",), ("b",), ("c",), ("all",))
    cells = _gather(
        [CountTable("t", keys, counts, counts, (Sum(("all",), keys[:3]),))], load_rules("under_five"), []
    )
    assert np.floor(cells.cost).tolist() == [1.0, 1.0, 1.0, 4.0]
    assert (np.diff(cells.cost[:3]) > 0).all()
    assert (cells.cost - [1, 1, 1, 4]).sum() < 0.5  # all of them together less than half a cell
    assert len(cells.systems()) == 1
    assert cells.ceiling > 10 * counts.sum()


def test_a_count_that_may_not_be_withheld_says_nothing_by_it() -> None:
    keys = (("none",), ("many",))
    cells = _gather([CountTable("t", keys, np.array([0.0, 9]), np.array([0.0, 9]))], load_rules("under_five"), [])
    assert cells.may.tolist() == [False, True]
    low, high = cells.said_by_withholding(0)
    assert low.tolist() == [0.0, 5.0]
    assert np.isinf(high).all()


def test_what_an_earlier_release_withheld_stays_withheld() -> None:
    rules, keys = load_rules("under_five_exact"), (("few",), ("some",), ("all",))
    counts = np.array([2.0, 6, 8])
    released, _ = protect([CountTable("t", keys, counts, counts, (Sum(("all",), keys[:2]),))], rules)
    now = CountTable("now", (("some",),), counts[1:2], counts[1:2])
    cells = _gather([now], rules, released)
    assert {key: bool(must) for key, must in zip(cells.keys, cells.must, strict=True)} == {
        ("some",): True, ("few",): True, ("all",): False,
    }  # fmt: skip


def test_a_withheld_count_that_nothing_limits_has_no_width() -> None:
    table, rules = CountTable("t", (("many",),), np.array([9.0]), np.array([9.0])), load_rules("under_five")
    cells = _gather([table], rules, [])
    (found,) = _decisions([table], cells, cells.systems(), np.array([True]))
    assert (found.reason, found.width) == ("secondary", None)


def system(total: float) -> System:
    """Two cells and their total, of which one cell is withheld."""
    shown = np.array([3.0, 20.0, total])
    return System(
        relations=np.array([[1.0, 1.0, -1.0]]),
        shown=np.array([shown, shown]),
        withheld=np.array([[1.0, 20.0, total], [4.0, 20.0, total]]),
        must=np.array([True, False, False]),
        may=np.zeros(3, dtype=bool),
        guarded=np.ones(3, dtype=bool),
        whole=np.ones(3, dtype=bool),
    )


def test_numbers_that_contradict_each_other_are_no_protection() -> None:
    hidden = np.array([True, False, False])
    assert feasible_interval(system(23.0), hidden, 0) == (3.0, 3.0)
    with pytest.raises(ValueError, match="contradict"):
        feasible_interval(system(30.0), hidden, 0)
    nothing = np.zeros(3, dtype=bool)
    with pytest.raises(ValueError, match="contradict"):
        feasible_interval(system(24.0), nothing, 0)


def test_what_a_release_says_of_every_cell_by_hand() -> None:
    """A small count, one withheld for its sake, nothing, and two counts rounded to five."""
    counts = np.array([2.0, 6, 0, 30, 38])
    keys = (("a",), ("b",), ("c",), ("d",), ("all",))
    table = CountTable("t", keys, counts, counts, (Sum(("all",), keys[:4]),))
    (public,), record = protect([table], load_rules("under_five"))
    assert record.passes
    assert public.withheld == {("a",), ("b",)}
    assert [(d.cell, d.reason, d.width) for d in record.decisions if d.reason != "rounding"] == [
        (("a",), "primary", 2),  # with b it makes 8, and b is 5 or more: 1 to 3
        (("b",), "secondary", 2),
    ]
    np.testing.assert_array_equal(public.lower, [np.nan, np.nan, 0, 30, 40])
    np.testing.assert_array_equal(public.least, [[1, 5, 0, 28, 38]] * 2)
    np.testing.assert_array_equal(public.most, [[4, np.inf, 0, 32, 42]] * 2)
    written = json.loads(json.dumps(public.to_dict(), allow_nan=False))
    assert written["lower"] == [None, None, 0, 30, 40]
    assert written["most"] == [[4, None, 0, 32, 42]] * 2
    again = PublicTable.from_dict(written)
    assert (again.name, again.keys, again.sums) == (public.name, public.keys, public.sums)
    for name in ("lower", "upper", "least", "most"):
        np.testing.assert_array_equal(getattr(again, name), getattr(public, name))


def test_rounding_withholds_nothing() -> None:
    decisions = [
        Decision("t", ("a",), "primary"),
        Decision("t", ("b",), "secondary"),
        Decision("t", ("c",), "rounding"),
    ]
    record = DisclosureRecord(load_rules("under_five")).with_decisions(decisions)
    assert (record.withheld, record.passes) == (2, True)
    exposed = record.with_decisions([], exposed=[("a",), ("a",)])
    assert (exposed.exposed, exposed.passes) == ((("a",),), False)


@pytest.mark.parametrize("wrong", [[1.0], [1.5, 2.0], [-1.0, 2.0], [np.nan, 2.0]])
@pytest.mark.parametrize("side", [0, 1])
def test_what_is_no_count_is_refused(wrong: list[float], side: int) -> None:
    bounds = [np.array([1.0, 2.0]), np.array([1.0, 2.0])]
    bounds[side] = np.array(wrong)
    with pytest.raises(DisclosureError, match="not whole numbers, one for each key"):
        CountTable("t", (("a",), ("b",)), *bounds)


def test_rules_that_lack_a_key_are_refused_by_its_name(tmp_path: Path) -> None:
    path = tmp_path / "rules.toml"
    path.write_text('[ours]\nlabel = "A label"\nthreshold = 5\n', encoding="utf-8")
    with pytest.raises(DisclosureError, match="rounding"):
        load_rules("ours", path=path)
    path.write_text("ours = 5\n", encoding="utf-8")
    with pytest.raises(DisclosureError, match="cannot be used"):
        load_rules("ours", path=path)


def test_counts_that_contradict_each_other_are_named() -> None:
    keys = (("a",), ("b",), ("c",))
    first, second = (CountTable(name, keys, np.array(counts), np.array(counts)) for name, counts in
                     (("one", [6.0, 7, 8]), ("two", [6.0, 7, 9])))  # fmt: skip
    with pytest.raises(DisclosureError, match="two, c: another table has another count"):
        protect([first, second], load_rules("under_five"))


def bounded() -> CountTable:
    """Counts of which two are known within bounds, one of them small."""
    keys = (("a",), ("b",), ("c",), ("all",))
    lower, upper = np.array([0.0, 11, 20, 31]), np.array([7.0, 14, 20, 41])
    return CountTable("t", keys, lower, upper, (Sum(("all",), keys[:3]),))


def test_what_is_printed_of_bounds_are_both_ends() -> None:
    (public,), record = protect([bounded()], load_rules("under_five_exact"))
    assert record.passes
    shown = [i for i, key in enumerate(public.keys) if key not in public.withheld]
    assert ("a",) in public.withheld and shown
    table = bounded()
    np.testing.assert_array_equal(public.lower[shown], table.lower[shown])
    np.testing.assert_array_equal(public.upper[shown], table.upper[shown])
    # withheld as small: its lower bound is below five, its upper bound is above nothing
    assert (public.least[:, 0].tolist(), public.most[:, 0].tolist()) == ([0.0, 1.0], [4.0, np.inf])


def test_bounds_told_by_an_earlier_release_alone_are_looked_at_from_both_ends() -> None:
    rules = load_rules("under_five_exact")
    before, _ = protect([bounded()], rules)
    now = CountTable("now", (("d",), ("e",)), np.array([6.0, 9]), np.array([6.0, 9]))
    assert len(_gather([now], rules, before).systems()) == 2
    assert len(_gather([now], rules, []).systems()) == 1


def test_only_rules_that_round_say_that_they_round() -> None:
    counts = np.array([6.0, 8.0])
    table = CountTable("t", (("a",), ("b",)), counts, counts)
    said = {
        key: [d.reason for d in protect([table], load_rules(key))[1].decisions]
        for key in ("under_five", "under_five_exact")
    }
    assert said == {"under_five": ["rounding"], "under_five_exact": []}
    assert load_rules("under_five_exact").rounding == 1
    to_two = protect([table], replace(load_rules("under_five_exact"), rounding=2))[1]
    assert [decision.reason for decision in to_two.decisions] == ["rounding"]


@pytest.mark.parametrize("count", [5.0, 21.0])
def test_a_count_that_an_earlier_release_contradicts_is_refused(count: float) -> None:
    """The release showed 10 to 12, rounded: least and most of both bounds are known."""
    rules = load_rules("under_five")
    keys = (("a",), ("b",))
    before = CountTable("t", keys, np.array([11.0, 30]), np.array([11.0, 30]))
    released, _ = protect([before], rules)
    now = CountTable("t", keys, np.array([count, 30]), np.array([count, 30]))
    with pytest.raises(DisclosureError, match="a: an earlier release shows this count otherwise"):
        protect([now], rules, previous=released)
    wider = CountTable("t", keys, np.array([11.0, 30]), np.array([21.0, 30]))
    with pytest.raises(DisclosureError, match="a: an earlier release"):
        protect([wider], rules, previous=released)
    protect([CountTable("t", keys, np.array([12.0, 30]), np.array([12.0, 30]))], rules, previous=released)
