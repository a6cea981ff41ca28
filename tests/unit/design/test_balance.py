"""Balance and paths against plain pandas, group by group."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest

from averting.data import Panel
from averting.design import Design, balance, paths

PILOTS = ("100001", "100003")


@pytest.fixture
def design(panel: Panel) -> Design:
    return Design(panel, PILOTS, start="2021/22")


def long_table(panel: Panel) -> pd.DataFrame:
    """One row per school and year, with the middle of the bounds and who is a pilot."""
    frame = panel.to_frame()
    frame["pilot"] = frame["school"].isin(PILOTS)
    for indicator in panel.indicators:
        frame[f"{indicator}_mid"] = frame[[f"{indicator}_lower", f"{indicator}_upper"]].mean(axis=1)
    return frame


def test_balance_is_what_pandas_says(panel: Panel, design: Design) -> None:
    frame = long_table(panel)
    before = frame[frame["period"].isin(["2016/17", "2017/18", "2018/19"])]
    schools = before.groupby("school").agg(
        pilot=("pilot", "first"),
        pupils=("exposure", "sum"),
        exposure=("exposure", "mean"),
        permanent_exclusions=("permanent_exclusions_mid", "sum"),
        suspensions=("suspensions_mid", "sum"),
    )
    for indicator in panel.indicators:
        schools[f"{indicator}, per 100"] = 100 * schools[indicator] / schools["pupils"]
    table = balance(design).set_index("measure")
    assert list(table.index) == ["exposure", "permanent_exclusions, per 100", "suspensions, per 100"]
    for measure, row in table.iterrows():
        pilots = schools.loc[schools["pilot"], str(measure)]
        others = schools.loc[~schools["pilot"], str(measure)]
        assert row["pilots"] == pytest.approx(pilots.mean())
        assert row["comparison"] == pytest.approx(others.mean())
        assert row["standardised_difference"] == pytest.approx((pilots.mean() - others.mean()) / others.std())


def test_balance_uses_periods_before_the_first_start(panel: Panel) -> None:
    staggered = Design(panel, {"100001": "2018/19", "100003": "2022/23"}, exclude_periods=())
    frame = long_table(panel)
    before = frame[frame["period"] < "2018/19"]
    expected = before[before["pilot"]].groupby("school")["exposure"].mean().mean()
    assert balance(staggered).set_index("measure").loc["exposure", "pilots"] == pytest.approx(expected)


def test_no_spread_among_comparison_schools_gives_no_standardised_difference(
    table: pd.DataFrame, panel_of: Callable[[pd.DataFrame], Panel]
) -> None:
    table["pupils"] = 1_000
    row = balance(Design(panel_of(table), PILOTS, start="2021/22")).set_index("measure").loc["exposure"]
    assert np.isnan(row["standardised_difference"])


def test_paths_are_what_pandas_says(panel: Panel, design: Design) -> None:
    frame = long_table(panel)
    found = paths(design, "permanent_exclusions").set_index(["period", "group"])
    assert len(found) == 2 * 7
    sums = frame.groupby(["period", "pilot"])[
        ["permanent_exclusions_lower", "permanent_exclusions_upper", "permanent_exclusions_mid", "exposure"]
    ].sum()
    for (period, pilot), want in sums.iterrows():  # type: ignore[misc]
        row = found.loc[(period, "pilots" if pilot else "comparison")]
        assert row["lower"] == want["permanent_exclusions_lower"]
        assert row["upper"] == want["permanent_exclusions_upper"]
        assert row["exposure"] == want["exposure"]
        assert row["rate"] == pytest.approx(100 * want["permanent_exclusions_mid"] / want["exposure"])
        assert row["rate_lower"] == pytest.approx(100 * want["permanent_exclusions_lower"] / want["exposure"])
        assert row["rate_upper"] == pytest.approx(100 * want["permanent_exclusions_upper"] / want["exposure"])
    assert found.loc[("2017/18", "pilots"), "upper"] - found.loc[("2017/18", "pilots"), "lower"] == 1


def test_paths_show_periods_left_out_and_say_so(design: Design) -> None:
    used = paths(design, "suspensions").set_index("period")["used"].groupby(level=0).all()
    assert used[~used].index.tolist() == ["2019/20", "2020/21"]


def test_paths_leave_a_missing_cell_out_of_events_and_exposure(
    table: pd.DataFrame, panel_of: Callable[[pd.DataFrame], Panel]
) -> None:
    at = (table["urn"] == "100001") & (table["year"] == "2018/19")
    table.loc[at, "suspensions"] = ""
    panel = panel_of(table)
    row = paths(Design(panel, PILOTS, start="2021/22"), "suspensions").set_index(["period", "group"])
    other = table[(table["urn"] == "100003") & (table["year"] == "2018/19")].iloc[0]
    assert row.loc[("2018/19", "pilots"), "exposure"] == other["pupils"]
    assert row.loc[("2018/19", "pilots"), "upper"] == float(other["suspensions"])


def test_paths_of_a_group_nobody_knows_are_not_numbers(
    table: pd.DataFrame, panel_of: Callable[[pd.DataFrame], Panel]
) -> None:
    table.loc[table["urn"].isin(PILOTS) & (table["year"] == "2018/19"), "suspensions"] = ""
    row = paths(Design(panel_of(table), PILOTS, start="2021/22"), "suspensions").set_index(["period", "group"])
    assert np.isnan(row.loc[("2018/19", "pilots"), "rate"])
