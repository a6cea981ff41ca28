"""Paths in an evaluation stay inside its folder, whichever key they stand at and however they are written."""

from __future__ import annotations

import pytest

from averting.errors import EvaluationError
from averting.evaluation.settings import load_evaluation

OUTSIDE = [
    "../secret.csv", "data/../../secret.csv", "/etc/passwd", "..\\secret.csv", "C:\\Users\\me\\secret.csv", "C:secret.csv",
    "\\\\server\\share\\x.csv", "//server/x.csv", "data/\0.csv", "..",
]  # fmt: skip
PLACES = {
    "data path": lambda v, p: v["data"].update(path=p),
    "succession": lambda v, p: v["data"].update(succession=p),
    "neighbours": lambda v, p: v["design"].update(comparison={"rule": "statistical_neighbours", "neighbours": p}),
    "ledger": lambda v, p: v.update(programme=[{"ledger": p, "source": "s"}]),
}


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("path", OUTSIDE)
def test_a_path_that_leads_outside_is_refused(values, write, place, path):
    PLACES[place](values, path)
    with pytest.raises(EvaluationError, match="no path within the evaluation's folder") as caught:
        load_evaluation(write(values))
    assert "\0" not in str(caught.value)


@pytest.mark.parametrize(
    "path", ["data/schools.csv", "data\\schools.csv", "./data/schools.csv", "data/./schools.csv"]
)
def test_a_path_inside_is_the_same_on_every_system(values, write, path):
    values["data"]["path"] = path
    folder = write(values)
    assert load_evaluation(folder).data.path == folder / "data" / "schools.csv"


def test_a_later_schema_is_refused_alone_and_says_what_to_do(values, write):
    values |= {"schema": 2, "unheard_of": 1}
    with pytest.raises(EvaluationError, match="a later averting wrote; this one reads schema = 1") as caught:
        load_evaluation(write(values))
    assert "pip install --upgrade averting" in str(caught.value)
    assert not caught.value.faults


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"a = " + b"[" * 100_000, "too deep"),
        (b"a = " + b"9" * 5_000, "not valid TOML"),
        (b"a = '\xff'", "not valid TOML"),
        (b"[[a]]\nb = [1, {c = 9223372036854775808}]", "c has a whole number of more than 64 bits"),
        (b"#" * (4 * 2**20 + 1), "no declaration"),
    ],
    ids=["deep", "digits", "bytes", "wide", "huge"],
)
def test_a_file_made_to_break_the_reader_is_refused(tmp_path, content, words):
    (tmp_path / "evaluation.toml").write_bytes(content)
    with pytest.raises(EvaluationError, match=words):
        load_evaluation(tmp_path)


def test_a_byte_order_mark_is_no_fault(quick_text, tmp_path):
    (tmp_path / "evaluation.toml").write_text(quick_text, encoding="utf-8-sig")
    assert load_evaluation(tmp_path).title
