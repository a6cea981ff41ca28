import tomllib
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from averting.costs import Override, load_parameters, overrides_from_table
from averting.costs.declarations import read_parameter
from averting.costs.distributions import Distribution
from averting.costs.families import known_authorities, known_families, read_family
from averting.costs.parameters import ParameterSet
from averting.errors import ParameterError
from averting.resources import models_dir
from averting.years import FinancialYear

WHERE = "models/costs/x.toml"
SOURCE = "dfe_section_251_2021_22"


def _money() -> dict[str, Any]:
    return {
        "label": "A place",
        "unit": "GBP/pupil/year",
        "price_year": "2021-22",
        "payer": "la_high_needs",
        "value": 10,
        "source": SOURCE,
        "locator": "table 1",
        "grade": "B",
        "confidence": "derived",
        "review_by": date(2027, 4, 1),
        "plausible": [1, 20],
    }


def _rate() -> dict[str, Any]:
    table = _money() | {"unit": "per_year"}
    return {key: value for key, value in table.items() if key not in ("price_year", "payer")}


def _words(key: str, table: dict[str, Any]) -> str:
    parameter, faults = read_parameter(key, table, where=WHERE)
    assert parameter is None
    assert all(fault.where == WHERE and key in fault.found for fault in faults)
    return "\n".join(map(str, faults))


def test_a_complete_parameter_loads() -> None:
    parameter, faults = read_parameter("place", _money(), where=WHERE)
    assert not faults
    assert parameter is not None
    assert (parameter.central, parameter.price_year) == (10.0, FinancialYear(2021))


@pytest.mark.parametrize("field", sorted(set(_money()) - {"value"}))
def test_a_money_parameter_without_any_one_field_does_not_load(field: str) -> None:
    table = {key: value for key, value in _money().items() if key != field}
    assert f"[place] has no {field}" in _words("place", table)


@pytest.mark.parametrize("field", sorted(set(_rate()) - {"value"}))
def test_another_parameter_without_any_one_field_does_not_load(field: str) -> None:
    table = {key: value for key, value in _rate().items() if key != field}
    assert f"[rate] has no {field}" in _words("rate", table)


def test_the_error_says_where_what_and_what_to_do() -> None:
    table = {key: value for key, value in _money().items() if key != "price_year"}
    assert _words("ap_place", table).startswith(
        "models/costs/x.toml: [ap_place] has no price_year. Unit is GBP/pupil/year, so add price_year"
    )


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"colour": "red"}, "unknown key 'colour'"),
        ({"unit": "GBP/place"}, "unit = 'GBP/place'"),
        ({"grade": "Z"}, "grade = 'Z'"),
        ({"confidence": "sure"}, "confidence = 'sure'"),
        ({"payer": "council"}, "payer = 'council'"),
        ({"source": "someone_2020"}, "source = 'someone_2020'"),
        ({"source": "  "}, "has no source"),
        ({"review_by": "next year"}, "Write a date"),
        ({"plausible": [2, 1]}, "plausible"),
        ({"plausible": 3}, "plausible"),
        ({"price_year": "2021"}, "not a financial year"),
        ({"value": "ten"}, "not a number"),
        ({"value": 10_000}, "value 10000 is outside plausible = [1, 20]"),
        ({"distribution": {"family": "fixed", "value": 1}}, "both value and distribution"),
    ],
)
def test_a_wrong_field_does_not_load(change: dict[str, Any], words: str) -> None:
    assert words in _words("place", _money() | change)


@pytest.mark.parametrize(
    ("distribution", "words"),
    [
        ({"family": "gamma", "mean": 10, "sd": 8}, "leaves plausible"),
        ({"family": "gamma", "men": 10, "sd": 1}, "cannot be read: the gamma distribution has keys {men, sd}"),
        (5, "must be a table"),
    ],
)
def test_a_wrong_distribution_does_not_load(distribution: object, words: str) -> None:
    table = {key: value for key, value in _money().items() if key != "value"} | {"distribution": distribution}
    assert words in _words("place", table)


def test_neither_value_nor_distribution() -> None:
    assert "neither value" in _words("place", {k: v for k, v in _money().items() if k != "value"})


def test_a_rate_has_no_price_year() -> None:
    assert "is not money, so leave price_year out" in _words("rate", _rate() | {"price_year": "2021-22"})


def test_every_fault_of_a_file_is_listed() -> None:
    declared = {
        "a": {key: value for key, value in _money().items() if key not in ("source", "payer")},
        "b": _rate() | {"x": 1},
        "line": {"l": {"label": "L", "kind": "cash", "quantity": "pupils"}},
    }
    with pytest.raises(ParameterError) as caught:
        read_family("x", declared, where=WHERE)
    text = str(caught.value)
    for words in ("[a] has no source", "[a] has no payer", "unknown key 'x'", "[line.l] has no payer", "'cash'"):
        assert words in text


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"unit_cost": "b"}, "uses 'b', which is not declared"),
        ({"quantity": "averted_exclusions"}, "Its unit must be GBP/pupil"),
    ],
)
def test_a_line_uses_declared_parameters_in_the_right_unit(change: dict[str, str], words: str) -> None:
    line = {
        "label": "L",
        "kind": "cashable",
        "payer": "dfe",
        "quantity": "placement_years",
        "unit_cost": "a",
        "sign": 1,
    }
    assert read_family("x", {"a": _money(), "line": {"l": line}}, where=WHERE).lines[0].key == "l"
    with pytest.raises(ParameterError, match=words):
        read_family("x", {"a": _money(), "line": {"l": line | change}}, where=WHERE)


def test_sums_are_checked() -> None:
    shares = {key: _rate() | {"unit": "share", "value": 0.5, "plausible": [0, 1]} for key in "ab"}
    rule = {"sum": {"whole": {"members": ["a", "b"], "total": 1.0}}}
    found = read_family("x", shares | rule, where=WHERE)
    with pytest.raises(ParameterError, match=r"add up to 1\.1"):
        found.under({"a": Override(Distribution.point(0.6), "a what-if")})
    with pytest.raises(ParameterError, match="'c', which is not declared"):
        read_family("x", shares | {"sum": {"whole": {"members": ["a", "c"], "total": 1.0}}}, where=WHERE)


# ---------------------------------------------------------------- what ships


@pytest.fixture(scope="module")
def declared() -> ParameterSet:
    return load_parameters("high_needs_block")


def test_every_shipped_family_loads_and_every_parameter_has_a_source() -> None:
    assert "high_needs_block" in known_families()
    for family in known_families():
        found = load_parameters(family)
        assert len(found) > 0
        assert (found.sources()["source"] != "").all()
        with (models_dir() / "costs" / f"{family}.toml").open("rb") as handle:
            tables = tomllib.load(handle)
        imported = {key for each in tables.get("import", {}).values() for key in each["parameters"]}
        own = set(tables) - {"line", "sum", "local", "import"}
        assert set(found) | set(found.unset) == own | imported


def test_sources_are_whole(declared: ParameterSet) -> None:
    table = declared.sources().set_index("key")
    assert list(table.index) == list(declared)
    assert (table[["reference", "locator", "grade", "confidence", "review_by", "unit"]] != "").all().all()
    assert ((table["low"] <= table["central"]) & (table["central"] <= table["high"])).all()
    assert "FFT Education Datalab (2019)" in table.loc["provision_share", "reference"]
    money = table["unit"].str.startswith("GBP")
    assert (table.loc[money, ["price_year", "payer"]] != "").all().all()


def test_what_is_recalled_only_is_called_an_assumption_and_is_wide(declared: ParameterSet) -> None:
    funding = declared["mainstream_pupil_funding"]
    assert funding.confidence == "assumption"
    assert funding.distribution.quantile(0.95) / funding.distribution.quantile(0.05) > 1.5


@pytest.mark.parametrize(
    ("la", "row", "place"),
    [
        ("Cheshire West and Chester", "Cheshire West And Chester", 28_622),
        ("Gloucestershire", "Gloucestershire", 20_605),
        ("Salford", "Salford", 18_641),
    ],
)
def test_local_figures_agree_with_section_251_to_the_pound(shared: Path, la: str, row: str, place: int) -> None:
    import pandas as pd

    returns = pd.read_csv(shared / "reference/cba/s251_ap_special_by_la_2021_22.csv").set_index("la_name")
    places = returns.loc[row, "bud2122_place_pru_ap"] / 10_000
    top_up = returns.loc[row, "bud2122_topup_pru_ap_state"] / places
    found = load_parameters("high_needs_block", la=la)
    assert found["ap_top_up"].central == pytest.approx(top_up, abs=0.5)
    assert found["ap_place"].central + found["ap_top_up"].central == pytest.approx(place, abs=1e-6)
    assert la in found["ap_top_up"].label


def test_the_local_spread_is_that_of_outturn_about_budget(shared: Path) -> None:
    import pandas as pd

    returns = pd.read_csv(shared / "reference/cba/s251_ap_special_by_la_2021_22.csv")
    columns = [
        f"{when}_{what}_pru_ap{tail}"
        for when in ("bud2122", "out2021")
        for what, tail in (("place", ""), ("topup", "_state"))
    ]
    both = returns[(returns[columns] > 0).all(axis=1)]
    budget = both["bud2122_topup_pru_ap_state"] / both["bud2122_place_pru_ap"]
    outturn = both["out2021_topup_pru_ap_state"] / both["out2021_place_pru_ap"]
    low, high = np.quantile(np.log(outturn / budget), [0.25, 0.75])
    assert len(both) == 92
    spread = (high - low) / 1.349  # of a normal curve with those quartiles
    assert spread == pytest.approx(0.58, abs=0.01)
    declared = load_parameters("high_needs_block", la="Salford")["ap_top_up"].distribution
    relative = dict(declared.numbers)["sd"] / dict(declared.numbers)["mean"]
    assert relative == pytest.approx(np.sqrt(np.expm1(spread**2)), abs=0.05)


def test_every_authority_s_figures_agree_with_section_251(shared: Path) -> None:
    import pandas as pd

    returns = pd.read_csv(shared / "reference/cba/s251_ap_special_by_la_2021_22.csv")
    returns = returns[(returns["bud2122_place_pru_ap"] > 0) & (returns["bud2122_topup_pru_ap_state"] > 0)]
    top_up = returns["bud2122_topup_pru_ap_state"] / (returns["bud2122_place_pru_ap"] / 10_000)
    with (models_dir() / "local" / "section_251_2021_22.toml").open("rb") as handle:
        declared = tomllib.load(handle)
    np.testing.assert_allclose(sorted(declared["ap_top_up"].values()), sorted(top_up), atol=0.5)
    assert known_authorities("high_needs_block") == tuple(sorted(declared["ap_top_up"]))
    assert len(declared["ap_top_up"]) == 131
    named = dict(zip(returns["la_name"], top_up, strict=True))
    for la in ("Leeds", "Kent", "Bradford", "Devon", "Ealing"):
        assert declared["ap_top_up"][la] == pytest.approx(named[la], abs=0.5)


def test_every_authority_s_figures_load() -> None:
    # the lowest and the highest figure are the ones whose distribution could leave its plausible range
    with (models_dir() / "local" / "section_251_2021_22.toml").open("rb") as handle:
        declared = tomllib.load(handle)
    for key in ("ap_top_up", "special_place"):
        by_size = sorted(declared[key], key=declared[key].__getitem__)
        for la in (by_size[0], by_size[-1]):
            found = load_parameters("after_exclusion", la=la)[key]
            assert found.central == pytest.approx(declared[key][la])


def test_an_unknown_authority_is_refused_with_those_like_it() -> None:
    with pytest.raises(
        ParameterError, match=r"131 authorities\. Do you mean Cheshire West and Chester .*For another"
    ):
        load_parameters("high_needs_block", la="Cheshire West & Chester")


def test_unknown_families_are_refused() -> None:
    with pytest.raises(ParameterError, match=r"Use one or more of: .*high_needs_block"):
        load_parameters("high_need_block")
    with pytest.raises(ParameterError, match="at least one family"):
        load_parameters()
    with pytest.raises(ParameterError, match="named twice"):
        load_parameters("high_needs_block", "high_needs_block")


# ---------------------------------------------------------------- draws and overrides


def test_draws_are_labelled_and_repeatable(declared: ParameterSet) -> None:
    one, two = declared.draw(50, seed=4), declared.draw(50, seed=4)
    assert one.identical(two)
    assert not one["ap_top_up"].equals(declared.draw(50, seed=5)["ap_top_up"])
    assert one["ap_top_up"].attrs["units"] == "GBP/pupil/year"
    assert one["ap_top_up"].attrs["price_year"] == "2021-22"
    assert "price_year" not in one["provision_share"].attrs
    assert one.sizes == {"draw": 50}


def test_draws_have_the_declared_mean(declared: ParameterSet) -> None:
    draws = declared.draw(100_000, seed=1)
    for key, parameter in declared.items():
        spread = float(draws[key].std()) / np.sqrt(100_000)
        assert float(draws[key].mean()) == pytest.approx(parameter.central, abs=5 * spread + 1e-9)


def test_an_override_moves_no_other_parameter_and_keeps_its_own_ranks(declared: ParameterSet) -> None:
    wider = Distribution.from_table({"family": "gamma", "mean": 12_000, "sd": 3_000})
    changed = declared.under({"ap_top_up": Override(wider, "local finance team")})
    before, after = declared.draw(400, seed=2), changed.draw(400, seed=2)
    for key in declared:
        if key != "ap_top_up":
            assert before[key].identical(after[key])
    np.testing.assert_array_equal(before["ap_top_up"].argsort(), after["ap_top_up"].argsort())
    assert float(after["ap_top_up"].mean()) > float(before["ap_top_up"].mean())
    assert declared["ap_top_up"].central == 8850


def test_an_override_loses_the_evidence_of_the_number_it_replaces(declared: ParameterSet) -> None:
    changed = declared.under(
        {"ap_place": Override(Distribution.point(11_000), "a local agreement", "the council")}
    )
    row = changed.sources().set_index("key").loc["ap_place"]
    assert (row["grade"], row["confidence"]) == ("E", "assumption")
    assert (row["reference"], row["note"]) == ("the council", "a local agreement")


def test_an_override_may_be_in_other_prices(declared: ParameterSet) -> None:
    change = Override(Distribution.point(11_000), "why", price_year=FinancialYear(2019))
    assert declared.under({"ap_place": change}).draw(2, seed=1)["ap_place"].attrs["price_year"] == "2019-20"
    with pytest.raises(ParameterError, match="unit share has no price year"):
        declared.under({"provision_share": Override(Distribution.point(0.8), "why", "", FinancialYear(2019))})


@pytest.mark.parametrize(
    ("key", "value", "words"),
    [("ap_plaice", 1.0, "there is no such parameter"), ("ap_place", 1e7, "outside plausible")],
)
def test_wrong_overrides_are_refused(declared: ParameterSet, key: str, value: float, words: str) -> None:
    with pytest.raises(ParameterError, match=words):
        declared.under({key: Override(Distribution.point(value), "why")})


def test_overrides_from_an_evaluation_file(declared: ParameterSet) -> None:
    text = """
    ap_top_up = { value = 12000, reason = "our contract", source = "finance team", price_year = "2022-23" }
    provision_share = { distribution = { family = "beta", mean = 0.8, sd = 0.05 }, reason = "our own tracking" }
    """
    found = overrides_from_table(tomllib.loads(text), where="evaluation.toml [costs.overrides]")
    changed = declared.under(found)
    assert changed["ap_top_up"].price_year == FinancialYear(2022)
    assert changed["provision_share"].central == pytest.approx(0.8)


@pytest.mark.parametrize(
    ("table", "words"),
    [
        ({"a": {"value": 1}}, "'a' has no reason"),
        ({"a": {"reason": "r"}}, "must have one number"),
        ({"a": {"value": 1, "reason": "r", "why": "x"}}, "unknown key 'why'"),
        ({"a": 3}, "is not a table"),
        ({"a": {"value": "x", "reason": "r"}}, "cannot be read"),
        ({"a": {"value": 1, "reason": "r", "price_year": "20"}}, "not a financial year"),
    ],
)
def test_wrong_override_tables_are_refused(table: dict[str, Any], words: str) -> None:
    with pytest.raises(ParameterError, match=words):
        overrides_from_table(table, where="evaluation.toml")


def test_an_override_without_a_reason_cannot_be_made() -> None:
    with pytest.raises(ParameterError, match="no reason"):
        Override(Distribution.point(1.0), " ")
