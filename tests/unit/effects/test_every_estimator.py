"""What holds for every estimator: bad input is refused or answered rightly, and ``auto`` can be relied on."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from averting.design import Design
from averting.effects import Effect, Verdict, estimate, known_estimators
from averting.effects.inference.choice import choose_inference
from averting.errors import AvertingError, DataError, DesignError, EstimationError

Counts = Callable[..., np.ndarray]
DesignOf = Callable[..., Design]

SPECS = known_estimators()
EVERY = [key for key in SPECS if SPECS[key].takes == "count"]  # the rest take means and shares
QUICK = [key for key in SPECS if not SPECS[key].priors]  # Bayesian ones have tests of their own: they sample
ADJUSTED = [key for key in QUICK if "covariates" in SPECS[key].supports]
FROM_BEFORE = ("callaway_santanna", "etwfe", "etwfe_poisson")  # take covariates from before the start
BEFORE, AFTER = slice(0, 3), slice(3, 6)


def answer(design: Design, method: str, **options: Any) -> Effect | str:
    """The Effect, or what the refusal says."""
    try:
        return estimate(design, "events", method=method, draws=100, **options)
    except EstimationError as error:
        return str(error)


# --- data that cannot carry an answer ----------------------------------------------------------------------


@pytest.mark.parametrize("schools", [slice(3, None), slice(None)], ids=["comparison", "everybody"])
@pytest.mark.parametrize("years", [BEFORE, AFTER], ids=["before", "after"])
@pytest.mark.parametrize("method", EVERY)
def test_a_comparison_without_events_on_a_side_is_refused(
    counts: Counts, design_of: DesignOf, method: str, years: slice, schools: slice
) -> None:
    # placebos of noughts do not vary, so that any effect would look certain
    events = counts(1)
    events[schools, years] = 0
    said = answer(design_of(events), method)
    assert isinstance(said, str)
    assert said.startswith(f"{method}: the comparison schools have no events")
    assert ("before 2009/10" if years == BEFORE else "from 2009/10 on") in said


@pytest.mark.parametrize("method", QUICK)
def test_pilots_without_any_event_give_no_verdict(counts: Counts, design_of: DesignOf, method: str) -> None:
    events = counts(2)
    events[:3] = 0
    said = answer(design_of(events), method)
    if isinstance(said, str):
        assert "have no events" in said
    else:
        assert said.verdict is Verdict.NOT_ESTIMABLE


@pytest.mark.parametrize("method", QUICK)
def test_pilots_without_events_after_are_a_fall_or_refused(
    counts: Counts, design_of: DesignOf, method: str
) -> None:
    events = counts(3)
    events[:3, AFTER] = 0
    said = answer(design_of(events), method)
    if isinstance(said, str):
        assert "no events from" in said
        assert "ratio_did" in said
    else:
        assert said.estimate < said.estimand.no_effect
        assert said.verdict is not Verdict.INCREASE


@pytest.mark.parametrize("method", QUICK)
def test_pilots_without_events_before_are_never_a_fall(counts: Counts, design_of: DesignOf, method: str) -> None:
    events = counts(4)
    events[:3, BEFORE] = 0
    said = answer(design_of(events), method)
    if isinstance(said, str):
        assert "have no events before" in said
    else:
        assert said.estimate > said.estimand.no_effect
        assert said.verdict is not Verdict.REDUCTION


@pytest.mark.parametrize("school", [0, 7], ids=["a pilot", "a comparison school"])
@pytest.mark.parametrize("method", QUICK)
def test_a_school_never_observed_is_named(counts: Counts, design_of: DesignOf, method: str, school: int) -> None:
    events = counts(5)
    events[school] = np.nan
    said = answer(design_of(events), method)
    assert isinstance(said, str)
    assert f"s00{school}" in said


@pytest.mark.parametrize("method", QUICK)
def test_one_period_before_is_enough_or_refused(counts: Counts, design_of: DesignOf, method: str) -> None:
    said = answer(design_of(counts(6), start=1), method)
    assert "one period before" in said if isinstance(said, str) else np.isfinite(said.estimate)


def test_designs_without_a_past_or_a_comparison_do_not_exist(counts: Counts, design_of: DesignOf) -> None:
    with pytest.raises(DesignError, match="no period before 2006/07 is used"):
        design_of(counts(7), start=0)
    with pytest.raises(DesignError, match="keeps 1 school"):
        design_of(counts(7)[:4])


@pytest.mark.parametrize("value", [np.nan, 0.0])
def test_counts_over_pupils_never_observed_do_not_make_a_panel(
    counts: Counts, design_of: DesignOf, value: float
) -> None:
    pupils = np.full((15, 6), 900.0)
    pupils[4] = value
    with pytest.raises(DataError, match="exposure"):
        design_of(counts(8) + 1, pupils=pupils)


# --- covariates --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["twice", "same for all", "constant"])
@pytest.mark.parametrize("method", QUICK)
def test_collinear_covariates_are_named(counts: Counts, design_of: DesignOf, method: str, kind: str) -> None:
    events, rng = counts(9), np.random.default_rng(9)
    good = rng.normal(size=events.shape)
    bad = {"twice": 2 * good + 1, "same for all": rng.normal(size=6), "constant": rng.normal(size=(15, 1))}[kind]
    design = design_of(events, covariates={"good": good, "bad": bad})
    inference = "analytic" if method in FROM_BEFORE else "auto"
    said = answer(design, method, covariates=["good", "bad"], inference=inference)
    if kind == "constant" and method in FROM_BEFORE:
        assert isinstance(said, Effect)  # what these take: it differs between schools
        return
    assert isinstance(said, str)
    assert "cannot use covariates" in said if method not in ADJUSTED else "bad" in said


@pytest.mark.parametrize("pilots", [3, 7])
@pytest.mark.parametrize("method", ADJUSTED)
def test_a_covariate_that_tells_the_pilots_is_refused(
    counts: Counts, design_of: DesignOf, method: str, pilots: int
) -> None:
    flag = (np.arange(15) < pilots)[:, None].astype(float)
    said = answer(design_of(counts(10), pilots=pilots, covariates={"flag": flag}), method, covariates=["flag"])
    assert isinstance(said, str)
    assert "covariate" in said


@pytest.mark.parametrize("method", FROM_BEFORE)
def test_pilots_beyond_the_comparisons_covariates_give_no_verdict(
    counts: Counts, design_of: DesignOf, method: str
) -> None:
    events = counts(11, schools=40)
    value = np.random.default_rng(11).normal(size=(40, 1))
    for shift, fails in ((0.0, False), (20.0, True)):
        value[:12] += shift
        said = answer(design_of(events, pilots=12, covariates={"size": value}), method, covariates=["size"])
        if isinstance(said, str):
            assert fails
            assert "separate pilots from them" in said
        else:
            status = {check.key: check.status for check in said.checks}[f"{method}/overlap"]
            assert (status == "fail") == fails
            assert not fails or said.verdict is Verdict.NOT_ESTIMABLE


# --- what everybody gets who asks for nothing ----------------------------------------------------------------


@pytest.mark.parametrize("method", QUICK)
def test_auto_permutes_few_pilots_or_gives_no_verdict(counts: Counts, design_of: DesignOf, method: str) -> None:
    design = design_of(counts(12))
    chosen, reason = choose_inference(SPECS[method].inferences, design)
    assert reason
    effect = estimate(design, "events", method=method, draws=100)
    assert chosen == "permutation" or effect.verdict is Verdict.NOT_ESTIMABLE


@pytest.mark.parametrize("method", QUICK)
def test_numbers_are_plain(counts: Counts, design_of: DesignOf, method: str) -> None:
    # NumPy scalars print as np.float64(…) and are no JSON
    found = answer(design_of(counts(5)), method)
    assert isinstance(found, Effect)
    numbers = (found.estimate, *found.interval, found.level, found.p_value)
    assert {type(number) for number in numbers if number is not None} == {float}


@pytest.mark.parametrize("method", QUICK)
def test_units_are_called_what_they_are(counts: Counts, design_of: DesignOf, method: str) -> None:
    effect = estimate(design_of(counts(13), level="local authority"), "events", method=method, draws=100)
    said = " ".join(
        [effect.estimand.population, effect.inference, *(str(check.message) for check in effect.checks)]
    )
    assert "3 pilot local authorities" in effect.estimand.population
    # what was measured on simulated schools says so
    assert not re.search(r"(pilot|comparison|by|every|of which|single) schools?", said)


def test_an_unknown_indicator_is_refused_by_all(counts: Counts, design_of: DesignOf) -> None:
    for method in EVERY:
        with pytest.raises(AvertingError, match="nothing_counted"):
            estimate(design_of(counts(14)), "nothing_counted", method=method)
