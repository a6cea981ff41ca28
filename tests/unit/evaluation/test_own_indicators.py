"""An evaluation's own indicators.toml adds to what averting ships, and is checked as strictly."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd
import pytest

from averting.errors import EvaluationError
from averting.evaluation import load_evaluation, run
from averting.evaluation.settings import FILE, INDICATORS
from averting.reporting import figures, open_results, tables

OWN = """
[indicators.detentions]
label = "Detentions"
definition = "After-school detentions given."
level = "pupil"
domain = "behaviour"
kind = "count"
unit = "events"
exposure = "headcount"
direction = "lower"
data_source = "school records"
source = "the evaluation's own definition"
"""
EVALUATION = """
schema = 1
title = "Detentions"
question = "Did the pilot avert detentions?"
seed = 1
draws = 200
[data]
path = "schools.csv"
source = "tidy"
columns = { exposure = "headcount", detentions = "given" }
[design]
pilots = ["p1"]
start = "2016/17"
[[estimate]]
id = "main"
role = "primary"
indicator = "detentions"
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    schools = ["p1", *(f"c{number}" for number in range(12))]
    rows = [
        {"school": school, "period": f"201{year}/1{year + 1}", "headcount": 900, "given": 20 + (7 * i + year) % 9}
        for i, school in enumerate(schools)
        for year in range(3, 8)
    ]
    pd.DataFrame(rows).to_csv(tmp_path / "schools.csv", index=False)
    (tmp_path / FILE).write_text(EVALUATION, encoding="utf-8")
    (tmp_path / INDICATORS).write_text(OWN, encoding="utf-8")
    return tmp_path


def test_an_evaluation_estimates_its_own_indicator_and_reports_its_label(folder: Path) -> None:
    assert load_evaluation(folder).indicators["detentions"].label == "Detentions"
    results = run(folder)
    manifest = json.loads((results / "manifest.json").read_text(encoding="utf-8"))
    assert manifest["indicators"]["detentions"] == "Detentions"
    assert INDICATORS in manifest["inputs"]


@pytest.mark.parametrize(
    ("exposure", "rate", "counted"),
    [
        ("sessions_possible", "detentions per 100 sessions", "sessions"),
        ("lessons_taught", "detentions per 100 lessons taught", "lessons taught"),
        ("headcount", "detentions per 100 pupils a year", "pupils on roll"),
    ],
)
def test_rates_are_per_100_of_what_an_indicator_is_counted_over(
    folder: Path, exposure: str, rate: str, counted: str
) -> None:
    (folder / INDICATORS).write_text(OWN.replace('"headcount"', f'"{exposure}"'), encoding="utf-8")
    results = open_results(run(folder))
    assert [row[0] for row in tables.balance(results).rows] == [counted, rate]
    assert figures.paths(results, "main").alt.startswith(f"Line chart of {rate.removesuffix(' a year')} by year.")


def test_a_fault_in_it_is_told_with_the_others(folder: Path) -> None:
    (folder / INDICATORS).write_text(OWN.replace('"count"', '"rate"'), encoding="utf-8")
    (folder / FILE).write_text(EVALUATION.replace("seed = 1", "seed = -1"), encoding="utf-8")
    with pytest.raises(EvaluationError) as refusal:
        load_evaluation(folder)
    assert "indicators.toml, detentions: kind is 'rate'" in str(refusal.value)
    assert "too small" in str(refusal.value)


def test_an_estimate_of_what_is_no_count_is_refused_before_anything_is_read(folder: Path) -> None:
    (folder / INDICATORS).write_text(OWN.replace('"count"', '"share"'), encoding="utf-8")
    with pytest.raises(EvaluationError, match=r"'detentions' .* is declared as a share"):
        load_evaluation(folder)
