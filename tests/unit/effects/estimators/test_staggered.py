"""What all estimators for staggered starts promise."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest

from averting.data import Panel
from averting.design import Design
from averting.effects import Verdict, estimate
from averting.effects.group_time import group_time_effect
from averting.effects.triple import triple_difference
from averting.errors import EstimationError

LINEAR = ("callaway_santanna", "imputation", "etwfe", "stacked")
EVERY = (*LINEAR, "etwfe_poisson")
STARTS = [3, 3, 4, 4, 5, 5]


def _exact(ratio: float = 1.0, points: float = 0.0, pilots: int = 6) -> np.ndarray:
    """Counts that follow levels and a common path without chance, per 900 pupils, with an effect on pilots."""
    level = np.where(np.arange(20) % 2, 90.0, 180.0)[:, None]
    events = np.tile(level, (1, 8))
    treated = np.arange(8) >= np.array([STARTS[i] if i < pilots else 99 for i in range(20)])[:, None]
    return events * np.where(treated, ratio, 1.0) + 9 * points * treated


@pytest.mark.parametrize("method", LINEAR)
def test_an_effect_without_chance_is_found(design_of: Callable[..., Design], method: str) -> None:
    events = _exact(points=-2.0) + 9 * np.array([0, 1, 0, 2, 1, 3, 2, 4])
    events[6:] += np.random.default_rng(1).integers(-1, 2, (14, 8))
    effect = estimate(design_of(events, pilots=6, starts=STARTS), "events", method=method, draws=200)
    # comparison schools' events move by up to one, a ninth of a point a school and period
    assert effect.estimate == pytest.approx(-2.0, abs=0.1)
    assert effect.estimand.scale == "difference"
    assert effect.verdict is Verdict.REDUCTION
    assert effect.interval[0] < -2.0 < effect.interval[1]
    assert "permutation" in effect.inference
    cells = 5 + 5 + 4 + 4 + 3 + 3 if method != "stacked" else 18
    assert float(effect.averted().total().mean()) == pytest.approx(cells * 18, rel=0.06)
    study = effect.tables["event_study"]
    assert (study["band_lower"] <= study["estimate"]).all()
    np.testing.assert_allclose(study.loc[study["event_time"] >= 0, "estimate"], -2.0, atol=0.2)


def test_a_ratio_without_chance_is_found(design_of: Callable[..., Design]) -> None:
    effect = estimate(
        design_of(_exact(ratio=0.5), pilots=6, starts=STARTS), "events", method="etwfe_poisson", draws=200
    )
    assert effect.estimate == pytest.approx(0.5)
    assert effect.verdict is Verdict.NOT_ESTIMABLE  # six pilots cannot carry its standard error
    assert float(effect.averted().total().mean()) == pytest.approx(24 * 67.5, rel=1e-6)


@pytest.mark.parametrize("method", EVERY)
def test_fills_of_suppressed_cells_lie_within_the_extremes(
    design_of: Callable[..., Design], counts: Callable[..., np.ndarray], method: str
) -> None:
    events = counts(3, schools=16, years=8, mean=5.0) + 1
    hidden = events <= 3
    design = design_of(events, pilots=6, starts=STARTS, hidden=hidden, bounds=(1, 3))
    covered = estimate(design, "events", method=method, inference="analytic", draws=100).interval
    rng = np.random.default_rng(1)
    for _ in range(4):
        filled = np.where(hidden, rng.integers(1, 4, events.shape), events)
        one = estimate(
            design_of(filled, pilots=6, starts=STARTS), "events", method=method, inference="analytic", draws=100
        )
        assert covered[0] < one.estimate < covered[1]


def _with_covariates(events: np.ndarray, starts: list[int], **covariates: np.ndarray) -> Design:
    schools, years = events.shape
    names = [f"s{i:03d}" for i in range(schools)]
    labels = [f"{2006 + year}/{(7 + year) % 100:02d}" for year in range(years)]
    frame = pd.DataFrame({"school": np.repeat(names, years), "period": np.tile(labels, schools), "pupils": 900})
    frame["events"] = events.astype(int).ravel()
    frame["others"] = np.roll(events, 1, axis=1).astype(int).ravel()
    for name, values in covariates.items():
        frame[name] = np.broadcast_to(values, events.shape).ravel()
    panel = Panel.from_frame(
        frame,
        school="school",
        period="period",
        counts=["events", "others"],
        exposure="pupils",
        covariates=list(covariates),
    )
    chosen = {names[i]: labels[first] for i, first in enumerate(starts)}
    return Design(panel, chosen, comparison=names[len(starts) :], exclude_periods=())


@pytest.mark.parametrize("method", ["callaway_santanna", "etwfe", "etwfe_poisson"])
def test_a_covariate_that_makes_the_path_is_adjusted_for(method: str) -> None:
    rng = np.random.default_rng(4)
    share = rng.uniform(0, 1, (40, 1))
    share[:12] += 0.5
    events = np.round(100 * np.exp(share * np.arange(8) / 10))
    design = _with_covariates(events, [4] * 12, share=share)
    crude = estimate(design, "events", method=method, inference="analytic", draws=100)
    fair = estimate(design, "events", method=method, inference="analytic", covariates=["share"], draws=100)
    none = crude.estimand.no_effect
    assert abs(fair.estimate - none) < 0.2 * abs(crude.estimate - none)


def test_weights_and_covariates_are_permuted_by_working_anew() -> None:
    rng = np.random.default_rng(2)
    design = _with_covariates(rng.poisson(20, (14, 6)).astype(float), [2, 3], share=rng.uniform(size=(14, 1)))
    effect = estimate(design, "events", method="callaway_santanna", covariates=["share"], draws=100)
    check = {check.key: check for check in effect.checks}
    # 14 x 13 ways is fewer than would be drawn
    assert "all 182 ways" in check["callaway_santanna/permutations"].message
    assert "too few pilots to model" in check["callaway_santanna/covariates"].message


def test_few_pilots_or_one_alone_fail_the_analytic_standard_error(
    design_of: Callable[..., Design], counts: Callable[..., np.ndarray]
) -> None:
    design = design_of(counts(1), starts=[2, 3, 3])
    effect = estimate(design, "events", method="callaway_santanna", inference="analytic", draws=100)
    failed = {check.key for check in effect.checks if check.status == "fail"}
    assert failed == {"callaway_santanna/pilots", "callaway_santanna/single_school_cohorts"}
    assert effect.verdict is Verdict.NOT_ESTIMABLE


@pytest.mark.parametrize("method", EVERY)
def test_pilots_without_any_event_are_refused(design_of: Callable[..., Design], method: str) -> None:
    events = _exact()
    events[:6] = 0
    with pytest.raises(EstimationError, match="they have no events in any period"):
        estimate(design_of(events, pilots=6, starts=STARTS), "events", method=method)


def test_poisson_needs_events_before_and_after(design_of: Callable[..., Design]) -> None:
    before, after = _exact(), _exact(ratio=0.0)
    before[:2, :3] = 0
    for events, words in [(before, "no events before it"), (after, "the ratio is 0")]:
        with pytest.raises(EstimationError, match=words):
            estimate(design_of(events, pilots=6, starts=STARTS), "events", method="etwfe_poisson")


def test_collinear_and_fixed_covariates_are_refused_by_name() -> None:
    rng = np.random.default_rng(2)
    share = rng.uniform(size=(14, 1))
    design = _with_covariates(rng.poisson(20, (14, 6)).astype(float), [2, 3], share=share, twice=2 * share + 1)
    with pytest.raises(EstimationError, match=r"covariate twice: .* follows from the covariates before it"):
        estimate(design, "events", method="etwfe", covariates=["share", "twice"])
    with pytest.raises(EstimationError, match="covariate share does not change over time"):
        estimate(design, "events", method="imputation", covariates=["share"])


@pytest.mark.parametrize("method", ["etwfe", "stacked", "etwfe_poisson"])
def test_gaps_are_refused_where_they_cannot_be_used(design_of: Callable[..., Design], method: str) -> None:
    events = _exact()
    events[8, 2] = np.nan
    design = design_of(events, pilots=6, starts=STARTS)
    with pytest.raises(EstimationError, match="1 have gaps: s008"):
        estimate(design, "events", method=method)


def test_triple_difference_takes_off_what_strikes_both() -> None:
    events = np.full((30, 6), 90.0) + np.random.default_rng(3).integers(-2, 3, (30, 6))
    shock = np.zeros((30, 6))
    shock[:12, 3:] = 27
    design = _with_covariates(events + shock, [3] * 12)
    moved = design.panel.data.copy(deep=True)
    assert "others" in moved["indicator"]
    same = triple_difference(design, "events", unaffected="others", inference="analytic", draws=100)
    single = estimate(design, "events", method="callaway_santanna", inference="analytic", draws=100)
    # others is events one year late, so the shock is missing from its first treated year alone
    assert single.estimate == pytest.approx(3.0, abs=0.2)
    assert same.estimate == pytest.approx(1.0, abs=0.3)
    with pytest.raises(EstimationError, match="cannot be compared with itself"):
        triple_difference(design, "events", unaffected="events")


@pytest.mark.filterwarnings("ignore")  # of the peer's own making
@pytest.mark.parametrize("control", ["never", "not_yet"])
# doubly robust is not compared: they trim propensities
@pytest.mark.parametrize(("adjustment", "theirs"), [("regression", "reg"), ("weighting", "ipw")])
def test_group_time_choices_are_those_of_diff_diff(
    peer, design_of: Callable[..., Design], control: str, adjustment: str, theirs: str
) -> None:
    rng = np.random.default_rng(5)
    need = rng.normal(size=(60, 1))
    events = rng.poisson(20 + 3 * (need > 0), (60, 6)).astype(float)
    starts = [2] * 8 + [3] * 8 + [4] * 8
    design = design_of(events, starts=starts, pilots=24, covariates={"need": need})
    ours = group_time_effect(
        design,
        "events",
        control=control,
        adjustment=adjustment,
        covariates=["need"],
        inference="analytic",
        draws=100,
    )
    frame = pd.DataFrame(
        {"id": np.repeat(np.arange(60), 6), "t": np.tile(np.arange(6), 60), "y": events.ravel() / 9}
    ).assign(g=np.repeat(starts + [0] * 36, 6), need=np.repeat(need.ravel(), 6))
    model = peer("diff_diff").CallawaySantAnna(
        control_group={"never": "never_treated", "not_yet": "not_yet_treated"}[control], estimation_method=theirs
    )
    found = model.fit(frame, "y", "id", "t", "g", covariates=["need"])
    assert ours.estimate == pytest.approx(found.overall_att, rel=1e-6)


def test_group_time_choices_are_checked(design_of: Callable[..., Design]) -> None:
    design = design_of(np.random.default_rng(6).poisson(9, (20, 6)).astype(float))
    plain = estimate(design, "events", method="callaway_santanna", draws=100)
    assert group_time_effect(design, "events", draws=100).interval == plain.interval
    for options, words in (
        ({"control": "later"}, "control 'later' is not known"),
        ({"adjustment": "magic"}, "adjustment 'magic' is not known"),
        ({"adjustment": "weighting"}, "none is named"),
        ({"inference": "cr3"}, "has no inference 'cr3'"),
    ):
        with pytest.raises(EstimationError, match=words):
            group_time_effect(design, "events", **options)
