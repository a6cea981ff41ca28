"""Find what ships beside the code, in a wheel or a checkout, and read declarations (TOML) whoever wrote them."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

from averting.errors import AvertingError

_PACKAGE = Path(__file__).parent
_CHECKOUT = _PACKAGE.parent.parent

LARGEST_TOML = 4 * 2**20
"""Bytes that a TOML file may have: a hundred times the largest that ships."""


def _folder(name: str) -> Path:
    shipped = _PACKAGE / f"_{name}"
    return shipped if shipped.is_dir() else _CHECKOUT / name


def models_dir() -> Path:
    """Return the folder of declared, sourced parameters (TOML) and ``references.bib``."""
    return _folder("models")


def analyses_dir() -> Path:
    """Return the folder that holds ``_template`` and the shipped worked evaluation."""
    return _folder("analyses")


def read_toml(path: Path, *, error: type[AvertingError]) -> dict[str, Any]:
    """Return a TOML file that somebody else may have written as plain dictionaries; nothing in it is run.

    Parameters
    ----------
    path : Path
        UTF-8, at most :data:`LARGEST_TOML` bytes.
    error : type of AvertingError
        What to raise where the file is too large, not text, or not TOML.

    Raises
    ------
    OSError
        If it cannot be opened.
    """
    with path.open("rb") as handle:
        content = handle.read(LARGEST_TOML + 1)
    if len(content) > LARGEST_TOML:
        raise error(
            f"{path} has more than {LARGEST_TOML:,} bytes, so it is no declaration. Name the file you meant."
        )
    try:
        return tomllib.loads(content.decode("utf-8-sig"))
    except ValueError as wrong:  # not TOML, not UTF-8, or a number of thousands of digits
        hint = " Write paths with forward slashes, on Windows too: data/schools.csv." if "\\" in str(wrong) else ""
        raise error(f"{path} is not valid TOML: {wrong}.{hint}") from wrong
    except RecursionError as wrong:
        raise error(f"{path} is not valid TOML: its tables or lists lie too deep in each other.") from wrong
