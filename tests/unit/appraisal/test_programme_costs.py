"""Programme costs: staff, time, ledgers and unit costs."""

from pathlib import Path

import pytest

from averting.appraisal import ProgrammeCost
from averting.appraisal.programme_elements import cost_band, cost_bands, known_elements, staff_cost, time_cost
from averting.appraisal.programme_tables import programme_table, programme_unit_costs, read_ledger
from averting.errors import EvaluationError, ParameterError
from averting.evaluation.programme_settings import read_programme
from averting.evaluation.toml_table import TomlTable
from averting.years import FinancialYear

Y = FinancialYear(2023)
BASIS = {"year": "2023-24", "price_year": "2023-24", "payer": "la_general_fund", "source": "ledger"}


def _read(entry: dict[str, object], folder: Path = Path()) -> tuple[tuple[ProgrammeCost, ...], list[str]]:
    faults: list = []
    costs = read_programme([TomlTable(entry, "[[programme]] number 1", faults)], folder)
    return costs, [str(fault) for fault in faults]


def test_staff_and_time_by_hand() -> None:
    assert staff_cost(fte=1.5, pay=32_000, on_costs=0.3) == pytest.approx(62_400)
    assert time_cost(people=6, hours=30, rate=40) == 7_200


@pytest.mark.parametrize("wrong", [{"fte": -1}, {"pay": 0}, {"on_costs": 30}])
def test_staff_that_cannot_be_are_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(ParameterError):
        staff_cost(**({"fte": 1.0, "pay": 30_000, "on_costs": 0.3} | wrong))


@pytest.mark.parametrize(
    ("for_25", "band"),
    [(0, "£ (very low)"), (2_000, "£ (very low)"), (2_001, "££ (low)"), (5_000, "££ (low)"), (5_001, "£££ (moderate)"),
     (18_000, "£££ (moderate)"), (18_001, "££££ (high)"), (30_000, "££££ (high)"), (30_001, "£££££ (very high)")],
)  # fmt: skip
def test_bands_are_those_the_foundation_prints_for_a_class_of_25(for_25: float, band: str) -> None:
    assert cost_band(for_25 / 25) == band
    assert [last for _, last in cost_bands()][:4] == [80, 200, 720, 1_200]


def test_the_pilot_s_own_elements_are_known() -> None:
    wanted = {"school_liaison_officer", "multi_agency_forum", "directory_of_what_works", "local_response_fund"}
    assert wanted <= set(known_elements())


@pytest.mark.parametrize(
    ("given", "amount"),
    [
        ({"amount": 60_000}, 60_000),
        ({"fte": 1.5, "pay": 32_000, "on_costs": 0.3}, 62_400),
        ({"people": 6, "hours": 30, "rate": 40, "in_kind": True}, 7_200),
    ],
)
def test_a_programme_may_be_given_in_three_ways(given: dict[str, object], amount: float) -> None:
    (cost,), faults = _read(BASIS | given | {"element": "school_liaison_officer", "phase": "start_up"})
    assert not faults
    assert cost.amount == pytest.approx(amount)
    assert (cost.element, cost.phase) == ("school_liaison_officer", "start_up")
    assert cost.in_kind == given.get("in_kind", False)


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({}, "this key is missing"),
        ({"amount": 1, "fte": 1}, "given in two ways"),
        ({"fte": 1, "pay": 30_000}, "on_costs"),
        ({"fte": 1, "pay": 30_000, "on_costs": 30}, "30 % is 0.3"),
        ({"amount": 1, "element": "forum"}, "is not known"),
        ({"amount": -1}, "zero or more"),
        ({"amount": 1, "salary": 2}, "not known"),
    ],
)
def test_a_programme_given_wrongly_says_so(given: dict[str, object], words: str) -> None:
    _, faults = _read(BASIS | given)
    assert any(words in fault for fault in faults)


def test_a_ledger(tmp_path: Path) -> None:
    path = tmp_path / "fund.csv"
    path.write_text(
        "year,amount,payer,element,in_kind,description\n"
        '2022-23,"1,250.50",la_general_fund,local_response_fund,no,taxi\n2023-24,£300,school,local_response_fund,,kit\n'
    )
    costs, faults = _read({"ledger": "fund.csv", "source": "council ledger"}, tmp_path)
    assert not faults
    assert [cost.amount for cost in costs] == [1_250.5, 300]
    assert costs[0].price_year == FinancialYear(2022)
    path.write_text("year,amount,payer,element\n2022-23,-5,la_general_fund,other\n2022-23,ten,school,other\n")
    with pytest.raises(ParameterError) as error:
        read_ledger(path, source="s")
    assert "row 2" in str(error.value)
    assert "row 3" in str(error.value)
    path.write_text("when,amount\n1,2\n")
    with pytest.raises(ParameterError, match="no column 'year'"):
        read_ledger(path, source="s")
    path.write_text("year,amount,payer,element\n")
    with pytest.raises(ParameterError, match="no row"):
        read_ledger(path, source="s")


def _cost(amount: float, year: int = 2023, **more: object) -> ProgrammeCost:
    return ProgrammeCost(FinancialYear(year), amount, "la_general_fund", Y, "test", **more)  # type: ignore[arg-type]


def test_unit_costs_by_hand() -> None:
    costs = [
        _cost(30_000, phase="start_up"), _cost(60_000), _cost(60_000, 2024),
        _cost(6_000, element="multi_agency_forum", in_kind=True),
    ]  # fmt: skip
    found = programme_unit_costs(costs, price_year=Y, schools=3, pupils_supported=90).set_index("measure")
    assert found.loc["in all", "amount"] == 156_000
    assert found.loc["of which in kind", "amount"] == 6_000
    assert found.loc["running, a year", "amount"] == 63_000
    assert found.loc["in all, a school", "amount"] == 52_000
    assert found.loc["running, a pupil supported and year", "amount"] == 700
    assert found.loc["running, a pupil supported and year", "band"] == "£££ (moderate)"
    table = programme_table(costs, price_year=Y)
    assert table["amount"].sum() == 156_000
    assert table["element_label"].tolist()[0] == "Multi-Agency Forum"
    with pytest.raises(ParameterError, match="schools is 0"):
        programme_unit_costs(costs, price_year=Y, schools=0)


def test_an_evaluation_with_a_programme_given_wrongly_is_refused(tmp_path: Path) -> None:
    from averting.evaluation import load_evaluation, new

    folder = new(tmp_path / "ours")
    path = folder / "evaluation.toml"
    text = path.read_text(encoding="utf-8")
    path.write_text(text + '\n[[programme]]\nledger = "none.csv"\nsource = "x"\n', encoding="utf-8")
    with pytest.raises(EvaluationError, match=r"none\.csv"):
        load_evaluation(folder)
