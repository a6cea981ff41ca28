"""Effective draws per second of ``bayes_count``, and of PyMC's sampler and nutpie on a plain hierarchical model.

Run: ``uv run python benchmarks/bayes_speed.py [--schools 300] [--only ours plain-nutpie plain-pymc]``

The plain model has levels of schools and years, one ratio and negative-binomial counts: no shocks and no level of the
pilots' own. Each run is a process of its own with 4 chains of 1,000 tuning and 1,000 kept draws on two cores, from
nothing: ``total`` counts building, compiling and sampling.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "simulation"))
from calibration import to_cells
from panels import Setting, draw_panels

from averting.effects.bayes.cells import Cells
from averting.effects.bayes.count_model import BASELINE
from averting.effects.bayes.priors import load_priors
from averting.effects.estimators.bayes_count import build_model

CHAINS, STEPS, YEARS = 4, 1_000, 15
RUNS = ("ours", "plain-nutpie", "plain-pymc")
PLAIN = ("log_ratio", "level", "school_sd", "period_sd", "dispersion")


def plain_model(cells: Cells, schools: int, periods: int) -> Any:
    """Build the hierarchical model that a first course teaches, non-centred."""
    import pymc as pm

    with pm.Model() as model:
        log_ratio, level = pm.Normal("log_ratio", 0, 1), pm.Normal("level", 0, 1)
        school_sd, period_sd = pm.HalfNormal("school_sd", 1), pm.HalfNormal("period_sd", 0.5)
        dispersion = pm.HalfNormal("dispersion", 1)
        school, period = pm.Normal("school", 0, 1, shape=schools), pm.Normal("period", 0, 1, shape=periods)
        log_rate = cells.centre + level + school_sd * school[cells.school] + period_sd * period[cells.period]
        mean = pm.math.exp(log_rate + log_ratio * cells.treated + cells.log_exposure)
        pm.NegativeBinomial("count", mu=mean, alpha=1 / (dispersion + 1e-6), observed=cells.lower)
    return model


def draw(run: str, model: Any) -> tuple[Any, float]:
    """Compile and sample; return the draws and the seconds that sampling took."""
    import nutpie
    import pymc as pm

    if run == "plain-pymc":
        begun = time.perf_counter()
        options = {"nuts_sampler": "pymc", "progressbar": False, "compute_convergence_checks": False}
        trace = pm.sample(STEPS, tune=STEPS, chains=CHAINS, cores=2, random_seed=1, model=model, **options)
        return trace, float(
            getattr(trace["posterior"], "attrs", {}).get("sampling_time", time.perf_counter() - begun)
        )
    compiled = nutpie.compile_pymc_model(model)
    begun = time.perf_counter()
    trace = nutpie.sample(compiled, draws=STEPS, tune=STEPS, chains=CHAINS, cores=2, seed=1, progress_bar=False)
    return trace, time.perf_counter() - begun


def measure(run: str, schools: int) -> dict[str, float]:
    """Make the panel, fit one model, and return times in seconds, effective draws and memory in MB."""
    from arviz_stats import ess

    drawn = draw_panels(Setting(schools, 3, years=YEARS), 1, ratio=0.6, rng=np.random.default_rng(1))
    treat = "hidden" if run == "ours" else "known"
    cells = to_cells(drawn.events[0], drawn.pupils[0], pilots=3, start=drawn.start, treat=treat)
    begun = time.perf_counter()
    ours = run == "ours"
    model = (
        build_model(cells, load_priors("bayes_count"), schools, YEARS)
        if ours
        else plain_model(cells, schools, YEARS)
    )
    trace, sampling = draw(run, model)
    total = time.perf_counter() - begun
    names = list(("log_ratio", *BASELINE) if ours else PLAIN)
    least = min(float(ess(trace["posterior"].to_dataset()[[name]], method="bulk")[name]) for name in names)
    peak = max(resource.getrusage(who).ru_maxrss for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    diverged = int(trace["sample_stats"]["diverging"].sum())
    return {"sampling": sampling, "total": total, "ess": least, "divergences": diverged, "memory": peak / 1024}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--schools", type=int, default=300)
    parser.add_argument("--only", nargs="*", choices=RUNS, default=list(RUNS))
    parser.add_argument("--measure", choices=RUNS, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.measure:
        print(json.dumps(measure(options.measure, options.schools)))
        return
    print(f"{options.schools} schools x {YEARS} years; {CHAINS} chains of {STEPS} + {STEPS}")
    print(f"{'':14s}{'sampling s':>12s}{'total s':>10s}{'least ESS':>11s}{'ESS/s':>8s}{'diverged':>10s}{'MB':>7s}")
    for run in options.only:
        asked = [sys.executable, __file__, "--measure", run, "--schools", str(options.schools)]
        found = json.loads(
            subprocess.run(asked, capture_output=True, text=True, check=True).stdout.splitlines()[-1]
        )
        rate = found["ess"] / found["sampling"]
        times = f"{found['sampling']:12.1f}{found['total']:10.1f}{found['ess']:11.0f}{rate:8.1f}"
        print(f"{run:14s}{times}{found['divergences']:10d}{found['memory']:7.0f}", flush=True)


if __name__ == "__main__":
    main()
