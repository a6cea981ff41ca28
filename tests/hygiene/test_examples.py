"""Every public name shows how it is used, by an example that runs and prints what it says."""

from __future__ import annotations

import doctest
import importlib
import shutil
from pathlib import Path

import pytest

import averting as av


@pytest.fixture(scope="module")
def here(quick_run: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with one evaluation, my-pilot, and its results."""
    folder = tmp_path_factory.mktemp("examples")
    shutil.copytree(quick_run, folder / "my-pilot")
    return folder


@pytest.mark.parametrize("name", [*av.__all__, *av._ELSEWHERE])
def test_the_example_of_every_public_name_runs(name: str, here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(here)
    home = av._ELSEWHERE.get(name)
    thing = getattr(av if home is None else importlib.import_module(f"averting.{home}"), name)
    words = thing.__doc__ or ""
    globals_ = {"av": av, name: thing}
    examples = doctest.DocTestParser().get_doctest(words, globals_, name, None, None)
    assert examples.examples, f"{name} has no example"
    assert any(example.want for example in examples.examples), f"{name}'s example shows nothing"
    said: list[str] = []
    runner = doctest.DocTestRunner(optionflags=doctest.ELLIPSIS, verbose=False)
    assert runner.run(examples, out=said.append).failed == 0, "".join(said)
