"""Records of earlier layouts are brought up to date; those of later or unknown ones are refused."""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import Any

import pytest

from averting.errors import AvertingError, EvaluationError
from averting.evaluation import load_evaluation, settings
from averting.reporting import results
from averting.reporting.results import open_results
from averting.schemas import brought_up

OLD = Path(__file__).with_name("results_of_schema_1.zip")
STEPS = {
    1: lambda record: {**record, "costs": {"families": record["family"]}} | {"family": None},
    2: lambda record: {key: value for key, value in record.items() if value is not None},
}


def up(record: dict[str, Any], to: int = 3) -> dict[str, Any]:
    return brought_up(record, to=to, steps=STEPS, what="a.toml", again="Make it again.", error=EvaluationError)


def test_every_step_from_its_layout_on_is_taken() -> None:
    record = {"schema": 1, "family": ["a"]}
    assert up(record) == {"schema": 3, "costs": {"families": ["a"]}}
    assert record == {"schema": 1, "family": ["a"]}
    assert up({"schema": 2, "family": None, "b": 1}) == {"schema": 3, "b": 1}
    assert up({"schema": 3, "family": None}) == {"schema": 3, "family": None}


@pytest.mark.parametrize(
    ("schema", "words"),
    [
        (4, "a later averting wrote"),
        (0, "no longer reads. Make it again."),
        ("1", "no whole"),
        (True, "no whole"),
        (None, "no"),
    ],
)
def test_other_layouts_are_refused(schema: object, words: str) -> None:
    with pytest.raises(EvaluationError, match=words):
        up({"schema": schema})


def test_an_evaluation_of_an_earlier_layout_is_read_and_not_changed(
    monkeypatch: pytest.MonkeyPatch, quick_text: str, tmp_path: Path
) -> None:
    path = tmp_path / "evaluation.toml"
    path.write_text(quick_text.replace("schema = 1", "schema = 0").replace("title =", "name ="), encoding="utf-8")
    before = path.read_bytes()
    with pytest.raises(AvertingError, match="no longer reads"):
        load_evaluation(tmp_path)
    renamed = {0: lambda values: {("title" if key == "name" else key): value for key, value in values.items()}}
    monkeypatch.setattr(settings, "STEPS", renamed)
    assert load_evaluation(tmp_path).title
    assert path.read_bytes() == before


@pytest.fixture
def old(tmp_path: Path) -> Path:
    """Results that averting 0.1.0 wrote, two simulated pilots and a dozen comparison schools."""
    with zipfile.ZipFile(OLD) as archive:
        archive.extractall(tmp_path)
    return tmp_path / "results"


def test_results_of_the_first_layout_are_read(old: Path) -> None:
    opened = open_results(old)
    assert opened.manifest["schema"] == results.SCHEMA
    effect = opened.primary
    low, high = effect.interval
    assert low < effect.estimate < high
    assert effect.averted().total().sizes["draw"] == 200
    assert opened.valued is not None
    tables = [path for path in old.rglob("*.csv") if path.parent.name != "tables"]
    assert len(tables) > 30
    for path in tables:
        assert len(opened.table(path.relative_to(old).with_suffix("").as_posix()).columns) > 0
    assert {check.status for stage in ("data", "design") for check in opened.checks(stage)} <= {
        "pass",
        "warn",
        "fail",
        "info",
    }
    assert opened.name(opened.estimates[0])
