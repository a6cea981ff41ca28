from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest

from averting.data import Panel
from averting.design import COVID_PERIODS, Design
from averting.errors import DesignError

PILOTS = ["100003", "100001"]


def refusal(panel: Panel, pilots: Any = PILOTS, **options: Any) -> str:
    with pytest.raises(DesignError) as caught:
        Design(panel, pilots, **{"start": "2021/22", **options})
    return str(caught.value)


# --- what is refused ----------------------------------------------------------------------------------


def test_pilot_not_in_the_data(panel: Panel) -> None:
    message = refusal(panel, ["100001", "999999"])
    assert "pilot 999999: this school is not in the data" in message
    assert "Identifiers look like 100001" in message
    assert "pilot 100001" not in message


def test_every_fault_is_listed_at_once(panel: Panel) -> None:
    message = refusal(panel, {"999999": "2021/22", "100001": "2031/32"}, start=None, exclude_periods=["2001/02"])
    assert "3 faults" in message
    for part in ("pilot 999999", "start of pilot 100001", "exclude_periods: 2001/02"):
        assert part in message


@pytest.mark.parametrize("start", ["2015/16", "2023/24"])
def test_start_outside_the_data(panel: Panel, start: str) -> None:
    message = refusal(panel, start=start)
    assert f"{start} is not in the data. The data run from 2016/17 to 2022/23." in message


def test_start_that_is_no_year(panel: Panel) -> None:
    message = refusal(panel, start="next year")
    assert message.startswith("start: ")
    assert "2016/17" in message


def test_no_period_before_the_start(panel: Panel) -> None:
    assert "no period before 2016/17 is used" in refusal(panel, start="2016/17")


def test_no_period_before_the_start_once_some_are_left_out(panel: Panel) -> None:
    message = refusal(panel, start="2018/19", exclude_periods=["2016/17", "2017/18"])
    assert "no period before 2018/19 is used" in message
    assert "exclude_periods" in message


def test_no_period_from_the_start_on(panel: Panel) -> None:
    message = refusal(panel, start="2021/22", exclude_periods=["2021/22", "2022/23"])
    assert "no period from 2021/22 on is used" in message


def test_comparison_list_with_a_pilot_or_a_stranger(panel: Panel) -> None:
    message = refusal(panel, comparison=["100002", "100003", "888888", "100004"])
    assert "comparison school 100003: is a pilot" in message
    assert "comparison school 888888: not in the data" in message
    assert "100002" not in message


def test_too_few_comparison_schools(panel: Panel) -> None:
    message = refusal(panel, comparison=["100002"])
    assert "keeps 1 school" in message
    assert "ten or more" in message


def test_comparison_word_that_is_not_known(panel: Panel) -> None:
    assert "comparison is 'everyone'. Use 'all'" in refusal(panel, comparison="everyone")


def test_repeated_pilot(panel: Panel) -> None:
    assert "more than once: 100001" in refusal(panel, ["100001", "100003", "100001"])


def test_one_pilot_as_text_instead_of_a_list(panel: Panel) -> None:
    assert "must be a list" in refusal(panel, "100001")


def test_no_pilots(panel: Panel) -> None:
    assert "no pilots" in refusal(panel, [])


def test_no_start(panel: Panel) -> None:
    assert "has no start" in refusal(panel, start=None)


def test_two_kinds_of_start(panel: Panel) -> None:
    assert "not both" in refusal(panel, {"100001": "2021/22"}, start="2021/22")


def test_excluded_period_that_is_not_in_the_data_or_no_year(panel: Panel) -> None:
    assert "exclude_periods: 2010/11 is not in the data" in refusal(panel, exclude_periods=["2010/11"])
    assert refusal(panel, exclude_periods=["covid"]).startswith("exclude_periods: ")


def test_unknown_indicator(panel: Panel) -> None:
    design = Design(panel, PILOTS, start="2021/22")
    with pytest.raises(DesignError, match="'absences' is not in the data, which have: permanent_exclusions"):
        design.counts("absences")


# --- what a design holds ------------------------------------------------------------------------------


def test_covid_years_are_left_out_by_default(panel: Panel) -> None:
    design = Design(panel, PILOTS, start="2021/22")
    assert design.excluded == COVID_PERIODS
    assert design.periods == ("2016/17", "2017/18", "2018/19", "2021/22", "2022/23")
    (check,) = [check for check in design.checks if check.key == "design/excluded_periods"]
    assert check.message == "Periods left out: 2019/20, 2020/21."


def test_covid_years_that_are_not_in_the_data_are_no_fault(
    table: pd.DataFrame, panel_of: Callable[[pd.DataFrame], Panel]
) -> None:
    short = panel_of(table[table["year"] < "2020/21"])
    design = Design(short, PILOTS, start="2018/19")
    assert design.excluded == ("2019/20",)
    assert design.periods == ("2016/17", "2017/18", "2018/19")


def test_nothing_is_left_out_when_told_so(panel: Panel) -> None:
    design = Design(panel, PILOTS, start="202122", exclude_periods=())
    assert design.excluded == ()
    assert design.periods == panel.periods
    assert design.starts == {"100003": "2021/22", "100001": "2021/22"}


def test_pilots_come_first_in_the_order_given(panel: Panel) -> None:
    design = Design(panel, PILOTS, start="2021/22")
    assert design.schools[:2] == ("100003", "100001")
    assert design.comparison == ("100002", "100004", "100005", "100006", "100007", "100008")
    assert repr(design) == ("Design(2 pilots from 2021/22, 6 comparison schools, 5 periods used, 2 left out)")


def test_comparison_list_keeps_its_order_and_drops_repeats(panel: Panel) -> None:
    design = Design(panel, PILOTS, start="2021/22", comparison=["100008", "100002", "100008"])
    assert design.comparison == ("100008", "100002")
    assert set(design.panel.schools) == {"100001", "100003", "100008", "100002"}


def test_starts_may_differ(panel: Panel) -> None:
    design = Design(panel, {"100001": "2018/19", "100003": "2022/23"}, exclude_periods=())
    assert design.common_start is None
    assert design.treated_periods == ("2018/19", "2019/20", "2020/21", "2021/22", "2022/23")
    treated = design.counts("suspensions").treated
    assert treated[0].tolist() == [False, False, True, True, True, True, True]
    assert treated[1].tolist() == [False] * 6 + [True]
    assert not treated[2:].any()
    assert "staggered" in repr(design)


def test_one_start_may_be_given_with_each_pilot(panel: Panel) -> None:
    assert Design(panel, {"100001": "2021/22", "100003": "2021/22"}).common_start == "2021/22"


def test_counts_are_the_panels_own_in_the_designs_order(panel: Panel) -> None:
    design = Design(panel, PILOTS, start="2021/22", comparison=["100008", "100004"])
    counts = design.counts("permanent_exclusions")
    frame = panel.to_frame().set_index(["school", "period"])
    for row, school in enumerate(design.schools):
        for column, period in enumerate(design.periods):
            cell = frame.loc[(school, period)]
            assert counts.lower[row, column] == cell["permanent_exclusions_lower"]
            assert counts.upper[row, column] == cell["permanent_exclusions_upper"]
            assert counts.exposure[row, column] == cell["exposure"]
    hidden = counts.upper - counts.lower
    assert hidden.sum() == 2  # 100001 and 100004 in 2017/18: 1 or 2
    assert hidden[1, 1] == 1


def test_missing_cells_are_nan_in_bounds_and_exposure(
    table: pd.DataFrame, panel_of: Callable[[pd.DataFrame], Panel]
) -> None:
    table.loc[(table["urn"] == "100001") & (table["year"] == "2018/19"), "suspensions"] = ""
    design = Design(panel_of(table), PILOTS, start="2021/22")
    counts = design.counts("suspensions")
    for array in (counts.lower, counts.upper, counts.exposure):
        assert np.argwhere(np.isnan(array)).tolist() == [[1, 2]]
    # the other indicator of that school-year is known
    assert np.isfinite(design.counts("permanent_exclusions").exposure).all()


def test_few_schools_and_few_periods_are_said(panel: Panel) -> None:
    checks = {check.key: check for check in Design(panel, PILOTS, start="2018/19").checks}
    assert checks["design/comparison_schools"].status == "warn"
    assert checks["design/comparison_schools"].message.startswith("6 comparison schools (")
    assert checks["design/pre_periods"].status == "warn"
    assert checks["design/pre_periods"].message.startswith("2 periods before")
    later = {check.key: check for check in Design(panel, PILOTS, start="2021/22").checks}
    assert later["design/pre_periods"].status == "pass"


def test_a_design_cannot_be_changed(panel: Panel) -> None:
    design = Design(panel, PILOTS, start="2021/22")
    with pytest.raises(AttributeError):
        design.pilots = ("100002",)  # type: ignore[misc]


def test_the_panel_given_is_not_changed(panel: Panel) -> None:
    before = panel.to_frame()
    Design(panel, PILOTS, start="2021/22", comparison=["100002", "100004"]).counts("suspensions")
    pd.testing.assert_frame_equal(panel.to_frame(), before)
