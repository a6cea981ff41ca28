from __future__ import annotations

import gzip
import math
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from averting.data import Panel, read_panel
from averting.errors import DataError, MissingExtraError

EXCLUSIONS = ("permanent_exclusions", "suspensions", "pupils_suspended")
Write = Callable[[pd.DataFrame], Path]
SCHOOLS = "data/dfe_exclusions/schools_secondary_201011_201617.csv.gz"
AUTHORITIES = "data/dfe_exclusions/local_authorities_200607_202324.csv.gz"


def refusal(path: Path, **options: Any) -> str:
    with pytest.raises(DataError) as caught:
        read_panel(path, **options)
    return str(caught.value)


def keys(panel: Panel) -> dict[str, str]:
    return {check.key: check.message for check in panel.checks}


def today(good: pd.DataFrame) -> pd.DataFrame:
    """Return the same schools as Explore Education Statistics lays them out today, with other levels' rows."""
    names = {
        "urn": "school_urn",
        "school_type": "education_phase",
        "fixed_excl": "suspension",
        "one_plus_fixed": "one_plus_susp",
    }
    frame = good.rename(columns=names).assign(
        time_period=["202223", "202324"] * 3, time_identifier="Academic year", geographic_level="School"
    )
    frame = frame.assign(old_la_code="355", one_plus_susp="5", perm_excl=["3", "0", "7", "4", "0", "5"])
    national = frame.iloc[[0]].assign(geographic_level="National", school_urn="z", perm_excl="9376")
    return pd.concat([frame, national], ignore_index=True)


# --- vintages and symbols -------------------------------------------------------------------------


def test_old_school_file(good: pd.DataFrame, write: Write) -> None:
    panel = read_panel(write(good))
    assert panel.indicators == EXCLUSIONS
    assert panel.data["phase"].values.tolist() == ["Secondary"] * 3
    lower, upper = panel.bounds("pupils_suspended")
    assert (lower.sum(), upper.sum()) == (110, 111)
    assert lower.attrs["units"] == "pupils"
    assert "until 2016/17. Symbols: 'x' 1 or 2" in keys(panel)["data/vintage"]


def test_new_school_file_leaves_other_levels_out(good: pd.DataFrame, write: Write) -> None:
    panel = read_panel(write(today(good)), phase="Secondary")
    assert panel.periods == ("2022/23", "2023/24")
    assert panel.data["value"].sel(indicator="permanent_exclusions").sum() == 19
    assert "today's standard" in keys(panel)["data/vintage"]
    assert keys(panel)["data/rows_left_out"].startswith("1 rows")


def test_x_is_missing_in_a_new_file(good: pd.DataFrame, write: Write) -> None:
    frame = today(good)
    frame.loc[0, "perm_excl"] = "x"
    cell = read_panel(write(frame)).data.sel(indicator="permanent_exclusions", school="100001", period="2022/23")
    assert (cell["status"], cell["lower"], cell["upper"]) == (2, 0, math.inf)


@pytest.mark.parametrize("symbol", ["c", "low", "k", "~"])
def test_suppressed_without_stated_bounds_needs_them(good: pd.DataFrame, write: Write, symbol: str) -> None:
    frame = today(good)
    frame.loc[0, "perm_excl"] = symbol
    path = write(frame)
    assert f"row 2, perm_excl: '{symbol}'" in refusal(path)
    panel = read_panel(path, symbols={symbol: (1, 4)})
    lower, upper = panel.bounds("permanent_exclusions")
    assert (lower.sum(), upper.sum()) == (17, 20)
    assert f"'{symbol}' given by the user" in keys(panel)["data/vintage"]


def test_not_applicable_in_a_new_file(good: pd.DataFrame, write: Write) -> None:
    frame = today(good)
    frame.loc[0, "perm_excl"] = "z"
    status = read_panel(write(frame)).data["status"]
    assert status.sel(indicator="permanent_exclusions", school="100001", period="2022/23") == 3


def test_release_of_2018_19_suppressed_nothing(good: pd.DataFrame, write: Write) -> None:
    frame = good.assign(geographic_level="School", time_period=["201718", "201819"] * 3, one_plus_fixed="7")
    assert "'x' is neither a count nor a declared symbol (declared: ':')" in refusal(write(frame))
    panel = read_panel(write(frame.replace({"perm_excl": {"x": ":"}})))
    assert panel.data["status"].sel(indicator="permanent_exclusions", school="100002").values.tolist() == [3, 0]


def test_reissued_file_to_2016_17_means_one_or_two(good: pd.DataFrame, write: Write) -> None:
    panel = read_panel(write(good.assign(geographic_level="School")))
    assert panel.suppression_summary()["suppressed"].sum() == 2


def test_old_layout_with_later_years_is_not_guessed(good: pd.DataFrame, write: Write) -> None:
    text = refusal(write(good.assign(time_period=["201718", "201819"] * 3)))
    assert "runs to 2018/19: what its symbols mean is not known" in text


def test_authority_rows_of_a_new_file(good: pd.DataFrame, write: Write) -> None:
    frame = today(good).iloc[:2].assign(geographic_level="Local authority", education_phase="Total")
    panel = read_panel(write(frame), level="local authority", phase="Total")
    assert panel.schools == ("355",) and panel.level == "local authority"
    assert "local authorities" in repr(panel)


def test_termly_file_is_refused(good: pd.DataFrame, write: Write) -> None:
    text = refusal(write(today(good).assign(time_identifier="Autumn term")))
    assert "time_identifier holds Autumn term, where only 'Academic year' can be read" in text


def test_file_of_another_level_is_refused(good: pd.DataFrame, write: Write) -> None:
    assert "no row with geographic_level 'Local authority'" in refusal(write(today(good)), level="local authority")
    assert "Read it with level='school'" in refusal(write(good), level="local authority")


def test_events_over_no_pupils_are_missing_and_said(good: pd.DataFrame, write: Write) -> None:
    good.loc[3, "headcount"] = "0"
    panel = read_panel(write(good))
    assert panel.data["status"].sel(school="100002", period="2016/17").values.tolist() == [2, 2, 2]
    assert keys(panel)["data/zero_exposure"].startswith("1 school-years")


def test_school_split_by_a_move_is_missing_whole(good: pd.DataFrame, write: Write) -> None:
    moved = good.iloc[[3]].assign(headcount="0", perm_excl="6", la_name="Bolton")
    panel = read_panel(write(pd.concat([good.assign(perm_excl="0"), moved])))
    assert panel.data["status"].sel(school="100002", period="2016/17").values.tolist() == [2, 2, 2]
    assert math.isnan(panel.exposure.sel(school="100002", period="2016/17"))


def test_duplicates_with_pupils_are_refused_in_dfe_files_too(good: pd.DataFrame, write: Write) -> None:
    assert "row 5, row 8, urn: the same school" in refusal(write(pd.concat([good, good.iloc[[3]]])))


def test_fractional_count_is_refused_where_the_vintage_has_none(good: pd.DataFrame, write: Write) -> None:
    good.loc[0, "perm_excl"] = "0.31"
    text = refusal(write(good))
    assert "schools.csv, row 2, perm_excl: a fractional count" in text and "0.31" not in text


# --- layouts --------------------------------------------------------------------------------------


def test_missing_column_is_named(good: pd.DataFrame, write: Write) -> None:
    assert "there is no column 'headcount'" in refusal(write(good.drop(columns="headcount")))


def test_unknown_layout_lists_what_is_lacking(good: pd.DataFrame, write: Write) -> None:
    text = refusal(write(good.rename(columns={"urn": "URN"})))
    assert "no DfE layout averting knows" in text and "the file lacks urn" in text


def test_no_counts(good: pd.DataFrame, write: Write) -> None:
    frame = good.drop(columns=["perm_excl", "fixed_excl", "one_plus_fixed"])
    assert "Give at least one of: perm_excl, fixed_excl" in refusal(write(frame))


def test_indicators_can_be_chosen(good: pd.DataFrame, write: Write) -> None:
    path = write(good.drop(columns="fixed_excl"))
    assert read_panel(path, indicators=["permanent_exclusions"]).indicators == ("permanent_exclusions",)
    assert "It must be called fixed_excl or suspension or susp" in refusal(path, indicators=["suspensions"])
    assert "No DfE file has it" in refusal(path, indicators=["managed_moves"])
    assert "detentions not declared" in refusal(path, indicators=["detentions"])


def test_phase_is_matched_as_documented(good: pd.DataFrame, write: Write) -> None:
    good.loc[4:, "school_type"] = "state-funded primary"
    path = write(good)
    assert read_panel(path, phase="Secondary").schools == ("100001", "100002")
    assert read_panel(path, phase="State-funded primary").schools == ("100003",)
    assert read_panel(path).data["phase"].values.tolist() == ["Secondary", "Secondary", "Primary"]
    assert "no row has phase 'Middle'" in refusal(path, phase="Middle")


def test_rows_keep_their_numbers_when_others_are_left_out(good: pd.DataFrame, write: Write) -> None:
    good.loc[:2, "school_type"] = "Primary"
    good.loc[4, "perm_excl"] = "?"
    assert "schools.csv, row 6, perm_excl: '?'" in refusal(write(good), phase="Secondary")


def test_tidy_with_named_columns(good: pd.DataFrame, write: Write) -> None:
    columns = {
        "school": "urn",
        "period": "time_period",
        "exposure": "headcount",
        "permanent_exclusions": "perm_excl",
        "managed_moves": "fixed_excl",
        "la": "la_name",
    }
    path = write(good)
    panel = read_panel(path, source="tidy", columns=columns, symbols={"x": (1, 2)})
    assert panel.indicators == ("managed_moves", "permanent_exclusions")
    assert panel.data["la"].values.tolist() == ["Salford", "Salford", "Bury"]
    assert "(declared: '')" in refusal(path, source="tidy", columns=columns)
    chosen = read_panel(path, source="tidy", columns=columns, symbols={"x": (1, 2)}, indicators=["managed_moves"])
    assert chosen.indicators == ("managed_moves",)


def test_tidy_with_its_own_names(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text("school,period,exposure,suspensions,phase\na,2020/21,100,5,Primary\nb,2020/21,90,,Secondary\n")
    panel = read_panel(path, source="tidy")
    assert panel.indicators == ("suspensions",)
    assert panel.data["status"].values.ravel().tolist() == [0, 2]
    assert read_panel(path, source="tidy", phase="Primary").schools == ("a",)


def test_tidy_names_a_missing_column(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text("school,year,exposure,suspensions\na,2020/21,100,5\n")
    assert "t.csv, period: there is no column 'period'" in refusal(path, source="tidy")
    path.write_text("a,b\n1,2\n")
    assert "no column of counts" in refusal(path, source="tidy")


def test_options_that_do_not_fit_are_refused(good: pd.DataFrame, write: Write) -> None:
    path = write(good)
    assert "Use one of: dfe_exclusions, dfe_absence, dfe_ap, tidy" in refusal(path, source="excel")
    assert "Use one of: school, local authority" in refusal(path, level="pupil")
    assert "columns belongs to source='tidy'" in refusal(path, columns={"school": "urn"})
    assert "lower first" in refusal(path, symbols={"c": (4, 1)})


# --- files ----------------------------------------------------------------------------------------


def test_byte_order_mark_is_ignored(good: pd.DataFrame, tmp_path: Path, write: Write) -> None:
    path = tmp_path / "bom.csv"
    good.to_csv(path, index=False, encoding="utf-8-sig")
    assert path.read_bytes().startswith(b"\xef\xbb\xbf")
    assert read_panel(path).data.identical(read_panel(write(good)).data)


def test_gzip_gives_the_same_panel(good: pd.DataFrame, tmp_path: Path, write: Write) -> None:
    plain = write(good)
    path = tmp_path / "schools.csv.gz"
    path.write_bytes(gzip.compress(plain.read_bytes()))
    assert read_panel(path).data.identical(read_panel(plain).data)
    path.write_bytes(path.read_bytes()[:80])
    assert "not a whole gzip file" in refusal(path)


def test_parquet_gives_the_same_panel(good: pd.DataFrame, tmp_path: Path, write: Write) -> None:
    path = tmp_path / "schools.parquet"
    good.assign(urn=good["urn"].astype(int)).to_parquet(path)
    assert read_panel(path).data.identical(read_panel(write(good)).data)
    path.write_bytes(b"PAR1 but not really")
    assert "not a readable Parquet file" in refusal(path)


def test_parquet_without_pyarrow_names_the_extra(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "schools.parquet"
    path.write_bytes(b"")
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(MissingExtraError, match=r"averting\[parquet\]"):
        read_panel(path)


def test_other_encoding_is_explained(good: pd.DataFrame, tmp_path: Path) -> None:
    path = tmp_path / "schools.csv"
    good.assign(school_name="Collège").to_csv(path, index=False, encoding="cp1252")
    assert "not UTF-8" in refusal(path)


@pytest.mark.parametrize(("delimiter", "called"), [(";", "semicolons"), ("\t", "tabs"), ("|", "vertical bars")])
def test_wrong_delimiter_is_explained(good: pd.DataFrame, tmp_path: Path, delimiter: str, called: str) -> None:
    path = tmp_path / "schools.csv"
    good.to_csv(path, index=False, sep=delimiter)
    assert f"separates its columns by {called}" in refusal(path)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.csv", "", "is empty"),
        ("a.csv", "urn,school_type\n", "no rows"),
        ("a.csv", "urn,urn\n1,2\n", "column 'urn' occurs twice"),
        ("a.csv", "urn,b\n1,2\n1,2,3,4\n", "not a well-formed CSV file"),
        ("a.csv", "urn,b\n1,2,3\n1,2,3\n", "row 2: 3 fields. The header has 2"),
        ("a.csv", "urn,b\n1,2\n1\n", "row 3: 1 fields. The header has 2"),
        ("a.ods", "PK", r"reads \.csv, \.csv\.gz, \.parquet, \.xlsx, and \.zip"),
    ],
)
def test_unreadable_files_are_explained(tmp_path: Path, name: str, content: str, message: str) -> None:
    path = tmp_path / name
    path.write_text(content)
    with pytest.raises(DataError, match=message):
        read_panel(path)


def test_blank_lines_are_skipped_but_counted(good: pd.DataFrame, tmp_path: Path) -> None:
    good.loc[4, "perm_excl"] = "?"
    lines = good.to_csv(index=False).splitlines()
    path = tmp_path / "schools.csv"
    path.write_text("\n".join([*lines[:3], "", *lines[3:], "", ""]))
    assert "row 7, perm_excl: '?'" in refusal(path)
    path.write_text(path.read_text().replace("?", "1"))
    assert len(read_panel(path).schools) == 3


def test_absent_file(tmp_path: Path) -> None:
    assert "no such file" in refusal(tmp_path / "nowhere.csv")


# --- the real files -------------------------------------------------------------------------------


def raw_bounds(frame: pd.DataFrame, column: str) -> tuple[float, float]:
    """Sum a column's bounds with nothing of averting: x is 1 or 2, a blank is left out."""
    hidden = (frame[column] == "x").sum()
    known = pd.to_numeric(frame[column].where(~frame[column].isin(["x", ""]), "0")).sum()
    return float(known + hidden), float(known + 2 * hidden)


def test_real_school_file_has_the_right_totals(shared: Path) -> None:
    raw = pd.read_csv(shared / SCHOOLS, dtype=str, keep_default_na=False)
    panel = read_panel(shared / SCHOOLS, phase="Secondary")
    counted = raw[raw["headcount"] != "0"]
    # two schools moved authority within a year: their rows with pupils are dropped with those without
    split = raw.duplicated(["urn", "time_period"], keep=False)
    counted = counted[~split[counted.index]]
    for indicator, column in zip(EXCLUSIONS, ["perm_excl", "fixed_excl", "one_plus_fixed"], strict=True):
        lower, upper = panel.bounds(indicator)
        known = panel.data["status"].sel(indicator=indicator).isin([0, 1])
        assert (float(lower.sum()), float(upper.where(known).sum())) == raw_bounds(counted, column)
        year = counted[counted["time_period"] == "201617"]
        one = {"period": "2016/17"}
        assert (float(lower.sel(one).sum()), float(upper.where(known).sel(one).sum())) == raw_bounds(year, column)
    assert panel.exposure.sum() == pd.to_numeric(counted["headcount"]).sum()
    assert len(panel.schools) == raw["urn"].nunique()
    assert keys(panel)["data/zero_exposure"].startswith("134 school-years")


def test_real_school_file_brackets_the_published_national_count(shared: Path) -> None:
    panel = read_panel(shared / SCHOOLS).select(periods=["2016/17"])
    lower, upper = panel.bounds("permanent_exclusions")
    known = panel.data["status"].sel(indicator="permanent_exclusions") < 2
    # DfE: 6,385 permanent exclusions in secondary schools in 2016/17; two authorities are left out of this copy
    assert lower.sum() < 6385 < upper.where(known).sum() * 1.03
    # Timpson Review: 43 % of secondary schools excluded nobody
    share = float((panel.data["value"].sel(indicator="permanent_exclusions") == 0).sum() / known.sum())
    assert share == pytest.approx(0.43, abs=0.01)


def test_real_authority_file_has_the_right_totals(shared: Path) -> None:
    raw = pd.read_csv(shared / AUTHORITIES, dtype=str, keep_default_na=False)
    panel = read_panel(shared / AUTHORITIES, level="local authority", phase="Secondary")
    counted = raw[(raw["school_type"] == "Secondary") & (raw["headcount"] != "0")]
    whole = counted[~counted["perm_excl"].str.contains(".", regex=False)]
    for indicator, column, rows in [
        ("permanent_exclusions", "perm_excl", whole),
        ("suspensions", "susp", counted),
        ("pupils_suspended", "one_plus_susp", counted),
    ]:
        lower, upper = panel.bounds(indicator)
        known = panel.data["status"].sel(indicator=indicator).isin([0, 1])
        assert (float(lower.sum()), float(upper.where(known).sum())) == raw_bounds(rows, column)
    assert keys(panel)["data/fractional_count"].startswith("3 counts")
    assert keys(panel)["data/zero_exposure"].startswith("4 local authority-years")
    assert panel.data["name"].sel(school="208") == "Lambeth"
    assert not (panel.data["status"].sel(school=["208", "352", "356"]) == 2).any()


def test_real_authority_file_needs_a_phase(shared: Path) -> None:
    text = refusal(shared / AUTHORITIES, level="local authority")
    assert "several phases for each local authority: Primary, Secondary, Special, Total" in text


def test_a_formula_is_no_school(good: pd.DataFrame, write: Write) -> None:
    good.loc[2, "urn"] = "=1+1"
    assert "row 4, urn: a spreadsheet's formula where the school id would be. Write the id itself" in refusal(
        write(good)
    )


def test_numbers_with_commas_are_refused_with_what_to_write(good: pd.DataFrame, write: Write) -> None:
    for column in ("headcount", "fixed_excl"):
        wrong = good.astype({column: str})
        wrong.loc[1, column] = "1,010"
        assert f"{column}: a number with a comma in it. Write it without commas" in refusal(write(wrong))
