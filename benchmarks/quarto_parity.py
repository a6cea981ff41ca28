"""Compare captions, cross-references and headings of the embedded renderer with those of real Quarto.

Run with ``uv run python benchmarks/quarto_parity.py [report.qmd ...]`` where ``quarto`` is on the PATH; by default on
the renderer's own sample. Prints what differs and ends with 1 if anything does, and with 2 where there is no Quarto.
"""

from __future__ import annotations

import re
import shutil
import sys
import tempfile
from html.parser import HTMLParser
from pathlib import Path

from averting.errors import RenderError
from averting.reporting.render import render
from averting.reporting.render.quarto import find

SAMPLE = Path(__file__).parent.parent / "tests" / "unit" / "reporting" / "render" / "sample" / "report.qmd"
KINDS = ("captions", "references", "headings")
_HEADINGS = ("h1", "h2", "h3", "h4", "h5", "h6")


class _Reader(HTMLParser):
    """Gathers the text of captions, cross-references and headings, in order."""

    def __init__(self) -> None:
        super().__init__()
        self.found: dict[str, list[str]] = {kind: [] for kind in KINDS}
        self._open: list[tuple[str, str, list[str]]] = []
        self._silent = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        classes = (dict(attrs).get("class") or "").split()
        if tag in ("script", "style", "nav", "math"):
            self._silent += 1
        kind = _kind(tag, classes)
        if kind:
            self._open.append((tag, kind, []))

    def handle_endtag(self, tag: str) -> None:
        if tag in ("script", "style", "nav", "math"):
            self._silent -= 1
        if self._open and self._open[-1][0] == tag:
            _, kind, words = self._open.pop()
            text = " ".join("".join(words).split())
            if text and text not in ("Contents", "Table of contents", "References", "Footnotes"):
                self.found[kind].append(text)

    def handle_data(self, data: str) -> None:
        for _, _, words in self._open if not self._silent else ():
            words.append(data)


def _kind(tag: str, classes: list[str]) -> str | None:
    if tag in ("figcaption", "caption"):
        return "captions"
    if tag == "a" and {"quarto-xref", "crossref"} & set(classes):
        return "references"
    return "headings" if tag in _HEADINGS else None


def read(html: str) -> dict[str, list[str]]:
    """Return captions, cross-references and headings of a page; numbers and words as a reader sees them."""
    reader = _Reader()
    reader.feed(html)
    reader.close()
    # some captions are placed elsewhere on the page by one of the two: their order says nothing
    return {
        kind: sorted(re.sub(r"\s*([:,.])", r"\1", text) for text in texts) for kind, texts in reader.found.items()
    }


def differences(source: Path) -> list[str]:
    """Return what one engine shows and the other does not."""
    with tempfile.TemporaryDirectory() as temporary:
        copy = Path(shutil.copytree(source.parent, Path(temporary) / "copy")) / source.name
        pages = {
            engine: read(
                render(copy, engine=engine, output=copy.with_name(f"{engine}.html"), cache=False).read_text(
                    "utf-8"
                )
            )
            for engine in ("embedded", "quarto")
        }
    out = []
    for kind in KINDS:
        ours, theirs = pages["embedded"][kind], pages["quarto"][kind]
        out += [f"{kind}: only embedded: {text}" for text in ours if text not in theirs]
        out += [f"{kind}: only Quarto: {text}" for text in theirs if text not in ours]
    return out


def main() -> int:
    if find() is None:
        print("There is no quarto on the PATH: nothing was compared.")
        return 2
    failed = False
    for source in [Path(name).resolve() for name in sys.argv[1:]] or [SAMPLE]:
        try:
            found = differences(source)
        except RenderError as error:
            found = [str(error)]
        failed = failed or bool(found)
        print(f"{source.name}: {'the same' if not found else ''}", *found, sep="\n  ")
    return int(failed)


if __name__ == "__main__":
    raise SystemExit(main())
