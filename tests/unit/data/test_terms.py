"""Panels by term."""

from __future__ import annotations

import pandas as pd
import pytest

from averting.data import Panel
from averting.errors import DataError

# in no order, and with two spellings
PERIODS = ["2021/22 Summer", "202122 autumn term", "2020/21 Summer", "2021/22 Spring"]
IN_TIME = ("2020/21 Summer", "2021/22 Autumn", "2021/22 Spring", "2021/22 Summer")


def frame(periods: list[str]) -> pd.DataFrame:
    rows = [(school, period, 900, i) for school in "ab" for i, period in enumerate(periods)]
    return pd.DataFrame(rows, columns=["school", "period", "pupils", "suspensions"])


def panel_of(periods: list[str]) -> Panel:
    return Panel.from_frame(
        frame(periods), school="school", period="period", counts=["suspensions"], exposure="pupils"
    )


def test_terms_are_in_order_of_time_with_their_own_counts() -> None:
    panel = panel_of(PERIODS)
    assert panel.periods == IN_TIME
    assert panel.termly
    assert panel.data["value"].sel(indicator="suspensions", school="a").values.tolist() == [2, 1, 3, 0]
    assert "2 schools × 4 terms (2020/21 Summer–2021/22 Summer)" in repr(panel)


def test_a_year_selects_its_terms() -> None:
    panel = panel_of(PERIODS)
    assert panel.select(periods=["2021/22"]).periods == IN_TIME[1:]
    assert panel.select(periods=["2021/22 Spring term", "2020/21"]).periods == ("2020/21 Summer", "2021/22 Spring")
    with pytest.raises(DataError, match="2019/20 not in the panel"):
        panel.select(periods=["2021/22", "2019/20"])


def test_years_and_terms_in_one_table_are_refused() -> None:
    with pytest.raises(DataError, match="period: there are whole years and single terms"):
        panel_of([*PERIODS, "2019/20"])


def test_a_combination_of_terms_is_refused() -> None:
    with pytest.raises(DataError, match="'2021/22 Autumn and spring term' is not an academic year or one term"):
        panel_of([*PERIODS, "2021/22 Autumn and spring term"])


def test_a_termly_panel_is_stored_and_read_again(tmp_path) -> None:
    panel = panel_of(PERIODS)
    panel.to_netcdf(tmp_path / "panel.nc")
    again = Panel.from_netcdf(tmp_path / "panel.nc")
    assert again.periods == IN_TIME
    assert again.data.equals(panel.data)
