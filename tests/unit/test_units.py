"""Units: two price years never meet, and labels that differ are an error, not an inner join."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr
from hypothesis import given
from hypothesis import strategies as st

from averting import units
from averting.errors import UnitError
from averting.years import FinancialYear

Y2020, Y2024 = FinancialYear(2020), FinancialYear(2024)


def pounds(values, *, price_year=Y2020, basis="undiscounted", draws=None):
    values = np.asarray(values, dtype=float)
    array = xr.DataArray(values, dims="draw", coords={"draw": draws or np.arange(len(values))})
    return units.money(array, price_year=price_year, basis=basis)


def test_two_price_years_are_not_added():
    with pytest.raises(UnitError, match=r"price year cannot be added: 2020-21, 2024-25.*prices\.deflate"):
        units.add(pounds([1.0]), pounds([1.0], price_year=Y2024))


def test_two_bases_are_not_added():
    with pytest.raises(UnitError, match="basis cannot be added: present_value, undiscounted"):
        units.add(pounds([1.0]), pounds([1.0], basis="present_value"))


def test_pounds_and_pupils_are_not_added():
    pupils = units.label(xr.DataArray([1.0], dims="draw"), "pupils")
    with pytest.raises(UnitError, match="units cannot be added: GBP, pupils"):
        units.add(pounds([1.0]), pupils)


def test_an_amount_without_labels_is_not_added():
    with pytest.raises(UnitError, match="cannot be added"):
        units.add(pounds([1.0]), xr.DataArray([1.0], dims="draw"))


@given(st.lists(st.lists(st.floats(-1e9, 1e9), min_size=3, max_size=3), min_size=1, max_size=5))
def test_sums_are_sums_and_keep_their_labels(amounts):
    total = units.add(*(pounds(amount) for amount in amounts))
    np.testing.assert_allclose(total.to_numpy(), np.sum(amounts, axis=0), atol=1e-6)
    assert total.attrs == pounds([0.0]).attrs


def test_amounts_with_different_draws_are_not_added():
    # xarray would join these to one draw without a word
    one, other = pounds([1.0, 2.0], draws=[0, 1]), pounds([1.0, 2.0], draws=[1, 2])
    assert (one + other).sizes["draw"] == 1
    with pytest.raises(ValueError, match="exact"):
        units.add(one, other)


def test_exact_refuses_mismatched_labels_and_ends_with_its_block():
    one, other = xr.DataArray([1.0], {"year": [2020]}), xr.DataArray([1.0], {"year": [2021]})
    with units.exact(), pytest.raises(ValueError, match="exact"):
        one + other
    assert (one + other).size == 0


def test_unknown_units_are_refused_with_the_known():
    with pytest.raises(UnitError, match=r"'pounds' is not a unit.*GBP"):
        units.label(xr.DataArray(1.0), "pounds")


def test_labelling_changes_nothing_that_was_given():
    given_array = xr.DataArray(1.0)
    units.money(given_array, price_year=Y2020)
    assert given_array.attrs == {}


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        ({"units": "pupils"}, "units is 'GBP', but 'pupils'"),
        ({"units": "GBP", "basis": "present_value"}, "basis is 'undiscounted', but 'present_value'"),
        ({"units": "GBP", "price_year": Y2024}, "price_year is '2020-21', but '2024-25'"),
    ],
)
def test_require_names_what_is_found_and_needed(wanted, found):
    with pytest.raises(UnitError, match=f"flows: {found}"):
        units.require(pounds([1.0]), what="flows", **wanted)


def test_require_accepts_what_fits():
    units.require(pounds([1.0]), units="GBP", basis="undiscounted", price_year=Y2020)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (18_623.4, "18,623"),
        (1e4, "10,000"),
        (-1_000_000.0, "-1,000,000"),
        (999.9, "1,000"),
        (0.18604, "0.186"),
        (0.0, "0"),
    ],
)
def test_numbers_are_shown_as_people_write_them(value, text):
    assert units.shown(value) == text
