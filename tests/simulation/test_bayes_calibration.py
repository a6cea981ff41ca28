"""Is ``bayes_count`` as sure as it should be? Small versions of ``benchmarks/bayes_calibration.py``."""

from __future__ import annotations

from types import ModuleType
from typing import Any

import numpy as np
import pytest
from scipy import stats

from averting.effects.bayes.count_fit import CountModel
from averting.effects.estimators import bayes_autocorrelated, bayes_count, bayes_factors

FITS = 10
SIMULATIONS = 120


@pytest.mark.slow
def test_pilots_that_exclude_more_are_not_taken_for_an_effect(panels: ModuleType, calibration: ModuleType) -> None:
    # Two years before the start and pilots at eight times the rate of the rest: the level of a pilot is known badly
    # enough that a model which drew it from the other schools' spread would find 0.49 in the mean log ratio here
    # (with `pilot_level` taken out by hand: 0.49; as it ships: 0.02; standard error of a mean over other panels: 0.16).
    setting = panels.Setting(48, 3, mean=1.0, years=4, level=8.0)
    cells = []
    for number in range(FITS):
        drawn = panels.draw_panels(setting, 1, ratio=1.0, rng=np.random.default_rng([7, number]))
        one = (drawn.events[0], drawn.pupils[0])
        cells.append(calibration.to_cells(*one, pilots=3, start=drawn.start, treat="hidden"))
    fitter = calibration.Fitter(cells[0])
    found = [fitter.fit(each, seed=number) for number, each in enumerate(cells)]
    assert abs(np.mean([one["median"] for one in found])) < 0.3
    covered = sum(one["lower"] <= 0 <= one["upper"] for one in found)
    assert covered >= stats.binom.ppf(0.0005, FITS, 0.95)
    sure = sum(one["reduction"] >= 0.95 for one in found)
    assert sure <= stats.binom.ppf(0.9995, FITS, 0.05)
    assert max(one["r_hat"] for one in found) < 1.05


@pytest.mark.nightly
@pytest.mark.parametrize(
    "model", [bayes_count.MODEL, bayes_autocorrelated.MODEL, bayes_factors.MODEL], ids=lambda m: m.key
)
def test_true_parameters_rank_uniformly_among_their_posterior_draws(
    calibration: ModuleType, model: CountModel
) -> None:
    # Talts et al. (2018): drawn from the prior and fitted, a right model ranks the truth anywhere equally often
    shape: dict[str, Any] = {"schools": 15, "years": 4, "pilots": 3, "hide": True, "key": model.key}
    drawn = [
        calibration.draw_from_prior(np.random.default_rng([11, number]), **shape) for number in range(SIMULATIONS)
    ]
    assert any((~cells.exact).any() for cells, _ in drawn)
    fitter = calibration.Fitter(drawn[0][0], model)
    found = [fitter.fit(cells, seed=number, truth=truth, steps=300) for number, (cells, truth) in enumerate(drawn)]
    for name in model.summarised:
        # seven to nine parameters: one in 1,100 right models fails
        assert calibration.uniformity(np.array([one[f"rank_{name}"] for one in found])) > 1e-4, name


def test_ranks_that_are_not_uniform_are_seen(calibration: ModuleType) -> None:
    rng = np.random.default_rng(3)
    top = calibration.RANKED + 1
    p_values = [calibration.uniformity(rng.integers(0, top, 300)) for _ in range(200)]
    assert stats.kstest(p_values, "uniform").pvalue > 1e-4
    too_sure = (top * rng.beta(0.6, 0.6, 300)).astype(int)
    biased = (top * rng.beta(1.5, 1.0, 300)).astype(int)
    assert max(calibration.uniformity(too_sure), calibration.uniformity(biased)) < 1e-3


@pytest.mark.parametrize(
    ("treat", "hidden", "dropped"), [("known", 0, 0), ("hidden", 3, 0), ("dropped", 0, 3), ("zero", 0, 0)]
)
def test_low_counts_become_what_was_asked_for(
    calibration: ModuleType, treat: str, hidden: int, dropped: int
) -> None:
    events = np.full((5, 4), 7)
    events[0, 0], events[1, 3], events[4, 2] = 1, 2, 1
    cells = calibration.to_cells(events, np.full(events.shape, 900.0), pilots=2, start=2, treat=treat)
    assert (~cells.exact).sum() == hidden
    assert len(cells.lower) == events.size - dropped
    assert (cells.lower == 0).sum() == (3 if treat == "zero" else 0)


def test_panels_from_the_prior_follow_the_prior(calibration: ModuleType) -> None:
    shape = {"schools": 20, "years": 6, "pilots": 3, "hide": False}
    drawn = [calibration.draw_from_prior(np.random.default_rng([5, number]), **shape) for number in range(200)]
    logs = []
    for cells, truth in drawn:
        rate = np.log((cells.lower.reshape(20, 6) + 0.5) / 900)
        before, after = rate[:3, :3].mean() - rate[3:, :3].mean(), rate[:3, 3:].mean() - rate[3:, 3:].mean()
        logs.append((before, after - before, truth["pilot_level"], truth["log_ratio"]))
    before, change, level, ratio = np.transpose(logs)
    # a difference of logs of counts is close to the parameter itself, and to nothing else
    assert np.corrcoef(before, level)[0, 1] > 0.7
    assert np.corrcoef(change, ratio)[0, 1] > 0.6
    assert abs(np.corrcoef(before, ratio)[0, 1]) < 0.2
    assert ratio.std() == pytest.approx(1.0, abs=0.2)
    assert level.std() == pytest.approx(1.5, abs=0.3)
