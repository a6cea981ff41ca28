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

import numpy as np
import pandas as pd

from averting.effects.bayes.likelihood import cell_data
from averting.effects.bayes.pooled_fit import Mix
from averting.effects.bayes.pooled_series import PooledSeries, pool
from averting.effects.bayes.priors import load_priors
from averting.effects.bayes.sampling import flat
from averting.effects.estimators import (
    bayes_autocorrelated,
    bayes_count,
    bayes_factors,
    bayes_horseshoe,
    bayes_synthetic,
)
from bayes_calibration import Study, coverage_table, lines, panel_of
from calibration import CHAINS, RANKED, STEPS, Fitter, draw_from_prior, to_design, uniformity
from panels import SETTINGS, Setting, draw_panels

SEED, FITS = 20261124, 100
A = SETTINGS["A: 3 of 60"]
PANELS = {model.key: model for model in (bayes_count.MODEL, bayes_autocorrelated.MODEL, bayes_factors.MODEL)}
POOLED = {mix.key: mix for mix in (bayes_synthetic.MIX, bayes_horseshoe.MIX)}
_SMALL = {"schools": 15, "years": 6, "pilots": 3}
COVERED = {
    "A": Study("A: noise fades by 0.6 a year", A, stream=1),
    "fading": Study("noise fades by 0.9 a year", A._replace(persistence=0.9), stream=9),
}
STUDIES = [
    *(f"sbc-{key}" for key in PANELS if key != "bayes_count"),
    *(f"sbc-{key}" for key in POOLED),
    *(f"{setting}-{key}" for setting in COVERED for key in PANELS),
]
Fit = Callable[[int], dict[str, Any]]


def series_of(design_seed: int = 1) -> PooledSeries:
    """Return a pooled count and comparison schools' rates, which ranks take as given: twelve schools, ten years."""
    drawn = draw_panels(Setting(15, 3, mean=8.0, years=10), 1, ratio=1.0, rng=np.random.default_rng(design_seed))
    design = to_design(drawn.events[0], drawn.pupils[0], pilots=3, start=drawn.start, treat="known")
    return pool(design, design.counts("events"), method="benchmark", indicator="events")


def count_from(mix: Mix, series: PooledSeries, truth: dict[str, Any], rng: np.random.Generator) -> np.ndarray:
    """Draw a pooled count: written out afresh, period by period."""
    rates = series.rates
    before = [t for t in range(len(rates)) if series.cells.treated[t] == 0]
    walk, found = 0.0, []
    for t in range(len(rates)):
        walk += truth["drift_sd"] * rng.normal() if t else 0.0
        if mix is bayes_synthetic.MIX:
            mixed = np.log(sum(truth["weight"] * rates[t]))
        else:
            apart = np.log(rates) - np.log(rates.mean(axis=1))[:, None]
            mixed = np.log(rates[t].mean()) + sum(truth["coefficient"] * (apart[t] - apart[before].mean(axis=0)))
        log_mean = mixed + truth["level"] + walk + truth["log_ratio"] * series.cells.treated[t]
        mean = np.exp(log_mean + series.cells.log_exposure[t])
        found.append(rng.poisson(rng.gamma(1 / truth["dispersion"], mean * truth["dispersion"])))
    return np.array(found)


def pooled_fits(mix: Mix) -> Fit:
    """Return the function that draws and fits one numbered pooled series."""
    import nutpie

    series, priors = series_of(), load_priors(mix.key)
    compiled = nutpie.compile_pymc_model(mix.build(series, priors))

    def fit(number: int) -> dict[str, Any]:
        rng = np.random.default_rng([SEED, sorted(POOLED).index(mix.key), number])
        truth = {name: prior.draw(1, rng)[0] for name, prior in priors.items()}
        if mix is bayes_synthetic.MIX:
            truth["weight"] = rng.dirichlet(np.ones(len(series.donors)))
        else:
            wide = truth["mix_sd"] * np.abs(np.tan(np.pi * (rng.random(len(series.donors)) - 0.5)))
            held = 1 / np.sqrt(1 / wide**2 + 1 / truth["widest"] ** 2)
            truth["coefficient"] = held * rng.normal(size=len(held))
        count = count_from(mix, series, truth, rng)
        cells = replace(series.cells, lower=count, upper=count)
        trace = nutpie.sample(
            compiled.with_data(**cell_data(cells)),
            draws=4 * STEPS, tune=2 * STEPS, chains=CHAINS, cores=1, seed=number, target_accept=mix.pace.accept,
            progress_bar=False,
        )  # fmt: skip
        draws = trace["posterior"].to_dataset()
        found: dict[str, Any] = {"divergences": int(trace["sample_stats"]["diverging"].sum())}
        for name in priors:
            drawn = flat(draws, name)
            found[f"rank_{name}"] = int((drawn[:: len(drawn) // RANKED][:RANKED] < truth[name]).sum())
        return found

    return fit


def panel_fits(kind: str, key: str, fitters: dict[Any, Fitter]) -> Fit:
    """Return the function that draws and fits one numbered panel."""
    model = PANELS[key]
    if kind == "sbc":

        def drawn(number: int) -> Any:
            rng = np.random.default_rng([SEED, 10 + sorted(PANELS).index(key), number])
            return draw_from_prior(rng, **_SMALL, hide=True, key=key)

        fitter = Fitter(drawn(0)[0], model)
        # 300 steps are enough for the hundred all but independent draws that ranks need
        return lambda number: fitter.fit(*drawn(number)[:1], seed=number, truth=drawn(number)[1], steps=300)
    study = COVERED[kind]
    if key not in fitters:
        fitters[key] = Fitter(panel_of(study, 0), model)
    return lambda number: fitters[key].fit(panel_of(study, number), seed=number)


def run(name: str, fits: int, folder: Path, fitters: dict[Any, Fitter]) -> None:
    """Make those fits of a study that are not in the folder yet."""
    path = folder / f"{name}.jsonl"
    waiting = sorted(set(range(fits)) - {row["number"] for row in lines(path)})
    if not waiting:
        return
    kind, key = name.split("-", 1)
    fit = pooled_fits(POOLED[key]) if key in POOLED else panel_fits(kind, key, fitters)
    for number in waiting:
        begun = time.perf_counter()
        row = {"number": number, **fit(number), "seconds": round(time.perf_counter() - begun, 2)}
        with path.open("a", encoding="utf-8") as handle:
            handle.write(json.dumps(row) + "\n")


def rank_table(folder: Path) -> str:
    """Return a Markdown table: of each model, how many fits, those with a divergence, and p-values of uniform ranks."""
    body = ["| Model | Fits | With a divergence | p-values of uniform ranks |", "|---|---|---|---|"]
    for name in (name for name in STUDIES if name.startswith("sbc-")):
        rows = pd.DataFrame(lines(folder / f"{name}.jsonl"))
        if len(rows):
            ranked = [column for column in map(str, rows) if column.startswith("rank_")]
            values = [f"`{column[5:]}` {uniformity(rows[column].to_numpy()):.2f}" for column in ranked]
            diverged = (rows["divergences"] > 0).sum()
            body.append(f"| `{name[4:]}` | {len(rows)} | {diverged} | {', '.join(values)} |")
    return "\n".join(body)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--fits", type=int, default=FITS, help="of each study")
    parser.add_argument("--studies", nargs="*", choices=STUDIES, default=STUDIES)
    parser.add_argument("--work", type=Path, default=Path(tempfile.gettempdir()) / "averting_bayes_other_models")
    parser.add_argument("--table", action="store_true", help="print what is there without fitting")
    options = parser.parse_args()
    options.work.mkdir(parents=True, exist_ok=True)
    fitters: dict[Any, Fitter] = {}
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
