"""What the three synthetic methods share, from a design to an Effect."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from averting.design import Design
from averting.effects import Effect, Verdict, estimate
from averting.errors import EstimationError

Counts = Callable[..., np.ndarray]
DesignOf = Callable[..., Design]
METHODS = ("synthetic_control", "synthetic_did", "augmented_synthetic_control")
every_method = pytest.mark.parametrize("method", METHODS)


def fit(design: Design, method: str, **options: object) -> Effect:
    return estimate(design, "events", method=method, draws=200, **options)  # type: ignore[arg-type]


def refusal(design: Design, method: str, **options: object) -> str:
    with pytest.raises(EstimationError) as caught:
        fit(design, method, **options)
    return str(caught.value)


def checks(effect: Effect) -> dict[str, str]:
    return {check.key.partition("/")[2]: check.status for check in effect.checks}


@every_method
def test_effect_holds_together(counts: Counts, design_of: DesignOf, method: str) -> None:
    design = design_of(counts(1, schools=12))
    effect, again = fit(design, method), fit(design, method)
    assert effect.estimand.scale == "difference"
    assert effect.draw_kind == "confidence"
    assert effect.p_value is not None
    assert effect.interval[0] < effect.estimate < effect.interval[1]
    assert (effect.interval[0] <= 0 <= effect.interval[1]) == (effect.p_value > 0.05)
    assert (effect.p_value, effect.interval) == (again.p_value, again.interval)
    np.testing.assert_array_equal(effect.draws, again.draws)
    # 9 choose 3 comparison schools in the pilots' place, and the pilots
    assert len(effect.tables["placebo"]) == 85
    assert effect.tables["weights"]["weight"].sum() == pytest.approx(1.0, abs=1e-5)
    path = effect.tables["path"]
    assert path["gap"][path["after"]].mean() == pytest.approx(effect.estimate)
    # events per 100 pupils: three pilots of 900 pupils over three periods
    np.testing.assert_allclose(effect.change.sum(("school", "period")), effect.draws * 9 * 9)


@every_method
def test_pilots_that_are_a_mixture_give_back_the_effect(design_of: DesignOf, method: str) -> None:
    # every pilot copies a comparison school until 900 pupils have 18 events more: 2 in 100
    rng = np.random.default_rng(2)
    events = rng.integers(20, 60, (14, 9)).astype(float)
    events[:2] = events[2:4]
    events[:2, 7:] += 18
    effect = fit(design_of(events, pilots=2, start=7), method)
    # synthetic DiD prefers even weights to a perfect match, by design
    assert effect.estimate == pytest.approx(2.0, abs=0.8 if method == "synthetic_did" else 0.01)


@every_method
def test_order_of_comparison_schools_does_not_matter(counts: Counts, design_of: DesignOf, method: str) -> None:
    events = counts(3, schools=10)
    one, other = fit(design_of(events), method), fit(design_of(events, order=list(range(9, 2, -1))), method)
    assert other.p_value == one.p_value
    assert other.estimate == pytest.approx(one.estimate, abs=1e-5)
    assert other.interval == pytest.approx(one.interval, abs=1e-4, nan_ok=True)


@every_method
def test_suppressed_cells_widen_the_interval(counts: Counts, design_of: DesignOf, method: str) -> None:
    events = counts(4, schools=9, mean=4.0)
    hidden = (events == 1) | (events == 2)
    assert hidden.any()
    effect = fit(design_of(events, hidden=hidden), method)
    ends = [
        fit(design_of(np.where(hidden, np.where(raises, low, high), events)), method)
        for low, high in ((1, 2), (2, 1))
        for raises in [(np.arange(9) < 3)[:, None] == (np.arange(6) >= 3)]
    ]
    assert effect.interval[0] <= min(end.interval[0] for end in ends) + 1e-9
    assert effect.interval[1] >= max(end.interval[1] for end in ends) - 1e-9
    assert effect.p_value is not None
    assert effect.p_value >= max(end.p_value or 0.0 for end in ends)
    assert checks(effect)["suppression"] == "warn"


@every_method
def test_a_design_in_which_nothing_could_be_significant_is_not_estimable(
    counts: Counts, design_of: DesignOf, method: str
) -> None:
    effect = fit(design_of(counts(5, schools=12), pilots=1), method)  # 11 placebos: p is at least 1 / 12
    assert effect.verdict == Verdict.NOT_ESTIMABLE
    assert checks(effect)["permutations"] == "fail"
    assert effect.interval == (-np.inf, np.inf)


def test_pilots_beyond_all_others_are_told_from_pilots_among_them(design_of: DesignOf) -> None:
    rng = np.random.default_rng(6)
    events = rng.integers(15, 25, (30, 6)).astype(float)
    near = fit(design_of(events), "synthetic_control")
    events[:3] += 60
    far = fit(design_of(events), "synthetic_control")
    found = {name: checks(effect) for name, effect in (("near", near), ("far", far))}
    assert (found["near"]["pre_fit"], found["near"]["levels"]) == ("pass", "pass")
    assert (found["far"]["pre_fit"], found["far"]["levels"]) == ("warn", "fail")
    assert "outside the range of those they are compared with in 3 of 3 periods" in str(far.checks)


def test_refusals_name_what_is_wrong_and_what_to_do(counts: Counts, design_of: DesignOf) -> None:
    events = counts(7, schools=10)
    method = "synthetic_did"
    assert "one period before" in refusal(design_of(events, start=1), method)
    assert "there are 4 comparison schools for 3 pilot(s); placebos need at least 5" in refusal(
        design_of(events[:7]), method
    )
    assert "cannot use covariates" in refusal(design_of(events), method, covariates=["deprivation"])
    assert "cannot use pilots that start in different periods" in refusal(
        design_of(events, starts=[2, 3, 3]), method
    )
    holes = events.copy()
    holes[[4, 6], [1, 5]] = np.nan
    words = refusal(design_of(holes), method)
    assert "not known in every period used for s004, s006." in words
    assert "leave these out" in words
    none = events.copy()
    none[:3, :3] = 0
    assert "the pilots have no events before" in refusal(design_of(none), method)


@every_method
def test_no_event_after_the_start_is_an_answer(counts: Counts, design_of: DesignOf, method: str) -> None:
    events = counts(8, schools=10)
    events[:3, 3:] = 0
    effect = fit(design_of(events), method)
    assert effect.estimate < 0
    assert np.isfinite(effect.interval).all()
