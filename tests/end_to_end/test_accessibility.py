"""Every report in Chromium: axe-core finds nothing, keys reach everything in order, nothing runs off the page."""

from __future__ import annotations

import shutil

import pytest

from averting.evaluation import render_all

MODES = [
    {"width": 1280}, {"width": 1280, "dark": True}, {"width": 390}, {"width": 390, "dark": True},
    {"width": 794, "media": "print"}, {"width": 794, "media": "print", "dark": True},
]  # fmt: skip

# an element on the page, in words: enough to tell where the focus is
FOCUS = """(() => { const e = document.activeElement;
return e === document.body ? null : { tag: e.tagName, id: e.id, text: (e.textContent || '').trim().slice(0, 40),
top: Math.round(e.getBoundingClientRect().top + scrollY), ring: getComputedStyle(e).outlineStyle }; })()"""


@pytest.fixture(scope="module")
def pages(quick_run, tmp_path_factory):
    folder = shutil.copytree(quick_run, tmp_path_factory.mktemp("pages") / "demo")
    return {path.stem: path for path in render_all(folder, engine="embedded")}


@pytest.mark.slow
@pytest.mark.parametrize("mode", MODES, ids=["-".join(map(str, mode.values())) for mode in MODES])
def test_axe_finds_nothing_and_nothing_is_cut_off(pages, chromium, mode):
    for page in pages.values():
        tab = chromium.open(page, **mode)
        assert tab.axe() == []
        assert tab.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")


@pytest.mark.slow
@pytest.mark.parametrize("width", [1280, 390])
def test_keys_reach_every_control_in_the_order_of_the_page(pages, chromium, width):
    tab = chromium.open(pages["scenarios"], width=width)
    tab.press("Tab")
    assert tab.evaluate(FOCUS)["text"] == "Skip to main content"
    tab.press("Enter")
    assert tab.evaluate("document.activeElement.id") == "main"
    seen = []
    for _ in range(200):
        tab.press("Tab")
        found = tab.evaluate(FOCUS)
        if found is None:
            break
        seen.append(found)
    else:
        pytest.fail("the focus never leaves the page")
    assert all(one["ring"] != "none" for one in seen), "a focus that cannot be seen"
    names = [one["id"] for one in seen if one["id"].startswith("what-if-")]
    wanted = tab.evaluate("[...document.querySelectorAll('.what-if :is(input, select)')].map(e => e.id)")
    assert names == [name for name in wanted if name]
    summaries = tab.evaluate("document.querySelectorAll('main summary').length")
    assert sum(one["tag"] == "SUMMARY" for one in seen) == summaries > 3
    if width > 1000:  # beside each other on a wide page, the explorer's columns go down one after the other
        tops = [one["top"] for one in seen if one["tag"] in ("SUMMARY", "A")]
        assert tops == sorted(tops)


@pytest.mark.slow
def test_the_numbers_of_a_figure_open_with_a_key(pages, chromium):
    tab = chromium.open(pages["scenarios"])
    tab.evaluate("document.querySelector('.figure-data > summary').focus()")
    tab.press("Enter")
    assert tab.evaluate("document.querySelector('.figure-data').open")
    assert tab.axe(".figure-data") == []
