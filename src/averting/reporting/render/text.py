"""Lines of a report that remember which file they came from, and faults that say so."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import yaml

from averting.errors import Fault


@dataclass(frozen=True)
class Line:
    """One line of source.

    Parameters
    ----------
    text : str
        The line without its newline.
    file : str
        File as a reader would name it, relative to the report's folder.
    number : int
        Line number in that file, from 1.
    """

    text: str
    file: str
    number: int

    @property
    def where(self) -> str:
        """File and line, as in ``report.qmd:14``."""
        return f"{self.file}:{self.number}"

    def fault(self, found: str, fix: str) -> Fault:
        """Return a fault at this line."""
        return Fault(self.where, found, fix)


@dataclass(frozen=True)
class Mapping:
    """A YAML mapping with the line of every key.

    Parameters
    ----------
    values : dict of str to object
        What the text says.
    lines : dict of tuple of str to Line
        Where each key stands, by its path from the top.
    """

    values: dict[str, object]
    lines: dict[tuple[str, ...], Line]


def read_mapping(source: Iterable[Line], what: str, faults: list[Fault]) -> Mapping:
    """Read lines of YAML as one mapping; what is wrong with it is added to the faults.

    Parameters
    ----------
    source : iterable of Line
        YAML, one line each.
    what : str
        What the mapping is, for messages, for example ``front matter``.
    faults : list of Fault
        Grows by what is found.
    """
    lines = tuple(source)
    text = "\n".join(line.text for line in lines)
    try:
        node = yaml.compose(text, Loader=yaml.SafeLoader)
        values = yaml.safe_load(text)
    except yaml.YAMLError as error:
        at = _line_of(error, lines)
        reason = str(getattr(error, "problem", None) or "it cannot be read")
        faults.append(at.fault(f"the {what} is not YAML: {reason}", "Quote text that holds colons or quotes."))
        return Mapping({}, {})
    if values is None:
        return Mapping({}, {})
    if not isinstance(values, dict) or not isinstance(node, yaml.MappingNode):
        faults.append(lines[0].fault(f"the {what} is not a list of options", "Write one 'key: value' per line."))
        return Mapping({}, {})
    found: dict[tuple[str, ...], Line] = {}
    for path, number in _keys(node):
        if path in found:
            faults.append(lines[number].fault(f"'{path[-1]}' is given twice", "Keep one of them."))
        found[path] = lines[number]
    return Mapping({str(key): value for key, value in values.items()}, found)


def _line_of(error: yaml.YAMLError, lines: tuple[Line, ...]) -> Line:
    mark = getattr(error, "problem_mark", None)
    return lines[min(mark.line if mark else 0, len(lines) - 1)]


def _keys(node: yaml.MappingNode, above: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], int]]:
    for key, value in node.value:
        path = (*above, str(key.value))
        yield path, key.start_mark.line
        if isinstance(value, yaml.MappingNode):
            yield from _keys(value, path)


_FENCE = re.compile(r"^(\s*)(`{3,}|~{3,})\s*(.*?)\s*$")


@dataclass(frozen=True)
class Fence:
    """The opening or closing line of a fenced block."""

    indent: str
    marks: str
    info: str

    def closed_by(self, other: Fence) -> bool:
        """Whether another fence line ends the block that this one opens."""
        return other.marks.startswith(self.marks) and not other.info


def fence_of(text: str) -> Fence | None:
    """Return the fence a line of Markdown is, or None; inline code in triple backticks is none."""
    match = _FENCE.match(text)
    if match is None or (match[2][0] == "`" and "`" in match[3]):
        return None
    return Fence(match[1], match[2], match[3])
