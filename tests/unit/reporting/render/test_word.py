"""Word documents: pictures with their words, tables with heads, the draft on every page, the same bytes again."""

from __future__ import annotations

import io
import re
import zipfile
from xml.etree import ElementTree

import pytest

from averting.errors import RenderError
from averting.reporting.render import render_files
from averting.reporting.render.word import with_header

_W = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"


@pytest.fixture(scope="module")
def made(page):
    """The sample as Word, twice."""
    outputs = [page.source.with_name("one.docx"), page.source.with_name("two.docx")]
    files = render_files(page.source, outputs=outputs, engine="embedded", watermark="Draft: <not> out")
    return [file.read_bytes() for file in files]


@pytest.fixture(scope="module")
def parts(made):
    with zipfile.ZipFile(io.BytesIO(made[0])) as archive:
        assert archive.testzip() is None
        return {
            name: archive.read(name).decode() for name in archive.namelist() if name.endswith((".xml", ".rels"))
        }


def test_the_same_bytes_again_and_no_clock(made, parts):
    assert made[0] == made[1]
    assert not re.search(r"<dcterms:(created|modified)", parts["docProps/core.xml"])
    assert not any("averting-" in text for name, text in parts.items() if name.startswith("docProps"))


def test_every_part_is_xml_and_every_relation_has_a_target(made, parts):
    for text in parts.values():
        ElementTree.fromstring(text)
    targets = re.findall(r'Target="([^":]+\.(?:xml|png))"', parts["word/_rels/document.xml.rels"])
    with zipfile.ZipFile(io.BytesIO(made[0])) as archive:
        assert {f"word/{target}" for target in targets} <= set(archive.namelist())


def test_the_draft_is_at_the_head_of_every_page(parts):
    assert "Draft: &lt;not&gt; out" in parts["word/header_averting.xml"]
    identifier = re.search(
        r'Id="([^"]+)"[^>]*Target="header_averting.xml"', parts["word/_rels/document.xml.rels"]
    )[1]
    sections = re.findall(r"<w:sectPr.*?</w:sectPr>", parts["word/document.xml"], re.DOTALL)
    assert sections
    assert all(f'r:id="{identifier}"' in section for section in sections)


def test_pictures_have_words_and_tables_have_heads(page, parts):
    text = parts["word/document.xml"]
    pictures = re.findall(r"<pic:pic\b", text)
    described = [found for found in re.findall(r'<wp:docPr[^>]*descr="([^"]*)"', text) if found.strip()]
    main = page.html.partition("<main")[2]
    assert len(pictures) == len(described) == main.count("<img")
    root = ElementTree.fromstring(text)
    tables = root.findall(f".//{_W}tbl")
    assert len(tables) == main.count("<table")
    assert all(table.find(f".//{_W}tblHeader") is not None for table in tables)


def test_numbers_of_figures_and_tables_are_the_pages(page, parts):
    words = re.sub(r"<[^>]+>", "", parts["word/document.xml"]).replace("\u00a0", " ")
    for caption in re.findall(r'class="float-number">([^<(]+)<', page.html):
        assert caption.replace("\u00a0", " ").strip() in words
    assert "{=html}" not in words
    assert "crossref" not in words


def test_without_words_there_is_no_header(made):
    plain = with_header(made[0], "")
    assert with_header(plain, "") == plain


def test_quarto_is_not_asked_for_word(report):
    source = report("Text.")
    with pytest.raises(RenderError, match="only HTML is made with it"):
        render_files(source, outputs=[source.with_suffix(".docx")], engine="quarto")
