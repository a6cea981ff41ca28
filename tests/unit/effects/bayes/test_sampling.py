"""Samplers that are not installed are refused by name."""

from __future__ import annotations

import pytest

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
