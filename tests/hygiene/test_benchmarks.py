"""The page of benchmarks holds what the history holds, and every peer there does the task it is said to do."""

from __future__ import annotations

import importlib
import json
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


def test_the_page_is_made_from_the_history(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(ROOT / "benchmarks"))
    page, work = importlib.import_module("page"), importlib.import_module("work")
    lines = (ROOT / "benchmarks" / "history.jsonl").read_text(encoding="utf-8").splitlines()
    history = [json.loads(line) for line in lines]
    assert (ROOT / "docs" / "benchmarks.md").read_text(encoding="utf-8") == page.text(history)
    assert page.PLOT.is_file()
    for run in history:
        assert {row["task"] for row in run["work"]} <= set(work.TASKS)
        assert all(row["library"] in work.TASKS[row["task"]].libraries for row in run["work"])


def test_averting_and_a_plain_rival_give_the_same_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(ROOT / "benchmarks"))
    work = importlib.import_module("work")
    monkeypatch.setattr(work, "REPEATS", 1)
    pandas, ours = (work.measure("reading", library, 20) for library in ("pandas", "averting"))
    assert pandas["answer"] == ours["answer"] > 0


def test_pictures_are_small_enough_for_a_readme() -> None:
    pictures = list((ROOT / "docs" / "pictures").glob("*.[ps][nv]g"))
    assert len(pictures) == 4
    assert [one.name for one in pictures if one.stat().st_size > 150_000] == []
