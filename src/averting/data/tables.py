"""Declared tables: read a TOML file under models/ and say what is wrong with an entry."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from pathlib import Path

from averting.errors import DataError, Fault
from averting.resources import read_toml as _read_toml


def read_toml(path: Path) -> dict[str, object]:
    """Return a TOML file as plain dictionaries; unreadable or malformed TOML is a DataError."""
    try:
        return _read_toml(path, error=DataError)
    except FileNotFoundError as error:
        raise DataError(f"{path.name} was not found. It ships with averting: reinstall it.") from error
    except OSError as error:
        raise DataError(f"{path.name} cannot be read: {error.strerror}.") from error


def key_faults(
    table: object, where: str, *, required: Collection[str], optional: Collection[str] = ()
) -> list[Fault]:
    """List the keys an entry lacks, or has without any right to.

    Parameters
    ----------
    table : object
        The entry; anything but a table is one fault.
    where : str
        File and table, as a reader would look for it.
    required, optional : collection of str
        Keys that must, and that may, be there.
    """
    if not isinstance(table, Mapping):
        return [Fault(where, "this is not a table", f"Write [{where.split()[-1]}] with its keys below")]
    allowed = ", ".join([*required, *optional])
    missing = [
        Fault(where, f"'{key}' is missing or empty", f"Give all of: {', '.join(required)}")
        for key in required
        if table.get(key) in (None, "", [])
    ]
    unknown = [
        Fault(where, f"unknown key '{key}'", f"Use: {allowed}")
        for key in table
        if key not in {*required, *optional}
    ]
    return missing + unknown
