from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from averting.effects.kernels.honest import (
    EventStudy,
    _Piece,
    _restriction,
    relative_interval,
    smoothness_interval,
)


@pytest.fixture(scope="module")
def medicaid(shared: Path) -> EventStudy:
    """Event study of the README of HonestDiD: expansion in 2014 against later or never, clustered by state."""
    frame = pd.read_csv(shared / "reference" / "causal" / "ehec_data.csv")
    frame = frame[(frame["year"] < 2016) & (frame["yexp2"] != 2015)]
    outcomes = frame.pivot(index="stfips", columns="year", values="dins")
    expanded = frame.groupby("stfips")["yexp2"].first().loc[outcomes.index].to_numpy() == 2014
    years = np.array(outcomes.columns)
    values = outcomes.to_numpy()

    def within(x: np.ndarray) -> np.ndarray:
        return x - x.mean(-1, keepdims=True) - x.mean(-2, keepdims=True) + x.mean((-2, -1), keepdims=True)

    design = within(np.array([np.outer(expanded, years == year).astype(float) for year in years if year != 2013]))
    flat, target = design.reshape(len(design), -1).T, within(values)
    beta = np.linalg.lstsq(flat, target.ravel(), rcond=None)[0]
    residual = (target.ravel() - flat @ beta).reshape(target.shape)
    scores = np.einsum("kit,it->ik", design, residual)
    bread = np.linalg.inv(flat.T @ flat)
    states, cells = len(values), values.size
    # as fixest scales: unit effects are nested in clusters and do not count
    scale = states / (states - 1) * (cells - 1) / (cells - len(beta) - len(years))
    return EventStudy(beta, scale * bread @ (scores.T @ scores) @ bread, 5)


FIRST = np.array([1.0, 0.0])


def test_the_event_study_is_the_published_one(medicaid: EventStudy) -> None:
    expected = [-0.005285, -0.011297, -0.002676, -0.001419, 0.000340, 0.046447, 0.069206]
    assert medicaid.beta == pytest.approx(expected, abs=5e-7)


@pytest.mark.parametrize(
    ("largest", "published"),
    [
        (0.0, (0.0259, 0.0607)),
        (0.01, (0.0132, 0.0787)),
        (0.02, (0.00286, 0.0907)),
        (0.03, (-0.00714, 0.101)),
        (0.04, (-0.0171, 0.111)),
        (0.05, (-0.0271, 0.121)),
    ],
)
def test_smoothness_intervals_are_the_published_ones(
    medicaid: EventStudy, largest: float, published: tuple[float, float]
) -> None:
    # published to three digits; the authors' optimum is found on a grid of its own
    found = smoothness_interval(medicaid, FIRST, largest=largest)
    assert found == pytest.approx(published, abs=3e-4)
    assert found[1] - found[0] <= published[1] - published[0] + 3e-4


@pytest.mark.parametrize(
    ("times", "published"),
    [(0.5, (0.0241, 0.0673)), (1.0, (0.0171, 0.0720)), (1.5, (0.00859, 0.0796)), (2.0, (-0.00107, 0.0883))],
)
def test_relative_magnitudes_are_the_published_ones(
    medicaid: EventStudy, times: float, published: tuple[float, float]
) -> None:
    # the published critical value is simulated and their grid is coarse: moderndid differs from R by up to 9e-4
    found = relative_interval(medicaid, FIRST, times=times, rng=np.random.default_rng(1))
    assert found == pytest.approx(published, abs=7e-4)
    assert (found[0] < 0) == (published[0] < 0)


def test_without_allowance_smoothness_is_the_best_line_adjusted_estimate() -> None:
    """With M = 0 the shortest interval is generalised least squares of effect and straight trend: closed form."""
    rng = np.random.default_rng(2)
    root = rng.normal(size=(5, 5))
    sigma = root @ root.T / 50 + 0.02 * np.eye(5)
    study = EventStudy(rng.normal(size=5), sigma, 3)
    # beta = trend * times + effects; only the first effect is wanted, the other is free
    design = np.column_stack([study.times, np.eye(5)[:, 3], np.eye(5)[:, 4]])
    inverse = np.linalg.inv(sigma)
    covariance = np.linalg.inv(design.T @ inverse @ design)
    wanted = (covariance @ design.T @ inverse @ study.beta)[1]
    half = stats.norm.ppf(0.975) * np.sqrt(covariance[1, 1])
    assert smoothness_interval(study, np.array([1.0, 0.0]), largest=0.0) == pytest.approx(
        (wanted - half, wanted + half)
    )


def test_more_allowance_never_narrows() -> None:
    rng = np.random.default_rng(3)
    study = EventStudy(rng.normal(size=7) / 5, 0.01 * (np.eye(7) + 0.5), 4)
    weights = np.full(3, 1 / 3)
    smooth = [np.diff(smoothness_interval(study, weights, largest=m))[0] for m in (0, 0.05, 0.1, 0.2)]
    relative = [
        np.diff(relative_interval(study, weights, times=m, rng=np.random.default_rng(0)))[0]
        for m in (0, 0.5, 1, 2)
    ]
    assert (np.diff(smooth) > 0).all()
    assert (np.diff(relative) > 0).all()


def test_a_true_effect_is_covered_where_trends_are_as_bad_as_allowed() -> None:
    """Simulation: departures after the start as large as the largest before, in the worst direction."""
    rng = np.random.default_rng(5)
    path = np.array([-0.3, -0.1, -0.2, 0.2, 0.4])  # largest change before, 0.2; after, 0.2 each
    sigma = 0.004 * (np.eye(5) + 0.5)
    study, weights = EventStudy(path, sigma, 3), np.array([0.5, 0.5])
    rows = [_restriction(study, earlier, sign, 1.0) for earlier in range(3) for sign in (1.0, -1.0)]
    pieces = [_Piece.of(study, weights, row, np.random.default_rng(0), 0.05) for row in rows]
    hits = 0
    for _ in range(400):
        beta = rng.multivariate_normal(path, sigma)
        moved = [piece._replace(at_zero=row @ beta) for piece, row in zip(pieces, rows, strict=True)]
        hits += any(bool(piece.accepts(np.zeros(1))[0]) for piece in moved)
    # at a true 95 %, fewer than 369 of 400 happen about once in 200
    assert hits >= 369


def test_too_many_later_periods_are_refused() -> None:
    study = EventStudy(np.zeros(12), np.eye(12), 2)
    with pytest.raises(ValueError, match="corners"):
        relative_interval(study, np.full(10, 0.1), times=1.0, rng=np.random.default_rng(0))


def test_no_end_is_found_where_the_past_says_next_to_nothing() -> None:
    """One earlier change with a standard error of 10 allows a bias far beyond 20 of the later one's 0.1."""
    study = EventStudy(np.array([0.0, 0.5]), np.diag([100.0, 0.01]), 1)
    ends = relative_interval(study, np.ones(1), times=1.0, rng=np.random.default_rng(1))
    assert ends == (-np.inf, np.inf)
