"""Models of a school's own path, and the sparse synthetic control, find a true halving where counts are large."""

from __future__ import annotations

from types import ModuleType

import numpy as np
import pytest

from averting.effects import estimate


@pytest.mark.nightly
@pytest.mark.parametrize("method", ["bayes_autocorrelated", "bayes_factors", "bayes_horseshoe"])
def test_a_true_halving_is_found(panels: ModuleType, calibration: ModuleType, method: str) -> None:
    setting = panels.Setting(30, 6, mean=20.0, years=12)
    drawn = panels.draw_panels(setting, 1, ratio=0.5, rng=np.random.default_rng(3))
    design = calibration.to_design(drawn.events[0], drawn.pupils[0], pilots=6, start=drawn.start, treat="hidden")
    effect = estimate(design, "events", method=method, draws=2_000, seed=1)
    assert not [check.message for check in effect.checks if check.status == "fail"]
    assert effect.interval[0] < 0.5 < effect.interval[1]
    # six pilots with shocks of 0.3 that fade know the log ratio to about 0.15
    assert 0.33 < effect.estimate < 0.75
