"""``bayes_count`` against answers that we did not compute: another library's, and a ratio that needs no model."""

from __future__ import annotations

from types import ModuleType
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from averting.effects import estimate

SCHOOLS, YEARS, START = 30, 6, 3

# Posterior of the shared panel below in bambi 0.21.0 (PyMC 6.4.0, nutpie 0.16.11, 4 x 2,500 draws), mean and standard
# deviation, for
#     y ~ 1 + pilot + treated + offset(log(pupils) + centre) + (1|school) + (1|period) + (0 + after|school)
# with family="negativebinomial", center_predictors=False and the priors of models/priors/bayes_count.toml; its `alpha`
# is 1 / (dispersion + 1e-6), by a prior of its own.
BAMBI = {
    "level": (-0.1161, 0.1122),
    "pilot_level": (0.4012, 0.2738),
    "log_ratio": (-0.5151, 0.3294),
    "dispersion": (0.2295, 0.0530),
    "school_sd": (0.3851, 0.0903),
    "period_sd": (0.1175, 0.0912),
    "shock_sd": (0.4172, 0.1434),
}


def shared_panel() -> tuple[NDArray[Any], NDArray[np.float64]]:
    """Four pilots of 30; drawn with a ratio of 0.6."""
    rng = np.random.default_rng(42)
    pupils = np.rint(900 * np.exp(rng.normal(0, 0.35, (SCHOOLS, 1)))) * np.ones(YEARS)
    own, shock = rng.normal(0, 0.5, (SCHOOLS, 1)), rng.normal(0, 0.4, (SCHOOLS, 1))
    common = rng.normal(0, 0.1, YEARS)
    after, pilot = np.arange(YEARS) >= START, (np.arange(SCHOOLS) < 4)[:, None]
    rate = np.exp(own + common + shock * after + np.log(0.6) * (pilot & after) + 0.5 * pilot)
    mean = 6 * pupils / 900 * rate
    return rng.poisson(rng.gamma(5, mean / 5)), pupils


def large_panel(pilots: int) -> tuple[NDArray[Any], NDArray[np.float64]]:
    """Half of the schools pilots, a mean of 2,000 a year, Poisson: the data outweigh every prior; the ratio is 0.8."""
    rng = np.random.default_rng(9)
    pupils = np.rint(900 * np.exp(rng.normal(0, 0.35, (SCHOOLS, 1)))) * np.ones(YEARS)
    treated = (np.arange(SCHOOLS) < pilots)[:, None] & (np.arange(YEARS) >= START)
    mean = 2_000 * pupils / 900 * np.exp(rng.normal(0, 0.5, (SCHOOLS, 1)) + rng.normal(0, 0.1, YEARS))
    return rng.poisson(mean * np.where(treated, 0.8, 1.0)), pupils


@pytest.fixture(scope="module")
def fitter(calibration: ModuleType) -> Any:
    events, pupils = shared_panel()
    return calibration.Fitter.of(calibration.to_cells(events, pupils, pilots=4, start=START, treat="known"))


@pytest.mark.slow
def test_posterior_is_bambis(calibration: ModuleType, fitter: Any) -> None:
    events, pupils = shared_panel()
    cells = calibration.to_cells(events, pupils, pilots=4, start=START, treat="known")
    draws = fitter.sample(cells, seed=1, steps=1_500)["posterior"]
    for name, (mean, sd) in BAMBI.items():
        # about 1,000 effective draws of ours put a standard error of 0.03 sd on a mean and 2 % on an sd
        values = draws[name].to_numpy()
        assert values.mean() == pytest.approx(mean, abs=0.15 * sd), name
        assert values.std() == pytest.approx(sd, rel=0.12), name


@pytest.mark.slow
def test_with_much_data_the_posterior_is_the_plain_ratio(calibration: ModuleType, fitter: Any) -> None:
    pilots = SCHOOLS // 2
    events, pupils = large_panel(pilots)
    panel = {"pilots": pilots, "start": START, "treat": "known"}
    found = fitter.fit(calibration.to_cells(events, pupils, **panel), seed=1)
    plain = estimate(calibration.to_design(events, pupils, **panel), "events", draws=100)
    totals = [
        part.sum() for half in (events[:pilots], events[pilots:]) for part in np.split(half, [START], axis=1)
    ]
    # the closed-form standard error of a log ratio of ratios of Poisson counts: the posterior may not be narrower, and
    # is a little wider, because it cannot rule out shocks that are not there; the two estimates weigh schools differently
    error = np.sqrt(np.sum(1 / np.array(totals)))
    assert found["median"] == pytest.approx(np.log(plain.estimate), abs=0.6 * error)
    assert 0.95 * error < (found["upper"] - found["lower"]) / 3.92 < 1.4 * error
    assert found["median"] == pytest.approx(np.log(0.8), abs=3 * error)
