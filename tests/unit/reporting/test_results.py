"""Results are read from a folder that is whole and of this layout, and read again when they change."""

from __future__ import annotations

import pandas as pd
import pytest

from averting.effects import Effect
from averting.errors import RenderError
from averting.reporting import open_results


def test_what_a_run_wrote_is_read(quick_run):
    results = open_results(quick_run / "results")
    assert results.estimates == ("main", "suspensions")
    assert isinstance(results.primary, Effect)
    assert results.primary.estimand.indicator == "permanent_exclusions"
    assert results.valued.estimate == results.primary.estimate
    assert results.has_appraisal
    assert results.record("design/design")["level"] == "school"
    assert {check.key for check in results.checks("data")} >= {"data/vintage"}
    assert results.indicator("permanent_exclusions") == "permanent exclusions"
    assert results.indicator("of_another_version") == "of another version"


def test_the_primary_estimate_comes_first(results_folder, rewrite):
    manifest = open_results(results_folder).manifest
    turned = [
        {**entry, "role": {"main": "secondary"}.get(entry["id"], "primary")} for entry in manifest["estimates"]
    ]
    rewrite(results_folder / "manifest.json", estimates=turned)
    assert open_results(results_folder).estimates == ("suspensions", "main")
    assert open_results(results_folder).primary.estimand.indicator == "suspensions"


@pytest.mark.parametrize("made", [False, True])
def test_a_folder_without_results_is_refused(tmp_path, made):
    folder = tmp_path / "results"
    if made:
        folder.mkdir()
    with pytest.raises(RenderError, match=r"holds no results.*averting run"):
        open_results(folder)


@pytest.mark.parametrize("schema", [0, 2, "1", None])
def test_results_of_another_layout_are_refused(results_folder, rewrite, schema):
    rewrite(results_folder / "manifest.json", schema=schema)
    with pytest.raises(RenderError, match=r"has schema = .*(later averting|no longer reads|no whole number)"):
        open_results(results_folder)


@pytest.mark.parametrize("name", ["design/design.json", "data/suppression.csv", "estimates/main/effect.json"])
def test_a_missing_piece_is_named(results_folder, name):
    (results_folder / name).unlink()
    results = open_results(results_folder)
    with pytest.raises(RenderError, match=f"{name.split('/')[-1]} is missing.*averting run"):
        if name.endswith("csv"):
            results.table("data/suppression")
        elif "effect" in name:
            results.effect("main")
        else:
            results.record("design/design")


def test_an_evaluation_without_money_has_none(results_folder):
    (results_folder / "appraisal" / "appraisal.json").unlink()
    results = open_results(results_folder)
    assert not results.has_appraisal
    assert results.valued is None


def test_a_second_run_in_the_same_session_is_seen(results_folder, rewrite):
    results = open_results(results_folder)
    assert results.table("design/balance")["pilots"].iloc[0] != 12_345
    changed = results.table("design/balance").assign(pilots=12_345.0)
    changed.to_csv(results_folder / "design" / "balance.csv", index=False)
    rewrite(results_folder / "estimates" / "main" / "effect.json", estimate=0.123)
    assert results.table("design/balance")["pilots"].iloc[0] == 12_345
    assert results.primary.estimate == 0.123


def test_numbers_are_read_to_the_last_bit(results_folder):
    path = results_folder / "design" / "balance.csv"
    value = 0.1 + 0.2
    pd.DataFrame({"measure": ["x"], "pilots": [value]}).to_csv(path, index=False)
    assert open_results(results_folder).table("design/balance")["pilots"].iloc[0] == value


@pytest.mark.parametrize(
    "content",
    [b"", b"{", b"[1]", b"\xff", b"7", b"[" * 200_000],
    ids=["none", "cut", "list", "bytes", "number", "deep"],
)
def test_a_manifest_that_is_none_is_refused(results_folder, content):
    (results_folder / "manifest.json").write_bytes(content)
    with pytest.raises(RenderError, match=r"is not what averting writes.*averting run"):
        open_results(results_folder)
