"""Thousands of mutated files end in a clear error or a correct panel: no library's traceback, no wrong number.

What is correct is judged by ``slow_reader.py``, which shares no code with averting. Where it can tell what a file
says, a panel must say the same; where it cannot, averting must refuse the file. An error must name the file, and must
not show a count of a school. The examples are the same on every run.
"""

from __future__ import annotations

import gzip
import re
from collections import Counter
from pathlib import Path
from random import Random
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import averting
from averting.data import Panel
from averting.errors import AvertingError

LAYOUTS = ("school", "authorities", "ees_old", "ees_today", "tidy")
CONTAINERS = ("csv", "csv", "csv", "csv", "csv.gz", "parquet")
EXAMPLES = 420  # for each of five layouts: 2,100 files
NIGHTLY = 4_000  # 20,000 files
TABLES = 31  # table mutators, by number, so that hypothesis need not know them
BYTES = 23
CHECKED = settings(suppress_health_check=list(HealthCheck), deadline=None, derandomize=True, database=None)

choices = st.fixed_dictionaries(
    {
        "tables": st.lists(st.integers(0, TABLES - 1), max_size=3),
        "bytes": st.lists(st.integers(0, BYTES - 1), max_size=2),
        "container": st.sampled_from(CONTAINERS),
        "seed": st.integers(0, 2**32 - 1),
    }
)


def make(mutators: ModuleType, layout: str, chosen: dict[str, Any], folder: Path) -> Path:
    """Write one mutated file."""
    random = Random(chosen["seed"])
    header, rows = mutators.base(mutators.KINDS[layout])
    for number in chosen["tables"]:
        list(mutators.TABLES.values())[number](header, rows, random)
    path = folder / f"fuzzed.{chosen['container']}"
    if chosen["container"] == "parquet":
        mutators.parquet(path, header, rows, random)
        if random.random() < 0.1:
            path.write_bytes(mutators.BYTES["flip"](path.read_bytes(), random))
        return path
    content = mutators.written(header, rows)
    for number in chosen["bytes"]:
        content = list(mutators.BYTES.values())[number](content, random)
    path.write_bytes(mutators.gzipped(content, random) if chosen["container"] == "csv.gz" else content)
    return path


def asked(kind: Any) -> dict[str, Any]:
    """How the file is asked for."""
    options: dict[str, Any] = {"source": kind.source, "level": kind.level, "phase": kind.phase}
    if kind.source == "tidy":
        counts = ["permanent_exclusions", "suspensions", "pupils_suspended"]
        roles = {"school": "urn", "period": "time_period", "exposure": "headcount"}
        options |= {"columns": roles | {name: name for name in counts}, "symbols": {"x": (1, 2)}}
    return options


def judge(mutators: ModuleType, slow: ModuleType, layout: str, path: Path) -> str:
    """Read a file twice; return how it ended, or fail."""
    kind = mutators.KINDS[layout]
    try:
        panel = averting.read_panel(path, **asked(kind))
    except AvertingError as error:
        check_message(str(error), path, mutators.PRIMES)
        return "refused"
    try:
        wanted = slow.read(path, source=kind.source, level=kind.level, phase=kind.phase)
    except slow.Refused as reason:
        pytest.fail(f"read, although it should be refused ({reason}):\n{panel}")
    check_panel(panel, wanted)
    return "read"


def check_message(message: str, path: Path, primes: list[str]) -> None:
    assert path.name in message, f"does not name the file: {message}"
    assert len(message) > len(path.name) + 20, f"says little: {message}"
    # places in the file are not counts
    told = re.sub(
        r"\b(rows?|lines?|byte|position) \d+(, \d+)*|\b\d+ (faults|listed|more|fields)\b|\b\d{4}/\d\d\b",
        "",
        message,
    )
    leaked = sorted(set(re.findall(r"(?<![\w.])[0-9]{2}(?![\w])", told)) & set(primes))
    assert not leaked, f"shows a count ({leaked}): {message}"


def check_panel(panel: Panel, wanted: dict[str, Any]) -> None:
    cells = wanted["cells"]
    assert set(panel.schools) == {school for school, _ in cells}
    assert set(panel.periods) == {period for _, period in cells}
    assert wanted["indicators"] <= set(panel.indicators)
    names = ("observed", "suppressed", "missing", "not_applicable")
    empty = {"exposure": None, **dict.fromkeys(wanted["indicators"], ("missing", 0, np.inf))}
    for row, school in enumerate(panel.schools):
        for column, period in enumerate(panel.periods):
            said = cells.get((school, period), empty)
            same(panel.exposure.values[row, column], said["exposure"])
            for name in wanted["indicators"]:
                status, lower, upper = said[name]
                found = panel.data.isel(school=row, period=column).sel(indicator=name)
                where = f"{name} of {school} in {period}"
                assert names[int(found["status"])] == status, where
                same(float(found["lower"]), lower)
                same(float(found["upper"]), upper)
                same(float(found["value"]), lower if status == "observed" else None)


def same(found: float, wanted: float | None) -> None:
    if wanted is None:
        assert np.isnan(found)
    else:
        assert found == wanted and not (found == 0 and np.signbit(found))


@pytest.mark.parametrize("layout", LAYOUTS)
def test_fuzzed_files_end_well(
    layout: str, mutators: ModuleType, slow: ModuleType, tmp_path_factory: pytest.TempPathFactory
) -> None:
    run(EXAMPLES, layout, mutators, slow, tmp_path_factory.mktemp(layout))


@pytest.mark.nightly
@pytest.mark.parametrize("layout", LAYOUTS)
def test_many_more_fuzzed_files_end_well(
    layout: str, mutators: ModuleType, slow: ModuleType, tmp_path_factory: pytest.TempPathFactory
) -> None:
    run(NIGHTLY, layout, mutators, slow, tmp_path_factory.mktemp(layout))


def run(examples: int, layout: str, mutators: ModuleType, slow: ModuleType, folder: Path) -> None:
    assert (len(mutators.TABLES), len(mutators.BYTES)) == (TABLES, BYTES)
    ends: Counter[str] = Counter()

    @settings(CHECKED, max_examples=examples)
    @given(chosen=choices)
    def check(chosen: dict[str, Any]) -> None:
        ends[judge(mutators, slow, layout, make(mutators, layout, chosen, folder))] += 1

    check()
    # both ends must be met, or the judge judges nothing
    assert ends["read"] > examples * 0.04 and ends["refused"] > examples * 0.3, ends


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("seed", range(3))
def test_harmless_changes_are_read(
    layout: str, seed: int, mutators: ModuleType, slow: ModuleType, tmp_path: Path
) -> None:
    for table in (*mutators.HARMLESS_TABLES, None):
        for byte in (*mutators.HARMLESS_BYTES, None):
            header, rows = mutators.base(mutators.KINDS[layout])
            if table is not None:
                mutators.TABLES[table](header, rows, Random(seed))
            content = mutators.written(header, rows)
            if byte is not None:
                content = mutators.BYTES[byte](content, Random(seed))
            path = tmp_path / "fuzzed.csv"
            path.write_bytes(content)
            assert judge(mutators, slow, layout, path) == "read", (table, byte)


ALONE = (  # what the issue names, each by itself, so that no chance decides whether it is met
    ("gigantic integers", "dates as years", "mixed types", "csv injection", "duplicate column"),
    ("bom", "two boms", "cp1252", "utf-16", "utf-16-le", "utf-32", "ebcdic", "semicolons", "tabs", "bars"),
)


@pytest.mark.parametrize("layout", LAYOUTS)
def test_every_named_fault_by_itself_ends_well(
    layout: str, mutators: ModuleType, slow: ModuleType, tmp_path: Path
) -> None:
    tables, encodings = ALONE
    path = tmp_path / "fuzzed.csv"
    for name, seed in [(name, seed) for name in tables for seed in range(12)] + [(name, 0) for name in encodings]:
        header, rows = mutators.base(mutators.KINDS[layout])
        if name in tables:
            mutators.TABLES[name](header, rows, Random(seed))
        content = mutators.written(header, rows)
        path.write_bytes(content if name in tables else mutators.BYTES[name](content, Random(seed)))
        assert judge(mutators, slow, layout, path) in {"read", "refused"}, (name, seed)


@pytest.mark.parametrize("layout", LAYOUTS)
def test_every_odd_number_ends_well_in_every_column(
    layout: str, mutators: ModuleType, slow: ModuleType, tmp_path: Path
) -> None:
    header, _ = mutators.base(mutators.KINDS[layout])
    path = tmp_path / "fuzzed.csv"
    for name in header:
        for value in dict.fromkeys((*mutators.NUMBERS, *mutators.YEARS, *mutators.IDS, *mutators.TEXTS)):
            if name not in {"time_period", "headcount", "perm_excl", "permanent_exclusions", "urn", "old_la_code"}:
                continue
            _, rows = mutators.base(mutators.KINDS[layout])
            rows[5][header.index(name)] = value
            path.write_bytes(mutators.written(header, rows))
            judge(mutators, slow, layout, path)


@pytest.mark.parametrize("suffix", ["csv", "csv.gz", "parquet", "txt", "xls", ""])
@pytest.mark.parametrize(
    "content", [b"", b"\0" * 100, b"PK\x03\x04", b"PAR1", b"PAR1PAR1", gzip.compress(b"", mtime=0), None]
)
def test_files_that_are_no_tables(tmp_path: Path, suffix: str, content: bytes | None) -> None:
    path = tmp_path / f"fuzzed.{suffix}"
    if content is None:
        path.mkdir()
    else:
        path.write_bytes(content)
    for source in ("dfe_exclusions", "tidy"):
        with pytest.raises(AvertingError, match=re.escape(path.name)):
            averting.read_panel(path, source=source)


@pytest.mark.parametrize("target", ["absent.csv", "loop.csv"])
def test_links_to_nowhere(tmp_path: Path, target: str) -> None:
    path = tmp_path / "loop.csv"
    path.symlink_to(tmp_path / target)
    with pytest.raises(AvertingError, match=re.escape("loop.csv")):
        averting.read_panel(path)


def test_a_gzip_bomb_is_not_unpacked(tmp_path: Path) -> None:
    path = tmp_path / "bomb.csv.gz"
    path.write_bytes(gzip.compress(b"urn,school_type\n" + b"1,2\n" * 40_000_000, compresslevel=1, mtime=0))
    with pytest.raises(AvertingError, match=r"bomb\.csv\.gz unpacks to more than"):
        averting.read_panel(path)
