"""The results folder changes all at once or not at all, and nothing finished is done twice."""

from __future__ import annotations

from pathlib import Path

import pytest

from averting.evaluation.store import Store

FILES = {"manifest.json": "{}\n"}


def writer(text, calls=None):
    def write(folder):
        if calls is not None:
            calls.append(text)
        (folder / "numbers.csv").write_text(text, encoding="utf-8")

    return write


def tree(folder):
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.fixture
def store(tmp_path):
    return Store(tmp_path)


def publish(store, **stages):
    for name, text in stages.items():
        store.stage(name, f"key of {text}", writer(text))
    store.publish(list(stages), FILES)


def test_published_stages_are_the_results(store):
    publish(store, data="1", effect="2")
    assert set(tree(store.results)) == {
        "manifest.json", "data/key", "data/numbers.csv", "effect/key", "effect/numbers.csv",
    }  # fmt: skip
    assert [path.name for path in store.folder.iterdir()] == ["results"]


def test_nothing_is_published_until_all_is_done(store):
    publish(store, data="1")
    before = tree(store.results)
    store.stage("data", "other", writer("2"))
    assert tree(store.results) == before


def test_a_stage_with_the_same_key_is_kept_from_results_and_from_an_unfinished_run(store):
    calls = []
    assert store.stage("data", "k", writer("1", calls))[1] is False
    assert store.stage("data", "k", writer("1", calls))[1] is True
    store.publish(["data"], FILES)
    folder, reused = store.stage("data", "k", writer("1", calls))
    assert reused
    assert (folder / "numbers.csv").read_text(encoding="utf-8") == "1"
    assert calls == ["1"]


def test_a_stage_with_another_key_is_written_again(store):
    store.stage("data", "k", writer("1"))
    folder, reused = store.stage("data", "k2", writer("2"))
    assert not reused
    assert set(tree(folder)) == {"key", "numbers.csv"}
    assert tree(folder)["key"].splitlines()[0] == b"k2"
    assert tree(folder)["numbers.csv"] == b"2"


def test_nothing_of_an_older_version_of_a_stage_stays(store):
    def older(folder):
        (folder / "extra.csv").write_text("old", encoding="utf-8")

    store.stage("data", "k", older)
    folder, _ = store.stage("data", "k2", writer("2"))
    assert not (folder / "extra.csv").exists()


@pytest.mark.parametrize("interruption", [RuntimeError, KeyboardInterrupt])
def test_half_a_stage_is_never_taken_for_one(store, interruption):
    def half(folder):
        (folder / "numbers.csv").write_text("ha", encoding="utf-8")
        raise interruption

    with pytest.raises(interruption):
        store.stage("data", "k", half)
    folder, reused = store.stage("data", "k", writer("whole"))
    assert not reused
    assert (folder / "numbers.csv").read_text(encoding="utf-8") == "whole"
    store.publish(["data"], FILES)
    assert set(tree(store.results)) == {"manifest.json", "data/key", "data/numbers.csv"}


def test_a_half_written_version_leaves_the_finished_one(store):
    folder, _ = store.stage("data", "k", writer("1"))

    def broken(_):
        raise RuntimeError

    with pytest.raises(RuntimeError):
        store.stage("data", "k2", broken)
    assert (folder / "numbers.csv").read_text(encoding="utf-8") == "1"


def test_stages_nobody_asks_for_are_left_behind(store):
    publish(store, **{"estimates/one": "1", "estimates/two": "2"})
    publish(store, **{"estimates/one": "1"})
    assert not (store.results / "estimates" / "two").exists()
    store.stage("estimates/three", "k", writer("3"))  # of a run that was stopped
    publish(store, **{"estimates/one": "1"})
    assert set(tree(store.results)) == {"manifest.json", "estimates/one/key", "estimates/one/numbers.csv"}


@pytest.mark.parametrize("stopped_at", [1, 2])
def test_a_kill_between_the_renames_is_recovered_from(store, monkeypatch, stopped_at):
    publish(store, data="1")
    before = tree(store.results)
    store.stage("data", "k2", writer("2"))
    renames, rename = [], Path.rename

    def stop(path, target):
        renames.append(path.name)
        if len(renames) == stopped_at:
            raise KeyboardInterrupt
        return rename(path, target)

    with monkeypatch.context() as patch:
        patch.setattr(Path, "rename", stop)
        with pytest.raises(KeyboardInterrupt):
            store.publish(["data"], FILES)
    store.recover()
    assert tree(store.results) == before
    assert store.stage("data", "k2", writer("2"))[1] is True
    store.publish(["data"], FILES)
    assert tree(store.results)["data/numbers.csv"] == b"2"
    assert [path.name for path in store.folder.iterdir()] == ["results"]


def test_a_kill_after_the_renames_is_recovered_from(store):
    publish(store, data="1")
    store.results.rename(store.folder / "results.previous")
    publish(store, data="2")
    (store.folder / "results.previous").mkdir(exist_ok=True)
    after = tree(store.results)
    store.recover()
    assert tree(store.results) == after
    publish(store, data="3")
    assert [path.name for path in store.folder.iterdir()] == ["results"]


def test_recovering_a_sound_folder_changes_nothing(store):
    store.recover()
    assert list(store.folder.iterdir()) == []
    publish(store, data="1")
    before = tree(store.folder)
    store.recover()
    assert tree(store.folder) == before


@pytest.mark.parametrize("harm", ["cut", "changed", "gone", "added"])
def test_a_finished_stage_that_was_harmed_since_is_written_again(store, harm):
    publish(store, data="12")
    numbers = store.results / "data" / "numbers.csv"
    if harm == "gone":
        numbers.unlink()
    elif harm == "added":
        (numbers.parent / "more.csv").write_text("1", encoding="utf-8")
    else:
        numbers.write_text("1" if harm == "cut" else "21", encoding="utf-8")
    folder, reused = store.stage("data", "key of 12", writer("12"))
    assert not reused
    assert set(tree(folder)) == {"key", "numbers.csv"}
    assert tree(folder)["numbers.csv"] == b"12"


def test_what_a_kill_left_of_a_removal_does_not_reach_the_results(store):
    store.stage("estimates/old", "k", writer("1"))
    (store.folder / "results.partial" / "estimates" / "old" / "key").unlink()  # killed while it was removed
    (store.folder / "results.partial" / "data.writing").mkdir()
    publish(store, data="1")
    assert set(tree(store.results)) == {"manifest.json", "data/key", "data/numbers.csv"}
    assert {path.name for path in store.results.iterdir()} == {"manifest.json", "data"}
