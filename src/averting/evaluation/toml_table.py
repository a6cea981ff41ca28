"""Reading TOML strictly: every key is known, typed and explained, and all faults are told at once."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import Any

from averting.errors import AvertingError, EvaluationError, Fault
from averting.resources import read_toml

_REQUIRED: Any = object()
_NAMES = {
    str: "text",
    int: "a whole number",
    float: "a number",
    bool: "true or false",
    list: "a list",
    dict: "a table",
}


@dataclass
class TomlTable:
    """One table of a TOML file, from which keys are taken one by one.

    Parameters
    ----------
    values : mapping
        The parsed table.
    where : str
        File and table, for messages.
    faults : list of Fault
        Collects what is wrong; shared by all tables of a file.
    """

    values: Mapping[str, Any]
    where: str
    faults: list[Fault]
    known: list[str] = field(default_factory=list)

    def take(self, key: str, kind: type, default: Any = _REQUIRED, *, help: str = "") -> Any:
        """Return the value of a key, checking its type; where wrong, note a fault and return an empty value."""
        self.known.append(key)
        if key not in self.values:
            if default is _REQUIRED:
                self.fault(key, "this key is missing", help or f"Give {_NAMES[kind]}.")
                return kind()
            return default
        value = self.values[key]
        if kind is float and isinstance(value, int) and not isinstance(value, bool):
            return float(value)
        if not isinstance(value, kind) or (isinstance(value, bool) and kind is not bool):
            self.fault(
                key, f"this is {_NAMES.get(type(value), type(value).__name__)}", f"Give {_NAMES[kind]}. {help}"
            )
            return kind() if default is _REQUIRED else default
        if default is _REQUIRED and isinstance(value, str) and not value.strip():
            self.fault(key, "this is empty", help or "Give text.")
            return ""
        return value

    def choice(self, key: str, allowed: tuple[str, ...], default: Any = _REQUIRED) -> str:
        """Return a word that must be one of a few."""
        value: str = self.take(key, str, default, help=f"Use one of: {', '.join(allowed)}.")
        # a required word that is missing or empty is a fault already
        if value not in allowed and (value or default is not _REQUIRED):
            self.fault(key, f"'{value}' is not known", f"Use one of: {', '.join(allowed)}.")
        return value

    def texts(self, key: str, default: Any = _REQUIRED) -> tuple[str, ...]:
        """Return a list of texts; whole numbers, as in a list of URNs, are read as text."""
        values = self.take(key, list, default)
        if any(not isinstance(value, str | int) or isinstance(value, bool) for value in values):
            self.fault(key, "not every entry is text", "Put quotation marks around each entry.")
        return tuple(str(value) for value in values)

    def path(self, key: str, folder: Path, default: Any = _REQUIRED, *, help: str = "") -> Path | None:
        """Return a file below a folder; a path that leads out of it, or from the root, is a fault.

        Slashes may lean either way, as Windows and others write them. None where it is absent, or wrong.
        """
        text: str | None = self.take(key, str, default, help=help)
        if not text:
            return None
        written = PurePosixPath(text.replace("\\", "/"))
        if written.is_absolute() or ".." in written.parts or PureWindowsPath(text).drive or not text.isprintable():
            fix = "Put the file into the folder, or, for the data, name it with --data."
            self.fault(key, f"'{ascii(text)[1:-1]}' is no path within the evaluation's folder", fix)
            return None
        return folder / written

    def parse[T](self, key: str, read: Callable[[str], T], default: T | None = None) -> T | None:
        """Return a text read by a function, whose error becomes a fault."""
        text: str = self.take(key, str, "" if default is not None else _REQUIRED)
        if not text:
            return default
        try:
            return read(text)
        except AvertingError as error:
            self.fault(key, error.message, "")
            return default

    def table(self, key: str) -> TomlTable | None:
        """Return a table within this one, or None where it is absent."""
        values = self.take(key, dict, None)
        return None if values is None else TomlTable(values, f"{self.where} [{key}]", self.faults)

    def tables(self, key: str) -> list[TomlTable]:
        """Return an array of tables; empty where absent."""
        entries = self.take(key, list, [])
        if any(not isinstance(entry, dict) for entry in entries):
            self.fault(key, "this is not an array of tables", f"Write [[{key}]] above each one.")
            return []
        return [
            TomlTable(entry, f"{self.where} [[{key}]] number {i}", self.faults)
            for i, entry in enumerate(entries, 1)
        ]

    def fault(self, key: str, found: str, fix: str) -> None:
        """Note a fault at a key."""
        self.faults.append(Fault(f"{self.where} {key}", found, fix))

    def done(self) -> None:
        """Note every key that nothing asked for, with the likeliest meant."""
        for key in self.values:
            if key not in self.known:
                near = difflib.get_close_matches(key, self.known, n=1)
                hint = f"Did you mean '{near[0]}'? " if near else ""
                self.fault(
                    key, "this key is not known", f"{hint}Known keys: {', '.join(sorted(set(self.known)))}."
                )


def open_table(path: Path, faults: list[Fault], *, advice: str) -> TomlTable:
    """Open a file that a command is given, as its outermost table.

    Parameters
    ----------
    path : Path
        The file, as :func:`averting.resources.read_toml` takes it.
    faults : list of Fault
        Collects what is wrong in the file.
    advice : str
        What to do where it cannot be opened, such as "Name a file of areas."

    Raises
    ------
    EvaluationError
        If the file cannot be opened, or is not TOML.
    """
    try:
        return TomlTable(read_toml(path, error=EvaluationError), path.name, faults)
    except OSError as error:
        raise EvaluationError(f"{path} cannot be read: {error.strerror}. {advice}") from error
