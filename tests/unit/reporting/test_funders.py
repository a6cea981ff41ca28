"""Words for funders: whether it pays, by verdict and interval, and what would have to be true."""

from __future__ import annotations

import json
import math
import re

import numpy as np
import pandas as pd
import pytest

from averting.effects import Verdict
from averting.reporting import funder_figures, funders, money_report, open_results
from averting.resources import analyses_dir


@pytest.fixture
def told(results_folder, monkeypatch):
    """Results with a verdict, and net cash between two ends in the central scenario."""

    def make(verdict=Verdict.UNCERTAIN, low=-5_000.0, high=9_000.0, *, cost=True):
        monkeypatch.setattr("averting.effects.Effect.verdict", verdict)
        path = results_folder / "appraisal" / "summary.csv"
        frame = pd.read_csv(path)
        at = (frame["scenario"] == "central") & (frame["view"] == "cashable")
        frame.loc[at, ["npv_lower", "npv_upper"]] = low, high
        frame.to_csv(path, index=False)
        record = results_folder / "appraisal" / "appraisal.json"
        about = json.loads(record.read_text(encoding="utf-8"))
        record.write_text(json.dumps({**about, "has_programme_cost": cost}), encoding="utf-8")
        return open_results(results_folder)

    return make


@pytest.mark.parametrize(
    ("given", "says", "never"),
    [
        ({}, "We cannot tell whether", "But"),
        ({"low": 1.0}, "saved more than it cost. But", "cannot tell whether the programme saves"),
        ({"low": 1.0, "verdict": Verdict.REDUCTION}, "saved more than it cost.", "But"),
        ({"low": 1.0, "verdict": Verdict.INCREASE}, "But", "probability"),
        ({"low": -9.0, "high": -1.0}, "cost more than it saved", "But"),
        ({"verdict": Verdict.NOT_ESTIMABLE, "low": 1.0}, "cannot show whether", "saved"),
        ({"cost": False, "low": 1.0}, "its cost was not given", "saved"),
    ],
)
def test_headline_claims_no_more_than_interval_and_verdict(told, given, says, never):
    sentence = funders.headline(told(**given))
    assert says in sentence
    assert never not in sentence


@pytest.mark.parametrize(
    ("row", "turn", "reach"),
    [
        ({"value": 22.4, "current": 19.9, "low": -5.0, "high": 68.0, "pays_now": False}, "from 22", "yes"),
        ({"value": 90.0, "current": 19.9, "low": -5.0, "high": 68.0, "pays_now": False}, "from 90", "no"),
        ({"value": 8.0, "current": 19.9, "low": -5.0, "high": 68.0, "pays_now": True}, "from 8", "holds as estimated"),
        ({"value": 30.0, "current": 19.9, "low": -5.0, "high": 68.0, "pays_now": True}, "up to 30", "holds as estimated"),
        ({"value": math.nan, "current": 1.0, "low": 0.0, "high": 2.0, "pays_now": False}, "nowhere", "no"),
    ],
)  # fmt: skip
def test_what_must_be_true_is_within_reach_only_where_the_evidence_is(told, row, turn, reach):
    results = told()
    full = {"name": "averted", "label": "Permanent exclusions averted", "unit": "pupils", **row}
    pd.DataFrame([full]).to_csv(results.folder / "appraisal" / "break_even.csv", index=False)
    (cells,) = funders.must_be_true(open_results(results.folder)).rows
    assert (cells[1], cells[4]) == (turn, reach)


def test_every_declared_number_has_its_grade_and_the_widest_comes_first(told):
    results = told()
    rows = funders.strength(results).rows
    sources = results.table("appraisal/sources")
    assert {row[0] for row in rows[1:]} == set(sources["label"])
    swings = results.table("appraisal/tornado").set_index("name")["swing"]
    first = swings[swings.index.isin(sources["key"])].idxmax()
    assert rows[1][0] == sources.set_index("key").loc[first, "label"]
    fixed = sources[sources["low"] == sources["high"]]["label"]
    assert {row[2] for row in rows if row[0] in set(fixed)} == {"taken as certain"}
    weak = int(sources["grade"].isin(["D", "E"]).sum())
    assert f"Of the {len(sources)} declared numbers, {weak} are" in funders.weakest(results)


def test_cash_by_year_adds_up_with_the_programme_in_it(told):
    results = told()
    wide, flows = funder_figures.yearly_cash(results), results.table("appraisal/flows")
    central = flows[(flows["scenario"] == "central") & flows["kind"].isin(["cashable", "transfer"])]
    assert wide.to_numpy().sum() == pytest.approx(central["undiscounted"].sum())
    spent = central.loc[central["line"] == "programme", "undiscounted"].sum()
    assert spent < 0
    assert wide["Local authority: general fund"].sum() == pytest.approx(spent)
    rows = funders.cash_by_year(results).rows
    assert [row[0] for row in rows] == list(wide.index)


def test_figures_say_their_numbers_and_are_the_same_again(told):
    results = told()
    for draw in (funder_figures.cascade, funder_figures.cash_by_payer, funder_figures.plane):
        made = draw(results)
        assert made == draw(results)
        assert made.numbers is not None
        for cell in made.numbers.rows[-1]:
            assert cell in made.alt or draw is funder_figures.cash_by_payer
    flows = results.table("appraisal/flows")
    central = flows[(flows["scenario"] == "central") & flows["kind"].isin(["cashable", "capacity"])]
    shown = funder_figures.cascade(results).numbers.rows
    assert len(shown) == 1 + central.groupby(["line_label", "kind"]).ngroups


def test_quarters_of_the_plane_are_those_of_the_results(told):
    results = told()
    table = funder_figures.plane(results).numbers
    quarters = results.table("appraisal/quadrants").set_index(["scenario", "view"]).loc[("central", "cashable")]
    shown = [100 * float(value) for value in quarters]
    for (_, cell), share in zip(table.rows, shown, strict=True):
        assert cell in ("under 1%", "over 99%") or float(cell.rstrip("%")) == pytest.approx(share, abs=0.5 + 1e-9)
    assert table.columns[1] == "Share of draws"  # no posterior here, so no probability


def test_nothing_of_withheld_years_is_shown(told, monkeypatch):
    results = told()
    path = results.folder / "appraisal" / "flows.csv"
    frame = pd.read_csv(path)
    frame["undiscounted"] = frame["present_value"] = np.nan
    frame.to_csv(path, index=False)
    for name in ("break_even.csv", "tornado.csv", "payback.csv", "totals.nc"):
        (results.folder / "appraisal" / name).unlink()
    results = open_results(results.folder)
    assert "withheld" in funder_figures.cascade(results).alt
    assert "withheld" in funder_figures.cash_by_payer(results).alt
    assert "inside" in funder_figures.plane(results).alt
    assert funders.cash_by_year(results).rows == [(funders.NOT_HERE,)]
    assert "cost was not given" in funders.must_be_true(results).rows[0][0]
    monkeypatch.setattr("averting.reporting.results.Results.disclosure", {"passes": True, "money_base": 50_000.0})
    assert funders.must_be_true(results).rows == [(funders.NOT_HERE,)]
    # parts rounded on their own would not end at the whole
    assert "rounded" in money_report.waterfall(results).alt
    assert funders.payback(results) == ""
    assert "hangs on" not in funders.weakest(results)


def test_without_a_cost_nothing_is_said_to_pay(told):
    results = told(cost=False)
    for name in ("quadrants.csv", "break_even.csv", "payback.csv", "tornado.csv"):
        (results.folder / "appraisal" / name).unlink()
    assert "cost was not given" in funder_figures.plane(results).alt
    assert "cost was not given" in funders.must_be_true(results).rows[0][0]
    assert funders.payback(results) == ""
    assert funders.strength(results).rows[0][2] == "–"


@pytest.mark.parametrize("name", ["profiles", "scenarios", "summary"])
def test_no_number_stands_in_a_template(name):
    """Words around the cells hold none, but for the points of a distribution that a caption names."""
    text = (analyses_dir() / "_template" / f"{name}.qmd").read_text(encoding="utf-8")
    prose = re.sub(r"(?s)\A---.*?---|```.*?```|`.*?`", "", text)
    captions = re.findall(r"(?m)^#\| \w+-cap: (.*)$", text)
    assert not re.search(r"\d", prose)
    assert not re.search(r"\d", " ".join(captions).replace("5% and 95%", ""))
