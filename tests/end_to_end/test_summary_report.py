"""The summary of the quick demonstration: short, the answer first, a draft until it may leave, and the same on paper."""

from __future__ import annotations

import re
import shutil

import pytest

from averting.evaluation import render_all
from averting.reporting import open_results, summary


@pytest.fixture(scope="module")
def made(quick_run, tmp_path_factory):
    folder = shutil.copytree(quick_run, tmp_path_factory.mktemp("summary") / "demo")
    page, paper = render_all(folder, names=["summary"], to=("html", "pdf"), engine="embedded")
    return folder, page, paper


@pytest.fixture(scope="module")
def sheets(made, peer):
    return [" ".join(page.extract_text().split()) for page in peer("pypdf").PdfReader(made[2]).pages]


def test_at_most_four_pages_each_a_draft(sheets):
    assert len(sheets) <= 4
    assert all("Draft: not for publication" in sheet for sheet in sheets)


def test_the_answer_comes_first(made, sheets):
    headline = summary.headline(open_results(made[0] / "results"))
    assert sheets[0].index(headline) < sheets[0].index("What we can say")


def test_page_and_paper_have_the_same_numbers(made, sheets):
    html = made[1].read_text(encoding="utf-8").partition("<main")[2]
    # a figure's numbers are folded under it on the page, and in its alternative text on paper
    words = re.sub(
        r'<(script|svg).*?</\1>|<details class="figure-data">.*?</details>|<[^>]+>', " ", html, flags=re.S
    )
    numbers = set(re.findall(r"£[\d,]+\d|\b\d+%", words))
    paper = " ".join(sheets)
    assert numbers
    assert not {number for number in numbers if number not in paper}
