"""[data] of evaluation.toml reaches the reader: wide tables, terms, sheets."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from averting.errors import EvaluationError
from averting.evaluation import load_evaluation
from averting.evaluation.settings import FILE
from averting.evaluation.stages import build_panel

TERMS = [f"{year} {term}" for year in ("2020/21", "2021/22", "2022/23") for term in ("Autumn", "Spring", "Summer")]
EVALUATION = """
schema = 1
title = "Suspensions"
question = "Did the pilot avert suspensions?"
seed = 1
[data]
path = "schools.csv"
source = "tidy"
first_period = "2020/21 Spring"
last_period = "2021/22"
[data.columns]
school = "urn"
exposure = "pupils"
suspensions = "susp"
[data.wide]
pattern = "{indicator}_{period}"
[design]
pilots = ["s0"]
start = "2021/22"
[[estimate]]
id = "main"
role = "primary"
indicator = "suspensions"
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    columns = {f"{word}_{term}": [value] * 12 for term in TERMS for word, value in [("susp", 9), ("pupils", 900)]}
    frame = pd.DataFrame({"urn": [f"s{i}" for i in range(12)], **columns})
    frame.to_csv(tmp_path / "schools.csv", index=False)
    (tmp_path / FILE).write_text(EVALUATION, encoding="utf-8")
    return tmp_path


def test_a_wide_termly_table_is_read_between_a_term_and_a_year(folder: Path) -> None:
    evaluation = load_evaluation(folder)
    assert evaluation.data.first_period == "2020/21 Spring"
    assert build_panel(evaluation).panel.periods == tuple(TERMS[1:6])


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ('pattern = "', 'patern = "', "Did you mean 'pattern'?"),
        ('pattern = "{indicator}_{period}"', "", "[data.wide] pattern: this key is missing"),
        (
            'source = "tidy"',
            'source = "tidy"\nfrequency = "month"',
            "'month' is not known. Use one of: year, term",
        ),
        ('source = "tidy"', 'source = "tidy"\nsheet = 1', "sheet: this is a whole number"),
    ],
)
def test_a_fault_in_it_is_named(folder: Path, old: str, new: str, words: str) -> None:
    (folder / FILE).write_text(EVALUATION.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(EvaluationError) as refusal:
        load_evaluation(folder)
    assert words in str(refusal.value).replace("[data] [wide]", "[data.wide]")
