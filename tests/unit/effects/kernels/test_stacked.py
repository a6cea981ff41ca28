"""Stacked difference-in-differences against a peer and against group-time effects."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from averting.effects.kernels.aggregation import Shares, aggregate, standard_errors
from averting.effects.kernels.group_time import group_time_effects
from averting.effects.kernels.stacked import stacked_effects, widest_window


def test_widest_window():
    time, cohort = np.array([0.0, 1, 2, 5, 6, 7]), np.array([2.0, 5.0, np.inf])
    assert widest_window(cohort, time) == (2, 2)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(("before", "after"), [(1, 0), (2, 1), (1, 1)])
def test_agrees_with_diff_diff(shared, peer, before, after):
    frame = pd.read_csv(shared / "reference" / "causal" / "mpdta.csv").sort_values(["countyreal", "year"])
    named = frame.rename(columns={"first.treat": "first"})
    model = peer("diff_diff").StackedDiD(kappa_pre=before, kappa_post=after, control_group="not_yet_treated")
    theirs = model.fit(named, "lemp", "countyreal", "year", "first", aggregate="event_study").event_study_effects
    outcome = frame.pivot(index="countyreal", columns="year", values="lemp").to_numpy()
    cohort = frame.groupby("countyreal")["first.treat"].first().to_numpy().astype(float)
    cohort = np.where(cohort == 0, np.inf, cohort)
    cells = stacked_effects(outcome, cohort, np.arange(2003.0, 2008.0), before=before, after=after).cells
    rows = aggregate(cells, Shares(cohort, np.ones(len(cohort)), False), "event_time").rows
    errors = standard_errors(rows.influence)
    assert set(rows.label) == set(theirs) - {-1}
    for label, effect, error in zip(rows.label, rows.effect, errors, strict=True):
        assert effect == pytest.approx(theirs[label]["effect"], rel=1e-6)
        assert error == pytest.approx(theirs[label]["se"], rel=1e-6)


def test_one_cohort_is_group_time_from_one_base():
    rng = np.random.default_rng(2)
    outcome, time = rng.normal(size=(12, 6)), np.arange(6.0)
    cohort = np.array([3.0] * 4 + [np.inf] * 8)
    stacked = stacked_effects(outcome, cohort, time, before=3, after=2)
    whole = group_time_effects(outcome, cohort, time, base="universal")
    np.testing.assert_allclose(stacked.cells.effect, whole.cells.effect)
    part = np.arange(len(stacked.cells.effect)) * 1.0
    np.testing.assert_allclose(stacked.outcome_weights(part, 6), whole.outcome_weights(part, 6))
