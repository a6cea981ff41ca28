"""Shares and means stand beside counts: kept as written, never counted."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from averting.data import Panel, join_schools, read_panel
from averting.design import Design
from averting.effects import estimate
from averting.errors import DataError, EstimationError

YEARS = ("2016/17", "2017/18", "2018/19")


def frame(schools: int = 14) -> pd.DataFrame:
    rng = np.random.default_rng(1)
    return pd.DataFrame(
        [
            {
                "school": f"{100_000 + number}", "period": year, "exposure": 500 + 100 * number,
                "suspensions": int(rng.poisson(20)), "attainment_8": f"{40 + rng.normal():.3f}",
                "english_and_maths": f"{rng.uniform():.4f}",
            }
            for number in range(schools)
            for year in YEARS
        ]
    )  # fmt: skip


def from_frame(table: pd.DataFrame) -> Panel:
    return Panel.from_frame(
        table, school="school", period="period", counts=["suspensions"], exposure="exposure",
        measures={"attainment_8": "mean", "english_and_maths": "share"}, symbols={"c": (1, 4)},
    )  # fmt: skip


def test_values_are_neither_rounded_nor_counted() -> None:
    table = frame()
    table.loc[0, "attainment_8"] = "-0.31"
    table.loc[1, "attainment_8"] = ""
    table.loc[2, "english_and_maths"] = "c"
    panel = from_frame(table)
    assert panel.indicators == ("suspensions",)
    assert panel.measures == {"attainment_8": "mean", "english_and_maths": "share"}
    got = panel.measure("attainment_8").to_numpy().ravel()
    np.testing.assert_array_equal(got, pd.to_numeric(table["attainment_8"]).to_numpy())
    share = panel.measure("english_and_maths").to_numpy().ravel()
    assert np.isnan(share[2])
    assert np.isfinite(np.delete(share, 2)).all()
    assert panel.to_frame()["attainment_8"][0] == -0.31


def test_a_tidy_file_gives_what_is_declared_as_share_or_mean(tmp_path: Path) -> None:
    table = frame().rename(columns={"attainment_8": "att8"})
    table.to_csv(tmp_path / "schools.csv", index=False)
    panel = read_panel(tmp_path / "schools.csv", source="tidy", columns={"attainment_8": "att8"})
    assert panel.measures == {"attainment_8": "mean", "english_and_maths": "share"}
    assert panel.indicators == ("suspensions",)


def test_a_file_of_shares_alone_is_no_panel(tmp_path: Path) -> None:
    frame().drop(columns="suspensions").to_csv(tmp_path / "schools.csv", index=False)
    with pytest.raises(DataError, match="no column of counts"):
        read_panel(tmp_path / "schools.csv", source="tidy")


def test_they_survive_the_disk_and_selection(tmp_path: Path) -> None:
    panel = from_frame(frame())
    panel.to_netcdf(tmp_path / "panel.nc")
    again = Panel.from_netcdf(tmp_path / "panel.nc")
    assert again.measures == panel.measures
    np.testing.assert_array_equal(again.measure("attainment_8"), panel.measure("attainment_8"))
    part = again.select(schools=["100003"], periods=YEARS[:1])
    assert part.measure("english_and_maths").shape == (1, 1)


def test_joined_schools_have_the_mean_over_their_pupils() -> None:
    table = frame(4)
    table.loc[(table["school"] == "100001") & (table["period"] == YEARS[2]), "school"] = "200000"
    gone = (table["school"] == "100000") & (table["period"] == YEARS[2])
    links = pd.DataFrame(
        {
            "before": ["100000", "100001"], "after": ["200000"] * 2, "how": "Successor",
            "date": pd.Timestamp(2018, 9, 1), "directed": True,
        }
    )  # fmt: skip
    joined = join_schools(from_frame(table[~gone]), links).panel
    first = table[(table["period"] == YEARS[0]) & table["school"].isin(["100000", "100001"])]
    expected = np.average(first["attainment_8"].astype(float), weights=first["exposure"])
    (series,) = joined.ids(["100000"])
    found = joined.measure("attainment_8").sel(school=series, period=YEARS[0])
    assert float(found) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("column", "cell", "found"),
    [
        ("english_and_maths", "63", "a share that is not between 0 and 1"),
        ("attainment_8", "good", "a mean that is not a number"),
        ("attainment_8", "inf", "a mean that is not a number"),
    ],
)
def test_faults_are_told_with_their_row(column: str, cell: str, found: str) -> None:
    table = frame()
    table.loc[3, column] = cell
    with pytest.raises(DataError, match=f"row 5, {column}: {found}"):
        from_frame(table)


def test_only_shares_and_means_are_measures() -> None:
    with pytest.raises(DataError, match="suspensions is 'count'"):
        Panel.from_frame(
            frame(), school="school", period="period", counts=["suspensions"], exposure="exposure",
            measures={"suspensions": "count"},
        )  # fmt: skip


def test_estimators_of_counts_refuse_them_by_name() -> None:
    design = Design(from_frame(frame()), ["100000"], start="2018/19")
    with pytest.raises(EstimationError, match=r"'attainment_8' .* is declared as a mean"):
        estimate(design, "attainment_8")
