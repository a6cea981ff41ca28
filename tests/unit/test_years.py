"""Academic and financial years: what is read comes back, and anything else is refused."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from averting.errors import UnitError
from averting.years import AcademicYear, FinancialYear, financial_year_at, financial_years_of

STARTS = st.integers(1900, 2098)
KINDS = st.sampled_from([AcademicYear, FinancialYear])


@given(KINDS, STARTS)
def test_a_label_reads_back(kind, start):
    assert kind.parse(kind(start).label) == kind(start)
    assert str(kind(start)) == kind(start).label


@given(
    KINDS,
    STARTS,
    st.sampled_from(["{a}/{b:02d}", "{a}-{b:02d}", "{a}–{b:02d}", "{a}{b:02d}", "{a}/{c}", "{a}{c}"]),
)
def test_every_way_of_writing_a_year_is_the_same_year(kind, start, layout):
    text = layout.format(a=start, b=(start + 1) % 100, c=start + 1)
    assert kind.parse(text) == kind(start)
    assert kind.parse(f"  {text} ") == kind(start)


def test_labels_are_those_of_the_publishers():
    assert AcademicYear.parse(201617).label == "2016/17"
    assert AcademicYear(1999).label == "1999/00"
    assert FinancialYear.parse("2021/22").label == "2021-22"


@pytest.mark.parametrize(
    "text",
    ["", "2016", "201618", "2016/18", "2016/15", "2016/2018", "16/17", "2016/1", "2016/017", "1816/17", "2116/17",
     "2016//17", "2016/17x", "x2016/17", "spring", "2016.17", "-2016/17", "２０１６/17 to", None],
)  # fmt: skip
def test_other_texts_are_refused_with_an_example(text):
    with pytest.raises(UnitError, match="2016/17"):
        AcademicYear.parse(text)
    with pytest.raises(UnitError, match="2021-22"):
        FinancialYear.parse(text)


@given(st.text(max_size=12))
def test_any_text_is_read_or_refused(text):
    try:
        year = AcademicYear.parse(text)
    except UnitError as error:
        assert text in str(error)
    else:
        assert AcademicYear.parse(year.label) == year


@given(STARTS, STARTS)
def test_years_are_in_order_of_time(one, other):
    assert (AcademicYear(one) < AcademicYear(other)) == (one < other)
    assert (FinancialYear(one) >= FinancialYear(other)) == (one >= other)


def test_an_academic_year_is_not_a_financial_year():
    assert AcademicYear(2020) != FinancialYear(2020)


@given(STARTS)
def test_shares_of_overlap_sum_to_one(start):
    shares = financial_years_of(AcademicYear(start))
    assert math.isclose(sum(shares.values()), 1.0)
    # September to March are seven months
    assert math.isclose(shares[FinancialYear(start)], 7 / 12)
    assert set(shares) == {FinancialYear(start), FinancialYear(start + 1)}


def test_moments_fall_in_the_financial_year_of_their_month():
    year = AcademicYear(2020)
    assert financial_year_at(year, 0) == FinancialYear(2020)  # 1 September 2020
    assert financial_year_at(year, 6.99) == FinancialYear(2020)  # the last of March 2021
    assert financial_year_at(year, 7) == FinancialYear(2021)  # 1 April 2021
    assert financial_year_at(year, 19) == FinancialYear(2022)


@given(STARTS)
def test_moments_and_shares_agree(start):
    year = AcademicYear(start)
    months = [financial_year_at(year, month + 0.5) for month in range(12)]
    assert {key: months.count(key) / 12 for key in set(months)} == pytest.approx(financial_years_of(year))
