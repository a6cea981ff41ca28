"""Time of ``savings`` at 10,000 draws beside its arithmetic limit: one einsum that makes an account of that size.

Then the large account: 100,000 draws x 12 year groups x 9 states x 60 years x 25 lines x 11 payers, contracted early,
in under 5 s and 2 GB on two cores. Its exactness is tested in tests/unit/costs/test_cohort.py. Wall and processor time
are both printed, because other work on the machine lengthens the first.

Run: ``uv run python benchmarks/costs.py``
"""

from __future__ import annotations

import resource
import time
from collections.abc import Callable

import numpy as np
import xarray as xr

from averting.costs import load_parameters, savings
from averting.costs.cohort import STATES, Rates
from averting.costs.contraction import present_account
from averting.costs.discounting import factors
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


LARGE, LINES, PAYERS, YEARS = 100_000, 25, 11, 60


def large_account() -> None:
    """Time the large account with one mix of year groups and terms, and with a mix per draw."""
    rng = np.random.default_rng(1)
    to = rng.dirichlet([7.0, 2.0, 1.0], LARGE)
    rates = Rates(
        placement=rng.gamma(4, 5, LARGE),
        to_state_ap=to[:, 0],
        to_independent_ap=to[:, 1],
        to_home=1 - to[:, 0] - to[:, 1],
        return_first_year=rng.gamma(2, 0.1, LARGE),
        return_later=rng.gamma(2, 0.1, LARGE),
        return_to_special=rng.beta(2, 5, LARGE),
        breakdown=rng.gamma(1, 0.1, LARGE),
        suspended=rng.beta(1, 20, LARGE),
    )
    states, costs = rng.integers(0, len(STATES), LINES), rng.normal(1e4, 2e3, (LINES, LARGE))
    weights = factors(np.arange(YEARS)) * rng.dirichlet(np.ones(PAYERS), (LINES, YEARS)).transpose(0, 2, 1)
    mix = rng.dirichlet(np.ones(36)).reshape(12, 3)
    print(f"large account: draws {LARGE}, lines {LINES}, payers {PAYERS}, years {YEARS}")
    for name, chosen in (("one mix", mix), ("mix per draw", np.broadcast_to(mix, (LARGE, 12, 3)))):
        wall, processor = time.perf_counter(), time.process_time()
        present_account(rates, chosen, states=states, costs=costs, weights=weights)
        wall, processor = time.perf_counter() - wall, time.process_time() - processor
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
        print(f"{name:14s} {wall:6.2f} s, processor {processor:5.2f} s, peak of the process {peak:.2f} GB")


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
    large_account()


if __name__ == "__main__":
    main()
