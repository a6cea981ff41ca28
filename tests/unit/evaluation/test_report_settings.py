"""What people declare for the evaluators' report: read as typed, refused where it contradicts itself."""

from __future__ import annotations

import tomllib
from types import SimpleNamespace

import pytest

from averting.evaluation.report_settings import GOVERNANCE, INTERVENTION, ReportSettings, read_report
from averting.evaluation.toml_table import TomlTable
from averting.reporting import declared


def read(text):
    faults = []
    top = TomlTable(tomllib.loads(text), "evaluation.toml", faults)
    return read_report(top), [f"{fault.where}: {fault.found}" for fault in faults]


def test_all_of_it_may_be_left_out():
    assert read("") == (ReportSettings(), [])
    assert ReportSettings().to_dict()["protocol"]["assignment"] == "not said"


def test_it_is_read_as_typed():
    text = """
    [protocol]
    before_outcomes = "yes"
    approached = 9
    agreed = 3
    withdrew = 1
    [[deviation]]
    what = "a"
    why = "b"
    date = "2025-01-20"
    [intervention]
    name = "*x*"
    how = ""
    [roles]
    analyst = "c"
    [[assurance]]
    who = "d"
    what = "e"
    outcome = "f"
    """
    found, faults = read(text)
    assert faults == []
    assert (found.protocol.agreed, found.protocol.withdrew) == (3, 1)
    assert found.deviations[0].date == "2025-01-20"
    assert found.intervention == {"name": "*x*"}  # empty is not declared
    assert found.assurance[0].date == ""


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("[protocol]\nassignment = 'lottery'", "assignment: 'lottery' is not known"),
        ("[protocol]\nagreed = 3\nwithdrew = 4", "withdrew: 4 withdrew, but only 3 agreed"),
        ("[protocol]\napproached = -1", "approached: -1 is less than none"),
        ("[protocol]\nplan = 'x'", "plan: this key is not known"),
        ("[intervention]\nwhat = 'x'", "what: this key is not known"),
        ("[roles]\nanalyst = 3", "analyst: this is a whole number"),
        ("[[deviation]]\nwhat = 'x'", "why: this key is missing"),
        ("[[assurance]]\nwho = 'x'\nwhat = 'y'\noutcome = 'z'\ndate = 'May'", "date: 'May' is not a day"),
    ],
)
def test_what_does_not_hold_is_refused_by_name(text, fault):
    _, faults = read(text)
    assert any(fault in found for found in faults), faults


def test_the_report_words_every_item_that_may_be_declared():
    assert tuple(declared.TIDIER) == INTERVENTION


def test_governance_and_decisions_are_read_and_worded():
    text = """
    [governance]
    accountable_to = "the safeguarding partnership"
    [[decision]]
    what = "One worker for each school"
    why = "Young people asked for it"
    made_with = "twelve pupils"
    date = "2022-06-14"
    """
    found, faults = read(text)
    assert faults == []
    assert tuple(declared.GOVERNANCE) == GOVERNANCE
    said = found.to_dict()
    results = SimpleNamespace(
        declared=lambda part: said[part], declared_list=lambda part: list(map(vars, found.decisions))
    )
    assert declared.governance(results).rows[0] == ("Answers to", "the safeguarding partnership")
    assert declared.governance(results).rows[1] == ("Decides", declared.MISSING)
    row = ("2022-06-14", "One worker for each school", "Young people asked for it", "twelve pupils")
    assert list(declared.decisions(results).rows) == [row]
    assert declared.undeclared_governance(results) == ""
    nothing = SimpleNamespace(declared=lambda part: {}, declared_list=lambda part: [])
    assert declared.governance(nothing) is None
    assert declared.decisions(nothing) is None
    assert declared.intervention(nothing).rows[0][1] == declared.MISSING
    assert declared.undeclared_governance(nothing).startswith("Not declared: whom the programme answers to; ")
    assert read("[[decision]]\nwhat = 'x'")[1]
