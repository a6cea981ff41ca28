"""Effective draws per second of ``bayes_count``, and of peers on plainer models of the same panel.

Run: ``uv run python benchmarks/bayes_speed.py [--schools 300] [--only ours plain-nutpie plain-pymc] [--causalpy PYTHON]``

- ``ours``: the model as it ships, with counts of 1 and 2 suppressed; ``ours-known``: with every count known.
- ``plain-nutpie``, ``plain-pymc``: levels of schools and years, one ratio and negative-binomial counts, every count known, no
  shocks and no level of the pilots' own; by nutpie (what PyMC 6 takes where it is installed) and by PyMC's own sampler.
- ``causalpy``: CausalPy's nearest model, ``PanelRegression`` of the rate on the programme and on a dummy of every school
  and year, with normal errors. PYTHON is that of an environment that holds CausalPy, which need not be this one.

Each run is a process of its own with 4 chains of 1,000 tuning and 1,000 kept draws on two cores, from nothing: ``total``
counts building, compiling and sampling. ``CPU`` is what sampling took of processors, which other work on the machine
does not change much; ``ESS/CPU s`` is the least effective sample size over it.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from averting.effects.bayes.cells import Cells
from averting.effects.bayes.convergence import check_convergence
from averting.effects.bayes.count_model import BASELINE
from averting.effects.bayes.priors import load_priors
from averting.effects.estimators.bayes_count import build_model
from calibration import to_cells
from panels import Setting, draw_panels

CHAINS, STEPS, YEARS = 4, 1_000, 15
RUNS = ("ours", "ours-known", "plain-nutpie", "plain-pymc", "causalpy")
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


def processor() -> float:
    """Return the seconds that this process and its finished children have taken of processors."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(one.ru_utime + one.ru_stime for one in used)


def draw(run: str, model: Any) -> tuple[Any, float, float]:
    """Compile and sample; return the draws, and the seconds and processor seconds that sampling took."""
    import pymc as pm

    begun, used = time.perf_counter(), processor()
    if run == "plain-pymc":
        options = {"nuts_sampler": "pymc", "progressbar": False, "compute_convergence_checks": False}
        trace = pm.sample(STEPS, tune=STEPS, chains=CHAINS, cores=2, random_seed=1, model=model, **options)
        whole = time.perf_counter() - begun
        sampling = float(getattr(trace["posterior"], "attrs", {}).get("sampling_time", whole))
        # chains run in processes of their own: what they took is sampling, the rest is compiling
        children = resource.getrusage(resource.RUSAGE_CHILDREN)
        return trace, sampling, children.ru_utime + children.ru_stime
    import nutpie
    from pytensor.configdefaults import config

    with config.change_flags(
        numba__fastmath=not run.startswith("ours")
    ):  # as averting.effects.bayes.sampling does
        compiled = nutpie.compile_pymc_model(model)
    begun, used = time.perf_counter(), processor()
    trace = nutpie.sample(
        compiled, draws=STEPS, tune=STEPS, chains=CHAINS, cores=2, seed=1, progress_bar=False, save_warmup=False
    )
    return trace, time.perf_counter() - begun, processor() - used


def panel_cells(run: str, schools: int) -> Cells:
    """Invent the panel that every run sees."""
    drawn = draw_panels(Setting(schools, 3, years=YEARS), 1, ratio=0.6, rng=np.random.default_rng(1))
    treat = "hidden" if run == "ours" else "known"
    return to_cells(drawn.events[0], drawn.pupils[0], pilots=3, start=drawn.start, treat=treat)


def measure(run: str, schools: int) -> dict[str, Any]:
    """Make the panel, fit one model, and return times in seconds, effective draws and memory in MB."""
    cells = panel_cells(run, schools)
    begun = time.perf_counter()
    ours = run.startswith("ours")
    model = (
        build_model(cells, load_priors("bayes_count"), schools, YEARS)
        if ours
        else plain_model(cells, schools, YEARS)
    )
    trace, sampling, used = draw(run, model)
    total = time.perf_counter() - begun
    names = ("log_ratio", *BASELINE) if ours else PLAIN
    summary = check_convergence(trace, names)[1].set_index("parameter")
    least = str(summary["ess_bulk"].idxmin())
    peak = max(resource.getrusage(who).ru_maxrss for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    diverged = int(trace["sample_stats"]["diverging"].sum())
    return {
        "sampling": sampling,
        "cpu": used,
        "total": total,
        "ess": float(summary["ess_bulk"].min()),
        "divergences": diverged,
        "memory": peak / 1024,
        "least": least,
    }


def causalpy(python: str, schools: int) -> dict[str, Any]:
    """Let another environment fit CausalPy's model to the panel."""
    cells = panel_cells("causalpy", schools)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "panel.csv"
        columns = {
            "school": cells.school,
            "year": cells.period,
            "treated": cells.treated,
            "rate": 100 * cells.lower / np.exp(cells.log_exposure),
        }
        pd.DataFrame(columns).to_csv(path, index=False)
        script = Path(__file__).with_name("bayes_causalpy.py")
        asked = [python, str(script), str(path), str(CHAINS), str(STEPS)]
        found = subprocess.run(asked, capture_output=True, text=True, check=True, env=_plain_environment())
        answer: dict[str, Any] = json.loads(found.stdout.splitlines()[-1])
        return answer


def _plain_environment() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--schools", type=int, default=300)
    parser.add_argument("--only", nargs="*", choices=RUNS, default=list(RUNS))
    parser.add_argument("--causalpy", help="Python of an environment with CausalPy; left out without it")
    parser.add_argument("--measure", choices=RUNS, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.measure:
        print(json.dumps(measure(options.measure, options.schools)))
        return
    print(f"{options.schools} schools x {YEARS} years; {CHAINS} chains of {STEPS} + {STEPS}")
    heads = ("sampling s", "CPU s", "total s", "least ESS", "ESS/s", "ESS/CPU s", "diverged", "MB")
    print(f"{'':14s}" + "".join(f"{head:>11s}" for head in heads) + "  least in")
    for run in options.only:
        if run == "causalpy":
            if not options.causalpy:
                continue
            found = causalpy(options.causalpy, options.schools)
        else:
            asked = [sys.executable, __file__, "--measure", run, "--schools", str(options.schools)]
            lines = subprocess.run(asked, capture_output=True, text=True, check=True).stdout.splitlines()
            found = json.loads(lines[-1])
        sampling, used, least = found["sampling"], found["cpu"], found["ess"]
        values = (sampling, used, found["total"], least, least / sampling, least / used)
        shown = "".join(f"{value:11.1f}" for value in values)
        print(f"{run:14s}{shown}{found['divergences']:11d}{found['memory']:11.0f}  {found['least']}", flush=True)


if __name__ == "__main__":
    main()
