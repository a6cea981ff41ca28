from __future__ import annotations

from collections import defaultdict
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from averting.effects.kernels.bacon import NEVER, decompose


def _twfe(outcomes: np.ndarray, treated: np.ndarray) -> float:
    """The two-way fixed-effects coefficient by demeaning twice: not the code under test."""

    def within(x: np.ndarray) -> np.ndarray:
        return x - x.mean(0) - x.mean(1, keepdims=True) + x.mean()

    d = within(treated.astype(float))
    return float((d * within(outcomes)).sum() / (d * d).sum())


def _by_kind(parts: tuple) -> dict[str, tuple[float, float]]:
    weights: dict[str, float] = defaultdict(float)
    sums: dict[str, float] = defaultdict(float)
    for part in parts:
        weights[part.kind] += part.weight
        sums[part.kind] += part.weight * part.estimate
    return {kind: (weights[kind], sums[kind] / weights[kind]) for kind in weights}


def _starts(treated: np.ndarray) -> np.ndarray:
    return np.array([int(row.argmax()) if row.any() else NEVER for row in treated])


# weights and estimates as published by bacondecomp's authors, to the digits they print
PUBLISHED = [
    (
        "castle_bacon.csv",
        ("sid", "year", "l_homicide", "post"),
        {"not yet treated": (0.060, -0.006), "already treated": (0.032, 0.070), "never treated": (0.908, 0.088)},
        5e-4,
    ),
    (
        "math_reform.csv",
        ("state", "class", "incearn_ln", "reform_math"),
        {
            "not yet treated": (0.06353, 0.02868),
            "already treated": (0.05265, 0.03375),
            "never treated": (0.88382, -0.00129),
        },
        5e-6,
    ),
]


@pytest.mark.parametrize(("file", "columns", "expected", "digits"), PUBLISHED, ids=["castle", "math"])
def test_published_decompositions(shared: Path, file: str, columns: tuple, expected: dict, digits: float) -> None:
    frame = pd.read_csv(shared / "reference" / "causal" / file)
    unit, time, outcome, treatment = columns
    outcomes, treated = (frame.pivot(index=unit, columns=time, values=c).to_numpy() for c in (outcome, treatment))
    parts = decompose(outcomes, _starts(treated > 0))
    found = _by_kind(parts)
    assert set(found) == set(expected)
    for kind, numbers in expected.items():
        assert found[kind] == pytest.approx(numbers, abs=digits), kind
    assert sum(p.weight * p.estimate for p in parts) == pytest.approx(_twfe(outcomes, treated > 0), rel=1e-10)


@pytest.mark.parametrize("never", [0, 5])
def test_the_parts_add_up_to_two_way_fixed_effects(never: int) -> None:
    rng = np.random.default_rng(4)
    starts = np.array([2, 2, 3, 5, 5, 5, 6, *[NEVER] * never])
    outcomes = rng.normal(size=(len(starts), 8)).cumsum(axis=1)
    treated = np.arange(8) >= starts[:, None]
    parts = decompose(outcomes, starts)
    assert sum(p.weight for p in parts) == pytest.approx(1.0)
    assert all(p.weight > 0 for p in parts)
    assert sum(p.weight * p.estimate for p in parts) == pytest.approx(_twfe(outcomes, treated), rel=1e-10)


def test_nothing_to_compare_gives_nothing() -> None:
    assert decompose(np.ones((3, 4)), np.full(3, NEVER)) == ()
