"""What a reader gets: the sample, rendered once, looked at from all sides."""

from __future__ import annotations

import base64
import re
from html.parser import HTMLParser

import pytest

from averting.reporting.render import render
from averting.reporting.render.selfcontained import outside_loads


@pytest.fixture(scope="module")
def html(page):
    return page.html


def _between(html: str, start: str, end: str) -> str:
    assert start in html
    return html.split(start, 1)[1].split(end, 1)[0]


def _text(html: str) -> str:
    text = re.sub(r"<[^>]+>", "", html)
    return " ".join(text.replace("\u00a0", " ").split())


def test_head(html):
    assert '<html lang="en-GB">' in html
    assert "<title>Did the pilot avert exclusions?</title>" in html
    assert html.count("<h1") == 1
    assert '<time datetime="2026-03-01">1 March 2026</time>' in html
    assert "A. Evaluator" in html
    assert "(Example Institute)" in html
    assert "<p>Three schools piloted a <em>programme</em>. The data are simulated.</p>" in html


def test_skip_link_reaches_main(html):
    assert html.index('href="#main"') < html.index("<nav")
    assert '<main id="main" tabindex="-1">' in html


def test_project_settings_give_contents_and_numbers(html):
    toc = _between(html, '<nav id="toc"', "</nav>")
    assert _text(_between(toc, 'href="#sec-methods"', "</a>").split(">", 1)[1]) == "1.1 Methods"
    assert _text(_between(toc, 'href="#references"', "</a>").split(">", 1)[1]) == "References"
    assert "Headline finding" not in toc


@pytest.mark.parametrize(
    ("target", "text"),
    [
        ("fig-effect", "Figure 1"),
        ("fig-box", "Figure 2"),
        ("fig-pair", "Figure 3"),
        ("fig-own", "Figure 4"),
        ("tbl-money", "Table 1"),
        ("tbl-balance", "Table 2"),
        ("tbl-rating", "Table 4"),
        ("eq-model", "Equation 1"),
        ("sec-methods", "Section 1.1"),
    ],
)
def test_references(html, target, text):
    link = f'<a href="#{target}" class="crossref">{text.replace(" ", chr(0xA0))}</a>'
    assert link in html
    assert len(re.findall(rf'id="{target}"', html)) == 1


def test_reference_forms(html):
    paragraph = _text(_between(html, "is a data frame and", "</p>"))
    assert paragraph.endswith("Equation 1 again, 1, Fig. 1 and Figure 1, Table 2.")


def test_figure(html):
    figure = _between(html, '<figure id="fig-effect">', "</figure>")
    assert 'alt="Dots with whiskers for four years; all near minus 0.2."' in figure
    svg = base64.b64decode(_between(figure, "data:image/svg+xml;base64,", '"')).decode()
    assert "<svg" in svg
    assert "<dc:date>" not in svg
    assert "<text" not in svg  # letters are drawn, so that no font is needed
    caption = _between(figure, "<figcaption>", "</figcaption>")
    assert _text(caption) == "Figure 1: Effect on exclusions by year (HM Treasury 2022)"
    assert "<em>exclusions</em>" in caption
    assert "Text(0.5" not in html
    assert "matplotlib" not in _between(html, "<main", "</main>")


def test_figure_with_its_own_text(html):
    figure = _between(html, '<figure id="fig-own">', "</figure>")
    assert figure.count("<img") == 1
    assert 'alt="A &lt;dot&gt;."' in figure
    assert _text(_between(figure, "<figcaption>", "</figcaption>")).startswith("Figure 4: A figure that brings")


def test_raw_table_gets_its_caption_inside(html):
    table = _between(html, '<div id="tbl-money"', "</div>")
    assert 'class="table-scroll" role="region"' in table
    assert 'tabindex="0"' in table
    label = _between(table, 'aria-labelledby="', '"')
    caption = _between(table, "<caption>", "</caption>")
    assert f'<span id="{label}">' in caption
    assert _text(caption) == "Table 1: What was saved, in pounds of 2024/25; see Figure 1"
    assert table.index("<table") < table.index("<caption>") < table.index("<thead>")


def test_data_frame(html):
    table = _between(html, '<div id="tbl-balance"', "</div>")
    assert len(re.findall("<tr>", _between(table, "<thead>", "</thead>"))) == 1
    heads = re.findall(r'<th [^>]*scope="col"[^>]*>(.*?)</th>', table)
    assert heads == ["group", "School &lt;b&gt;x&lt;/b&gt;", "Mean", "N"]
    assert re.search(r'<th [^>]*scope="row"[^>]*>pilot</th>', table)
    assert re.search(r'<td style="text-align: right;">1200</td>', table)
    assert "*C*" in table
    assert "A &amp; B" in table


def test_several_tables_share_a_caption_and_scroll_each(html):
    figure = _between(html, '<figure id="tbl-two"', "</figure>")
    assert figure.count('class="table-scroll"') == 2
    assert _text(_between(figure, "<figcaption>", "</figcaption>")) == "Table 3: Two frames under one caption"
    assert '<span class="visually-hidden">Row</span></th>' in figure


def test_inline_values_are_text(html):
    callout = _between(html, "Hostile: ", "Maths:")
    assert callout == (
        "St &lt;b&gt;Mary&#39;s&lt;/b&gt; *&amp; All* [x](http://evil.example) $1$ `a` @x {#id} | ## \\. "
    )
    assert "<strong>-0.21</strong>" in html
    assert "<strong>strong words</strong>" in html
    assert "<mo>=</mo><mi>−</mi><mn>0.21</mn>" in html
    assert "<code>{python} escaped</code>" in html


def test_cells_run_here_and_know_it(html, page):
    assert f"Ran with AVERTING_RENDER=1 in {page.source.parent.name}; seed 7." in html


def test_callouts(html):
    for kind, title in [
        ("important", "Important: Headline finding"),
        ("warning", "Warning"),
        ("tip", "Tip: A title by attribute"),
        ("caution", "Caution"),
    ]:
        callout = _between(html, f'class="callout callout-{kind}" role="note"', '<div class="callout-body">')
        assert _text(callout.split(">", 1)[1]) == title
    folded = _between(html, 'class="callout callout-note"', "</details>")
    assert _text(_between(folded, "<summary>", "</summary>")) == "Note: What does it mean?"


def test_outputs(html):
    assert "<li>item <strong>one</strong></li>" in html
    assert '<pre class="cell-output cell-error"><code>ZeroDivisionError: division by zero</code></pre>' in html
    assert '<pre class="cell-output cell-stderr"><code>UserWarning: mind the gap</code></pre>' in html
    assert "import pandas" not in html
    assert "Only for HTML." in html
    assert "Never in HTML." not in html
    item = _between(html, "<li><p>First</p>", "</li>")
    assert '<pre class="cell-output"><code>in a list</code></pre>' in item


def test_formula_is_numbered_mathml(html):
    equation = _between(html, '<span id="eq-model" class="equation">', "</p>")
    assert '<math display="block"' in equation
    assert '<span class="equation-number">(1)</span>' in equation


def test_notes_and_bibliography(html):
    assert "Schools are kept in the arm they were drawn into." in _between(
        html, 'role="doc-endnotes"', "</section>"
    )
    references = _between(html, '<section id="references"', "</section>")
    assert "<em>The Green Book</em>" in references
    assert "Husereau" in references
    assert "item 12)" in html


def test_nothing_is_loaded_from_elsewhere(html):
    assert outside_loads(html) == ()
    assert 'href="https://www.bmj.com' in html  # a link to follow is no load


class _Ids(HTMLParser):
    def __init__(self):
        super().__init__()
        self.ids, self.targets, self.images = [], [], []

    def handle_starttag(self, tag, attrs):
        given = dict(attrs)
        self.ids += [given["id"]] if "id" in given else []
        self.targets += [given["href"][1:]] if (given.get("href") or "").startswith("#") else []
        self.targets += [given["aria-labelledby"]] if "aria-labelledby" in given else []
        self.images += [given] if tag == "img" else []


def test_ids_are_unique_and_links_land(html):
    found = _Ids()
    found.feed(html)
    assert len(found.ids) == len(set(found.ids))
    assert set(found.targets) <= set(found.ids)
    assert len(found.images) == 4
    assert all(image["alt"] for image in found.images)


def test_cached_rendering_is_the_same_and_runs_nothing(page):
    told = []
    again = render(
        page.source, engine="embedded", progress=told.append, output=page.source.with_name("again.html")
    )
    assert again.read_text(encoding="utf-8") == page.html
    assert not any("running" in words for words in told)
    assert sum("running" in words for words in page.told) > 5


@pytest.mark.slow
def test_two_fresh_renderings_are_the_same_bytes(page):
    other = render(page.source, engine="embedded", cache=False, output=page.source.with_name("other.html"))
    assert other.read_bytes() == page.html.encode("utf-8")


def test_no_path_of_this_machine_is_shown(page):
    assert str(page.source.parent.parent) not in page.html
    assert "ipykernel" not in page.html
