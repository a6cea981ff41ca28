"""How long ``protect`` takes, by the size and shape of a table of counts with all its margins.

Run ``python benchmarks/disclosure.py``; it takes minutes. Counts are Poisson, a third of the inner cells small. CPU time is
printed, since it bears a busy machine; each table is made once.
"""

from __future__ import annotations

import time

import numpy as np

from averting.data.disclosure import CountTable, load_rules, protect

SHAPES = ((5, 5), (10, 10), (20, 10), (3, 3, 3), (4, 3, 3), (4, 4, 3))


def main() -> None:
    """Print one row for each shape."""
    rules = load_rules("under_five_exact")
    print(f"{'shape':>12} {'cells':>6} {'small':>6} {'withheld':>9} {'CPU s':>7}")
    for shape in SHAPES:
        draw = np.random.default_rng(1)
        counts = draw.poisson(np.where(draw.random(shape) < 0.33, 3.0, 20.0))
        labels = [[f"{'abc'[axis]}{i}" for i in range(size)] for axis, size in enumerate(shape)]
        table = CountTable.from_counts("counts", labels, counts)
        start = time.process_time()
        _, record = protect([table], rules)
        used = time.process_time() - start
        small = sum(decision.reason == "primary" for decision in record.decisions)
        name = " x ".join(map(str, shape))
        print(f"{name:>12} {len(table.keys):>6} {small:>6} {record.withheld:>9} {used:>7.1f}", flush=True)


if __name__ == "__main__":
    main()
