"""How long a thousand simulated pilots take, on one core and on two.

Run ``uv run python benchmarks/power.py``. One simulated pilot is one drawn design, thinned or added to, tested on
1,000 sets of schools, and given its verdict; the table that ``averting power`` prints by default, three pilots and
three years, is 117,000 of them. Processes are started afresh, and their start is part of the time with two.
"""

from __future__ import annotations

import resource
import time
from functools import partial

from averting.effects.power import RATIOS, DeclaredNoise, simulate_power
from averting.parallel import _in_processes

TRIALS = 4_000


def seconds_per_thousand(workers: int, hidden: tuple[int, int] | None) -> float:
    start = time.perf_counter()
    simulate_power(
        DeclaredNoise(comparison=40, hidden=hidden), pilots=[3], years_after=[3], trials=TRIALS, workers=workers
    )
    return 1_000 * (time.perf_counter() - start) / (TRIALS * len(RATIOS))


def seconds_to_start() -> float:
    """Return the processor time that one more process takes before it begins to simulate."""
    begun = resource.getrusage(resource.RUSAGE_CHILDREN)
    work = partial(getattr, DeclaredNoise(comparison=40))  # what it carries makes the process load what is needed
    list(_in_processes(work, {0: "basis"}, 1))
    ended = resource.getrusage(resource.RUSAGE_CHILDREN)
    return ended.ru_utime + ended.ru_stime - begun.ru_utime - begun.ru_stime


def main() -> None:
    print(f"a process takes {seconds_to_start():.1f} s of processor time to start")
    for name, hidden in (("exact counts", None), ("counts of 1 and 2 suppressed", (1, 2))):
        one, two = (seconds_per_thousand(workers, hidden) for workers in (1, 2))
        print(f"{name}: {one * 1000:.0f} ms per 1,000 simulated pilots on one core, {two * 1000:.0f} ms on two")


if __name__ == "__main__":
    main()
