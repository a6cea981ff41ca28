"""Render with the Quarto command line where it is installed."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

from averting.errors import RenderError

_ANSI = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")
_SHOWN = 15


def find() -> str | None:
    """Return the path of the Quarto command, or None."""
    return shutil.which("quarto")


def render(source: Path, parameters: Mapping[str, object], *, cache: bool, environment: Mapping[str, str]) -> str:
    """Return the HTML that Quarto makes of a report.

    Parameters
    ----------
    source : Path
        The report, absolute.
    parameters : mapping of str to object
        Passed as a file; Quarto needs papermill in the environment for them.
    cache : bool
        False makes Quarto run the cells even where it holds frozen results.
    environment : mapping of str to str
        Environment of the process.

    Raises
    ------
    RenderError
        With the end of what Quarto wrote.
    """
    command = find()
    if command is None:
        raise RenderError("There is no 'quarto' on the PATH. Install Quarto, or use engine='embedded'.")
    with tempfile.TemporaryDirectory(prefix="averting-quarto-") as temporary:
        arguments = [
            "--to",
            "html",
            "--output",
            "-",
            "--execute-dir",
            str(source.parent),
            "-M",
            "embed-resources:true",
        ]
        if parameters:
            file = Path(temporary) / "parameters.yml"
            file.write_text(json.dumps(dict(parameters)), encoding="utf-8")  # JSON is YAML
            arguments += ["--execute-params", str(file)]
        if not cache:
            arguments += ["--no-cache"]
        done = subprocess.run(
            [command, "render", source.name, *arguments],
            cwd=source.parent,
            env={**environment, "QUARTO_PYTHON": sys.executable, "NO_COLOR": "1"},
            capture_output=True,
            encoding="utf-8",
            errors="replace",
            check=False,
        )
    if done.returncode or not done.stdout.strip():
        tail = "\n".join(_ANSI.sub("", done.stderr).strip().splitlines()[-_SHOWN:])
        raise RenderError(f"{source.name}: quarto render failed (exit {done.returncode}):\n{tail}")
    return done.stdout
