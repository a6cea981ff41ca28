"""Outputs of cells kept beside the report, under a key of everything they depend on."""

from __future__ import annotations

import json
import os
from contextlib import suppress
from pathlib import Path

Outputs = list[list[dict[str, object]]]
"""For each step of a report, what it displayed, as in a notebook file."""

FOLDER = ".averting-cache"
_FORMAT = 1
_KEPT = 8


def load(source: Path, key: str, steps: int, *, variant: str = "") -> Outputs | None:
    """Return the outputs kept for a report under a key; anything missing or damaged counts as not kept.

    Parameters
    ----------
    source : Path
        The report.
    variant : str
        A short name of the parameters given: each keeps outputs of its own.
    key : str
        Content key of code, parameters, data and versions.
    steps : int
        How many steps the report has.
    """
    try:
        entry = json.loads(_file(source, key, variant).read_text(encoding="utf-8"))
        outputs = entry["outputs"]
        sound = entry["format"] == _FORMAT and entry["key"] == key and len(outputs) == steps
        shaped = all(isinstance(output, dict) and "output_type" in output for step in outputs for output in step)
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return outputs if sound and shaped else None


def store(source: Path, key: str, outputs: Outputs, *, variant: str = "") -> bool:
    """Keep the outputs of a report; where that cannot be done, rendering goes on and False is returned."""
    file = _file(source, key, variant)
    part = file.with_name(f"{file.name}.{os.getpid()}.part")
    try:
        file.parent.mkdir(exist_ok=True)
        # outputs may show what a results folder keeps inside: never into a commit
        (file.parent / ".gitignore").write_text("*\n", encoding="utf-8")
        part.write_text(json.dumps({"format": _FORMAT, "key": key, "outputs": outputs}), encoding="utf-8")
        part.replace(file)
        _drop_old(source, variant)
    except OSError:
        with suppress(OSError):
            part.unlink(missing_ok=True)
        return False
    return True


def _file(source: Path, key: str, variant: str) -> Path:
    return source.parent / FOLDER / f"{_stem(source, variant)}-{key}.json"


def _stem(source: Path, variant: str) -> str:
    return f"{source.stem}-{variant}" if variant else source.stem


def _drop_old(source: Path, variant: str) -> None:
    entries = list((source.parent / FOLDER).glob(f"{_stem(source, variant)}-{'?' * 16}.json"))
    for old in sorted(entries, key=lambda entry: entry.stat().st_mtime, reverse=True)[_KEPT:]:
        old.unlink(missing_ok=True)
