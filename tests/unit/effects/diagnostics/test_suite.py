"""Diagnostics find what was put there, and are silent where nothing was."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from averting.design import SameAsPilots
from averting.effects import Verdict, estimate
from averting.effects.diagnostics.asked import MAIN_ROWS, Asked, redesign
from averting.effects.diagnostics.event_study import yearly_differences
from averting.effects.diagnostics.influence import comparison_shifts
from averting.effects.diagnostics.specification_curve import Grid, specification_curve
from averting.effects.diagnostics.suite import DEFAULT, KNOWN, diagnose


def _asked(design, **changes) -> Asked:
    return Asked(design, estimate(design, "events", draws=100), **changes)


@pytest.fixture
def steady() -> np.ndarray:
    """Counts (school, year) of twelve alike schools over eight years, without any chance."""
    return np.tile(np.array([[40.0]]), (14, 8)) + (np.arange(14)[:, None] % 3)


def test_defaults_pass_where_nothing_happens(design_of, counts):
    asked = _asked(design_of(counts(1, years=8, mean=40, start=4), start=4), moved_by=1.0)
    found = diagnose(asked)
    assert tuple(found) == DEFAULT
    assert [one.check.status for one in found.values()] == ["pass"] * 3
    assert [one.check.key for one in found.values()] == [f"diagnostics/{name}" for name in DEFAULT]


def test_placebo_in_time_finds_a_change_before_the_start(design_of, steady):
    steady[:3, 2:] *= 3  # pilots tripled two years before the programme began
    (found,) = diagnose(_asked(design_of(steady, start=4)), ("placebo_in_time",)).values()
    assert found.check.status == "warn"
    assert found.table["verdict"].tolist() == [str(Verdict.INCREASE)]
    assert found.table["label"].tolist() == ["as if it had started in 2008/09"]
    assert found.table["estimate"][0] == pytest.approx(3.0, rel=0.01)


def test_placebo_in_time_uses_no_year_from_the_start_on(design_of, steady):
    late = steady.copy()
    late[:3, 4:] *= 5
    before, after = (
        diagnose(_asked(design_of(data, start=4)), ("placebo_in_time",))["placebo_in_time"].table
        for data in (steady, late)
    )
    assert before.equals(after)


def test_one_pre_period_allows_no_placebo(design_of, steady):
    found = diagnose(
        _asked(design_of(steady, start=1)), ("placebo_in_time", "anticipation", "pretrends", "honest")
    )
    assert [one.check.status for one in found.values()] == ["info"] * 4
    assert all(one.table.empty for one in found.values())


def test_a_dominating_pilot_is_flagged_and_not_named(design_of, steady):
    steady[0] *= 4
    steady[0, 4:] /= 10
    (found,) = diagnose(_asked(design_of(steady, start=4), moved_by=1.0), ("leave_one_out",)).values()
    assert found.check.status == "warn"
    assert "1 of the 3 pilots" in found.check.message
    assert "s000" not in found.check.message + found.check.guidance
    assert found.table["label"].tolist()[:2] == ["all schools", "without pilot s000"]
    assert found.table["estimate"][1] == pytest.approx(1.0, abs=0.02)


def test_the_comparison_school_that_matters_most_is_left_out(design_of, steady):
    steady[9, 4:] *= 8
    design = design_of(steady, start=4)
    assert int(np.abs(comparison_shifts(design, "events")).argmax()) == 9 - 3
    (found,) = diagnose(_asked(design), ("leave_one_out",)).values()
    assert found.table["label"].iloc[-1] == "without comparison s009"
    assert found.table["estimate"].iloc[-1] == pytest.approx(1.0, abs=0.02)


def test_one_pilot_cannot_be_left_out(design_of, steady):
    (found,) = diagnose(_asked(design_of(steady, pilots=1, start=4)), ("leave_one_out",)).values()
    assert "There is one pilot" in found.check.message
    assert not found.table["label"].str.contains("without pilot").any()


def test_anticipation_sees_a_last_year_that_was_different(design_of, steady):
    quiet = diagnose(_asked(design_of(steady, start=4)), ("anticipation",))["anticipation"]
    assert quiet.check.status == "pass"
    steady[:3, 3] *= 6  # chosen in their worst year
    (found,) = diagnose(_asked(design_of(steady, start=4)), ("anticipation",)).values()
    assert found.check.status == "warn"
    assert "2009/10" in found.check.message
    assert found.table["estimate"][1] == pytest.approx(1.0, abs=0.02)


def test_other_outcomes_that_move_are_a_caution(design_of, steady):
    moved = steady.copy()
    moved[:3, 4:] /= 4
    asked = _asked(design_of(steady, start=4), unaffected={"events": design_of(moved, start=4)})
    (found,) = diagnose(asked, ("placebo_in_outcomes",)).values()
    assert found.check.status == "warn"
    still = replace(asked, unaffected={"events": design_of(steady, start=4)})
    assert diagnose(still, ("placebo_in_outcomes",))["placebo_in_outcomes"].check.status == "pass"


def _with_authorities(design, names):
    panel = design.panel
    placed = panel.data.assign_coords(la=("school", np.array(names, dtype=object)))
    kept = redesign(design)
    object.__setattr__(kept, "panel", type(panel)(placed, panel.checks))
    return kept


def test_spillover_into_neighbours_is_found(design_of, steady):
    steady[3:6, 4:] /= 5
    # several authorities elsewhere: in one alone, its own shock could not be told from spill-over
    design = _with_authorities(design_of(steady, start=4), ["own"] * 6 + [f"far {number}" for number in range(8)])
    (found,) = diagnose(_asked(design), ("spillover",)).values()
    assert found.check.status == "warn"
    assert found.table["verdict"][1] == str(Verdict.REDUCTION)
    lonely = _with_authorities(design_of(steady, start=4), ["own"] * 3 + ["far"] * 11)
    assert diagnose(_asked(lonely), ("spillover",))["spillover"].check.status == "info"


def test_yearly_differences_are_in_rates_against_the_last_year_before(design_of, counts):
    events = counts(6, schools=24, years=7, start=4)
    study, periods, schools = yearly_differences(design_of(events, start=4), "events")
    assert (study.before, schools, len(periods)) == (3, 21, 6)
    assert "2009/10" not in periods
    changes = 100 * (events - events[:, [3]]) / 900
    expected = np.delete(changes[:3].mean(0) - changes[3:].mean(0), 3)
    assert study.beta == pytest.approx(expected)


def test_posteriors_are_not_sampled_again(design_of, steady):
    asked = _asked(design_of(steady, start=4))
    sampled = replace(asked, effect=replace(asked.effect, draw_kind="posterior"))
    found = diagnose(sampled, DEFAULT)
    assert {one.check.status for one in found.values()} == {"info"}


def test_the_curve_has_every_specification_and_marks_the_estimate(design_of, counts):
    design = design_of(counts(2, years=7, mean=20, start=4), start=4)
    asked = _asked(design)
    grid = Grid(
        design.panel,
        ("ratio_did",),
        {"as designed": design.comparison, "all": SameAsPilots(on=()), "none": ["nobody"]},
        ("2006/07",),
    )
    found = specification_curve(asked, grid)
    assert len(found.table) == 6
    main = found.table[found.table["is_main"]]
    assert main["estimate"].tolist() == [asked.effect.estimate]
    made = found.table[found.table["note"] == ""]
    assert len(made) == 4
    assert made["estimate"].is_monotonic_increasing
    assert found.table.loc[found.table["comparison"] == "none", "note"].str.len().min() > 10
    assert "2 could not be estimated" in found.check.message


def test_every_diagnostic_runs_on_any_design(design_of, counts):
    asked = _asked(design_of(counts(5, schools=22, years=7, mean=20, start=4), start=4))
    for name, found in diagnose(asked, tuple(KNOWN)).items():
        assert found.check.key == f"diagnostics/{name}"
        assert found.check.message.endswith(".")
        assert found.check.status in ("pass", "warn", "info")


def test_authorities_are_called_so_and_nothing_is_said_of_schools(design_of, counts):
    areas = [f"region {number % 5}" for number in range(30)]
    design = design_of(
        counts(3, schools=30, years=8, mean=40, start=4), start=4, level="local authority", areas=areas
    )
    found = diagnose(_asked(design), tuple(KNOWN))
    for name, one in found.items():
        told = " ".join([one.check.message, one.check.guidance, *map(str, one.table.get("label", []))])
        assert "school" not in told, name
    assert found["leave_one_out"].table["label"][0] in MAIN_ROWS
    labels = " ".join(f"{one.label} {one.question}" for one in KNOWN.values())
    assert "school" not in labels
