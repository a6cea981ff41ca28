"""Do placebos in space reject true nulls as often as they say, where schools are alike?

Larger runs, settings where they do not, and power are printed by ``benchmarks/synthetic.py``.
"""

from __future__ import annotations

from types import ModuleType

import numpy as np
from scipy import stats

from averting.effects.estimators.synthetic_did import METHOD
from averting.effects.kernels.placebo import placebo_p, placebo_sets
from averting.effects.synthetic import fit_outcomes

REPLICATIONS, PLACEBOS = 150, 39


def test_synthetic_did_holds_its_size_where_pilots_are_like_the_rest(panels: ModuleType) -> None:
    rng = np.random.default_rng(11)
    drawn = panels.draw_panels(panels.SETTINGS["A: 3 of 60"], REPLICATIONS, ratio=1.0, rng=rng)
    after = np.arange(8) >= drawn.start
    rejected = 0
    for events, pupils in zip(drawn.events, drawn.pupils, strict=True):
        sets, _ = placebo_sets(3, 57, most=PLACEBOS, rng=rng)
        placebos = fit_outcomes(METHOD, 100 * events / pupils, sets, after).placebos
        rejected += int(placebo_p(placebos, np.zeros(1))[0] <= 0.1)  # 0.1: more to count than at 0.05
    fewest, most = stats.binom.ppf([0.0005, 0.9995], REPLICATIONS, 0.1)
    assert fewest <= rejected <= most
