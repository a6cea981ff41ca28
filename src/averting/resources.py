"""Find what ships beside the code, in a wheel or a checkout, and read declarations (TOML) whoever wrote them."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from averting.errors import AvertingError, ParameterError

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


def read_model(*parts: str) -> dict[str, Any]:
    """Return one declaration that ships, by its path within ``models/``; nothing in it is run."""
    return read_toml(models_dir().joinpath(*parts), error=ParameterError)


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
        values = tomllib.loads(content.decode("utf-8-sig"))
        wide = next(_too_wide(values), None)
    except ValueError as wrong:  # not TOML, not UTF-8, or a number of thousands of digits
        hint = " Write paths with forward slashes, on Windows too: data/schools.csv." if "\\" in str(wrong) else ""
        raise error(f"{path} is not valid TOML: {wrong}.{hint}") from wrong
    except RecursionError as wrong:
        raise error(f"{path} is not valid TOML: its tables or lists lie too deep in each other.") from wrong
    if wide is not None:
        raise error(
            f"{path} is not valid TOML: {wide} has a whole number of more than 64 bits. Give the number meant."
        )
    return values


def _too_wide(value: Any, key: str = "") -> Iterator[str]:
    """Yield where whole numbers lie that TOML does not allow, and no decimal number can hold."""
    if isinstance(value, dict):
        for name, item in value.items():
            yield from _too_wide(item, name)
    elif isinstance(value, list):
        for item in value:
            yield from _too_wide(item, key)
    elif isinstance(value, int) and not -(2**63) <= value < 2**63:
        yield key


_LOCATED = re.compile(r"\b00\d:\d+(?:-\d+)?(?:, ?\d+(?:-\d+)?)*")


def without_locators(text: str) -> str:
    """Return text without places in the founding documents, such as ``[004:15-16]``: readers do not have those files.

    Declarations keep them, for whoever looks after the numbers.
    """
    named = re.sub(r"\s*\[[;,\s]*\]", "", _LOCATED.sub("", text))
    return re.sub(r"(?:;\s*)+(?=;)|^[;,\s]+|[;,\s]+$", "", named)
