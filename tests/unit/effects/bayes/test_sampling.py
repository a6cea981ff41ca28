"""Samplers that are not installed are refused by name; draws are thinned, divergences are not."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr

from averting.effects.bayes import sampling
from averting.errors import EstimationError


def test_a_sampler_that_is_not_installed_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    sampler = "numpyro"
    monkeypatch.setattr(sampling, "find_spec", lambda _name: None)
    with pytest.raises(EstimationError, match=rf"inference '{sampler}' needs the package {sampler}.*pip install"):
        sampling.require_sampler(sampler)
    for always in ("posterior", "pymc", "advi"):
        sampling.require_sampler(always)
    monkeypatch.setattr(sampling, "find_spec", lambda _name: object())
    sampling.require_sampler(sampler)


def test_thinning_keeps_every_divergence() -> None:
    values = np.arange(24.0).reshape(2, 12)
    posterior = xr.Dataset({"x": (("chain", "draw"), values)})
    stats = xr.Dataset({"diverging": (("chain", "draw"), values == 1)})
    trace = xr.DataTree.from_dict({"posterior": posterior, "sample_stats": stats})
    found = sampling.thinned(trace, 4)
    assert found["posterior"]["x"].to_numpy().tolist() == [[3, 7, 11], [15, 19, 23]]
    assert int(found["sample_stats"]["diverging"].sum()) == 1
    assert sampling.thinned(trace, 1) is trace
