from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from averting.effects.diagnostics.detectable import (
    REDUCTIONS,
    detectable_reduction,
    detection_check,
    smallest_detectable,
)


def totals(seed: int, *, schools: int = 60, level: float = 1.0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Before, after and offset of schools whose rates last but for a gamma shock in each half; three pilots."""
    rng = np.random.default_rng(seed)
    rate = 8 * rng.gamma(2, 0.5, schools)
    rate[:3] *= level
    before, after = (rng.poisson(rate * rng.gamma(5, 0.2, schools)).astype(float) for _ in range(2))
    return before, after, np.zeros(schools)


def chances(seed: int, *, pilots: int = 3, schools: int = 60, level: float = 1.0) -> np.ndarray:
    found = detectable_reduction(
        *totals(seed, schools=schools, level=level), pilots=pilots, level=0.95, rng=np.random.default_rng(seed)
    )
    assert found["reduction"].tolist() == REDUCTIONS.tolist()
    return found["chance"].to_numpy()


@pytest.mark.parametrize("level", [1.0, 2.5])
def test_no_reduction_is_called_one_in_forty_times(level: float) -> None:
    # the test's size is 5 %, half of it on the side of a reduction. 20 panels of 400 placebo sets that share
    # schools: the share of one panel varies by about 0.015, that of 20 by 0.004
    false_alarms = [chances(seed, level=level)[0] for seed in range(20)]
    assert np.mean(false_alarms) == pytest.approx(0.025, abs=0.012)


def test_larger_reductions_are_seen_more_often() -> None:
    found = chances(1)
    # each chance has a standard error of up to 0.025 over 400 placebo sets
    assert (np.diff(found) > -0.05).all()
    assert found[-1] > found[0] + 0.5
    assert ((found >= 0) & (found <= 1)).all()


def test_more_pilots_see_more() -> None:
    one, six = (np.mean([chances(seed, pilots=pilots)[6] for seed in range(6)]) for pilots in (1, 6))
    assert six > one + 0.1


def test_chance_agrees_with_simulated_panels() -> None:
    # the share of fresh panels with a true reduction of 70 % in which it is found, against what the placebo sets
    # of panels without an effect promise
    from averting.effects.kernels.conditional import unit_scores
    from averting.effects.kernels.permutation import set_statistics, treated_sets, two_sided_p

    rng = np.random.default_rng(3)
    sets, _ = treated_sets(60, np.arange(3), most=1_000, rng=rng)
    seen = []
    for seed in range(400):
        before, after, offset = totals(1_000 + seed)
        after[:3] = rng.binomial(after[:3].astype(int), 0.3)
        statistics = set_statistics(unit_scores(before, after, offset), sets)
        seen.append(two_sided_p(statistics) <= 0.05 and statistics[0] < 0)
    promised = np.mean([chances(seed)[7] for seed in range(12)])
    # standard errors: 0.025 of the share of panels, 0.05 of the mean promise, as panels differ in their pilots
    assert promised == pytest.approx(np.mean(seen), abs=0.15)


def test_what_the_pilots_did_after_does_not_matter() -> None:
    # what could have been detected is about the design: a strong effect must not change the answer
    before, after, offset = totals(7)
    averted = after.copy()
    averted[:3] = 0.0
    with_effect, without = (
        detectable_reduction(before, counts, offset, pilots=3, level=0.95, rng=np.random.default_rng(7))
        for counts in (averted, after)
    )
    pd.testing.assert_frame_equal(with_effect, without)


def test_same_generator_same_table() -> None:
    np.testing.assert_array_equal(chances(4), chances(4))


def test_inputs_are_not_changed() -> None:
    before, after, offset = totals(5)
    copies = before.copy(), after.copy(), offset.copy()
    detectable_reduction(before, after, offset, pilots=3, level=0.95, rng=np.random.default_rng(5))
    for array, copy in zip((before, after, offset), copies, strict=True):
        np.testing.assert_array_equal(array, copy)


def test_too_few_comparison_schools_for_placebos_give_no_chance() -> None:
    found = chances(6, schools=7)
    assert np.isnan(found).all()


def table(chance: list[float]) -> pd.DataFrame:
    return pd.DataFrame({"reduction": np.arange(len(chance)) / 10, "chance": chance})


def test_smallest_detectable_is_interpolated() -> None:
    assert smallest_detectable(table([0.02, 0.3, 0.7, 0.9])) == pytest.approx(0.25)
    assert smallest_detectable(table([0.02, 0.3, 0.8, 0.9])) == pytest.approx(0.2)
    assert smallest_detectable(table([0.02, 0.3, 0.7, 0.9]), target=0.5) == pytest.approx(0.15)


def test_smallest_detectable_where_there_is_none_or_everything() -> None:
    assert smallest_detectable(table([0.02, 0.3, 0.79])) is None
    assert smallest_detectable(table([np.nan, np.nan])) is None
    assert smallest_detectable(table([0.9, 0.95])) == 0.0


@pytest.mark.parametrize(
    ("chance", "status", "words"),
    [
        ([0.0, 0.5, 0.8, 1.0], "pass", "reduction of 20% or more"),
        ([0.0, 0.1, 0.2, 0.3, 0.8], "pass", "reduction of 40% or more"),
        ([0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.8], "warn", "reduction of 60% or more"),
        ([0.0] * 10, "warn", "No true reduction up to 90%"),
    ],
)
def test_detection_in_words(chance: list[float], status: str, words: str) -> None:
    check = detection_check(table(chance))
    assert check.key == "design/detectable"
    assert check.status == status
    assert words in check.message
    assert bool(check.guidance) == ("20%" not in words)


def test_words_follow_what_rows_are_of() -> None:
    assert "pilot local authorities" in detection_check(table([0.0] * 10), units="local authorities").guidance
    unknown = detection_check(table([float("nan")] * 10), units="local authorities")
    assert "too few comparison local authorities" in unknown.message
    assert unknown.guidance == "Add comparison local authorities."


def test_suppressed_counts_lower_the_chance_of_detection() -> None:
    """A reduction that one fill would hide is not found, so hidden counts can only make detection rarer."""
    rng = np.random.default_rng(11)
    before, after = (rng.poisson(12.0, 43).astype(float) for _ in range(2))
    offset = np.zeros(43)

    def chance(hidden: float) -> np.ndarray:
        table = detectable_reduction(
            before, after, offset, pilots=3, level=0.95, rng=np.random.default_rng(5), hidden_before=hidden,
            hidden_after=hidden,
        )  # fmt: skip
        return table["chance"].to_numpy()

    assert (chance(1.0) <= chance(0.0)).all()
    assert chance(1.0)[7] < chance(0.0)[7] - 0.05  # at a fall of 70 % the difference is plain
