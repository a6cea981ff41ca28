import csv
import itertools
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

from averting.costs.discounting import factors, known_schedule, present_value
from averting.errors import ParameterError, UnitError
from averting.units import money
from averting.years import FinancialYear

BASE = FinancialYear(2022)
COLUMNS = {"standard": "standard", "health": "health", "reduced": "reduced_excl_catastrophic"}


def _flows(first: int = 2022, years: int = 4) -> xr.DataArray:
    values = np.full((2, years), 100.0)
    coords = {"draw": [0, 1], "year": np.arange(first, first + years)}
    return money(xr.DataArray(values, dims=("draw", "year"), coords=coords), price_year=FinancialYear(2023))


@pytest.mark.parametrize("edition", ["2022", "2026"])
@pytest.mark.parametrize("series", COLUMNS)
def test_factors_are_those_of_the_published_table(shared: Path, edition: str, series: str) -> None:
    with (shared / "reference/cba/greenbook_discount_factors_0_125.csv").open() as handle:
        rows = list(csv.DictReader(handle))
    years = np.array([int(row["year"]) for row in rows])
    published = np.array([float(row[COLUMNS[series]]) for row in rows])
    np.testing.assert_allclose(factors(years, edition=edition, series=series), published, atol=5.1e-7, rtol=0)


def test_factors_equal_the_closed_form() -> None:
    years = np.arange(0, 126)
    low = np.minimum(years, 30)
    middle = np.clip(years - 30, 0, 45)
    high = np.clip(years - 75, 0, 50)
    expected = 1.035**-low * 1.03**-middle * 1.025**-high
    np.testing.assert_allclose(factors(years), expected, rtol=1e-12)


def test_the_rate_of_year_31_applies_to_year_31_alone() -> None:
    thirty, thirty_one = factors(np.array([30, 31]))
    assert thirty_one == pytest.approx(thirty / 1.03, rel=1e-15)


def test_annuities() -> None:
    # Published to six places, from factors that were themselves rounded to six.
    assert factors(np.arange(1, 51)).sum() == pytest.approx(23.692569, abs=2e-6)
    assert factors(np.arange(1, 51), series="health").sum() == pytest.approx(35.230477, abs=2e-6)


def test_bands_leave_no_gap() -> None:
    bands = known_schedule("2026", "standard").bands
    assert bands[0][0] == 0
    assert all(later[0] == earlier[1] + 1 for earlier, later in itertools.pairwise(bands))


def test_present_value_is_flow_times_factor_and_says_so() -> None:
    found = present_value(_flows(), base_year=BASE)
    np.testing.assert_allclose(found[0], 100 * 1.035 ** -np.arange(4.0), rtol=1e-14)
    assert found.dims == ("draw", "year")
    assert found.attrs["basis"] == "present_value"
    assert found.attrs["price_year"] == "2023-24"
    assert (found.attrs["base_year"], found.attrs["discount_schedule"]) == ("2022-23", "2026 standard")


def test_money_is_discounted_once() -> None:
    once = present_value(_flows(), base_year=BASE)
    with pytest.raises(UnitError, match="'present_value', but 'undiscounted'"):
        present_value(once, base_year=BASE)


def test_pupils_are_not_discounted() -> None:
    with pytest.raises(UnitError, match="units"):
        present_value(_flows().assign_attrs(units="pupils"), base_year=BASE)


def test_flows_before_the_base_year_are_refused() -> None:
    with pytest.raises(UnitError, match=r"2 years before the base year\. Move the base year"):
        present_value(_flows(first=2020), base_year=BASE)


@pytest.mark.parametrize(
    ("years", "words"), [(np.array([0.5]), "whole numbers"), (np.array([1001]), "ends 1000 years")]
)
def test_years_without_a_rate_are_refused(years: np.ndarray, words: str) -> None:
    with pytest.raises(UnitError, match=words):
        factors(years)


def test_unknown_schedules_are_refused() -> None:
    with pytest.raises(ParameterError, match="Use one of: 2003, 2022, 2026"):
        factors(np.array([1]), edition="2018")
    with pytest.raises(ParameterError, match="Use one of: health, reduced, standard"):
        factors(np.array([1]), series="flat")


@pytest.mark.parametrize("series", COLUMNS)
def test_factors_round_to_the_published_table_exactly(shared: Path, series: str) -> None:
    # The table is printed to six places; rounded to six, every factor to year 125 is the printed one.
    with (shared / "reference/cba/greenbook_discount_factors_0_125.csv").open() as handle:
        published = np.array([float(row[COLUMNS[series]]) for row in csv.DictReader(handle)])
    np.testing.assert_allclose(np.round(factors(np.arange(126), series=series), 6), published, atol=1e-12, rtol=0)


def test_the_review_is_flat_and_ends_where_it_could_be_checked(shared: Path) -> None:
    with (shared / "reference/cba/greenbook_discount_factors_0_125.csv").open() as handle:
        flat = np.array([float(row["flat_3pct_sensitivity_not_official"]) for row in csv.DictReader(handle)])
    years = np.arange(126)
    found = factors(years, edition="review_2026")
    np.testing.assert_allclose(np.round(found, 6), flat, atol=1e-12, rtol=0)
    np.testing.assert_array_equal(found, factors(years, edition="review_2026", series="health"))
    with pytest.raises(UnitError, match="ends 125 years"):
        factors([126], edition="review_2026")


def test_the_2003_schedule_is_todays_standard_and_has_no_health_rate() -> None:
    years = np.arange(400)
    np.testing.assert_array_equal(factors(years, edition="2003"), factors(years, edition="2026"))
    with pytest.raises(ParameterError, match="no series 'health'"):
        factors([1], edition="2003", series="health")


def test_timing_within_the_year() -> None:
    years = np.arange(60)
    start, middle, end = (factors(years, timing=timing) for timing in ("start", "mid", "end"))
    np.testing.assert_allclose(end, factors(years + 1), rtol=1e-12)
    np.testing.assert_allclose(middle, np.sqrt(start * end), rtol=1e-12)
    assert middle[30] == pytest.approx(
        1.035**-30 * 1.03**-0.5, rel=1e-12
    )  # the next half year is in the next band
    with pytest.raises(ParameterError, match="no timing 'noon'"):
        factors([1], timing="noon")  # type: ignore[arg-type]
    assert present_value(_flows(), base_year=BASE, timing="mid").attrs["payment_timing"] == "mid"


@pytest.mark.parametrize("timing", ["start", "mid", "end"])
@pytest.mark.parametrize("edition", ["2003", "2022", "2026", "review_2026"])
def test_positive_money_is_never_worth_more_later(edition: str, timing: str) -> None:
    rng = np.random.default_rng(3)
    flows = _flows(years=100).copy(data=rng.gamma(1.0, 100.0, (2, 100)))
    value = present_value(flows, base_year=BASE, edition=edition, timing=timing)  # type: ignore[arg-type]
    assert (value <= flows).all()
    assert (value > 0).all()


@pytest.mark.parametrize(
    ("edition", "last"), [("2003", 1000), ("2022", 1000), ("2026", 1000), ("review_2026", 125)]
)
def test_the_last_year_of_a_schedule_is_the_last_that_has_a_factor(edition: str, last: int) -> None:
    schedule = known_schedule(edition, "standard")
    assert schedule.last_year == last == len(schedule.cumulative()) - 1
    assert factors([last], edition=edition) == schedule.cumulative()[-1]
