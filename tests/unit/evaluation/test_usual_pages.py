"""A first rendering or release is forecast by the words that it will say, and says what is left."""

from __future__ import annotations

import re
import shutil

import pytest

from averting.evaluation.usual import RENDERING
from averting.evaluation.usual_pages import ONE_PAGE, publishing_seconds, rendering_seconds
from averting.parallel import cores
from averting.reporting.publish import WITHHOLDING, publish


def test_reports_are_forecast_together_in_each_format_and_fewer_take_less(quick_run):
    (every,) = rendering_seconds(quick_run).values()
    (one,) = rendering_seconds(quick_run, names=["summary"]).values()
    (both,) = rendering_seconds(quick_run, names=["summary"], to=["html", "pdf"]).values()
    assert 2 < one < both < every
    assert rendering_seconds(quick_run, names=["no such report"]) == {}
    # two at a time, where there are two cores
    (two,) = rendering_seconds(quick_run, names=["summary", "scenarios"]).values()
    assert two == pytest.approx(2 * one / min(2, cores()))


def test_a_release_says_what_was_forecast_in_that_order(quick_run, tmp_path, monkeypatch):
    monkeypatch.setattr("averting.reporting.publish.render_files", lambda *_, **__: ())
    said, usual = [], publishing_seconds(quick_run)
    publish(quick_run, tmp_path / "public", progress=said.append)
    assert said == list(usual)
    assert said[0] == WITHHOLDING and len(said) > 2
    assert not any("profiles" in words for words in said)


def test_what_cannot_be_read_has_no_forecast(tmp_path):
    assert rendering_seconds(tmp_path) == publishing_seconds(tmp_path) == {}
    assert all(seconds > 2 for seconds in ONE_PAGE.values())


def test_render_and_publish_say_what_is_left_the_first_time_and_nothing_if_asked(call, quick_copy, monkeypatch):
    monkeypatch.setattr("averting.evaluation.render_all", lambda *_, **__: ())
    monkeypatch.setattr(
        "averting.reporting.publish.publish", lambda folder, *_, **given: given["progress"](WITHHOLDING)
    )
    for command, words in ((("render",), RENDERING), (("publish", quick_copy / "public"), WITHHOLDING)):
        asked = (command[0], quick_copy, *command[1:])
        assert call(*asked, "--quiet")[2] == call(*asked, "--json")[2] == ""
        shutil.rmtree(quick_copy / ".averting-cache")
        status, _, said = call(*asked)
        assert status == 0
        assert re.search(rf"{words} \(perhaps \d+ s left\)", said)
