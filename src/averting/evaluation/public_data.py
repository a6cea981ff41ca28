"""Which public files an evaluation in England starts from, and whether those that have arrived are the right ones."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

from averting.data import read_panel
from averting.data.links import read_links
from averting.data.neighbours import read_neighbours
from averting.data.tables import key_faults, read_toml
from averting.errors import AvertingError, DataError, refuse
from averting.resources import models_dir

State = Literal["not there yet", "arrived", "cannot be used"]
_REQUIRED = ("label", "publisher", "find", "needed", "reader", "level")
_ENDINGS = (".csv", ".csv.gz", ".zip", ".parquet", ".xlsx")


@dataclass(frozen=True)
class PublicFile:
    """One public file: what it is, where to get it, and whether it is there.

    Parameters
    ----------
    key, label, publisher, find, page, needed : str
        What to look for and where; ``page`` is empty where none is declared.
    save_as : str
        How its name must begin, in the folder.
    state : {"not there yet", "arrived", "cannot be used"}
        Whether it is there, and holds what it should.
    found : str
        What it holds, or why it cannot be used. Never a count of a school.
    """

    key: str
    label: str
    publisher: str
    find: str
    page: str
    needed: str
    save_as: str
    state: State
    found: str = ""

    def lines(self) -> list[str]:
        """Return what to do, or what was found, for reading."""
        said = [f"{self.state:>14}  {self.label}"]
        if self.state == "not there yet":
            where = [f"from: {self.publisher}" + (f", {self.page}" if self.page else ""), f"take: {self.find}"]
            said += [*where, f"save as: {self.save_as}", f"needed: {self.needed}"]
        else:
            said += [self.found]
        return [said[0], *(f"{'':>16}{line}" for line in "\n".join(said[1:]).splitlines())]

    def to_dict(self) -> dict[str, str]:
        """Return everything as plain values, for JSON."""
        return asdict(self)


def look_for(folder: str | Path) -> tuple[PublicFile, ...]:
    """Say which public files to download, and check those that are in a folder.

    Parameters
    ----------
    folder : str or Path
        Where they are put; it need not be there yet. Nothing is written.

    Raises
    ------
    DataError
        If ``models/public_data.toml`` is not what it should be.
    """
    where = "models/public_data.toml"
    tables = read_toml(models_dir() / "public_data.toml")
    faults = [
        fault
        for key, table in tables.items()
        for fault in key_faults(table, f"{where} [{key}]", required=_REQUIRED, optional=("page",))
    ]
    refuse(DataError, f"{where} does not load", faults)
    return tuple(_look(key, table, Path(folder)) for key, table in tables.items() if isinstance(table, Mapping))


def _look(key: str, table: Mapping[str, Any], folder: Path) -> PublicFile:
    endings = (".xlsx", ".csv") if table["reader"] == "neighbours" else _ENDINGS
    save_as = f"{folder / key}{endings[0]}" + f" (or {', '.join(endings[1:])})"
    about = {name: str(table.get(name, "")) for name in ("label", "publisher", "find", "page", "needed")}
    there = [path for ending in endings if (path := folder / f"{key}{ending}").is_file()]
    if not there:
        return PublicFile(key, **about, save_as=save_as, state="not there yet")
    try:
        found = _READERS[table["reader"]](there[0], str(table["level"]))
    except AvertingError as error:
        return PublicFile(key, **about, save_as=save_as, state="cannot be used", found=str(error))
    return PublicFile(key, **about, save_as=save_as, state="arrived", found=f"{there[0].name}: {found}")


def _exclusions(path: Path, level: str) -> str:
    indicators = ("permanent_exclusions", "suspensions")
    panel = read_panel(path, source="dfe_exclusions", level=level, indicators=indicators, phase="Secondary")
    return f"{len(panel.schools):,} {panel.units} with secondary pupils, {panel.periods[0]} to {panel.periods[-1]}"


def _links(path: Path, _level: str) -> str:
    return f"{len(read_links(path)):,} links from a school to its successor"


def _neighbours(path: Path, _level: str) -> str:
    return f"neighbours of {len(read_neighbours(path).ranked):,} authorities"


_READERS: dict[str, Callable[[Path, str], str]] = {
    "exclusions": _exclusions,
    "links": _links,
    "neighbours": _neighbours,
}
