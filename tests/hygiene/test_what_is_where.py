"""The table of what the founding documents ask for: complete, and true of the code."""

from __future__ import annotations

import ast
import importlib
import re
from pathlib import Path
from typing import Any

import pytest

from averting.cli import app

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "what-is-where.md"
HEADINGS = ("## Systems, models, programmes and tools", "## Outcomes and measures of success")
FOUNDING = ("# 4. Systems", "# 3. Outcomes")


def _rows(heading: str) -> list[list[str]]:
    section = re.split(r"(?m)^## ", PAGE.read_text(encoding="utf-8").split(f"{heading}\n", 1)[1])[0]
    lines = [line for line in section.splitlines() if line.startswith("|")][2:]
    return [[cell.strip() for cell in line.strip("| \n").split(" | ")] for line in lines]


ROWS = [row for heading in HEADINGS for row in _rows(heading)]


def _named(cell: str, pattern: str) -> list[str]:
    return re.findall(pattern, cell)


def _resolved(name: str) -> Any:
    parts = name.split(".")
    for cut in range(len(parts), 0, -1):
        try:
            found = importlib.import_module(".".join(parts[:cut]))
        except ImportError:
            continue
        for part in parts[cut:]:
            found = getattr(found, part)
        return found
    raise AssertionError(name)


def test_every_row_of_the_founding_documents_is_there(shared):
    """Names are compared without emphasis and references."""

    def plain(text: str) -> str:
        return re.sub(r"\s*\[[^\]]*\]|\*\*|^— ", "", text).strip()

    facts = (shared / "facts" / "seed_facts.md").read_text(encoding="utf-8")
    for start, heading in zip(FOUNDING, HEADINGS, strict=True):
        section = re.split(r"(?m)^# ", facts.split(start, 1)[1])[0]
        lines = [line for line in section.splitlines() if line.startswith("|")][2:]
        wanted = [plain(line.strip("|").split(" | ")[0].strip()) for line in lines]
        assert len(wanted) == 34
        assert [row[0] for row in _rows(heading)] == [one.removesuffix(" / scrutiny panel") for one in wanted]


@pytest.mark.parametrize("row", ROWS, ids=[row[0][:40] for row in ROWS])
def test_what_is_said_to_serve_a_row_exists_and_is_used_by_its_test(row):
    _, served, shown = row
    names = _named(served, r"`(averting\.[\w.]+)`")
    commands = _named(served, r"`averting ([a-z-]+)`")
    pages = [target.partition("#")[0] for target in _named(served, r"\]\(([^)]+)\)")]
    assert all((ROOT / "docs" / page).is_file() for page in pages)
    assert all(command in app for command in commands)
    assert all(callable(_resolved(name)) for name in names)
    assert names or commands or pages, "nothing serves it"
    tests = _named(shown, r"`([^`]+)`")
    assert tests, "name the test that shows it"
    text = "".join((ROOT / test).read_text(encoding="utf-8") for test in tests)
    assert any(
        isinstance(node, ast.FunctionDef) and node.name.startswith("test_") for node in ast.walk(ast.parse(text))
    )
    used = [name.rsplit(".", 1)[-1] for name in names] + commands
    assert [word for word in used if word not in text] == [], tests


def test_every_row_is_served():
    assert [row[0] for row in ROWS if re.search(r"(?i)not yet", row[1])] == []
