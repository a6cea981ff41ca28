"""Modules that the studies share with ``benchmarks``, as fixtures, because test modules cannot import their neighbours."""

from __future__ import annotations

import importlib
from pathlib import Path
from types import ModuleType

import pytest

BENCHMARKS = Path(__file__).resolve().parents[2] / "benchmarks"


def _shared(name: str) -> ModuleType:
    with pytest.MonkeyPatch.context() as patched:
        patched.syspath_prepend(str(BENCHMARKS))
        return importlib.import_module(name)


@pytest.fixture(scope="session")
def panels() -> ModuleType:
    return _shared("panels")


@pytest.fixture(scope="session")
def calibration() -> ModuleType:
    return _shared("calibration")


@pytest.fixture(scope="session")
def prior_panels() -> ModuleType:
    return _shared("prior_panels")


@pytest.fixture(scope="session")
def rank_studies() -> ModuleType:
    return _shared("rank_studies")
