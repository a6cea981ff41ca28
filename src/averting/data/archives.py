"""Tables in zip archives, read in memory: nothing is unpacked to disk, and nothing larger than a stated size."""

from __future__ import annotations

import zipfile
import zlib
from pathlib import Path, PurePosixPath

from averting.errors import DataError

LIMIT = 1 << 30
"""Bytes that the tables of one archive may have when unpacked: ten times DfE's largest school file."""
FREE_BYTES, MOST_RATIO = 64 * 2**20, 200
"""Beyond so many bytes a packed table that grows more than so many times is refused: tables shrink ten- to fiftyfold."""


def table_in_zip(path: Path) -> bytes:
    """Return the one CSV table in a zip archive.

    DfE's archives hold a table and a description of its columns (``.meta.csv``), which is left out.

    Raises
    ------
    DataError
        If the file is no whole zip archive, is encrypted, holds no table or several, leads outside itself, or is
        larger than :data:`LIMIT` when unpacked.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            check_size(path, archive)
            table = _one_table(path, archive)
            if table.flag_bits & 1:
                raise DataError(f"{path.name} is encrypted. Unpack it, and name the table in it.")
            if table.file_size > max(FREE_BYTES, MOST_RATIO * table.compress_size):
                raise DataError(
                    f"{path.name} unpacks to more than {MOST_RATIO} times its size: no table does. Fetch it again."
                )
            return archive.read(table)
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, OSError) as error:
        kind = type(error).__name__
        raise DataError(f"{path.name} is not a whole zip archive ({kind}). Fetch or write it again.") from error


def check_size(path: Path, archive: zipfile.ZipFile) -> None:
    """Refuse an archive that would be larger than :data:`LIMIT` when unpacked."""
    # members are never read beyond the size they state, so what is stated can be relied on
    size = sum(member.file_size for member in archive.infolist())
    if size > LIMIT:
        raise DataError(
            f"{path.name} would be {size:,} bytes when unpacked; at most {LIMIT:,} are read. "
            "Keep the rows you need, or save it as Parquet."
        )


def _one_table(path: Path, archive: zipfile.ZipFile) -> zipfile.ZipInfo:
    members = [member for member in archive.infolist() if not member.is_dir()]
    outside = [member for member in members if _leads_outside(member.filename)]
    if outside:
        raise DataError(
            f"{path.name} names files outside itself. Do not use it; fetch it again from its publisher."
        )
    tables = [
        member
        for member in members
        if member.filename.lower().endswith(".csv")
        and not member.filename.lower().endswith(".meta.csv")
        and not member.filename.startswith("__MACOSX/")
    ]
    if len(tables) != 1:
        held = ", ".join(member.filename for member in members[:10]) or "nothing"
        raise DataError(
            f"{path.name} holds {len(tables)} tables, where one .csv is needed; it has {held}. "
            "Unpack it, and name the table you want."
        )
    return tables[0]


def _leads_outside(name: str) -> bool:
    path = PurePosixPath(name.replace("\\", "/"))
    return path.is_absolute() or ".." in path.parts or ":" in name
