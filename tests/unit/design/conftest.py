"""A small table of schools that tests turn into designs."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest

from averting.data import Panel

YEARS = ("2016/17", "2017/18", "2018/19", "2019/20", "2020/21", "2021/22", "2022/23")
SCHOOLS = tuple(f"10000{number}" for number in range(1, 9))


@pytest.fixture
def table() -> pd.DataFrame:
    """Eight schools by seven years; odd schools in the North, the last two primary; two cells suppressed."""
    rng = np.random.default_rng(4)
    rows = []
    for number, school in enumerate(SCHOOLS):
        for year in YEARS:
            rows.append(
                {
                    "urn": school,
                    "year": year,
                    "pupils": 800 + 50 * number + int(rng.integers(0, 20)),
                    "permanent_exclusions": str(3 + int(rng.poisson(4))),
                    "suspensions": str(int(rng.poisson(60))),
                    "phase": "Primary" if number >= 6 else "Secondary",
                    "region": "South" if number % 2 else "North",
                    "la": "Alpha" if number < 4 else "Beta",
                }
            )
    frame = pd.DataFrame(rows)
    hidden = (frame["urn"].isin(["100001", "100004"])) & (frame["year"] == "2017/18")
    frame.loc[hidden, "permanent_exclusions"] = "x"
    return frame


def to_panel(frame: pd.DataFrame) -> Panel:
    return Panel.from_frame(
        frame,
        school="urn",
        period="year",
        counts=["permanent_exclusions", "suspensions"],
        exposure="pupils",
        symbols={"x": (1, 2)},
        phase="phase",
        region="region",
        la="la",
    )


@pytest.fixture
def panel(table: pd.DataFrame) -> Panel:
    return to_panel(table)


@pytest.fixture
def panel_of() -> Callable[[pd.DataFrame], Panel]:
    """Turn a changed table into a panel."""
    return to_panel
