"""What reports show of Bayesian models, from tables with known numbers."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from averting.reporting import bayes


@pytest.fixture
def results(effect):
    spreads = {"median": [0.5, 0.8], "lower": [0.2, 0.4], "upper": [1.1, 1.7]}
    tables = {
        "schools": pd.DataFrame({"pilot": ["100001", "100002"], **spreads}),
        "event_time": pd.DataFrame({"event_time": [0, 2], **spreads}),
        "prior_sensitivity": pd.DataFrame(
            {"power": [0.5, 1.0, 2.0], "estimate": [0.6, 0.62, np.nan], "lower": [0.3, 0.4, np.nan],
             "upper": [1.1, 0.9, np.nan], "probability": [0.9, 0.95, np.nan]}
        ),
        "joint": pd.DataFrame(
            {"fit": ["on its own", "together with suspensions"], "indicator": "permanent_exclusions", **spreads,
             "probability": [0.9, 0.8]}
        ),
    }  # fmt: skip
    made = replace(effect(draw_kind="posterior"), tables=tables)
    pilots = {"100001": {"name": "Ash"}, "100002": {"name": ""}}
    return SimpleNamespace(
        effect=lambda _key: made,
        record=lambda _name: {"pilots": pilots},
        indicator=lambda key: key.replace("_", " "),
    )


def test_a_forest_names_pilots_and_says_all_its_numbers(results):
    assert bayes.forests(results, "main") == ["schools", "event_time"]
    figure = bayes.forest(results, "main", "schools")
    assert "Ash 0.50 (0.20 to 1.10); 100002 0.80 (0.40 to 1.70); all together 0.62 (0.40 to 0.90)" in figure.alt
    assert figure.svg == bayes.forest(results, "main", "schools").svg
    assert "period 2 0.80" in bayes.forest(results, "main", "event_time").alt


def test_the_priors_weight_is_shown_where_it_can_be(results):
    table = bayes.sensitivity(results, "main")
    assert table.rows[1] == ("1 (as declared)", "0.62", "0.40 to 0.90", "95%")
    assert table.rows[2] == ("2", "cannot be said", "", "")


def test_two_counts_stand_side_by_side(results):
    rows = bayes.together(results, "main").rows
    assert rows[0] == ("permanent exclusions, on its own", "0.50", "0.20 to 1.10", "90%")
