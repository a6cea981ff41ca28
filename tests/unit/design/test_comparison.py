from __future__ import annotations

from collections.abc import Callable

import pandas as pd
import pytest

from averting.data import Panel
from averting.design import Design, SameAsPilots
from averting.errors import DesignError

USED = ("2016/17", "2017/18", "2018/19", "2021/22", "2022/23")


def test_same_phase_and_region(panel: Panel) -> None:
    # 100001 is a northern secondary, like 3 and 5; 7 is a northern primary
    assert tuple(SameAsPilots().select(panel, ("100001",), USED)) == ("100003", "100005")


def test_one_trait_or_none(panel: Panel) -> None:
    assert tuple(SameAsPilots(on=("phase",)).select(panel, ("100007",), USED)) == ("100008",)
    assert tuple(SameAsPilots(on=("la",)).select(panel, ("100001",), USED)) == ("100002", "100003", "100004")
    assert len(SameAsPilots(on=()).select(panel, ("100001",), USED)) == 7


def test_traits_must_agree_with_one_pilot_all_at_once(panel: Panel) -> None:
    # a northern secondary and a southern primary: southern secondaries and northern primaries are like neither
    chosen = SameAsPilots().select(panel, ("100001", "100008"), USED)
    assert tuple(chosen) == ("100003", "100005")


def test_named_schools_are_left_out(panel: Panel) -> None:
    rule = SameAsPilots(on=("phase",), exclude=("100002", "100005"))
    assert tuple(rule.select(panel, ("100001",), USED)) == ("100003", "100004", "100006")
    assert rule.describe() == ("the same phase as a pilot; data in every period used; 2 named schools left out")


def test_balanced_keeps_schools_known_in_every_period_used(
    table: pd.DataFrame, panel_of: Callable[[pd.DataFrame], Panel]
) -> None:
    table.loc[(table["urn"] == "100002") & (table["year"] == "2018/19"), "suspensions"] = ""
    table.loc[(table["urn"] == "100003") & (table["year"] == "2019/20"), "suspensions"] = ""  # a year left out
    gone = (table["urn"] == "100005") & (table["year"] == "2016/17")
    panel = panel_of(table[~gone])
    everybody = SameAsPilots(on=(), balanced=False).select(panel, ("100001",), USED)
    balanced = SameAsPilots(on=()).select(panel, ("100001",), USED)
    assert set(everybody) - set(balanced) == {"100002", "100005"}
    # a suppressed count has bounds: 100004 stays
    assert "100004" in balanced


def test_all_means_every_complete_school(panel: Panel, table: pd.DataFrame) -> None:
    design = Design(panel, ["100001"], start="2021/22")
    assert design.comparison == tuple(sorted(set(table["urn"]) - {"100001"}))
    assert design.rule == "all others in the data; data in every period used"


def test_rule_of_a_design_is_said_in_its_checks(panel: Panel) -> None:
    design = Design(panel, ["100001"], start="2021/22", comparison=SameAsPilots())
    assert design.comparison == ("100003", "100005")
    assert "the same phase and region as a pilot" in design.checks[0].message


def test_rule_that_keeps_too_few(panel: Panel) -> None:
    with pytest.raises(DesignError, match=r"the same phase as a pilot.* keeps 1 school"):
        Design(panel, ["100007"], start="2021/22", comparison=SameAsPilots(on=("phase",)))


def test_unknown_trait() -> None:
    with pytest.raises(DesignError, match=r"colour is not a trait of schools. Use phase, region, la"):
        SameAsPilots(on=("phase", "colour"))


def test_pilot_without_the_trait(table: pd.DataFrame, panel_of: Callable[[pd.DataFrame], Panel]) -> None:
    table.loc[table["urn"] == "100001", "region"] = ""
    with pytest.raises(DesignError, match=r"a pilot has no region in the data\. Take region out of on"):
        SameAsPilots().select(panel_of(table), ("100001",), USED)


def test_names_in_exclude_that_no_school_has_are_listed(panel: Panel) -> None:
    with pytest.raises(DesignError, match="exclude names schools") as refused:
        Design(
            panel, ["100001"], start="2021/22", comparison=SameAsPilots(on=(), exclude=("10003", "100005", "x"))
        )
    assert "exclude 10003" in str(refused.value)
    assert "exclude x" in str(refused.value)
    assert "100005" not in str(refused.value)
