from __future__ import annotations

import pandas as pd
import pytest

from averting.data import Panel
from averting.data.combine import add_up
from averting.errors import DataError


def test_bounds_and_states_add_up() -> None:
    frame = pd.DataFrame(
        {
            "school": ["a", "a", "b", "b"],
            "year": ["2016/17", "2017/18"] * 2,
            "pupils": 900,
            "one": ["3", "x", "", "2"],
            "two": ["4", "1", "5", "x"],
        }
    )
    panel = Panel.from_frame(
        frame, school="school", period="year", counts=["one", "two"], exposure="pupils", symbols={"x": (1, 2)}
    )
    both = add_up(panel, ("one", "two"), key="sum").to_frame()
    assert both["sum_status"].tolist() == ["observed", "suppressed", "missing", "suppressed"]
    assert both["sum"].tolist()[0] == 7
    assert both["sum_lower"].tolist() == [7, 2, 0, 3]
    assert both["sum_upper"].tolist() == [7, 3, float("inf"), 4]
    with pytest.raises(DataError, match="three"):
        add_up(panel, ("one", "three"), key="sum")
