from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from averting.data import Panel
from averting.errors import DataError

ROLES: dict[str, Any] = {
    "school": "urn",
    "period": "time_period",
    "exposure": "headcount",
    "counts": {"permanent_exclusions": "perm_excl", "suspensions": "fixed_excl"},
    "symbols": {"x": (1, 2)},
}


def panel_of(frame: pd.DataFrame, **changes: Any) -> Panel:
    return Panel.from_frame(frame, **{**ROLES, **changes})


def refusal(frame: pd.DataFrame, **changes: Any) -> str:
    with pytest.raises(DataError) as caught:
        panel_of(frame, **changes)
    return str(caught.value)


# --- what a panel holds ---------------------------------------------------------------------------


def test_panel_has_documented_shape(good: pd.DataFrame) -> None:
    panel = panel_of(good, name="school_name", la="la_name")
    assert panel.indicators == ("permanent_exclusions", "suspensions")
    assert panel.schools == ("100001", "100002", "100003")
    assert panel.periods == ("2015/16", "2016/17")
    assert panel.level == "school"
    for name in ("value", "lower", "upper", "status"):
        assert panel.data[name].dims == ("indicator", "school", "period")
    assert panel.data["status"].dtype == np.int8
    assert panel.data["status"].attrs["flag_meanings"].split()[1] == "suppressed"
    assert panel.data["name"].values.tolist() == ["A", "B", "C"]
    assert panel.data["region"].values.tolist() == ["", "", ""]


def test_suppressed_count_is_an_interval(good: pd.DataFrame) -> None:
    lower, upper = panel_of(good).bounds("permanent_exclusions")
    cell = {"school": "100002", "period": "2015/16"}
    assert (lower.sel(cell), upper.sel(cell)) == (1, 2)
    assert lower.attrs["units"] == "events"
    assert math.isnan(panel_of(good).data["value"].sel(indicator="permanent_exclusions", **cell))


def test_absent_school_year_is_missing(good: pd.DataFrame) -> None:
    panel = panel_of(good.drop(index=5))
    cell = panel.data.sel(school="100003", period="2016/17")
    assert cell["status"].values.tolist() == [2, 2]
    assert cell["lower"].values.tolist() == [0, 0] and np.isinf(cell["upper"].values).all()
    assert np.isnan(cell["exposure"])


def test_blank_count_is_missing_not_zero(good: pd.DataFrame) -> None:
    good.loc[0, "perm_excl"] = ""
    good.loc[1, "perm_excl"] = float("nan")
    status = panel_of(good).data["status"].sel(indicator="permanent_exclusions", school="100001")
    assert status.values.tolist() == [2, 2]


def test_no_pupils_and_no_events_is_not_applicable(good: pd.DataFrame) -> None:
    good.loc[4, ["headcount", "perm_excl", "fixed_excl"]] = "0"
    cell = panel_of(good).data.sel(school="100003", period="2015/16")
    assert cell["status"].values.tolist() == [3, 3]
    assert np.isnan(cell["upper"].values).all() and np.isnan(cell["exposure"])


def test_open_symbol_is_missing(good: pd.DataFrame) -> None:
    good.loc[0, "perm_excl"] = "?"
    panel = panel_of(good, symbols={"x": (1, 2), "?": (0, math.inf)})
    assert panel.data["status"].sel(school="100001", period="2015/16").values.tolist() == [2, 0]


def test_latest_attributes_are_used_and_changes_are_said(good: pd.DataFrame) -> None:
    good.loc[1, "la_name"] = "Trafford"
    panel = panel_of(good.iloc[::-1].reset_index(drop=True), la="la_name")
    assert panel.data["la"].sel(school="100001") == "Trafford"
    assert [check.key for check in panel.checks] == ["data/la_changed"]


def test_numbers_and_text_give_the_same_panel(good: pd.DataFrame) -> None:
    numbers = good.assign(
        fixed_excl=good["fixed_excl"].astype(float),
        headcount=good["headcount"].astype(int),
        urn=good["urn"].astype(int),
        time_period=good["time_period"].astype(float),
    )
    assert panel_of(numbers).data.identical(panel_of(good).data)


def test_repr_names_size_years_and_suppression(good: pd.DataFrame) -> None:
    text = repr(panel_of(good))
    assert "3 schools × 2 academic years (2015/16–2016/17)" in text
    assert "5 observed, 1 suppressed, 0 missing" in text


def test_suppression_summary_counts_cells(good: pd.DataFrame) -> None:
    summary = panel_of(good.drop(index=5)).suppression_summary().set_index(["indicator", "period"])
    assert summary.loc[("permanent_exclusions", "2015/16")].tolist() == [2, 1, 0, 0]
    assert summary.loc[("permanent_exclusions", "2016/17")].tolist() == [2, 0, 1, 0]


# --- select ---------------------------------------------------------------------------------------


def test_select_keeps_panel_order(good: pd.DataFrame) -> None:
    panel = panel_of(good).select(schools=["100003", "100001"], periods=["201617"])
    assert panel.schools == ("100001", "100003")
    assert panel.periods == ("2016/17",)


@pytest.mark.parametrize(
    ("choice", "found"),
    [
        ({"schools": ["100009"]}, "100009"),
        ({"periods": ["2019/20"]}, "2019/20"),
        ({"periods": ["autumn"]}, "'autumn'"),
        ({"schools": []}, "nothing"),
        ({"schools": "100001"}, "Give a list"),
    ],
)
def test_select_refuses_what_is_not_there(good: pd.DataFrame, choice: Any, found: str) -> None:
    with pytest.raises(DataError, match=found):
        panel_of(good).select(**choice)


def test_bounds_refuses_unknown_indicator(good: pd.DataFrame) -> None:
    with pytest.raises(DataError, match=r"managed_moves.*permanent_exclusions, suspensions"):
        panel_of(good).bounds("managed_moves")


# --- bad input, one test each ---------------------------------------------------------------------


def test_missing_column(good: pd.DataFrame) -> None:
    text = refusal(good.rename(columns={"headcount": "head_count"}))
    assert "frame, headcount: there is no column 'headcount'; 'head_count' is there" in text


def test_duplicated_school_year_names_both_rows(good: pd.DataFrame) -> None:
    text = refusal(pd.concat([good, good.iloc[[1]]]))
    assert "row 3, row 8, urn: the same school and year 2016/17 twice" in text


def test_unknown_symbol(good: pd.DataFrame) -> None:
    text = refusal(good, symbols=None)
    assert "frame, row 4, perm_excl: 'x' is neither a count nor a declared symbol" in text


def test_negative_count_is_not_shown(good: pd.DataFrame) -> None:
    good.loc[2, "fixed_excl"] = "-7"
    text = refusal(good)
    assert "frame, row 4, fixed_excl: a negative count" in text
    assert "7" not in text


def test_fractional_count_is_not_shown(good: pd.DataFrame) -> None:
    good.loc[2, "fixed_excl"] = "7.5"
    text = refusal(good)
    assert "frame, row 4, fixed_excl: a fractional count" in text
    assert "7" not in text


@pytest.mark.parametrize("cell", ["1,234", "7*", "1 234", "inf"])
def test_text_that_could_be_a_count_is_not_shown(good: pd.DataFrame, cell: str) -> None:
    good.loc[2, "fixed_excl"] = cell
    text = refusal(good)
    assert "row 4, fixed_excl" in text
    assert cell == "inf" or cell not in text


def test_exposure_that_is_no_number(good: pd.DataFrame) -> None:
    good.loc[3, "headcount"] = "about 900"
    good.loc[4, "headcount"] = "-800"
    text = refusal(good)
    assert "frame, rows 5, 6, headcount: not a number that an exposure can be" in text
    assert "900" not in text
    assert "1 fault" in text


def test_numbers_with_commas_say_how_to_write_them(good: pd.DataFrame) -> None:
    good.loc[3, "headcount"] = "1,021"
    good.loc[4, "perm_excl"] = "1,021"
    text = refusal(good)
    assert "frame, row 5, headcount: a number with a comma in it. Write it without commas: in Excel" in text
    assert "frame, row 6, perm_excl: a number with a comma in it" in text
    assert "021" not in text


def test_zero_exposure_with_events(good: pd.DataFrame) -> None:
    good.loc[3, "headcount"] = "0"
    assert "frame, row 5, headcount: exposure is 0, yet there are events" in refusal(good)


def test_blank_exposure_with_counts(good: pd.DataFrame) -> None:
    good.loc[3, "headcount"] = ""
    assert "frame, row 5, headcount: no exposure, yet there are counts" in refusal(good)


@pytest.mark.parametrize("period", ["2016", "201618", "Autumn", ""])
def test_bad_period(good: pd.DataFrame, period: str) -> None:
    good.loc[3, "time_period"] = period
    assert f"frame, row 5, time_period: '{period}' is not an academic year" in refusal(good)


def test_blank_school(good: pd.DataFrame) -> None:
    good.loc[3, "urn"] = ""
    assert "frame, row 5, urn: there is no school id" in refusal(good)


def test_empty_frame(good: pd.DataFrame) -> None:
    assert "no rows" in refusal(good.iloc[:0])


@pytest.mark.parametrize("counts", ["perm_excl", [], {}])
def test_counts_must_name_columns(good: pd.DataFrame, counts: Any) -> None:
    assert "counts names no column" in refusal(good, counts=counts)


def test_level_must_be_known(good: pd.DataFrame) -> None:
    assert "Use one of: school, local authority" in refusal(good, level="pupil")


def test_all_faults_come_in_one_error(good: pd.DataFrame) -> None:
    good.loc[0, "perm_excl"] = "-1"
    good.loc[1, "fixed_excl"] = "1.5"
    good.loc[2, "time_period"] = "2016"
    good.loc[3, "headcount"] = "n/a"
    text = refusal(pd.concat([good, good.iloc[[5]]]), symbols=None, la="local_authority")
    for part in (
        "negative",
        "fractional",
        "academic year",
        "exposure",
        "'x' is neither",
        "twice",
        "local_authority",
    ):
        assert part in text
    assert "7 faults" in text


def test_a_symbol_in_many_rows_is_one_fault_that_says_how_to_declare_it(good: pd.DataFrame) -> None:
    good["perm_excl"] = "q"
    text = refusal(good)
    assert text.startswith("frame cannot be read as a panel: 1 fault\n")
    assert (
        f"rows 2, 3, 4, 5, 6 and {len(good) - 5} more, perm_excl: 'q' is neither a count nor a declared symbol"
        in text
    )
    assert "q = [1, 4] under [data.symbols] in evaluation.toml, or symbols={'q': (1, 4)} in Python" in text


def test_long_lists_are_capped_aloud_and_show_every_kind() -> None:
    size = 60
    frame = pd.DataFrame(
        {
            "urn": [str(i) for i in range(size)],
            "time_period": "2016/17",
            "headcount": "100",
            "perm_excl": ["abcdef"[i // 10] + "ghijklmnop"[i % 10] for i in range(size)],
            "fixed_excl": ["1"] * (size - 1) + ["-3"],
        }
    )
    text = refusal(frame)
    assert "61 faults (20 listed, and 41 more)" in text
    assert text.count("\n  - ") == 20
    assert "a negative count" in text


# --- round trips ----------------------------------------------------------------------------------


def test_netcdf_round_trip_and_identical_bytes(good: pd.DataFrame, tmp_path: Path) -> None:
    good.loc[1, "la_name"] = "Trafford"
    good["school_name"] = "École " + good["school_name"]
    panel = panel_of(good, name="school_name", la="la_name")
    for name in ("a.nc", "b.nc"):
        panel_of(good, name="school_name", la="la_name").to_netcdf(tmp_path / name)
    back = Panel.from_netcdf(tmp_path / "a.nc")
    back.to_netcdf(tmp_path / "c.nc")
    assert back.data.identical(panel.data)
    assert back.checks == panel.checks != ()
    assert len({(tmp_path / name).read_bytes() for name in ("a.nc", "b.nc", "c.nc")}) == 1
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.nc", "b.nc", "c.nc"]


def test_netcdf_of_something_else_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "other.nc"
    path.write_text("not netCDF")
    with pytest.raises(DataError, match=r"other\.nc is not a panel"):
        Panel.from_netcdf(path)


def test_dataset_that_is_no_panel_is_refused(good: pd.DataFrame) -> None:
    with pytest.raises(DataError, match="upper"):
        Panel(panel_of(good).data.drop_vars("upper"))


counts = st.one_of(st.integers(0, 3000).map(str), st.just("x"), st.just(""))
cells = st.dictionaries(
    st.tuples(st.integers(100000, 100005), st.integers(2010, 2014)),
    st.tuples(st.integers(1, 3000), counts, counts),
    min_size=1,
)


@given(cells)
def test_from_frame_round_trip(table: dict[tuple[int, int], tuple[int, str, str]]) -> None:
    rows = [
        {
            "urn": str(urn),
            "time_period": f"{year}{year + 1 - 2000}",
            "headcount": str(pupils),
            "a": first,
            "b": second,
        }
        for (urn, year), (pupils, first, second) in table.items()
    ]
    panel = panel_of(pd.DataFrame(rows), counts=["a", "b"])
    tidy = panel.to_frame().set_index(["school", "period"])
    assert len(tidy) == len(panel.schools) * len(panel.periods)
    expected = {"x": ("suppressed", 1.0, 2.0), "": ("missing", 0.0, math.inf)}
    for (urn, year), (pupils, first, second) in table.items():
        row = tidy.loc[(str(urn), f"{year}/{year + 1 - 2000}")]
        assert row["exposure"] == pupils
        for name, text in (("a", first), ("b", second)):
            found = (row[f"{name}_status"], row[f"{name}_lower"], row[f"{name}_upper"])
            assert found == (expected[text] if text in expected else ("observed", float(text), float(text)))
    absent = tidy.loc[tidy["exposure"].isna()]
    assert len(tidy) - len(absent) == len(table)
    assert (absent["a_status"] == "missing").all()
