"""Ways to write an evaluation.toml that is wrong in one place."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

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
