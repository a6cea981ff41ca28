"""How much memory and time counting 50 million pupil-level records by school and term takes.

Run ``uv run python benchmarks/pupil_records.py``; it needs the extras ``pupils`` and ``parquet``. Invented records of
3,500 schools over six years are written in pieces to a temporary folder, about 0.4 GB for 50 million, and counted in a
process of its own, whose largest resident memory is reported. An argument is another number of records.
"""

from __future__ import annotations

import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from averting.data.pupils import read_pupil_records

RECORDS, PIECE = 50_000_000, 1_000_000
SCHOOLS, PUPILS_IN_SCHOOL, DAYS = 3_500, 1_500, 6 * 365
TYPES = {"suspensions": "SUSP", "pupils_suspended": "SUSP", "permanent_exclusions": "PERM"}
PROMISE = 2 << 30


def write(path: Path, records: int) -> None:
    """Write records in no order, so that every piece holds every school and term."""
    rng = np.random.default_rng(1)
    schema = pa.schema(
        [("school", pa.string()), ("pupil", pa.string()), ("date", pa.date32()), ("type", pa.string())]
    )
    names = pa.array(["SUSP", "PERM", "LATE", "MOVE"])
    schools = pa.array([str(100_000 + number) for number in range(SCHOOLS)])
    with pq.ParquetWriter(path, schema, compression="snappy") as writer:
        for start in range(0, records, PIECE):
            size = min(PIECE, records - start)
            school = rng.integers(0, SCHOOLS, size)
            pupil = school * PUPILS_IN_SCHOOL + rng.integers(0, PUPILS_IN_SCHOOL, size)
            columns = [
                schools.take(pa.array(school)),
                pa.array(10**11 + pupil).cast(pa.string()),
                pa.array((18_871 + rng.integers(0, DAYS, size)).astype(np.int32)).cast(pa.date32()),
                names.take(pa.array(rng.choice(4, size, p=[0.3, 0.01, 0.6, 0.09]))),
            ]
            writer.write_table(pa.table(columns, schema=schema))


def count(path: Path) -> None:
    """Count in this process, and print seconds, peak memory in bytes and records counted."""
    start = time.perf_counter()
    panel = read_pupil_records(path, TYPES, memory="1GB", threads=2)
    seconds = time.perf_counter() - start
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    print(seconds, peak, int(panel.data["value"].sel(indicator="suspensions").sum()), len(panel.periods))


def main() -> None:
    if len(sys.argv) == 3 and sys.argv[1] == "count":
        return count(Path(sys.argv[2]))
    records = int(sys.argv[1]) if len(sys.argv) > 1 else RECORDS
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "records.parquet"
        write(path, records)
        size = path.stat().st_size
        command = [sys.executable, __file__, "count", str(path)]
        told = subprocess.run(command, check=True, capture_output=True, text=True).stdout.split()
    seconds, peak = float(told[0]), int(told[1])
    print(
        f"{records:,} records, {size / 1e9:.2f} GB of Parquet: {seconds:.0f} s, at most {peak / (1 << 30):.2f} GiB; "
        f"{int(told[2]):,} suspensions in {told[3]} terms"
    )
    if peak > PROMISE:
        sys.exit("more than the 2 GB promised")


if __name__ == "__main__":
    main()
