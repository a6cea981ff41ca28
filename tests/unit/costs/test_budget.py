"""Where a budget stands: sums by hand, and a rating that honours how uncertain a forecast is."""

from __future__ import annotations

import pytest

from averting.costs.budget import BudgetLine, budget_position
from averting.errors import ParameterError

LINES = {
    "top-up": BudgetLine(1_000, 600, 1_020),
    "places": BudgetLine(500, 200, 480),
    "support": BudgetLine(200, 150, 230),
}


def test_variance_share_and_balance_by_hand():
    table = budget_position(LINES, amber=0.01, red=0.05, reserve=-100).set_index("line")
    assert table["variance"].to_dict() == {"top-up": 20, "places": -20, "support": 30, "all": 30}
    assert table.loc["support", "share"] == pytest.approx(0.15)
    assert table["rating"].to_dict() == {"top-up": "amber", "places": "green", "support": "red", "all": "amber"}
    assert table.loc["all", "balance"] == -130


def test_a_forecast_that_may_be_either_is_neither_red_nor_green():
    wide = {"support": BudgetLine(200, 150, 230, lower=190, upper=260)}
    table = budget_position(wide, amber=0.01, red=0.05).set_index("line")
    assert table["rating"].tolist() == ["amber", "amber"]
    sure = {"support": BudgetLine(200, 150, 230, lower=220, upper=260)}
    assert budget_position(sure, amber=0.01, red=0.05)["rating"].tolist() == ["red", "red"]


@pytest.mark.parametrize(
    ("lines", "amber", "told"),
    [
        ({}, 0.01, "there is none"),
        ({"all": BudgetLine(1, 1, 1)}, 0.01, "the sum's name"),
        ({"x": BudgetLine(0, 1, 1)}, 0.01, "not above 0"),
        ({"x": BudgetLine(1, 1, 1, lower=2)}, 0.01, "not within its interval"),
        (LINES, 0.5, "amber < red"),
    ],
)
def test_what_cannot_be_rated_is_refused(lines, amber, told):
    with pytest.raises(ParameterError, match=told):
        budget_position(lines, amber=amber, red=0.05)
