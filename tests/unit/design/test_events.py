"""Events are declared, dealt with as declared, and never take a pilot's periods away on their own."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from averting.data import Panel, join_schools
from averting.design import COVID_PERIODS, Design, Event, default_events, without_cells
from averting.errors import DesignError

YEARS = [f"{year}/{year - 1999}" for year in range(2014, 2020)]


@pytest.fixture
def panel():
    rows = [(str(school), year, 3, 100) for school in range(1, 7) for year in YEARS]
    frame = pd.DataFrame(rows, columns=["school", "period", "exclusions", "pupils"])
    return Panel.from_frame(frame, school="school", period="period", counts=["exclusions"], exposure="pupils")


def test_the_default_events_are_the_covid_years():
    events = default_events()
    assert tuple(period for event in events for period in event.periods) == COVID_PERIODS
    assert {(event.kind, event.treatment, event.schools) for event in events} == {("closure", "exclude", ())}
    assert all("explore-education-statistics" in event.source for event in events)


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"id": "Mental health"}, "cannot name an estimate"),
        ({"kind": "strike"}, "'strike' is not known. Use one of: closure, method, co_intervention, other"),
        ({"treatment": "model"}, "'model' is not known. Use one of: show, exclude, sensitivity"),
        ({"periods": ("2019",)}, "'2019' is not an academic year"),
        ({"periods": ()}, "there are none"),
    ],
)
def test_an_event_that_is_not_well_described_is_refused(changes, told):
    with pytest.raises(DesignError, match=told):
        Event(**{"id": "event", "label": "Event", "kind": "other", "periods": ("2016/17",), **changes})


def test_only_the_events_cells_become_missing(panel):
    event = Event("team", "Team", "co_intervention", ("2016/17", "2015-16"), "exclude", ("3", "4"))
    changed = without_cells(panel, event, ["1"])
    gone = np.zeros((6, 6), dtype=bool)
    gone[2:4, 1:3] = True
    assert ((changed.data["status"].values[0] == 2) == gone).all()
    assert (np.isnan(changed.exposure.values) == gone).all()
    assert np.isinf(changed.data["upper"].values[0][gone]).all()
    assert (changed.data["lower"].values[0] == np.where(gone, 0, 3)).all()
    assert changed.checks[-1].message == "4 school-years are left out: Team."
    assert changed.data["status"].attrs == panel.data["status"].attrs
    assert (panel.data["status"] == 0).all(), "the panel given is not changed"
    assert Design(changed, ["1"], start="2018/19").comparison == ("2", "5", "6"), "no longer complete"


def test_an_event_that_takes_a_pilots_periods_is_refused_by_name(panel):
    event = Event("team", "Team", "co_intervention", ("2016/17",), "exclude", ("1", "3"))
    with pytest.raises(DesignError, match="school 1: it is a pilot"):
        without_cells(panel, event, ["1"])


def test_an_event_of_unknown_schools_or_years_is_refused(panel):
    event = Event("team", "Team", "other", ("2030/31",), "exclude", ("77",))
    with pytest.raises(DesignError, match="school 77: it is not in the data") as caught:
        without_cells(panel, event, ["1"])
    assert "2030/31 not in the data" in str(caught.value)


@pytest.fixture
def joined():
    rows = [("1", year, 3, 100) for year in YEARS[:3]] + [("9", year, 4, 100) for year in YEARS[3:]]
    rows += [(str(school), year, 3, 100) for school in range(2, 7) for year in YEARS]
    frame = pd.DataFrame(rows, columns=["school", "period", "exclusions", "pupils"])
    panel = Panel.from_frame(frame, school="school", period="period", counts=["exclusions"], exposure="pupils")
    link = {"before": "1", "after": "9", "how": "Successor", "date": pd.Timestamp(2017, 9, 1), "directed": True}
    return join_schools(panel, pd.DataFrame([link])).panel


def test_a_joined_pilot_may_be_named_by_any_of_its_urns(joined):
    for name in ("1", "9"):
        design = Design(joined, [name], start="2018/19")
        assert design.pilots == ("9",)
        assert np.isfinite(design.counts("exclusions").lower[0]).all()
    event = Event("team", "Team", "other", ("2016/17",), "exclude", ("1",))
    with pytest.raises(DesignError, match="school 9: it is a pilot"):
        without_cells(joined, event, ["9"])


def test_pilots_of_one_series_start_together(joined):
    assert Design(joined, ["1", "9"], start="2018/19").pilots == ("9",)
    with pytest.raises(DesignError, match="joined series 9"):
        Design(joined, {"1": "2017/18", "9": "2018/19"})


def test_a_comparison_list_and_its_exceptions_follow_joined_schools(joined):
    assert Design(joined, ["2"], start="2018/19", comparison=["1", "9", "3"]).comparison == ("9", "3")
