"""What an evaluation lacks is said with what it would take; one that lacks nothing is left alone."""

from __future__ import annotations

import pytest

from averting.evaluation import readiness as module
from averting.evaluation.readiness import readiness
from averting.evaluation.settings import load_evaluation


def said(values, write):
    return {one.key.split("/")[1]: one for one in readiness(load_evaluation(write(values)))}


def test_the_demonstration_lacks_nothing(values, write):
    assert said(values, write) == {}


@pytest.mark.parametrize(
    ("change", "key", "takes"),
    [
        (lambda v: v["data"].pop("note"), "note", "[data] note"),
        (lambda v: v.update(title="My pilot"), "title", "title"),
        (lambda v: [v.pop("programme"), v["appraisal"].pop("pupils_supported")], "programme", "[[programme]]"),
        (
            lambda v: [v.pop(key) for key in ("appraisal", "programme", "scenario", "study", "costs")],
            "value",
            "[costs]",
        ),
    ],
)
def test_what_is_missing_is_said_with_what_it_takes(values, write, change, key, takes):
    change(values)
    (found,) = said(values, write).values()
    assert found.key == f"readiness/{key}"
    assert found.message.startswith("Missing: ")
    assert takes in found.guidance


def test_numbers_only_you_can_give_are_named(values, write):
    values["costs"]["families"] = ["lifetime"]
    values["scenario"] = []
    found = said(values, write)
    assert all(one.guidance.startswith("It takes: ") for one in found.values())


def test_extras_that_are_not_installed_are_named(values, write, monkeypatch):
    values["estimate"].append(
        {"id": "bayes", "role": "secondary", "indicator": "permanent_exclusions", "method": "bayes_count"}
    )
    monkeypatch.setattr(module, "find_spec", lambda _name: None)
    found = said(values, write)
    assert found["bayes"].status == "warn"
    assert "averting[bayes]" in found["bayes"].guidance
    assert "averting[report]" in found["report"].guidance
