"""The documentation as a site: every page in it, every link of it leads somewhere, and it can be read by all."""

from __future__ import annotations

import importlib
import os
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
import yaml

import averting as av
from averting.errors import RenderError
from averting.reporting.site import build
from averting.reporting.site.docstrings import reference
from averting.reporting.site.sidebar import read_sidebar

ROOT = Path(__file__).resolve().parents[2]
GENERATED = "reference/python.md"


class _Links(HTMLParser):
    def __init__(self, page: Path) -> None:
        super().__init__()
        self.hrefs: list[str] = []
        self.ids: set[str] = set()
        self.feed(page.read_text(encoding="utf-8"))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        self.ids.add(given.get("id") or "")
        if tag == "a":
            self.hrefs.append(given.get("href") or "")


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("documentation") / "site"
    build(ROOT, folder, generated={GENERATED: reference(importlib.import_module("averting"))})
    return folder


def test_every_page_is_in_the_sidebar_once_and_quarto_is_told_of_all() -> None:
    listed = [entry.source for entry in read_sidebar(ROOT).entries]
    assert len(listed) == len(set(listed))
    assert {f"docs/{page.name}" for page in (ROOT / "docs").glob("*.md")} <= set(listed)
    assert [source for source in listed if source != GENERATED and not (ROOT / source).is_file()] == []
    sections = {section.title for section in read_sidebar(ROOT).sections}
    assert sections >= {"Tutorials", "How-to", "Explanation", "Reference"}
    profile = ROOT / "_quarto-docs.yml"
    if profile.is_file():  # it is no part of a source distribution
        told = yaml.safe_load(profile.read_text(encoding="utf-8"))["project"]["render"]
        assert {source for source in listed if not source.startswith("docs/")} < set(told)


@pytest.mark.slow
def test_every_link_leads_somewhere(site: Path) -> None:
    pages = {page: _Links(page) for page in site.rglob("*.html")}
    assert len(pages) == len(read_sidebar(ROOT).entries) + 1
    broken, followed = [], 0
    for page, found in pages.items():
        for href in found.hrefs:
            if href.startswith(("http:", "https:", "mailto:")):
                continue
            path, _, anchor = href.partition("#")
            to = Path(os.path.normpath(page.parent / path)) if path else page
            ok = to in pages if to.suffix == ".html" else to.is_file()
            if not ok or (anchor and anchor not in pages[to].ids):
                broken.append((page.name, href))
            followed += 1
    assert broken == []
    assert followed > 1_000


@pytest.mark.slow
def test_axe_finds_nothing_and_nothing_is_cut_off(site: Path, chromium: Any) -> None:
    for name in ("docs/effects.html", "reference/python.html"):
        for mode in ({"width": 1500}, {"width": 390, "dark": True}):
            tab = chromium.open(site / name, **mode)
            assert tab.axe() == []
            assert tab.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")
    tab.evaluate("document.querySelector('.site-pages > summary').focus()")
    tab.press("Enter")
    assert tab.evaluate("document.querySelector('.site-pages').open")
    assert tab.evaluate("document.querySelector('#site a[aria-current]').textContent") == "averting from Python"


def test_the_reference_has_every_public_name_with_what_its_docstring_says() -> None:
    page = reference(importlib.import_module("averting"))
    for name in av.__all__:
        assert f"\n### {name}\n" in page
        first = (getattr(av, name).__doc__ or "").strip().splitlines()[0]
        assert first.replace("``", "`") in page
    assert "#### Effect.averted\n" in page
    assert "- `level` (float): Level of the interval, between 0.5 and 0.999." in page
    assert "```pycon\n>>> av.simulate_pilot(" in page
    assert " at 0x" not in page
    assert ":func:" not in page


@pytest.fixture
def small(tmp_path: Path) -> Path:
    """A project of two pages that link to each other."""
    contents = "[a.md, {section: More, contents: [{href: b/c.md, text: Another}]}]"
    (tmp_path / "_quarto.yml").write_text(f"website: {{title: T, sidebar: {{contents: {contents}}}}}\n", "utf-8")
    (tmp_path / "b").mkdir()
    (tmp_path / "a.md").write_text("# One <&\n\n[to](b/c.md#deep-down) [it](x.toml) [all](b)\n", "utf-8")
    (tmp_path / "b" / "c.md").write_text("# Two\n\n## Deep down\n\n[back](../a.md)\n", "utf-8")
    (tmp_path / "x.toml").write_text("", "utf-8")
    return tmp_path


def test_links_lead_to_pages_files_are_copied_and_folders_are_words(small: Path) -> None:
    first = build(small, small / "out")
    assert _Links(first).hrefs == ["#main", "a.html", "a.html", "b/c.html", "b/c.html#deep-down", "x.toml"]
    assert _Links(small / "out" / "b" / "c.html").hrefs == [
        "#main",
        "../a.html",
        "../a.html",
        "c.html",
        "../a.html",
    ]
    assert (small / "out" / "x.toml").is_file()
    assert "One &lt;&amp;" in first.read_text(encoding="utf-8")
    before = first.read_bytes()
    assert build(small, small / "out").read_bytes() == before


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("# One\n\nand\n[to](gone.md)\n", "a.md:4: there is no gone.md"),
        ("# One\n\n[to](b/c.md#high-up)\n", "a.md:3: there is no heading #high-up in b/c.md"),
        ("Nothing\n", "a.md:1: the page has no title"),
    ],
)
def test_what_is_wrong_is_named_and_the_old_site_stays(small: Path, text: str, told: str) -> None:
    before = build(small, small / "out").read_bytes()
    (small / "a.md").write_text(text, encoding="utf-8")
    with pytest.raises(RenderError) as refused:
        build(small, small / "out")
    assert told in str(refused.value)
    assert (small / "out" / "a.html").read_bytes() == before


def test_a_folder_that_is_no_site_is_left_alone(small: Path) -> None:
    with pytest.raises(RenderError, match="is no site"):
        build(small, small)
    (small / "_quarto.yml").write_text("lang: en\n", encoding="utf-8")
    with pytest.raises(RenderError, match="declares no site"):
        build(small, small / "out")
