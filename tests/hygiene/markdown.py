"""Read the parts of a Markdown page that tests hold to account."""

from __future__ import annotations

import re
from itertools import zip_longest
from pathlib import Path
from typing import NamedTuple

_FENCE = re.compile(
    r"^(?:<!-- not run: (?P<reason>[^\n]+?) -->\n)?```(?P<language>[a-z]*)\n(?P<text>.*?)^```$", re.M | re.S
)
_LINK = re.compile(r"(?<!!)\[(?:[^\]]|\](?!\())*\]\(([^)\s]+)\)")
_COMMAND = re.compile(r"(?:uv run )?averting +(?P<words>[a-z-][^#`\n;]*)")


class Block(NamedTuple):
    """A fenced block: its language, its text, why it is not run ("" where it is), and what follows it."""

    language: str
    text: str
    not_run: str
    output: str


def blocks(page: Path) -> list[Block]:
    """Return a page's fenced blocks in order; a text block right after another one is that one's output."""
    text = page.read_text(encoding="utf-8")
    found = list(_FENCE.finditer(text))
    result = []
    for match, after in zip_longest(found, found[1:]):
        follows = (
            after is not None and after["language"] == "text" and not text[match.end() : after.start()].strip()
        )
        output = after["text"] if after is not None and follows else ""
        result.append(Block(match["language"], match["text"], match["reason"] or "", output))
    return result


def prose(page: Path) -> str:
    """Return a page without its fenced blocks."""
    return _FENCE.sub("", page.read_text(encoding="utf-8"))


def links(page: Path) -> list[str]:
    """Return the targets of a page's links."""
    return _LINK.findall(prose(page))


def anchors(page: Path) -> set[str]:
    """Return the anchors of a page's headings, as code hosts make them."""
    headings = re.findall(r"(?m)^#+ (.+)$", prose(page))
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def commands(page: Path) -> list[str]:
    """Return the words after ``averting`` of every command that a page shows, in code of any kind."""
    shown = [block.text for block in blocks(page) if block.language in ("console", "")]
    typed = [
        line.removeprefix("$ ") for text in shown for line in text.splitlines() if not line.startswith("averting:")
    ]
    indented = re.findall(r"(?m)^ {4,}(\S.*)$", prose(page))
    inline = re.findall(r"`([^`\n]+)`", prose(page))
    lines = [line.split("&&")[-1].strip() for line in (*typed, *indented, *inline)]
    return [match["words"].strip() for line in lines if (match := _COMMAND.match(line))]


def table(page: Path, heading: str) -> list[list[str]]:
    """Return the cells of the first table under a heading, without its header, by row."""
    after = page.read_text(encoding="utf-8").split(f"\n{heading}\n", 1)[1]
    section = re.split(r"(?m)^#", after, maxsplit=1)[0]
    rows = [line.strip("|\n ").split("|") for line in section.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in row] for row in rows[2:]]
