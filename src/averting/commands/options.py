"""What several commands share: options, described once, and how answers are printed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any, Literal, Protocol

from cyclopts import Parameter

Engine = Literal["auto", "quarto", "embedded"]

Folder = Annotated[Path, Parameter(help="The evaluation's folder.")]
Data = Annotated[
    Path | None, Parameter(help="Read the data from here instead of from the path in evaluation.toml.")
]
Json = Annotated[bool, Parameter(name="--json", negative="", help="Print as JSON, for scripts.")]
Quiet = Annotated[
    bool, Parameter(name=["--quiet", "-q"], negative="", help="Show no progress; print the answer only.")
]
Renderer = Annotated[
    Engine,
    Parameter(help="auto uses Quarto for HTML where it is installed, else the renderer that averting brings."),
]
Formats = Annotated[str, Parameter(help="Formats of the reports: html, pdf or docx, or several, as html,pdf.")]


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
