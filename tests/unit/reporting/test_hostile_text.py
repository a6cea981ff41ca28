"""Text that somebody typed is shown as typed: in tables, captions' alternatives, sentences, on screen and on paper."""

from __future__ import annotations

import json
from html import unescape
from html.parser import HTMLParser

import pytest

from averting.reporting.figures import STYLE, short
from averting.reporting.render import render_files
from averting.reporting.wording import as_text

HOSTILE = {
    "html": '<script>alert(1)</script> & <b>St Mary\'s</b> "quoted"',
    "markdown": "**bold** _it_ [x](http://evil.example) `code` $x^2$ ~~s~~ @tbl-x {#id} | a | \\(y\\) ![p](q.png)",
    "typst": '#import "x" #panic("y") #[z] *s* _e_ $m$ <lab> @ref \\ // c /* d */ ~ `r`',
    "formula": '=HYPERLINK("http://evil.example") +1 -1 @SUM(A1)',
    "right_to_left": "مدرسة الأمل בית ספר",
    "long": "Saint " + "Llanfairpwllgwyngyll" * 15,
    "emoji": "School 😀 🏫 café 学校",
    "list": "1. not a list",
    "heading": "# not a heading",
    "fence": "``` ::: ---",
}
BODY = """
```{{python}}
#| echo: false
#| output: asis
import json
from IPython.display import Markdown, display
from averting.reporting.figures import ReportFigure
from averting.reporting.tables import ReportTable
from averting.reporting.wording import as_text
hostile = json.loads({texts!r})
for name, text in hostile.items():
    display(Markdown(as_text(text)))
```

```{{python}}
#| echo: false
#| label: tbl-names
#| tbl-cap: "Names"
ReportTable(("Key", "Name", "Again"), [(key, text, text) for key, text in hostile.items()])
```

```{{python}}
#| echo: false
#| label: fig-names
#| fig-cap: "A box"
svg = '<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"><rect width="9" height="9"/></svg>'
ReportFigure(svg, " ".join(hostile.values()))
```

Inline: `{{python}} hostile["markdown"]` and `{{python}} hostile["typst"]` and `{{python}} hostile["html"]`.
"""


class _Text(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data):
        self.found.append(data)


@pytest.fixture(scope="module")
def rendered(tmp_path_factory):
    source = tmp_path_factory.mktemp("hostile") / "report.qmd"
    source.write_text("---\ntitle: T\n---\n" + BODY.format(texts=json.dumps(HOSTILE)), encoding="utf-8")
    return render_files(source, outputs=[source.with_suffix(e) for e in (".html", ".pdf")], engine="embedded")


@pytest.fixture(scope="module")
def page(rendered):
    parser = _Text()
    parser.feed(rendered[0].read_text(encoding="utf-8").partition("<main")[2].partition("</main>")[0])
    return parser


@pytest.fixture(scope="module")
def paper(rendered, peer):
    reader = peer("pypdf").PdfReader(rendered[1])
    # lines are broken anywhere on paper
    return "".join("".join(page.extract_text() for page in reader.pages).replace("\u200b", "").split())


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_on_screen(page, text):
    words = " ".join("".join(page.found).split())
    # a sentence and two cells; inline for some
    assert words.count(text) >= 3


def test_nothing_became_markup(page):
    assert not {"script", "b", "strong", "em", "code", "math", "del", "ol", "h1", "h2"} & {
        tag for tag, _ in page.tags
    }
    assert not [attrs for tag, attrs in page.tags if tag == "a" and "evil" in (attrs.get("href") or "")]
    (image,) = (attrs for tag, attrs in page.tags if tag == "img")
    assert " ".join((image["alt"] or "").split()) == " ".join(HOSTILE.values())


@pytest.mark.parametrize("key", [key for key in HOSTILE if key not in ("right_to_left", "emoji")])
def test_on_paper(paper, key):
    assert paper.count("".join(HOSTILE[key].split())) >= 3


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_in_a_heading(tmp_path, peer, text):
    """A heading is a label too, on paper, and both must survive any name; so must a link to it."""
    source = tmp_path / "report.qmd"
    body = f"\n# {as_text(text)} {{#学-a}}\n\n# {as_text(text)}\n\nSee [above](#学-a).\n"
    source.write_text(f"---\ntitle: T\n---\n{body}", encoding="utf-8")
    page, paper = render_files(
        source, outputs=[source.with_suffix(e) for e in (".html", ".pdf")], engine="embedded"
    )
    parser = _Text()
    parser.feed(page.read_text(encoding="utf-8").partition("<main")[2].partition("</main>")[0])
    assert " ".join("".join(parser.found).split()).count(text) == 2
    assert len(peer("pypdf").PdfReader(paper).pages) >= 1


def test_a_word_longer_than_the_line_stays_on_the_page(rendered, peer):
    """The name of 300 letters is broken: no letter begins beyond the right margin."""
    ends: list[float] = []
    width = 0.0
    for page in peer("pypdf").PdfReader(rendered[1]).pages:
        width = float(page.mediabox.width)
        page.extract_text(
            visitor_text=lambda text, cm, tm, font, size: ends.append(tm[4]) if text.strip() else None
        )
    assert max(ends) < width - 40
    text = "".join(page.extract_text() for page in peer("pypdf").PdfReader(rendered[1]).pages)
    assert max(map(len, text.replace("\u200b", "").splitlines())) < 130


def test_a_name_in_a_picture_is_no_formula_and_is_cut():
    assert STYLE["text.parse_math"] is False
    assert short("Saint " + "x" * 300) == "Saint " + "x" * 37 + "…"
    assert short("a\nb  c") == "a b c"


def test_letters_without_a_font_are_spelled_on_paper(paper):
    assert "School😀⟨U+1F3EB⟩café⟨U+5B66⟩⟨U+6821⟩" in paper
    assert "מ" in paper or "ס" in paper or "ב" in paper


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_as_text_is_undone_by_a_browser(text):
    assert unescape(as_text(text)) == text
