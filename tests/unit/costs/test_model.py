import math

import numpy as np
import pytest
import xarray as xr

from averting.costs import deflate, known_payers, load_parameters, present_value, savings
from averting.errors import ParameterError, UnitError
from averting.years import FinancialYear

PRICES = FinancialYear(2022)
PERIODS = ["2018/19", "2021/22", "2022/23"]
GROUPS = range(7, 12)


def _averted(values: np.ndarray) -> xr.DataArray:
    coords = {"draw": np.arange(values.shape[0]), "period": PERIODS}
    return xr.DataArray(values, dims=("draw", "period"), coords=coords, attrs={"units": "pupils"})


@pytest.fixture(scope="module")
def params() -> xr.Dataset:
    return load_parameters("high_needs_block").draw(7, seed=11)


@pytest.fixture(scope="module")
def averted() -> xr.DataArray:
    return _averted(np.random.default_rng(5).normal(1.0, 3.0, (7, 3)))


def _reference(averted: xr.DataArray, params: xr.Dataset) -> dict[tuple[int, str, str, int], float]:
    """The same account by loops over draws, pupils' year groups and months, from the written conventions."""
    found: dict[tuple[int, str, str, int], float] = {}

    def book(draw: int, line: str, payer: str, year: int, amount: float) -> None:
        found[draw, line, payer, year] = found.get((draw, line, payer, year), 0.0) + amount

    for draw in range(averted.sizes["draw"]):
        value = {key: float(params[key][draw]) for key in params}
        for key in params:
            if "price_year" in params[key].attrs:
                year = FinancialYear.parse(params[key].attrs["price_year"])
                value[key] = deflate(value[key], price_year=year, to=PRICES)
        hazard = value["return_to_mainstream_hazard"]
        for period in PERIODS:
            start, pupils = int(period[:4]), float(averted.sel(draw=draw, period=period))
            moved = value["mainstream_pupil_funding"] * value["budget_adjustment_weeks"] / 52
            moved += value["financial_adjustment_order"]
            book(draw, "budget_adjustment", "school", start, pupils * moved)
            book(draw, "budget_adjustment", "la_high_needs", start, -pupils * moved)
            for group in GROUPS:
                share = pupils * value[f"year_group_share_{group}"]
                for month in range(12 * (11 - group) + 6):
                    # the calendar month, counted from January of the year the academic year starts in
                    calendar = 12 + 2 + month
                    year = start + (calendar - 3) // 12
                    out = (math.exp(-hazard * month / 12) - math.exp(-hazard * (month + 1) / 12)) / hazard
                    paid = share * out * value["provision_share"]
                    book(draw, "ap_place", "la_high_needs", year, paid * value["ap_place"])
                    book(draw, "ap_top_up", "la_high_needs", year, paid * value["ap_top_up"])
                for census in range(11 - group):
                    out = math.exp(-hazard * (7 / 12 + census))
                    amount = -share * out * value["mainstream_pupil_funding"]
                    book(draw, "mainstream_funding", "dfe", start + 2 + census, amount)
    return found


def test_equals_the_slow_reference(averted: xr.DataArray, params: xr.Dataset) -> None:
    fast = savings(averted, params, price_year=PRICES)
    slow = _reference(averted, params)
    filled = fast.copy(data=np.zeros(fast.shape))
    for (draw, line, payer, year), amount in slow.items():
        filled.loc[{"draw": draw, "line": line, "payer": payer, "year": year}] = amount
    scale = float(np.abs(filled).max())
    np.testing.assert_allclose(fast, filled, rtol=1e-9, atol=1e-9 * scale)


def test_labels(averted: xr.DataArray, params: xr.Dataset) -> None:
    found = savings(averted, params, price_year=PRICES)
    assert found.dims == ("draw", "line", "payer", "year")
    assert found.attrs == {"units": "GBP", "price_year": "2022-23", "basis": "undiscounted"}
    kinds = dict(zip(found["line"].to_numpy(), found["kind"].to_numpy(), strict=True))
    assert kinds == {
        "ap_place": "capacity",
        "ap_top_up": "cashable",
        "mainstream_funding": "cashable",
        "budget_adjustment": "transfer",
    }
    assert found["payer"].to_numpy().tolist() == ["school", "la_high_needs", "dfe"]
    assert found["payer_label"].sel(payer="dfe").item() == known_payers()["dfe"]
    assert np.diff(found["year"]).tolist() == [1] * (found.sizes["year"] - 1)
    assert found["line_label"].sel(line="ap_top_up").item() == "Alternative provision: top-up"


def test_linear_in_what_is_averted(averted: xr.DataArray, params: xr.Dataset) -> None:
    once = savings(averted, params, price_year=PRICES)
    thrice = savings((3 * averted).assign_attrs(averted.attrs), params, price_year=PRICES)
    np.testing.assert_allclose(thrice, 3 * once, rtol=1e-12)
    one = savings(_averted(np.tile([1.0, 0, 0], (7, 1))), params, price_year=PRICES)
    two = savings(_averted(np.tile([0, 1.0, 1.0], (7, 1))), params, price_year=PRICES)
    both = savings(_averted(np.ones((7, 3))), params, price_year=PRICES)
    np.testing.assert_allclose(one + two, both, rtol=1e-12)


def test_a_rise_in_exclusions_is_kept_as_a_loss(params: xr.Dataset) -> None:
    rose = savings(_averted(-np.ones((7, 3))), params, price_year=PRICES)
    fell = savings(_averted(np.ones((7, 3))), params, price_year=PRICES)
    np.testing.assert_array_equal(rose, -fell)
    assert (rose.sel(line="ap_top_up", payer="la_high_needs") <= 0).all()
    assert (rose.sel(line="mainstream_funding", payer="dfe") >= 0).all()


def test_transfers_net_to_exactly_zero(averted: xr.DataArray, params: xr.Dataset) -> None:
    found = savings(averted, params, price_year=PRICES)
    transfers = found.isel(line=found["kind"].to_numpy() == "transfer")
    assert float(np.abs(transfers).max()) > 0
    assert (transfers.sum("payer") == 0).all()


def test_the_adjustment_is_in_the_year_of_the_exclusion(params: xr.Dataset) -> None:
    found = savings(_averted(np.tile([1.0, 0, 0], (7, 1))), params, price_year=PRICES)
    by_year = found.sel(line="budget_adjustment", payer="school")
    assert (by_year.sel(year=2018) > 0).all()
    assert (by_year.where(by_year["year"] != 2018, 0) == 0).all()


def test_prices_scale_the_whole_account(averted: xr.DataArray, params: xr.Dataset) -> None:
    one = savings(averted, params, price_year=PRICES)
    later = savings(averted, params, price_year=FinancialYear(2023))
    np.testing.assert_allclose(deflate(one, to=FinancialYear(2023)), later, rtol=1e-12)
    with pytest.raises(UnitError, match="runs from"):
        savings(averted, params, price_year=FinancialYear(2030))


def test_inputs_are_left_alone(averted: xr.DataArray, params: xr.Dataset) -> None:
    before = averted.copy(deep=True), params.copy(deep=True)
    savings(averted, params, price_year=PRICES)
    assert averted.identical(before[0])
    assert params.identical(before[1])


def test_lines_may_be_chosen(averted: xr.DataArray, params: xr.Dataset) -> None:
    found = savings(averted, params, price_year=PRICES, lines=["ap_top_up"])
    every = savings(averted, params, price_year=PRICES)
    assert found["payer"].to_numpy().tolist() == ["la_high_needs"]
    np.testing.assert_array_equal(found, every.sel(line=["ap_top_up"], payer=["la_high_needs"]))
    with pytest.raises(ParameterError, match="there is no line 'ap_topup'"):
        savings(averted, params, price_year=PRICES, lines=["ap_topup"])
    with pytest.raises(ParameterError, match="no line is chosen"):
        savings(averted, params, price_year=PRICES, lines=[])


def test_draws_from_elsewhere_are_refused(averted: xr.DataArray, params: xr.Dataset) -> None:
    with pytest.raises(ParameterError, match=r"ParameterSet\.draw"):
        savings(averted, params.drop_attrs(), price_year=PRICES)


def test_means_are_not_multiplied(params: xr.Dataset) -> None:
    # Pupils averted and the top-up move together here, so the mean of products is above the product of means.
    top_up = params["ap_top_up"].to_numpy()
    moving = np.tile((top_up / top_up.mean())[:, None], (1, 3))
    joint = savings(_averted(moving), params, price_year=PRICES, lines=["ap_top_up"]).sum().item()
    apart = savings(_averted(np.ones((7, 3))), params, price_year=PRICES, lines=["ap_top_up"]).sum().item()
    assert joint != pytest.approx(apart, rel=0.01)


def test_savings_can_be_discounted_once(averted: xr.DataArray, params: xr.Dataset) -> None:
    found = savings(averted, params, price_year=PRICES)
    value = present_value(found, base_year=FinancialYear(2018))
    assert value["kind"].equals(found["kind"])
    np.testing.assert_allclose(value.sel(year=2020), found.sel(year=2020) / 1.035**2, rtol=1e-12)
