"""What several commands share: options, described once, and how answers are printed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Literal

from cyclopts import Parameter

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


def print_json(value: object) -> None:
    """Print plain values as JSON."""
    print(json.dumps(value, indent=2, ensure_ascii=False))
