"""Figures of an appraisal: their alternative text is their numbers, and the same numbers make the same bytes."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from averting.reporting import money_figures

TABLE = pd.DataFrame(
    {
        "label": ["Averted", "Top-up"],
        "npv_low": [-50_000.0, 1_000.0],
        "npv_high": [70_000.0, 9_000.0],
        "npv": [5_000.0] * 2,
    }
)
GRID = xr.DataArray([[-10_000.0, 20_000.0], [-30_000.0, 40_000.0]], coords={"a": [1.0, 2.0], "b": [3.0, 4.0]})
SHARES = xr.DataArray([[0.7, 0.2], [0.3, 0.8]], coords={"scenario": ["no", "yes"], "threshold": [0.0, 50_000.0]})
NET = xr.DataArray(
    np.array([[-1_000.0, 3_000.0], [-1_000.0, 5_000.0]]), dims=("draw", "year"), coords={"year": [2022, 2023]}
)
FIGURES = {
    "waterfall": (
        lambda: money_figures.waterfall(pd.Series({"School": -2_000.0, "LA": 5_000.0})),
        ["£5,000", "Together £3,000"],
    ),
    "cash": (lambda: money_figures.cash_by_year(NET), ["2023-24 £4,000", "Together £3,000"]),
    "acceptability": (
        lambda: money_figures.acceptability(SHARES, labels={"yes": "Programme"}, posterior=False),
        ["Programme 30% and 80%", "share of draws", "£50,000"],
    ),
    "tornado": (
        lambda: money_figures.tornado(TABLE, most=1),
        ["£70,000", "£5,000 as it stands", "1 narrower not shown"],
    ),
    "map": (
        lambda: money_figures.break_even_map(GRID, x_label="cost", y_label="effect"),
        ["£40,000", "50% of the cells pay"],
    ),
    "map with a mark": (
        lambda: money_figures.break_even_map(
            GRID, x_label="cost", y_label="averted", now=(3.5, 1.2), interval=(-1.0, 9.0)
        ),
        ["It stands at 1 (", "1 to 9) averted and 4."],
    ),
}


@pytest.mark.parametrize("name", FIGURES)
def test_the_numbers_stand_in_the_words(name):
    make, told = FIGURES[name]
    figure = make()
    assert [words for words in told if words not in figure.alt] == []
    assert figure.svg.startswith("<?xml")
    assert make() == figure


def test_only_a_posterior_is_called_a_chance():
    assert "chance" in money_figures.acceptability(SHARES, labels={}, posterior=True).alt
    assert "chance" not in money_figures.acceptability(SHARES, labels={}, posterior=False).alt
