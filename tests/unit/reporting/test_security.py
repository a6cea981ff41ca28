"""The rating of security follows its printed rule, part by part; what was not declared is said to be missing."""

from __future__ import annotations

import json

import pandas as pd
import pytest

from averting.checks import CheckResult
from averting.effects import Verdict
from averting.reporting import checklists, declared, open_results, security

_DOUBT = CheckResult("diagnostics/x", "warn", "A doubt.")
_FINE = CheckResult("diagnostics/x", "pass", "Nothing found.")


@pytest.fixture
def told(results_folder, monkeypatch):
    """Results with what is declared, what could be found, what is missing and what was found to doubt."""

    def make(*, protocol=None, smallest=0.3, missing=0.0, doubts=0, verdict=Verdict.UNCERTAIN, **parts):
        path = results_folder / "manifest.json"
        manifest = json.loads(path.read_text(encoding="utf-8"))
        manifest["declared"] = {"protocol": {"before_outcomes": "yes", **(protocol or {})}, **parts}
        path.write_text(json.dumps(manifest), encoding="utf-8")
        path = results_folder / "data" / "suppression.csv"
        table = pd.read_csv(path)
        table["missing"] = missing * (table["observed"] + table["suppressed"]) / (1 - missing)
        table.to_csv(path, index=False)
        monkeypatch.setattr("averting.effects.Effect.verdict", verdict)
        monkeypatch.setattr("averting.reporting.security.smallest_detectable", lambda _: smallest)
        found = {
            "diagnostics": (_DOUBT if doubts > 0 else _FINE,),
            "guardrails": (_DOUBT if doubts > 1 else _FINE,),
        }
        monkeypatch.setattr("averting.reporting.results.Results.checks", lambda _, stage: found[stage])
        return open_results(results_folder)

    return make


@pytest.mark.parametrize(
    ("given", "parts", "rating"),
    [
        ({"protocol": {"assignment": "by lot"}, "smallest": 0.1}, (5, 5, 5), 5),
        ({"smallest": 0.1}, (4, 5, 5), 4),
        ({"smallest": 0.2}, (4, 4, 5), 4),
        ({"smallest": 0.5}, (4, 1, 5), 1),
        ({"smallest": 0.6}, (4, 0, 5), 0),
        ({"smallest": None}, (4, 0, 5), 0),
        ({"missing": 0.35}, (4, 3, 2), 2),
        ({"missing": 0.6}, (4, 3, 0), 0),
        ({"protocol": {"agreed": 4, "withdrew": 1}}, (4, 3, 3), 3),
        ({"doubts": 1}, (4, 3, 5), 2),
        ({"doubts": 2}, (4, 3, 5), 1),
        ({"doubts": 2, "protocol": {"before_outcomes": "no"}}, (4, 3, 5), 1),  # two at most
        ({"smallest": 0.5, "doubts": 2}, (4, 1, 5), 0),  # never below 0
        ({"verdict": Verdict.NOT_ESTIMABLE}, (0, 3, 5), 0),
    ],
)
def test_the_rule_is_the_printed_one(told, given, parts, rating):
    results = told(**given)
    found = security.security(results)
    assert tuple(points for _, _, points in found.parts) == parts
    assert found.rating == rating
    assert f"{rating} of 5: {security.WORDS[rating]}" in security.sentence(results)
    assert security.table(results).rows[-1][2] == f"{rating} of 5"


def test_a_plan_that_is_not_said_to_come_first_takes_one_off(told):
    assert security.security(told(protocol={"before_outcomes": "not said"})).rating == 2
    assert security.security(told()).rating == 3


def test_the_printed_rule_names_every_part():
    text = " ".join(security.RULES)
    for word in (
        "by lot",
        "four times in five",
        "missing",
        "lowest",
        "diagnostic",
        "moved elsewhere",
        "two at most",
    ):
        assert word in text


def test_nothing_is_made_up_where_nothing_is_declared(told):
    results = told(protocol={"before_outcomes": "not said"})
    assert [row[1] for row in declared.intervention(results).rows] == [declared.MISSING]
    assert [row[1] for row in declared.roles(results).rows] == [declared.MISSING]
    assert declared.deviations(results).rows[0][0] == "Nothing declared"
    assert declared.assurance(results).rows[0][0] == "Nothing declared"
    assert declared.plan(results).count("not declared") == 3
    assert "12 of 12 items of TIDieR" in checklists.not_reported(results)


@pytest.mark.parametrize(
    ("protocol", "says", "never"),
    [
        ({"assignment": "by lot"}, "drawn by lot", "chosen"),
        ({"assignment": "chosen"}, "may have changed anyway", "drawn by lot."),
        ({"assignment": "volunteered"}, "Pilots volunteered", "chosen"),
        ({"before_outcomes": "no"}, "after outcomes had been seen", "before outcomes"),
        ({"where": "*here*"}, "&#42;here&#42;", "Where it can be read is not declared"),
    ],
)
def test_the_plan_in_words(told, protocol, says, never):
    said = declared.plan(told(protocol=protocol))
    assert says in said
    assert never not in said


def test_what_is_declared_is_shown_and_counted(told):
    results = told(
        protocol={"approached": 9, "agreed": 3, "withdrew": 0, "where": "x"},
        intervention={"name": "A <team>", "where": "schools"},
        roles={"analyst": "Ann ", "assurer": "ann"},
        deviations=[{"what": "w", "why": "y", "effect": "", "date": ""}],
    )
    items = dict(declared.intervention(results).rows)
    assert items["1. Name"] == "A <team>"
    assert "&lt;team&gt;" in declared.intervention(results).html()
    assert sum(value == declared.MISSING for value in items.values()) == 10
    assert "10 of 12 items of TIDieR" in checklists.not_reported(results)
    assert "not been assured by anybody else" in declared.same_hands(results)
    assert declared.deviations(results).rows[0] == ("w", "y", "not said", "not said")
    flow = dict(declared.flow(results).rows)
    assert (flow["Schools approached"], flow["Withdrew"], flow["Pilot schools analysed"]) == ("9", "0", "3")
    left = int(flow["In the data read"]) - 3 - int(results.record("design/design")["comparison_schools"])
    assert flow["In the data, not compared"] == str(left)


def test_the_lists_follow_what_the_report_has(told):
    with_money = dict(checklists.cheers(told()).rows)
    assert len(with_money) == 17
    assert with_money["10. Discount rate"].startswith("What it saved")
    results = told(intervention={"name": "x"})
    assert dict(checklists.eef(results).rows)["Intervention"] == "What the programme was"
    assert dict(checklists.eef(results).rows)["Pupil characteristics"].startswith("not reported")
