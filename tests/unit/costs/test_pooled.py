"""Pooled budgets: pounds in are pounds out, and differences are shared in proportion."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from averting.costs import match_funding, pool_account, risk_share
from averting.errors import ParameterError
from averting.years import FinancialYear

Y1, Y2, Y3 = (FinancialYear(year) for year in (2022, 2023, 2024))
POUNDS = st.floats(0, 1e6, allow_nan=False).map(lambda value: round(value, 2))


def test_salford_s_share_of_an_overspend() -> None:
    # seed facts G10: of a £4.422m overspend £3.007m fell to the council, in proportion to contributions
    shared = risk_share(4_422, {"la_general_fund": 68.0, "nhs": 32.0})
    assert shared["la_general_fund"] == pytest.approx(3_007, abs=1)
    assert sum(shared.values()) == pytest.approx(4_422)


def test_a_pool_by_hand() -> None:
    years, payers = pool_account(
        {"la_general_fund": {Y1: 60_000, Y2: 60_000}, "nhs": {Y1: 30_000}}, {Y1: 70_000, Y2: 50_000, Y3: 90_000}
    )
    assert years["unspent"].tolist() == [20_000, 30_000, 0]
    assert years["opening"].tolist() == [0, 20_000, 30_000]
    assert years["overspend"].tolist() == [0, 0, 60_000]
    by = payers.set_index("payer")
    # 120,000 to 30,000 put in, so an overspend of 60,000 falls 48,000 to 12,000
    assert by["overspend"].tolist() == [48_000, 12_000]
    assert by["net"].tolist() == [168_000, 42_000]
    assert by["share"].tolist() == [0.8, 0.2]


def test_what_is_left_goes_back_in_proportion() -> None:
    _, payers = pool_account({"dfe": {Y1: 75.0}, "school": {Y1: 25.0}}, {Y1: 60.0})
    assert payers["returned"].tolist() == [30.0, 10.0]
    assert payers["net"].tolist() == [45.0, 15.0]


@given(st.lists(st.tuples(POUNDS, POUNDS, POUNDS), min_size=1, max_size=5))
def test_what_partners_pay_in_the_end_is_what_was_drawn(rows: list[tuple[float, float, float]]) -> None:
    years = [FinancialYear(2015 + i) for i in range(len(rows))]
    give = {"dfe": dict(zip(years, (1 + a for a, _, _ in rows), strict=True)),
            "nhs": dict(zip(years, (b for _, b, _ in rows), strict=True))}  # fmt: skip
    spending = dict(zip(years, (c for _, _, c in rows), strict=True))
    by_year, by_payer = pool_account(give, spending)
    assert by_payer["net"].sum() == pytest.approx(sum(spending.values()), abs=1e-6)
    flow = (
        by_year["opening"] + by_year["contributed"] + by_year["overspend"] - by_year["drawn"] - by_year["unspent"]
    )
    assert flow.abs().max() < 1e-6


def test_match_funding_stops_at_its_cap() -> None:
    assert match_funding(40_000, ratio=1) == 40_000
    assert match_funding(40_000, ratio=0.5) == 20_000
    assert match_funding(40_000, ratio=2, cap=50_000) == 50_000
    with pytest.raises(ParameterError, match="below zero"):
        match_funding(-1, ratio=1)


@pytest.mark.parametrize(
    ("contributions", "words"),
    [
        ({"council": 1.0}, "not a payer"),
        ({"nhs": -1.0}, "0 or more"),
        ({"nhs": 0.0}, "add up to 0"),
        ({}, "add up"),
    ],
)
def test_a_split_that_means_nothing_is_refused(contributions: dict[str, float], words: str) -> None:
    with pytest.raises(ParameterError, match=words):
        risk_share(10, contributions)


def test_amounts_below_zero_are_refused() -> None:
    with pytest.raises(ParameterError, match="nhs 2022-23 is -1"):
        pool_account({"nhs": {Y1: -1.0}}, {Y1: 1.0})
    with pytest.raises(ParameterError, match="2023-24 is -5"):
        pool_account({"nhs": {Y1: 1.0}}, {Y2: -5.0})
