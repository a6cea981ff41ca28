"""Figures of the data say their numbers, and the funnel's limits are those of the distribution it names."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from averting.reporting import data_figures, numbers, open_results


@pytest.fixture
def results(results_folder):
    return open_results(results_folder)


def test_the_map_holds_every_share_of_the_results(results):
    made = data_figures.suppression_map(results)
    table = results.table("data/suppression")
    assert len(made.numbers.rows) == len(table)
    first = table.iloc[0]
    share = first["suppressed"] / (first["observed"] + first["suppressed"] + first["missing"])
    assert made.numbers.rows[0][1] == numbers.percent(share)
    assert made == data_figures.suppression_map(results)


def test_limits_hold_95_in_100_of_simulated_schools():
    rng, size, rate, alpha = np.random.default_rng(2), np.full(20_000, 6_000.0), 0.002, 0.5
    mean = rate * size
    events = rng.poisson(rng.gamma(1 / alpha, alpha * mean)).astype(float)
    # the method of moments finds the dispersion that was put there: its standard error is about 0.01
    assert data_figures._dispersion(size, events, rate) == pytest.approx(alpha, abs=0.05)
    low, high = data_figures._limits(size, rate, alpha)
    inside = ((events / size >= low) & (events / size <= high)).mean()
    assert 0.945 < inside < 0.985  # counts are whole, so a little more than 95 %


def test_the_funnel_tells_how_many_lie_outside_and_names_no_school(results):
    made = data_figures.funnel(results)
    design = results.record("design/design")
    assert made.numbers.rows[0][1] == str(len(design["pilots"]))
    assert made.numbers.rows[1][1] == str(design["comparison_schools"])
    assert not any(pilot in made.alt + made.svg for pilot in design["pilots"])


def test_single_schools_stay_inside_a_published_report(results, monkeypatch):
    monkeypatch.setattr("averting.reporting.results.Results.disclosure", {"passes": True})
    assert "stay inside" in data_figures.funnel(results).alt


def test_an_event_study_shows_every_time_and_estimates_without_interval(results, monkeypatch, effect):
    import dataclasses

    table = pd.DataFrame({"event_time": [-2, -1, 0, 1], "estimate": [0.1, 0.0, -0.2, -0.3]})
    full = table.assign(lower=table["estimate"] - 0.1, upper=table["estimate"] + 0.1)
    for given, spread in ((full, "−\u20600.30 to −\u20600.10"), (table, "–")):
        one = dataclasses.replace(effect(), tables={"event_study": given})
        monkeypatch.setattr("averting.reporting.results.Results.effect", lambda _, __, one=one: one)
        made = data_figures.event_study(results, "main")
        assert [row[0] for row in made.numbers.rows] == ["-2", "-1", "0", "1"]
        assert made.numbers.rows[2][2] == spread
        assert "nan" not in made.alt
    assert data_figures.event_studies(results)
