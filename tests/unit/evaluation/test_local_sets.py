"""Authorities' own figures from DfE's workbooks: against those that averting ships, made apart from them."""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import openpyxl
import pytest

from averting.costs import load_parameters
from averting.costs.authorities import schools_grant
from averting.costs.local_figures import read_figures
from averting.errors import DataError, ParameterError
from averting.evaluation import load_evaluation
from averting.evaluation.local_sets import make_local_set
from averting.resources import models_dir
from averting.years import FinancialYear

FINANCE = "data/dfe_ap_finance"
type Write = Callable[..., Path]


@pytest.fixture
def workbook(tmp_path: Path) -> Write:
    def write(name: str, **sheets: Sequence[Sequence[Any]]) -> Path:
        book = openpyxl.Workbook()
        book.remove(book.worksheets[0])
        for title, rows in sheets.items():
            sheet = book.create_sheet(title)
            for row in rows:
                sheet.append(list(row))
        book.save(tmp_path / name)
        return tmp_path / name

    return write


LINES = [
    "Special schools and academies",
    "PRUs and AP academies",
    "Special schools and academies (1)",
    "PRUs and AP academies (1)",
]


def benchmarking(*rows: Sequence[Any]) -> list[Sequence[Any]]:
    head = [["Year", "2024-25"], [None, None, "Section 251 budget"], ["LA code", "LA name", *LINES]]
    return [*head, ["", "LA name"], *rows]


SALFORD = ["355", "Salford", 5_000_000, 1_000_000, 7_500_000, 1_200_000]


def test_the_shipped_figures_follow_from_the_workbooks(shared: Path) -> None:
    names = ("Outturn_data_202122.xlsx", "DSG_by_year_dr.xlsx", "dsg_deficit_derived.xlsx")
    made = make_local_set([shared / FINANCE / name for name in names])
    read = tomllib.loads(made.to_toml())
    with (models_dir() / "local" / "section_251_2021_22.toml").open("rb") as handle:
        shipped = tomllib.load(handle)
    with (models_dir() / "local" / "dsg_2021_22.toml").open("rb") as handle:
        shipped |= tomllib.load(handle)
    assert read["section_251"]["price_year"] == read["schools_grant"]["year"] == "2021-22"
    for kind, keys in (
        ("section_251", ("ap_top_up", "special_place")),
        ("schools_grant", ("allocation", "balance_share")),
    ):
        for key in keys:
            assert read[kind][key] == shipped[key]
    assert made.said[0] == "Outturn_data_202122.xlsx: ap_top_up of 131 authorities"


def test_outturn_is_of_the_year_before(shared: Path) -> None:
    import pandas as pd

    made = make_local_set([shared / FINANCE / "Outturn_data_202122.xlsx"], outturn=True)
    table = made.tables["section_251"]
    assert table["price_year"] == "2020-21"
    returns = pd.read_csv(shared / "reference/cba/s251_ap_special_by_la_2021_22.csv").set_index("la_name")
    salford = returns.loc["Salford"]
    per_place = salford["out2021_topup_pru_ap_state"] / (salford["out2021_place_pru_ap"] / 10_000)
    assert table["ap_top_up"]["Salford"] == pytest.approx(per_place, abs=0.5)


def test_the_grant_of_a_year_is_chosen(shared: Path) -> None:
    allocations = shared / FINANCE / "DSG_by_year_dr.xlsx"
    made = make_local_set([allocations], year=FinancialYear(2023))
    assert made.tables["schools_grant"]["allocation"]["Camden"] == 201_104_682
    assert "England" not in made.tables["schools_grant"]["allocation"]
    both = [allocations, shared / FINANCE / "dsg_deficit_derived.xlsx"]
    with pytest.raises(DataError, match=r"do not all have 2023-24; years in all: 2019-20, 2020-21, 2021-22"):
        make_local_set(both, year=FinancialYear(2023))


def test_own_figures_take_the_place_of_shipped_ones(workbook: Write, tmp_path: Path) -> None:
    rows = benchmarking(
        SALFORD, ["999", "Newshire", 1_000_000, 200_000, 1_500_000, 300_000], ["000", "Nowhere", 0, 0, 0, 0]
    )
    path = tmp_path / "own.toml"
    path.write_text(make_local_set([workbook("b.xlsx", Sheet1=rows)]).to_toml(), encoding="utf-8")
    found = load_parameters("after_exclusion", la="Salford", own=path)
    # by hand: 1.2m / 100 places; £10,000 + 7.5m / 500 places
    assert found["ap_top_up"].central == pytest.approx(12_000)
    assert found["special_place"].central == pytest.approx(25_000)
    assert (found["ap_top_up"].grade, found["ap_top_up"].price_year) == ("E", FinancialYear(2024))
    assert "b.xlsx" in found["ap_top_up"].source
    shipped = load_parameters("after_exclusion", la="Salford")["ap_top_up"].distribution
    ours = found["ap_top_up"].distribution
    spread = [dict(one.numbers)["sd"] / dict(one.numbers)["mean"] for one in (shipped, ours)]
    assert spread[0] == pytest.approx(spread[1])
    # an authority that averting does not know, and one that the set does not have
    assert load_parameters("after_exclusion", la="Newshire", own=path)["ap_top_up"].central == pytest.approx(
        15_000
    )
    with pytest.raises(ParameterError, match=r"no figures of 'Nowhere' in own\.toml, which know 2"):
        load_parameters("after_exclusion", la="Nowhere", own=path)
    with pytest.raises(ParameterError, match="Say which authority"):
        load_parameters("after_exclusion", own=path)
    with pytest.raises(ParameterError, match="no allocation and no balance_share of the grant"):
        schools_grant("Salford", own=path)


def test_an_evaluation_takes_them(workbook: Write, tmp_path: Path) -> None:
    from averting.evaluation import new

    new(tmp_path / "pilot")
    written = make_local_set([workbook("b.xlsx", Sheet1=benchmarking(SALFORD))]).to_toml()
    (tmp_path / "pilot" / "own.toml").write_text(written, encoding="utf-8")
    declared = tmp_path / "pilot" / "evaluation.toml"
    text = declared.read_text(encoding="utf-8")
    declared.write_text(text.replace("[costs]", '[costs]\nlocal_figures = "own.toml"', 1), encoding="utf-8")
    costs = load_evaluation(tmp_path / "pilot").costs
    assert costs is not None
    assert costs.local_figures == tmp_path / "pilot" / "own.toml"


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        ([["a", "b"], [1, 2]], r"in no layout that averting knows \(its sheets: Sheet1\)"),
        (benchmarking(SALFORD)[1:], "in no layout that averting knows"),  # no year
        (benchmarking(["355", "Salford", None, "#REF!", 0, -5]), "no authority has figures"),
        (benchmarking(SALFORD, SALFORD), "two rows with figures of Salford"),
        ([["la_name", "time_period", "Total DSG allocation (£s)"]], "in no layout"),
    ],
)
def test_workbooks_that_cannot_serve_say_so(workbook: Write, rows: list[Sequence[Any]], words: str) -> None:
    with pytest.raises(DataError, match=words):
        make_local_set([workbook("b.xlsx", Sheet1=rows)])


def test_no_workbook_and_no_outturn(workbook: Write) -> None:
    with pytest.raises(DataError, match="No workbook is named"):
        make_local_set([])
    with pytest.raises(DataError, match="no block 'Section 251 outturn'"):
        make_local_set([workbook("b.xlsx", Sheet1=benchmarking(SALFORD))], outturn=True)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[other]\nx = 1\n", r"\[other\] is not known"),
        ("[section_251]\nsource = 's'\n", "there is no locator"),
        ("[section_251]\nsource='s'\nlocator='l'\nprice_year='soon'\n", "soon"),
        (
            "[section_251]\nsource='s'\nlocator='l'\nprice_year='2024-25'\n[section_251.ap_top_up]\nA='£5'\n",
            "A has no number",
        ),
        ("[section_251]\nsource='s'\nlocator='l'\nprice_year='2024-25'\nap_top_up=5\n", "Write figures below"),
    ],
)
def test_sets_that_cannot_be_used_say_so(tmp_path: Path, text: str, words: str) -> None:
    (tmp_path / "own.toml").write_text(text, encoding="utf-8")
    with pytest.raises(ParameterError, match=words):
        read_figures(tmp_path / "own.toml")
    with pytest.raises(ParameterError, match="averting local-figures"):
        read_figures(tmp_path / "none.toml")


def test_the_command_writes_and_never_over_a_file(
    workbook: Write, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from averting.cli import main

    monkeypatch.chdir(tmp_path)
    workbook("b.xlsx", Sheet1=benchmarking(SALFORD))
    with pytest.raises(SystemExit) as ended:
        main(["local-figures", "b.xlsx"])
    assert ended.value.code == 0
    assert 'local_figures = "local-figures.toml"' in capsys.readouterr().out
    found = load_parameters("after_exclusion", la="Salford", own="local-figures.toml")
    assert found["ap_top_up"].central == pytest.approx(12_000)
    with pytest.raises(SystemExit):
        main(["local-figures", "b.xlsx"])
    assert "is there already" in capsys.readouterr().err
