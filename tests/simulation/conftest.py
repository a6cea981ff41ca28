"""The modules of this folder as fixtures, because test modules cannot import their neighbours."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest


def _neighbour(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(f"simulated_{name}", Path(__file__).with_name(f"{name}.py"))
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="session")
def panels() -> ModuleType:
    return _neighbour("panels")


@pytest.fixture(scope="session")
def calibration() -> ModuleType:
    return _neighbour("calibration")
