"""The PDF of the sample, read back by pypdf: a reader that is not ours."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from averting.errors import RenderError
from averting.reporting.render import pdf, render_files

SAMPLE = Path(__file__).parent / "sample"


@pytest.fixture(scope="session")
def printed(tmp_path_factory):
    folder = tmp_path_factory.mktemp("print") / "evaluation"
    shutil.copytree(SAMPLE, folder)
    outputs = [folder / "report.pdf", folder / "again.pdf"]
    return render_files(
        folder / "report.qmd", outputs=outputs, engine="embedded", watermark="Draft: not for print"
    )


@pytest.fixture(scope="session")
def read(printed, peer):
    return peer("pypdf").PdfReader(printed[0])


@pytest.fixture(scope="session")
def words(read):
    return " ".join(" ".join(page.extract_text() for page in read.pages).split())


def _elements(node: Any) -> Iterator[Any]:
    node = node.get_object()
    for child in node if isinstance(node, list) else [node.get("/K")] if isinstance(node, dict) else []:
        if isinstance(node, dict) and "/S" in node:
            yield node
        yield from _elements(child) if child is not None else ()


def test_same_bytes(printed):
    first, second = (path.read_bytes() for path in printed)
    assert first == second


def test_tagged_and_titled(printed, read):
    assert read.metadata.title == "Did the pilot avert exclusions?"
    assert (
        read.trailer["/Root"]["/MarkInfo"]["/Marked"] is True
        or read.trailer["/Root"]["/MarkInfo"]["/Marked"].value
    )
    assert read.trailer["/Root"]["/Lang"] == "en-GB"
    assert b"pdfuaid:part" in printed[0].read_bytes()


def test_structure_has_headings_captions_and_alternative_texts(read):
    elements = list(_elements(read.trailer["/Root"]["/StructTreeRoot"]))
    assert {"/Title", "/H1", "/H2", "/Table", "/TH", "/Caption", "/Link", "/Note"} <= {e["/S"] for e in elements}
    texts = {e.get("/Alt") for e in elements if e["/S"] in ("/Figure", "/Formula")}
    assert None not in texts
    assert {"A box inside a box.", "A <dot>.", "\\tau"} <= texts


def test_every_font_is_embedded(read):
    fonts = [f.get_object() for page in read.pages for f in page["/Resources"]["/Font"].values()]
    described = [f["/DescendantFonts"][0].get_object()["/FontDescriptor"] for f in fonts]
    assert fonts
    assert all({"/FontFile2", "/FontFile3"} & set(about) for about in described)


@pytest.mark.parametrize(
    "text",
    [
        "Table 1: What was saved, in pounds of 2024/25; see Figure 1",
        "Figure 1: Effect on exclusions by year",
        "Equation 1 again, 1, Fig. 1 and Figure 1, Table 2.",
        "(HM Treasury 2022)",
        "Draft: not for print",
        "Never in HTML.",
        "1 of 4",
        "References HM Treasury. 2022.",
    ],
)
def test_words(words, text):
    assert text in words


def test_words_are_not_doubled(words):
    assert words.count("Line 1") == 1


def test_unknown_letters_are_spelled():
    # no font here knows Chinese; DejaVu Sans knows some faces
    assert pdf.shown("a é 木 😀 \U0001f9d1\ufe0f") == "a é ⟨U+6728⟩ 😀 ⟨U+1F9D1⟩"


def test_pdf_names_what_it_refuses(report):
    source = report('::: {.content-visible when-format="pdf"}\na\n:::')
    with pytest.raises(RenderError, match=r"report.qmd:5: 'pdf' is content for LaTeX"):
        render_files(source, outputs=[source.with_suffix(".pdf")], engine="embedded")


def test_quarto_makes_no_pdf(report):
    source = report("text")
    with pytest.raises(RenderError, match="does not meet PDF/UA-1"):
        render_files(source, outputs=[source.with_suffix(".pdf")], engine="quarto")


def test_formats_have_their_own_options(report, peer):
    head = "title: T\nformat:\n  html:\n    toc: true\n  typst:\n    toc: false\n    papersize: a4"
    source = report("# One {#sec-one}\n\nSee @sec-one.", head=head)
    outputs = [source.with_suffix(ending) for ending in (".html", ".pdf")]
    page, paper = render_files(source, outputs=outputs, engine="embedded")
    assert "Contents" in page.read_text(encoding="utf-8")
    assert "Contents" not in peer("pypdf").PdfReader(paper).pages[0].extract_text()


def test_paper_has_no_controls_and_nothing_hidden(report, peer):
    panel = """```{=html}
<section aria-labelledby="t"><style>p {color: red}</style><h3 id="t">Try</h3>
<p class="wrong" hidden>Broken browser</p><p>The hidden count is shown</p>
<div class="live" hidden><form><input type="range"></form><table><tbody></tbody></table></div>
<div class="screen-only">Move a slider <button>Go</button></div>
<details open><summary>Cases</summary><div><table><caption>One at a time</caption>
<thead><tr><th scope="col">Case</th></tr></thead><tbody><tr><th scope="row">Low</th></tr></tbody></table></div></details>
<script>let x = "<p>script</p>";</script></section>
```"""
    source = report(f"# One\n\n{panel}\n\nAfter.")
    (paper,) = render_files(source, outputs=[source.with_suffix(".pdf")], engine="embedded")
    words = " ".join(peer("pypdf").PdfReader(paper).pages[0].extract_text().split())
    for shown in ("Try", "The hidden count is shown", "Cases", "One at a time", "Low", "After."):
        assert shown in words
    for gone in ("Broken", "slider", "Go", "script", "color"):
        assert gone not in words
