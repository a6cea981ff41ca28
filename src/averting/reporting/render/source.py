"""Read a .qmd: front matter, includes, and the split into prose and cells."""

from __future__ import annotations

import ast
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from averting.errors import Fault, RenderError, refuse

from .options import CellOptions, read_options, split_options
from .settings import Settings, cell_defaults, project_root, read_settings
from .shortcodes import SHORTCODE, Values, expand, read_values
from .text import Fence, Line, fence_of

_CELL = re.compile(r"^\{(\w+)\s*\}$")
_ENGINE = re.compile(r"^\{(\w+)[\s,}]")
INLINE = re.compile(r"(?<!`)`\{(\w+)\}\s+([^`]+?)\s*`(?!`)")
_ITEM = re.compile(r"^\s*(?:[-*+]|\(?(?:\d+|#|[A-Za-z])[.)])\s+(?=\S)")
_NOTE = re.compile(r"(?<!\\)\[\^([^\]\s]+)\]")
_NOTE_TEXT = re.compile(r"^ {0,3}\[\^([^\]\s]+)\]:")
_ENGINES = ("r", "julia", "ojs", "python")


@dataclass(frozen=True)
class Prose:
    """Lines of Markdown; those marked live may hold inline code.

    Parameters
    ----------
    lines : tuple of Line
    live : tuple of bool
        One for each line: False inside fenced blocks.
    """

    lines: tuple[Line, ...]
    live: tuple[bool, ...]

    def expressions(self) -> tuple[tuple[str, Line], ...]:
        """Return the inline expressions in order, each with its line."""
        pairs = zip(self.lines, self.live, strict=True)
        return tuple(
            (found[2], line)
            for line, live in pairs
            if live
            for found in INLINE.finditer(line.text)
            if found[1] == "python"
        )


@dataclass(frozen=True)
class Cell:
    """A Python cell.

    Parameters
    ----------
    code : tuple of Line
        Its source without option lines and without the fence's indent.
    head : tuple of Line
        Its option lines, without their ``#|``.
    options : CellOptions
    opening : Line
        The line of its fence.
    indent : str
        What stands before its outputs (a cell inside a list).
    """

    code: tuple[Line, ...]
    head: tuple[Line, ...]
    options: CellOptions
    opening: Line
    indent: str


@dataclass(frozen=True)
class Document:
    """A report as written."""

    path: Path
    settings: Settings
    parts: tuple[Prose | Cell, ...]

    @property
    def cells(self) -> tuple[Cell, ...]:
        """Its cells in order."""
        return tuple(part for part in self.parts if isinstance(part, Cell))


def read_document(path: Path, *, to: str = "html") -> Document:
    """Read a report with everything it includes.

    Parameters
    ----------
    path : Path
        A .qmd file.
    to : {"html", "typst"}
        Whose options below ``format:`` count.

    Raises
    ------
    RenderError
        One error that lists everything outside the supported subset, by file and line.
    """
    path = path.resolve()
    faults: list[Fault] = []
    head, body = _front_matter(_lines(path, path.name), faults)
    settings = read_settings(path, head, faults, to=to)
    reader = _Includes(path.parent, read_values(path, settings, faults), faults)
    body = reader.lines(body, path, (path,))
    parts = _split(body, cell_defaults(settings), faults)
    _check_labels(parts, faults)
    _check_notes(parts, faults)
    refuse(RenderError, f"{path.name} cannot be rendered", faults)
    return Document(path, settings, parts)


def _lines(path: Path, name: str) -> tuple[Line, ...]:
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise RenderError(f"{name} is not UTF-8 text (byte {error.start}). Save it as UTF-8.") from error
    return tuple(Line(line, name, number) for number, line in enumerate(text.splitlines(), 1))


def _front_matter(lines: tuple[Line, ...], faults: list[Fault]) -> tuple[tuple[Line, ...], tuple[Line, ...]]:
    if not lines or lines[0].text.rstrip() != "---":
        return (), lines
    for index, line in enumerate(lines[1:], 1):
        if line.text.rstrip() in ("---", "..."):
            return lines[1:index], lines[index + 1 :]
    faults.append(lines[0].fault("the front matter has no end", "Close it with a line of three hyphens."))
    return (), ()


@dataclass(frozen=True)
class _Includes:
    """Puts included files in their places, and carries out the other shortcodes."""

    folder: Path
    values: Values
    faults: list[Fault]

    def lines(self, lines: tuple[Line, ...], path: Path, chain: tuple[Path, ...]) -> tuple[Line, ...]:
        out: list[Line] = []
        open_fence: Fence | None = None
        for line in lines:
            open_fence, inside = _follow(open_fence, line.text)
            found = None if inside else SHORTCODE.search(INLINE.sub("", line.text))
            if found is None:
                out.append(line)
            elif found[1] == "include" and line.text.strip() == found[0]:
                out += self.included(line, found[2], path, chain)
            else:
                out += expand(line, self.values, self.faults)
        return tuple(out)

    def included(self, line: Line, name: str, path: Path, chain: tuple[Path, ...]) -> tuple[Line, ...]:
        base = project_root(chain[0]) if name.startswith("/") else path.parent
        target = (base / name.lstrip("/")).resolve()
        shown = Path(os.path.relpath(target, self.folder)).as_posix()
        blank = Line("", line.file, line.number)
        if target in chain:
            self.faults.append(line.fault(f"{name} includes itself", "Break the circle of includes."))
            return ()
        if not target.is_file():
            self.faults.append(line.fault(f"there is no file to include at {shown}", "Correct the path."))
            return ()
        lines = _lines(target, shown)
        if lines and lines[0].text.rstrip() == "---":
            self.faults.append(
                lines[0].fault("an included file has front matter", "Keep front matter in the report itself.")
            )
        return (blank, *self.lines(lines, target, (*chain, target)), blank)


def _follow(open_fence: Fence | None, text: str) -> tuple[Fence | None, bool]:
    """Return the fence that is open after a line, and whether the line belongs to a fenced block."""
    fence = fence_of(text)
    if open_fence is None:
        return fence, fence is not None
    closes = fence is not None and open_fence.closed_by(fence)
    return (None if closes else open_fence), True


class _Splitter:
    """Walks the lines once and gathers prose and cells."""

    def __init__(self, execute: Mapping[str, object], faults: list[Fault]) -> None:
        self.execute = execute
        self.faults = faults
        self.parts: list[Prose | Cell] = []
        self.lines: list[Line] = []
        self.live: list[bool] = []
        self.open_fence: Fence | None = None

    def flush(self) -> None:
        if self.lines:
            self.parts.append(Prose(tuple(self.lines), tuple(self.live)))
            self.lines, self.live = [], []

    def prose(self, line: Line) -> None:
        """Take a line that is not part of a cell."""
        self.open_fence, inside = _follow(self.open_fence, line.text)
        if not inside:
            self._check_inline(line)
        self.lines.append(line)
        self.live.append(not inside)

    def _check_inline(self, line: Line) -> None:
        for found in INLINE.finditer(line.text):
            if found[1] not in _ENGINES:
                continue
            if found[1] != "python":
                self.faults.append(line.fault(f"inline code for '{found[1]}'", "Only {python} is run."))
                continue
            try:
                ast.parse(found[2], mode="eval")
            except SyntaxError as error:
                self.faults.append(
                    line.fault(f"the inline code is not an expression ({error.msg})", "Correct it.")
                )

    def _list_indent(self, indent: str) -> str:
        """Return the indent of the list item a cell stands in: pandoc wants a block exactly there."""
        for line in reversed(self.lines if indent else []):
            item = _ITEM.match(line.text)
            if item and len(item[0]) <= len(indent):
                return " " * len(item[0])
        return ""

    def cell(self, opening: Line, fence: Fence, body: tuple[Line, ...]) -> None:
        """Take a whole cell."""
        indent = self._list_indent(fence.indent)
        self.flush()
        lines = tuple(Line(line.text.removeprefix(fence.indent), line.file, line.number) for line in body)
        head, code = split_options(lines)
        self.parts.append(Cell(code, head, read_options(head, self.execute, self.faults), opening, indent))


def _split(
    lines: tuple[Line, ...], execute: Mapping[str, object], faults: list[Fault]
) -> tuple[Prose | Cell, ...]:
    splitter = _Splitter(execute, faults)
    index = 0
    while index < len(lines):
        line = lines[index]
        fence = fence_of(line.text)
        if fence is None or not _starts_cell(line, fence, splitter.open_fence, faults):
            splitter.prose(line)
            index += 1
            continue
        end = _end_of_cell(lines, index, fence)
        if end is None:
            faults.append(line.fault("the cell has no end", f"Close it with a line of {fence.marks}."))
            break
        splitter.cell(line, fence, lines[index + 1 : end])
        index = end + 1
    splitter.flush()
    return tuple(splitter.parts)


def _starts_cell(line: Line, fence: Fence, open_fence: Fence | None, faults: list[Fault]) -> bool:
    engine = _ENGINE.match(fence.info)
    if engine is None:
        return False
    if engine[1] != "python":
        faults.append(line.fault(f"a cell for '{engine[1]}'", "Only {python} cells are run."))
        return False
    if open_fence is not None:
        faults.append(
            line.fault("a {python} cell inside another block, which Quarto would run", "Write {{python}}.")
        )
        return False
    if not _CELL.match(fence.info):
        faults.append(line.fault("options in the braces of a cell", "Write them as '#|' lines below."))
    return True


def _end_of_cell(lines: tuple[Line, ...], start: int, fence: Fence) -> int | None:
    for index in range(start + 1, len(lines)):
        other = fence_of(lines[index].text)
        if other is not None and fence.closed_by(other):
            return index
    return None


def _check_labels(parts: tuple[Prose | Cell, ...], faults: list[Fault]) -> None:
    seen: dict[str, Line] = {}
    for part in parts:
        if isinstance(part, Prose) or part.options.label is None:
            continue
        label = part.options.label
        if label in seen:
            first = seen[label].where
            faults.append(
                part.opening.fault(f"the label '{label}' is taken by {first}", "Give each cell its own.")
            )
        seen.setdefault(label, part.opening)


def _check_notes(parts: tuple[Prose | Cell, ...], faults: list[Fault]) -> None:
    """Find footnotes that are used and not written: pandoc would show the brackets and say nothing."""
    prose = [part for part in parts if isinstance(part, Prose)]
    lines = [line for part in prose for line, live in zip(part.lines, part.live, strict=True) if live]
    written = {found[1] for line in lines if (found := _NOTE_TEXT.match(line.text))}
    for line in lines:
        for found in _NOTE.finditer(re.sub(r"(`+).+?\1", "", line.text)):
            if found[1] not in written:
                faults.append(line.fault(f"there is no footnote '{found[1]}'", f"Write '[^{found[1]}]: ...'."))
