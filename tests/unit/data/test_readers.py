"""Absence files, levels above schools, zip archives, Excel workbooks and wide tables."""

from __future__ import annotations

import struct
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import openpyxl
import pandas as pd
import pytest

from averting.data import Panel, archives, read_panel
from averting.data.wide import long_from_wide
from averting.errors import DataError

ABSENCE = "data/dfe_absence/absence_by_term.zip"
UNITS = "data/dfe_absence/absence_in_prus.zip"


def refusal(path: Path, **options: Any) -> str:
    with pytest.raises(DataError) as caught:
        read_panel(path, **options)
    return str(caught.value)


def keys(panel: Panel) -> dict[str, str]:
    return {check.key: check.message for check in panel.checks}


# --- absence ----------------------------------------------------------------------------------------


def test_real_absence_by_term_adds_up_to_the_year(shared: Path) -> None:
    options: dict[str, Any] = {"source": "dfe_absence", "level": "local authority", "phase": "Secondary"}
    years = read_panel(shared / ABSENCE, **options)
    terms = read_panel(shared / ABSENCE, frequency="term", **options)
    assert years.periods == ("2012/13", "2013/14", "2014/15", "2015/16", "2016/17")
    assert terms.periods[:4] == ("2012/13 Autumn", "2012/13 Spring", "2012/13 Summer", "2013/14 Autumn")
    assert terms.exposure.attrs["units"] == "sessions"
    for name in ("absence", "unauthorised_absence", "days_lost"):
        by_term = terms.data["value"].sel(indicator=name).values.reshape(len(terms.schools), -1, 3).sum(axis=2)
        by_year = years.data["value"].sel(indicator=name).values
        differ = {
            (str(years.schools[i]), years.periods[j]) for i, j in np.argwhere((by_term != by_year) & (by_year > 0))
        }
        # in one authority and year DfE's own terms do not add up to its year
        assert differ <= {("305", "2014/15")}


@pytest.mark.parametrize("phase", ["Primary", "Secondary", "Special"])
def test_real_absence_at_every_level_agrees(shared: Path, phase: str) -> None:
    totals = set()
    for level in ("local authority", "region", "national"):
        panel = read_panel(shared / ABSENCE, source="dfe_absence", level=level, phase=phase)
        cells = panel.data.sel(period="2016/17")
        absence = cells["value"].sel(indicator="absence")
        totals.add((float(absence.sum()), float(cells["exposure"].sum())))
    # the nation's primary sessions are more than a thousand million
    assert len(totals) == 1


def test_persistent_absence_is_read_over_enrolments(shared: Path) -> None:
    options: dict[str, Any] = {"source": "dfe_absence", "level": "national"}
    panel = read_panel(shared / UNITS, **options)
    assert "persistent_absence (over enrolments)" in keys(panel)["data/other_exposure"]
    persistent = read_panel(shared / UNITS, indicators=["persistent_absence"], **options)
    assert persistent.exposure.attrs["units"] == "pupils"
    assert persistent.data["value"].sel(period="2016/17").item() == 29680
    assert persistent.exposure.sel(period="2016/17").item() == 40175
    message = refusal(shared / UNITS, indicators=["absence", "persistent_absence"], **options)
    assert "absence over sess_possible; persistent_absence over enrolments. Read them as two panels" in message


def test_an_absence_file_is_not_an_exclusions_file(shared: Path, good: pd.DataFrame, write: Any) -> None:
    assert "Read it with source='dfe_absence'" in refusal(shared / ABSENCE, level="national")
    assert "Read it with source='dfe_exclusions'" in refusal(write(good), source="dfe_absence")


@pytest.fixture
def today() -> pd.DataFrame:
    """Absence of one region as Explore Education Statistics lays it out today."""
    spans = ["Autumn term", "Spring term", "Autumn and spring term"]
    return pd.DataFrame(
        {
            "time_period": "202324",
            "time_identifier": spans,
            "geographic_level": "Regional",
            "region_code": "E12000001",
            "region_name": "North East",
            "education_phase": "State-funded secondary",
            "enrolments": "1000",
            "sess_possible": ["100000", "90000", "190000"],
            "sess_overall": ["7000", "8000", "15000"],
            "enrolments_pa_50_exact": ["30", "c", "k"],
        }
    )


def test_todays_absence_file_by_term(today: pd.DataFrame, write: Callable[[pd.DataFrame], Path]) -> None:
    options: dict[str, Any] = {"source": "dfe_absence", "level": "region"}
    panel = read_panel(write(today), frequency="term", **options)
    assert panel.periods == ("2023/24 Autumn", "2023/24 Spring")
    assert panel.data["value"].sel(indicator="absence").values.tolist() == [[7000, 8000]]
    assert keys(panel)["data/rows_left_out"].startswith("1 rows")
    assert "where only 'Academic year' can be read" in refusal(write(today), **options)
    assert "Terms published together cannot be taken apart" in refusal(
        write(today.iloc[2:]), frequency="term", **options
    )


def test_suppressed_severe_absence_needs_bounds(
    today: pd.DataFrame, write: Callable[[pd.DataFrame], Path]
) -> None:
    options: dict[str, Any] = {"source": "dfe_absence", "level": "region", "indicators": ["severe_absence"]}
    path = write(today)
    assert "Give the bounds its publisher states" in refusal(path, frequency="term", **options)
    panel = read_panel(path, frequency="term", symbols={"c": (1, 9)}, **options)
    assert panel.data["upper"].values.ravel().tolist() == [30, 9]


def test_rows_for_some_pupils_only_are_left_out(shared: Path) -> None:
    path = shared / "data/dfe_exclusions/exclusions_by_characteristic.zip"
    panel = read_panel(path, level="national", phase="Total")
    # rounded to five by DfE: 7,720 in 2016/17
    assert panel.data["value"].sel(indicator="permanent_exclusions", period="2016/17").item() == 7720


# --- zip archives -----------------------------------------------------------------------------------


def zipped(path: Path, members: dict[str, str]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in members.items():
            archive.writestr(name, text)
    return path


def test_the_one_table_of_an_archive_is_read(good: pd.DataFrame, tmp_path: Path) -> None:
    text = good.to_csv(index=False)
    path = zipped(tmp_path / "a.zip", {"schools.csv": text, "schools.meta.csv": "col_name", "__MACOSX/b.csv": ""})
    assert read_panel(path).schools == ("100001", "100002", "100003")


@pytest.mark.parametrize(
    ("members", "words"),
    [
        ({}, "holds 0 tables"),
        ({"a.csv": "x", "b.csv": "y"}, "holds 2 tables"),
        ({"../a.csv": "x"}, "names files outside itself"),
        ({"/etc/a.csv": "x"}, "names files outside itself"),
        ({"..\\a.csv": "x", "b.csv": "y"}, "names files outside itself"),
        ({"a.csv": "x" * 5000}, "would be 5,000 bytes when unpacked"),
    ],
)
def test_an_unfit_archive_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, members: dict[str, str], words: str
) -> None:
    monkeypatch.setattr(archives, "LIMIT", 1000)
    path = zipped(tmp_path / "a.zip", members)
    assert words in refusal(path)
    assert [child.name for child in tmp_path.iterdir()] == ["a.zip"]


def test_a_damaged_archive_is_refused(good: pd.DataFrame, tmp_path: Path) -> None:
    path = zipped(tmp_path / "a.zip", {"schools.csv": good.to_csv(index=False)})
    content = bytearray(path.read_bytes())
    content[60] ^= 0xFF
    path.write_bytes(content)
    assert "not a whole zip archive" in refusal(path)
    path.write_bytes(b"PK nothing")
    assert "not a whole zip archive" in refusal(path)


def test_an_archive_that_understates_its_size_gives_no_more_than_it_states(tmp_path: Path) -> None:
    path = zipped(tmp_path / "a.zip", {"a.csv": "x" * 5000})
    content = path.read_bytes().replace(struct.pack("<I", 5000), struct.pack("<I", 10))
    path.write_bytes(content)
    assert "not a whole zip archive" in refusal(path)


# --- Excel ------------------------------------------------------------------------------------------


def workbook(path: Path, sheets: dict[str, list[list[Any]]]) -> Path:
    book = openpyxl.Workbook()
    book.remove(book.active)
    for name, rows in sheets.items():
        sheet = book.create_sheet(name)
        for row in rows:
            sheet.append(row)
    book.save(path)
    return path


ROWS = [
    ["school", "period", "exposure", "suspensions"],
    ["a", "2021/22 Autumn", 900, 4],
    ["a", 202122, 900, None],
    [None, None, None, None],
    ["b", "2021/22 Autumn", 800.0, "c"],
]


def test_a_sheet_reads_as_its_table_would(tmp_path: Path) -> None:
    rows = [ROWS[0], ROWS[1], ["a", "2021/22 Spring", 900, None], *ROWS[3:]]
    path = workbook(tmp_path / "a.xlsx", {"Data": rows})
    panel = read_panel(path, source="tidy", symbols={"c": (1, 4)})
    assert panel.periods == ("2021/22 Autumn", "2021/22 Spring")
    assert panel.exposure.sel(school="b").values[0] == 800
    assert panel.data["upper"].sel(indicator="suspensions", school="b").values[0] == 4
    assert panel.data["status"].sel(indicator="suspensions", school="a").values.tolist() == [0, 2]


def test_faults_in_a_sheet_name_its_rows(tmp_path: Path) -> None:
    path = workbook(
        tmp_path / "a.xlsx", {"Data": [ROWS[0], ROWS[1], ROWS[3], ["b", "2021/22 Autumn", 800, "oops"]]}
    )
    assert "a.xlsx, row 4, suspensions: 'oops' is neither" in refusal(path, source="tidy")


def test_one_of_several_sheets_must_be_named(tmp_path: Path) -> None:
    path = workbook(tmp_path / "a.xlsx", {"Notes": [["see next"]], "Data": ROWS[:2]})
    assert "has several sheets: Notes, Data" in refusal(path, source="tidy")
    assert "has no sheet 'Date'" in refusal(path, source="tidy", sheet="Date")
    assert read_panel(path, source="tidy", sheet="Data").schools == ("a",)


def test_formulas_without_results_are_refused_not_read_as_blank(tmp_path: Path) -> None:
    path = workbook(tmp_path / "a.xlsx", {"Data": [ROWS[0], ["a", "2021/22", 900, "=1+1"]]})
    message = refusal(path, source="tidy")
    assert "a.xlsx, row 2, column 4: a formula without a stored result" in message


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        ([["Suspensions by school", None], ["school", "period"]], "row 1, column 2: a column without a name"),
        ([["school", "school"], ["a", "b"]], "column 'school' occurs twice"),
        ([], "is empty"),
        ([["school", "period"]], "has a header but no rows"),
    ],
)
def test_a_sheet_that_is_no_table_is_refused(tmp_path: Path, rows: list[list[Any]], words: str) -> None:
    assert words in refusal(workbook(tmp_path / "a.xlsx", {"Data": rows}), source="tidy")


def test_a_damaged_workbook_is_refused(tmp_path: Path) -> None:
    path = workbook(tmp_path / "a.xlsx", {"Data": ROWS[:2]})
    path.write_bytes(path.read_bytes()[:-200])
    assert "not a readable .xlsx workbook" in refusal(path, source="tidy")
    zipped(path, {"nothing.xml": "<a/>"})
    assert "not a readable .xlsx workbook" in refusal(path, source="tidy")


def test_a_sheet_belongs_to_a_workbook(good: pd.DataFrame, write: Callable[[pd.DataFrame], Path]) -> None:
    assert "schools.csv is no Excel workbook" in refusal(write(good), sheet="Data")


# --- wide -------------------------------------------------------------------------------------------

WIDE = pd.DataFrame(
    {
        "urn": ["a", "b"],
        "region": ["North", "South"],
        "susp_2020/21": ["1", "2"],
        "pupils_2020/21": ["900", "800"],
        "susp_202122": ["3", "x"],
        "pupils_2021_22": ["910", "810"],
    }
)
COLUMNS = {"school": "urn", "exposure": "pupils", "suspensions": "susp"}


def test_a_wide_table_is_the_long_one(write: Callable[[pd.DataFrame], Path]) -> None:
    panel = read_panel(
        write(WIDE), source="tidy", wide="{indicator}_{period}", columns=COLUMNS, symbols={"x": (1, 2)}
    )
    assert (panel.periods, panel.schools) == (("2020/21", "2021/22"), ("a", "b"))
    assert panel.data["upper"].sel(indicator="suspensions").values.tolist() == [[1, 3], [2, 2]]
    assert panel.exposure.values.tolist() == [[900, 910], [800, 810]]
    assert panel.data["region"].values.tolist() == ["North", "South"]


def test_faults_of_a_wide_table_name_the_row_of_the_file(write: Callable[[pd.DataFrame], Path]) -> None:
    message = refusal(write(WIDE), source="tidy", wide="{indicator}_{period}", columns=COLUMNS)
    assert "schools.csv, row 3, susp: 'x' is neither" in message


def test_terms_and_any_order_of_parts() -> None:
    frame = pd.DataFrame(
        [["a", 1, 2, 3]], columns=["school", "2021-22_Spring: susp", "202122 autumn term: susp", "n"]
    )
    long = long_from_wide(frame, "{period}: {indicator}", source="frame")
    assert long["period"].tolist() == ["2021/22 Autumn", "2021/22 Spring"]
    assert long["susp"].tolist() == [2, 1]
    assert long["n"].tolist() == [3, 3]
    assert long.index.tolist() == [0, 0]


@pytest.mark.parametrize(
    ("pattern", "columns", "words"),
    [
        ("{indicator}", [], "Write {indicator} and {period} once each"),
        ("{indicator}_{period}_{period}", [], "once each"),
        ("{indicator}.{period}", [], "no column is named like"),
        (
            "{indicator}_{period}",
            ["susp_2021/22"],
            "columns susp_202122 and susp_2021/22 are both susp in 2021/22",
        ),
        ("{indicator}_{period}", ["period"], "column 'period' is also made from other columns"),
    ],
)
def test_an_unfit_wide_table_is_refused(pattern: str, columns: list[str], words: str) -> None:
    with pytest.raises(DataError) as caught:
        long_from_wide(WIDE.assign(**dict.fromkeys(columns, "1")), pattern, source="frame")
    assert words in str(caught.value)


def test_options_of_other_sources_are_refused(good: pd.DataFrame, write: Callable[[pd.DataFrame], Path]) -> None:
    path = write(good)
    assert "wide belongs to source='tidy'" in refusal(path, wide="{indicator}_{period}")
    assert "frequency belongs to DfE files" in refusal(path, source="tidy", frequency="term")
    assert "frequency is 'month'" in refusal(path, frequency="month")
    assert "does not say which rows are for which term" in refusal(path, frequency="term")
