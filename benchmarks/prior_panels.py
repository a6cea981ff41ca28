"""Parameters drawn from a model's priors, and one panel drawn from them: written out afresh, not with the model's code.

Used by ``bayes_calibration.py``, ``bayes_other_models.py``, and the tests in ``tests/simulation``. Every panel is then passed
through the library's own reading. The centre of its rates is the one that it was drawn with, because a centre taken from the
data is no part of a prior.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from averting.effects.bayes.cells import Cells
from averting.effects.bayes.count_model import BASELINE
from averting.effects.bayes.means import Means, flatten_means
from averting.effects.bayes.priors import Prior, load_priors
from calibration import EFFECT, to_cells, to_design

Array = NDArray[np.float64]
Truth = dict[str, float]
ALONGSIDE = "_alongside"
MOVING = ("bayes_event_time", "bayes_pooled")
"""Count models in which effects differ between years or pilots."""


class Shape(NamedTuple):
    """How many schools and years, each pilot's first treated year, and years that are not used."""

    schools: int = 15
    years: int = 6
    starts: tuple[int, ...] = (3, 3, 3)
    left_out: tuple[int, ...] = ()

    @property
    def is_pilot(self) -> NDArray[np.bool_]:
        """Pilots come first, (school, 1)."""
        return (np.arange(self.schools) < len(self.starts))[:, None]

    @property
    def after(self) -> NDArray[np.bool_]:
        """Where a school's lasting shock has set in, (school, year): a pilot's at its own start, another's at the first."""
        first = [self.starts[row] if row < len(self.starts) else min(self.starts) for row in range(self.schools)]
        return np.asarray(np.arange(self.years) >= np.array(first)[:, None])


STAGGERED = Shape(starts=(2, 2, 5), left_out=(3,))
"""Three times since the start are seen: 0, 2 and 3."""


def value(prior: Prior, rng: np.random.Generator) -> float:
    """Draw one parameter."""
    if prior.shape == "half_normal":
        return float(abs(rng.normal(0.0, prior.sd)))
    drawn = float(rng.normal(prior.mean, prior.sd))
    return float(np.tanh(drawn)) if prior.shape == "correlation" else drawn


def draw_counts(
    rng: np.random.Generator, shape: Shape, *, key: str = "bayes_count", hide: bool = True
) -> tuple[Cells, Truth]:
    """Draw one panel of counts, those of 1 and 2 suppressed or known; return its cells and the parameters by name."""
    truth = {name: value(prior, rng) for name, prior in load_priors(key).items()}
    own, shock, common = (
        rng.normal(size=shape.schools),
        rng.normal(size=shape.schools),
        rng.normal(size=shape.years),
    )
    out_of = key == "bayes_binomial"
    pupils = _pupils(rng, shape, 100 if out_of else 900)
    centre = float(np.log(0.05 / 0.95) if out_of else np.log(2 / 900))
    linear = centre + _without(truth, shape, own, shock, common) + _path(key, truth, shape, rng)
    effect = _effect(key, truth, shape, rng)
    linear = linear + effect * (shape.is_pilot & shape.after)
    if key in MOVING:
        truth[EFFECT] = float(effect[0, -1])
    drawn = _out_of if out_of else _events
    return _cells(drawn(linear, pupils, truth["dispersion"], rng), pupils, shape, centre, hide=hide), truth


def draw_pair(rng: np.random.Generator, shape: Shape) -> tuple[tuple[Cells, Cells], Truth]:
    """Draw a rare count and a common one of the same schools, whose effects, levels and shocks are correlated."""
    priors = load_priors("bayes_joint")
    truth = {name: value(prior, rng) for name, prior in priors.items()}
    truth |= {f"{name}{ALONGSIDE}": value(priors[name], rng) for name in BASELINE}
    names = ("log_ratio", f"log_ratio{ALONGSIDE}")
    effects = _correlated(rng, truth["effect_correlation"], 1)
    truth |= {
        name: priors[name].mean + priors[name].sd * float(one[0]) for name, one in zip(names, effects, strict=True)
    }
    own = _correlated(rng, truth["school_correlation"], shape.schools)
    shock = _correlated(rng, truth["shock_correlation"], shape.schools)
    pupils = _pupils(rng, shape, 900)
    both = []
    for which, (suffix, mean) in enumerate((("", 1.0), (ALONGSIDE, 6.0))):
        its = {name: truth[f"{name}{suffix}"] for name in ("log_ratio", *BASELINE)}
        centre = float(np.log(mean / 900))
        linear = centre + _without(its, shape, own[which], shock[which], rng.normal(size=shape.years))
        linear += its["log_ratio"] * (shape.is_pilot & shape.after)
        events = _events(linear, pupils, its["dispersion"], rng)
        both.append(_cells(events, pupils, shape, centre, hide=True))
    return (both[0], both[1]), truth


def draw_means(rng: np.random.Generator, shape: Shape) -> tuple[Means, Truth]:
    """Draw school means in standard units, with the spread of a school's years and of its pupils about them."""
    truth = {name: value(prior, rng) for name, prior in load_priors("bayes_gaussian").items()}
    own, shock, common = (
        rng.normal(size=shape.schools),
        rng.normal(size=shape.schools),
        rng.normal(size=shape.years),
    )
    pupils = _pupils(rng, shape, 100)
    mean = _without(truth, shape, own, shock, common) + truth["difference"] * (shape.is_pilot & shape.after)
    score = mean + truth["dispersion"] * rng.normal(size=mean.shape)
    score = score + truth["pupil_sd"] * rng.normal(size=mean.shape) / np.sqrt(pupils)
    design = to_design(
        np.zeros(mean.shape), pupils, pilots=len(shape.starts), start=shape.starts, treat="known",
        left_out=shape.left_out, score=score,
    )  # fmt: skip
    read = flatten_means(design, "score", method="benchmark")
    # back from the units of this panel's own spread, which is no part of a prior
    return replace(read, value=read.middle + read.scale * read.value, middle=0.0, scale=1.0), truth


def _pupils(rng: np.random.Generator, shape: Shape, middle: int) -> Array:
    """Return numbers of pupils that differ between schools, not between years, (school, year)."""
    return np.asarray(np.rint(middle * np.exp(rng.normal(0.0, 0.35, (shape.schools, 1)))) * np.ones(shape.years))


def _without(truth: Mapping[str, float], shape: Shape, own: Array, shock: Array, common: Array) -> Array:
    """Return what would be without the programme, less the centre, (school, year)."""
    linear = truth["level"] + truth["pilot_level"] * shape.is_pilot + truth["school_sd"] * own[:, None]
    linear = linear + truth["period_sd"] * common
    return np.asarray(linear + truth["shock_sd"] * shock[:, None] * shape.after)


def _effect(key: str, truth: Truth, shape: Shape, rng: np.random.Generator) -> Array:
    """Return what the programme adds from a pilot's start on, (school, year); other schools' rows mean nothing."""
    effect = np.full((shape.schools, shape.years), truth["log_ratio"])
    if key == "bayes_pooled":
        effect += truth["effect_sd"] * rng.normal(size=(shape.schools, 1))
    if key == "bayes_event_time":
        since = [[year - start for year in range(shape.years)] for start in shape.starts]
        seen = {
            row[year]
            for row in since
            for year in range(shape.years)
            if row[year] >= 0 and year not in shape.left_out
        }
        walk = [0.0]
        while len(walk) < shape.years:
            walk.append(walk[-1] + truth["event_sd"] * rng.normal())
        middle = np.mean([walk[time] for time in seen])
        for pilot, row in enumerate(since):
            effect[pilot] += [walk[max(time, 0)] - middle for time in row]
    return effect


def _path(key: str, truth: Truth, shape: Shape, rng: np.random.Generator) -> Array:
    """Return what a school does from year to year beside its level, the years' shocks and its own, (school, year)."""
    path = np.zeros((shape.schools, shape.years))
    if key == "bayes_autocorrelated":
        path = truth["noise_sd"] * rng.normal(size=path.shape)
        kept = truth["persistence"]
        for year in range(1, shape.years):
            path[:, year] = kept * path[:, year - 1] + np.sqrt(1 - kept**2) * path[:, year]
    if key == "bayes_factors":
        courses = rng.normal(size=(2, 1, shape.years)) * rng.normal(size=(2, shape.schools, 1))
        path = truth["course_sd"] * courses.sum(axis=0) / np.sqrt(2)
    return path


def _events(log_rate: Array, pupils: Array, dispersion: float, rng: np.random.Generator) -> NDArray[np.int64]:
    return rng.poisson(rng.gamma(1 / dispersion, np.exp(log_rate) * pupils * dispersion))


def _out_of(log_odds: Array, pupils: Array, dispersion: float, rng: np.random.Generator) -> NDArray[np.int64]:
    odds = np.exp(log_odds)
    share = rng.beta(odds / (1 + odds) / dispersion, 1 / (1 + odds) / dispersion)
    return np.asarray(rng.binomial(pupils.astype(np.int64), share))


def _correlated(rng: np.random.Generator, correlation: float, number: int) -> Array:
    """Draw pairs of standard normals, (2, number)."""
    return np.asarray(rng.multivariate_normal(np.zeros(2), [[1.0, correlation], [correlation, 1.0]], number).T)


def _cells(events: NDArray[Any], pupils: Array, shape: Shape, centre: float, *, hide: bool) -> Cells:
    read = to_cells(
        events, pupils, pilots=len(shape.starts), start=shape.starts, treat="hidden" if hide else "known",
        left_out=shape.left_out,
    )  # fmt: skip
    return replace(read, centre=centre)
