"""What a report says about itself: front matter over ``_metadata.yml`` files over ``_quarto.yml``."""

from __future__ import annotations

import datetime as dt
import os
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from averting.errors import Fault

from .options import SWITCHES, fold_problem, switch_problem
from .text import Line, Mapping, read_mapping

Problem = tuple[str, str]
_EXECUTE_QUARTO = ("freeze", "cache", "daemon", "enabled")


@dataclass(frozen=True)
class Settings:
    """Everything a report declares, checked.

    Parameters
    ----------
    title : str
        In Markdown, like ``subtitle``, ``abstract`` and ``description``.
    authors : tuple of (str, str)
        Name and affiliation (may be empty).
    date : date or str, optional
        As declared; there is no clock in a report.
    lang : str
        A kind of English: the words of the page around the report are English.
    toc, number_sections, link_citations : bool
        As in Quarto.
    toc_depth : int
        Levels of headings in the table of contents, counted from the report's highest.
    bibliography : tuple of Path
    csl : Path, optional
    nocite : str, optional
        Citations to list though they are not cited, in Markdown.
    execute : dict of str to object
        Defaults of the cells.
    code_fold : bool or "show", optional
        Fold the code of cells away, where a cell does not say.
    code_summary : str, optional
        What stands where code is folded.
    crossref : dict of str to str
        Words and ways of counting of captions and references, as in Quarto.
    """

    title: str
    subtitle: str | None = None
    abstract: str | None = None
    description: str | None = None
    authors: tuple[tuple[str, str], ...] = ()
    date: dt.date | str | None = None
    lang: str = "en-GB"
    toc: bool = False
    toc_depth: int = 3
    number_sections: bool = False
    link_citations: bool = True
    bibliography: tuple[Path, ...] = ()
    csl: Path | None = None
    nocite: str | None = None
    execute: dict[str, object] = field(default_factory=dict)
    code_fold: bool | str | None = None
    code_summary: str | None = None
    crossref: dict[str, str] = field(default_factory=dict)


def cell_defaults(settings: Settings) -> dict[str, object]:
    """Return the options that cells have where they do not say otherwise."""
    code = {"code-fold": settings.code_fold, "code-summary": settings.code_summary}
    return {**settings.execute, **{key: value for key, value in code.items() if value is not None}}


def project_root(source: Path) -> Path:
    """Return the nearest folder above the report that holds a ``_quarto.yml``, else the report's own folder."""
    return next((folder for folder in source.parents if (folder / "_quarto.yml").is_file()), source.parent)


def read_settings(source: Path, head: tuple[Line, ...], faults: list[Fault], *, to: str = "html") -> Settings:
    """Merge and check the settings of a report.

    Parameters
    ----------
    source : Path
        The report, absolute.
    head : tuple of Line
        Its front matter without the fences.
    faults : list of Fault
        Grows by every key that is unknown, mistyped or points nowhere.
    to : {"html", "typst"}
        Whose options below ``format:`` count.
    """
    merged: dict[str, object] = {}
    for path in _layers(source):
        name = Path(os.path.relpath(path, source.parent)).as_posix()
        lines = [Line(text, name, n) for n, text in enumerate(path.read_text("utf-8").splitlines(), 1)]
        mapping = read_mapping(lines, "file", faults)
        project = path.name.startswith("_quarto")
        _merge(merged, _checked(_flat(mapping, to), mapping, path.parent, faults, project=project))
    mapping = read_mapping(head, "front matter", faults) if head else Mapping({}, {})
    _merge(merged, _checked(_flat(mapping, to), mapping, source.parent, faults, project=False))
    if not merged.get("title"):
        faults.append(
            Fault(f"{source.name}:1", "the report has no title", "Add 'title: ...' to the front matter.")
        )
    return _settings(merged)


def _layers(source: Path) -> list[Path]:
    root = project_root(source)
    folders = [source.parent, *source.parent.parents]
    inside = [folder for folder in folders if folder == root or root in folder.parents]
    # of the project only, as with Quarto: the profile's file lies over the project's
    profiles = [name.strip() for name in os.environ.get("QUARTO_PROFILE", "").split(",") if name.strip()]
    project = [root / "_quarto.yml", *(root / f"_quarto-{name}.yml" for name in profiles)]
    files = [*project, *(folder / "_metadata.yml" for folder in reversed(inside))]
    return [file for file in files if file.is_file()]


def _flat(mapping: Mapping, to: str) -> dict[tuple[str, ...], object]:
    """Bring the options of one format to the top; those of others are not looked at."""
    flat: dict[tuple[str, ...], object] = {}
    for key, value in mapping.values.items():
        if key != "format":
            flat[(key,)] = value
        elif isinstance(value, dict) and isinstance(value.get(to), dict):
            flat |= {("format", to, str(name)): option for name, option in value[to].items()}
    return flat


def _checked(
    flat: dict[tuple[str, ...], object], mapping: Mapping, folder: Path, faults: list[Fault], *, project: bool
) -> dict[str, object]:
    """Return the good values by key; a project file may hold keys that are none of a report's business."""
    good: dict[str, object] = {}
    for path, value in flat.items():
        key = path[-1]
        check = _CHECKS.get(key)
        if check is None and project and len(path) == 1 and key != "project":
            continue
        problem = check(value, folder) if check else _unknown(key, value)
        if problem:
            faults.append(mapping.lines[path].fault(*problem))
        elif check is None:
            continue
        elif key == "execute" and isinstance(value, dict):
            good[key] = {name: option for name, option in value.items() if name in SWITCHES}
        elif key in ("bibliography", "csl"):
            good[key] = [folder / str(name) for name in _list(value)]
        else:
            good[key] = value
    return good


def _unknown(key: str, value: object) -> Problem | None:
    if key == "project":
        inside = isinstance(value, dict) and value.get("execute-dir") == "project"
        return ("execute-dir is 'project'", "Remove it: cells run in the report's own folder.") if inside else None
    return f"the option '{key}' is not supported", f"Supported: {', '.join(sorted(_CHECKS))}."


def _merge(base: dict[str, object], over: dict[str, object]) -> None:
    """Lay one layer over another as Quarto does: maps merge, lists of files add up, the rest is replaced."""
    for key, value in over.items():
        below = base.get(key)
        if isinstance(below, dict) and isinstance(value, dict):
            base[key] = {**below, **value}
        elif key == "bibliography" and isinstance(below, list) and isinstance(value, list):
            base[key] = [*below, *(path for path in value if path not in below)]
        else:
            base[key] = value


def _settings(merged: dict[str, object]) -> Settings:
    known = {key.replace("-", "_"): value for key, value in merged.items() if key not in _QUARTO_ONLY}
    authors = known.pop("author", [])
    values: dict[str, object] = {
        **known,
        "title": str(merged.get("title", "")),
        "authors": tuple(_author(author) for author in _list(authors)),
        "bibliography": tuple(_list(known.get("bibliography", []))),
        "csl": next(iter(_list(known.get("csl", []))), None),
    }
    return Settings(**values)  # type: ignore[arg-type]  # types were checked by _CHECKS, key by key


def _author(value: object) -> tuple[str, str]:
    if isinstance(value, dict):
        return str(value.get("name", "")), str(value.get("affiliation", ""))
    return str(value), ""


def _list(value: object) -> list[object]:
    return value if isinstance(value, list) else [value]


# ---- one check for each key --------------------------------------------------


def _text(value: object, _: Path) -> Problem | None:
    if not isinstance(value, str):
        return f"{value!r} is not text", "Put it in quotes."
    if "`{python}" in value:
        return "inline code in the front matter is not run", "Write the value, or move the sentence into the text."
    return None


def _switch(value: object, _: Path) -> Problem | None:
    return None if isinstance(value, bool) else (f"{value!r} is neither true nor false", "Use true or false.")


def _depth(value: object, _: Path) -> Problem | None:
    whole = isinstance(value, int) and not isinstance(value, bool) and 1 <= value <= 6
    return None if whole else (f"toc-depth is {value!r}", "Use a number from 1 to 6.")


def _date(value: object, _: Path) -> Problem | None:
    if isinstance(value, dt.date):
        return None
    if not isinstance(value, str) or value in ("today", "now", "last-modified"):
        return f"the date is {value!r}", "Write the day, as 2026-03-31: the same report must give the same bytes."
    return None


def _english(value: object, _: Path) -> Problem | None:
    if isinstance(value, str) and (value == "en" or value.startswith("en-")):
        return None
    return f"lang is {value!r}", "Use en-GB or another English: the page's own words are English."


def _authors(value: object, _: Path) -> Problem | None:
    for author in _list(value):
        named = isinstance(author, dict) and "name" in author and set(author) <= {"name", "affiliation"}
        if not named and not isinstance(author, str):
            return f"an author is {author!r}", "Give a name, or a mapping with name and affiliation."
    return None


def _files(value: object, folder: Path) -> Problem | None:
    for name in _list(value):
        if not isinstance(name, str) or not (folder / name).is_file():
            return f"there is no file {name!r}", f"Give a path relative to {folder.name}/."
    return None


def _execute(value: object, _: Path) -> Problem | None:
    if not isinstance(value, dict):
        return f"execute is {value!r}", "Give a mapping of options."
    for key, option in value.items():
        if key not in (*SWITCHES, *_EXECUTE_QUARTO):
            return f"the execute option '{key}' is not supported", f"Supported: {', '.join(SWITCHES)}."
        problem = switch_problem(key, option) if key in SWITCHES else None
        if problem:
            return problem
    return None


_COUNTED = ("fig", "tbl", "eq", "lst")
_LABELS = ("arabic", "alpha a", "alpha A", "roman i", "roman I")
_CROSSREF = (
    "title-delim", *(f"{kind}-title" for kind in ("fig", "tbl", "lst")), *(f"{kind}-prefix" for kind in (*_COUNTED, "sec"))
)  # fmt: skip
_COUNTING = ("labels", "subref-labels", *(f"{kind}-labels" for kind in _COUNTED))


def _crossref(value: object, _: Path) -> Problem | None:
    if not isinstance(value, dict):
        return f"crossref is {value!r}", "Give a mapping of options."
    for key, option in value.items():
        if key not in (*_CROSSREF, *_COUNTING):
            return (
                f"the crossref option '{key}' is not supported",
                f"Supported: {', '.join((*_CROSSREF, *_COUNTING))}.",
            )
        if not isinstance(option, str) or (key in _COUNTING and option not in _LABELS):
            return f"{key} is {option!r}", f"Give text; for ways of counting one of {', '.join(_LABELS)}."
    return None


def _python(value: object, _: Path) -> Problem | None:
    if value in ("python3", "jupyter"):
        return None
    return f"the engine or kernel is {value!r}", "Only Python is run: use 'jupyter: python3' or leave it out."


def _looks(_: object, __: Path) -> Problem | None:
    """Accept an option that only matters to Quarto: this renderer always embeds, uses MathML and its own theme."""
    return None


_QUARTO_ONLY = (
    "jupyter", "engine", "theme", "brand", "embed-resources", "html-math-method", "fig-format", "papersize", "pdf-standard"
)  # fmt: skip
_CHECKS: dict[str, Callable[[object, Path], Problem | None]] = {
    **dict.fromkeys(("title", "subtitle", "abstract", "description", "nocite", "code-summary"), _text),
    "code-fold": lambda value, _: fold_problem(value),
    **dict.fromkeys(("toc", "number-sections", "link-citations"), _switch),
    **dict.fromkeys(("bibliography", "csl"), _files),
    **dict.fromkeys(_QUARTO_ONLY, _looks),
    **dict.fromkeys(("jupyter", "engine"), _python),
    "author": _authors,
    "date": _date,
    "lang": _english,
    "toc-depth": _depth,
    "execute": _execute,
    "crossref": _crossref,
}
