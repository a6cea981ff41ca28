"""Recovery of known risks by the models of ``averting.risk``, from a thousand pupils to eight million.

Run: ``python benchmarks/risk.py``, or with the names of some of ``PARTS``; three minutes or so in all. Prints, for each number of
pupils, the bias of log odds ratios and of the log risk ratio, how often 95 % intervals cover, and, for eight million in a
Parquet file, the time and the most memory it took from file to table.
"""

from __future__ import annotations

import resource
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.special import expit

from averting.errors import EstimationError
from averting.risk import RiskCells, associations, fit_risk, read_cells

LEVELS = {
    "sex": ("Girls", "Boys"),
    "fsm": ("Not eligible", "Eligible"),
    "sen": ("No SEN", "SEN support", "EHC plan"),
    "ethnicity": ("White British", "Black Caribbean", "Indian", "Any other"),
}
SHARES = {
    "sex": (0.49, 0.51),
    "fsm": (0.76, 0.24),
    "sen": (0.84, 0.13, 0.03),
    "ethnicity": (0.68, 0.02, 0.04, 0.26),
}
TRUE = {"sex": (0.0, 0.9), "fsm": (0.0, 0.7), "sen": (0.0, 1.2, 0.8), "ethnicity": (0.0, 0.5, -0.9, -0.1)}
INTERCEPT, SPREAD = -3.6, 0.5
WATCHED = (("sex", "Boys"), ("fsm", "Eligible"), ("sen", "SEN support"))


def true_risk_ratios(spread: float = 0.0) -> dict[tuple[str, str], float]:
    """Return standardised risk ratios, from every combination and its share, over schools where they differ."""
    point, weight = np.polynomial.hermite_e.hermegauss(40)
    weight = weight / weight.sum()
    grids = np.meshgrid(*[np.arange(len(texts)) for texts in LEVELS.values()], indexing="ij")
    codes = np.stack([grid.ravel() for grid in grids], 1)
    names = list(LEVELS)
    share = np.prod([np.array(SHARES[name])[codes[:, i]] for i, name in enumerate(names)], axis=0)

    def mean(name: str, code: int) -> float:
        eta = INTERCEPT + sum(
            np.array(TRUE[other])[code if other == name else codes[:, i]] for i, other in enumerate(names)
        )
        return float(share @ expit(np.asarray(eta)[:, None] + spread * point) @ weight)

    return {(name, text): mean(name, LEVELS[name].index(text)) / mean(name, 0) for name, text in WATCHED}


def pupils(n: int, rng: np.random.Generator, *, schools: int = 0) -> pd.DataFrame:
    """Make pupils whose risks are known."""
    frame: dict[str, object] = {}
    eta = np.full(n, INTERCEPT)
    for name, texts in LEVELS.items():
        code = rng.choice(len(texts), n, p=SHARES[name])
        frame[name] = pd.Categorical.from_codes(code, categories=pd.Index(texts))
        eta = eta + np.array(TRUE[name])[code]
    if schools:
        school = rng.integers(0, schools, n)
        eta = eta + rng.normal(0, SPREAD, schools)[school]
        frame["urn"] = school
    frame["suspended"] = (rng.random(n) < expit(eta)).astype(np.int8)
    return pd.DataFrame(frame)


def recover(n: int, trials: int, *, schools: int = 0) -> None:
    """Print bias and coverage over trials."""
    ratios = true_risk_ratios(SPREAD if schools else 0.0)
    found: dict[tuple[str, str], list[tuple[float, bool, float, bool]]] = {at: [] for at in WATCHED}
    refused, spent = 0, time.process_time()
    for trial in range(trials):
        frame = pupils(n, np.random.default_rng([n, schools, trial]), schools=schools)
        cells = RiskCells.from_frame(
            frame,
            outcome="suspended",
            characteristics=list(LEVELS),
            references={name: texts[0] for name, texts in LEVELS.items()},
            school="urn" if schools else None,
        )
        pool = ["ethnicity"] if n < 10_000 and not schools else []
        try:
            model = fit_risk(cells, adjust=list(LEVELS), schools=bool(schools), pool=pool)
        except EstimationError:  # a level in which nobody was suspended
            refused += 1
            continue
        table = associations(model).set_index(["characteristic", "level"])
        for at in WATCHED:
            row = table.loc[at, :]
            odds, ratio = float(np.exp(TRUE[at[0]][LEVELS[at[0]].index(at[1])])), ratios[at]
            found[at].append(
                (
                    float(np.log(row.odds_ratio / odds)),
                    bool(row.odds_ratio_lower <= odds <= row.odds_ratio_upper),
                    float(np.log(row.risk_ratio / ratio)),
                    bool(row.risk_ratio_lower <= ratio <= row.risk_ratio_upper),
                )
            )
    spent = (time.process_time() - spent) / trials
    for at, rows in found.items():
        bias, covered, bias_ratio, covered_ratio = np.mean(np.array(rows, dtype=float), axis=0)
        error = np.std(np.array(rows, dtype=float)[:, 0]) / np.sqrt(len(rows))
        label = f"{n:>9,} pupils{f', {schools} schools' if schools else ''}"
        print(
            f"{label:<34}{' '.join(at):<18} bias of log OR {bias:+.4f} (±{1.96 * error:.4f})  covered {covered:.3f}  "
            f"bias of log RR {bias_ratio:+.4f}  covered {covered_ratio:.3f}  {spent:.2f} s  refused {refused / trials:.3f}"
        )


def cover(n: int, trials: int) -> None:
    """Print how often intervals cover, with pupils drawn by group, which is the same and quicker."""
    grids = np.meshgrid(*[np.arange(len(texts)) for texts in LEVELS.values()], indexing="ij")
    codes, names = np.stack([grid.ravel() for grid in grids], 1), list(LEVELS)
    share = np.prod([np.array(SHARES[name])[codes[:, i]] for i, name in enumerate(names)], axis=0)
    risk = expit(INTERCEPT + sum(np.array(TRUE[name])[codes[:, i]] for i, name in enumerate(names)))
    ratios, rng = true_risk_ratios(), np.random.default_rng(5)
    hits = {at: np.zeros(2) for at in WATCHED}
    for _ in range(trials):
        number = rng.multinomial(n, share)
        events = rng.binomial(number, risk).astype(float)
        cells = RiskCells("suspended", LEVELS, codes, number.astype(float), events)
        table = associations(fit_risk(cells, adjust=names), ["sex", "fsm", "sen"])
        for at, row in table.set_index(["characteristic", "level"]).iterrows():
            if at in hits:
                odds = float(np.exp(TRUE[at[0]][LEVELS[at[0]].index(at[1])]))
                hits[at] += (
                    row["odds_ratio_lower"] <= odds <= row["odds_ratio_upper"],
                    row["risk_ratio_lower"] <= ratios[at] <= row["risk_ratio_upper"],
                )
    for at, (odds, ratio) in hits.items():
        print(
            f"{n:>9,} pupils, {trials:,} trials  {' '.join(at):<18} covered OR {odds / trials:.3f}  RR {ratio / trials:.3f}"
        )


def eight_million() -> None:
    """Write eight million pupils to a Parquet file by parts, read it by aggregation, and print time and memory."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    rng = np.random.default_rng(8)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "pupils.parquet"
        writer = None
        for _ in range(16):
            # without pandas' index and metadata; schools are strings as they are in real files
            table = pa.Table.from_pandas(pupils(500_000, rng), preserve_index=False)
            table = table.append_column("pupil", pa.array(rng.integers(0, 1 << 60, 500_000)))
            writer = writer or pq.ParquetWriter(path, table.schema)
            writer.write_table(table)
        assert writer is not None
        writer.close()
        del table
        start = time.perf_counter()
        cells = read_cells(
            path,
            outcome="suspended",
            characteristics=list(LEVELS),
            references={name: texts[0] for name, texts in LEVELS.items()},
        )
        table = associations(fit_risk(cells, adjust=list(LEVELS))).set_index(["characteristic", "level"])
        spent = time.perf_counter() - start
        size = path.stat().st_size / 2**20
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    whole = f"{cells.pupils.sum():>9,.0f} pupils in {len(cells.pupils)} cells, file of {size:.0f} MB"
    print(f"{whole}: {spent:.1f} s, {memory:.2f} GB at most")
    for at, ratio in true_risk_ratios().items():
        row, odds = table.loc[at, :], float(np.exp(TRUE[at[0]][LEVELS[at[0]].index(at[1])]))
        pairs = (("OR", "odds_ratio", odds), ("RR", "risk_ratio", ratio))
        for word, name, truly in pairs:
            ends = f"{row[f'{name}_lower']:.4f} to {row[f'{name}_upper']:.4f}"
            print(f"  {' '.join(at):<18} {word} {row[name]:.4f} ({ends}), truly {truly:.4f}")


PARTS = {
    "thousand": lambda: recover(1_000, 300),
    "hundred_thousand": lambda: recover(100_000, 100),
    "coverage": lambda: cover(100_000, 1_500),
    "schools": lambda: recover(100_000, 200, schools=200),
    "eight_million": eight_million,
}

if __name__ == "__main__":
    for part in sys.argv[1:] or PARTS:
        PARTS[part]()
