import csv
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

from averting.costs import load_parameters
from averting.costs.pathways import (
    RETURN_HAZARD,
    YEAR_GROUP_SHARES,
    census_presence,
    placement_months,
    placement_years,
    quantities,
)
from averting.errors import ParameterError, UnitError

MONTHS = 12 * (11.5 - np.arange(7, 12))


def _params(n: int, hazard: float | None = None) -> xr.Dataset:
    draws = load_parameters("high_needs_block").draw(n, seed=1)
    return draws if hazard is None else draws.assign({RETURN_HAZARD: ("draw", np.full(n, hazard))})


def _averted(values: np.ndarray, periods: list[str]) -> xr.DataArray:
    coords = {"draw": np.arange(values.shape[0]), "period": periods}
    return xr.DataArray(values, dims=("draw", "period"), coords=coords, attrs={"units": "pupils"})


@pytest.mark.parametrize("hazard", [1e-9, 0.01, 0.186, 1.0, 5.0])
@pytest.mark.parametrize("months", [6.0, 54.0, 17.25])
def test_months_add_up_to_the_closed_form(hazard: float, months: float) -> None:
    found = placement_months(np.array([hazard]), np.array([months])).sum() / 12
    assert found == pytest.approx(-np.expm1(-hazard * months / 12) / hazard, rel=1e-12)


def test_no_return_is_the_whole_time() -> None:
    found = placement_months(np.array([0.0]), MONTHS)
    expected = np.arange(54) < MONTHS[:, None]
    np.testing.assert_allclose(found[0], expected, atol=1e-13)


def test_published_placement_years() -> None:
    by_group = placement_months(np.array([0.186]), MONTHS).sum(axis=2)[0] / 12
    np.testing.assert_allclose(by_group, [3.05, 2.57, 2.00, 1.31, 0.48], atol=0.005)
    total = placement_years(_averted(np.ones((1, 1)), ["2020/21"]), _params(1, 0.186)).sum()
    assert float(total) == pytest.approx(1.81, abs=0.005)


@pytest.mark.parametrize(("hazard", "mean"), [(0.0, 2.335), (0.3, 1.57), (0.5, 1.27)])
def test_published_mix_means(hazard: float, mean: float) -> None:
    total = placement_years(_averted(np.ones((1, 1)), ["2020/21"]), _params(1, hazard)).sum()
    # Published to two places, from year-group shares rounded to three.
    assert float(total) == pytest.approx(mean, abs=0.0055)


def test_terms_count_in_their_year() -> None:
    params, each = _params(3), np.arange(9.0).reshape(3, 3)
    terms = ["2020/21 Summer", "2021/22 Autumn", "2021/22 Spring"]
    by_year = np.column_stack([each[:, 0], each[:, 1] + each[:, 2]])
    found, expected = (
        quantities(_averted(each, terms), params),
        quantities(_averted(by_year, ["2020/21", "2021/22"]), params),
    )
    assert found.years == expected.years
    np.testing.assert_allclose(found.placement_years, expected.placement_years, rtol=1e-12)


def test_hazards_do_not_mix_between_draws() -> None:
    hazards = np.array([0.0, 0.186, 0.0, 2.0])
    together = placement_months(hazards, MONTHS)
    for row, hazard in enumerate(hazards):
        np.testing.assert_array_equal(together[row], placement_months(np.array([hazard]), MONTHS)[0])


def test_months_fall_into_financial_years_from_1_march() -> None:
    found = placement_years(_averted(np.ones((1, 1)), ["2020/21"]), _params(1, 0.0))
    assert found.attrs["units"] == "pupil_years"
    # One month of March 2021 in 2020-21; then Years 7 to 10 a whole year but for Year 11's five months to August.
    shares = np.array([0.107172, 0.190975, 0.263497, 0.306205, 0.132151])
    assert float(found.sel(year=2020)[0]) == pytest.approx(1 / 12)
    assert float(found.sel(year=2021)[0]) == pytest.approx(shares[:4].sum() + shares[4] * 5 / 12)
    assert found["year"].to_numpy().tolist()[-1] == 2025


def test_census_counts_each_october_before_the_end_of_year_11() -> None:
    presence = census_presence(np.array([0.0]), MONTHS)
    np.testing.assert_array_equal(presence.sum(axis=2)[0], [4, 3, 2, 1, 0])
    falling = census_presence(np.array([0.5]), MONTHS)[0, 0]
    np.testing.assert_allclose(falling, np.exp(-0.5 * (7 / 12 + np.arange(4))), rtol=1e-14)


def test_census_money_comes_two_financial_years_after() -> None:
    found = quantities(_averted(np.ones((1, 1)), ["2020/21"]), _params(1, 0.0))
    by_year = dict(zip(found.years, found.census_years[0], strict=True))
    assert by_year[2020] == by_year[2021] == 0
    assert by_year[2022] == pytest.approx(1 - 0.132151)


def test_periods_are_placed_by_their_label_not_their_order() -> None:
    params = _params(2, 0.186)
    one = placement_years(_averted(np.array([[1.0, 2.0], [3.0, 4.0]]), ["2018/19", "2021/22"]), params)
    two = placement_years(_averted(np.array([[2.0, 1.0], [4.0, 3.0]]), ["2021/22", "2018/19"]), params)
    xr.testing.assert_allclose(one, two, rtol=1e-14)
    assert one["year"].to_numpy().tolist() == list(range(2018, 2027 + 1))[: one.sizes["year"]]
    assert float(one.sel(year=2018)[0]) == pytest.approx(placement_months(np.array([0.186]), MONTHS)[0, 0, 0] / 12)


def test_the_mix_must_add_up_in_every_draw() -> None:
    params = _params(2)
    broken = params.assign({YEAR_GROUP_SHARES[0]: params[YEAR_GROUP_SHARES[0]] + 0.1})
    with pytest.raises(ParameterError, match="must add up to 1"):
        placement_years(_averted(np.ones((2, 1)), ["2020/21"]), broken)


def test_the_mix_is_the_published_count(shared: Path) -> None:
    with (shared / "reference/cba/pex_by_nc_year_england.csv").open() as handle:
        row = next(row for row in csv.DictReader(handle) if row["year"] == "201617")
    counts = np.array([int(row[f"NC{group}"]) for group in range(7, 12)])
    declared = load_parameters("high_needs_block")
    found = [declared[key].central for key in YEAR_GROUP_SHARES]
    np.testing.assert_allclose(found, counts / counts.sum(), atol=5e-7)


@pytest.mark.parametrize(
    ("averted", "words"),
    [
        (_averted(np.ones((2, 1)), ["2020/21"]).assign_attrs(units="rate"), "units is 'rate'"),
        (_averted(np.ones((2, 1)), ["2020/21"]).expand_dims("school"), "Sum over schools first"),
        (_averted(np.ones((3, 1)), ["2020/21"]), "same joint index"),
        (_averted(np.full((2, 1), np.nan), ["2020/21"]), "missing or infinite"),
        (_averted(np.ones((2, 1)), ["2020"]), "not an academic year"),
    ],
)
def test_other_arrays_are_refused(averted: xr.DataArray, words: str) -> None:
    with pytest.raises(UnitError, match=words):
        placement_years(averted, _params(2))
