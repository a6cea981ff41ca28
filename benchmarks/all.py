"""Run averting and every installable peer on the same work, keep the history, and write docs/benchmarks.md with its plot.

Run: ``uv run --group peers python benchmarks/all.py [--quick] [--only TASK ...] [--dry]``; about five minutes of processor time
with ``--quick`` (300 schools, 100 panels), an hour without (and 3,000 schools, 1,000 panels).

Each library does each task in a process of its own, on one core, so that processor time is comparable although the machine is
shared; the most memory is that of the process, imports and all. Then each test is put to panels of schools in which we know
the truth: how often it calls a programme that does nothing, how often it finds a halving, and how often its interval holds
the truth. A peer that is not installed is left out and said to be. The run is added to ``benchmarks/history.jsonl``.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
from datetime import date
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import page
import quality
import work

HERE = Path(__file__).parent
HISTORY = HERE / "history.jsonl"
PACKAGES = {
    "averting": "averting", "pyfixest": "pyfixest", "linearmodels": "linearmodels", "statsmodels": "statsmodels",
    "diff-diff": "diff-diff", "csdid": "csdid", "pandas": "pandas", "NumPy loop": "numpy",
}  # fmt: skip
ONE_CORE = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMBA_NUM_THREADS", "MKL_NUM_THREADS", "RAYON_NUM_THREADS")
_CORES = {1: "one", 2: "two", 4: "four", 8: "eight"}
LONGEST = 900  # seconds of the clock for one task of one library


def versions() -> dict[str, str]:
    """Return the version of each library that is installed."""
    found = {}
    for library, package in PACKAGES.items():
        try:
            found[library] = version(package)
        except PackageNotFoundError:
            print(f"{library} is not installed: left out", file=sys.stderr)
    return found


def run_one(task: str, library: str, schools: int) -> dict[str, Any]:
    """Let one library do one task in a process of its own."""
    environment = {**os.environ, **dict.fromkeys(ONE_CORE, "1")}
    command = [sys.executable, str(HERE / "work.py"), task, library, str(schools)]
    asked = {"task": task, "library": library, "schools": schools}
    try:
        done = subprocess.run(
            command, env=environment, capture_output=True, text=True, timeout=LONGEST, check=False
        )
    except subprocess.TimeoutExpired:
        return {**asked, "failed": f"not done in {LONGEST // 60} minutes"}
    if done.returncode:
        last = (done.stderr.strip().splitlines() or ["no message"])[-1]
        return {**asked, "failed": f"ended with an error: {last[:100]}"}
    return dict(json.loads(done.stdout.strip().splitlines()[-1]))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="300 schools and 100 panels only; about five minutes")
    parser.add_argument(
        "--only", nargs="+", choices=list(work.TASKS), help="these tasks, and no study of error rates"
    )
    parser.add_argument("--dry", action="store_true", help="print, and write neither history nor page")
    parser.add_argument("--page", action="store_true", help="run nothing: write the page again from the history")
    asked = parser.parse_args()
    if not asked.page:
        run = measure(asked.quick, asked.only)
        if asked.dry or asked.only:
            return
        with HISTORY.open("a", encoding="utf-8") as file:
            file.write(json.dumps(run, ensure_ascii=False) + "\n")
    page.write([json.loads(line) for line in HISTORY.read_text(encoding="utf-8").splitlines()])


def measure(quick: bool, only: list[str] | None) -> dict[str, Any]:
    """Return everything measured in one run."""
    installed, cores = versions(), _CORES.get(os.cpu_count() or 1, str(os.cpu_count()))
    run: dict[str, Any] = {
        "date": date.today().isoformat(), "averting": installed["averting"], "mode": "quick" if quick else "full",
        "machine": f"{cores} cores, {platform.machine()}, {platform.system()}, Python {platform.python_version()}",
        "versions": installed, "work": [], "quality": [],
    }  # fmt: skip
    for schools in (300,) if quick else (300, 3_000):
        for key in only or work.TASKS:
            for library in work.TASKS[key].libraries:
                if library in installed:
                    run["work"].append(run_one(key, library, schools))
                    print(run["work"][-1], flush=True)
    if not only:
        for row in quality.study(100 if quick else 1_000):
            run["quality"].append(row)
            print(row, flush=True)
    return run


if __name__ == "__main__":
    main()
