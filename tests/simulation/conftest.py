"""The panels of this folder as a fixture: test modules cannot import their neighbours."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest


@pytest.fixture(scope="session")
def panels() -> ModuleType:
    spec = importlib.util.spec_from_file_location("simulated_panels", Path(__file__).with_name("panels.py"))
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
