"""Profiles of the quick demonstration: a file and one page for each pilot, named safely, naming no other."""

from __future__ import annotations

import shutil

import pytest

from averting.errors import RenderError
from averting.evaluation import render, render_all
from averting.reporting import open_results
from averting.reporting.publish import publish


@pytest.fixture(scope="module")
def made(quick_run, tmp_path_factory):
    folder = shutil.copytree(quick_run, tmp_path_factory.mktemp("profiles") / "demo")
    return folder, render_all(folder, names=["profiles"], to=("html", "pdf"), engine="embedded")


def test_a_file_for_each_pilot_in_a_folder_of_their_own(made):
    folder, files = made
    pilots = open_results(folder / "results").record("design/design")["pilots"]
    assert len(files) == 2 * len(pilots)
    assert {path.parent for path in files} == {(folder / "profiles").resolve()}
    assert {path.stem for path in files} == {about["name"].lower().replace(" ", "-") for about in pilots.values()}


def test_each_is_one_page_and_names_its_own_school_only(made, peer):
    folder, files = made
    names = [
        about["name"] for about in open_results(folder / "results").record("design/design")["pilots"].values()
    ]
    for path in files:
        if path.suffix == ".pdf":
            (sheet,) = peer("pypdf").PdfReader(path).pages
            text = " ".join(sheet.extract_text().split())
        else:
            text = path.read_text(encoding="utf-8")
        assert [name for name in names if name in text] == [
            name for name in names if name.lower().replace(" ", "-") == path.stem
        ]
        assert "Draft: not for publication" in text


def test_one_file_may_not_hold_all(made):
    with pytest.raises(RenderError, match="a file for each pilot"):
        render(made[0], report="profiles", engine="embedded")
    with pytest.raises(RenderError, match="no pilot nobody"):
        render_all(made[0], names=["profiles"], parameters={"pilot": "nobody"}, engine="embedded")
    with pytest.raises(RenderError, match="belong to one report"):
        render_all(made[0], parameters={"pilot": "nobody"}, engine="embedded")


def test_none_leaves(quick_run, tmp_path):
    """What is published holds no profile, although the folder has some."""
    folder = shutil.copytree(quick_run, tmp_path / "demo")
    (folder / "profiles").mkdir()
    (folder / "profiles" / "a-school.html").write_text("its counts", encoding="utf-8")
    public = publish(folder, tmp_path / "public", engine="embedded")
    assert not [path for path in public.rglob("*") if "profile" in path.name or "a-school" in path.name]
