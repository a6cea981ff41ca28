"""Which pages a site has and in which order: ``website: sidebar:`` of ``_quarto.yml``, which Quarto reads as well."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from averting.errors import Fault, RenderError, refuse

FILE = "_quarto.yml"
_SHAPE = "a page, or a mapping with href and text, or with section and contents"


@dataclass(frozen=True)
class Entry:
    """A page in the sidebar.

    Parameters
    ----------
    source : str
        Path of its Markdown file, from the project's folder.
    text : str
        What the link says; empty for the page's own title.
    """

    source: str
    text: str = ""


@dataclass(frozen=True)
class Section:
    """Pages under one heading; without a heading, those at the top."""

    title: str
    entries: tuple[Entry, ...]


@dataclass(frozen=True)
class Sidebar:
    """The site's title and its pages in order."""

    title: str
    sections: tuple[Section, ...]

    @property
    def entries(self) -> tuple[Entry, ...]:
        """All pages in order; the first is the one to begin with."""
        return tuple(entry for section in self.sections for entry in section.entries)


def read_sidebar(project: Path) -> Sidebar:
    """Read the sidebar that a project declares.

    Parameters
    ----------
    project : Path
        Folder with ``_quarto.yml``.

    Raises
    ------
    RenderError
        Where there is none, or a part of it is neither a page nor a section.
    """
    path = project / FILE
    try:
        website = yaml.safe_load(path.read_text(encoding="utf-8"))["website"]
        title, contents = str(website["title"]), website["sidebar"]["contents"]
    except (OSError, yaml.YAMLError, KeyError, TypeError) as error:
        raise RenderError(
            f"{path} declares no site. It needs website: with title, and sidebar: with contents."
        ) from error
    faults: list[Fault] = []
    sections = tuple(_sections(contents if isinstance(contents, list) else [contents], faults))
    refuse(RenderError, f"{path} cannot be used", faults)
    return Sidebar(title, sections)


def _sections(contents: list[Any], faults: list[Fault]) -> Iterator[Section]:
    loose: list[Entry] = []
    for item in contents:
        if isinstance(item, dict) and set(item) == {"section", "contents"} and isinstance(item["contents"], list):
            if loose:
                yield Section("", tuple(loose))
                loose = []
            entries = [entry for inner in item["contents"] if (entry := _entry(inner, faults))]
            yield Section(str(item["section"]), tuple(entries))
        elif entry := _entry(item, faults):
            loose.append(entry)
    if loose:
        yield Section("", tuple(loose))


def _entry(item: Any, faults: list[Fault]) -> Entry | None:
    if isinstance(item, str):
        return Entry(item)
    if isinstance(item, dict) and set(item) == {"href", "text"}:
        return Entry(str(item["href"]), str(item["text"]))
    faults.append(Fault(f"{FILE} sidebar", f"{item!r} is not a page", f"Give {_SHAPE}."))
    return None
