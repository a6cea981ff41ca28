"""Open a table on disk as text, or say clearly why it cannot be opened."""

from __future__ import annotations

import csv
import io
import zlib
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import pandas as pd

from averting.data.archives import FREE_BYTES, LIMIT, MOST_RATIO, table_in_zip
from averting.data.excel import read_sheet
from averting.data.faults import SHOWN, safe
from averting.data.quotes import refuse_stray_quotes
from averting.errors import DataError, Fault, MissingExtraError, refuse

MOST_ROWS = 20_000_000
"""Rows that a Parquet file may have: few bytes can stand for any number of rows that are alike."""
_ACCEPTED = "averting reads .csv, .csv.gz, .parquet, .xlsx, and .zip with one .csv in it"
_DELIMITERS = {";": "semicolons", "\t": "tabs", "|": "vertical bars"}


def read_columns(
    path: Path, wanted: Callable[[Iterable[str]], set[str]], *, sheet: str | None = None
) -> pd.DataFrame:
    """Read some columns of a table.

    Parameters
    ----------
    path : Path
        ``.csv``, ``.csv.gz`` (UTF-8, with or without a byte-order mark, commas), ``.parquet``, ``.xlsx``, or
        ``.zip`` with one such CSV in it.
    wanted : callable
        Given the file's column names, returns those to read. Names that are not in the file are ignored; where
        none is, all columns are read, so that what is missing can be said.
    sheet : str, optional
        Sheet of an Excel workbook.

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
        If a Parquet file is asked for without pyarrow, or an Excel workbook without openpyxl.
    """
    if not path.is_file():
        raise DataError(
            f"{path.name}: there is no such file in {path.parent.name or 'this folder'}. Check the path."
        )
    suffixes = "".join(path.suffixes[-2:]).lower()
    if sheet is not None and not suffixes.endswith(".xlsx"):
        raise DataError(f"{path.name} is no Excel workbook, so it has no sheet '{sheet}'. Leave sheet out.")
    if suffixes.endswith(".parquet"):
        frame = _read_parquet(path, wanted)
    elif suffixes.endswith(".xlsx"):
        frame = read_sheet(path, wanted, sheet=sheet)
    elif suffixes.endswith((".csv", ".csv.gz", ".zip")):
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
        with pyarrow.parquet.ParquetFile(path) as file:
            if file.metadata.num_rows > MOST_ROWS:
                raise DataError(
                    f"{path.name} has {file.metadata.num_rows:,} rows; at most {MOST_ROWS:,} are read. Keep those you need."
                )
            schema = file.schema_arrow
            _refuse_twice(path.name, schema.names)
            columns = wanted(schema.names) & set(schema.names) or set(schema.names)
            kept = [field for field in schema if field.name in columns]
            nested = [field.name for field in kept if pyarrow.types.is_nested(field.type)]
            if nested:
                raise DataError(
                    f"{path.name}: {safe(nested[0])} holds lists or records. Write one plain value a cell."
                )
            table = file.read(columns=[field.name for field in kept])
            table.validate(full=True)
            # what other software noted about its own types and index is not needed
            frame: pd.DataFrame = table.to_pandas(ignore_metadata=True)
            return frame
    except (pyarrow.ArrowException, OSError, ValueError, OverflowError) as error:
        raise DataError(f"{path.name} is not a readable Parquet file ({error}). Write it again.") from error


def _read_csv(path: Path, wanted: Callable[[Iterable[str]], set[str]]) -> pd.DataFrame:
    name = path.name
    try:
        content = _content(path)
        return _parse(name, content, wanted)
    except UnicodeDecodeError as error:
        raise DataError(
            f"{name} is not UTF-8 text: byte {error.start} cannot be read. "
            "Save it again as 'CSV UTF-8' (Excel offers that name), or convert it from Windows-1252."
        ) from error
    except (pd.errors.ParserError, csv.Error) as error:  # csv's where one field is longer than any text
        raise DataError(f"{name} is not a well-formed CSV file: {str(error).strip()}. Mend that line.") from error
    except (EOFError, zlib.error) as error:
        raise DataError(f"{name} is not a whole gzip file ({error}). Fetch or write it again.") from error


def _content(path: Path) -> bytes:
    if path.suffix.lower() == ".zip":
        return table_in_zip(path)
    _refuse_huge(path)
    return _unpacked(path) if path.suffix.lower() == ".gz" else path.read_bytes()


def _refuse_huge(path: Path) -> None:
    """Refuse a table that would fill the memory: a national school file of twenty years has a tenth of the limit."""
    size = path.stat().st_size
    if size > LIMIT:
        raise DataError(
            f"{path.name} has {size:,} bytes; at most {LIMIT:,} are read. Keep the rows you need, or save it as Parquet."
        )


def _unpacked(path: Path) -> bytes:
    """Unpack a gzip file, unless it is made to fill the memory."""
    packed = path.read_bytes()
    most = max(FREE_BYTES, MOST_RATIO * len(packed))
    content = b""
    while packed:  # a file may hold several parts, one after the other
        part = zlib.decompressobj(wbits=31)
        content += part.decompress(packed, most + 1 - len(content))
        if len(content) > most:
            raise DataError(
                f"{path.name} unpacks to more than {MOST_RATIO} times its size: no table does. Fetch it again."
            )
        if not part.eof:
            raise EOFError("it ends too soon")
        packed = part.unused_data.lstrip(b"\0")
    return content


def _parse(name: str, content: bytes, wanted: Callable[[Iterable[str]], set[str]]) -> pd.DataFrame:
    if b"\0" in content:
        raise DataError(f"{name} holds NUL bytes, so it is not UTF-8 text. Save it again as 'CSV UTF-8'.")
    refuse_stray_quotes(name, content)
    header = _header(name, content)
    columns = wanted(header) & set(header) or set(header)
    quick = _parse_quickly(content, [column for column in header if column in columns])
    if quick is not None:
        return quick
    # All columns are parsed although few are kept: only then does pandas refuse a row with too many fields.
    # Plain objects, not arrow strings: twice as fast to read, and each column is converted once.
    frame = pd.read_csv(
        io.BytesIO(content),
        # pandas would rename a column without a name
        header=0,
        names=header,
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
    encoded = [column.combine_chunks() for column in table.columns]
    texts = [part.dictionary.to_pylist() for part in encoded]
    if all("" in held for held in texts):
        return None  # a row of blanks may be a blank line, which only pandas' way tells apart
    # plain objects as categories: far cheaper to make than arrow strings
    kept = {
        name: pd.Categorical.from_codes(
            part.indices.to_numpy(), categories=pd.Index(held, dtype=object), validate=False
        )
        for name, part, held in zip(columns, encoded, texts, strict=True)
    }
    return pd.DataFrame(kept, copy=False)


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
    _refuse_twice(name, header)
    return header


def _refuse_twice(name: str, header: list[str]) -> None:
    twice = sorted({column for column in header if header.count(column) > 1})
    faults = [
        Fault(f"{name}, row 1", f"column '{safe(column)}' occurs twice", "Rename or drop one") for column in twice
    ]
    refuse(DataError, f"{name} cannot be read", faults)
