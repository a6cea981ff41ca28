"""Time the embedded renderer on its own sample report: fresh, cached, and the size of the page.

Run with ``uv run python benchmarks/render.py``. Targets (issue 8): cached under 4 s, HTML under 1.5 MB.
"""

from __future__ import annotations

import shutil
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from averting.reporting.render import render

SAMPLE = Path(__file__).parent.parent / "tests" / "unit" / "reporting" / "render" / "sample"


def timed(work: Callable[[], Path]) -> tuple[float, Path]:
    start = time.perf_counter()
    page = work()
    return time.perf_counter() - start, page


def main() -> None:
    with tempfile.TemporaryDirectory() as temporary:
        source = Path(shutil.copytree(SAMPLE, Path(temporary) / "sample")) / "report.qmd"
        fresh, page = timed(lambda: render(source, engine="embedded"))
        first = page.read_bytes()
        cached, page = timed(lambda: render(source, engine="embedded"))
        print(f"fresh   {fresh:6.2f} s")
        print(f"cached  {cached:6.2f} s, the same bytes: {page.read_bytes() == first}")
        print(f"size    {len(first) / 1000:6.1f} kB")


if __name__ == "__main__":
    main()
