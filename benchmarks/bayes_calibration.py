"""Coverage, bias, false certainty and rank statistics of ``bayes_count`` as it ships.

Run: ``uv run python benchmarks/bayes_calibration.py [--fits N] [--studies A B ...] [--work FOLDER]``

Fits take seconds each, so results are kept in FOLDER, one line a fit: a run that is stopped goes on where it was, and
``--table`` prints what is there without fitting.
"""

from __future__ import annotations

import argparse
import functools
import json
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from calibration import CHAINS, PARAMETERS, STEPS, Fitter, to_cells, uniformity
from panels import SETTINGS, Setting, draw_panels
from prior_panels import Shape, draw_counts

SEED = 20261123
A, B, C, D = (SETTINGS[name] for name in list(SETTINGS)[:4])


@dataclass(frozen=True)
class Study:
    """Panels of one kind, and what is done with their low counts: "known", "hidden", "dropped" or "zero"."""

    label: str
    setting: Setting
    ratio: float = 1.0
    treat: str = "known"
    stream: int = 0  # studies of one stream see the same panels, so that they differ in treatment only


STUDIES = {
    "A": Study("A: 3 pilots of 60", A, stream=1),
    "B": Study("B: pilots at 2.5 times the rate", B, stream=2),
    "C": Study("C: pilots at 0.4 times the rate", C, stream=3),
    "A-hidden": Study("A, counts of 1 and 2 suppressed", A, treat="hidden", stream=4),
    "A-shocks": Study("A, with lasting shocks of schools' own (0.5)", A._replace(lasting=0.5), stream=5),
    "A-half": Study("A, true ratio 0.5", A, ratio=0.5, stream=6),
    "D": Study("D: 3 of 300, mean 0.5", D, stream=7),
    "D-half": Study("D, true ratio 0.5", D, ratio=0.5, stream=10),
    "half-known": Study("every count known", B, ratio=0.5, stream=8),
    "half-hidden": Study("suppressed, as an interval", B, ratio=0.5, treat="hidden", stream=8),
    "half-dropped": Study("suppressed, cells dropped", B, ratio=0.5, treat="dropped", stream=8),
    "half-zero": Study("suppressed, zeros put in", B, ratio=0.5, treat="zero", stream=8),
}
_SMALL, _LARGE = Shape(schools=15, years=4, starts=(2, 2, 2)), Shape(schools=120, starts=(3, 3, 3))
RANKS = {"sbc": (_SMALL, False), "sbc-hidden": (_SMALL, True), "sbc-large": (_LARGE, True)}
"""Simulation-based calibration: panels drawn from the prior, and whether their counts of 1 and 2 are suppressed."""
_PRIOR_STEPS = 300  # enough for the hundred all but independent draws that ranks need
PLAN = {
    "A": 300, "B": 300, "C": 300, "sbc-hidden": 320, "sbc": 320, "A-hidden": 300, "half-known": 90, "half-hidden": 90,
    "half-dropped": 90, "half-zero": 90, "A-shocks": 200, "A-half": 200, "D": 300, "D-half": 200, "sbc-large": 320,
}  # fmt: skip
"""Fits of each study unless said otherwise, in the order in which they are made; about an hour on one core that is quiet."""


def panel_of(study: Study, number: int) -> Any:
    """Return the cells of one panel of a study."""
    rng = np.random.default_rng([SEED, study.stream, number])
    drawn = draw_panels(study.setting, 1, ratio=study.ratio, rng=rng)
    return to_cells(
        drawn.events[0], drawn.pupils[0], pilots=study.setting.pilots, start=drawn.start, treat=study.treat
    )


def prior_panel(key: str, number: int) -> tuple[Any, dict[str, float]]:
    shape, hide = RANKS[key]
    return draw_counts(np.random.default_rng([SEED, 100 + list(RANKS).index(key), number]), shape, hide=hide)


@functools.cache
def fitter_of(schools: int, years: int, mean: float) -> Fitter:
    """Return the model for panels of one shape, compiled once; it holds interval terms, empty or not."""
    drawn = draw_panels(Setting(schools, 3, mean, years), 1, ratio=1.0, rng=np.random.default_rng(0))
    cells = to_cells(drawn.events[0], drawn.pupils[0], pilots=3, start=drawn.start, treat="hidden")
    begun = time.perf_counter()
    fitter = Fitter.of(cells)
    print(f"compiled {schools} x {years} in {time.perf_counter() - begun:.0f} s", file=sys.stderr)
    return fitter


def fits_of(key: str) -> Callable[[int], dict[str, Any]]:
    """Return the function that makes and fits one numbered panel of a study."""
    if key in RANKS:
        shape = RANKS[key][0]
        fitter = fitter_of(shape.schools, shape.years, 2.0)

        def ranked(number: int) -> dict[str, Any]:
            cells, truth = prior_panel(key, number)
            return fitter.ranks(cells, truth, seed=number, steps=_PRIOR_STEPS)

        return ranked
    study = STUDIES[key]
    fitter = fitter_of(study.setting.schools, study.setting.years, study.setting.mean)
    return lambda number: fitter.fit(panel_of(study, number), seed=number)


def lines(path: Path) -> Iterator[dict[str, Any]]:
    """Read the lines of a file of results; a last line cut short by an interruption is not one."""
    if path.is_file():
        for line in path.read_text(encoding="utf-8").splitlines():
            if line.endswith("}"):
                yield json.loads(line)


def run(key: str, replications: int, folder: Path) -> None:
    """Fit those panels of a study that are not in the folder yet."""
    path = folder / f"{key}.jsonl"
    done = {row["number"] for row in lines(path)}
    waiting = [number for number in range(replications) if number not in done]
    if not waiting:
        return
    fit = fits_of(key)
    for number in waiting:
        begun = time.perf_counter()
        row = {"number": number, **fit(number), "seconds": round(time.perf_counter() - begun, 2)}
        with path.open("a", encoding="utf-8") as handle:
            handle.write(json.dumps(row) + "\n")


def share(values: pd.Series) -> str:
    """Return a share in per cent with its binomial standard error; at 0 or 1 that of one more of the other kind."""
    n = len(values)
    p = float(values.mean())
    used = min(max(p, 1 / (n + 1)), n / (n + 1))
    return f"{100 * p:.1f} ({100 * np.sqrt(used * (1 - used) / n):.1f})"


def _row(study: Study, rows: pd.DataFrame) -> list[str]:
    true = np.log(study.ratio)
    error = rows["median"] - true
    covered = (rows["lower"] <= true) & (true <= rows["upper"])
    sure = share(rows["reduction"] >= 0.95)
    seen = (f"{len(rows)}", share(covered), f"{error.mean():+.2f} ({error.std() / np.sqrt(len(rows)):.2f})")
    return [study.label, *seen, sure, f"{100 * rows['hidden'].mean():.0f}", f"{(rows['divergences'] > 0).sum()}"]


def coverage_table(folder: Path, keys: list[str], studies: Mapping[str, Study]) -> str:
    """Return a Markdown table of the studies with results."""
    names = (
        "Panels",
        "Fits",
        "Covered, %",
        "Bias of the log ratio",
        "95 % sure of a reduction, %",
        "Suppressed, %",
    )
    head = "| " + " | ".join([*names, "Fits with a divergence"]) + " |"
    body = [head, "|---" * 7 + "|"]
    for key in keys:
        rows = pd.DataFrame(lines(folder / f"{key}.jsonl"))
        if len(rows):
            body.append("| " + " | ".join(_row(studies[key], rows)) + " |")
    return "\n".join(body)


def paired_table(folder: Path) -> str:
    """Return a Markdown table of what treating low counts in each way does to the estimate on the same panels."""
    body = ["| Counts of 1 and 2 | Panels | Log ratio less that with every count known |", "|---|---|---|"]
    full = pd.DataFrame(lines(folder / "half-known.jsonl"))
    for key in ("half-hidden", "half-dropped", "half-zero"):
        rows = pd.DataFrame(lines(folder / f"{key}.jsonl"))
        if len(rows) and len(full):
            both = full.merge(rows, on="number")
            moved = both["median_y"] - both["median_x"]
            se = moved.std() / np.sqrt(len(moved))
            body.append(f"| {STUDIES[key].label} | {len(moved)} | {moved.mean():+.3f} ({se:.3f}) |")
    return "\n".join(body)


def rank_table(folder: Path) -> str:
    """Return a Markdown table of the p-values of uniform ranks, a row a parameter."""
    frames = {key: pd.DataFrame(lines(folder / f"{key}.jsonl")) for key in RANKS}
    known = {key: rows for key, rows in frames.items() if len(rows)}
    body = ["| Parameter | " + " | ".join(f"{key}: {len(rows)} fits" for key, rows in known.items()) + " |"]
    body.append("|---" * (1 + len(known)) + "|")
    for name in PARAMETERS:
        found = [f"{uniformity(rows[f'rank_{name}'].to_numpy()):.3f}" for rows in known.values()]
        body.append(f"| `{name}` | " + " | ".join(found) + " |")
    return "\n".join(body)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--fits", type=int, help="of each study, in place of the plan")
    parser.add_argument("--studies", nargs="*", choices=list(PLAN), default=list(PLAN))
    parser.add_argument("--work", type=Path, default=Path(tempfile.gettempdir()) / "averting_bayes_calibration")
    parser.add_argument("--table", action="store_true", help="print what is there without fitting")
    options = parser.parse_args()
    options.work.mkdir(parents=True, exist_ok=True)
    for key in [] if options.table else options.studies:
        run(key, options.fits or PLAN[key], options.work)
    print(f"Seed {SEED}; {CHAINS} chains of {STEPS} + {STEPS} draws; standard errors in brackets.\n")
    print(
        coverage_table(options.work, [key for key in STUDIES if not key.startswith("half-")], STUDIES), end="\n\n"
    )
    print(coverage_table(options.work, [key for key in STUDIES if key.startswith("half-")], STUDIES), end="\n\n")
    print(paired_table(options.work), end="\n\n")
    print(rank_table(options.work))


if __name__ == "__main__":
    main()
