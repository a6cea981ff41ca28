"""Open a table on disk as text, or say clearly why it cannot be opened."""

from __future__ import annotations

import csv
import gzip
import io
import zlib
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import pandas as pd

from averting.data.faults import SHOWN
from averting.errors import DataError, Fault, MissingExtraError, refuse

_ACCEPTED = "averting reads .csv, .csv.gz and .parquet"
_DELIMITERS = {";": "semicolons", "\t": "tabs", "|": "vertical bars"}


def read_columns(path: Path, wanted: Callable[[Iterable[str]], set[str]]) -> pd.DataFrame:
    """Read some columns of a table.

    Parameters
    ----------
    path : Path
        ``.csv``, ``.csv.gz`` (UTF-8, with or without a byte-order mark, commas) or ``.parquet``.
    wanted : callable
        Given the file's column names, returns those to read. Names that are not in the file are ignored; where
        none is, all columns are read, so that what is missing can be said.

    Returns
    -------
    DataFrame
        CSV cells as text (categories where pyarrow is installed), blanks as empty text; Parquet cells as they are.
        The index counts records from 0.

    Raises
    ------
    DataError
        If the file is absent, empty, of another kind, not UTF-8, not comma-separated, or names a column twice.
    MissingExtraError
        If a Parquet file is asked for without pyarrow.
    """
    if not path.is_file():
        raise DataError(
            f"{path.name}: there is no such file in {path.parent.name or 'this folder'}. Check the path."
        )
    suffixes = "".join(path.suffixes[-2:]).lower()
    if suffixes.endswith(".parquet"):
        frame = _read_parquet(path, wanted)
    elif suffixes.endswith((".csv", ".csv.gz")):
        frame = _read_csv(path, wanted)
    else:
        raise DataError(f"{path.name}: {_ACCEPTED}. Save the table as one of those, for example as 'CSV UTF-8'.")
    if len(frame) == 0:
        raise DataError(f"{path.name} has a header but no rows. Give one row per school and academic year.")
    return frame


def _read_parquet(path: Path, wanted: Callable[[Iterable[str]], set[str]]) -> pd.DataFrame:
    try:
        import pyarrow
        import pyarrow.parquet
    except ImportError as error:
        raise MissingExtraError("parquet", "Reading a Parquet file") from error
    try:
        names = pyarrow.parquet.read_schema(path).names
        columns = wanted(names) & set(names) or set(names)
        return pd.read_parquet(path, columns=[name for name in names if name in columns]).reset_index(drop=True)
    except (pyarrow.ArrowInvalid, OSError) as error:
        raise DataError(f"{path.name} is not a readable Parquet file ({error}). Write it again.") from error


def _read_csv(path: Path, wanted: Callable[[Iterable[str]], set[str]]) -> pd.DataFrame:
    name = path.name
    try:
        content = gzip.decompress(path.read_bytes()) if path.suffix.lower() == ".gz" else path.read_bytes()
        return _parse(name, content, wanted)
    except UnicodeDecodeError as error:
        raise DataError(
            f"{name} is not UTF-8 text: byte {error.start} cannot be read. "
            "Save it again as 'CSV UTF-8' (Excel offers that name), or convert it from Windows-1252."
        ) from error
    except pd.errors.ParserError as error:
        raise DataError(f"{name} is not a well-formed CSV file: {str(error).strip()}. Mend that line.") from error
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise DataError(f"{name} is not a whole gzip file ({error}). Fetch or write it again.") from error


def _parse(name: str, content: bytes, wanted: Callable[[Iterable[str]], set[str]]) -> pd.DataFrame:
    header = _header(name, content)
    columns = wanted(header) & set(header) or set(header)
    quick = _parse_quickly(content, [column for column in header if column in columns])
    if quick is not None:
        return quick
    # All columns are parsed although few are kept: only then does pandas refuse a row with too many fields.
    # Plain objects, not arrow strings: twice as fast to read, and each column is converted once.
    frame = pd.read_csv(
        io.BytesIO(content),
        dtype=dict.fromkeys([*columns, header[-1]], object),
        na_filter=False,
        low_memory=False,
        skip_blank_lines=False,
    )
    kept = frame[[column for column in header if column in columns]]
    # the mark of a short row; or of rows longer than the header, which pandas takes for labels
    doubtful = not isinstance(frame.index, pd.RangeIndex) or bool((frame[header[-1]] == "").any())
    return _whole_rows(name, content, kept, len(header)) if doubtful else kept


def _parse_quickly(content: bytes, columns: list[str]) -> pd.DataFrame | None:
    """Read columns by pyarrow, each distinct text once; None without pyarrow, or where the file is not flawless.

    What pyarrow refuses (blank lines, rows of another length, bytes that are not UTF-8) is read again by pandas, which
    says where the fault is.
    """
    try:
        import pyarrow
        import pyarrow.csv
    except ImportError:
        return None
    if any(blank in content for blank in (b"\n\n", b"\n\r\n", b"\r\r")):
        return None  # a blank line, which pyarrow takes for a row of blanks
    texts = pyarrow.dictionary(pyarrow.int32(), pyarrow.string())
    try:
        table = pyarrow.csv.read_csv(
            pyarrow.BufferReader(content),
            read_options=pyarrow.csv.ReadOptions(use_threads=False, block_size=max(len(content), 1)),
            parse_options=pyarrow.csv.ParseOptions(newlines_in_values=True, ignore_empty_lines=False),
            convert_options=pyarrow.csv.ConvertOptions(
                column_types=dict.fromkeys(columns, texts), include_columns=columns, strings_can_be_null=False
            ),
        )
    except pyarrow.ArrowException:
        return None
    return table.to_pandas()  # type: ignore[no-any-return]


def _whole_rows(name: str, content: bytes, frame: pd.DataFrame, width: int) -> pd.DataFrame:
    """Refuse rows with too few or too many fields, and drop blank lines; the index still counts them."""
    fields = [len(record) for record in _records(content)][1:]
    fix = f"The header has {width}: quote text with commas"
    faults = [
        Fault(f"{name}, row {record + 2}", f"{count} fields", fix)
        for record, count in enumerate(fields)
        if count not in (0, width)
    ]
    refuse(DataError, f"{name} is not a well-formed CSV file", faults, most=SHOWN)
    blank = [record for record, count in enumerate(fields) if count == 0 and record < len(frame)]
    return frame.drop(index=blank)


def _records(content: bytes) -> Iterator[list[str]]:
    return csv.reader(io.TextIOWrapper(io.BytesIO(content), encoding="utf-8-sig", newline=""))


def _header(name: str, content: bytes) -> list[str]:
    header = next(_records(content), [])
    if not any(header):
        raise DataError(f"{name} is empty. Its first line must be the column names.")
    if len(header) == 1:
        for delimiter, called in _DELIMITERS.items():
            if delimiter in header[0]:
                raise DataError(f"{name} separates its columns by {called}. Save it separated by commas.")
    twice = sorted({column for column in header if header.count(column) > 1})
    faults = [Fault(f"{name}, row 1", f"column '{column}' occurs twice", "Rename or drop one") for column in twice]
    refuse(DataError, f"{name} cannot be read", faults)
    return header
