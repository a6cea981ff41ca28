"""Time of ``savings`` at 10,000 draws beside its arithmetic limit: one einsum that makes an account of that size.

Run: ``uv run python benchmarks/costs.py``
"""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np
import xarray as xr

from averting.costs import load_parameters, savings
from averting.years import FinancialYear

DRAWS = 10_000
PERIODS = ["2022/23", "2023/24", "2024/25"]
REPEATS = 7


def best(work: Callable[[], object]) -> float:
    """Shortest of several runs, in milliseconds."""
    times = []
    for _ in range(REPEATS):
        start = time.perf_counter()
        work()
        times.append(time.perf_counter() - start)
    return 1000 * min(times)


def main() -> None:
    parameters = load_parameters("high_needs_block")
    draws = parameters.draw(DRAWS, seed=1)
    rng = np.random.default_rng(1)
    averted = xr.DataArray(
        rng.normal(2, 3, (DRAWS, len(PERIODS))),
        dims=("draw", "period"),
        coords={"draw": np.arange(DRAWS), "period": PERIODS},
        attrs={"units": "pupils"},
    )
    account = savings(averted, draws, price_year=FinancialYear(2023))
    lines, payers, years = (account.sizes[dim] for dim in ("line", "payer", "year"))
    unit_costs, quantities = rng.random((DRAWS, lines, payers)), rng.random((DRAWS, lines, years))
    print(f"draws {DRAWS}, lines {lines}, payers {payers}, years {years}")
    print(f"load_parameters  {best(lambda: load_parameters('high_needs_block')):7.1f} ms")
    print(f"draw             {best(lambda: parameters.draw(DRAWS, seed=1)):7.1f} ms")
    print(f"savings          {best(lambda: savings(averted, draws, price_year=FinancialYear(2023))):7.1f} ms")
    print(f"one einsum       {best(lambda: np.einsum('dlp,dly->dlpy', unit_costs, quantities)):7.1f} ms")


if __name__ == "__main__":
    main()
