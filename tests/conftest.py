"""Fixtures every test may use."""

from __future__ import annotations

import importlib
import os
import re
import shutil
import warnings
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import hypothesis
import pytest

from averting.cli import main
from averting.evaluation import demo, run
from averting.evaluation.settings import FILE
from averting.resources import analyses_dir

# the same examples every time, and no deadline: machines are shared, and failures must be the code's
hypothesis.settings.register_profile("averting", deadline=None, derandomize=True, database=None)
hypothesis.settings.load_profile("averting")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave nightly tests out unless they are asked for, as in ``pytest -m nightly``."""
    if "nightly" in config.getoption("markexpr"):
        return
    nightly = [item for item in items if item.get_closest_marker("nightly")]
    config.hook.pytest_deselected(items=nightly)
    items[:] = [item for item in items if item not in nightly]


SHARED = Path(__file__).resolve().parents[2] / "shared"


@pytest.fixture(scope="session")
def shared() -> Path:
    """Folder of real data and published values that is not part of the project."""
    if SHARED.is_dir():
        return SHARED
    reason = "the folder ../shared (real DfE data, published values) is not beside the checkout"
    if os.environ.get("CI"):
        pytest.fail(f"{reason}: in CI these tests must run")
    pytest.skip(reason)


@pytest.fixture(scope="session")
def peer() -> Callable[[str], ModuleType]:
    """Import a library that averting is compared with, as ``peer("pyfixest")``."""

    def load(name: str) -> ModuleType:
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # of the peers' own making, at import
                return importlib.import_module(name)
        except ImportError:
            reason = f"{name} is not installed; run `uv run --group peers pytest`"
        if os.environ.get("CI"):
            pytest.fail(f"{reason}: in CI these tests must run")
        pytest.skip(reason)

    return load


@pytest.fixture(scope="session")
def quick_text() -> str:
    """The demonstration's evaluation.toml without its Bayesian estimate: runs in seconds, on core packages."""
    text = (analyses_dir() / "demo" / FILE).read_text(encoding="utf-8")
    tables = re.split(r"(?m)^(?=\[\[estimate\]\])", text)
    kept = [table for table in tables if 'id = "bayes"' not in table]
    assert len(kept) == len(tables) - 1
    quick, changed = re.subn(r'(?m)^estimate = "bayes"', 'estimate = "main"', "".join(kept))
    assert changed == 1
    return quick


@pytest.fixture(scope="session")
def make_quick(quick_text: str) -> Callable[[Path], Path]:
    """Make the demonstration in a folder, without its Bayesian estimate and without results."""

    def make(folder: Path) -> Path:
        made = demo(folder)
        (made / FILE).write_text(quick_text, encoding="utf-8")
        return made

    return make


@pytest.fixture(scope="session")
def quick_run(make_quick: Callable[[Path], Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The quick demonstration with results; for reading only."""
    folder = make_quick(tmp_path_factory.mktemp("quick") / "demo")
    run(folder)
    return folder


@pytest.fixture
def quick_copy(quick_run: Path, tmp_path: Path) -> Path:
    """A copy of the quick demonstration with results, to change."""
    return Path(shutil.copytree(quick_run, tmp_path / "demo"))


@pytest.fixture
def call(capsys: pytest.CaptureFixture[str]) -> Callable[..., tuple[int, str, str]]:
    """Run a command in this process: its status, and what it printed."""

    def run_command(*arguments: object) -> tuple[int, str, str]:
        with pytest.raises(SystemExit) as ended:
            main([str(argument) for argument in arguments])
        said = capsys.readouterr()
        return int(ended.value.code or 0), said.out, said.err

    return run_command
