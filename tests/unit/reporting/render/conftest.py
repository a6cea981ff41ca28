"""One rendering of the sample, shared: starting Python and pandoc is what takes time."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from averting.reporting.render import render

SAMPLE = Path(__file__).parent / "sample"


@dataclass(frozen=True)
class Page:
    """A rendered report."""

    source: Path
    html: str
    told: tuple[str, ...]


@pytest.fixture(scope="session")
def page(tmp_path_factory: pytest.TempPathFactory) -> Page:
    folder = tmp_path_factory.mktemp("sample") / "evaluation"
    shutil.copytree(SAMPLE, folder)
    source = folder / "report.qmd"
    told: list[str] = []
    target = render(source, engine="embedded", progress=told.append)
    return Page(source, target.read_text(encoding="utf-8"), tuple(told))


@pytest.fixture
def report(tmp_path: Path) -> Callable[..., Path]:
    """Write a report with a title and the body given, and any other files."""

    def write(body: str, *, head: str = "title: T", **files: str) -> Path:
        for name, text in files.items():
            (tmp_path / name.replace("__", ".")).write_text(text, encoding="utf-8")
        source = tmp_path / "report.qmd"
        source.write_text(f"---\n{head}\n---\n\n{body}\n", encoding="utf-8")
        return source

    return write
