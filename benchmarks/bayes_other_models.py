"""Rank statistics of the Bayesian models beside ``bayes_count``, and coverage of those that take a panel.

Run: ``uv run python benchmarks/bayes_other_models.py [--fits N] [--studies NAME ...] [--work FOLDER] [--table]``

``sbc-<model>``: parameters are drawn from the priors, data from the parameters by code written afresh, and the model is fitted
(simulation-based calibration). ``<setting>-<model>``: no effect, and noise of schools' own that fades, by a correlation of
0.6 (A) or 0.9 (fading) from year to year. Results are kept in FOLDER, one line a fit.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd

from averting.effects.estimators import bayes_autocorrelated, bayes_count, bayes_factors
from bayes_calibration import Study, coverage_table, lines, panel_of
from calibration import Fitter, uniformity
from panels import SETTINGS
from rank_studies import STUDIES as RANKS

SEED, FITS = 20261124, 100
A = SETTINGS["A: 3 of 60"]
PANELS = {model.key: model for model in (bayes_count.MODEL, bayes_autocorrelated.MODEL, bayes_factors.MODEL)}
COVERED = {
    "A": Study("A: noise fades by 0.6 a year", A, stream=1),
    "fading": Study("noise fades by 0.9 a year", A._replace(persistence=0.9), stream=9),
}
STUDIES = [
    *(f"sbc-{key}" for key in RANKS if key != "bayes_count"),
    *(f"{setting}-{key}" for setting in COVERED for key in PANELS),
]
Fit = Callable[[int], dict[str, Any]]


def fits_of(kind: str, key: str, fitters: dict[str, Fitter]) -> Fit:
    """Return the function that draws and fits one numbered panel."""
    if kind == "sbc":
        return RANKS[key].fits(SEED)
    study = COVERED[kind]
    if key not in fitters:
        fitters[key] = Fitter.of(panel_of(study, 0), PANELS[key])
    return lambda number: fitters[key].fit(panel_of(study, number), seed=number)


def run(name: str, fits: int, folder: Path, fitters: dict[str, Fitter]) -> None:
    """Make those fits of a study that are not in the folder yet."""
    path = folder / f"{name}.jsonl"
    waiting = sorted(set(range(fits)) - {row["number"] for row in lines(path)})
    if not waiting:
        return
    kind, key = name.split("-", 1)
    fit = fits_of(kind, key, fitters)
    for number in waiting:
        begun = time.perf_counter()
        row = {"number": number, **fit(number), "seconds": round(time.perf_counter() - begun, 2)}
        with path.open("a", encoding="utf-8") as handle:
            handle.write(json.dumps(row) + "\n")


def rank_table(folder: Path) -> str:
    """Return a Markdown table: of each model, how many fits, how well sampled, and p-values of uniform ranks.

    Ranks among draws that hang together pile up at both ends: a median of the least effective size below RANKED says so.
    """
    names = ("Model", "Fits", "With a divergence", "Median least effective size", "p-values of uniform ranks")
    body = ["| " + " | ".join(names) + " |", "|---" * len(names) + "|"]
    for name in (name for name in STUDIES if name.startswith("sbc-")):
        rows = pd.DataFrame(lines(folder / f"{name}.jsonl"))
        if len(rows):
            ranked = [column for column in map(str, rows) if column.startswith("rank_")]
            values = [f"`{column[5:]}` {uniformity(rows[column].to_numpy()):.2f}" for column in ranked]
            diverged = (rows["divergences"] > 0).sum()
            known = (
                f"`{name[4:]}`",
                f"{len(rows)}",
                f"{diverged}",
                f"{rows['ess'].median():.0f}",
                ", ".join(values),
            )
            body.append("| " + " | ".join(known) + " |")
    return "\n".join(body)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--fits", type=int, default=FITS, help="of each study")
    parser.add_argument("--studies", nargs="*", choices=STUDIES, default=STUDIES)
    parser.add_argument("--work", type=Path, default=Path(tempfile.gettempdir()) / "averting_bayes_other_models")
    parser.add_argument("--table", action="store_true", help="print what is there without fitting")
    options = parser.parse_args()
    options.work.mkdir(parents=True, exist_ok=True)
    fitters: dict[str, Fitter] = {}
    for name in [] if options.table else options.studies:
        run(name, options.fits, options.work, fitters)
    print(rank_table(options.work), end="\n\n")
    for key in PANELS:
        labelled = {
            f"{kind}-{key}": replace(study, label=f"`{key}`, {study.label}") for kind, study in COVERED.items()
        }
        print(coverage_table(options.work, list(labelled), labelled), end="\n\n")


if __name__ == "__main__":
    main()
