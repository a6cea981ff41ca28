"""Time and memory of decisions from 100,000 draws, beside a NumPy loop over thresholds.

Run: ``uv run python benchmarks/decision.py``. For scale, measured elsewhere on a like machine with 100,000 draws, 10
strategies and 101 thresholds: BCEA 2.4.84 (R) 163 s, dampack 1.0.2 (R) 60.8 s, voiage's EVPI alone 21.4 s.
"""

from __future__ import annotations

import time
import tracemalloc
from collections.abc import Callable
from functools import partial

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from averting.appraisal import decision

DRAWS, STRATEGIES, PARAMETERS = 100_000, 10, 20

type Array = NDArray[np.float64]


def labelled(values: Array) -> xr.DataArray:
    coords = {"draw": np.arange(len(values)), "scenario": [f"s{i}" for i in range(values.shape[1])]}
    return xr.DataArray(values, dims=("draw", "scenario"), coords=coords)


def curves(effect: xr.DataArray, cost: xr.DataArray, grid: Array) -> tuple[xr.DataArray, ...]:
    made = decision.net_benefit(effect, cost, thresholds=grid)
    return decision.ceac(made), decision.evpi(made), decision.expected_loss(made)


def loop(effect: Array, cost: Array, grid: Array) -> tuple[Array, Array, Array]:
    shares, losses = np.empty((2, effect.shape[1], len(grid)))
    for at, threshold in enumerate(grid):
        made = threshold * effect - cost
        shares[:, at] = np.bincount(made.argmax(axis=1), minlength=made.shape[1]) / len(made)
        losses[:, at] = made.max(axis=1).mean() - made.mean(axis=0)
    return shares, losses.min(axis=0), losses


def best(work: Callable[[], object], repeats: int = 5) -> str:
    """Shortest of several runs, in seconds of wall and of processor time: other work on the machine lengthens the first."""
    walls, processors = [], []
    for _ in range(repeats):
        wall, processor = time.perf_counter(), time.process_time()
        work()
        walls.append(time.perf_counter() - wall)
        processors.append(time.process_time() - processor)
    return f"{min(walls):.3f} s, processor {min(processors):.3f} s"


def memory(work: Callable[[], object]) -> float:
    """Highest allocation on top of the inputs, in megabytes."""
    tracemalloc.start()
    work()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return peak / 1e6


def report(effect: xr.DataArray, cost: xr.DataArray, known: xr.Dataset) -> None:
    """Print one case: times, memory, and how far the loop's numbers are from ours."""
    for points in (101, 1_001):
        grid = np.linspace(0, 50_000, points)
        work = partial(curves, effect, cost, grid)
        peer = partial(loop, effect.to_numpy(), cost.to_numpy(), grid)
        ours, theirs = work(), peer()
        worth = float(np.abs(ours[1] / theirs[1] - 1).max())
        print(f"CEAC + EVPI + expected loss, {points:5} thresholds: {best(work)}, {memory(work):.0f} MB")
        print(f"  a loop over thresholds: {best(peer, 1)}")
        print(f"  CEAC equal: {bool(np.array_equal(ours[0], theirs[0]))}; EVPI apart by {worth:.0e} of itself")
    made = decision.net_benefit(effect, cost, thresholds=np.linspace(0, 50_000, 101))
    print(f"EVPPI of {PARAMETERS} parameters, 101 thresholds: {best(partial(decision.evppi, made, known), 1)}")


def main() -> None:
    rng = np.random.default_rng(1)
    shape, steps = (DRAWS, STRATEGIES), np.arange(STRATEGIES)
    inputs = rng.normal(size=(DRAWS, PARAMETERS))
    known = xr.Dataset({f"p{i}": ("draw", x) for i, x in enumerate(inputs.T)}, coords={"draw": np.arange(DRAWS)})
    for name, spread in (("strategies alike", 0.0), ("strategies on a frontier", 1.0)):
        slope = spread * steps + rng.normal(size=shape) + 0.3 * inputs @ rng.normal(size=(PARAMETERS, STRATEGIES))
        offset = spread * 1_000 * steps**2 + rng.normal(0, 9_000, shape)
        print(f"\n{name}: {DRAWS:,} draws x {STRATEGIES} strategies")
        report(labelled(slope), labelled(offset), known)


if __name__ == "__main__":
    main()
