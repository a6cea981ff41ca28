"""Find what ships beside the code: declared models and report templates, in a wheel or a checkout."""

from __future__ import annotations

from pathlib import Path

_PACKAGE = Path(__file__).parent
_CHECKOUT = _PACKAGE.parent.parent


def _folder(name: str) -> Path:
    shipped = _PACKAGE / f"_{name}"
    return shipped if shipped.is_dir() else _CHECKOUT / name


def models_dir() -> Path:
    """Return the folder of declared, sourced parameters (TOML) and ``references.bib``."""
    return _folder("models")


def analyses_dir() -> Path:
    """Return the folder that holds ``_template`` and the shipped worked evaluation."""
    return _folder("analyses")
