"""Panels as the library reads them, and fits of a shipped model to many panels of one shape, compiled once.

Used by ``prior_panels.py``, ``bayes_calibration.py``, ``bayes_other_models.py``, and the tests in ``tests/simulation``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
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
from averting.effects.bayes.priors import load_priors
from averting.effects.bayes.sampling import USUAL, Pace, divergences, flat, thinned
from averting.effects.estimators import bayes_count

PARAMETERS = ("log_ratio", *BASELINE)
HIDDEN = (1, 2)
"""Counts from the first to the second of these are suppressed, where a panel has suppressed counts."""
RANKED = 100  # draws, thinned until all but independent, among which a true value is ranked
CHAINS, STEPS = 2, 500  # as many of tuning as of draws
EFFECT = "effect of the first pilot in the last year"
"""Name of what is no parameter where effects differ between pilots or years, and is ranked beside them."""
Read = Callable[[xr.Dataset, Any], NDArray[np.float64]]


def to_design(
    events: NDArray[Any],
    pupils: NDArray[Any],
    *,
    pilots: int,
    start: int | Sequence[int],
    treat: str,
    left_out: Sequence[int] = (),
    score: NDArray[Any] | None = None,
) -> Design:
    """Make a design of one panel (school, year), pilots first.

    ``start`` is the pilots' common first treated year, or each one's own; years ``left_out`` are not used. ``treat`` says what
    becomes of the counts in :data:`HIDDEN`: "known", "hidden", "dropped" or "zero". A ``score`` is a mean beside the counts.
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
            **({} if score is None else {"score": score.ravel()}),
        }
    )
    measures = {} if score is None else {"score": "mean"}
    panel = Panel.from_frame(
        frame, school="school", period="period", counts=["events"], exposure="pupils", symbols={"x": HIDDEN},
        measures=measures,
    )  # fmt: skip
    starts = np.broadcast_to(start, pilots).tolist()
    first = {name: labels[at] for name, at in zip(names, starts, strict=False)}
    return Design(panel, first, comparison=names[pilots:], exclude_periods=[labels[year] for year in left_out])


def to_cells(
    events: NDArray[Any],
    pupils: NDArray[Any],
    *,
    pilots: int,
    start: int | Sequence[int],
    treat: str,
    left_out: Sequence[int] = (),
) -> Cells:
    """Pass one panel through the library's own reading, as far as the model's data; see :func:`to_design`."""
    design = to_design(events, pupils, pilots=pilots, start=start, treat=treat, left_out=left_out)
    return flatten(design, design.counts("events"), method="bayes_count", indicator="events")


def shipped(model: CountModel) -> Callable[[Cells], Any]:
    """Return the function that builds a count model of one panel with its neutral priors."""

    def build(cells: Cells) -> Any:
        schools, periods = int(cells.school.max()) + 1, int(cells.period.max()) + 1
        return model.build(cells, load_priors(model.key), schools, periods)

    return build


class Fitter:
    """A shipped model, compiled for panels of one shape and then given one panel after another.

    Parameters
    ----------
    build : callable
        ``build(panel)``: the PyMC model of one panel.
    example : Any
        A panel to compile the model for. Where panels have suppressed counts, the example must have them.
    pace : Pace
        How the sampler walks.
    """

    def __init__(self, build: Callable[[Any], Any], example: Any, pace: Pace = USUAL) -> None:
        import nutpie
        from pytensor.configdefaults import config

        self.build, self.pace = build, pace
        built = build(example)
        self.held = _data_of(built)
        with config.change_flags(numba__fastmath=False):  # as averting.effects.bayes.sampling does
            self.compiled = nutpie.compile_pymc_model(built)

    @classmethod
    def of(cls, cells: Cells, model: CountModel = bayes_count.MODEL) -> Fitter:
        """Return a count model for panels of the shape of these cells."""
        return cls(shipped(model), cells, model.pace)

    def data(self, panel: Any) -> dict[str, NDArray[Any]]:
        """Return every array that the compiled model uses, as the library makes it of this panel."""
        found = _data_of(self.build(panel))
        # of suppressed counts that this panel does not have, none
        for name in set(self.held) - set(found):
            if name.startswith("hidden"):
                found[name] = self.held[name][..., :0]
        if set(found) != set(self.held):  # an array left as it was would fit one panel's counts with another's
            raise ValueError(f"the compiled model holds {sorted(self.held)}; this panel gives {sorted(found)}")
        used = {
            variable.name for variable in self.compiled.shared_var_keys
        }  # a family leaves aside what it has no use for
        return {name: values for name, values in found.items() if name in used}

    def sample(self, panel: Any, *, seed: int, steps: int = STEPS) -> xr.DataTree:
        """Draw from the posterior of one panel."""
        import nutpie

        trace: xr.DataTree = nutpie.sample(
            self.compiled.with_data(**self.data(panel)),
            draws=steps * self.pace.thin,
            tune=steps * self.pace.tune // USUAL.tune,
            chains=CHAINS,
            cores=1,
            seed=seed,
            target_accept=self.pace.accept,
            progress_bar=False,
        )
        return thinned(trace, self.pace.thin)

    def fit(self, cells: Cells, *, seed: int, steps: int = STEPS) -> dict[str, float]:
        """Fit one panel; return the log ratio's summary and the sampler's."""
        trace = self.sample(cells, seed=seed, steps=steps)
        drawn = flat(trace["posterior"].to_dataset(), "log_ratio")
        lower, median, upper = np.quantile(drawn, [0.025, 0.5, 0.975])
        by_chain = drawn.reshape(CHAINS, -1)
        between, within = by_chain.mean(1).var(ddof=1), by_chain.var(axis=1, ddof=1).mean()
        found = {
            "lower": lower,
            "median": median,
            "upper": upper,
            "reduction": (drawn < 0).mean(),
            "divergences": divergences(trace),
            "r_hat": np.sqrt(1 + between / within),
            "hidden": (~cells.exact).mean(),
        }
        return {name: round(float(value), 5) for name, value in found.items()}

    def ranks(
        self, panel: Any, truth: Mapping[str, float], *, seed: int, steps: int = STEPS, read: Read | None = None
    ) -> dict[str, Any]:
        """Fit one panel; return each true value's rank, the sampler's divergences and least effective sample size.

        Where ``truth`` holds :data:`EFFECT`, ``read`` reads it from the draws.
        """
        from arviz_stats.sampling_diagnostics import ess

        trace = self.sample(panel, seed=seed, steps=steps)
        draws = trace["posterior"].to_dataset()
        found: dict[str, Any] = {"divergences": divergences(trace)}
        effective = {}
        for name, value in truth.items():
            drawn = read(draws, panel) if name == EFFECT and read else flat(draws, name)
            found[f"rank_{name}"] = int((drawn[:: len(drawn) // RANKED][:RANKED] < value).sum())
            effective[name] = float(ess(drawn.reshape(CHAINS, -1)))  # type: ignore[no-untyped-call]
        least = min(effective, key=effective.__getitem__)
        return {**found, "ess": round(effective[least]), "ess_of": least}


def _data_of(model: Any) -> dict[str, NDArray[Any]]:
    return {variable.name: variable.get_value() for variable in model.data_vars}


def uniformity(ranks: NDArray[Any]) -> float:
    """P-value of a chi-square test, over ten equal bins, of ranks among :data:`RANKED` draws (0 to RANKED)."""
    # RANKED + 1 possible ranks do not divide by ten: bins hold 11 or 10 of them, and are expected to
    bin_of = np.arange(RANKED + 1) * 10 // (RANKED + 1)
    expected = np.bincount(bin_of) / (RANKED + 1) * len(ranks)
    seen = np.bincount(bin_of[np.asarray(ranks, dtype=int)], minlength=10)
    return float(stats.chisquare(seen, expected).pvalue)
