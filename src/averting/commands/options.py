"""What several commands share: options, described once, and how answers are printed."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path
from typing import Annotated, Any, Literal, Protocol

from cyclopts import Parameter

from averting.errors import RenderError

Engine = Literal["auto", "quarto", "embedded"]

Folder = Annotated[Path, Parameter(help="The evaluation's folder.")]
Data = Annotated[
    Path | None, Parameter(help="Read the data from here instead of from the path in evaluation.toml.")
]
Json = Annotated[bool, Parameter(name="--json", negative="", help="Print as JSON, for scripts.")]
Page = Annotated[
    Path | None,
    Parameter(name="--page", help="Write tables and a draft page to this folder besides; not for publication."),
]
Quiet = Annotated[
    bool, Parameter(name=["--quiet", "-q"], negative="", help="Show no progress; print the answer only.")
]
Renderer = Annotated[
    Engine,
    Parameter(help="auto uses Quarto for HTML where it is installed, else the renderer that averting brings."),
]
Formats = Annotated[str, Parameter(help="Formats of the reports: html, pdf or docx, or several, as html,pdf.")]


Values = Annotated[
    tuple[str, ...],
    Parameter(
        name=["--parameter", "-P"], negative="", help="A parameter of the report, as name:value; may be repeated."
    ),
]


def read_values(given: tuple[str, ...]) -> dict[str, object]:
    """Return parameters given as name:value; numbers, true and false are read as such, all else is text.

    Raises
    ------
    RenderError
        If one has no colon.
    """
    made: dict[str, object] = {}
    for one in given:
        name, colon, value = one.partition(":")
        if not colon or not name.strip():
            raise RenderError(f"The parameter is {one!r}. Give name:value, for example -P year:2024.")
        made[name.strip()] = _plain(value.strip())
    return made


def _plain(text: str) -> object:
    if re.fullmatch(r"[+-]?(0|[1-9]\d*)(\.\d+)?", text):
        return float(text) if "." in text else int(text)
    return {"true": True, "false": False}.get(text, text)


def print_json(value: object) -> None:
    """Print plain values as JSON."""
    print(json.dumps(value, indent=2, ensure_ascii=False))


def print_paths(paths: tuple[Path, ...], json_asked: bool) -> None:
    """Print where reports were written, each under its name."""
    if json_asked:
        print_json([{"report": path.stem, "path": str(path)} for path in paths])
        return
    for path in paths:
        print(f"{path.stem}: {path}")


class Answer(Protocol):
    """What a command found."""

    def to_dict(self) -> Any:
        """Return it as plain values."""
        ...

    def lines(self) -> Any:
        """Return it in words, line by line."""
        ...


def print_answer(found: Answer, json_asked: bool) -> None:
    """Print an answer in words, or as JSON."""
    if json_asked:
        print_json(found.to_dict())
        return
    print("\n".join(found.lines()))


def one_thread() -> None:
    """Let linear algebra use one thread, once NumPy is loaded, which must be later.

    Several add up a large product otherwise than one does, so results would differ in their last digits with the machine.
    """
    os.environ.update(dict.fromkeys(("OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "VECLIB_MAXIMUM_THREADS"), "1"))
