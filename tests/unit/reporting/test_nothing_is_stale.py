"""What the reports for funders and for schools say comes from results: other results leave no old figure behind."""

from __future__ import annotations

import ast
import contextlib
import io
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from averting.reporting import open_results, profiles
from averting.resources import analyses_dir

# no figure that was there may be a rounded other one
FACTOR = 1.3719


@pytest.fixture
def said(monkeypatch):
    """Run a template's cells beside some results and return every word of sentences, tables and pictures."""

    def read(name: str, results: Path) -> list[str]:
        monkeypatch.chdir(results.parent)
        monkeypatch.setenv("AVERTING_RENDER", "1")
        shown: list[object] = []
        monkeypatch.setattr("IPython.display.display", shown.append)
        text = (analyses_dir() / "_template" / f"{name}.qmd").read_text(encoding="utf-8")
        printed, namespace = io.StringIO(), {}
        with contextlib.redirect_stdout(printed):
            for cell in re.findall(r"(?ms)^```\{python\}\n(.*?)^```$", text):
                tree = ast.parse(cell)
                last = tree.body.pop() if isinstance(tree.body[-1], ast.Expr) else None
                exec(compile(tree, name, "exec"), namespace)
                if last is not None:
                    shown.append(eval(compile(ast.Expression(last.value), name, "eval"), namespace))
        return [printed.getvalue(), *(word for one in shown for word in _words(one))]

    return read


def _words(one: object) -> list[str]:
    if hasattr(one, "rows"):
        return [cell for row in one.rows for cell in row]
    if hasattr(one, "alt"):
        return [one.alt, *(_words(one.numbers) if one.numbers is not None else ())]
    return [one.data] if hasattr(one, "data") else []


def _pounds(words: list[str]) -> list[str]:
    return [pounds for pounds in re.findall(r"£[\d,]*\d", " ".join(words)) if pounds != "£0"]


def _scale_money(folder: Path) -> None:
    """Make every pound of an appraisal another one."""
    for path in folder.glob("*.csv"):
        frame = pd.read_csv(path)
        names = frame.select_dtypes("number").columns.difference(["year", "draw", "level"])
        frame[names] = frame[names].astype(float) * FACTOR
        frame.to_csv(path, index=False)
    for path in folder.glob("*.nc"):
        with xr.open_dataset(path) as opened:
            data = opened.load()
        scaled = {name: data[name] * FACTOR for name in data if np.issubdtype(data[name].dtype, np.floating)}
        path.unlink()
        data.assign(scaled).to_netcdf(path, engine="scipy")


def test_scenarios_keep_no_pound_of_other_results(said, results_folder):
    before = _pounds(said("scenarios", results_folder))
    _scale_money(results_folder / "appraisal")
    after = _pounds(said("scenarios", results_folder))
    assert len(before) == len(after) > 60
    assert [old for old, new in zip(before, after, strict=True) if old == new] == []


@pytest.mark.parametrize("name", ["summary", "_body"])
def test_no_report_keeps_a_pound_of_other_results(said, results_folder, name):
    quoted = open_results(results_folder).table("appraisal/sources")["locator"]  # what a source says stays

    def pounds() -> list[str]:
        words = " ".join(said(name, results_folder))
        for text in quoted:
            words = words.replace(text, "")
        return _pounds([words])

    before = pounds()
    _scale_money(results_folder / "appraisal")
    after = pounds()
    assert len(before) == len(after) > 20
    assert [old for old, new in zip(before, after, strict=True) if old == new] == []


def test_a_number_typed_by_hand_is_found(said, results_folder, monkeypatch):
    """The tests above can fail: a sentence that holds a number of its own is caught."""
    monkeypatch.setattr("averting.reporting.summary.prices", lambda _: "It saved £101,000.")
    before = _pounds(said("summary", results_folder))
    _scale_money(results_folder / "appraisal")
    after = _pounds(said("summary", results_folder))
    assert [old for old, new in zip(before, after, strict=True) if old == new] == ["£101,000"]


def test_scenarios_can_be_read_by_many(said, results_folder, grade):
    """A funder's page has dearer words than a panel's summary, and no harder sentences."""
    # sentences, not cells of tables, nor lists of numbers that stand for a picture
    words = [word for word in said("scenarios", results_folder) if word.count(" ") > 5 and word.count("£") < 4]
    text = " ".join(words).replace("permanent exclusions", "exclusions")
    assert len(text.split()) > 300
    assert grade(text) < 9


def _numbers(results) -> dict[str, list[str]]:
    """Return by school every number that its page gives, without years and schools' names."""
    found = {}
    for profile in profiles.profiles(results):
        words = [*profiles.told(results, profile), *_words(profiles.figure(results, profile))]
        text = re.sub(r"\d{4}/\d{2}|per 100\b|per 1,000\b", "", " ".join(words).replace(profile.name, ""))
        found[profile.name] = re.findall(r"\d+\.\d+", text)
    return found


def test_profiles_keep_no_rate_of_other_results(results_folder):
    before = _numbers(open_results(results_folder))
    path = results_folder / "data" / "panel.nc"
    with xr.open_dataset(path) as opened:
        panel = opened.load()
    path.unlink()
    changed = {name: panel[name] * FACTOR for name in ("value", "lower", "upper")}
    panel.assign(changed).to_netcdf(path, engine="scipy")
    table = results_folder / "design" / "paths_permanent_exclusions.csv"
    frame = pd.read_csv(table)
    frame.assign(rate=frame["rate"] * FACTOR).to_csv(table, index=False)
    after = _numbers(open_results(results_folder))
    assert set(before) == set(after)
    for name, old in before.items():
        assert len(old) == len(after[name]) > 20
        pairs = zip(old, after[name], strict=True)
        assert [one for one, other in pairs if one == other and float(one)] == []
