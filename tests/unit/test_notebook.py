"""In a notebook, results show what they are, escape what they were given, and show no count of a school."""

from __future__ import annotations

import re
from dataclasses import replace
from html.parser import HTMLParser

import numpy as np
import pytest
import xarray as xr

import averting as av
from averting.checks import CheckResult
from averting.notebook import card

matplotlib = pytest.importorskip("matplotlib")
matplotlib.use("agg")


class _Nesting(HTMLParser):
    """Fails where a tag is closed that is not the one last opened."""

    def __init__(self):
        super().__init__()
        self.open, self.text = [], []

    def handle_starttag(self, tag, attrs):
        self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text.append(data)


def text_of(html):
    parser = _Nesting()
    parser.feed(html)
    assert parser.open == []
    return " ".join(parser.text)


@pytest.fixture(scope="module")
def shown():
    simulated = av.simulate_pilot(seed=1, pilots=3, comparison=12)
    # counts that stand nowhere else, so that one in what is shown is a leak
    frame = simulated.frame.astype({"perm_excl": str})
    frame["perm_excl"] = [text if text == "x" else str(7_919 + at) for at, text in enumerate(frame["perm_excl"])]
    frame["headcount"] = 50_000 + np.arange(len(frame))
    frame.loc[frame["urn"] == simulated.pilots[0], "school_name"] = "<script>alert(1)</script>"
    panel = av.Panel.from_frame(
        frame, school="urn", period="time_period", counts={"permanent_exclusions": "perm_excl"},
        exposure="headcount", name="school_name", symbols={"x": (1, 2)},
    )  # fmt: skip
    design = av.Design(panel, pilots=list(simulated.pilots), start="2021/22", comparison="all")
    return panel, design


@pytest.fixture(scope="module")
def effect():
    simulated = av.simulate_pilot(seed=1, pilots=3, comparison=12)
    design = av.Design(simulated.panel(), pilots=list(simulated.pilots), start="2021/22", comparison="all")
    return av.estimate(design, "permanent_exclusions", draws=200, seed=1)


def test_panel_and_design_show_no_count_of_a_school(shown):
    panel, design = shown
    counts = {f"{int(value)}" for value in panel.data["value"].to_numpy().ravel() if value == value}
    for thing in shown:
        html = thing._repr_html_()
        said = text_of(html)
        assert not set(re.findall(r"\d+", said.replace(",", ""))) & counts
        assert "<script" not in html
    assert "suppressed" in text_of(panel._repr_html_())
    assert all(pilot in text_of(design._repr_html_()) for pilot in design.pilots)


def test_an_effect_shows_verdict_interval_and_checks(effect):
    said = text_of(effect._repr_html_())
    low, high = effect.interval
    assert str(effect.verdict) in said
    assert f"{effect.estimate:.2f} ({low:.2f} to {high:.2f})" in said
    assert f"{len(effect.checks)} checks" in said
    assert "<td>p-value</td>" not in replace(effect, p_value=None)._repr_html_()


def test_parameters_show_sources_and_what_is_to_be_given():
    parameters = av.load_parameters("high_needs_block")
    said = text_of(parameters._repr_html_())
    assert all(key in said for key in parameters)
    assert all(f"you must give {key}" in said for key in parameters.unset)
    assert repr(parameters).startswith("ParameterSet(high_needs_block: ")


def test_an_appraisal_shows_every_scenario(effect):
    made = av.appraise(
        effect.averted(),
        av.load_parameters("high_needs_block"),
        base_year="2021-22",
        price_year="2023-24",
        draws=200,
    )
    said = text_of(made._repr_html_())
    assert all(scenario.key in said for scenario in made.scenarios)
    assert f"{made.summary()['npv_mean'].iloc[-1]:,.0f}" in said


def test_whatever_is_shown_is_escaped():
    html = card("<b>", {"a<": "&"}, columns=["<i>"], rows=[["<td>"]], checks=[CheckResult("k", "fail", "<p>")])
    assert "<b>" not in html
    assert "<i>" not in html
    assert text_of(html).count("<") == 5


@pytest.mark.parametrize("interval", [(0.4, 1.5), (-np.inf, 2.0), (0.1, np.inf), (-np.inf, np.inf)])
def test_an_effect_is_drawn_whatever_its_interval(effect, interval):
    scale = "ratio" if interval[0] > 0 else "difference"
    drawn = replace(
        effect,
        interval=interval,
        estimand=replace(effect.estimand, scale=scale),
        draws=xr.DataArray(np.random.default_rng(1).normal(1, 0.3, 200), dims="draw"),
    ).plot()
    (band,) = [line for line in drawn.collections if len(line.get_segments())]
    ends = band.get_segments()[0][:, 0]
    assert np.isfinite(ends).all()
    assert ends[0] < ends[1]
    assert scale in drawn.get_xlabel()
    matplotlib.pyplot.close(drawn.figure)
