"""Events are declared, dealt with as declared, and never take a pilot's periods away on their own."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from averting.data import Panel, join_schools
from averting.design import COVID_PERIODS, Design, Event, balance, default_events, with_covariate, without_cells
from averting.effects import estimate, known_estimators
from averting.errors import DesignError, EstimationError

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
        ({"treatment": "drop"}, "'drop' is not known. Use one of: show, exclude, sensitivity, model"),
        ({"treatment": "model"}, "what concerns every school at once cannot be told from the periods"),
        ({"periods": ("2019",)}, "'2019' is not an academic year"),
        ({"periods": ()}, "there are none"),
        ({"terms": ("2016/17",)}, "'2016/17' is no term of its periods"),
        ({"terms": ("2017/18 Spring",)}, "'2017/18 Spring' is no term of its periods"),
    ],
)
def test_an_event_that_is_not_well_described_is_refused(changes, told):
    with pytest.raises(DesignError, match=told):
        Event(**{"id": "event", "label": "Event", "kind": "other", "periods": ("2016/17",), **changes})


def test_an_event_of_some_terms_falls_in_these_or_in_the_whole_year():
    event = Event("shut", "Shut", "closure", ("2016/17",), terms=("201617 Summer", "2016/17 Spring"))
    terms = [f"{year} {term}" for year in ("2015/16", "2016/17") for term in ("Autumn", "Spring", "Summer")]
    assert event.terms == ("2016/17 Spring", "2016/17 Summer")
    assert event.within(terms) == event.terms
    assert event.within(["2015/16", "2016/17"]) == ("2016/17",)


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


TEAM = Event("team", "Team", "co_intervention", ("2017/18", "2018/19"), "model", ("1", "3"))
OF_COUNTS = {key: spec for key, spec in known_estimators().items() if spec.takes == "count"}
CHANGING = [key for key, spec in OF_COUNTS.items() if "changing_covariates" in spec.supports]


def counted(event, *, programme, others):
    """Counts without noise: a level for each school, a path for all, and two factors; pilots 1 and 2 from 2018/19."""
    rows = []
    for school in range(1, 9):
        for at, year in enumerate(YEARS):
            rate = 64 * school * (1, 2, 1, 4, 2, 1)[at]
            rate *= programme if school < 3 and at > 3 else 1
            rate *= others if str(school) in event.schools and year in event.periods else 1
            rows.append((str(school), year, int(rate), 1000 * school))
    frame = pd.DataFrame(rows, columns=["school", "period", "exclusions", "pupils"])
    panel = Panel.from_frame(frame, school="school", period="period", counts=["exclusions"], exposure="pupils")
    return with_covariate(panel, event)


def test_an_event_is_a_covariate_in_its_schools_and_periods(panel):
    values = with_covariate(panel, TEAM).data["covariates"].sel(covariate="event:team")
    assert values.dims == ("school", "period")
    assert set(zip(*np.nonzero(values.to_numpy()), strict=True)) == {(0, 3), (0, 4), (2, 3), (2, 4)}
    assert "covariates" not in panel.data, "the panel given is not changed"


def test_an_event_stands_beside_the_covariates_of_the_data_and_describes_no_school(panel):
    described = panel.data.assign_coords(covariate=["fsm"]).assign(
        covariates=(("covariate", "school", "period"), np.arange(36.0).reshape(1, 6, 6))
    )
    found = with_covariate(Panel(described), TEAM)
    assert found.covariates == ("fsm", "event:team")
    np.testing.assert_array_equal(found.data["covariates"].to_numpy()[0], np.arange(36.0).reshape(6, 6))
    measures = set(balance(Design(found, ["2"], start="2018/19"))["measure"])
    assert "fsm" in measures
    assert "event:team" not in measures
    with pytest.raises(DesignError, match="event:team is in the data"):
        with_covariate(found, TEAM)


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"schools": ("77",)}, "school 77: it is not in the data"),
        ({"periods": ("2030/31",)}, "2030/31 not in the data"),
        ({"treatment": "show", "schools": ()}, "Name its schools"),
    ],
)
def test_an_event_that_cannot_be_a_covariate_is_refused(panel, changes, told):
    given = {"treatment": TEAM.treatment, "schools": TEAM.schools, "periods": TEAM.periods} | changes
    with pytest.raises(DesignError, match=told):
        with_covariate(panel, Event("team", "Team", "other", **given))


def test_adjusting_for_an_event_gives_back_the_programmes_factor_exactly():
    design = Design(counted(TEAM, programme=0.5, others=2), ["1", "2"], start="2018/19")
    plain = estimate(design, "exclusions", method="poisson_fe", draws=100)
    adjusted = estimate(design, "exclusions", method="poisson_fe", covariates=["event:team"], draws=100)
    assert adjusted.estimate == pytest.approx(0.5, rel=1e-6)  # the model is true and has no noise
    assert abs(plain.estimate - 0.5) > 0.02


@pytest.mark.parametrize("method", sorted(set(OF_COUNTS) - set(CHANGING)))
def test_methods_that_cannot_adjust_for_an_event_say_which_can(method):
    design = Design(counted(TEAM, programme=1, others=1), ["1", "2"], start="2018/19")
    with pytest.raises(EstimationError, match=f"Methods that can: .*{CHANGING[0]}|cannot use covariates"):
        estimate(design, "exclusions", method=method, covariates=["event:team"], alongside="")


@pytest.mark.parametrize("method", CHANGING)
def test_an_event_that_cannot_be_told_from_the_programme_is_refused_by_name(method):
    event = Event("team", "Team", "other", ("2018/19", "2019/20"), "model", ("1", "2"))
    panel = counted(event, programme=0.5, others=1)
    with pytest.raises(EstimationError, match=r"event:team|to compare is known"):
        estimate(
            Design(panel, ["1", "2"], start="2018/19", exclude_periods=[]),
            "exclusions", method=method, covariates=["event:team"], draws=100,
        )  # fmt: skip


def test_a_year_stands_for_its_terms():
    periods = [f"{year} {term}" for year in YEARS[:3] for term in ("Autumn", "Spring", "Summer")]
    rows = [(str(school), period, 3, 100) for school in range(1, 7) for period in periods]
    frame = pd.DataFrame(rows, columns=["school", "period", "exclusions", "pupils"])
    panel = Panel.from_frame(frame, school="school", period="period", counts=["exclusions"], exposure="pupils")
    event = Event("team", "Team", "other", ("2015/16", "2016/17 Autumn", "2013/14"), "exclude", ("3",))
    assert event.within(panel.periods) == tuple(periods[3:7])
    changed = without_cells(panel, event, ["1"])
    assert np.isnan(changed.exposure.values[2]).nonzero()[0].tolist() == [3, 4, 5, 6]
    assert changed.checks[-1].message == "4 school-terms are left out: Team."
