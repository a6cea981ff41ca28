"""Estimators for staggered starts beside their peers, in one run.

Group-time effects with 999 bootstrap draws on 24,000 schools over 15 years, 240 of them pilots with three starts;
imputation and the extended two-way regression too.

Run: ``uv run --group peers python benchmarks/staggered.py [schools]``
"""

from __future__ import annotations

import contextlib
import importlib
import io
import resource
import sys
import time
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd

from averting.effects.kernels.aggregation import (
    Shares,
    aggregate,
    bootstrap_errors,
    multiplier_draws,
    overall,
    simultaneous_critical,
)
from averting.effects.kernels.cohort_regression import linear_cohort_fit, poisson_cohort_fit
from averting.effects.kernels.group_time import group_time_effects
from averting.effects.kernels.imputed import imputed_effects

warnings.simplefilter("ignore")
YEARS, REPEATS, DRAWS = 15, 3, 999


def draw(schools: int) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, pd.DataFrame]:
    """Rates, events, pupils, starts, and the same as a long frame for the peers."""
    rng = np.random.default_rng(1)
    pupils = rng.lognormal(np.log(900), 0.35, (schools, 1)).round() * np.ones((1, YEARS))
    events = rng.poisson(pupils * 0.003 * rng.gamma(3, 1 / 3, (schools, 1))).astype(float)
    pilots = max(schools // 100, 30)
    cohort = np.full(schools, np.inf)
    cohort[:pilots] = np.array([7.0, 9.0, 11.0])[np.arange(pilots) % 3]
    frame = pd.DataFrame({"id": np.repeat(np.arange(schools), YEARS), "t": np.tile(np.arange(YEARS), schools) + 1})
    frame["y"] = (100 * events / pupils).ravel()
    frame["g"] = np.repeat(np.where(np.isinf(cohort), 0, cohort + 1), YEARS).astype(int)
    return 100 * events / pupils, events, pupils, cohort, frame


def show(name: str, work: Callable[[], object]) -> None:
    """Print the median time of several runs, and the most memory the process has used so far."""
    times = []
    for _ in range(REPEATS):
        start = time.perf_counter()
        work()
        times.append(time.perf_counter() - start)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"{name:<52} {np.median(times):8.3f} s   {peak:7.0f} MB so far", flush=True)


def group_time(rates: np.ndarray, cohort: np.ndarray) -> None:
    cells = group_time_effects(rates, cohort, np.arange(float(YEARS))).cells
    shares = Shares(cohort, np.ones(len(cohort)), True)
    rows, mean = aggregate(cells, shares, "event_time").rows, overall(cells, shares)
    influence = np.column_stack([cells.influence, rows.influence, mean.influence])
    drawn = multiplier_draws(influence, DRAWS, np.random.default_rng(1))
    simultaneous_critical(drawn, bootstrap_errors(drawn), 0.95)


def main() -> None:
    schools = int(sys.argv[1]) if len(sys.argv) > 1 else 24_000
    rates, events, pupils, cohort, frame = draw(schools)
    years = np.arange(float(YEARS))
    print(f"{schools:,} schools x {YEARS} years, median of {REPEATS}")
    show("averting group-time, event study, 999 draws", lambda: group_time(rates, cohort))
    show("averting imputation", lambda: imputed_effects(rates, cohort, years))
    show("averting etwfe, linear", lambda: linear_cohort_fit(rates, cohort, years))
    show("averting etwfe, Poisson with exposure", lambda: poisson_cohort_fit(events, pupils, cohort, years))
    dd, attgt = importlib.import_module("diff_diff"), importlib.import_module("csdid.att_gt").ATTgt

    def theirs(model: Any) -> Callable[[], object]:
        return lambda: model.fit(frame, "y", "id", "t", "g")

    show("diff-diff group-time, 999 draws", theirs(dd.CallawaySantAnna(n_bootstrap=DRAWS, seed=1)))
    show("diff-diff imputation", theirs(dd.ImputationDiD()))
    show("diff-diff etwfe, linear", theirs(dd.WooldridgeDiD()))

    def csdid() -> object:
        model = attgt("y", "t", "id", "g", frame, control_group="nevertreated", biters=1_000)
        with contextlib.redirect_stdout(io.StringIO()):  # it prints its own table
            return model.fit(bstrap=True).aggte(typec="dynamic")

    show("csdid group-time, event study, 1,000 draws", csdid)


if __name__ == "__main__":
    main()
