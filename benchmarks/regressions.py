"""Speed of regressions, their inference and permutation beside peers, in one run.

Run: ``uv run --group peers python benchmarks/regressions.py``

Each line gives the median of three warm calls; a peer's first call, with imports and compilation, is not counted.
A peer that would take minutes is run with fewer draws, and its time scaled up, which the line says.
"""

from __future__ import annotations

import importlib
import resource
import subprocess
import sys
import time
import warnings
from collections.abc import Callable

import numpy as np
import pandas as pd

from averting.effects.kernels.ols import ols
from averting.effects.kernels.poisson import poisson_fe
from averting.effects.kernels.sandwich import cr1, cr3
from averting.effects.kernels.set_regression import assignments, parts, set_coefficients
from averting.effects.kernels.wild import wild_bootstrap, wild_p

PERIODS, PILOTS, DRAWS = 15, 3, 9_999
START = 10


def clock(work: Callable[[], object], times: int = 3) -> float:
    work()
    taken = []
    for _ in range(times):
        begun = time.perf_counter()
        work()
        taken.append(time.perf_counter() - begun)
    return float(np.median(taken))


def panel(schools: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return counts, pupils and treatment, (school, period)."""
    rng = np.random.default_rng(schools)
    pupils = rng.uniform(400, 1_500, (schools, 1)).repeat(PERIODS, 1)
    treated = np.zeros((schools, PERIODS))
    treated[:PILOTS, START:] = 1
    return rng.poisson(rng.gamma(3, 1 / 3, (schools, 1)) * 2 * pupils / 900).astype(float), pupils, treated


def table(counts: np.ndarray, pupils: np.ndarray, treated: np.ndarray) -> pd.DataFrame:
    schools = len(counts)
    frame = pd.DataFrame(
        {
            "school": np.repeat(np.arange(schools), PERIODS),
            "period": np.tile(np.arange(PERIODS), schools),
            "y": (100 * counts / pupils).ravel(),
            "count": counts.ravel(),
            "offset": np.log(pupils).ravel(),
            "d": treated.ravel(),
        }
    )
    event = np.where(frame["school"] < PILOTS, frame["period"] - START, -1)
    return frame.assign(event=event, treat=(frame["school"] < PILOTS).astype(int))


def permutation(rates: np.ndarray, draws: int = DRAWS) -> np.ndarray:
    path = (np.arange(PERIODS) >= START)[None, :, None].astype(float)
    weights = np.ones_like(rates)
    kinds = np.zeros(PILOTS, dtype=np.intp)
    sets, _ = assignments(len(rates), np.arange(PILOTS), kinds, most=draws, rng=np.random.default_rng(1))
    prepared = parts(rates[..., None], path, np.empty((*rates.shape, 0)), weights)
    return set_coefficients(prepared, sets, kinds)


def event_columns(treated: np.ndarray) -> np.ndarray:
    times = [t for t in range(PERIODS) if t != START - 1]
    columns = np.zeros((*treated.shape, PERIODS - 1))
    for place, period in enumerate(times):
        columns[:PILOTS, period, place] = 1
    return columns


def line(what: str, ours: float, peers: dict[str, float]) -> None:
    best = min(peers.values(), default=np.nan)
    others = ", ".join(f"{name} {seconds:.3f}" for name, seconds in peers.items())
    print(f"{what:44s}{ours:10.4f}{best / ours:10.1f}   {others}", flush=True)


def peers_of(schools: int, frame: pd.DataFrame) -> dict[str, dict[str, float]]:
    diff_diff, pyfixest = importlib.import_module("diff_diff"), importlib.import_module("pyfixest")
    found: dict[str, dict[str, float]] = {}
    found["twfe"] = {
        "pyfixest": clock(lambda: pyfixest.feols("y ~ d | school + period", frame, vcov={"CRV1": "school"})),
        "diff-diff": clock(
            lambda: diff_diff.TwoWayFixedEffects(cluster="school").fit(
                frame.assign(post=(frame["period"] >= START).astype(int)), "y", "treat", "post", "school"
            )
        ),
    }
    formula = "y ~ i(event, ref=-1) | school + period"
    found["event"] = {"pyfixest": clock(lambda: pyfixest.feols(formula, frame, vcov={"CRV1": "school"}))}
    found["poisson"] = {
        "pyfixest": clock(
            lambda: pyfixest.fepois("count ~ d | school + period", frame, offset="offset", vcov={"CRV1": "school"})
        )
    }
    if schools <= 300:
        slow = clock(lambda: pyfixest.feols("y ~ d | school + period", frame, vcov={"CRV3": "school"}), times=1)
        found["cr3"] = {"pyfixest": slow}
    # on changes of schools, as its own examples do: on two-way effects it takes far longer
    late = frame["period"] >= START
    change = frame[late].groupby("school")["y"].mean() - frame[~late].groupby("school")["y"].mean()
    changes = pd.DataFrame({"y": change, "d": (change.index < PILOTS).astype(float)}).reset_index(drop=True)
    fitted = pyfixest.feols("y ~ d", changes)
    few = 99 if schools > 300 else 999
    fitted.ritest("d", reps=2, rng=np.random.default_rng(1))  # compiles
    begun = time.perf_counter()
    fitted.ritest("d", reps=few, rng=np.random.default_rng(1))
    found["permutation"] = {f"pyfixest ritest ({few} scaled)": (time.perf_counter() - begun) * DRAWS / few}
    return found


def compare(schools: int, *, with_peers: bool) -> None:
    counts, pupils, treated = panel(schools)
    rates, weights = 100 * counts / pupils, np.ones_like(counts)
    frame = table(counts, pupils, treated)
    peers = peers_of(schools, frame) if with_peers else {}
    single = treated[..., None]
    events = event_columns(treated)
    size = f"{schools:,} x {PERIODS}"
    line(f"{size}: two-way effects, CR1", clock(lambda: cr1(ols(rates, single, weights))), peers.get("twfe", {}))
    line(f"{size}: event study, CR1", clock(lambda: cr1(ols(rates, events, weights))), peers.get("event", {}))
    line(f"{size}: two-way effects, CR3", clock(lambda: cr3(ols(rates, single, weights))), peers.get("cr3", {}))
    line(
        f"{size}: Poisson with exposure, CR1",
        clock(lambda: cr1(poisson_fe(counts, pupils, single, weights).fit)),
        peers.get("poisson", {}),
    )
    line(f"{size}: permutation, {DRAWS:,} sets", clock(lambda: permutation(rates)), peers.get("permutation", {}))
    samples = 1_999

    def wild() -> object:
        found = wild_bootstrap(ols(rates, single, weights), draws=samples, rng=np.random.default_rng(1))
        return wild_p(found, np.zeros(1))

    line(f"{size}: wild bootstrap, {samples:,} samples", clock(wild, times=1), {})


def main() -> None:
    warnings.simplefilter("ignore")  # of the peers' own making
    print(f"{'seconds':44s}{'averting':>10s}{'x faster':>10s}   peers")
    begun = time.perf_counter()
    subprocess.run([sys.executable, "-c", "import averting"], check=True)
    whole = time.perf_counter() - begun
    begun = time.perf_counter()
    subprocess.run([sys.executable, "-c", "pass"], check=True)
    line("import averting", whole - (time.perf_counter() - begun), {})
    for schools in (300, 24_000):
        compare(schools, with_peers=False)
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"largest memory without peers: {memory:,.0f} MB")
    for schools in (300, 24_000):
        compare(schools, with_peers=True)


if __name__ == "__main__":
    main()
