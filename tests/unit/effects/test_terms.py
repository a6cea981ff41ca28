"""What was averted by term is summed to academic years at one place, before it meets money."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr

from averting.appraisal import appraise
from averting.costs import load_parameters
from averting.effects import Averted
from averting.units import label


def averted(periods: list[str], values: np.ndarray) -> Averted:
    array = xr.DataArray(
        values,
        dims=("draw", "school", "period"),
        coords={"draw": np.arange(len(values)), "school": ["a", "b"], "period": periods},
    )
    return Averted(label(array, "pupils"), "permanent_exclusions", "bootstrap")


TERMS = ["2021/22 Spring", "2021/22 Summer", "2022/23 Autumn", "2022/23 Spring"]


@pytest.fixture
def values() -> np.ndarray:
    return np.random.default_rng(1).normal(size=(200, 2, 4))


def test_terms_are_summed_to_their_years(values: np.ndarray) -> None:
    by_year = averted(TERMS, values).by_academic_year()
    assert by_year.dims == ("draw", "period")
    assert by_year["period"].values.tolist() == ["2021/22", "2022/23"]
    expected = values.sum(axis=1).reshape(-1, 2, 2).sum(axis=2)
    np.testing.assert_allclose(by_year.values, expected)
    assert by_year.attrs["units"] == "pupils"


def test_years_stay_as_they_are(values: np.ndarray) -> None:
    made = averted(["2021/22", "2022/23", "2023/24", "2024/25"], values)
    xr.testing.assert_identical(made.by_academic_year(), made.by_period())


def test_one_term_of_each_year_becomes_its_year(values: np.ndarray) -> None:
    made = averted([f"20{year}/{year + 1} Autumn" for year in range(21, 25)], values)
    assert made.by_academic_year()["period"].values.tolist() == ["2021/22", "2022/23", "2023/24", "2024/25"]


def test_money_is_the_same_by_term_and_by_year(values: np.ndarray) -> None:
    yearly = values.reshape(-1, 2, 2, 2).sum(axis=3)
    parameters = load_parameters("high_needs_block")
    options = {"price_year": "2023-24", "base_year": 2021, "draws": 200, "seed": 1}
    by_term = appraise(averted(TERMS, values), parameters, **options)
    by_year = appraise(averted(["2021/22", "2022/23"], yearly), parameters, **options)
    xr.testing.assert_allclose(by_term.npv(), by_year.npv())
    assert float(np.abs(by_year.npv()).max()) > 0
