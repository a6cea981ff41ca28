"""No table holds a cell that a spreadsheet would run, and what is read back is what was written."""

from __future__ import annotations

import csv
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

import averting
from averting.data.written import csv_text, harmless, plain, read_table, write_table

# OWASP, CSV injection: a cell that starts with one of these may be run
STARTS = ("=", "+", "-", "@", "\t", "\r", "\n")
TEXTS = st.text(alphabet=st.sampled_from("=+-@\t' a1,\"é"), max_size=6)


@pytest.mark.parametrize("text", ["=1+1", '=HYPERLINK("http://x","y")', "+44", "-2+3", "@SUM(A1)", "\t=1", " =1"])
def test_a_formula_is_kept_from_running(text):
    assert harmless(text) == f"'{text}"
    assert plain(harmless(text)) == text


@pytest.mark.parametrize("cell", ["A school", "'tis", "", 3, -2.5, None, "2016/17", "£5"])
def test_anything_else_is_as_it_was(cell):
    assert harmless(cell) == cell
    assert plain(cell) == cell


@given(TEXTS)
def test_text_comes_back_as_it_was_and_nothing_runs(text):
    made = harmless(text)
    assert not made.lstrip(" ").startswith(STARTS)
    assert plain(made) == text


def test_a_table_is_harmless_in_names_and_cells_and_comes_back(tmp_path):
    frame = pd.DataFrame(
        {"=cmd": ["@x", "b"], "school": ["-1", "'-1"], "n": [-1.5, np.nan], "k": pd.Categorical(["+", "a"])}
    )
    write_table(frame, tmp_path / "t.csv")
    with (tmp_path / "t.csv").open(encoding="utf-8", newline="") as handle:
        rows = list(csv.reader(handle))
    assert rows == [["'=cmd", "school", "n", "k"], ["'@x", "'-1", "-1.5", "'+"], ["b", "''-1", "", "a"]]
    back = read_table(tmp_path / "t.csv")
    pd.testing.assert_frame_equal(back.astype({"k": object}), frame.astype({"k": object}), check_dtype=False)
    assert csv_text(back) == csv_text(frame)


def test_writing_changes_nothing_of_the_table_itself():
    frame = pd.DataFrame({"a": ["=1"]})
    csv_text(frame)
    assert frame["a"].tolist() == ["=1"]


def test_every_table_is_written_here():
    source = Path(averting.__file__).parent
    writers = {
        path.relative_to(source).as_posix()
        for path in source.rglob("*.py")
        if re.search(r"\.to_csv\(|\.to_excel\(|csv\.writer", path.read_text(encoding="utf-8"))
    }
    assert writers == {"data/written.py"}


def test_words_that_look_like_nothing_or_like_numbers_come_back_as_they_were(tmp_path):
    table = pd.DataFrame({"level": ["None", "NA", "null"], "said": ["1.00", "07", "1e3"], "x": [1.5, np.nan, 2.0]})
    write_table(table, tmp_path / "t.csv")
    again = read_table(tmp_path / "t.csv", texts=["said"])
    assert again["level"].tolist() == ["None", "NA", "null"]
    assert again["said"].tolist() == ["1.00", "07", "1e3"]
    assert again["x"].isna().tolist() == [False, True, False]
