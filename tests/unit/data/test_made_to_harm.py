"""Files made to fill the memory, to reach outside, or to be run are refused in a plain error, and cheaply."""

from __future__ import annotations

import gzip
import pickle
import zipfile
from collections.abc import Callable
from pathlib import Path

import pyarrow
import pyarrow.parquet
import pytest

from averting import read_panel
from averting.data import archives, files
from averting.errors import DataError

PACKED = 90  # MiB of zeros: above what is free, and a thousandfold of what they pack to


def _zip(path: Path) -> None:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive, archive.open("a.csv", "w") as member:
        for _ in range(PACKED):
            member.write(b"0" * 2**20)


def _gzip(path: Path) -> None:
    with gzip.open(path, "wb", compresslevel=1) as packed:
        for _ in range(PACKED):
            packed.write(b"0" * 2**20)


def _sparse(path: Path) -> None:
    with path.open("wb") as handle:
        handle.truncate(40 * 2**30)


def _rows(path: Path) -> None:
    alike = pyarrow.DictionaryArray.from_arrays(
        pyarrow.array([0] * (files.MOST_ROWS + 1), pyarrow.int8()), ["100001"]
    )
    pyarrow.parquet.write_table(pyarrow.table({"urn": alike}), path)


def _outside(path: Path) -> None:
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("../../planted.csv", "a,b\n1,2\n")


HARM: dict[str, tuple[Callable[[Path], object], str]] = {
    "bomb.zip": (_zip, f"more than {archives.MOST_RATIO} times its size"),
    "bomb.csv.gz": (_gzip, f"more than {archives.MOST_RATIO} times its size"),
    "huge.csv": (_sparse, "at most 1,073,741,824 are read"),
    "rows.parquet": (_rows, "at most 20,000,000 are read"),
    "outside.zip": (_outside, "names files outside itself"),
    "pickle.csv": (lambda path: path.write_bytes(pickle.dumps({"a": 1})), "is not UTF-8 text"),
    "pickle.parquet": (lambda path: path.write_bytes(pickle.dumps({"a": 1})), "not a readable Parquet file"),
    "field.csv": (lambda path: path.write_text("a" * 200_000 + ",b\n1,2\n"), "not a well-formed CSV file"),
    "cell.csv": (lambda path: path.write_text("a,b\n" + "1" * 200_000 + ",2\n1\n"), "not a well-formed CSV file"),
}


@pytest.mark.parametrize("name", HARM)
def test_it_is_refused(name: str, tmp_path: Path) -> None:
    write, words = HARM[name]
    path = tmp_path / "inner" / name
    path.parent.mkdir()
    write(path)
    with pytest.raises(DataError, match=words) as caught:
        read_panel(path, source="tidy")
    assert len(str(caught.value)) < 400
    assert [child.name for child in tmp_path.rglob("*")] == ["inner", name]
