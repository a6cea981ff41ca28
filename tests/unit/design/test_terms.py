"""Designs on termly panels: years stand for their terms."""

from __future__ import annotations

from typing import Any

import pandas as pd
import pytest

from averting.data import Panel
from averting.design import Design
from averting.errors import DesignError
from averting.years import TERMS

YEARS = ("2017/18", "2018/19", "2019/20", "2020/21", "2021/22")
PERIODS = tuple(f"{year} {term}" for year in YEARS for term in TERMS)


@pytest.fixture
def panel() -> Panel:
    rows = [(f"s{i}", period, 900, i + j) for i in range(12) for j, period in enumerate(PERIODS)]
    frame = pd.DataFrame(rows, columns=["school", "period", "pupils", "suspensions"])
    return Panel.from_frame(frame, school="school", period="period", counts=["suspensions"], exposure="pupils")


def refusal(panel: Panel, **options: Any) -> str:
    with pytest.raises(DesignError) as caught:
        Design(panel, ["s0"], **options)
    return str(caught.value)


def test_only_the_terms_of_closures_are_left_out_by_default(panel: Panel) -> None:
    # schools closed to most pupils on 23 March 2020, and from January to March 2021 (sources in models/events.toml)
    design = Design(panel, ["s0"], start="2021/22 Spring")
    assert design.excluded == ("2019/20 Spring", "2019/20 Summer", "2020/21 Spring")
    assert design.treated_periods == ("2021/22 Spring", "2021/22 Summer")


def test_covid_years_that_are_named_leave_out_all_their_terms(panel: Panel) -> None:
    design = Design(panel, ["s0"], start="2021/22 Spring", exclude_periods=["2019/20", "2020/21"])
    assert design.excluded == PERIODS[6:12]


def test_a_covid_term_is_unknown_to_yearly_data() -> None:
    rows = [(f"s{i}", year, 900, i + 1) for i in range(12) for year in YEARS]
    frame = pd.DataFrame(rows, columns=["school", "period", "pupils", "suspensions"])
    yearly = Panel.from_frame(frame, school="school", period="period", counts=["suspensions"], exposure="pupils")
    assert Design(yearly, ["s0"], start="2021/22").excluded == ("2019/20", "2020/21")
    with pytest.raises(DesignError, match="2019/20 Spring"):
        Design(yearly, ["s0"], start="2021/22", exclude_periods=["2019/20 Spring"])


def test_one_term_can_be_left_out(panel: Panel) -> None:
    design = Design(panel, ["s0"], start="2018/19 Autumn", exclude_periods=["2019/20 Spring"])
    assert design.excluded == ("2019/20 Spring",)
    assert "2019/20 Autumn" in design.treated_periods


def test_a_year_as_start_is_its_first_term(panel: Panel) -> None:
    assert Design(panel, ["s0"], start="2021/22").starts == {"s0": "2021/22 Autumn"}
    assert Design(panel, {"s0": "2018/19", "s1": "2021/22 Spring term"}).starts == {
        "s0": "2018/19 Autumn",
        "s1": "2021/22 Spring",
    }


def test_treatment_begins_with_the_term_not_the_year(panel: Panel) -> None:
    treated = Design(panel, ["s0"], start="2018/19 Summer", exclude_periods=()).counts("suspensions").treated
    assert treated[0].tolist() == [False] * 5 + [True] * 10


def test_a_term_is_refused_as_start_in_annual_data(panel: Panel) -> None:
    frame = panel.to_frame()
    annual = Panel.from_frame(
        frame[frame["period"].str.endswith("Autumn")].assign(period=lambda part: part["period"].str[:7]),
        school="school",
        period="period",
        counts=["suspensions"],
        exposure="exposure",
    )
    message = refusal(annual, start="2018/19 Spring")
    assert "start of pilot s0: 2018/19 Spring is not in the data" in message
    assert "exclude_periods: 2018/19 Spring is not in" in refusal(
        annual, start="2018/19", exclude_periods=["2018/19 Spring"]
    )


def test_a_start_outside_the_terms_is_refused(panel: Panel) -> None:
    message = refusal(panel, start="2022/23 Autumn")
    assert "The data run by term from 2017/18 Autumn to 2021/22 Summer" in message
