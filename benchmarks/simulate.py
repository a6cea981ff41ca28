"""How long simulating takes: the national panel of schools, and a million pupils.

Run ``uv run python benchmarks/simulate.py``. The fastest of a few runs counts, because other work on the machine
only ever adds time. Exits with an error if a limit is missed.
"""

from __future__ import annotations

import sys
import time

from averting.data.simulate import Authorities, Programme, Pupils, SimulatedSchools, simulate_schools

REPEATS = 3
NATIONAL_LIMIT, PUPILS_LIMIT = 3.0, 10.0  # seconds


def national() -> SimulatedSchools:
    # state-funded primary and secondary schools, in the proportion of 2016/17
    return simulate_schools(
        seed=1,
        schools=24_000,
        primary_share=0.83,
        first_year="2010/11",
        authorities=Authorities(number=150),
        programme=Programme(pilots=10),
    )


def pupils() -> SimulatedSchools:
    return simulate_schools(
        seed=1,
        schools=100,
        first_year="2015/16",
        last_year="2024/25",
        programme=Programme(pilots=4),
        pupils=Pupils(),
        terms=True,
    )


def main() -> None:
    missed = False
    for work, limit in ((national, NATIONAL_LIMIT), (pupils, PUPILS_LIMIT)):
        times = []
        for _ in range(REPEATS):
            start = time.perf_counter()
            drawn = work()
            times.append(time.perf_counter() - start)
        records = drawn.frame if drawn.enrolments is None else drawn.enrolments
        missed |= min(times) > limit
        print(f"{work.__name__}: {len(records):,} rows in {min(times):.2f} s (limit {limit:.0f} s)")
    if missed:
        sys.exit("a limit was missed")


if __name__ == "__main__":
    main()
