"""[diagnostics] and [guardrails]: read strictly, run on the primary estimate, and kept apart from it."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from averting.errors import DesignError, EvaluationError
from averting.evaluation import check, load_evaluation, run
from averting.evaluation.settings import FILE
from averting.reporting import diagnostic_figures, diagnostics, open_results
from averting.reporting.controlled_checks import write_public_checks

TOML = """
schema = 1
title = "t"
question = "q"
seed = 1
draws = 100
[data]
path = "schools.csv"
source = "tidy"
[data.columns]
school = "school"
period = "period"
exposure = "pupils"
[design]
pilots = ["a00", "a01"]
start = "2014/15"
[design.comparison]
rule = "list"
schools = {schools}
[[estimate]]
id = "main"
role = "primary"
indicator = "permanent_exclusions"
"""
OTHERS = [f"a{number:02d}" for number in range(2, 16)]


def _folder(tmp_path: Path, extra: str = "", schools: list[str] = OTHERS, **columns: np.ndarray) -> Path:
    """Write an evaluation of sixteen schools over eight years; exclusions at the pilots fall to a fifth."""
    rng = np.random.default_rng(1)
    exclusions = rng.poisson(30, (16, 8))
    exclusions[:2, 4:] = rng.poisson(6, (2, 4))
    frame = pd.DataFrame(
        {
            "school": np.repeat([f"a{number:02d}" for number in range(16)], 8),
            "period": [f"{year}/{year - 1999:02d}" for year in range(2010, 2018)] * 16,
            "pupils": 900,
            "permanent_exclusions": exclusions.ravel(),
            **{name: values.ravel() for name, values in columns.items()},
        }
    )
    frame.to_csv(tmp_path / "schools.csv", index=False)
    (tmp_path / FILE).write_text(TOML.format(schools=json.dumps(schools)) + extra, encoding="utf-8")
    return tmp_path


@pytest.mark.parametrize(
    ("extra", "words"),
    [
        ('[diagnostics]\nrun = ["leave_two_out"]', "'leave_two_out' is not known"),
        ('[diagnostics]\nrun = ["honest", "honest"]', "there twice"),
        ('[diagnostics]\nrun = ["placebo_in_outcomes"]', "no outcome is named"),
        ("[diagnostics]\nmoved_by = 0.0", "not a share"),
        ('[diagnostics.curve]\nmethods = ["magic"]', "'magic' is not known"),
        ('[diagnostics.curve]\ncomparisons = ["moon"]', "'moon' is not known"),
        ("[diagnostics.curve]\ncomparisons = []", "the list is empty"),
        ('[diagnostics.curve]\nwithout = ["2018"]', "without"),
        ("[guardrails]\nindicator = []", "Did you mean 'indicators'"),
        ("[guardrails]\ncombined = 1", "true or false"),
    ],
)
def test_faults_are_told(tmp_path: Path, extra: str, words: str) -> None:
    with pytest.raises(EvaluationError) as refused:
        load_evaluation(_folder(tmp_path, extra))
    assert words in str(refused.value)


def test_an_outcome_that_is_no_count_is_refused(tmp_path: Path) -> None:
    with pytest.raises(EvaluationError, match="is a share"):
        check(_folder(tmp_path, '[guardrails]\nindicators = ["attendance"]'))


def test_a_comparison_with_nobody_is_refused_with_the_reason(tmp_path: Path) -> None:
    with pytest.raises(DesignError, match="difference between before and after is not an effect"):
        check(_folder(tmp_path, schools=[]))


@pytest.fixture(scope="module")
def moved(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An evaluation in which exclusions fall because pupils are moved; home education has gaps."""
    rng = np.random.default_rng(2)
    moves = rng.poisson(30, (16, 8))
    moves[:2, 4:] = rng.poisson(150, (2, 4))
    home = rng.poisson(20, (16, 8)).astype(object)
    home[5:7, 3] = ""
    folder = tmp_path_factory.mktemp("moved")
    extra = '[diagnostics]\nrun = ["placebo_in_time"]\n'
    run(_folder(folder, extra, managed_moves=moves, elective_home_education=home))
    return folder


def test_moves_are_found_beside_the_fall(moved: Path) -> None:
    results = open_results(moved / "results")
    assert str(results.primary.verdict) == "evidence of a reduction"
    table = results.table("guardrails/guardrails").set_index("indicator")
    assert set(table.index) == {"managed_moves", "elective_home_education", "combined"}
    assert table["finding"]["managed_moves"] == "rose"
    assert table["finding"]["elective_home_education"] == "cannot tell"
    assert results.record("guardrails/combined")["indicators"] == ["permanent_exclusions", "managed_moves"]
    said = diagnostics.beside_the_verdict(results)
    assert "managed moves rose" in said
    assert "no success" in said
    assert "managed moves together" in diagnostics.guardrails(results).html()
    assert "adjusted (Holm)" in diagnostics.moved_elsewhere(results)
    assert "managed moves" in diagnostic_figures.guardrails(results).alt


def test_gaps_in_other_outcomes_leave_the_comparison_as_it_was(moved: Path) -> None:
    checked = check(moved)
    assert len(checked.design.comparison) == 14
    assert len(checked.guardrails["managed_moves"].comparison) == 14
    assert len(checked.guardrails["elective_home_education"].comparison) == 12


def test_none_in_the_data_is_said(tmp_path: Path) -> None:
    folder = _folder(tmp_path, "[diagnostics]\nrun = []\n")
    assert check(folder).guardrails == {}


def test_a_pilot_without_the_outcome_is_no_estimate(tmp_path: Path) -> None:
    moves = np.full((16, 8), 5, dtype=object)
    moves[0, 2] = ""
    why = check(_folder(tmp_path, managed_moves=moves)).guardrails["managed_moves"]
    assert why == "not known for 1 of 2 pilots in every year used"


def test_nothing_but_words_leaves(moved: Path, tmp_path: Path) -> None:
    write_public_checks(open_results(moved / "results"), tmp_path)
    assert {path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*.*")} == {
        "diagnostics/checks.json",
        "guardrails/checks.json",
        "guardrails/combined.json",
        "guardrails/guardrails.csv",
    }
    table = pd.read_csv(tmp_path / "guardrails" / "guardrails.csv")
    assert table[["estimate", "lower", "upper", "p_value", "p_adjusted", "note"]].isna().all(axis=None)
    assert set(table["finding"]) >= {"rose", "cannot tell"}
    for path in tmp_path.rglob("*.json"):
        assert not any(character.isdigit() for character in path.read_text(encoding="utf-8")), path.name
