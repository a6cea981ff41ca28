"""[[event]], succession and reorganisations in evaluation.toml, from settings to results."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from averting.data import Panel
from averting.errors import AvertingError, EvaluationError
from averting.evaluation import check, load_evaluation, run
from averting.evaluation.power import planned_noise
from averting.evaluation.settings import FILE
from averting.reporting import figures, open_results, tables, wording

EVENT = {"label": "New code", "kind": "method", "periods": ["2015/16"]}


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"kind": "strike"}, "number 1 kind: 'strike' is not known"),
        ({"treatment": "drop"}, "'drop' is not known"),
        ({"treatment": "model"}, "what concerns every school at once"),
        (
            {"treatment": "model", "schools": ["100001"]},
            "no estimate adjusts for it: Write covariates|no estimate adjusts",
        ),
        ({"from": "2015/16"}, "it is not clear when it was"),
        ({"periods": ["2015"]}, "'2015' is not an academic year"),
        ({"schools": []}, "the list is empty"),
        ({"schol": ["1"]}, "Did you mean 'schools'"),
        ({"id": "New"}, "cannot name an estimate"),
        ({"periods": ["2019/20"], "treatment": "sensitivity"}, "left out already"),
        ({"id": "covid_2020", "periods": ["2019/20"]}, "exclude_reason"),
    ],
)
def test_an_event_with_a_fault_is_refused_by_place(values, write, changes, told):
    with pytest.raises(EvaluationError, match=told):
        load_evaluation(write({**values, "event": [{**EVENT, **changes}]}))


def test_events_that_share_an_id_are_refused(values, write):
    with pytest.raises(EvaluationError, match="ids repeat: covid_2020, covid_2021, new_code, new_code"):
        load_evaluation(write({**values, "event": [EVENT, EVENT]}))


def test_from_and_to_name_every_year_between(values, write):
    event = {"label": "Team", "kind": "other", "from": "2015/16", "to": "2017/18"}
    events = load_evaluation(write({**values, "event": [event]})).events
    assert [event.id for event in events] == ["covid_2020", "covid_2021", "team"]
    assert events[-1].periods == ("2015/16", "2016/17", "2017/18")
    with pytest.raises(EvaluationError, match="2014/15 is before 2015/16"):
        load_evaluation(write({**values, "event": [{**event, "to": "2014/15"}]}))


@pytest.mark.parametrize(
    ("first", "last", "named"),
    [
        ("2015/16 Spring", "2016/17 Autumn", ("2015/16 Spring", "2015/16 Summer", "2016/17 Autumn")),
        (
            "2015/16 Summer",
            "2016/17",
            ("2015/16 Summer", *(f"2016/17 {t}" for t in ("Autumn", "Spring", "Summer"))),
        ),
        ("2015/16", "2015/16 Spring", ("2015/16 Autumn", "2015/16 Spring")),
        ("2015/16 Spring", "2015/16", ("2015/16 Spring", "2015/16 Summer")),
    ],
)
def test_from_and_to_may_be_terms(values, write, first, last, named):
    event = {"label": "Team", "kind": "other", "from": first, "to": last}
    assert load_evaluation(write({**values, "event": [event]})).events[-1].periods == named


def test_covariates_are_checked_before_anything_is_read(values, write):
    main = {**values["estimate"][0]}
    for changes, told in (
        ({"method": "twfe", "covariates": ["fsm"]}, "'fsm' is not among the data's covariates"),
        ({"method": "twfe", "covariates": ["event:new_code"]}, 'Declare the .*event.* with treatment = "model"'),
        ({"method": "ratio_did", "covariates": ["event:x"]}, "ratio_did cannot adjust for an event"),
        (
            {"method": "callaway_santanna", "covariates": ["event:x"]},
            "callaway_santanna cannot adjust for an event",
        ),
        ({"method": "ratio_did", "covariates": ["fsm"]}, "ratio_did cannot adjust for covariates"),
    ):
        with pytest.raises(EvaluationError, match=told):
            load_evaluation(write({**values, "estimate": [{**main, **changes}]}))


def test_periods_that_are_kept_are_shown_and_not_excluded(values, write):
    values["design"] |= {"exclude_periods": ["2020/21"], "exclude_reason": "Schools were open again."}
    evaluation = load_evaluation(write(values))
    assert {event.id: event.treatment for event in evaluation.events} == {
        "covid_2020": "show", "covid_2021": "exclude",
    }  # fmt: skip


def test_the_default_terms_may_be_stated_by_themselves(values, write):
    values["design"] |= {"exclude_periods": ["2019/20 Spring", "2019/20 Summer", "2020/21 Spring"]}
    assert {event.treatment for event in load_evaluation(write(values)).events} == {"exclude"}


def test_a_sensitivity_to_a_term_that_is_kept_by_default_changes_something(values, write):
    event = {**EVENT, "periods": ["2019/20 Autumn"], "treatment": "sensitivity"}
    assert load_evaluation(write({**values, "event": [event]})).events[-1].periods == ("2019/20 Autumn",)
    with pytest.raises(EvaluationError, match="left out already"):
        load_evaluation(write({**values, "event": [{**event, "periods": ["2019/20 Summer"]}]}))


def test_a_default_event_can_be_made_a_sensitivity_with_a_reason(values, write):
    covid = {"id": "covid_2020", "label": "Spring 2020", "kind": "closure", "periods": ["2019/20"]}
    values |= {"event": [{**covid, "treatment": "sensitivity"}]}
    values["design"]["exclude_reason"] = "Schools stayed open here."
    evaluation = load_evaluation(write(values))
    treatments = {event.id: event.treatment for event in evaluation.events}
    assert treatments == {"covid_2020": "sensitivity", "covid_2021": "exclude"}
    assert evaluation.estimates[-1].id == "main_without_covid_2020"
    assert (evaluation.estimates[-1].role, evaluation.estimates[-1].without) == ("secondary", "covid_2020")


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"reorganisations": True}, "Use succession = a file"),
        ({"level": "local authority", "succession": "links.csv"}, "Use reorganisations = true"),
    ],
)
def test_maps_belong_to_a_level(values, write, changes, told):
    values["data"] |= changes
    with pytest.raises(EvaluationError, match=told):
        load_evaluation(write(values))


def add(folder, text):
    path = folder / FILE
    path.write_text(path.read_text(encoding="utf-8") + text, encoding="utf-8")


SENSITIVE = """
[[event]]
label = "Team"
kind = "co_intervention"
periods = ["2022/23"]
schools = ["900001"]
treatment = "sensitivity"

[[event]]
label = "New code"
kind = "method"
periods = ["2015/16"]
treatment = "exclude"
"""


@pytest.fixture(scope="module")
def results(make_quick, tmp_path_factory):
    folder = make_quick(tmp_path_factory.mktemp("events") / "demo")
    add(folder, SENSITIVE)
    return open_results(run(folder))


def test_a_sensitivity_is_estimated_once_more_and_shown(results):
    assert results.estimates == ("main", "suspensions", "main_without_team")
    main, without = results.effect("main"), results.effect("main_without_team")
    assert main.estimate != without.estimate
    assert [row[0] for row in tables.estimates(results).rows] == [
        "permanent exclusions (primary)", "suspensions (secondary)", "permanent exclusions, without Team (secondary)",
    ]  # fmt: skip


def test_events_are_listed_and_drawn_and_their_periods_left_out_with_the_label(results):
    assert results.record("design/design")["excluded"] == ["2015/16", "2019/20", "2020/21"]
    assert "New code (2015/16)." in wording.excluded(results)
    rows = tables.events(results).rows
    assert [row[1:] for row in rows[2:]] == [
        ("Team", "2022/23", "1 named", "kept, and estimated once more without"),
        ("New code", "2015/16", "all", "left out"),
    ]
    drawn = figures.paths(results, "main")
    assert "3 Team (2022/23); 4 New code (2015/16)." in drawn.alt
    said = wording.event_sources(results)
    assert "3: another programme" in said
    assert "4: change of method" in said
    # no map of successors was given: the report has no table of them
    assert tables.succession(results).rows[0][0] == "none"
    assert not tables.has_succession(results)


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        (('"900001"', '"900007"'), "school 900007: it is a pilot"),
        (('"2022/23"', '"2030/31"'), "2030/31 not in the data"),
    ],
)
def test_events_that_do_not_fit_the_data_are_refused_at_the_check(make_quick, tmp_path, changed, told):
    folder = make_quick(tmp_path / "demo")
    add(folder, SENSITIVE.replace(*changed))
    with pytest.raises(AvertingError, match=told):
        check(folder)


def test_a_pilot_that_changed_its_urn_is_followed_and_reported(make_quick, tmp_path):
    folder = make_quick(tmp_path / "demo")
    path = next((folder / "data").glob("*.csv"))
    frame = pd.read_csv(path, dtype=str)
    later = (frame["urn"] == "900007") & (frame["time_period"] >= "202223")
    unchanged = check(folder).design.counts("permanent_exclusions")
    frame.loc[later, "urn"] = "910007"
    frame.to_csv(path, index=False)
    warned = [found for found in check(folder).checks if found.key == "data/likely_successors"]
    assert [found.status for found in warned] == ["warn"]
    assert "900007" in warned[0].message
    assert "910007" in warned[0].message
    (folder / "links.csv").write_text(
        "URN,LinkURN,LinkName,LinkType,LinkEstablishedDate\n900007,910007,,Successor,01-09-2022\n",
        encoding="utf-8",
    )
    text = (folder / FILE).read_text(encoding="utf-8").replace("[data]\n", '[data]\nsuccession = "links.csv"\n')
    (folder / FILE).write_text(text, encoding="utf-8")
    checked = check(folder)
    assert "data/likely_successors" not in [found.key for found in checked.checks]
    assert "910007" in checked.design.pilots
    # the list of pilots in evaluation.toml has the old URN, which power follows too
    assert planned_noise(load_evaluation(folder)).pilots == len(checked.design.pilots)
    counts = checked.design.counts("permanent_exclusions")
    for now, before in zip(counts, unchanged, strict=True):
        np.testing.assert_array_equal(np.sort(now, axis=0), np.sort(before, axis=0))
    results = open_results(run(folder))
    assert results.table("data/succession")["outcome"].tolist() == ["joined"]
    assert tables.has_succession(results)
    row = tables.succession(results).rows[0]
    assert (row[0][:6], row[1][:6], row[2], row[3]) == ("900007", "910007", "conversion", "2022/23")
    assert Panel.from_netcdf(results.folder / "data" / "panel.nc").joined == {
        "900007": "910007",
        "910007": "910007",
    }


def test_power_leaves_out_what_events_leave_out_and_minds_none_of_later_years(make_quick, tmp_path):
    folder = make_quick(tmp_path / "demo")
    all_years = planned_noise(load_evaluation(folder)).lower.shape[1]
    add(folder, SENSITIVE.replace('"2022/23"', '"2030/31"'))
    assert planned_noise(load_evaluation(folder)).lower.shape[1] == all_years - 1
