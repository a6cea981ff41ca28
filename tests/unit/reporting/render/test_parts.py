"""Small pieces that need neither pandoc nor a kernel."""

from __future__ import annotations

import pytest

from averting.reporting.render import _write, render
from averting.reporting.render.document import fenced
from averting.reporting.render.inside import _averting_text
from averting.reporting.render.selfcontained import outside_loads
from averting.reporting.render.source import Cell, read_document


@pytest.mark.parametrize("text", ["0", "-0.21", "1,234", "12.5%", "−3"])
def test_numbers_are_left_alone(text):
    assert _averting_text(text) == text


@pytest.mark.parametrize("text", ["1.", "# x", "a|b", r"\(x\)", "[a](b)", "5 - 4"])
def test_other_text_holds_no_markup(text):
    shown = _averting_text(text)
    assert not set(shown) & set("#|\\()[]*_<>`$@~^-.") - set("#")
    assert "##" not in shown


def test_line_breaks_cannot_start_a_block():
    assert _averting_text("a\n\n    b") == "a b"


def test_fence_outgrows_its_text():
    assert fenced("```\nx\n```", ".a").startswith("```` {.a}\n")


@pytest.mark.parametrize(
    "html",
    [
        "<script src='https://x.org/a.js'></script>",
        "<img src=//x.org/a.png>",
        "<link rel=stylesheet href=http://x.org/a.css>",
        "<style>@import 'https://x.org/a.css';</style>",
        "<style>a { background: url( https://x.org/a.png ) }</style>",
        "<p style='background: url(//x.org/a.png)'>",
        "<img srcset='https://x.org/a.png 2x'>",
    ],
)
def test_loads_are_found(html):
    assert len(outside_loads(html)) == 1


@pytest.mark.parametrize(
    "html",
    ["<a href='https://x.org'>x</a>", "<img src='data:image/png;base64,//8='>", "<p>url(https://x.org)</p>"],
)
def test_links_and_words_are_no_loads(html):
    assert outside_loads(html) == ()


def test_settings_are_merged_from_outside_in(tmp_path):
    inner = tmp_path / "a" / "b"
    inner.mkdir(parents=True)
    (tmp_path / "one.bib").write_text("")
    (inner / "two.bib").write_text("")
    (tmp_path / "_quarto.yml").write_text(
        "bibliography: one.bib\nexecute: {echo: false, warning: false}\ntoc: true\n"
    )
    (tmp_path / "a" / "_metadata.yml").write_text("author: A\nexecute: {echo: true}\n")
    source = inner / "report.qmd"
    source.write_text(
        "---\ntitle: T\ntoc: false\nbibliography: two.bib\n---\n\n```{python}\n#| eval: false\n1\n```\n"
    )
    document = read_document(source)
    assert document.settings.authors == (("A", ""),)
    assert document.settings.toc is False
    assert [path.name for path in document.settings.bibliography] == ["one.bib", "two.bib"]
    (cell,) = (part for part in document.parts if isinstance(part, Cell))
    assert (cell.options.echo, cell.options.warning, cell.options.eval) == (True, False, False)


def test_lines_survive_includes(tmp_path):
    (tmp_path / "part.qmd").write_text("one\n\n```{python}\nx = 1\n```\n")
    source = tmp_path / "report.qmd"
    source.write_text("---\ntitle: T\n---\n{{< include part.qmd >}}\n\n```{python}\n#| echo: false\ny = 2\n```\n")
    first, second = read_document(source).cells
    assert first.code[0].where == "part.qmd:4"
    assert second.code[0].where == "report.qmd:8"


def test_write_leaves_nothing_half_done(tmp_path):
    target = tmp_path / "deep" / "page.html"
    _write(target, b"first")
    _write(target, b"second")
    assert [path.name for path in target.parent.iterdir()] == ["page.html"]
    assert target.read_text() == "second"


def text_of(report, body: str, **files: str) -> str:
    (part,) = read_document(report(body, **files)).parts
    return "\n".join(line.text for line in part.lines)


def test_values_are_put_in(report):
    body = (
        "Of {{< meta title >}}: {{< var who.name >}}, {{< var count >}}, {{< var sure >}}; `{{{< meta title >}}}`."
    )
    text = text_of(report, body, _variables__yml="who:\n  name: The *team*\ncount: 3\nsure: true\n")
    assert "Of T: The *team*, 3, true; `{{{< meta title >}}}`." in text


def test_a_page_break_is_one_in_every_format(report):
    text = text_of(report, "one\n\n{{< pagebreak >}}\n\ntwo")
    for part in ('<div class="page-break">', "#pagebreak(", '<w:br w:type="page"/>'):
        assert text.count(part) == 1


def test_code_is_shown_with_its_fence_or_folded_away(report):
    body = (
        "```{python}\n#| echo: fenced\n#| label: first\nx = 1\n```\n\n"
        "```{python}\n#| code-fold: show\n#| code-summary: The sum\nx + 1\n```\n\n```{python}\n#| code-fold: false\nx\n```\n"
    )
    head = "title: T\nformat:\n  html:\n    code-fold: true\n"
    made = render(report(body, head=head), engine="embedded").read_text(encoding="utf-8")
    page = " ".join(made.partition("<main")[2].split()).replace("> ", ">").replace(" <", "<")
    assert page.count("<summary>Code</summary>") == 1
    assert '<details class="code-fold" open>' in page
    assert "<summary>The sum</summary>" in page
    assert "#| label: first" in page
    assert "echo: fenced" not in page
    assert page.count("<details") == 2
