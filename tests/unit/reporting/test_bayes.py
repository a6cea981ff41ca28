"""What reports show of Bayesian models, from tables with known numbers."""

from __future__ import annotations

import re
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from averting.effects import known_estimators
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
        record=lambda _name: {"pilots": pilots, "level": "school"},
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


def test_what_the_data_made_of_each_prior(results):
    made = results.effect("main")
    priors = pd.DataFrame({"parameter": ["log_ratio", "school_sd", "elsewhere"], "prior": "normal(0, 1)"})
    drawn = {"parameter": ["school_sd", "log_ratio"], "mean": [0.5, -0.25], "sd": 0.1, "ess_bulk": [1234.0, 900.0]}
    made.tables.update({"priors": priors, "posterior": pd.DataFrame({**drawn, "r_hat": 1.0})})
    rows = bayes.learned(results, "main").rows
    assert rows[0] == ("log_ratio", "normal(0,\u00a01)", "−\u20600.25", "0.10", "900", "1.000")
    assert [row[0] for row in rows] == ["log_ratio", "school_sd"]
    assert rows[1][4] == "1,234"


def test_what_two_counts_were_assumed_to_share_stands_beside_what_was_found(results):
    spreads = {
        "prior_median": 0.66,
        "prior_lower": -0.18,
        "prior_upper": 0.94,
        "median": 0.7,
        "lower": 0.1,
        "upper": 0.9,
    }
    results.effect("main").tables["correlations"] = pd.DataFrame(
        {"correlation": ["effect_correlation"], **spreads}
    )
    assert bayes.correlations(results, "main").rows == [
        ("the programme's two effects", "0.66 (-0.18 to 0.94)", "0.70 (0.10 to 0.90)")
    ]


def test_two_counts_stand_side_by_side(results):
    rows = bayes.together(results, "main").rows
    assert rows[0] == ("permanent exclusions, on its own", "0.50", "0.20 to 1.10", "90%")


def test_what_a_model_makes_stands_beside_the_data_without_small_counts(results):
    features = ["largest count", "share of counts that are zero", "pilots' events before their start"]
    table = pd.DataFrame(
        {"feature": features, "observed": [4.0, 0.45, 31.0], "lower": [2.0, 0.1, 12.0], "upper": [30.0, 0.6, 55.0],
         "replicated": 1.0, "tail": [0.2, 0.5, 0.999]}
    )  # fmt: skip
    made = results.effect("main")
    made.tables.update({"predictive": table, "prior_predictive": table.iloc[:2]})
    rows = bayes.predicted(results, "main").rows
    assert [row[1] for row in rows] == ["priors alone"] * 2 + ["fitted model"] * 3
    assert rows[0][2:4] == ("under 10 to 30", "under 10")
    assert rows[3][2:4] == ("0.10 to 0.60", "0.45")
    assert rows[4][3] == "31"


def test_each_pilots_change_is_drawn_where_pilots_may_be_shown(results):
    assert bayes.change_forest(results, "main") is None
    spreads = {"median": [-3.0, 1.0], "lower": [-9.0, -2.0], "upper": [2.0, 5.0]}
    results.effect("main").tables["change_by_pilot"] = pd.DataFrame({"pilot": ["100001", "100002"], **spreads})
    figure = bayes.change_forest(results, "main")
    assert "Ash -3 (-9 to +2); 100002 +1 (-2 to +5)" in figure.alt


def test_models_are_told_in_words_and_maths(results):
    known = {key for key, spec in known_estimators().items() if spec.priors and spec.takes == "count"}
    for key in known:
        made = replace(results.effect("main"), method=key)
        told = bayes.told(SimpleNamespace(effect=lambda _key, made=made: made, record=results.record), "main")
        assert told.count("$$") in (4, 6), key
        assert "`school_sd`" in told or key in ("bayes_synthetic", "bayes_horseshoe")
        of_areas = SimpleNamespace(
            effect=lambda _key, made=made: made, record=lambda _: {"level": "local authority"}
        )
        assert not re.search(r"\bschools?\b", bayes.told(of_areas, "main"))
    made = replace(results.effect("main"), method="ratio_did")
    assert bayes.told(SimpleNamespace(effect=lambda _key: made), "main") == ""


def test_models_side_by_side_say_whether_the_data_choose(tmp_path):
    (tmp_path / "models").mkdir()
    table = pd.DataFrame(
        {"indicator": "suspensions", "estimate": ["a", "b"], "elpd": [-500.0, -501.5], "difference": [0.0, -1.5],
         "difference_se": [0.0, 1.2], "p": [40.2, 41.0], "weight": [0.8, 0.2], "unreliable": [0, 3]}
    )  # fmt: skip
    path = tmp_path / "models" / "models.csv"
    results = SimpleNamespace(
        folder=tmp_path,
        table=lambda _name: pd.read_csv(path),
        record=lambda name: {"label": f"Model {name.split('/')[1]}"},
        name=lambda _key: "suspensions",
    )
    assert not bayes.has_comparison(results)
    table.to_csv(path, index=False)
    assert bayes.has_comparison(results)
    rows = bayes.compared(results).rows
    assert rows[0] == ("Model a (suspensions, a)", "best", "", "40", "0.80", "0")
    assert rows[1] == ("Model b (suspensions, b)", "-1.5", "1.2", "41", "0.20", "3")
    assert "the data do not choose" in bayes.compared_words(results)
    table.assign(difference_se=[0.0, 0.5]).to_csv(path, index=False)
    assert "At least one model predicts worse" in bayes.compared_words(results)
