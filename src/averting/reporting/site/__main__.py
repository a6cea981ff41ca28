"""``python -m averting.reporting.site FOLDER``: build the documentation of the checkout one stands in.

``python -m averting.reporting.site --reference FILE`` writes only the page made of docstrings, for Quarto to read.
"""

from __future__ import annotations

import argparse
import importlib
import sys
from pathlib import Path

from averting.errors import AvertingError

from . import build
from .docstrings import reference

REFERENCE = "reference/python.md"
"""Where the sidebar looks for the page that is made of docstrings."""


def main(arguments: list[str] | None = None) -> int:
    """Build, and say which page to open; 2 where something is wrong with a page."""
    parser = argparse.ArgumentParser(
        prog="python -m averting.reporting.site", description="Build the documentation."
    )
    parser.add_argument("folder", type=Path, help="folder to make, for example _site")
    parser.add_argument("--project", type=Path, default=Path(), help="the checkout; the current folder by default")
    parser.add_argument("--reference", action="store_true", help="write only the Python reference, as Markdown")
    given = parser.parse_args(arguments)
    page = reference(importlib.import_module("averting"))
    if given.reference:
        given.folder.parent.mkdir(parents=True, exist_ok=True)
        given.folder.write_text(page, encoding="utf-8")
        return 0
    try:
        print(f"open {build(given.project, given.folder, generated={REFERENCE: page})}")
    except AvertingError as error:
        print(f"averting: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
