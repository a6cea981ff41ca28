"""The first look at schools' changes: near what counts show, and silent where they show nothing."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.linalg import helmert

from averting.effects.bayes.cells import Cells
from averting.effects.bayes.first_look import FirstLook, look, look_at_years

PILOTS, SCHOOLS, YEARS = 2, 40, 8


def cells_of(counts: NDArray[np.int64], upper: NDArray[np.int64] | None = None) -> Cells:
    """Return the cells of counts of schools with 1,000 pupils; the start is half-way."""
    school, period = (at.ravel() for at in np.indices(counts.shape))
    after, pilot = (period >= YEARS // 2).astype(np.float64), (school < PILOTS).astype(np.float64)
    times = np.maximum(np.arange(YEARS) - YEARS // 2, -1) * np.ones((PILOTS, 1), dtype=np.intp)
    lower, upper = counts.ravel(), (counts if upper is None else upper).ravel()
    exposure = np.full(counts.size, np.log(1_000.0))
    years, treated = np.arange(YEARS, dtype=np.float64), after * pilot
    return Cells(school, period, lower, upper, exposure, treated, after, pilot, -5.0, times.astype(np.intp), years)


def drawn(mean: float) -> tuple[FirstLook, NDArray[np.float64]]:
    rng = np.random.default_rng(3)
    shock = rng.normal(0.0, 0.5, SCHOOLS)
    late = np.arange(YEARS) >= YEARS // 2
    found = look(cells_of(rng.poisson(mean * np.exp(shock[:, None] * late))), SCHOOLS)
    return found, shock


def test_large_counts_show_each_schools_change_as_well_as_it_says() -> None:
    found, shock = drawn(400.0)
    ours = slice(PILOTS, None)
    away = found.change[ours] - (shock[ours] - shock[ours].mean())
    assert away.std() < 0.05
    assert np.corrcoef(found.change[ours], shock[ours])[0, 1] > 0.99


def test_small_counts_say_less() -> None:
    few, many = drawn(2.0)[0], drawn(20.0)[0]
    assert np.median(few.information[PILOTS:]) < np.median(many.information[PILOTS:])
    assert np.isfinite(few.change).all()


def test_schools_without_events_are_far_below_the_rest_and_hardly_known() -> None:
    counts = np.random.default_rng(4).poisson(6.0, (SCHOOLS, YEARS))
    counts[9] = 0
    found = look(cells_of(counts), SCHOOLS)
    assert np.isfinite(found.level).all()
    assert found.level[9] < found.level[10] - 2
    assert found.known[9] < 0.05 * np.median(found.known)


def test_large_counts_show_each_schools_level_as_well_as_they_say() -> None:
    rng = np.random.default_rng(8)
    level, years = rng.normal(0.0, 0.5, (SCHOOLS, 1)), np.linspace(-0.3, 0.3, YEARS)  # years whose mean is zero
    counts = rng.poisson(400.0 * np.exp(level + years))
    cells = replace(cells_of(counts), centre=float(np.log(400.0 / 1_000.0)))
    found = look(cells, SCHOOLS)
    away = (found.level - level.ravel())[PILOTS:]
    # eight years with the least dispersion of 0.02, and the years' own error, which all schools share
    assert away.std() < 0.06
    assert abs(away.mean()) < 0.1
    np.testing.assert_allclose(found.known[PILOTS:], 8 * 400 / (1 + 0.02 * 400), rtol=0.35)
    assert (found.known[:PILOTS] < found.known[PILOTS:].min()).all()  # half of the years, those before the start


def test_pilots_show_no_change_because_the_programme_is_in_it() -> None:
    found = drawn(20.0)[0]
    assert [values[:PILOTS].tolist() for values in (found.information, found.late)] == [[0, 0]] * 2


def test_a_suppressed_count_stands_at_its_middle() -> None:
    counts = np.random.default_rng(5).poisson(3.0, (SCHOOLS, YEARS))
    hidden = (counts >= 1) & (counts <= 3)
    lower, upper, middle = (np.where(hidden, at, counts) for at in (1, 3, 2))
    entered, known = look(cells_of(lower, upper), SCHOOLS), look(cells_of(middle), SCHOOLS)
    np.testing.assert_allclose(entered.change, known.change)


def test_a_school_without_cells_after_the_start_says_nothing_of_its_change() -> None:
    counts = np.full((SCHOOLS, YEARS), 5)
    whole = cells_of(counts)
    keep = ~((whole.school == 7) & (whole.after > 0))
    names = ("school", "period", "lower", "upper", "log_exposure", "treated", "after", "pilot")
    part = replace(whole, **{name: getattr(whole, name)[keep] for name in names})
    found = look(part, SCHOOLS)
    assert found.information[7] == found.late[7] == 0.0
    assert found.information[8] == pytest.approx(found.information[9])


def test_large_counts_show_the_years_as_well_as_they_say() -> None:
    rng = np.random.default_rng(7)
    levels, years = rng.normal(0.0, 0.5, (SCHOOLS, 1)), rng.normal(0.0, 0.2, YEARS)
    counts = rng.poisson(400.0 * np.exp(levels + years))
    counts[:PILOTS, YEARS // 2 :] //= 10  # what the programme does is left aside
    change, information = look_at_years(cells_of(counts), YEARS)
    away = change - helmert(YEARS) @ years
    # 40 schools with a least dispersion of 0.02 show a year to 0.024
    np.testing.assert_allclose(information, 40 * 400 / (1 + 0.02 * 400), rtol=0.15)
    assert np.abs(away).max() < 3 / np.sqrt(information.min())


def test_of_a_year_that_nobody_reports_nothing_is_known() -> None:
    whole = cells_of(np.random.default_rng(7).poisson(5.0, (SCHOOLS, YEARS)))
    names = ("school", "period", "lower", "upper", "log_exposure", "treated", "after", "pilot")
    part = replace(whole, **{name: getattr(whole, name)[whole.period != 2] for name in names})
    change, information = look_at_years(part, YEARS)
    assert np.isfinite(change).all()
    # Helmert's contrasts from that of year 2 with those before it on hold it
    assert (information[:1] > 1).all()
    assert (information[1:] < 1e-6).all()
