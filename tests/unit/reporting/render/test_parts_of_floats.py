"""Figures and tables in parts, listings, tabs, columns and the words of cross-references, as real Quarto writes them."""

from __future__ import annotations

import re
from html import unescape

import pytest

from averting.reporting.render import render_files

HEAD = """title: Parts
crossref:
  fig-title: Fig.
  fig-prefix: fig.
  tbl-labels: roman I
  title-delim: "."
"""
BOX = '<svg xmlns="http://www.w3.org/2000/svg" width="90" height="40"><rect width="90" height="40"/></svg>'
BODY = f"""
See @fig-two, @fig-two-1, @tbl-pair, @tbl-b, @lst-code, @fig-box, -@fig-g2 and @eq-one.

```{{python}}
#| label: fig-two
#| fig-cap: "Both"
#| fig-subcap: ["First", "Second"]
#| fig-alt: ["one box", "another box"]
#| layout-ncol: 2
#| echo: false
from IPython.display import SVG, display
display(SVG('{BOX}'))
display(SVG('{BOX}'))
```

::: {{#tbl-pair layout-ncol=2}}

| a | b |
|---|---|
| 1 | 2 |

: First {{#tbl-a}}

| c | d |
|---|---|
| 3 | 4 |

: Second {{#tbl-b}}

Two tables
:::

```{{#lst-code .python lst-cap="Adds *one*"}}
x = x + 1
```

![A box](box.svg){{#fig-box fig-alt="box"}}

::: {{#fig-grid layout-ncol=2}}
![G one](box.svg){{#fig-g1 fig-alt="g one"}}

![G two](box.svg){{#fig-g2 fig-alt="g two"}}

The grid
:::

$$x$$ {{#eq-one}}

::: {{.panel-tabset}}
## Alpha
words of alpha

## Beta
words of beta
:::
"""


@pytest.fixture(scope="module")
def rendered(tmp_path_factory):
    folder = tmp_path_factory.mktemp("parts")
    (folder / "box.svg").write_text(BOX, encoding="utf-8")
    source = folder / "report.qmd"
    source.write_text(f"---\n{HEAD}---\n{BODY}", encoding="utf-8")
    return render_files(source, outputs=[source.with_suffix(e) for e in (".html", ".pdf")], engine="embedded")


@pytest.fixture(scope="module")
def html(rendered):
    return rendered[0].read_text(encoding="utf-8").partition("<main")[2]


def _text(html: str) -> str:
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", html)).split()).replace(" .", ".").replace(" ,", ",")


REFERENCES = "See fig. 1, fig. 1 (a), Table I, Table I (b), Listing 1, fig. 2, 3 (b) and Equation 1."
CAPTIONS = [
    "(a) First", "(b) Second", "Fig. 1. Both", "Table I. Two tables", "Listing 1. Adds one", "Fig. 2. A box",
    "(a) G one", "(b) G two", "Fig. 3. The grid",
]  # fmt: skip


def test_references(html):
    assert _text(html).find(REFERENCES) >= 0


def test_captions(html):
    found = [
        _text(caption) for caption in re.findall(r"<(?:fig)?caption[^>]*>(.*?)</(?:fig)?caption>", html, re.S)
    ]
    assert sorted(found) == sorted([*CAPTIONS, "(a) First", "(b) Second"])


def test_parts_can_be_linked_to(html):
    for part in ("fig-two-1", "fig-two-2", "tbl-a", "tbl-b", "fig-g1", "fig-g2", "lst-code"):
        assert html.count(f'id="{part}"') == 1


def test_columns_and_tabs(html):
    assert html.count("--columns: 2") == 3
    # tabs are no sections: they have no heading, and nothing is hidden
    assert "<h2" not in html
    assert _text(html).find("Alpha words of alpha Beta words of beta") >= 0


def test_on_paper(rendered, peer):
    words = " ".join(peer("pypdf").PdfReader(rendered[1]).pages[0].extract_text().split())
    for text in (REFERENCES, *CAPTIONS, "words of beta"):
        assert text in words
    assert "[" not in words


def test_profile_lies_over_the_project(tmp_path, monkeypatch):
    from averting.reporting.render.source import read_document

    (tmp_path / "_quarto.yml").write_text("toc: true\nsubtitle: A\n", encoding="utf-8")
    (tmp_path / "_quarto-draft.yml").write_text("subtitle: B\n", encoding="utf-8")
    (tmp_path / "report.qmd").write_text("---\ntitle: T\n---\n", encoding="utf-8")
    assert read_document(tmp_path / "report.qmd").settings.subtitle == "A"
    monkeypatch.setenv("QUARTO_PROFILE", "draft")
    settings = read_document(tmp_path / "report.qmd").settings
    assert (settings.subtitle, settings.toc) == ("B", True)
