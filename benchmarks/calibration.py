"""Fits of a shipped count model to many panels of one shape, compiled once, and panels drawn from its prior.

Used by ``bayes_calibration.py``, ``bayes_other_models.py``, and the tests in ``tests/simulation``.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import NDArray
from scipy import stats

from averting.data import Panel
from averting.design import Design
from averting.effects.bayes.cells import Cells, flatten
from averting.effects.bayes.count_fit import CountModel
from averting.effects.bayes.count_model import BASELINE
from averting.effects.bayes.likelihood import cell_data
from averting.effects.bayes.priors import Prior, load_priors
from averting.effects.bayes.sampling import USUAL, flat, thinned
from averting.effects.estimators import bayes_count

PARAMETERS = ("log_ratio", *BASELINE)
HIDDEN = (1, 2)
"""Counts from the first to the second of these are suppressed, where a panel has suppressed counts."""
RANKED = 100  # draws, thinned until all but independent, among which a true value is ranked
CHAINS, STEPS = 2, 500  # as many of tuning as of draws


def to_design(events: NDArray[Any], pupils: NDArray[Any], *, pilots: int, start: int, treat: str) -> Design:
    """Make a design of one panel (school, year), pilots first.

    ``treat`` says what becomes of the counts in :data:`HIDDEN`: "known", "hidden", "dropped" or "zero".
    """
    schools, years = events.shape
    words = events.astype(int).astype(str).astype(object)
    low = (events >= HIDDEN[0]) & (events <= HIDDEN[1])
    words[low] = {"known": words[low], "hidden": "x", "dropped": "", "zero": "0"}[treat]
    names, labels = (
        [f"s{i:03d}" for i in range(schools)],
        [f"{2000 + i}/{(1 + i) % 100:02d}" for i in range(years)],
    )
    frame = pd.DataFrame(
        {
            "school": np.repeat(names, years),
            "period": np.tile(labels, schools),
            "events": words.ravel(),
            "pupils": pupils.ravel(),
        }
    )
    panel = Panel.from_frame(
        frame, school="school", period="period", counts=["events"], exposure="pupils", symbols={"x": HIDDEN}
    )
    return Design(panel, names[:pilots], start=labels[start], comparison=names[pilots:], exclude_periods=())


def to_cells(events: NDArray[Any], pupils: NDArray[Any], *, pilots: int, start: int, treat: str) -> Cells:
    """Pass one panel through the library's own reading, as far as the model's data; see :func:`to_design`."""
    design = to_design(events, pupils, pilots=pilots, start=start, treat=treat)
    return flatten(design, design.counts("events"), method="bayes_count", indicator="events")


NOTHING_HIDDEN = {
    "hidden_at": np.zeros(0, dtype=np.int64),
    "hidden_values": np.zeros(0, dtype=np.int64),
    "hidden_pick": np.zeros((1, 0), dtype=np.int64),
    "hidden_possible": np.zeros((1, 0), dtype=bool),
}
"""For a model compiled with suppressed counts that is given a panel without any."""


def data_of(cells: Cells, names: set[str]) -> dict[str, Any]:
    """Return every array that the compiled model holds, by its name in the model."""
    data: dict[str, Any] = {
        "centre": cells.centre,
        "cell_school": cells.school,
        "cell_period": cells.period,
        "cell_after": cells.after,
        "cell_treated": cells.treated,
        **cell_data(cells),
    }
    if "hidden_at" in names and "hidden_at" not in data:
        data |= NOTHING_HIDDEN
    if set(data) != names:  # an array left as it was would fit one panel's counts with another's
        raise ValueError(f"the model's data are {sorted(names)}; this script replaces {sorted(data)}")
    return data


class Fitter:
    """A shipped model, compiled for panels of one shape and then given one panel after another."""

    def __init__(self, cells: Cells, model: CountModel = bayes_count.MODEL) -> None:
        import nutpie
        from pytensor.configdefaults import config

        schools, periods = int(cells.school.max()) + 1, int(cells.period.max()) + 1
        built = model.build(cells, load_priors(model.key), schools, periods)
        self.names, self.pace = {variable.name for variable in built.data_vars}, model.pace
        with config.change_flags(numba__fastmath=False):  # as averting.effects.bayes.sampling does
            self.compiled = nutpie.compile_pymc_model(built)

    def sample(self, cells: Cells, *, seed: int, steps: int = STEPS) -> xr.DataTree:
        """Draw from the posterior of one panel."""
        import nutpie

        trace: xr.DataTree = nutpie.sample(
            self.compiled.with_data(**data_of(cells, self.names)),
            draws=steps * self.pace.thin,
            tune=steps * self.pace.tune // USUAL.tune,
            chains=CHAINS,
            cores=1,
            seed=seed,
            target_accept=self.pace.accept,
            progress_bar=False,
        )
        return thinned(trace, self.pace.thin)

    def fit(
        self, cells: Cells, *, seed: int, truth: dict[str, float] | None = None, steps: int = STEPS
    ) -> dict[str, Any]:
        """Fit one panel; return the log ratio's summary, the sampler's, and the rank of each true value."""
        trace = self.sample(cells, seed=seed, steps=steps)
        posterior = trace["posterior"].to_dataset()
        drawn = flat(posterior, "log_ratio")
        lower, median, upper = np.quantile(drawn, [0.025, 0.5, 0.975])
        by_chain = drawn.reshape(CHAINS, -1)
        between, within = by_chain.mean(1).var(ddof=1), by_chain.var(axis=1, ddof=1).mean()
        found: dict[str, Any] = {
            "lower": lower,
            "median": median,
            "upper": upper,
            "reduction": (drawn < 0).mean(),
            "divergences": int(trace["sample_stats"]["diverging"].sum()),
            "r_hat": float(np.sqrt(1 + between / within)),
            "hidden": float((~cells.exact).mean()),
        }
        step = len(drawn) // RANKED
        for name, value in (truth or {}).items():
            found[f"rank_{name}"] = int((flat(posterior, name)[::step][:RANKED] < value).sum())
        return {name: round(float(value), 5) for name, value in found.items()}


def _value(prior: Prior, rng: np.random.Generator) -> float:
    if prior.shape == "half_normal":
        return float(abs(rng.normal(0.0, prior.sd)))
    value = float(rng.normal(prior.mean, prior.sd))
    return float(np.tanh(value)) if prior.shape == "correlation" else value


def _carried(rng: np.random.Generator, schools: int, years: int, spread: float, kept: float) -> NDArray[Any]:
    """First-order autoregression by its recursion, (school, year)."""
    noise = spread * rng.normal(size=(schools, years))
    for year in range(1, years):
        noise[:, year] = kept * noise[:, year - 1] + np.sqrt(1 - kept**2) * noise[:, year]
    return noise


def draw_from_prior(
    rng: np.random.Generator, *, schools: int, years: int, pilots: int, hide: bool, key: str = "bayes_count"
) -> tuple[Cells, dict[str, float]]:
    """Draw parameters from the priors and one panel from them: written out afresh, not with the model's code.

    Returns
    -------
    cells : Cells
        With the centre that the panel was drawn with, because a centre taken from the data is no part of a prior.
    truth : dict
        Parameters by name.
    """
    truth = {name: _value(prior, rng) for name, prior in load_priors(key).items()}
    own, shock, common = rng.normal(size=schools), rng.normal(size=schools), rng.normal(size=years)
    pupils = np.rint(900 * np.exp(rng.normal(0.0, 0.35, (schools, 1)))) * np.ones(years)
    after = np.arange(years) >= years // 2
    is_pilot = (np.arange(schools) < pilots)[:, None]
    centre = np.log(2 / 900)
    log_rate = centre + truth["level"] + truth["pilot_level"] * is_pilot + truth["school_sd"] * own[:, None]
    log_rate = log_rate + truth["period_sd"] * common + (truth["shock_sd"] * shock)[:, None] * after
    log_rate = log_rate + truth["log_ratio"] * is_pilot * after
    if "persistence" in truth:
        log_rate = log_rate + _carried(rng, schools, years, truth["noise_sd"], truth["persistence"])
    if "course_sd" in truth:
        courses = rng.normal(size=(2, 1, years)) * rng.normal(size=(2, schools, 1))
        log_rate = log_rate + truth["course_sd"] * courses.sum(axis=0) / np.sqrt(2)
    mean = np.exp(log_rate) * pupils
    events = rng.poisson(rng.gamma(1 / truth["dispersion"], mean * truth["dispersion"]))
    treat = "hidden" if hide else "known"
    return replace(to_cells(events, pupils, pilots=pilots, start=years // 2, treat=treat), centre=centre), truth


def uniformity(ranks: NDArray[Any]) -> float:
    """P-value of a chi-square test, over ten equal bins, of ranks among :data:`RANKED` draws (0 to RANKED)."""
    # RANKED + 1 possible ranks do not divide by ten: bins hold 11 or 10 of them, and are expected to
    bin_of = np.arange(RANKED + 1) * 10 // (RANKED + 1)
    expected = np.bincount(bin_of) / (RANKED + 1) * len(ranks)
    seen = np.bincount(bin_of[np.asarray(ranks, dtype=int)], minlength=10)
    return float(stats.chisquare(seen, expected).pvalue)
