"""Is ``bayes_count`` as sure as it should be? Small versions of ``benchmarks/bayes_calibration.py``."""

from __future__ import annotations

from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np
import pytest
from scipy import stats

from averting.effects import known_estimators
from averting.effects.bayes.priors import load_priors

BAYESIAN = sorted(key for key in known_estimators() if key.startswith("bayes_"))
FITS, FEW = 10, 30
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
    fitter = calibration.Fitter.of(cells[0])
    found = [fitter.fit(each, seed=number) for number, each in enumerate(cells)]
    assert abs(np.mean([one["median"] for one in found])) < 0.3
    covered = sum(one["lower"] <= 0 <= one["upper"] for one in found)
    assert covered >= stats.binom.ppf(0.0005, FITS, 0.95)
    sure = sum(one["reduction"] >= 0.95 for one in found)
    assert sure <= stats.binom.ppf(0.9995, FITS, 0.05)
    assert max(one["r_hat"] for one in found) < 1.05


def ranked(study: Any, fits: int) -> dict[str, list[int]]:
    """Ranks of the true values among posterior draws, by parameter."""
    fit = study.fits(11)
    found = [fit(number) for number in range(fits)]
    return {name[5:]: [one[name] for one in found] for name in found[0] if name.startswith("rank_")}


@pytest.mark.nightly
@pytest.mark.parametrize("key", BAYESIAN)
def test_true_parameters_rank_uniformly_among_their_posterior_draws(
    calibration: ModuleType, rank_studies: ModuleType, key: str
) -> None:
    # Talts et al. (2018): drawn from the prior and fitted, a right model ranks the truth anywhere equally often
    found = ranked(rank_studies.STUDIES[key], SIMULATIONS)
    assert set(found) >= set(load_priors(key))
    for name, ranks in found.items():
        # four to seventeen parameters: one in 600 right models fails
        assert calibration.uniformity(np.array(ranks)) > 1e-4, name


@pytest.mark.slow
@pytest.mark.parametrize("key", ["bayes_gaussian", "bayes_pooled"])
def test_true_parameters_rank_uniformly_in_a_few_fits(
    calibration: ModuleType, rank_studies: ModuleType, key: str
) -> None:
    # Smallest p-values, by hand: 0.10 and 0.02 as it is; with the spread of schools' levels doubled in the drawing of means
    # 4e-37, with that of shocks doubled in the drawing of counts 4e-13.
    found = ranked(rank_studies.STUDIES[key]._replace(steps=100), FEW)
    for name, ranks in found.items():
        assert calibration.uniformity(np.array(ranks)) > 1e-4, name


def test_every_registered_model_has_a_rank_study(rank_studies: ModuleType) -> None:
    assert sorted(rank_studies.STUDIES) == BAYESIAN
    assert len({study.stream for study in rank_studies.STUDIES.values()}) == len(BAYESIAN)


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


def test_panels_from_the_prior_follow_the_prior(prior_panels: ModuleType) -> None:
    shape = prior_panels.Shape(schools=20)
    drawn = [
        prior_panels.draw_counts(np.random.default_rng([5, number]), shape, hide=False) for number in range(200)
    ]
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


def test_a_lasting_shock_sets_in_at_a_pilots_own_start_and_elsewhere_at_the_first(
    prior_panels: ModuleType,
) -> None:
    # the library's reading of a panel against the drawing's own account of it, cell by cell
    shape = prior_panels.STAGGERED
    cells, truth = prior_panels.draw_counts(np.random.default_rng(2), shape, key="bayes_event_time")
    years = [year for year in range(shape.years) if year not in shape.left_out]
    for school, period, after, treated in zip(cells.school, cells.period, cells.after, cells.treated, strict=True):
        first = shape.starts[school] if school < len(shape.starts) else min(shape.starts)
        assert after == (years[period] >= first)
        assert treated == (after and school < len(shape.starts))
    assert truth[prior_panels.EFFECT] != truth["log_ratio"]


def test_two_counts_are_drawn_with_their_correlations(prior_panels: ModuleType) -> None:
    drawn = [prior_panels.draw_pair(np.random.default_rng([5, n]), prior_panels.Shape())[1] for n in range(120)]
    both = np.array([(one["log_ratio"], one["log_ratio_alongside"]) for one in drawn])
    # the mean of correlations is 0.6; of 120 draws a correlation has a standard error of 0.06 and a spread one of 0.065
    expected = np.mean([one["effect_correlation"] for one in drawn])
    assert np.corrcoef(both.T)[0, 1] == pytest.approx(expected, abs=0.25)
    assert both.std(axis=0) == pytest.approx([1.0, 1.0], abs=0.25)
    assert len({one["school_sd"] for one in drawn} & {one["school_sd_alongside"] for one in drawn}) == 0


class Held:
    """A model's array, as PyMC gives it."""

    def __init__(self, name: str, values: Any) -> None:
        self.name, self.values = name, np.array(values)

    def get_value(self) -> Any:
        return self.values


def test_what_a_panel_has_nothing_of_is_emptied_and_what_the_model_does_not_hold_is_refused(
    calibration: ModuleType,
) -> None:
    example = [Held("count", [1, 2]), Held("hidden_pick", [[0, 1], [1, 1]])]
    fitter = calibration.Fitter.__new__(calibration.Fitter)
    fitter.held = {one.name: one.values for one in example}
    fitter.compiled = SimpleNamespace(shared_var_keys=dict.fromkeys(example))
    fitter.build = lambda panel: SimpleNamespace(data_vars=panel)
    found = fitter.data([Held("count", [3])])
    assert found["count"].tolist() == [3]
    assert found["hidden_pick"].shape == (2, 0)
    for wrong in ([Held("hidden_pick", [[0], [0]])], [Held("count", [3]), Held("hidden_at_alongside", [0])]):
        with pytest.raises(ValueError, match="the compiled model holds"):
            fitter.data(wrong)
