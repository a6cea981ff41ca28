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


@pytest.mark.parametrize(("pace", "walks"), [(sampling.USUAL, 2), (sampling.CAREFUL, 1)])
def test_where_transitions_diverge_all_is_drawn_once_more_in_shorter_steps(
    monkeypatch: pytest.MonkeyPatch, pace: sampling.Pace, walks: int
) -> None:
    tried: list[float] = []

    def walk(_model: object, steps: int, seed: int, _sampler: str, pace: sampling.Pace) -> xr.DataTree:
        tried.append(pace.accept)
        diverging = np.zeros((2, 5), dtype=bool)
        diverging[0, :3] = len(tried) == 1
        stats = xr.Dataset({"diverging": (("chain", "draw"), diverging)})
        return xr.DataTree.from_dict({"posterior": xr.Dataset(), "sample_stats": stats})

    said: list[str] = []
    monkeypatch.setattr(sampling, "_walk", walk)
    monkeypatch.setattr(sampling, "require_sampler", lambda _name: None)
    found = sampling.sample(None, draws=10, seed=1, progress=said.append, pace=pace)
    assert tried == [pace.accept, 0.97][:walks]
    assert sampling.divergences(found) == (0 if walks == 2 else 3)
    assert found["sample_stats"].attrs.get(sampling.FIRST_ATTEMPT, 0) == (3 if walks == 2 else 0)
    assert any("3 divergent transitions" in words for words in said) == (walks == 2)
