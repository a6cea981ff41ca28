"""How long a national panel takes to build, and how much memory: 24,000 schools over 15 years, three indicators.

Run ``uv run python benchmarks/national_panel.py``. Schools are simulated (a negative binomial's spread, 1 and 2 shown as
``x``); each way of building the panel runs in a process of its own, whose peak memory the system tells. CPU time stands
beside the clock's, because the machine may be shared.
Must hold: under 5 s and 1 GB.
"""

from __future__ import annotations

import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pandas as pd

from averting.data import Panel, join_schools, read_panel

SCHOOLS, YEARS = 24_000, 15
INDICATORS = ("permanent_exclusions", "suspensions", "pupils_suspended")
WAYS = ("from_frame", "csv", "parquet", "succession")


def simulate() -> pd.DataFrame:
    draw = np.random.default_rng(1)
    rows = SCHOOLS * YEARS
    school, year = np.repeat(np.arange(SCHOOLS), YEARS), np.tile(np.arange(YEARS), SCHOOLS)
    headcount = np.maximum(draw.normal(np.repeat(draw.lognormal(6, 0.5, SCHOOLS), YEARS), 10), 20).astype(int)
    columns: dict[str, object] = {
        "school": (100_000 + school).astype(str),
        "period": np.array([f"{2009 + y}/{(2010 + y) % 100:02d}" for y in range(YEARS)])[year],
        "exposure": headcount,
        "name": np.array([f"School {i:05d}" for i in range(SCHOOLS)])[school],
        "phase": np.array(["Primary", "Secondary", "Special"])[school % 3],
        "la": np.array([f"Authority {i:03d}" for i in range(152)])[school % 152],
    }
    for indicator, mean in zip(INDICATORS, (0.5, 20.0, 9.0), strict=True):
        counts = draw.poisson(mean * draw.gamma(0.65, 1 / 0.65, rows))
        columns[indicator] = np.where((counts == 1) | (counts == 2), "x", counts.astype(str))
    return pd.DataFrame(columns)


def build(way: str, folder: Path) -> tuple[float, float]:
    """Build a panel in one way, and return the seconds that passed and those of CPU time."""
    frame = pd.read_parquet(folder / "national.parquet") if way == "from_frame" else pd.DataFrame()
    start = time.perf_counter(), time.process_time()
    if way == "from_frame":
        Panel.from_frame(
            frame, school="school", period="period", counts=INDICATORS, exposure="exposure", symbols={"x": (1, 2)},
            name="name", phase="phase", la="la",
        )  # fmt: skip
    elif way in ("csv", "parquet"):
        read_panel(folder / f"national.{way}", source="tidy", symbols={"x": (1, 2)})
    else:
        panel = read_panel(folder / "national.parquet", source="tidy", symbols={"x": (1, 2)})
        start = time.perf_counter(), time.process_time()
        join_schools(panel, folder / "links.csv")
    return time.perf_counter() - start[0], time.process_time() - start[1]


def links() -> pd.DataFrame:
    """One school in four converts, and its rows before and after stand under two ids."""
    old = np.arange(100_000, 100_000 + SCHOOLS, 4)
    year = 2010 + old // 4 % (YEARS - 1)
    columns = {"URN": old, "LinkURN": old + 1, "LinkType": "Successor"}
    return pd.DataFrame(columns).assign(LinkEstablishedDate=[f"01-09-{y}" for y in year])


def write(folder: Path) -> None:
    frame = simulate()
    frame.to_parquet(folder / "national.parquet", index=False)
    frame.to_csv(folder / "national.csv", index=False)
    links().to_csv(folder / "links.csv", index=False)


def main() -> None:
    with tempfile.TemporaryDirectory() as name:
        # a process of its own too: a child's peak begins at its parent's
        for way in ("write", *WAYS):
            done = subprocess.run(
                [sys.executable, __file__, way, name], check=True, capture_output=True, text=True
            )
            print(done.stdout, end="")


if __name__ == "__main__":
    if len(sys.argv) == 1:
        main()
    elif sys.argv[1] == "write":
        write(Path(sys.argv[2]))
    else:
        passed, cpu = build(sys.argv[1], Path(sys.argv[2]))
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024  # kilobytes on Linux
        print(f"{sys.argv[1]:<12} {passed:5.2f} s ({cpu:.2f} s of CPU), peak memory {peak:5.0f} MB")
