"""Modules that the studies share with ``benchmarks``, as fixtures, because test modules cannot import their neighbours."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest

BENCHMARKS = Path(__file__).resolve().parents[2] / "benchmarks"


def _shared(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(f"simulated_{name}", BENCHMARKS / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="session")
def panels() -> ModuleType:
    return _shared("panels")


@pytest.fixture(scope="session")
def calibration() -> ModuleType:
    return _shared("calibration")
