"""Time the embedded renderer: fresh and cached, page and PDF, with processor time and sizes.

Run with ``uv run python benchmarks/render.py [FOLDER [REPORT ...]]``: on its own sample report, or on the reports of an
evaluation that has been run (all, or those named). Targets (issue 8), on two quiet cores: fresh HTML and PDF under 20 s,
cached under 4 s, HTML under 1.5 MB, the same bytes again. Processor time counts this process, the kernel and pandoc; on a
loaded machine it is the number to look at.
"""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from averting.evaluation import render_all
from averting.reporting.render import render_files

SAMPLE = Path(__file__).parent.parent / "tests" / "unit" / "reporting" / "render" / "sample"
_LEFT = shutil.ignore_patterns(".averting-cache", "*.html", "*.pdf")


def processor() -> float:
    used = os.times()
    return used.user + used.system + used.children_user + used.children_system


def timed(name: str, work: Callable[[], tuple[Path, ...]]) -> dict[str, bytes]:
    start, before = time.perf_counter(), processor()
    files = {path.name: path.read_bytes() for path in work()}
    print(f"{name:<8} {time.perf_counter() - start:6.2f} s, processor {processor() - before:6.2f} s")
    return files


def main() -> None:
    given = Path(sys.argv[1]) if len(sys.argv) > 1 else SAMPLE
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(shutil.copytree(given, Path(temporary) / "copy", ignore=_LEFT))

        def work() -> tuple[Path, ...]:
            if (folder / "evaluation.toml").is_file():
                return render_all(folder, names=sys.argv[2:] or None, to=("html", "pdf"), engine="embedded")
            outputs = [folder / "report.html", folder / "report.pdf"]
            return render_files(folder / "report.qmd", outputs=outputs, engine="embedded")

        first, again = timed("fresh", work), timed("cached", work)
        print(f"the same bytes: {first == again}")
        for name, data in first.items():
            print(f"{name:<14} {len(data) / 1000:8.1f} kB")


if __name__ == "__main__":
    main()
