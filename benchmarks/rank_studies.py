"""For every registered Bayesian model: how parameters and a panel are drawn, how the model is built, how it is walked.

Used by ``bayes_other_models.py`` and the tests in ``tests/simulation``.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any, NamedTuple

import numpy as np

from averting.effects.bayes.count_fit import CountModel
from averting.effects.bayes.means import Means
from averting.effects.bayes.pooled_fit import Mix
from averting.effects.bayes.pooled_series import PooledSeries, pool
from averting.effects.bayes.priors import load_priors
from averting.effects.bayes.sampling import Pace
from averting.effects.estimators import (
    bayes_autocorrelated,
    bayes_binomial,
    bayes_count,
    bayes_event_time,
    bayes_factors,
    bayes_gaussian,
    bayes_horseshoe,
    bayes_joint,
    bayes_pooled,
    bayes_synthetic,
)
from calibration import Fitter, Read, shipped, to_design
from panels import Setting, draw_panels
from prior_panels import STAGGERED, Shape, Truth, draw_counts, draw_means, draw_pair, value

CLOSE = Pace(accept=0.9, tune=2_000, thin=2)
"""For models that ship with one step a draw: 600 draws of so small a panel can be worth less than the hundred that ranks need.
The posterior is the same."""


class RankStudy(NamedTuple):
    """What a rank study of one model needs.

    Draws of one study are apart from all others' by its ``stream``. ``draw(rng)`` returns a panel and the parameters by name,
    ``build(panel)`` the model, and ``read(draws, panel)`` an effect that is no parameter.
    """

    stream: int
    draw: Callable[[np.random.Generator], tuple[Any, Truth]]
    build: Callable[[Any], Any]
    pace: Pace
    read: Read | None = None
    steps: int = 300  # enough for the hundred all but independent draws that ranks need

    def fits(self, seed: int) -> Callable[[int], dict[str, Any]]:
        """Compile the model; return the function that draws and fits one numbered panel."""

        def drawn(number: int) -> tuple[Any, Truth]:
            return self.draw(np.random.default_rng([seed, self.stream, number]))

        fitter = Fitter(self.build, drawn(0)[0], self.pace)
        return lambda number: fitter.ranks(*drawn(number), seed=number, steps=self.steps, read=self.read)


def _counts(model: CountModel, stream: int, shape: Shape, pace: Pace) -> RankStudy:
    drawn = partial(draw_counts, shape=shape, key=model.key)
    return RankStudy(stream, drawn, shipped(model), pace, lambda draws, cells: model.read(draws, cells)[:, 0, -1])


def _pair(pair: Any) -> Any:
    first, second = pair
    schools, periods = int(first.school.max()) + 1, int(first.period.max()) + 1
    return bayes_joint.build_model(first, second, load_priors("bayes_joint"), schools, periods)


def _means(means: Means) -> Any:
    schools, periods = int(means.school.max()) + 1, int(means.period.max()) + 1
    return bayes_gaussian.build_model(means, load_priors("bayes_gaussian"), schools, periods)


def _pooled(mix: Mix, stream: int) -> RankStudy:
    priors = load_priors(mix.key)
    # parameters of a mix hang together more than short chains can bear
    longer = replace(mix.pace, tune=2 * mix.pace.tune, thin=4 * mix.pace.thin)
    return RankStudy(
        stream, partial(_draw_pooled, mix), lambda series: mix.build(series, priors), longer, steps=500
    )


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


def _draw_pooled(mix: Mix, rng: np.random.Generator) -> tuple[PooledSeries, Truth]:
    series, truth = series_of(), {name: value(prior, rng) for name, prior in load_priors(mix.key).items()}
    mixed: dict[str, Any] = dict(truth)
    if mix is bayes_synthetic.MIX:
        mixed["weight"] = rng.dirichlet(np.ones(len(series.donors)))
    else:
        wide = truth["mix_sd"] * np.abs(np.tan(np.pi * (rng.random(len(series.donors)) - 0.5)))
        held = 1 / np.sqrt(1 / wide**2 + 1 / truth["widest"] ** 2)
        mixed["coefficient"] = held * rng.normal(size=len(held))
    count = count_from(mix, series, mixed, rng)
    return replace(series, cells=replace(series.cells, lower=count, upper=count)), truth


STUDIES = {
    "bayes_autocorrelated": _counts(bayes_autocorrelated.MODEL, 10, Shape(), bayes_autocorrelated.MODEL.pace),
    "bayes_binomial": _counts(bayes_binomial.MODEL, 22, STAGGERED, CLOSE),
    "bayes_count": _counts(bayes_count.MODEL, 11, Shape(), bayes_count.MODEL.pace),
    "bayes_event_time": _counts(bayes_event_time.MODEL, 20, STAGGERED, CLOSE),
    "bayes_factors": _counts(bayes_factors.MODEL, 12, Shape(), bayes_factors.MODEL.pace),
    "bayes_gaussian": RankStudy(24, partial(draw_means, shape=STAGGERED), _means, CLOSE),
    "bayes_horseshoe": _pooled(bayes_horseshoe.MIX, 0),
    "bayes_joint": RankStudy(23, partial(draw_pair, shape=STAGGERED), _pair, CLOSE),
    "bayes_pooled": _counts(bayes_pooled.MODEL, 21, STAGGERED, CLOSE),
    "bayes_synthetic": _pooled(bayes_synthetic.MIX, 1),
}
"""By the estimator's key."""
