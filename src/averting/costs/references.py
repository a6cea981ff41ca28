"""Read ``models/references.bib``: the sources that parameters cite by key."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from averting.errors import Fault, ParameterError, refuse
from averting.resources import models_dir

_ENTRY = re.compile(r"@(?P<kind>\w+)\s*\{\s*(?P<key>[^\s,{}]+)\s*,")
_FIELD = re.compile(r"\s*,?\s*(?P<name>\w+)\s*=\s*")
_BARE = re.compile(r"[^\s,{}]+")


@dataclass(frozen=True)
class Reference:
    """One source.

    Parameters
    ----------
    key : str
        What parameters cite.
    title, year, author, url, publisher, licence : str
        As in the file; ``author`` falls back on the institution or organisation, empty where there is neither.
    """

    key: str
    title: str
    year: str
    author: str
    url: str = ""
    publisher: str = ""
    licence: str = ""

    def short(self) -> str:
        """Return author, year, title and address in one line, for source tables."""
        place = self.url or self.publisher
        return f"{self.author} ({self.year}). {self.title}." + (f" {place}" if place else "")


def _value(text: str, start: int) -> tuple[str, int]:
    """Return the field value that starts at ``start`` and the position after it; -1 if it never ends."""
    opener = text[start : start + 1]
    if opener not in ("{", '"'):
        match = _BARE.match(text, start)
        return (match.group(), match.end()) if match else ("", -1)
    depth = 0
    for position in range(start, len(text)):
        character = text[position]
        depth += (character == "{") - (character == "}")
        closes = depth == 0 if opener == "{" else (character == '"' and position > start and depth == 0)
        if closes:
            return text[start + 1 : position], position + 1
    return "", -1


def _fields(text: str, start: int) -> tuple[dict[str, str], int]:
    """Return an entry's fields and the position of its closing brace; -1 if it is not found."""
    fields: dict[str, str] = {}
    position = start
    while match := _FIELD.match(text, position):
        value, position = _value(text, match.end())
        if position < 0:
            return fields, -1
        fields[match["name"].lower()] = re.sub(r"\s+", " ", re.sub(r"[{}]", "", value)).strip()
    closing = re.compile(r"\s*,?\s*\}").match(text, position)
    return fields, closing.end() if closing else -1


def _reference(key: str, fields: dict[str, str]) -> Reference:
    author = next((fields[name] for name in ("author", "institution", "organization") if fields.get(name)), "")
    publisher = next((fields[name] for name in ("publisher", "institution", "journal") if fields.get(name)), "")
    return Reference(
        key,
        fields.get("title", ""),
        fields.get("year", ""),
        author,
        fields.get("url", ""),
        publisher,
        fields.get("licence", ""),
    )


def _entries(text: str) -> Iterator[tuple[str, dict[str, str], int]]:
    position = 0
    while match := _ENTRY.search(text, position):
        fields, end = _fields(text, match.end())
        yield match["key"], fields, end
        position = end if end > 0 else match.end()


def parse_references(text: str, *, where: str) -> dict[str, Reference]:
    """Read BibTeX text.

    Parameters
    ----------
    text : str
        Entries with ``{...}``, ``"..."`` or bare values; anything outside entries is a comment.
    where : str
        Name of the file, for messages.

    Returns
    -------
    dict of str to Reference
        In file order.

    Raises
    ------
    ParameterError
        Listing every entry that is repeated, never closed, or lacks a title, year or author.
    """
    found: dict[str, Reference] = {}
    faults: list[Fault] = []
    for key, fields, end in _entries(text):
        reference = _reference(key, fields)
        if end < 0:
            faults.append(Fault(where, f"[{key}] is not closed", "Balance its braces and quotes"))
        elif key in found:
            faults.append(Fault(where, f"[{key}] appears twice", "Keep one"))
        else:
            missing = [name for name in ("title", "year", "author") if not getattr(reference, name)]
            if missing:
                fix = "Every source needs a title, a year and an author or institution"
                faults.append(Fault(where, f"[{key}] has no {' and no '.join(missing)}", fix))
        found[key] = reference
    refuse(ParameterError, f"{where} cannot be used", faults)
    return found


def read_references(path: Path) -> dict[str, Reference]:
    """Read one BibTeX file; see :func:`parse_references`."""
    return parse_references(path.read_text(encoding="utf-8"), where=f"models/{path.name}")


@cache
def known_references() -> dict[str, Reference]:
    """Return the sources that ship with averting, by key."""
    return read_references(models_dir() / "references.bib")
