"""Fixtures every test may use."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

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
