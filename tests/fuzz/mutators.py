"""Small valid files in every layout, and ways in which real ones go wrong.

A table mutator takes (header, rows, random) and changes them in place; a byte mutator takes and returns bytes.
Counts are two-digit primes, and nothing else in a file or a message is, so that one in a message is a leak.
"""

from __future__ import annotations

import csv
import gzip
import io
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

Row = list[str]
PRIMES = ["23", "29", "31", "37", "41", "43", "47", "53", "59", "61", "67", "71", "73", "79", "83", "89", "97"]
COUNT_NAMES = {
    *("perm_excl", "fixed_excl", "one_plus_fixed", "susp", "one_plus_susp", "suspension"),
    *("permanent_exclusions", "suspensions", "pupils_suspended"),
}


@dataclass(frozen=True)
class Kind:
    """One layout, and how it is asked for."""

    name: str
    source: str
    level: str
    phase: str | None
    header: tuple[str, ...]
    first_year: int
    symbol: str


KINDS = {
    kind.name: kind
    for kind in (
        Kind(
            "school",
            "dfe_exclusions",
            "school",
            "Secondary",
            (
                *("time_period", "region_name", "la_name", "urn", "laestab", "school_name", "school_type"),
                *("headcount", "perm_excl", "fixed_excl", "one_plus_fixed"),
            ),
            2014,
            "x",
        ),
        Kind(
            "authorities",
            "dfe_exclusions",
            "local authority",
            "Secondary",
            (
                *("time_period", "old_la_code", "la_name", "school_type", "headcount", "perm_excl"),
                *("susp", "one_plus_susp", "source", "region_name"),
            ),
            2015,
            "x",
        ),
        Kind(
            "ees_old",
            "dfe_exclusions",
            "school",
            None,
            (
                *("time_period", "time_identifier", "geographic_level", "region_name", "old_la_code", "la_name"),
                *("urn", "school_name", "school_type", "headcount", "perm_excl", "fixed_excl", "one_plus_fixed"),
            ),
            2014,
            "x",
        ),
        Kind(
            "ees_today",
            "dfe_exclusions",
            "school",
            "Secondary",
            (
                *("time_period", "time_identifier", "geographic_level", "region_name", "old_la_code", "la_name"),
                *("school_urn", "school_name", "education_phase", "headcount", "perm_excl", "suspension"),
                "one_plus_susp",
            ),
            2021,
            "z",
        ),
        Kind(
            "tidy",
            "tidy",
            "school",
            None,
            ("urn", "time_period", "headcount", "permanent_exclusions", "suspensions", "pupils_suspended", "name"),
            2020,
            "x",
        ),
    )
}


def base(kind: Kind) -> tuple[Row, list[Row]]:
    """Return header and rows of a valid file: four schools or authorities, three years."""
    primes = iter(PRIMES * 4)
    rows = []
    for unit in range(4):
        for year in range(kind.first_year, kind.first_year + 3):
            counts = {
                name: "0" if (unit + position + year) % 5 == 0 else next(primes)
                for position, name in enumerate(name for name in kind.header if name in COUNT_NAMES)
            }
            if (unit + year) % 4 == 1:
                counts[next(iter(counts))] = kind.symbol
            texts = {
                "time_period": f"{year}{(year + 1) % 100:02d}",
                "time_identifier": "Academic year",
                "geographic_level": "School",
                "region_name": "North West",
                "la_name": "Salford" if unit < 2 else "Bury, and about",
                "old_la_code": f"{351 + unit}",
                "urn": f"{100001 + unit}",
                "school_urn": f"{100001 + unit}",
                "laestab": f"{3514001 + unit}",
                "school_name": f"School {'ABCD'[unit]} of São José",
                "name": f"School {'ABCD'[unit]}",
                "school_type": "State-funded secondary",
                "education_phase": "Secondary",
                "headcount": f"{1000 + 10 * unit}",
                "source": "SFR35/2017",
                **counts,
            }
            rows.append([texts[name] for name in kind.header])
    return list(kind.header), rows


# --- tables ---------------------------------------------------------------------------------------------------------

TableMutator = Callable[[Row, list[Row], Random], None]

NUMBERS = (
    *(
        "1,037",
        "53%",
        "5e1",
        "1e3",
        "1E400",
        "  59 ",
        "６１",
        "-0",
        "-0.0",
        "nan",
        "NaN",
        "inf",
        "-inf",
        "0x1F",
        "0b1",
    ),
    *(
        "47.0",
        "47.5",
        "-47",
        "+47",
        "4 7",
        "1_037",
        "٣٧",
        "²",
        "½",
        "",
        " ",
        ".",
        ":",
        "z",
        "c",
        "low",
        "k",
        "u",
        "x",
    ),
    *(
        "X",
        "~",
        "<5",
        ">3",
        "1-2",
        "#N/A",
        "NULL",
        "None",
        "TRUE",
        "=1+1",
        '=HYPERLINK("http://a")',
        "@SUM(A1)",
        "-2+3",
    ),
    *(
        "9" * 16,
        "9" * 30,
        "9" * 400,
        "9007199254740993",
        "00053",
        "53.",
        ".5",
        "5e-1",
        "53\u00a0",
        "\u200b53",
        "53x",
        "'53",
    ),
    *(
        "£53",
        "1.037",
        "1.037,0",
        "--",
        "−5",
        "2016-09-01",
        "01/09/2016",
        "53\n",
        "5\t3",
        "1e",
        "e5",
        "53e0",
        "1e308",
    ),
)
YEARS = (
    *(
        "2016",
        "2016.0",
        "201617.0",
        "2016/17",
        "2016-17",
        "2016–17",
        "2016/2017",
        "201618",
        "16/17",
        "2016-09-01",
        "Total",
    ),
    *(
        "",
        "２０１６１７",
        "209900",
        "1999/00",
        "43617",
        "2.01617e5",
        " 201617 ",
        "201516",
        "2016 17",
        "53",
        "'201617",
        "x",
    ),
)
IDS = (
    *(
        "",
        " ",
        "100001",
        "100001.0",
        "1e5",
        " 100002 ",
        "１００００１",
        "Total",
        "TOTAL",
        "England",
        "=1+1",
        "x",
        "100\u200b001",
    ),
    *("100001\u00a0", "nan", "None", "-1", "0", '"', "100,001", "\u202e100001", "100001\n", "\ufeff100001"),
)
TEXTS = (
    '=cmd|"/c calc"!A1',
    "",
    "x",
    '"',
    "a,b",
    'a"b',
    "\n",
    "\u202e",
    "53",
    "Secondary",
    "Primary",
    " School ",
    "☃",
    "nan",
)


def _pick(header: Row, random: Random, names: set[str]) -> int | None:
    places = [place for place, name in enumerate(header) if name in names]
    return random.choice(places) if places else None


def _put(values: tuple[str, ...], names: set[str]) -> TableMutator:
    def mutate(header: Row, rows: list[Row], random: Random) -> None:
        place = _pick(header, random, names)
        if place is None or not rows:
            return
        for row in random.sample(rows, min(len(rows), random.choice([1, 1, 2, len(rows)]))):
            if place < len(row):
                row[place] = random.choice(values)

    return mutate


def _any_cell(header: Row, rows: list[Row], random: Random) -> None:
    if rows:
        row = random.choice(rows)
        if row:
            row[random.randrange(len(row))] = random.choice((*NUMBERS, *TEXTS))


def _duplicate_row(header: Row, rows: list[Row], random: Random) -> None:
    if rows:
        rows.insert(random.randrange(len(rows) + 1), list(random.choice(rows)))


def _drop_row(header: Row, rows: list[Row], random: Random) -> None:
    if rows:
        rows.pop(random.randrange(len(rows)))


def _drop_most(header: Row, rows: list[Row], random: Random) -> None:
    del rows[random.choice([0, 1]) :]


def _header_again(header: Row, rows: list[Row], random: Random) -> None:
    rows.insert(random.randrange(len(rows) + 1), list(header))


def _totals(header: Row, rows: list[Row], random: Random) -> None:
    if not rows:
        return
    last = list(rows[-1])
    for place, name in enumerate(header):
        if place < len(last) and name in {"urn", "school_urn", "old_la_code", "la_name", "school_name", "name"}:
            last[place] = random.choice(["Total", "", "TOTAL", "Grand total"])
        elif place < len(last) and name == "time_period" and random.random() < 0.3:
            last[place] = random.choice(["", "Total"])
    rows.append(last)


def _blank_line(header: Row, rows: list[Row], random: Random) -> None:
    rows.insert(random.randrange(len(rows) + 1), [])


def _commas_only(header: Row, rows: list[Row], random: Random) -> None:
    rows.insert(random.randrange(len(rows) + 1), [""] * len(header))


def _title_line(header: Row, rows: list[Row], random: Random) -> None:
    rows.insert(0, list(header))
    header[:] = ["Table 1: exclusions"] + [""] * random.choice([0, len(header) - 1])


def _no_header(header: Row, rows: list[Row], random: Random) -> None:
    if rows:
        header[:] = rows.pop(0)


def _short_row(header: Row, rows: list[Row], random: Random) -> None:
    if rows and (row := random.choice(rows)):
        row.pop(random.randrange(len(row)))


def _long_row(header: Row, rows: list[Row], random: Random) -> None:
    if rows:
        row = random.choice(rows)
        row.insert(random.randrange(len(row) + 1), random.choice(["", "53", "a"]))


def _all_long(header: Row, rows: list[Row], random: Random) -> None:
    extra = random.choice(["", "53"])
    for row in rows:
        row.insert(random.choice([0, len(row)]), extra)


def _duplicate_column(header: Row, rows: list[Row], random: Random) -> None:
    place = random.randrange(len(header))
    header.append(header[place])
    for row in rows:
        row.append(row[place] if place < len(row) and random.random() < 0.9 else "53")


def _drop_column(header: Row, rows: list[Row], random: Random) -> None:
    if len(header) > 1:
        place = random.randrange(len(header))
        for row in (header, *rows):
            if place < len(row):
                row.pop(place)


def _rename_column(header: Row, rows: list[Row], random: Random) -> None:
    place = random.randrange(len(header))
    name = header[place]
    header[place] = random.choice(
        [name.upper(), f" {name}", f"{name} ", "", "53", "source", "simulation", name[:-1]]
    )


def _swap_names(header: Row, rows: list[Row], random: Random) -> None:
    if len(header) > 1:
        one, two = random.sample(range(len(header)), 2)
        header[one], header[two] = header[two], header[one]


def _swap_columns(header: Row, rows: list[Row], random: Random) -> None:
    if len(header) > 1:
        one, two = random.sample(range(len(header)), 2)
        for row in (header, *rows):
            if max(one, two) < len(row):
                row[one], row[two] = row[two], row[one]


def _add_column(header: Row, rows: list[Row], random: Random) -> None:
    header.append(
        random.choice(["notes", "", "source", "simulation", "geographic_level", "education_phase", "susp"])
    )
    for row in rows:
        row.append(random.choice(["", "School", "53", "=1+1"]))


def _shuffle(header: Row, rows: list[Row], random: Random) -> None:
    random.shuffle(rows)


def _later_years(header: Row, rows: list[Row], random: Random) -> None:
    place = _pick(header, random, {"time_period"})
    later = random.choice([-3, 1, 4, 9])
    for row in rows:
        if (
            place is not None
            and place < len(row)
            and len(row[place]) == 6
            and row[place].isascii()
            and row[place].isdigit()
        ):
            year = int(row[place][:4]) + later
            row[place] = f"{year}{(year + 1) % 100:02d}"


GIGANTIC = ("9" * 16, "9" * 19, "18446744073709551616", "9007199254740993", "-" + "9" * 30, "9" * 400, "1e30")
INJECTED = (
    "=1+1",
    '=HYPERLINK("http://a","b")',
    "@SUM(A1)",
    "+1+1",
    "-2+3",
    '=cmd|"/c calc"!A1',
    "\t=1+1",
    "'=1+1",
)
NUMBER_NAMES = COUNT_NAMES | {"headcount"}


def _dates_as_years(header: Row, rows: list[Row], random: Random) -> None:
    """Write the whole column as a spreadsheet does that took it for dates."""
    place = _pick(header, random, {"time_period"})
    form = random.choice(
        ["{0}-09-01", "01/09/{0}", "{0}-09-01 00:00:00", "{0}-09-01T00:00:00Z", "Sep-{1:02d}", "{0}"]
    )
    for row in rows:
        if place is not None and place < len(row) and row[place][:4].isascii() and row[place][:4].isdigit():
            year = int(row[place][:4])
            row[place] = form.format(year, year % 100)


def _mixed_types(header: Row, rows: list[Row], random: Random) -> None:
    """Make a column of numbers one of numbers, texts, truths, dates and nothing, by turns."""
    place = _pick(header, random, NUMBER_NAMES)
    kinds = (
        lambda cell: f"{cell}.0",
        lambda cell: "x",
        lambda cell: "True",
        lambda cell: "2016-09-01",
        lambda cell: "",
    )
    chosen = random.sample(kinds, random.choice([1, 2]))
    for row in rows:
        if place is not None and place < len(row) and random.random() < 0.5:
            row[place] = random.choice(chosen)(row[place])


def _injected(header: Row, rows: list[Row], random: Random) -> None:
    """Put a formula into a cell of any column, or into a name of a column."""
    row = random.choice([header, *rows])
    if row:
        row[random.randrange(len(row))] = random.choice(INJECTED)


TABLES: dict[str, TableMutator] = {
    "count": _put(NUMBERS, COUNT_NAMES),
    "exposure": _put(NUMBERS, {"headcount"}),
    "year": _put(YEARS, {"time_period"}),
    "id": _put(IDS, {"urn", "school_urn", "old_la_code"}),
    "label": _put(
        TEXTS,
        {"school_name", "name", "la_name", "region_name", "school_type", "education_phase", "geographic_level"},
    ),
    "identifier": _put(("Autumn term", "", "academic year", "53"), {"time_identifier"}),
    "any cell": _any_cell,
    "duplicate row": _duplicate_row,
    "drop row": _drop_row,
    "drop most": _drop_most,
    "header again": _header_again,
    "totals": _totals,
    "blank line": _blank_line,
    "commas only": _commas_only,
    "title line": _title_line,
    "no header": _no_header,
    "short row": _short_row,
    "long row": _long_row,
    "all long": _all_long,
    "duplicate column": _duplicate_column,
    "drop column": _drop_column,
    "rename column": _rename_column,
    "swap names": _swap_names,
    "swap columns": _swap_columns,
    "add column": _add_column,
    "shuffle": _shuffle,
    "later years": _later_years,
    "gigantic integers": _put(GIGANTIC, NUMBER_NAMES),
    "dates as years": _dates_as_years,
    "mixed types": _mixed_types,
    "csv injection": _injected,
}


# --- bytes ----------------------------------------------------------------------------------------------------------

ByteMutator = Callable[[bytes, Random], bytes]


def written(header: Row, rows: list[Row]) -> bytes:
    buffer = io.StringIO()
    csv.writer(buffer, lineterminator="\n").writerows([header, *rows])
    return buffer.getvalue().encode("utf-8", "surrogatepass")


def _encoded(encoding: str, *, mark: bytes = b"") -> ByteMutator:
    def mutate(content: bytes, random: Random) -> bytes:
        return mark + content.decode("utf-8", "replace").encode(encoding, "replace")

    return mutate


def _delimited(delimiter: str) -> ByteMutator:
    def mutate(content: bytes, random: Random) -> bytes:
        rows = csv.reader(io.StringIO(content.decode("utf-8", "replace"), newline=""))
        buffer = io.StringIO()
        csv.writer(buffer, delimiter=delimiter, lineterminator="\n").writerows(rows)
        return buffer.getvalue().encode()

    return mutate


def _quoted(content: bytes, random: Random) -> bytes:
    rows = csv.reader(io.StringIO(content.decode("utf-8", "replace"), newline=""))
    buffer = io.StringIO()
    csv.writer(buffer, quoting=csv.QUOTE_ALL, lineterminator="\r\n").writerows(rows)
    return buffer.getvalue().encode()


def _insert(*pieces: bytes) -> ByteMutator:
    def mutate(content: bytes, random: Random) -> bytes:
        for _ in range(random.choice([1, 1, 2, 5])):
            place = random.randrange(len(content) + 1)
            content = content[:place] + random.choice(pieces) + content[place:]
        return content

    return mutate


def _cut(content: bytes, random: Random) -> bytes:
    return content[: random.randrange(len(content) + 1)]


def _flip(content: bytes, random: Random) -> bytes:
    changed = bytearray(content)
    for _ in range(random.choice([1, 1, 3])):
        if changed:
            changed[random.randrange(len(changed))] = random.randrange(256)
    return bytes(changed)


BYTES: dict[str, ByteMutator] = {
    "bom": lambda content, random: b"\xef\xbb\xbf" + content,
    "two boms": lambda content, random: b"\xef\xbb\xbf" * 2 + content,
    "cp1252": _encoded("cp1252"),
    "utf-16": _encoded("utf-16"),
    "utf-16-le": _encoded("utf-16-le"),
    "utf-32": _encoded("utf-32"),
    "ebcdic": _encoded("cp037"),
    "semicolons": _delimited(";"),
    "tabs": _delimited("\t"),
    "bars": _delimited("|"),
    "all quoted": _quoted,
    "crlf": lambda content, random: content.replace(b"\n", b"\r\n"),
    "cr": lambda content, random: content.replace(b"\n", b"\r"),
    "quote": _insert(b'"'),
    "nul": _insert(b"\0", b"\0" * 7),
    "control": _insert(b"\x1a", b"\x0b", b"\x0c", b"\x1f", b"\x85", b"\xc2\x85", b"\xe2\x80\xa8"),
    "newline": _insert(b"\n", b"\r", b"\r\n", b"\n\n"),
    "comma": _insert(b",", b",,,"),
    "invalid": _insert(b"\xff", b"\xc3", b"\xed\xa0\x80"),
    "cut": _cut,
    "flip": _flip,
    "empty": lambda content, random: random.choice([b"", b"\n", b" ", b"\xef\xbb\xbf", b",,,\n", b'"']),
    "backslash": _insert(b"\\", b'\\"'),
}

HARMLESS_BYTES = ("bom", "all quoted", "crlf", "cr")
HARMLESS_TABLES = ("shuffle", "swap columns", "blank line")


def gzipped(content: bytes, random: Random) -> bytes:
    """Compress; sometimes cut it short, spoil it or append to it."""
    packed = gzip.compress(content, mtime=0)
    damage = random.choice(["none", "none", "cut", "flip", "append", "twice", "not"])
    if damage == "cut":
        return packed[: random.randrange(len(packed))]
    if damage == "flip":
        return _flip(packed, random)
    if damage == "append":
        return packed + random.choice([b"\0" * 9, b"rubbish", packed])
    if damage == "twice":
        return gzip.compress(packed, mtime=0)
    return content if damage == "not" else packed


# --- Parquet --------------------------------------------------------------------------------------------------------


def parquet(path: Path, header: Row, rows: list[Row], random: Random) -> None:
    """Write the table with odd types, as tools do that guess them."""
    import pyarrow
    import pyarrow.parquet

    width = len(header)
    square = [(row + [""] * width)[:width] for row in rows]
    odd = set(random.sample(range(width), min(width, random.choice([0, 1, 2, width]))))
    arrays = [
        _column([row[place] for row in square], random.choice(_TYPES) if place in odd else "text")
        for place in range(width)
    ]
    pyarrow.parquet.write_table(pyarrow.Table.from_arrays(arrays, names=list(header)), path)


_TYPES = (
    *(
        "int",
        "int",
        "float",
        "float",
        "decimal",
        "dictionary",
        "date",
        "timestamp",
        "bool",
        "binary",
        "list",
        "struct",
    ),
    *("null", "nulls", "large", "unsigned", "half", "duration", "time", "map", "view"),
)


def _column(cells: Row, kind: str) -> Any:
    """Return an Arrow array of one kind, numbers where the text is one, and nulls elsewhere."""
    import decimal

    import pyarrow as pa

    whole = [int(cell) if cell.isascii() and cell.isdigit() and len(cell) < 17 else None for cell in cells]
    small = [number % 1000 if number is not None else None for number in whole]
    made: dict[str, Callable[[], Any]] = {
        "int": lambda: pa.array(whole, pa.int64()),
        "float": lambda: pa.array([None if n is None else float(n) for n in whole], pa.float64()),
        "decimal": lambda: pa.array(
            [None if n is None else decimal.Decimal(n) for n in whole], pa.decimal128(38, 1)
        ),
        "dictionary": lambda: pa.array(cells).dictionary_encode(),
        "date": lambda: pa.array(small, pa.int32()).cast(pa.date32()),
        "timestamp": lambda: pa.array(small, pa.int64()).cast(pa.timestamp("us", tz="UTC")),
        "bool": lambda: pa.array([None if n is None else n % 2 == 0 for n in whole]),
        "binary": lambda: pa.array([cell.encode("utf-8", "replace") for cell in cells]),
        "list": lambda: pa.array([[cell] for cell in cells]),
        "struct": lambda: pa.array([{"a": cell} for cell in cells]),
        "null": lambda: pa.nulls(len(cells)),
        "nulls": lambda: pa.array(
            [None if place % 3 == 0 else cell for place, cell in enumerate(cells)], pa.string()
        ),
        "large": lambda: pa.array(cells, pa.large_string()),
        "unsigned": lambda: pa.array([2**64 - 1 if n is None else n for n in whole], pa.uint64()),
        "half": lambda: pa.array([None if n is None else n + 0.5 for n in whole], pa.float32()),
        "duration": lambda: pa.array(small, pa.int64()).cast(pa.duration("s")),
        "time": lambda: pa.array(small, pa.int32()).cast(pa.time32("s")),
        "map": lambda: pa.array([[("a", cell)] for cell in cells], pa.map_(pa.string(), pa.string())),
        "view": lambda: pa.array(cells, pa.string_view()),
        "text": lambda: pa.array(cells, pa.string()),
    }
    return made[kind]()
