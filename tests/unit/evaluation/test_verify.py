"""Results are run again from their own record: the same on the same software, and what differs is said."""

from __future__ import annotations

import json
import shutil

import pytest

from averting.errors import EvaluationError, RenderError
from averting.evaluation import run, verify
from averting.evaluation.settings import FILE


@pytest.fixture
def folder(small):
    made = small()
    run(made)
    return made


def test_results_are_verified_byte_for_byte(folder):
    before = sorted(folder.rglob("*"))
    found = verify(folder)
    assert found.holds
    assert (found.software, found.harmed, found.differences) == ((), (), ())
    assert "byte for byte" in found.lines()[0]
    assert sorted(folder.rglob("*")) == before


def test_they_are_verified_from_their_own_record_wherever_the_rest_is(folder, edit, tmp_path):
    edit(folder, "seed = 1", "seed = 2")  # the file beside the results is not what they were made from
    data = (folder / "data" / "simulated_schools.csv").rename(tmp_path / "moved.csv")
    with pytest.raises(EvaluationError, match="the file is not there"):
        verify(folder / "results")
    assert verify(folder / "results", data=data).holds


def test_a_changed_number_is_found_and_named(folder):
    path = folder / "results" / "estimates" / "main" / "averted.csv"
    text = path.read_text(encoding="utf-8").splitlines()
    cells = text[1].split(",")
    cells[1] = str(float(cells[1]) * 1.01)
    path.write_text("\n".join([text[0], ",".join(cells), *text[2:], ""]), encoding="utf-8")
    found = verify(folder)
    assert not found.holds
    assert found.harmed == ("estimates/main",)
    (difference,) = found.differences
    assert (difference.file, difference.what) == ("estimates/main/averted.csv", "differs at median")
    assert "NOT verified" in found.lines()[0]


def test_a_lost_or_added_file_is_found(folder):
    (folder / "results" / "appraisal" / "flows.csv").unlink()
    (folder / "results" / "data" / "note.csv").write_text("a\n1\n", encoding="utf-8")
    found = {difference.file: difference.what for difference in verify(folder).differences}
    assert found == {
        "appraisal/flows.csv": "only in the results made now",
        "data/note.csv": "only in the results that are verified",
    }


def _as_if_made_elsewhere(results):
    path = results / "manifest.json"
    manifest = json.loads(path.read_text(encoding="utf-8"))
    manifest["inputs"]["versions"]["numpy"] = "1.0"
    path.write_text(json.dumps(manifest), encoding="utf-8")


@pytest.mark.parametrize(("factor", "holds"), [(1 + 1e-9, True), (1.001, False)])
def test_other_software_may_round_otherwise_and_no_more(folder, factor, holds):
    _as_if_made_elsewhere(folder / "results")
    path = folder / "results" / "data" / "numbers.json"
    for place in (folder / "results" / "estimates" / "main" / "effect.json",):
        record = json.loads(place.read_text(encoding="utf-8"))
        record["estimate"] *= factor
        place.write_text(json.dumps(record), encoding="utf-8")
    found = verify(folder)
    assert any("numpy was 1.0" in one for one in found.software)
    (difference,) = found.differences
    assert difference.tolerated is holds
    assert difference.file == "estimates/main/effect.json"
    assert difference.off == pytest.approx(abs(factor - 1), rel=0.01)
    assert not path.exists()


def test_changed_words_are_never_within_a_tolerance(folder):
    _as_if_made_elsewhere(folder / "results")
    path = folder / "results" / "estimates" / "main" / "method.json"
    path.write_text(path.read_text(encoding="utf-8").replace("label", "labels"), encoding="utf-8")
    (difference,) = verify(folder).differences
    assert (difference.what, difference.tolerated) == ("words or layout differ", False)


def test_other_data_are_refused(folder):
    path = folder / "data" / "simulated_schools.csv"
    path.write_text(path.read_text(encoding="utf-8").replace("201415", "201415 "), encoding="utf-8")
    with pytest.raises(EvaluationError, match="not the one these results were made from"):
        verify(folder)


def test_without_a_record_it_is_refused(folder, tmp_path):
    (folder / "results" / FILE).unlink()
    assert verify(folder).differences[0].file == FILE  # results of an earlier averting kept no copy
    (folder / FILE).write_text("", encoding="utf-8")
    with pytest.raises(EvaluationError, match="no copy"):
        verify(folder)
    shutil.rmtree(folder / "results")
    with pytest.raises(RenderError, match="holds no results"):
        verify(folder)


@pytest.mark.parametrize(
    "name", ["../planted.csv", "/tmp/planted.csv", "..\\planted.csv", "C:planted.csv", "..", "", "a\0b"]
)
def test_a_record_that_would_write_elsewhere_is_refused(folder, name):
    path = folder / "results" / "manifest.json"
    manifest = json.loads(path.read_text(encoding="utf-8"))
    manifest["inputs"]["data"]["file"] = name
    path.write_text(json.dumps(manifest), encoding="utf-8")
    with pytest.raises(EvaluationError, match="no file's name"):
        verify(folder)
