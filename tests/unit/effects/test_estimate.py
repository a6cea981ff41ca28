from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from averting.design import Design
from averting.effects import Estimator, estimate, known_estimators
from averting.errors import DesignError, EstimationError


@pytest.fixture
def design(counts: Callable[..., np.ndarray], design_of: Callable[..., Design]) -> Design:
    return design_of(counts(1, schools=12))


def test_every_estimator_declares_itself() -> None:
    known = known_estimators()
    assert {"ratio_did", "bayes_count"} <= set(known)
    for estimator in known.values():
        assert isinstance(estimator, Estimator)
        assert all((estimator.label, estimator.assumption, estimator.inferences, estimator.reference))


def test_auto_is_the_permuted_ratio(design: Design) -> None:
    auto = estimate(design, "events", draws=100)
    named = estimate(design, "events", method="ratio_did", inference="permutation", draws=100)
    assert auto.method == "ratio_did"
    assert auto.interval == named.interval
    np.testing.assert_array_equal(auto.draws, named.draws)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"method": "stars"}, "method 'stars' is not known. Use 'auto' or one of: "),
        (
            {"inference": "cr3"},
            "ratio_did has no inference 'cr3'. It offers 'auto' and 'permutation', 'bootstrap'.",
        ),
        ({"method": "bayes_count", "inference": "permutation"}, "bayes_count has no inference 'permutation'."),
        ({"level": 0.4}, "level is 0.4; it must be between 0.5 and 0.999"),
        ({"level": 95}, "level is 95"),
        ({"draws": 99}, "draws is 99; at least 100"),
    ],
)
def test_options_that_are_refused(design: Design, options: dict[str, Any], words: str) -> None:
    with pytest.raises(EstimationError) as caught:
        estimate(design, "events", **options)
    assert words in str(caught.value)


def test_unknown_indicator(design: Design) -> None:
    with pytest.raises(DesignError, match="'absences' is not in the data"):
        estimate(design, "absences")


def test_progress_is_told_in_words(design: Design) -> None:
    heard: list[str] = []
    estimate(design, "events", draws=100, progress=heard.append)
    assert heard[0] == "permuting which schools are pilots: 220 sets"
    assert len(heard) == 2


def test_an_indicator_that_is_no_count_is_refused_by_name(
    counts: Callable[..., np.ndarray], design_of: Callable[..., Design]
) -> None:
    design = design_of(counts(1, schools=12))
    for key, kind in [("english_and_maths", "share"), ("attainment_8", "mean")]:
        with pytest.raises(
            EstimationError, match=rf"'{key}' .* is declared as a {kind}, and estimators take counts"
        ):
            estimate(design, key)
