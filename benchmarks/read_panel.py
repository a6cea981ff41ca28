"""How long reading DfE's whole school-level file into a panel takes, beside pandas reading it into a frame.

Run ``uv run python benchmarks/read_panel.py``; it needs the data folder ``../shared`` beside the checkout. The two
are run in turn and the fastest of each is compared, because other work on the machine only ever adds time.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from pathlib import Path

import pandas as pd

from averting.data import read_panel

FILE = Path(__file__).resolve().parents[2] / "shared/data/dfe_exclusions/schools_secondary_201011_201617.csv.gz"
REPEATS = 30


def seconds(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def main() -> None:
    if not FILE.is_file():
        sys.exit(f"{FILE.name} is not in ../shared/data/dfe_exclusions beside the checkout")
    read_panel(FILE)  # declared tables are parsed, and xarray is set up, once for each process
    pairs = [(seconds(lambda: read_panel(FILE)), seconds(lambda: pd.read_csv(FILE))) for _ in range(REPEATS)]
    panel, frame = (min(times) for times in zip(*pairs, strict=True))
    print(f"read_panel {panel * 1000:.0f} ms, pandas.read_csv {frame * 1000:.0f} ms: ratio {panel / frame:.2f}")


if __name__ == "__main__":
    main()
