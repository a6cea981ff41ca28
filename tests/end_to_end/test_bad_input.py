"""Bad input ends with status 2, one message that names the place, no traceback, and nothing written."""

from __future__ import annotations

import shutil

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from averting import units
from averting.costs import deflate, families
from averting.errors import UnitError
from averting.evaluation.settings import FILE
from averting.resources import models_dir
from averting.years import FinancialYear

DATA = "simulated_schools.csv"


@pytest.fixture
def folder(make_quick, tmp_path):
    """The quick demonstration, not run yet."""
    return make_quick(tmp_path / "demo")


@pytest.fixture
def schools(folder):
    """Change the data: a function from the frame to another one."""

    def change(how):
        path = folder / "data" / DATA
        how(pd.read_csv(path, dtype=str)).to_csv(path, index=False)

    return change


@pytest.fixture
def refused(cli, folder):
    """Check that both `check` and `run` refuse the evaluation alike, and return the message."""

    def expect():
        before = sorted(path for path in folder.rglob("*") if path.is_file())
        checked = cli("check", folder)
        ran = cli("run", folder, "--quiet")
        assert (checked.code, ran.code) == (2, 2)
        assert checked.out == ran.out == ""
        assert checked.err == ran.err
        assert checked.err.startswith("averting: ")
        assert "Traceback" not in checked.err
        assert sorted(path for path in folder.rglob("*") if path.is_file()) == before
        return checked.err

    return expect


def edit(folder, old, new):
    text = (folder / FILE).read_text(encoding="utf-8")
    assert text.count(old) == 1
    (folder / FILE).write_text(text.replace(old, new), encoding="utf-8")


def cell(frame, row, column, value):
    """Set a cell by its line in the file; the header is line 1."""
    frame.loc[row - 2, column] = value
    return frame


def test_a_missing_column(schools, refused):
    schools(lambda frame: frame.drop(columns="headcount"))
    message = refused()
    assert DATA in message
    assert "headcount" in message


def test_a_renamed_column_of_counts(schools, refused):
    schools(lambda frame: frame.rename(columns={"perm_excl": "exclusions"}))
    message = refused()
    assert "permanent_exclusions" in message
    assert "perm_excl" in message


def test_a_duplicated_school_year(schools, refused):
    schools(lambda frame: pd.concat([frame, frame.iloc[[7]]]))
    message = refused()
    assert f"{DATA}, row 9, row 518, urn" in message
    assert "2020/21 twice" in message


def test_an_unknown_symbol(schools, refused):
    schools(lambda frame: cell(frame, 12, "perm_excl", "?"))
    message = refused()
    assert f"{DATA}, row 12, perm_excl: '?' is neither a count nor a declared symbol" in message


def test_a_negative_count(schools, refused):
    schools(lambda frame: cell(frame, 30, "fixed_excl", "-3"))
    message = refused()
    assert f"{DATA}, row 30, fixed_excl: a negative count" in message
    assert "-3" not in message


def test_a_fractional_count(schools, refused):
    schools(lambda frame: cell(frame, 31, "perm_excl", "2.5"))
    message = refused()
    assert f"{DATA}, row 31, perm_excl" in message
    assert "2.5" not in message


def test_exposure_of_nothing_with_events(schools, refused):
    schools(lambda frame: cell(cell(frame, 40, "headcount", "0"), 40, "perm_excl", "4"))
    message = refused()
    assert f"{DATA}, row 40, headcount" in message


def test_many_faults_are_told_at_once(schools, refused):
    schools(
        lambda frame: cell(cell(cell(frame, 12, "perm_excl", "?"), 30, "fixed_excl", "-3"), 31, "headcount", "y")
    )
    message = refused()
    assert "3 faults" in message
    assert [f"row {row}" in message for row in (12, 30, 31)] == [True] * 3


def test_a_pilot_not_in_the_data(folder, refused):
    edit(folder, '"900007"', '"123456"')
    assert "pilot 123456: this school is not in the data" in refused()


def test_a_start_outside_the_data(folder, refused):
    edit(folder, 'start = "2021/22"', 'start = "2027/28"')
    assert "2027/28 is not in the data. The data run from 2013/14 to 2024/25" in refused()


def test_a_start_with_nothing_before_it(folder, refused):
    edit(folder, 'start = "2021/22"', 'start = "2013/14"')
    assert "no period before 2013/14 is used" in refused()


def test_an_unknown_key(folder, refused):
    edit(folder, 'start = "2021/22"', 'strat = "2021/22"')
    message = refused()
    assert f"{FILE} [design] strat: this key is not known. Did you mean 'start'?" in message


def test_toml_that_is_none(folder, refused):
    edit(folder, "schema = 1", "schema = ")
    assert "not valid TOML" in refused()


def test_data_that_are_not_there(folder, refused):
    (folder / "data" / DATA).unlink()
    assert f"{DATA} does not exist" in refused()


@pytest.mark.parametrize("lost", ["source", "locator", "grade", "review_by", "price_year", "payer"])
def test_a_parameter_without_a_source(refused, monkeypatch, tmp_path, lost):
    models = shutil.copytree(models_dir(), tmp_path / "models")
    path = models / "costs" / "high_needs_block.toml"
    head, table, rest = path.read_text(encoding="utf-8").partition("[ap_place]")
    lines = rest.splitlines(keepends=True)
    at = next(i for i, line in enumerate(lines) if line.startswith(f"{lost} = "))
    path.write_text(head + table + "".join(lines[:at] + lines[at + 1 :]), encoding="utf-8")
    monkeypatch.setattr("averting.resources.models_dir", lambda: models)
    monkeypatch.setattr(families, "_read", families._read.__wrapped__)  # what was read before is kept in memory
    message = refused()
    assert f"high_needs_block.toml: [ap_place] has no {lost}" in message


def test_two_price_years_are_not_added():
    def pounds(year):
        return units.money(xr.DataArray(np.ones(3), dims="draw"), price_year=year)

    old, new = FinancialYear(2019), FinancialYear(2023)
    with pytest.raises(UnitError, match=r"price year cannot be added: 2019-20, 2023-24"):
        units.add(pounds(old), pounds(new))
    assert units.add(deflate(pounds(old), to=new), pounds(new)).attrs["price_year"] == "2023-24"


def test_a_base_year_after_the_first_spending(folder, refused):
    edit(folder, 'base_year = "2021-22"', 'base_year = "2023-24"')
    message = refused()
    assert "base_year is 2023-24, but money moves from 2021-22" in message


def test_a_folder_that_is_none(cli, tmp_path):
    for command in ("check", "run"):
        said = cli(command, tmp_path / "nowhere")
        assert said.code == 2
        assert "does not exist" in said.err
    said = cli("render", tmp_path / "nowhere")
    assert said.code == 2
    assert "report.qmd does not exist" in said.err


def test_rendering_before_running(cli, folder):
    said = cli("render", folder)
    assert said.code == 2
    assert "averting run" in said.err


def test_rendering_results_of_another_evaluation(cli, quick_copy):
    edit(quick_copy, "seed = 1", "seed = 2")
    said = cli("render", quick_copy)
    assert said.code == 2
    assert f"{FILE} has changed since the results were made" in said.err
    assert not (quick_copy / "report.html").exists()


def test_rendering_results_of_a_lost_evaluation(cli, quick_copy):
    (quick_copy / FILE).unlink()
    said = cli("render", quick_copy)
    assert said.code == 2
    assert FILE in said.err


def test_a_folder_in_use_is_not_overwritten(cli, quick_copy, tmp_path):
    said = cli("new", quick_copy)
    assert said.code == 2
    assert "not empty" in said.err
    assert (quick_copy / "results").is_dir()
    edit(quick_copy, "seed = 1", "seed = 2")
    said = cli("demo", quick_copy)
    assert said.code == 2
    assert "another evaluation" in said.err
    said = cli("new", tmp_path / "<script>")
    assert said.code == 2
    assert not (tmp_path / "<script>").exists()


@pytest.mark.parametrize(
    "arguments", [["frobnicate"], ["run"], ["render", ".", "--engine", "word"], ["check", "--jsn"]]
)
def test_a_command_that_is_none_is_refused_without_a_traceback(cli, arguments):
    said = cli(*arguments)
    assert said.code != 0
    assert "Traceback" not in said.out + said.err
