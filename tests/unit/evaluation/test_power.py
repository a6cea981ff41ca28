from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

from averting.cli import main
from averting.effects.power import DeclaredNoise
from averting.errors import EvaluationError
from averting.evaluation.power import power
from averting.evaluation.settings import FILE


def command(*arguments: str) -> None:
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    assert not ended.value.code


@pytest.fixture(scope="module")
def planned(make_quick: Callable[[Path], Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The demonstration's evaluation as it was before its pilot: the data end in the year before the start."""
    folder = make_quick(tmp_path_factory.mktemp("planned") / "demo")
    (path,) = (folder / "data").glob("*.csv*")
    frame = pd.read_csv(path, dtype=str)
    frame[frame["time_period"] < "202122"].to_csv(path, index=False)
    return folder


def test_data_before_the_start_are_enough_and_later_data_change_nothing(
    planned: Path, make_quick: Callable[[Path], Path], tmp_path: Path
) -> None:
    whole = make_quick(tmp_path / "demo")
    early, late = (power(folder, pilots=2, years_after=1, trials=100) for folder in (planned, whole))
    assert early.table.equals(late.table)
    assert early.basis.endswith("2013/14 to 2018/19")  # the Covid years are left out
    assert set(early.table["pilots"]) == {1, 2}


def test_command_prints_the_same_numbers_as_json(planned: Path, capsys: pytest.CaptureFixture[str]) -> None:
    command("power", str(planned), "--pilots", "1", "--years-after", "1", "--trials", "100", "--json")
    printed = json.loads(capsys.readouterr().out)
    found = power(planned, pilots=1, years_after=1, trials=100)
    assert printed["table"] == found.table.to_dict(orient="records")
    assert printed["smallest"][0]["pilots"] == 1


def test_command_for_declared_schools_needs_no_data(capsys: pytest.CaptureFixture[str]) -> None:
    asked = "power --pilots 1 --comparison 30 --mean 40 --size 50 --years-before 4 --years-after 1 --trials 100"
    command(*asked.split(), "--hidden", "1", "2", "--quiet")
    out, err = capsys.readouterr()
    assert "declared: 30 comparison schools with 40 a year (size 50)" in out
    assert re.search(r"1\s*│ 1\s*│ \d+%", out)
    assert err == ""


def test_a_folder_and_declared_schools_are_one_too_many(planned: Path) -> None:
    with pytest.raises(EvaluationError, match="Not both"):
        power(planned, declared=DeclaredNoise())
    with pytest.raises(EvaluationError, match="needs either"):
        power()


def test_a_pilot_that_is_not_in_the_data_is_named(planned: Path, tmp_path: Path) -> None:
    text = (planned / FILE).read_text(encoding="utf-8")
    changed = re.sub(r"(?m)^pilots = .*$", 'pilots = ["999999"]', text)
    assert changed != text
    (tmp_path / FILE).write_text(changed, encoding="utf-8")
    (data,) = (planned / "data").glob("*.csv*")
    with pytest.raises(EvaluationError, match="pilot 999999: this school is not in the data"):
        power(tmp_path, data=data)


def test_a_start_before_the_data_is_refused(planned: Path, tmp_path: Path) -> None:
    text = (planned / FILE).read_text(encoding="utf-8")
    (tmp_path / FILE).write_text(re.sub(r"(?m)^start = .*$", 'start = "2013/14"', text), encoding="utf-8")
    (data,) = (planned / "data").glob("*.csv*")
    with pytest.raises(EvaluationError, match="no period before 2013/14 is in the data"):
        power(tmp_path, data=data)
