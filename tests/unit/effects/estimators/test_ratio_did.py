from __future__ import annotations

import re
from collections.abc import Callable

import numpy as np
import pytest

from averting.design import Design
from averting.effects import Effect, Verdict, estimate
from averting.effects.kernels.permutation import two_sided_p
from averting.errors import EstimationError

Counts = Callable[..., np.ndarray]
DesignOf = Callable[..., Design]


def fit(design: Design, *, draws: int = 200, **options: object) -> Effect:
    return estimate(design, "events", method="ratio_did", draws=draws, **options)  # type: ignore[arg-type]


def refusal(design: Design) -> str:
    with pytest.raises(EstimationError) as caught:
        fit(design)
    return str(caught.value)


# --- the estimate -------------------------------------------------------------------------------------


def test_estimate_is_the_ratio_of_ratios_of_sums_where_exposure_does_not_change(
    counts: Counts, design_of: DesignOf
) -> None:
    events = counts(1)
    before, after = events[:, :3].sum(1), events[:, 3:].sum(1)
    expected = (after[:3].sum() / before[:3].sum()) / (after[3:].sum() / before[3:].sum())
    assert fit(design_of(events)).estimate == pytest.approx(expected, rel=1e-12)


def test_estimate_allows_for_exposure_that_changes(counts: Counts, design_of: DesignOf) -> None:
    events = counts(2)
    rng = np.random.default_rng(2)
    pupils = rng.integers(500, 1_500, events.shape).astype(float)
    before, after = events[:, :3].sum(1), events[:, 3:].sum(1)
    # what each school would have had after at its own rate before, then the comparison schools' common trend
    steady = before * pupils[:, 3:].sum(1) / pupils[:, :3].sum(1)
    expected = (after[:3].sum() / steady[:3].sum()) / (after[3:].sum() / steady[3:].sum())
    assert fit(design_of(events, pupils=pupils)).estimate == pytest.approx(expected, rel=1e-12)


def test_a_missing_cell_leaves_neither_events_nor_exposure(counts: Counts, design_of: DesignOf) -> None:
    events = counts(3)
    events[4, 1] = np.nan
    events[0, 5] = np.nan
    pupils = np.where(np.isnan(events), 0.0, 900.0)
    before, after = np.nansum(events[:, :3], 1), np.nansum(events[:, 3:], 1)
    steady = before * pupils[:, 3:].sum(1) / pupils[:, :3].sum(1)
    expected = (after[:3].sum() / steady[:3].sum()) / (after[3:].sum() / steady[3:].sum())
    effect = fit(design_of(events))
    assert effect.estimate == pytest.approx(expected, rel=1e-12)
    # what nobody counted was not averted
    assert (effect.change.isel(school=0, period=2) == 0).all()


def test_a_year_without_comparison_schools_takes_their_common_level(counts: Counts, design_of: DesignOf) -> None:
    events = counts(4)
    events[3:, 4] = np.nan
    effect = fit(design_of(events))
    assert np.isfinite(effect.change).all()
    assert (effect.change.isel(period=1).std("draw") > 0).all()


# --- what must not matter -----------------------------------------------------------------------------


def test_order_of_schools_does_not_matter(counts: Counts, design_of: DesignOf) -> None:
    events = counts(5, schools=12)
    first = fit(design_of(events))
    comparison_turned = fit(design_of(events, order=list(range(11, 2, -1))))
    pilots_turned = fit(design_of(np.concatenate([events[[2, 0, 1]], events[3:]])))
    for other in (comparison_turned, pilots_turned):
        assert other.p_value == first.p_value
        assert other.estimate == pytest.approx(first.estimate, rel=1e-12)
        assert other.interval == pytest.approx(first.interval, rel=1e-6)


def test_units_of_exposure_do_not_matter(counts: Counts, design_of: DesignOf) -> None:
    events = counts(6, schools=12)
    pupils = np.random.default_rng(6).integers(400, 1_600, events.shape).astype(float)
    one, hundred = fit(design_of(events, pupils=pupils)), fit(design_of(events, pupils=pupils * 100))
    assert hundred.p_value == one.p_value
    assert hundred.estimate == pytest.approx(one.estimate, rel=1e-12)
    assert hundred.interval == pytest.approx(one.interval, rel=1e-6)
    np.testing.assert_allclose(hundred.change, one.change, rtol=1e-6, atol=1e-6)


def test_same_seed_same_effect_and_other_seed_other_draws(counts: Counts, design_of: DesignOf) -> None:
    design = design_of(counts(7, schools=60))  # more sets than are listed: they are drawn
    first, again, other = fit(design, seed=3), fit(design, seed=3), fit(design, seed=4)
    assert "drawn at random" in first.inference
    assert (first.p_value, first.interval) == (again.p_value, again.interval)
    np.testing.assert_array_equal(first.draws, again.draws)
    np.testing.assert_array_equal(first.change, again.change)
    assert not np.array_equal(first.draws, other.draws)
    # 20,000 sets drawn anew move a p-value by no more than a few thousandths
    assert other.p_value == pytest.approx(first.p_value, abs=0.015)


def test_design_is_not_changed(counts: Counts, design_of: DesignOf) -> None:
    design = design_of(counts(8))
    before = design.panel.to_frame()
    fit(design)
    assert design.panel.to_frame().equals(before)


# --- test and interval agree --------------------------------------------------------------------------


@pytest.mark.parametrize("ratio", [1.0, 0.4, 0.15, 3.0])
@pytest.mark.parametrize("seed", range(5))
def test_interval_holds_one_exactly_when_the_test_does_not_reject(
    counts: Counts, design_of: DesignOf, seed: int, ratio: float
) -> None:
    effect = fit(design_of(counts(seed, ratio=ratio)))
    lower, upper = effect.interval
    assert effect.p_value is not None
    assert (lower <= 1 <= upper) == (effect.p_value > 0.05)
    assert lower <= effect.estimate <= upper


def test_level_of_the_interval_is_the_level_asked_for(counts: Counts, design_of: DesignOf) -> None:
    design = design_of(counts(9, schools=20))
    narrow, wide = fit(design, level=0.8), fit(design, level=0.99)
    assert wide.interval[0] < narrow.interval[0] < narrow.interval[1] < wide.interval[1]


def test_a_p_value_equal_to_one_minus_the_level_rejects(design_of: DesignOf) -> None:
    # one pilot of ten, further out than all others: p is exactly 0.1, and 1 - 0.9 is a little less in binary
    events = np.full((10, 6), 20.0)
    events[1:, 3:] += np.arange(-4, 5)[:, None]
    events[0, 3:] = 1.0
    effect = fit(design_of(events, pilots=1), level=0.9)
    assert effect.p_value == pytest.approx(0.1)
    assert effect.interval[1] < 1
    assert effect.verdict is Verdict.REDUCTION


def test_schools_that_all_move_alike_still_give_an_interval(design_of: DesignOf) -> None:
    # ratios that differ by less than a step of the grid of supposed effects
    rng = np.random.default_rng(3)
    events = np.round(20_000 * np.exp(0.001 * rng.normal(size=(15, 6))))
    events[:3, 3:] = np.round(events[:3, 3:] * 0.77)
    effect = fit(design_of(events, pupils=100_000))
    assert effect.interval[0] < effect.estimate < effect.interval[1]
    assert effect.interval == pytest.approx((0.77, 0.77), abs=0.01)


def test_permutation_table_gives_the_p_value(counts: Counts, design_of: DesignOf) -> None:
    effect = fit(design_of(counts(10)))
    table = effect.tables["permutation"]
    assert table["is_pilots"].tolist() == [True] + [False] * (len(table) - 1)
    assert len(table) == 455  # 15 choose 3
    assert float(two_sided_p(table["statistic"].to_numpy())) == effect.p_value


# --- suppression --------------------------------------------------------------------------------------


def suppressed(counts: Counts, seed: int) -> tuple[np.ndarray, np.ndarray]:
    events = counts(seed, schools=12, mean=2.5, ratio=0.6)
    return events, (events == 1) | (events == 2)


@pytest.mark.parametrize("seed", range(4))
def test_suppression_covers_every_fill_tried(counts: Counts, design_of: DesignOf, seed: int) -> None:
    events, hidden = suppressed(counts, seed)
    effect = fit(design_of(events, hidden=hidden))
    lower, upper = effect.interval
    rng = np.random.default_rng(seed)
    fills = [events, *(np.where(hidden, rng.integers(1, 3, events.shape), events) for _ in range(4))]
    fills += [np.where(hidden, value, events) for value in (1.0, 2.0)]
    for filled in fills:
        known = fit(design_of(filled))
        assert lower <= known.interval[0] + 1e-6
        assert upper >= known.interval[1] - 1e-6
        assert known.p_value is not None
        assert effect.p_value is not None
        assert known.p_value <= effect.p_value + 1e-12


def test_suppression_widens_the_interval_and_is_said(counts: Counts, design_of: DesignOf) -> None:
    events, hidden = suppressed(counts, 1)
    known, unknown = fit(design_of(events)), fit(design_of(events, hidden=hidden))
    assert unknown.interval[0] < known.interval[0]
    assert unknown.interval[1] > known.interval[1]
    checks = {check.key: check for check in unknown.checks}
    assert checks["ratio_did/suppression"].status == "warn"
    assert f"{hidden.sum()} of {events.size} cells are suppressed" in checks["ratio_did/suppression"].message
    assert {check.key: check.status for check in known.checks}["ratio_did/suppression"] == "pass"


def test_fills_on_both_sides_of_no_effect_give_a_p_value_of_one(counts: Counts, design_of: DesignOf) -> None:
    events = counts(2, schools=12)
    hidden = np.zeros(events.shape, dtype=bool)
    hidden[:3] = True  # pilots' counts are only known to lie between 0 and 20
    effect = fit(design_of(events, hidden=hidden, bounds=(0, 20)))
    assert effect.p_value == 1.0
    assert effect.interval == (0.0, np.inf)
    assert effect.verdict is Verdict.NOT_ESTIMABLE
    assert np.isfinite(effect.change).all()


def test_draws_of_suppressed_counts_spread_further(counts: Counts, design_of: DesignOf) -> None:
    events, hidden = suppressed(counts, 2)
    known, unknown = (fit(design_of(events, hidden=h), draws=2_000) for h in (None, hidden))
    spread = [np.log(effect.draws).quantile([0.1, 0.9]).diff("quantile").item() for effect in (known, unknown)]
    assert spread[1] > spread[0]


# --- refusals -----------------------------------------------------------------------------------------


def test_each_pilot_is_compared_over_its_own_periods(design_of: DesignOf) -> None:
    # whole numbers, so that the estimate can be worked out: comparison schools double every year
    events = np.tile([1.0, 2.0, 4.0, 8.0, 16.0, 32.0], (20, 1))
    events[0, 2:] = [2.0, 4.0, 8.0, 16.0]  # half of what the others' path gives, from the third year on
    events[1, 4:] = [8.0, 16.0]  # half of it, from the fifth
    staggered = estimate(design_of(events, pilots=2, starts=[2, 4]), "events", draws=100)
    assert staggered.estimate == pytest.approx(0.5)
    assert staggered.change.sel(school="s001").to_numpy()[:, :2].any() == False  # noqa: E712
    together = estimate(design_of(events, pilots=2, start=2), "events", draws=100)
    assert together.estimate == pytest.approx((30 + 4 + 8 + 8 + 16) / 120)


def test_staggered_pilots_without_a_bootstrap_are_told_so(counts: Counts, design_of: DesignOf) -> None:
    with pytest.raises(EstimationError, match=r"needs pilots that start together\. Use inference='permutation'"):
        estimate(design_of(counts(1), starts=[2, 3, 4]), "events", inference="bootstrap")


def test_a_start_shared_by_all_is_one_cohort(counts: Counts, design_of: DesignOf) -> None:
    one = estimate(design_of(counts(4), start=3), "events", draws=100)
    same = estimate(design_of(counts(4), starts=[3, 3, 3]), "events", draws=100)
    assert one.interval == same.interval
    np.testing.assert_array_equal(one.draws, same.draws)


def test_staggered_fills_bound_every_fill(counts: Counts, design_of: DesignOf) -> None:
    rng = np.random.default_rng(3)
    events = np.minimum(counts(5), 9)
    hidden = (events >= 1) & (events <= 2)
    found = estimate(design_of(events, starts=[2, 3, 4], hidden=hidden), "events", draws=100)
    for _ in range(8):
        filled = np.where(hidden, rng.integers(1, 3, events.shape), events)
        one = estimate(design_of(filled, starts=[2, 3, 4]), "events", draws=100)
        assert found.interval[0] - 1e-9 <= one.estimate <= found.interval[1] + 1e-9


def test_pilots_without_events_before_are_refused(counts: Counts, design_of: DesignOf) -> None:
    events = counts(1)
    events[:3, :3] = 0
    assert "the pilots have no events before 2009/10" in refusal(design_of(events))


@pytest.mark.parametrize("years", [slice(None, 3), slice(3, None)], ids=["before", "after"])
def test_comparison_schools_without_events_are_refused(counts: Counts, design_of: DesignOf, years: slice) -> None:
    events = counts(1)
    events[3:, years] = 0
    assert re.search(
        "the comparison schools have no events (before 2009/10|from 2009/10 on)", refusal(design_of(events))
    )


@pytest.mark.parametrize("years", [slice(None, 3), slice(3, None)], ids=["before", "after"])
@pytest.mark.parametrize("schools", [[0], [0, 1, 2], [7]], ids=["one pilot", "all pilots", "a comparison school"])
def test_a_school_not_known_on_one_side_is_refused_by_name(
    counts: Counts, design_of: DesignOf, schools: list[int], years: slice
) -> None:
    events = counts(1)
    events[schools, years] = np.nan
    message = refusal(design_of(events))
    assert (
        "no events is known before, or none after, 2009/10 for "
        + ", ".join(f"s{school:03d}" for school in schools)
        in message
    )


# --- few events ---------------------------------------------------------------------------------------


def test_no_events_after_bound_the_ratio_from_above_only(counts: Counts, design_of: DesignOf) -> None:
    events = counts(11, mean=8.0)
    events[:3, 3:] = 0
    effect = fit(design_of(events))
    assert effect.estimate == 0.0
    assert effect.interval[0] == 0.0
    assert 0 < effect.interval[1] < 1
    assert effect.verdict is Verdict.REDUCTION
    assert np.isfinite(effect.draws).all()
    assert (effect.averted().total() > 0).mean() > 0.95


def test_pilots_of_which_only_one_had_events(counts: Counts, design_of: DesignOf) -> None:
    events = counts(12)
    events[1:3] = 0
    effect = fit(design_of(events))
    assert np.isfinite(effect.change).all()
    # a pilot without any event before may still have had some: it takes a little of the pilots' common rate
    assert (effect.change.sel(school="s001") <= 0).all()


# --- draws, change, averted ---------------------------------------------------------------------------


def test_change_is_labelled_and_finite(counts: Counts, design_of: DesignOf) -> None:
    effect = fit(design_of(counts(13)), draws=150)
    assert effect.change.dims == ("draw", "school", "period")
    assert effect.change["school"].values.tolist() == ["s000", "s001", "s002"]
    assert effect.change["period"].values.tolist() == ["2009/10", "2010/11", "2011/12"]
    assert effect.change.sizes["draw"] == effect.draws.sizes["draw"] == 150
    assert effect.change.attrs["units"] == "events"
    assert effect.draws.attrs["units"] == "ratio"
    assert effect.draw_kind == "confidence"
    assert np.isfinite(effect.draws).all()
    assert np.isfinite(effect.change).all()


def test_averted_is_minus_change(counts: Counts, design_of: DesignOf) -> None:
    effect = fit(design_of(counts(14)))
    averted = effect.averted()
    np.testing.assert_array_equal(averted.quantity, -effect.change)
    np.testing.assert_allclose(averted.total(), -effect.change.sum(("school", "period")))


@pytest.mark.parametrize(("ratio", "sign"), [(0.2, 1), (4.0, -1)])
def test_fewer_events_than_expected_are_averted_events(
    counts: Counts, design_of: DesignOf, ratio: float, sign: int
) -> None:
    events = counts(15, schools=25, mean=15.0, ratio=ratio)
    effect = fit(design_of(events))
    assert sign * (1 - effect.estimate) > 0
    assert effect.verdict is (Verdict.REDUCTION if sign > 0 else Verdict.INCREASE)
    assert (sign * effect.averted().total() > 0).mean() > 0.95
    # the pilots' own rate and the comparison schools' trend say what there would have been
    before, after = events[:, :3].sum(1), events[:, 3:].sum(1)
    expected = before[:3].sum() * after[3:].sum() / before[3:].sum() - after[:3].sum()
    low, high = np.quantile(effect.averted().total(), [0.25, 0.75])
    assert low < expected < high


def test_draws_and_interval_tell_one_story(counts: Counts, design_of: DesignOf) -> None:
    effect = fit(design_of(counts(16, schools=25, mean=12.0)), draws=4_000)
    # the interval inverts a two-sided test by size, the draws a one-sided mid-p: near, not the same
    ends = np.quantile(effect.draws, [0.025, 0.975])
    assert np.log(ends) == pytest.approx(np.log(effect.interval), abs=0.25)
    assert float(effect.draws.median()) == pytest.approx(effect.estimate, rel=0.25)


# --- verdicts that depend on the design ---------------------------------------------------------------


def test_one_pilot_of_fifteen_comparison_schools_cannot_be_judged(counts: Counts, design_of: DesignOf) -> None:
    effect = fit(design_of(counts(17, schools=16, mean=20.0, ratio=0.05), pilots=1))
    (check,) = [check for check in effect.checks if check.key == "ratio_did/permutations"]
    assert check.status == "fail"
    assert "all 16 sets of 1 school were" in check.message
    assert "0.0625" in check.message
    assert effect.verdict is Verdict.NOT_ESTIMABLE


def test_one_pilot_of_twenty_can_just_be_judged(design_of: DesignOf) -> None:
    rng = np.random.default_rng(1)
    events = rng.poisson(20.0, (20, 6)).astype(float)
    events[0, 3:] = 1.0
    effect = fit(design_of(events, pilots=1))
    assert effect.p_value == pytest.approx(0.05)
    assert effect.verdict is Verdict.REDUCTION


def test_what_could_have_been_detected_is_reported(counts: Counts, design_of: DesignOf) -> None:
    effect = fit(design_of(counts(18, schools=25)))
    assert effect.tables["detectable"].columns.tolist() == ["reduction", "chance"]
    assert any(check.key == "design/detectable" for check in effect.checks)


# --- redrawn instead of permuted ----------------------------------------------------------------------


def test_bootstrap_and_permutation_agree_where_schools_are_many(counts: Counts, design_of: DesignOf) -> None:
    design = design_of(counts(19, schools=43, mean=10.0, ratio=0.6))
    permuted, redrawn = (fit(design, inference=kind) for kind in ("permutation", "bootstrap"))
    assert redrawn.estimate == permuted.estimate
    assert "parametric bootstrap" in redrawn.inference
    # both test the same score; 999 redrawn panels move an end by a few hundredths, the reference by as much
    assert np.log(redrawn.interval) == pytest.approx(np.log(permuted.interval), abs=0.2)
    assert redrawn.p_value == pytest.approx(permuted.p_value, abs=0.08)
    assert np.isfinite(redrawn.change).all()


def test_bootstrap_belongs_to_the_seed_and_can_judge_one_pilot_of_few(counts: Counts, design_of: DesignOf) -> None:
    design = design_of(counts(17, schools=16, mean=20.0, ratio=0.05), pilots=1)
    first, again = (fit(design, inference="bootstrap") for _ in range(2))
    assert (first.p_value, first.interval) == (again.p_value, again.interval)
    (check,) = [check for check in first.checks if check.key == "ratio_did/permutations"]
    assert check.status == "pass"
    assert "999 redrawn panels" in check.message
    lower, upper = first.interval
    assert (lower <= 1 <= upper) == (first.p_value > 0.05)
