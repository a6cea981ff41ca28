"""Academic years and terms as periods: one spelling, one order, and no half-year combinations."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from averting.errors import UnitError
from averting.years import TERMS, AcademicYear, Period, covered

PERIODS = st.builds(Period, st.builds(AcademicYear, st.integers(1950, 2098)), st.sampled_from([None, *TERMS]))


@pytest.mark.parametrize(
    ("text", "label"),
    [
        ("2021/22", "2021/22"),
        (202122, "2021/22"),
        ("2021/22 Autumn", "2021/22 Autumn"),
        ("202122 spring", "2021/22 Spring"),
        (" 2021-22  Summer term ", "2021/22 Summer"),
        ("1999/2000 AUTUMN TERM", "1999/00 Autumn"),
    ],
)
def test_a_period_is_read_as_it_is_written(text: str | int, label: str) -> None:
    assert Period.parse(text).label == label


@pytest.mark.parametrize(
    "text",
    [
        "2021/22 Autumn and spring term",
        "Autumn",
        "2021/22 winter",
        "2021/23 Autumn",
        "2021/22 Autumn 1",
        "",
        "2021/22Spring",
    ],
)
def test_anything_else_is_refused(text: str) -> None:
    with pytest.raises(UnitError, match="is not an academic year"):
        Period.parse(text)


@given(PERIODS)
def test_label_and_ordinal_lead_back_to_the_period(period: Period) -> None:
    assert Period.parse(period.label) == Period.at(period.ordinal) == period


@given(st.lists(PERIODS, max_size=30))
def test_order_is_that_of_time_and_labels_of_terms_sort_alike(periods: list[Period]) -> None:
    def key(period: Period) -> tuple[int, int]:
        return (period.year.start, TERMS.index(period.term) if period.term else -1)

    in_time = sorted(periods, key=key)
    assert sorted(periods) == in_time
    # designs and estimators compare labels
    assert sorted(period.label for period in periods) == [period.label for period in in_time]


def test_a_year_covers_itself_and_its_terms_only() -> None:
    known = ["2020/21 Summer", "2021/22 Autumn", "2021/22 Spring"]
    assert covered("2021/22", known) == ("2021/22 Autumn", "2021/22 Spring")
    assert covered("2021/22 Spring", known) == ("2021/22 Spring",)
    assert covered("2021/22", ["2021/22"]) == ("2021/22",)
    assert covered("2021/22 Spring", ["2021/22"]) == ()
