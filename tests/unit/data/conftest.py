"""Small tables that tests break in one place each."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest


@pytest.fixture
def good() -> pd.DataFrame:
    """Three schools in the layout of DfE's files to 2016/17, all text; b has one suppressed cell."""
    return pd.DataFrame(
        {
            "time_period": ["201516", "201617"] * 3,
            "region_name": "North West",
            "la_name": ["Salford", "Salford", "Salford", "Salford", "Bury", "Bury"],
            "urn": ["100001", "100001", "100002", "100002", "100003", "100003"],
            "school_name": ["A", "A", "B", "B", "C", "C"],
            "school_type": "State-funded secondary",
            "headcount": ["1000", "1010", "900", "910", "800", "790"],
            "perm_excl": ["3", "0", "x", "4", "0", "5"],
            "fixed_excl": ["100", "90", "80", "70", "60", "50"],
            "one_plus_fixed": ["40", "30", "20", "x", "10", "9"],
        },
        dtype=object,
    )


@pytest.fixture
def write(tmp_path: Path) -> Callable[[pd.DataFrame], Path]:
    """Write a frame as schools.csv and return its path."""

    def to_csv(frame: pd.DataFrame) -> Path:
        path = tmp_path / "schools.csv"
        frame.to_csv(path, index=False)
        return path

    return to_csv
