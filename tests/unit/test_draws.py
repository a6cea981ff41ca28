"""Draws: each key has its own stream, and a joint index gives every draw nearly the same weight."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr
from hypothesis import given
from hypothesis import strategies as st

from averting.draws import resample, stream

KEYS = st.text(max_size=20)


@given(st.integers(0, 2**40), KEYS)
def test_a_seed_and_a_key_give_the_same_draws(seed, key):
    assert np.array_equal(stream(seed, key).random(5), stream(seed, key).random(5))


@given(st.integers(0, 2**40), KEYS, KEYS)
def test_other_keys_and_seeds_give_other_draws(seed, one, other):
    first = stream(seed, one).random(5)
    assert not np.array_equal(first, stream(seed + 1, one).random(5))
    assert (one == other) == np.array_equal(first, stream(seed, other).random(5))


def test_streams_of_different_keys_are_independent():
    draws = np.array([stream(1, f"parameter/{i}").normal(size=4_000) for i in range(30)])
    correlation = np.corrcoef(draws)[np.triu_indices(30, 1)]
    # standard error of a correlation is 1 / sqrt(4000) = 0.016; 435 pairs stay within five of them
    assert np.abs(correlation).max() < 5 / np.sqrt(4_000)
    assert correlation.std() == pytest.approx(1 / np.sqrt(4_000), rel=0.2)


def test_streams_leave_the_global_generator_alone():
    np.random.seed(7)  # noqa: NPY002  the point is that nobody else moves this one
    expected = np.random.random(3)  # noqa: NPY002
    np.random.seed(7)  # noqa: NPY002
    stream(7, "key").random(100)
    assert np.array_equal(np.random.random(3), expected)  # noqa: NPY002


def array(n):
    return xr.DataArray(
        np.arange(n, dtype=float), dims="draw", coords={"draw": np.arange(n)}, attrs={"units": "pupils"}
    )


@given(st.integers(1, 200), st.integers(1, 500), st.integers(0, 1_000))
def test_resampling_weighs_draws_alike(have, wanted, seed):
    found = resample(array(have), wanted, seed=seed, key="k")
    assert found.sizes == {"draw": wanted}
    assert found["draw"].to_numpy().tolist() == list(range(wanted))
    used, times = np.unique(found.to_numpy(), return_counts=True)
    assert set(used) <= set(range(have))
    assert len(used) == min(have, wanted)
    assert times.max() - times.min() <= 1
    assert found.attrs == {"units": "pupils"}


def test_resampling_is_the_same_for_the_same_seed_and_key_only():
    one, again = (resample(array(100), 50, seed=1, key="k") for _ in range(2))
    assert one.identical(again)
    assert not one.equals(resample(array(100), 50, seed=2, key="k"))
    assert not one.equals(resample(array(100), 50, seed=1, key="other"))


def test_resampling_keeps_what_belongs_to_a_draw_together():
    joint = xr.DataArray(np.arange(20.0).reshape(10, 2), dims=("draw", "period"), coords={"draw": range(10)})
    found = resample(joint, 25, seed=3, key="k").to_numpy()
    assert np.array_equal(found[:, 1] - found[:, 0], np.ones(25))


def test_thinning_does_not_follow_the_order_of_draws():
    # chains are stored one after the other: the first half of the draws must not be the first chains
    found = resample(array(4_000), 2_000, seed=1, key="k")
    assert float(found.mean()) == pytest.approx(1_999.5, abs=5 * 4_000 / np.sqrt(12 * 2_000))
