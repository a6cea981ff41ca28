from __future__ import annotations

from itertools import combinations

import numpy as np
import pandas as pd
import pytest

from averting.data import Panel
from averting.design import Design, balance, regression_to_mean
from averting.draws import stream

YEARS = [f"20{y}/{y + 1}" for y in range(10, 30)]


def design_of(counts: np.ndarray, pilots: int = 2, **covariates: np.ndarray) -> Design:
    schools, periods = counts.shape
    frame = pd.DataFrame(
        {
            "urn": np.repeat([f"{100 + i}" for i in range(schools)], periods),
            "year": np.tile(YEARS[:periods], schools),
            "suspensions": counts.ravel(),
            "pupils": 500,
            **{name: np.repeat(value, periods) for name, value in covariates.items()},
        }
    )
    panel = Panel.from_frame(
        frame, school="urn", period="year", counts=["suspensions"], exposure="pupils", covariates=list(covariates)
    )
    return Design(panel, [f"{100 + i}" for i in range(pilots)], start=YEARS[5])


def draws(seed: int, schools: int = 22, years: int = 7) -> np.ndarray:
    return stream(seed, "test").poisson(6.0, size=(schools, years))


def test_pilots_chosen_at_their_worst_are_found_and_the_fall_foretold() -> None:
    falls, told = [], []
    for seed in range(30):
        counts = draws(seed, 60, 20)
        worst = np.argsort(-counts[:, 4], kind="stable")
        design = design_of(counts[worst], pilots=4)
        found = regression_to_mean(design, "suspensions")
        assert found.check.status == "warn"
        assert found.p_value < 0.05
        chosen = counts[worst[:4]]
        falls.append(1 - chosen[:, 5:].mean() / chosen[:, :5].mean())
        told.append(found.expected_fall)
    # what was foretold without looking after the start is what happened, without any programme
    assert np.mean(told) == pytest.approx(np.mean(falls), abs=0.05)
    assert np.mean(falls) > 0.1


def test_pilots_chosen_without_regard_to_the_last_year_are_rarely_suspected() -> None:
    p_values = [regression_to_mean(design_of(draws(seed)), "suspensions").p_value for seed in range(200)]
    assert np.mean(np.array(p_values) <= 0.1) == pytest.approx(0.1, abs=0.06)
    assert np.mean(p_values) == pytest.approx(0.5, abs=0.08)


def test_p_value_is_the_share_of_sets_counted_one_by_one() -> None:
    counts = draws(3, 9)
    found = regression_to_mean(design_of(counts), "suspensions")
    early, late = counts[:, :4].sum(1).astype(float), counts[:, 4].astype(float)
    odds = late[2:].sum() / early[2:].sum()
    share = odds / (1 + odds)
    excess, variance = late - (early + late) * share, (early + late) * share * (1 - share)
    statistic = {s: excess[list(s)].sum() / np.sqrt(variance[list(s)].sum()) for s in combinations(range(9), 2)}
    expected = np.mean([value >= statistic[0, 1] - 1e-9 for value in statistic.values()])
    assert found.p_value == pytest.approx(expected)
    table = found.table.set_index("group")
    assert table.loc["pilots", "earlier_rate"] == pytest.approx(100 * counts[:2, :4].sum() / (2 * 4 * 500))
    assert table.loc["comparison", "last_rate"] == pytest.approx(100 * counts[2:, 4].sum() / (7 * 500))


def test_nothing_after_the_start_bears_on_the_check() -> None:
    counts = draws(5)
    changed = counts.copy()
    changed[:, 5:] = 40
    first, second = (regression_to_mean(design_of(c), "suspensions") for c in (counts, changed))
    assert first.p_value == second.p_value
    assert first.expected_fall == second.expected_fall


def test_one_year_before_the_start_says_that_nothing_can_be_seen() -> None:
    counts = draws(1)
    frame = design_of(counts).panel.select(periods=YEARS[4:7])
    design = Design(frame, ["100", "101"], start=YEARS[5])
    found = regression_to_mean(design, "suspensions")
    assert found.check.status == "info"
    assert np.isnan(found.p_value)


def test_balance_tells_spread_and_overlap_and_counts_covariates() -> None:
    fsm = np.concatenate([[10.0, 90.0], np.linspace(5, 50, 20)])
    table = balance(design_of(draws(2), fsm=fsm)).set_index("measure")
    assert table.loc["fsm", "pilots"] == 50.0
    assert table.loc["fsm", "overlap"] == 0.5
    assert table.loc["fsm", "variance_ratio"] == pytest.approx(np.var(fsm[:2], ddof=1) / np.var(fsm[2:], ddof=1))
    assert table.loc["suspensions, per 100", "overlap"] in (0.0, 0.5, 1.0)
