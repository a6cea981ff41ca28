"""Options of a cell: the ``#|`` lines at its top."""

from __future__ import annotations

import re
from collections.abc import Mapping as MappingABC
from dataclasses import dataclass
from typing import Literal

from averting.errors import Fault

from .text import Line, Mapping, read_mapping

SWITCHES = ("echo", "eval", "output", "include", "warning", "error")
_TEXTS = ("label", "fig-cap", "tbl-cap", "code-summary")
_LISTS = ("fig-alt", "fig-subcap", "tbl-subcap", "tags", "classes")
ALLOWED = (
    "label",
    *SWITCHES,
    "fig-cap",
    "fig-alt",
    "tbl-cap",
    "fig-subcap",
    "tbl-subcap",
    "layout-ncol",
    "code-fold",
    "code-summary",
    "tags",
    "classes",
)
_LABEL = re.compile(r"^[A-Za-z][\w-]*$")
_OPTION = re.compile(r"^\s*#\| ?")


@dataclass(frozen=True)
class CellOptions:
    """What one cell asks for; names and meanings are Quarto's.

    Parameters
    ----------
    label : str, optional
        ``fig-`` and ``tbl-`` labels number what the cell shows.
    echo, eval, include, warning, error : bool
        Show the code, run it, show anything at all, show warnings, go on after an exception. ``echo`` may be ``fenced``:
        the code is shown with its fence and options.
    output : bool or "asis"
        Show what the cell prints and displays; ``asis`` takes printed text as Markdown.
    fig_cap, tbl_cap : str, optional
        Captions, in Markdown.
    fig_alt : tuple of str
        One text for each image the cell shows.
    fig_subcap, tbl_subcap : tuple of str
        Captions of the parts, one for each thing the cell shows.
    layout_ncol : int, optional
        In how many columns the parts stand.
    code_fold : bool or "show"
        Fold the code away on screen; ``show`` folds it open.
    code_summary : str
        What stands where the code is folded.
    tags, classes : tuple of str
        ``parameters`` is the one tag with a meaning.
    """

    label: str | None = None
    echo: bool | Literal["fenced"] = True
    eval: bool = True
    output: bool | Literal["asis"] = True
    include: bool = True
    warning: bool = True
    error: bool = False
    fig_cap: str | None = None
    fig_alt: tuple[str, ...] = ()
    tbl_cap: str | None = None
    fig_subcap: tuple[str, ...] = ()
    tbl_subcap: tuple[str, ...] = ()
    layout_ncol: int | None = None
    code_fold: bool | Literal["show"] = False
    code_summary: str = "Code"
    tags: tuple[str, ...] = ()
    classes: tuple[str, ...] = ()

    @property
    def kind(self) -> Literal["fig", "tbl"] | None:
        """The kind of numbered float the label asks for."""
        prefix = (self.label or "").split("-")[0]
        return "fig" if prefix == "fig" else "tbl" if prefix == "tbl" else None


def split_options(lines: tuple[Line, ...]) -> tuple[tuple[Line, ...], tuple[Line, ...]]:
    """Return the option lines (without their ``#|``) and the code lines of a cell."""
    count = 0
    while count < len(lines) and _OPTION.match(lines[count].text):
        count += 1
    head = tuple(Line(_OPTION.sub("", line.text), line.file, line.number) for line in lines[:count])
    return head, lines[count:]


def read_options(head: tuple[Line, ...], defaults: MappingABC[str, object], faults: list[Fault]) -> CellOptions:
    """Read a cell's options over the document's defaults.

    Parameters
    ----------
    head : tuple of Line
        Option lines without their ``#|``.
    defaults : mapping of str to object
        ``execute`` settings of the document.
    faults : list of Fault
        Grows by every option that is unknown or of the wrong type.
    """
    mapping = read_mapping(head, "list of cell options", faults) if head else Mapping({}, {})
    values: dict[str, object] = dict(defaults)
    for key, value in mapping.values.items():
        problem = _problem(key, value)
        if problem:
            faults.append(mapping.lines[(key,)].fault(*problem))
        else:
            values[key] = value
    typed: dict[str, object] = {key.replace("-", "_"): value for key, value in values.items()}
    typed |= {key.replace("-", "_"): _tuple(values[key]) for key in _LISTS if key in values}
    return CellOptions(**typed)  # type: ignore[arg-type]  # types were checked by _problem, key by key


def _tuple(value: object) -> tuple[str, ...]:
    return tuple(value) if isinstance(value, list) else (str(value),)


def _problem(key: str, value: object) -> tuple[str, str] | None:
    if key in SWITCHES:
        return switch_problem(key, value)
    if key == "code-fold":
        return fold_problem(value)
    if key in _TEXTS and not isinstance(value, str):
        return f"{key} is {value!r}", "Give one text; captions of parts are fig-subcap or tbl-subcap."
    if key == "label" and not _LABEL.match(str(value)):
        return f"the label is {value!r}", "Use letters, digits, hyphens and underscores, starting with a letter."
    if key in _LISTS:
        texts = value if isinstance(value, list) else [value]
        if not all(isinstance(text, str) and text.strip() for text in texts):
            return f"{key} is {value!r}", "Give a text or a list of texts, none of them empty."
    if key == "layout-ncol" and (isinstance(value, bool) or value not in range(1, 7)):
        return f"layout-ncol is {value!r}", "Give a number of columns from 1 to 6."
    if key in ALLOWED:
        return None
    if key in ("fig-width", "fig-height"):
        return f"the cell option {key} has no effect in Quarto either", "Set figsize where the figure is made."
    return f"the cell option '{key}' is not supported", f"Supported: {', '.join(ALLOWED)}."


def switch_problem(key: str, value: object) -> tuple[str, str] | None:
    """Return what is wrong with a true/false option and how to mend it, or None."""
    other = {"output": "asis", "echo": "fenced"}.get(key)
    if isinstance(value, bool) or (other is not None and value == other):
        return None
    return f"{key} is {value!r}", f"Use true, false or {other}." if other else "Use true or false."


def fold_problem(value: object) -> tuple[str, str] | None:
    """Return what is wrong with ``code-fold`` and how to mend it, or None."""
    if isinstance(value, bool) or value == "show":
        return None
    return f"code-fold is {value!r}", "Use true, false or show."
