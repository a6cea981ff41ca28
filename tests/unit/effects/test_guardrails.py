from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from averting.effects.guardrails import (
    COMBINED,
    FELL,
    NOT_ESTIMABLE,
    ROSE,
    UNCLEAR,
    guardrail_check,
    guardrail_table,
    holm,
)

LABELS = {"suspensions": "suspensions", "managed_moves": "managed moves", "home": "home education"}


def test_holm_is_that_of_statsmodels(peer) -> None:
    multitest = peer("statsmodels.stats.multitest")
    p_values = np.random.default_rng(1).uniform(0, 0.3, 9)
    assert holm(p_values) == pytest.approx(multitest.multipletests(p_values, method="holm")[1])


def test_holm_by_hand() -> None:
    found = holm(np.array([0.01, 0.04, np.nan, 0.03]))
    assert found[[0, 1, 3]] == pytest.approx([0.03, 0.06, 0.06])
    assert np.isnan(found[2])


def test_one_rise_among_many_that_chance_would_give_is_not_called(make_effect) -> None:
    rise = make_effect(estimate=2.0, interval=(1.05, 4.0), p_value=0.03)
    flat = make_effect(interval=(0.5, 2.0), p_value=0.6)
    alone = guardrail_table({"managed_moves": rise})
    assert alone["finding"].tolist() == [ROSE]
    among = guardrail_table({"managed_moves": rise, "home": flat, COMBINED: rise})
    assert among["finding"].tolist() == [UNCLEAR, UNCLEAR, ROSE]  # the sum is not one of the family
    assert among["p_adjusted"].tolist()[:2] == pytest.approx([0.06, 0.6])
    assert np.isnan(among["p_adjusted"][2])


DOWN, WIDE = (0.3, 0.8), (0.5, 1.5)


@pytest.mark.parametrize(
    ("main", "findings", "status", "words"),
    [
        (DOWN, {}, "warn", "may be a move elsewhere"),
        (WIDE, {}, "info", "may be a move elsewhere"),
        (DOWN, {"home": NOT_ESTIMABLE}, "warn", "may be a move elsewhere"),
        (DOWN, {"managed_moves": ROSE, "home": ROSE}, "warn", "managed moves and home education rose"),
        (DOWN, {"managed_moves": ROSE}, "warn", "no success"),
        (WIDE, {"managed_moves": ROSE}, "warn", "pupils may have moved there"),
        (DOWN, {"managed_moves": UNCLEAR, COMBINED: UNCLEAR}, "warn", "cannot be ruled out"),
        (DOWN, {"managed_moves": UNCLEAR, COMBINED: FELL}, "info", "For managed moves it cannot be told"),
        (WIDE, {"managed_moves": UNCLEAR, COMBINED: UNCLEAR}, "info", "For managed moves it cannot be told"),
        (DOWN, {"managed_moves": FELL, COMBINED: FELL}, "pass", "No other way out"),
        (DOWN, {"managed_moves": FELL}, "pass", "No other way out"),
    ],
)
def test_what_is_said_of_moves(make_effect, main, findings, status, words) -> None:
    table = pd.DataFrame({"indicator": list(findings), "finding": list(findings.values())})
    found = guardrail_check(make_effect(interval=main), table, LABELS)
    assert (found.status, words in found.message) == (status, True), found.message
