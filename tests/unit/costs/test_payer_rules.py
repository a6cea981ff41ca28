"""Who pays in which year: the split moves, the total does not."""

import numpy as np
import pytest
import xarray as xr

from averting.costs import load_parameters, savings
from averting.costs.payer_rules import apply_payer_rules, known_payer_rules, read_payer_rules
from averting.errors import ParameterError
from averting.years import FinancialYear

RULES = ("2025-26", "2026-27", "2028-29")


@pytest.fixture(scope="module", params=["high_needs_block", "after_exclusion"])
def inputs(request: pytest.FixtureRequest) -> tuple[xr.DataArray, xr.Dataset]:
    rng = np.random.default_rng(1)
    coords = {"draw": np.arange(200), "period": ["2024/25", "2025/26"]}
    averted = xr.DataArray(rng.normal(2, 3, (200, 2)), dims=("draw", "period"), coords=coords)
    return averted.assign_attrs(units="pupils"), load_parameters(request.param).draw(200, seed=2)


def _under(inputs: tuple[xr.DataArray, xr.Dataset], label: str | None) -> xr.DataArray:
    year = None if label is None else FinancialYear.parse(label)
    return savings(*inputs, price_year=FinancialYear(2023), payers_as_of=year, conditions=["dsg_deficit"])


def test_three_years_rules_give_three_splits_and_one_total(inputs: tuple[xr.DataArray, xr.Dataset]) -> None:
    flows = {label: _under(inputs, label) for label in RULES}
    totals = [each.sum("payer") for each in flows.values()]
    for total in totals[1:]:
        np.testing.assert_allclose(total, totals[0], rtol=0, atol=0.005)  # half a penny, in every cell
    block = {k: float(f.sel(payer="la_high_needs").sum(("line", "year")).mean()) for k, f in flows.items()}
    assert block["2026-27"] != 0
    assert block["2025-26"] == pytest.approx(0.1 * block["2026-27"], rel=1e-9)
    assert block["2028-29"] == pytest.approx(0.0, abs=1e-6)
    dfe = {k: float(f.sel(payer="dfe").sum(("line", "year")).mean()) for k, f in flows.items()}
    for label in RULES:
        assert block[label] + dfe[label] == pytest.approx(block["2026-27"] + dfe["2026-27"], rel=1e-9)


def test_each_flow_has_the_rules_of_its_own_year(inputs: tuple[xr.DataArray, xr.Dataset]) -> None:
    dated, whole = _under(inputs, None), {label: _under(inputs, label) for label in RULES}
    for year in dated["year"].to_numpy():
        label = RULES[0] if year <= 2025 else RULES[1] if year < 2028 else RULES[2]
        np.testing.assert_array_equal(dated.sel(year=year), whole[label].sel(year=year))


def test_transfers_still_net_to_zero(inputs: tuple[xr.DataArray, xr.Dataset]) -> None:
    for label in (*RULES, None):
        moved = _under(inputs, label).sel(line="budget_adjustment")
        assert float(np.abs(moved).max()) > 0
        np.testing.assert_allclose(moved.sum("payer"), 0.0, atol=1e-9)


def test_without_the_condition_the_authority_keeps_what_it_saves(inputs: tuple[xr.DataArray, xr.Dataset]) -> None:
    plain = savings(*inputs, price_year=FinancialYear(2023), payers_as_of=FinancialYear(2025))
    np.testing.assert_array_equal(plain, _under(inputs, "2026-27"))
    with pytest.raises(ParameterError, match="Use: dsg_deficit"):
        savings(*inputs, price_year=FinancialYear(2023), conditions=["deficit"])


def test_a_payer_that_was_not_there_is_added_in_order() -> None:
    flows = xr.DataArray([[100.0]], dims=("payer", "year"), coords={"payer": ["la_high_needs"], "year": [2030]})
    moved = apply_payer_rules(flows)
    assert moved["payer"].to_numpy().tolist() == ["la_high_needs", "dfe"]
    assert moved.to_numpy().ravel().tolist() == [0.0, 100.0]
    assert flows.to_numpy().tolist() == [[100.0]]


def test_wrong_rules_are_refused() -> None:
    good = {"key": "x", "label": "x", "from": "dfe", "to": "school", "share": 1.0, "first": "2025-26"}
    good |= {"source": "s", "locator": "l", "grade": "A", "review_by": "2027-01-01", "note": ""}
    assert read_payer_rules([good], where="here")[0].holds(FinancialYear(2040))
    for change, words in (
        ({"share": 1.5}, "share from 0 to 1"),
        ({"to": "council"}, "la_high_needs"),
        ({"from": "hm_treasury"}, "has from = 'hm_treasury'"),
        ({"until": "2026-27"}, "unknown key 'until'"),
    ):
        with pytest.raises(ParameterError, match=words):
            read_payer_rules([{**good, **change}], where="here")
    with pytest.raises(ParameterError, match="has no source"):
        read_payer_rules([{key: value for key, value in good.items() if key != "source"}], where="here")


def test_no_payer_is_relieved_twice_in_a_year() -> None:
    for year in range(2010, 2060):
        holding = [rule for rule in known_payer_rules() if rule.holds(FinancialYear(year))]
        for payer in {rule.giver for rule in holding}:
            assert sum(rule.share for rule in holding if rule.giver == payer) <= 1
