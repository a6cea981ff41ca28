"""A run keeps what is finished, redoes only what a change touches, and gives the same bytes every time."""

from __future__ import annotations

import json

import pytest

from averting.data import Panel
from averting.errors import DesignError, EstimationError
from averting.evaluation import check, run, stages
from averting.evaluation.settings import FILE

DONE_AGAIN = "kept from an earlier run"


def tree(folder):
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def redone(folder):
    """Run, and return the stages that were not kept."""
    told = []
    run(folder, progress=told.append)
    names = {
        "describing the data": "data",
        "comparing pilots with comparison schools": "design",
        "estimating the effect on permanent_exclusions (ratio_did)": "main",
        "estimating the effect on suspensions (ratio_did)": "suspensions",
        "valuing what was averted": "appraisal",
    }
    return [
        names[step]
        for step, after in zip(told, [*told[1:], ""], strict=True)
        if step in names and after != DONE_AGAIN
    ]


ALL = ["data", "design", "main", "suspensions", "appraisal"]


def test_two_runs_give_the_same_bytes_wherever_they_are(small):
    one, other = run(small("one")), run(small("another place"))
    assert tree(one) == tree(other)
    assert len(tree(one)) > 20


def test_a_run_over_finished_results_changes_nothing(small):
    folder = small()
    assert redone(folder) == ALL
    before = tree(folder)
    assert redone(folder) == []
    assert tree(folder) == before


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ('title = "Demonstration', 'title = "Another', []),
        ('year = "2021-22"\namount = 60000', 'year = "2021-22"\namount = 70000', ["appraisal"]),
        ("value = 0.5", "value = 0.4", ["appraisal"]),
        ('price_year = "2023-24"', 'price_year = "2022-23"', ["appraisal"]),
        ("seed = 1", "seed = 2", ["main", "suspensions", "appraisal"]),
        ('indicator = "suspensions"', 'indicator = "suspensions"\nlevel = 0.9', ["suspensions"]),
        ('start = "2021/22"', 'start = "2022/23"', ALL),
        ('note = "Simulated schools', 'note = "Invented schools', []),
        ("source = \"dfe_exclusions\"", "first_period = \"2014/15\"\nsource = \"dfe_exclusions\"", ALL),
    ],
)  # fmt: skip
def test_a_change_redoes_what_depends_on_it_and_no_more(small, edit, old, new, expected):
    folder = small()
    run(folder)
    edit(folder, old, new)
    assert redone(folder) == expected


def test_the_panel_that_is_kept_is_the_one_the_design_uses(small, edit):
    folder = small()
    before = Panel.from_netcdf(run(folder) / "data" / "panel.nc")
    left_out = next(s for s in before.schools if s not in check(folder).design.pilots)
    edit(folder, "[design.comparison]\n", f'[design.comparison]\nexclude = ["{left_out}"]\n')
    after = Panel.from_netcdf(run(folder) / "data" / "panel.nc")
    assert set(after.schools) == set(before.schools) - {left_out}
    assert set(after.schools) == set(check(folder).design.schools)


def test_changed_data_redo_everything(small):
    folder = small()
    run(folder)
    path = folder / "data" / "simulated_schools.csv"
    lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
    path.write_text("".join([lines[0], *reversed(lines[1:])]), encoding="utf-8")
    assert redone(folder) == ALL


def test_a_new_title_reaches_the_results(small, edit):
    folder = small()
    run(folder)
    edit(folder, 'title = "Demonstration', 'title = "Another')
    run(folder)
    assert json.loads((folder / "results" / "manifest.json").read_text(encoding="utf-8"))["title"].startswith(
        "Another"
    )


@pytest.mark.parametrize("interruption", [KeyboardInterrupt, MemoryError])
def test_an_interrupted_run_resumes_at_the_unfinished_stage(small, monkeypatch, interruption):
    folder = small()

    def stop(*_, **__):
        raise interruption

    with monkeypatch.context() as patch:
        patch.setattr(stages, "write_appraisal", stop)
        with pytest.raises(interruption):
            run(folder)
    assert not (folder / "results").exists()
    assert redone(folder) == ["appraisal"]
    assert not list(folder.glob("results.*"))


def test_a_resumed_run_ends_as_one_that_was_never_stopped(small, monkeypatch):
    whole, stopped = small("whole"), small("stopped")
    run(whole)
    made, estimates = stages.write_estimate, []

    def stop_at_the_second(*arguments, **options):
        estimates.append(arguments)
        if len(estimates) == 2:
            raise KeyboardInterrupt
        made(*arguments, **options)

    with monkeypatch.context() as patch:
        patch.setattr(stages, "write_estimate", stop_at_the_second)
        with pytest.raises(KeyboardInterrupt):
            run(stopped)
    assert redone(stopped) == ["suspensions", "appraisal"]
    assert tree(whole) == tree(stopped)


@pytest.mark.parametrize("stage", ["write_data", "write_design", "write_estimate", "write_appraisal"])
def test_a_failed_run_leaves_the_previous_results_whole(small, edit, monkeypatch, stage):
    folder = small()
    run(folder)
    before = tree(folder / "results")
    edit(folder, "seed = 1", "seed = 2")
    edit(folder, 'level = "school"', 'level = "school"\nfirst_period = "2014/15"')

    def fail(at, *_, **__):
        (at / "half.csv").write_text("half", encoding="utf-8")
        raise EstimationError("it cannot be done")

    with monkeypatch.context() as patch:
        patch.setattr(stages, stage, fail)
        with pytest.raises(EstimationError):
            run(folder)
    assert tree(folder / "results") == before
    run(folder)
    assert not [name for name in tree(folder / "results") if "half" in name]


def test_an_evaluation_that_became_wrong_leaves_the_previous_results_whole(small, edit):
    folder = small()
    run(folder)
    before = tree(folder / "results")
    edit(folder, 'start = "2021/22"', 'start = "2031/32"')
    with pytest.raises(DesignError):
        run(folder)
    assert tree(folder / "results") == before


def test_a_removed_estimate_leaves_the_results(small):
    folder = small()
    run(folder)
    text = (folder / FILE).read_text(encoding="utf-8")
    start, end = text.index('[[estimate]]\nid = "suspensions"'), text.index("[costs]")
    (folder / FILE).write_text(text[:start] + text[end:], encoding="utf-8")
    run(folder)
    assert [path.name for path in (folder / "results" / "estimates").iterdir()] == ["main"]
    # and they are what a first run of the shorter evaluation would have made
    fresh = small("fresh")
    (fresh / FILE).write_text(text[:start] + text[end:], encoding="utf-8")
    run(fresh)
    assert tree(fresh / "results") == tree(folder / "results")


def test_a_run_recovers_results_that_were_being_replaced(small):
    folder = small()
    results = run(folder)
    before = tree(results)
    results.rename(folder / "results.previous")
    assert redone(folder) == []
    assert tree(results) == before
    assert not list(folder.glob("results.*"))


def test_results_say_what_they_were_made_from(small):
    folder = small()
    manifest = json.loads((run(folder) / "manifest.json").read_text(encoding="utf-8"))
    assert {"evaluation.toml", "data", "models", "code", "versions"} == set(manifest["inputs"])
    assert manifest["inputs"]["data"]["file"] == "simulated_schools.csv"
    assert "costs/high_needs_block.toml" in manifest["inputs"]["models"]
    text = "".join(content.decode(errors="replace") for content in tree(folder / "results").values())
    assert str(folder.parent) not in text  # no path of this machine
