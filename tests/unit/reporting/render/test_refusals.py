"""Everything outside the supported subset is refused by name, with file and line."""

from __future__ import annotations

import pytest

from averting.errors import RenderError
from averting.reporting.render import render


def _message(source) -> str:
    with pytest.raises(RenderError) as caught:
        render(source, engine="embedded")
    assert not source.with_suffix(".html").exists()
    return str(caught.value)


# The body starts on line 5: three lines of front matter and a blank one.
@pytest.mark.parametrize(
    ("body", "where", "what"),
    [
        ("```{r}\n1\n```", 5, "a cell for 'r'"),
        ("```{mermaid}\n1\n```", 5, "a cell for 'mermaid'"),
        ("x `{r} y`", 5, "inline code for 'r'"),
        ("x `{python} 1 +`", 5, "not an expression"),
        ("```{python}\n#| code-line-numbers: true\n1\n```", 6, "cell option 'code-line-numbers'"),
        ("```{python}\n#| echo: maybe\n1\n```", 6, "echo is 'maybe'"),
        ("```{python}\n#| echo: true\n#| echo: false\n1\n```", 7, "given twice"),
        ("```{python}\n#| fig-cap: a: b\n1\n```", 6, "not YAML"),
        ("```{python}\n#| fig-width: 6\n1\n```", 6, "fig-width"),
        ("```{python}\n1\n", 5, "the cell has no end"),
        ("````markdown\n```{python}\n```\n````", 6, "inside another block"),
        ("```{python echo=FALSE}\n1\n```", 5, "options in the braces"),
        ("```{python}\n#| label: a\n1\n```\n\n```{python}\n#| label: a\n1\n```", 10, "taken by report.qmd:5"),
        ("{{< video x.mp4 >}}", 5, "shortcode 'video'"),
        ("{{< meta nothing >}}", 5, "no text 'nothing' in the report's front matter"),
        ("a {{< var who >}}", 5, "no text 'who' in _variables.yml"),
        ("a {{< pagebreak >}}", 5, "shortcode 'pagebreak within a line'"),
        ("```{python}\n#| code-fold: maybe\n1\n```", 6, "code-fold is 'maybe'"),
        ("{{< include none.qmd >}}", 5, "no file to include at none.qmd"),
        ("See @fig-none.", 5, "@fig-none points at nothing"),
        ("a\n\nSee [@nobody2020].", 7, "no bibliography entry 'nobody2020'"),
        ("![](box.svg)", 5, "no alternative text"),
        ("a\n\n![alt](none.svg)", 7, "no file none.svg"),
        ("![alt](https://example.org/x.png)", 5, "https://example.org/x.png would be loaded"),
        ("```{=html}\n<script src='//cdn.example/x.js'></script>\n```", 6, "//cdn.example/x.js would be loaded"),
        ("```{=html}\n<p style='background:url(http://example.org/x.png)'>a</p>\n```", 6, "would be loaded"),
        ("```{=html}\n<img src='box.svg'>\n```", 6, "no alternative text"),
        ("::: {.panel-sidebar}\n# a\n:::", 5, "class 'panel-sidebar'"),
        ("::: {layout-nrow=2}\na\n:::", 5, "attribute 'layout-nrow'"),
        ("```{#lst-x .python}\n1\n```", 5, "listing lst-x has no caption"),
        ("```{python}\n#| label: fig-x\n#| fig-subcap: [a, b]\n#| fig-alt: a\n1\n```", 5, "shows 1 and captions 2 parts"),
        ("```{python}\n#| layout-ncol: 9\n1\n```", 6, "layout-ncol is 9"),
        ("::: {.callout-note icon=false}\na\n:::", 5, "attribute 'icon'"),
        ("::: {.content-visible when-profile=\"x\"}\na\n:::", 5, "attribute 'when-profile'"),
        ("::: {#thm-x}\na\n:::", 5, "labels like 'thm-x'"),
        ("::: {.callout-note}\na", 5, "has no end"),
        ("a\n\n$\\frobnicate{x}$", 7, "is not TeX"),
        ("![a](box.svg){#fig-a}\n\n![b](box.svg){#fig-a}", 7, "label fig-a is used twice"),
        ("A note.[^none]", 5, "no footnote 'none'"),
    ],
)  # fmt: skip
def test_body(report, body, where, what):
    message = _message(report(body, box__svg='<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"/>'))
    assert f"report.qmd:{where}: " in message
    assert what in message


@pytest.mark.parametrize(
    ("head", "where", "what"),
    [
        ("title: T\ntheme-colour: red", 3, "option 'theme-colour'"),
        ("title: T\ndate: today", 3, "the date is 'today'"),
        ("title: T\nlang: fr", 3, "lang is 'fr'"),
        ("title: T\ntoc: 'yes'", 3, "neither true nor false"),
        ("title: T\nbibliography: none.bib", 3, "no file 'none.bib'"),
        ("title: T\njupyter: ir", 3, "engine or kernel is 'ir'"),
        ("title: T\nformat:\n  html:\n    code-tools: true", 5, "option 'code-tools'"),
        ("title: T\ncrossref:\n  chapters: true", 3, "crossref option 'chapters'"),
        ("title: T\ncrossref:\n  fig-labels: greek", 3, "fig-labels is 'greek'"),
        ("title: T\nexecute:\n  fig-width: 3", 3, "execute option 'fig-width'"),
        ("title: T\nauthor:\n  - orcid: x", 3, "an author is"),
        ("title: [unclosed", 2, "not YAML"),
        ("subtitle: S", 1, "no title"),
        ("title: '`{python} x`'", 2, "inline code in the front matter"),
    ],
)
def test_front_matter(report, head, where, what):
    message = _message(report("text", head=head))
    assert f"report.qmd:{where}: " in message
    assert what in message


def test_all_faults_are_told_at_once(report):
    message = _message(
        report("```{r}\n```\n\n{{< video x >}}\n\n```{python}\n#| colour: red\n```", head="title: T\nx: 1")
    )
    assert "4 faults" in message
    assert [f"report.qmd:{n}:" in message for n in (3, 6, 9, 12)] == [True] * 4


def test_faults_name_the_included_file(report):
    message = _message(report("{{< include part.qmd >}}", part__qmd="text\n\nSee @tbl-none.\n"))
    assert "part.qmd:3: @tbl-none points at nothing" in message


def test_include_circles_and_front_matter(report):
    source = report(
        "{{< include a.qmd >}}", a__qmd="{{< include b.qmd >}}", b__qmd="---\nx: 1\n---\n{{< include a.qmd >}}"
    )
    message = _message(source)
    assert "b.qmd:4: a.qmd includes itself" in message
    assert "b.qmd:1: an included file has front matter" in message


def test_project_faults_name_the_project_file(report, tmp_path):
    (tmp_path / "_quarto.yml").write_text(
        "project:\n  execute-dir: project\nwebsite: {title: X}\n", encoding="utf-8"
    )
    (tmp_path / "_metadata.yml").write_text("author: A\ncolour: red\n", encoding="utf-8")
    message = _message(report("text"))
    assert "_quarto.yml:1: execute-dir" in message
    assert "_metadata.yml:2: the option 'colour'" in message
    assert "2 faults" in message


def test_not_a_report(tmp_path):
    with pytest.raises(RenderError, match="There is no report at"):
        render(tmp_path / "none.qmd")
    with pytest.raises(RenderError, match=r"not a \.qmd file"):
        render(tmp_path / "notes.md")


def test_output_must_be_of_a_known_kind(report):
    with pytest.raises(RenderError, match=r"ends in \.html, \.pdf or \.docx"):
        render(report("x"), output=report("x").with_suffix(".odt"))


def test_unknown_engine(report):
    with pytest.raises(RenderError, match="auto, quarto, embedded"):
        render(report("x"), engine="knitr")


def test_not_utf8(tmp_path):
    source = tmp_path / "report.qmd"
    source.write_bytes(b"---\ntitle: caf\xe9\n---\n")
    with pytest.raises(RenderError, match="not UTF-8"):
        render(source, engine="embedded")
