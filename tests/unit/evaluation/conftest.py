"""Ways to write an evaluation.toml that is wrong in one place."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from averting.data import simulate_pilot
from averting.evaluation.settings import FILE


def inline(value: Any) -> str:
    """Write one value as TOML on one line."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{json.dumps(key)} = {inline(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(inline, value)) + "]"
    if isinstance(value, str | bool):
        return json.dumps(value)
    return repr(value)


def as_toml(values: dict[str, Any]) -> str:
    return "".join(f"{json.dumps(key)} = {inline(value)}\n" for key, value in values.items())


@pytest.fixture
def values(quick_text: str) -> dict[str, Any]:
    """What the quick demonstration's evaluation.toml says, to change."""
    return tomllib.loads(quick_text)


@pytest.fixture
def write(tmp_path: Path) -> Callable[[dict[str, Any] | str], Path]:
    """Write an evaluation.toml and return its folder."""

    def to_folder(values: dict[str, Any] | str) -> Path:
        text = values if isinstance(values, str) else as_toml(values)
        (tmp_path / FILE).write_text(text, encoding="utf-8")
        return tmp_path

    return to_folder


@pytest.fixture
def small(quick_text: str, tmp_path: Path) -> Callable[[str], Path]:
    """Make a small evaluation, two pilots and a dozen comparison schools, that runs in a second."""
    simulated = simulate_pilot(seed=3, pilots=2, comparison=12)
    text = re.sub(r"(?m)^draws = .*", "draws = 200", quick_text)
    text = re.sub(r"(?m)^pilots = .*", f"pilots = {json.dumps(simulated.pilots)}", text)

    def make(name: str = "small") -> Path:
        folder = tmp_path / name
        (folder / "data").mkdir(parents=True)
        (folder / FILE).write_text(text, encoding="utf-8")
        simulated.write(folder / "data" / "simulated_schools.csv")
        return folder

    return make


@pytest.fixture
def edit() -> Callable[[Path, str, str], None]:
    """Replace a piece of text that occurs once in an evaluation.toml."""

    def replace(folder: Path, old: str, new: str) -> None:
        path = folder / FILE
        text = path.read_text(encoding="utf-8")
        assert text.count(old) == 1, f"{old!r} occurs {text.count(old)} times"
        path.write_text(text.replace(old, new), encoding="utf-8")

    return replace
