"""A board's file: from TOML to tables, spreadsheet and page."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from averting import cli
from averting.errors import EvaluationError, RenderError
from averting.evaluation.outcomes import board_of, read_board
from averting.reporting.board import BoardFiles, open_board, over_time, standings, summary_table, write_board

BOARD = """
title = "Board of an invented area"
local = "Here"
set = "salford"
alike = ["B", "C"]
own = ["own.csv"]
source = "invented for a test"
"""


@pytest.fixture
def here(tmp_path: Path) -> Path:
    rng = np.random.default_rng(1)
    rows = []
    for area in ["Here", *"BCDEFGHIJKLM"]:
        for year in range(2016, 2024):
            period = f"{year}/{(year + 1) % 100:02d}"
            rows.append(("suspensions", area, period, str(rng.poisson(90)), 1_000))
            if area == "Here":
                rows.append(("managed_moves", area, period, "3" if year == 2021 else str(8 + year % 3), 1_000))
    frame = pd.DataFrame(rows, columns=["indicator", "area", "period", "count", "of"])
    frame.to_csv(tmp_path / "own.csv", index=False)
    (tmp_path / "board.toml").write_text(BOARD, encoding="utf-8")
    return tmp_path


def test_a_board_is_written_and_read_again_without_a_small_count(here, capsys):
    with pytest.raises(SystemExit) as ended:
        cli.main(["outcomes", str(here / "board.toml"), str(here / "out"), "--no-page", "-q"])
    assert not ended.value.code
    assert "board.xlsx" in capsys.readouterr().out
    files = open_board(here / "out" / "tables")
    assert list(files.board.summary["indicator"])[:2] == ["permanent_exclusions", "suspensions"]
    moves = files.board.over_time.query("indicator == 'managed_moves' and period == '2021/22'")
    assert moves["status"].tolist() == ["withheld"]
    assert moves["rate"].isna().all()
    table = summary_table(files)
    text = " ".join(cell for row in table.rows for cell in row)
    assert "amber" in text  # a colour is always a word besides
    assert "no data" in text
    from openpyxl import load_workbook

    book = load_workbook(here / "out" / "board.xlsx")
    assert book.sheetnames == ["notes", "summary", "over_time", "funnels"]


def test_pictures_say_in_words_what_they_show(here):
    cli_main = pytest.raises(SystemExit)
    with cli_main:
        cli.main(["outcomes", str(here / "board.toml"), str(here / "out"), "--no-page", "-q"])
    files = open_board(here / "out" / "tables")
    picture = over_time(files, "managed_moves")
    assert picture.alt.startswith("Managed moves per 100 pupils, Here.")
    assert "1 period is withheld" in picture.alt
    among = standings(files, "suspensions")
    assert not isinstance(among, str)
    assert "13 areas" in among.alt
    assert standings(files, "managed_moves") == "There are too few areas for a funnel."


@pytest.mark.slow
def test_the_page_is_rendered_as_a_draft(here):
    with pytest.raises(SystemExit) as ended:
        cli.main(["outcomes", str(here / "board.toml"), str(here / "out"), "-q"])
    assert not ended.value.code
    page = (here / "out" / "board.html").read_text(encoding="utf-8")
    assert "&amp;#" not in page  # names of characters instead of characters
    assert "Where we stand" in page
    assert "Draft: not for publication" in page
    assert page.count("<img") == 3  # two over time, one funnel


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (('set = "salford"', 'set = "mars"'), "'mars' is not known"),
        (('set = "salford"', ""), "no measure is named"),
        (('set = "salford"', 'measures = ["happiness"]'), "'happiness' is not declared"),
        (('own = ["own.csv"]', ""), "there are no data"),
        (('source = "invented for a test"', ""), "Say where the numbers come from"),
    ],
)
def test_a_board_that_cannot_be_made_is_refused(here, change, told):
    path = here / "board.toml"
    path.write_text(BOARD.replace(*change), encoding="utf-8")
    with pytest.raises(EvaluationError, match=told):
        read_board(path)


def test_a_folder_without_a_board_is_refused(tmp_path):
    with pytest.raises(RenderError, match="holds no board"):
        open_board(tmp_path)


def test_a_board_without_a_funnel_is_read_again_as_it_was(here):
    """Nobody else counts managed moves, so there is nothing to stand among: that table has no rows."""
    path = here / "board.toml"
    path.write_text(BOARD.replace('set = "salford"', 'measures = ["managed_moves"]'), encoding="utf-8")
    board = board_of(read_board(path))
    assert board.funnels.empty
    write_board(BoardFiles("Board", "Here", "", board), here / "out", source="invented")
    again = open_board(here / "out" / "tables")
    assert (again.title, again.local, again.note) == ("Board", "Here", "")
    pd.testing.assert_frame_equal(again.board.summary, board.summary, check_dtype=False)
    pd.testing.assert_frame_equal(again.board.over_time, board.over_time, check_dtype=False)
    assert again.board.funnels.empty
    assert again.board.statements == board.statements
    assert standings(again, "managed_moves") == "There are too few areas for a funnel."
