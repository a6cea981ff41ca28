"""Predictions of left-out counts against their closed form, and the comparison of models that rests on them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from numpy.typing import NDArray
from scipy import stats

from averting.effects import Effect, Estimand
from averting.effects.bayes.families import BETA_BINOMIAL, NEGATIVE_BINOMIAL
from averting.effects.bayes.leave_one_out import check_leave_one_out, compare_models, leave_one_out
from averting.effects.bayes.likelihood import log_within
from averting.effects.storage import load_effect, save_effect
from averting.errors import EstimationError

SHAPE, RATE = 2.0, 0.5
"""A gamma prior on the rate of Poisson counts: what is predicted for a left-out count is negative binomial."""


def conjugate(counts: NDArray[Any], draws: int = 8_000) -> NDArray[np.float64]:
    """Log probabilities of Poisson counts, (draw, cell), at exact posterior draws of their common rate."""
    rng = np.random.default_rng(4)
    rate = rng.gamma(SHAPE + counts.sum(), 1 / (RATE + len(counts)), draws)
    return np.asarray(stats.poisson(rate[:, None]).logpmf(counts))


def test_left_out_counts_are_predicted_as_by_the_closed_form() -> None:
    counts = np.random.default_rng(1).poisson(3.0, 25)
    found = leave_one_out(conjugate(counts), chains=4)
    shape, rate = SHAPE + counts.sum() - counts, RATE + len(counts) - 1
    expected = stats.nbinom(shape, rate / (rate + 1)).logpmf(counts)
    # a cell is one of 25: dropping it hardly moves the posterior, so 8,000 draws give two decimals
    np.testing.assert_allclose(found["elpd"], expected, atol=0.01)
    assert found["pareto_k"].max() < 0.7
    # one common rate is fitted
    assert found["p"].sum() == pytest.approx(1.0, abs=0.4)


def test_a_count_that_sways_the_fit_is_counted() -> None:
    counts = np.append(np.random.default_rng(1).poisson(3.0, 25), 60)
    found = leave_one_out(conjugate(counts, draws=1_000), chains=4)
    assert found["pareto_k"].iloc[-1] > 0.7
    check = check_leave_one_out(found)
    assert check.status == "warn"
    assert "26 counts" in check.message
    assert check_leave_one_out(found.iloc[:-1]).status == "pass"


@pytest.mark.parametrize("family", [NEGATIVE_BINOMIAL, BETA_BINOMIAL], ids=lambda family: family.words)
def test_bounds_have_the_probability_of_all_counts_between_them(family: Any) -> None:
    lower, upper, trials = np.array([3.0, 1.0, 0.0]), np.array([3.0, 4.0, 2.0]), np.full(3, 30.0)
    mean, size = np.array([[2.0, 3.0, 1.5], [4.0, 1.0, 0.2]]), np.array([2.0, 0.7])
    found = log_within(lower, upper, mean, size, trials, family=family)
    for (draw, cell), value in np.ndenumerate(found):
        share = mean[draw, cell] / 30
        count = (
            stats.nbinom(size[draw], size[draw] / (size[draw] + mean[draw, cell]))
            if family is NEGATIVE_BINOMIAL
            else stats.betabinom(30, share * size[draw], (1 - share) * size[draw])
        )
        between = count.cdf(upper[cell]) - count.cdf(lower[cell] - 1)
        assert value == pytest.approx(np.log(between), rel=1e-8)


# --- models side by side ------------------------------------------------------------------------------


def effect_of(log_p: NDArray[np.float64] | None, indicator: str = "events") -> Effect:
    draws = xr.DataArray(
        np.linspace(0.4, 1.1, 100), dims="draw", coords={"draw": range(100)}, attrs={"units": "ratio"}
    )
    change = xr.DataArray(
        np.zeros((100, 1, 1)),
        dims=("draw", "school", "period"),
        coords={"draw": range(100), "school": ["a"], "period": ["2020/21"]},
        attrs={"units": "events"},
    )
    tables = {}
    if log_p is not None:
        table = leave_one_out(log_p, chains=4)
        table.insert(0, "period", "2020/21")
        table.insert(0, "school", [f"s{i}" for i in range(len(table))])
        tables = {"leave_one_out": table}
    estimand = Estimand(indicator, contrast="with over without", population="pilots", scale="ratio")
    return Effect(
        estimand, "bayes_count", "posterior", 0.7, (0.4, 1.1), 0.95, draws, "posterior", change, tables=tables
    )


def two_models() -> dict[str, Effect]:
    """Counts of two kinds of school; one model gives each kind its rate, the other gives all the same."""
    rng = np.random.default_rng(2)
    halves = rng.poisson(2.0, 40), rng.poisson(9.0, 40)
    own = np.hstack([conjugate(half, draws=2_000) for half in halves])
    return {"one_rate": effect_of(conjugate(np.concatenate(halves), draws=2_000)), "two_rates": effect_of(own)}


def test_the_model_that_predicts_better_comes_first_and_gets_the_weight() -> None:
    table = compare_models(two_models()).set_index("estimate")
    assert table.index.tolist() == ["two_rates", "one_rate"]
    assert table.loc["two_rates", ["difference", "difference_se"]].tolist() == [0.0, 0.0]
    worse = table.loc["one_rate"]
    assert worse["difference"] == pytest.approx(worse["elpd"] - table.loc["two_rates", "elpd"])
    assert worse["difference"] < -3 * worse["difference_se"]
    assert table["weight"].sum() == pytest.approx(1.0)
    assert table.loc["two_rates", "weight"] > 0.9


def test_models_of_other_counts_are_not_compared() -> None:
    effects = two_models()
    with pytest.raises(EstimationError, match="two or more Bayesian estimates of single counts; 1 given"):
        compare_models({"one_rate": effects["one_rate"]})
    with pytest.raises(EstimationError, match="pooled cannot predict single counts"):
        compare_models({**effects, "pooled": effect_of(None)})
    other = effect_of(conjugate(np.arange(80) % 5))
    moved = replace(other, estimand=replace(other.estimand, indicator="suspensions"))
    fewer = {**other.tables, "leave_one_out": other.tables["leave_one_out"].iloc[:-1]}
    for unlike in (moved, replace(other, tables=fewer)):
        with pytest.raises(EstimationError, match="not estimates of the same counts"):
            compare_models({**effects, "other": unlike})


def test_a_stored_trace_is_read_by_arviz(tmp_path: Path) -> None:
    from arviz_stats.summary import summary

    rng = np.random.default_rng(3)
    dims, coords = ("chain", "draw"), {"chain": range(4), "draw": range(250)}
    posterior = xr.Dataset({"log_ratio": (dims, rng.normal(size=(4, 250)))}, coords=coords)
    stats_of = xr.Dataset({"diverging": (dims, np.zeros((4, 250), dtype=bool))}, coords=coords)
    trace = xr.DataTree.from_dict({"posterior": posterior, "sample_stats": stats_of})
    made = replace(effect_of(conjugate(np.arange(12) % 4)), trace=trace)
    save_effect(made, tmp_path)
    read = load_effect(tmp_path)
    assert read.trace is not None
    found, expected = (summary(one, kind="all", round_to="none") for one in (read.trace, trace))  # type: ignore[no-untyped-call]
    pd.testing.assert_frame_equal(found, expected)
    # and each group is a netCDF file of its own, without our reader
    with xr.open_dataset(tmp_path / "trace_posterior.nc", engine="scipy") as group:
        assert dict(group.sizes) == {"chain": 4, "draw": 250}
    # what was left out survives the writing too
    pd.testing.assert_frame_equal(read.tables["leave_one_out"], made.tables["leave_one_out"])
