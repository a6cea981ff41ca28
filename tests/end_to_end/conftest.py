"""The command line in this process, and one rendered quick demonstration, shared."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from html.parser import HTMLParser
from pathlib import Path

import pytest

from averting.cli import main
from averting.evaluation import render


@dataclass(frozen=True)
class Said:
    """What a command ended with and printed."""

    code: int
    out: str
    err: str


@pytest.fixture
def cli(capsys: pytest.CaptureFixture[str]) -> Callable[..., Said]:
    """Run an averting command; anything but an orderly end fails the test with its traceback."""

    def call(*arguments: object) -> Said:
        with pytest.raises(SystemExit) as ended:
            main([str(argument) for argument in arguments])
        said = capsys.readouterr()
        return Said(int(ended.value.code or 0), said.out, said.err)

    return call


class _Page(HTMLParser):
    """Text, headings and addresses of a page; scripts, styles and pictures are not text."""

    def __init__(self) -> None:
        super().__init__()
        self.words: list[str] = []
        self.headings: list[str] = []
        self.loaded: list[str] = []
        self.images: list[dict[str, str | None]] = []
        self._inside: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in ("script", "style", "h1", "h2", "title"):
            self._inside.append(tag)
            if tag in ("h1", "h2"):
                self.headings.append("")
        if tag == "img":
            self.images.append(dict(attrs))
        self.loaded += [value or "" for name, value in attrs if name in ("src", "srcset", "data", "poster")]
        self.loaded += [value or "" for name, value in attrs if name == "href" and tag in ("link", "image", "use")]

    def handle_endtag(self, tag: str) -> None:
        if self._inside and tag == self._inside[-1]:
            self._inside.pop()

    def handle_data(self, data: str) -> None:
        if not {"script", "style"} & set(self._inside):
            self.words.append(data)
        if {"h1", "h2"} & set(self._inside):
            self.headings[-1] += data


@dataclass(frozen=True)
class Report:
    """A rendered report and what a reader finds in it."""

    path: Path
    html: str
    text: str
    headings: tuple[str, ...]
    loaded: tuple[str, ...]
    images: tuple[dict[str, str | None], ...]

    def says(self, text: str) -> bool:
        """Whether a text is on the page, however it is broken into lines and quoted."""
        return plain(text) in self.text


def plain(text: str) -> str:
    """Text with every run of white space as one space, and straight quotes."""
    straight = text.translate(str.maketrans("‘’“”", "''\"\""))
    return re.sub(r"\s+", " ", straight).strip()


def read_report(path: Path) -> Report:
    html = path.read_text(encoding="utf-8")
    page = _Page()
    page.feed(html)
    headings = tuple(plain(heading) for heading in page.headings)
    return Report(path, html, plain(" ".join(page.words)), headings, tuple(page.loaded), tuple(page.images))


@pytest.fixture(scope="session")
def report_of() -> Callable[[Path], Report]:
    """Read a rendered report."""
    return read_report


@pytest.fixture(scope="session")
def quick_report(quick_run: Path, tmp_path_factory: pytest.TempPathFactory) -> Report:
    """The quick demonstration's report."""
    folder = Path(shutil.copytree(quick_run, tmp_path_factory.mktemp("report") / "demo"))
    return read_report(render(folder, engine="embedded"))
