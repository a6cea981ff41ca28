"""``averting new`` drafts which column is which, asks people to check it, and never guesses what a symbol hides."""

from __future__ import annotations

import tomllib
from pathlib import Path, PureWindowsPath

import pandas as pd
import pytest

import averting as av
from averting.errors import DataError, EvaluationError
from averting.evaluation.answers import Answers, new_from
from averting.evaluation.guessed import guess_roles

HEADERS = {
    "council": (
        ["School name", "URN", "Ac Year", "NOR (Jan)", "FTS", "Perm Ex", "Phase", "Programme school?"],
        {"school": "URN", "period": "Ac Year", "exposure": "NOR (Jan)", "suspensions": "FTS", "permanent_exclusions": "Perm Ex",
         "name": "School name", "phase": "Phase"},
    ),
    "words": (
        ["urn", "academic_year", "number_on_roll", "permanent_exclusions", "suspensions", "la_name"],
        {"school": "urn", "period": "academic_year", "exposure": "number_on_roll", "suspensions": "suspensions",
         "permanent_exclusions": "permanent_exclusions", "la": "la_name"},
    ),
    "terms": (["School", "Term", "Roll", "PEX", "Susps"],
              {"school": "School", "period": "Term", "exposure": "Roll", "permanent_exclusions": "PEX", "suspensions": "Susps"}),
    "strangers": (["a", "b", "Notes"], {}),
}  # fmt: skip


@pytest.mark.parametrize(("header", "expected"), HEADERS.values(), ids=list(HEADERS))
def test_columns_are_known_by_common_names(header: list[str], expected: dict[str, str]) -> None:
    assert guess_roles(header) == expected


def table(path: Path) -> Path:
    rows = [
        (f"1000{school:02d}", year, 900 + school, 40, "x" if school % 2 else 3, "Secondary")
        for school in range(14)
        for year in ("2021-22", "2022-23", "2023-24")
    ]
    frame = pd.DataFrame(rows, columns=["URN", "Ac Year", "NOR (Jan)", "FTS", "Perm Ex", "Phase"])
    frame.to_csv(path, index=False)
    return path


def test_a_messy_table_needs_only_its_symbol_explained(tmp_path: Path) -> None:
    data = table(tmp_path / "Exclusions (FINAL v2).csv")
    answers = Answers(title="Ours", data=data, pilots=("100000", "100003", "100006"), start="2022/23")
    made, left = new_from(tmp_path / "Our pilot", answers)
    assert any("'x'" in one for one in left)
    with pytest.raises(DataError, match="'x' is neither a count nor a declared symbol"):
        av.check(made)
    settings = made / "evaluation.toml"
    text = settings.read_text(encoding="utf-8")
    assert tomllib.loads(text)["design"]["comparison"]["on"] == ["phase"]
    settings.write_text(
        text.replace("# [data.symbols]", "[data.symbols]").replace('# "x" = [1, 2]', '"x" = [1, 2]'),
        encoding="utf-8",
    )
    assert len(av.check(made).design.comparison) == 11


def test_what_the_table_lacks_is_asked_for(tmp_path: Path) -> None:
    data = tmp_path / "schools.csv"
    data.write_text("URN,Perm Ex,Notes\n100001,3,-\n", encoding="utf-8")
    made, left = new_from(tmp_path / "new", Answers(data=data))
    text = (made / "evaluation.toml").read_text(encoding="utf-8")
    assert '# exposure = "..."   # EDIT: the column with the number of pupils' in text
    assert any(one.startswith("[data.columns] period: the column with the academic year") for one in left)
    assert tomllib.loads(text)["design"]["comparison"] == {"rule": "all"}


def test_a_windows_path_does_not_enter_the_file(tmp_path: Path) -> None:
    data = table(tmp_path / "Exclusions.CSV")
    made, _ = new_from(tmp_path / "new", Answers(data=data))
    path = tomllib.loads((made / "evaluation.toml").read_text(encoding="utf-8"))["data"]["path"]
    assert path == "data/Exclusions.CSV"
    assert PureWindowsPath(path).as_posix() == path


def test_a_file_called_nearly_so_is_named(tmp_path: Path) -> None:
    made, _ = new_from(tmp_path / "new", Answers(data=table(tmp_path / "Schools.csv")))
    settings = made / "evaluation.toml"
    text = settings.read_text(encoding="utf-8")
    settings.write_text(text.replace("data/Schools.csv", "data/school.CSV"), encoding="utf-8")
    with pytest.raises(DataError, match=r"There is Schools\.csv: write the name exactly so"):
        av.check(made)
    settings.write_text(text.replace("data/Schools.csv", "data\\schools.csv"), encoding="utf-8")
    with pytest.raises(EvaluationError, match="Write paths with forward slashes, on Windows too"):
        av.check(made)
