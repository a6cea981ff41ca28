"""Where a result comes from: hashes of inputs and versions of software, and never a clock."""

from __future__ import annotations

import hashlib
import json
import platform
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

_PACKAGES = ("averting", "numpy", "scipy", "pandas", "xarray", "pymc", "nutpie", "arviz-stats", "matplotlib")


def file_hash(path: Path) -> str:
    """Return the SHA-256 of a file's bytes."""
    with path.open("rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()


def tree_hashes(folder: Path, pattern: str) -> dict[str, str]:
    """Return the hashes of a folder's matching files, keyed by path below the folder, sorted."""
    return {
        path.relative_to(folder).as_posix(): file_hash(path)
        for path in sorted(folder.rglob(pattern))
        if path.is_file()
    }


def versions() -> dict[str, str]:
    """Return the versions of Python and of the packages that numbers depend on; absent ones are left out."""
    found = {"python": platform.python_version()}
    for package in _PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found


@cache
def own_code() -> str:
    """Return a key of everything averting ships as code: modules, and the scripts and styles that pages hold."""
    package = Path(__file__).parent
    shipped = (path for path in sorted(package.rglob("*")) if path.is_file() and "__pycache__" not in path.parts)
    return content_key({path.relative_to(package).as_posix(): file_hash(path) for path in shipped})


def canonical_json(value: object) -> str:
    """Return JSON text that is the same for equal values: sorted keys, fixed layout, no NaN."""
    return json.dumps(value, sort_keys=True, indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def content_key(*parts: object) -> str:
    """Return a short key that changes whenever any of the parts changes."""
    return hashlib.sha256(canonical_json(parts).encode()).hexdigest()[:16]
