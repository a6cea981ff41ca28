"""Pupil-level records become counts by school and period, and nothing about a pupil leaves in a message."""

from __future__ import annotations

import datetime
import sys
from pathlib import Path
from typing import Any

import dateutil.easter
import numpy as np
import pandas as pd
import pytest

from averting.data.pupils import read_pupil_records
from averting.errors import DataError, MissingExtraError
from averting.years import Period, easter

TYPES = {"suspensions": "SUSP", "pupils_suspended": "SUSP", "permanent_exclusions": ["PERM", "PERMX"]}


def term_of(date: datetime.date) -> str:
    year = date.year - (date.month < 9)
    spring_ends = dateutil.easter.easter(date.year)
    term = "Autumn" if date.month >= 9 else "Spring" if date <= spring_ends else "Summer"
    return f"{year}/{(year + 1) % 100:02d} {term}"


@pytest.fixture
def records() -> pd.DataFrame:
    rng = np.random.default_rng(5)
    days = rng.integers(0, 3 * 365, 4000)
    return pd.DataFrame(
        {
            "school": rng.choice(["100001", "100002", "100003"], 4000),
            "pupil": [f"SECRET{number}" for number in rng.integers(0, 300, 4000)],
            "date": [datetime.date(2021, 9, 1) + datetime.timedelta(int(day)) for day in days],
            "type": rng.choice(["SUSP", "PERM", "PERMX", "LATE"], 4000),
        }
    )


def write(frame: pd.DataFrame, path: Path) -> Path:
    frame.to_parquet(path) if path.suffix == ".parquet" else frame.to_csv(path, index=False)
    return path


def test_easter_is_that_of_the_calendar() -> None:
    assert all(easter(year) == dateutil.easter.easter(year) for year in range(1900, 2200))


@pytest.mark.parametrize("name", ["records.parquet", "records.csv"])
def test_counts_are_those_of_pandas(records: pd.DataFrame, tmp_path: Path, name: str) -> None:
    panel = read_pupil_records(write(records, tmp_path / name), TYPES)
    expected = records.assign(period=records["date"].map(term_of))
    groups = expected.groupby(["school", "period"])
    assert panel.exposure.to_series().to_dict() == groups["pupil"].nunique().to_dict()
    for key, of_type, count in [
        ("suspensions", ["SUSP"], "size"),
        ("pupils_suspended", ["SUSP"], "nunique"),
        ("permanent_exclusions", ["PERM", "PERMX"], "size"),
    ]:
        part = expected[expected["type"].isin(of_type)].groupby(["school", "period"])["pupil"].agg(count)
        found = panel.data["value"].sel(indicator=key).to_series()
        assert found[found > 0].to_dict() == part.to_dict()
    late = int((records["type"] == "LATE").sum())
    assert any(check.message.startswith(f"{late:,} records are of a type") for check in panel.checks)


def test_by_year_a_pupil_suspended_in_two_terms_counts_once(records: pd.DataFrame, tmp_path: Path) -> None:
    panel = read_pupil_records(write(records, tmp_path / "r.parquet"), TYPES, frequency="year")
    year = records["date"].map(lambda date: Period.parse(term_of(date)).year.label)
    part = records[records["type"] == "SUSP"].assign(period=year).groupby(["school", "period"])["pupil"].nunique()
    assert panel.data["value"].sel(indicator="pupils_suspended").to_series().to_dict() == part.to_dict()


@pytest.mark.parametrize(
    ("date", "period"),
    [
        ("2021-09-01", "2021/22 Autumn"),
        ("2021-12-31", "2021/22 Autumn"),
        ("2022-01-01", "2021/22 Spring"),
        ("2022-04-17", "2021/22 Spring"),  # Easter Sunday
        ("2022-04-18", "2021/22 Summer"),
        ("2022-08-31", "2021/22 Summer"),
    ],
)
def test_terms_begin_and_end_with_the_collection(tmp_path: Path, date: str, period: str) -> None:
    frame = pd.DataFrame({"school": ["1"], "pupil": ["p"], "date": [date], "type": ["SUSP"]})
    assert read_pupil_records(write(frame, tmp_path / "r.csv"), {"suspensions": "SUSP"}).periods == (period,)


@pytest.fixture
def small(tmp_path: Path) -> Path:
    rows = [("1", "p", "2021-10-01", "SUSP"), ("1", "p", "2021-11-01", "SUSP"), ("2", "q", "2022-02-01", "SUSP")]
    return write(pd.DataFrame(rows, columns=["URN", "UPN", "start", "kind"]), tmp_path / "small.csv")


NAMES = {"school": "URN", "pupil": "UPN", "date": "start", "type": "kind"}


def test_a_roll_gives_exposure_and_zeros_within_the_span_of_the_records(small: Path, tmp_path: Path) -> None:
    rows = [(school, f"p{i}", year) for school in "123" for year in ("2021/22", "202223") for i in range(5)]
    roll = write(pd.DataFrame([*rows, rows[0]], columns=["school", "pupil", "period"]), tmp_path / "roll.csv")
    panel = read_pupil_records(small, {"suspensions": "SUSP"}, roll=roll, columns=NAMES)
    assert panel.periods == ("2021/22 Autumn", "2021/22 Spring")
    assert panel.data["value"].sel(indicator="suspensions").values.tolist() == [[2, 0], [0, 1], [0, 0]]
    assert (panel.exposure.values == 5).all()
    assert any("12 school-periods of the roll lie outside" in check.message for check in panel.checks)


def test_records_of_a_school_that_is_not_on_the_roll_are_missing_not_lost(small: Path, tmp_path: Path) -> None:
    frame = pd.DataFrame([("1", "p", "2021/22")], columns=["school", "pupil", "period"])
    panel = read_pupil_records(
        small, {"suspensions": "SUSP"}, roll=write(frame, tmp_path / "roll.csv"), columns=NAMES
    )
    assert panel.data["status"].sel(indicator="suspensions", school="2", period="2021/22 Spring").item() == 2
    assert any(check.key == "data/zero_exposure" for check in panel.checks)


def refusal(path: Path, types: Any = None, **options: Any) -> str:
    with pytest.raises(DataError) as caught:
        read_pupil_records(path, types or {"suspensions": "SUSP"}, **options)
    message = str(caught.value)
    assert "SECRET" not in message
    assert caught.value.__suppress_context__ or "SECRET" not in str(caught.value.__cause__)
    return message


@pytest.mark.parametrize(
    ("column", "value", "words"),
    [
        ("school", "", "school: 1 of 4,000 records have no school"),
        ("pupil", None, "pupil: 1 of 4,000 records have no pupil"),
        ("date", "SECRET day", "date: 1 of 4,000 records have no date"),
        ("date", "20211-01-01", "date: 1 of 4,000 records have no date"),
    ],
)
def test_incomplete_records_are_counted_not_shown(
    records: pd.DataFrame, tmp_path: Path, column: str, value: str | None, words: str
) -> None:
    frame = records.astype(object)
    frame.loc[7, column] = value
    assert words in refusal(write(frame, tmp_path / "records.csv"))


def test_what_does_not_fit_is_refused(records: pd.DataFrame, tmp_path: Path) -> None:
    path = write(records, tmp_path / "records.parquet")
    assert "types, detentions: this indicator is not declared" in refusal(path, {"detentions": "D"})
    assert "types, neet: this indicator is a share" in refusal(path, {"neet": "D"})
    assert "no column 'UPN'" in refusal(path, columns={"pupil": "UPN"})
    assert "columns names child" in refusal(path, columns={"child": "UPN"})
    assert "there is no such file" in refusal(tmp_path / "none.parquet")
    assert "frequency is 'month'" in refusal(path, frequency="month")
    broken = tmp_path / "broken.parquet"
    broken.write_bytes(path.read_bytes()[:-50])
    assert "DuckDB could not count the pupil records" in refusal(broken)


def test_a_roll_that_does_not_fit_is_refused_without_its_values(small: Path, tmp_path: Path) -> None:
    frame = pd.DataFrame([("1", "SECRET1", "2021/22 Autumn")], columns=["school", "pupil", "period"])
    roll = write(frame, tmp_path / "roll.csv")
    swapped = {"pupil": "period", "period": "pupil"}
    assert "no academic year or term" in refusal(small, roll=roll, columns=NAMES, roll_columns=swapped)
    assert "The roll is by term" in refusal(small, roll=roll, columns=NAMES, frequency="year")


def test_quotes_in_names_and_types_are_text(records: pd.DataFrame, tmp_path: Path) -> None:
    frame = records.rename(columns={"type": 'the "type"'}).replace({'the "type"': {"SUSP": "it's"}})
    panel = read_pupil_records(
        write(frame, tmp_path / "it's.parquet"), {"suspensions": "it's"}, columns={"type": 'the "type"'}
    )
    assert float(panel.data["value"].sum()) == (records["type"] == "SUSP").sum()


def test_without_duckdb_the_extra_is_named(small: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "duckdb", None)
    with pytest.raises(MissingExtraError, match=r"averting\[pupils\]"):
        read_pupil_records(small, {"suspensions": "SUSP"})
