"""How long reading DfE's whole school-level file into a panel takes, beside pandas reading it into a frame.

Run ``uv run python benchmarks/read_panel.py``; it needs the data folder ``../shared`` beside the checkout. The two are
run in turn, in CPU time because the machine may be shared; printed are the fastest of each, and the median ratio of a
pair. Then the same in a process in which pyarrow cannot be imported, as in a bare installation.
Must hold: a ratio of at most 2 in both.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

FILE = Path(__file__).resolve().parents[2] / "shared/data/dfe_exclusions/schools_secondary_201011_201617.csv.gz"
REPEATS = 40
BARE = "bare"


def seconds(work: Callable[[], object]) -> float:
    start = time.process_time()
    work()
    return time.process_time() - start


def compare(called: str) -> None:
    import pandas as pd

    from averting.data import read_panel

    read_panel(FILE)  # declared tables are parsed, and xarray is set up, once for each process
    pairs = [(seconds(lambda: read_panel(FILE)), seconds(lambda: pd.read_csv(FILE))) for _ in range(REPEATS)]
    panel, frame = (min(times) for times in zip(*pairs, strict=True))
    middle = statistics.median(ours / theirs for ours, theirs in pairs)
    print(
        f"{called:<16} read_panel {panel * 1000:.0f} ms, pandas.read_csv {frame * 1000:.0f} ms: "
        f"ratio of the fastest {panel / frame:.2f}, median ratio {middle:.2f}"
    )


def main() -> None:
    if not FILE.is_file():
        sys.exit(f"{FILE.name} is not in ../shared/data/dfe_exclusions beside the checkout")
    if sys.argv[1:] == [BARE]:
        sys.modules["pyarrow"] = None  # type: ignore[assignment]  # how Python marks what cannot be imported
        compare("without pyarrow")
    else:
        compare("with pyarrow")
        subprocess.run([sys.executable, __file__, BARE], check=True)


if __name__ == "__main__":
    main()
