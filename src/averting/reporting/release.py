"""A release: a new folder of what may leave, public counts for later releases, and a record that speaks for every file."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from averting.data.disclosure import DisclosureRecord, PublicTable
from averting.errors import DisclosureError
from averting.provenance import canonical_json, tree_hashes

RECORD, COUNTS = "disclosure.json", "counts.json"


def refuse_existing(destination: Path) -> None:
    """Refuse to write over anything.

    Raises
    ------
    DisclosureError
        If the destination is there.
    """
    if destination.exists():
        raise DisclosureError(f"{destination} exists. Name a new folder: a release is never overwritten.")


@contextmanager
def new_release(destination: Path) -> Iterator[Path]:
    """Give an empty folder to be filled, which becomes the destination when all went well, and else is gone.

    Beside it is room for what is needed on the way and does not leave.
    """
    refuse_existing(destination)
    destination.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=destination.parent, prefix=".publish-") as scratch:
        public = Path(scratch) / "public"
        public.mkdir()
        yield public
        public.rename(destination)


def seal(public: Path, record: DisclosureRecord, counts: Sequence[PublicTable], *, groups: str) -> None:
    """Write the public counts, of which groups they are, and the record with the hash of every file it speaks for."""
    told = {"groups": groups, "tables": [table.to_dict() for table in counts]}
    (public / COUNTS).write_text(canonical_json(told), encoding="utf-8")
    files = {name: digest for name, digest in tree_hashes(public, "*").items() if name != RECORD}
    (public / RECORD).write_text(canonical_json({**record.to_dict(), "files": files}), encoding="utf-8")


def release_counts(previous: Sequence[str | Path], *, groups: str, otherwise: str) -> tuple[PublicTable, ...]:
    """Return what earlier releases told.

    Parameters
    ----------
    previous : sequence of str or Path
        Their folders.
    groups : str
        Of which groups their counts must be, as :func:`seal` was told.
    otherwise : str
        What to say, after the folder's name, of one whose counts are of others.

    Raises
    ------
    DisclosureError
        If a folder is no release, or one of other groups.
    """
    found: list[PublicTable] = []
    for release in map(Path, previous):
        try:
            told = json.loads((release / COUNTS).read_text(encoding="utf-8"))
            found += [PublicTable.from_dict(table) for table in told["tables"]]
            counted = told["groups"]
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise DisclosureError(f"{release} is not a release: {COUNTS} is missing or cannot be read.") from error
        if counted != groups:
            raise DisclosureError(f"{release} {otherwise}")
    return tuple(found)
