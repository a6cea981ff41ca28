from __future__ import annotations

from pathlib import Path

import pytest

from averting.data import load_indicators
from averting.errors import DataError
from averting.resources import models_dir


def test_declared_indicators_know_old_and_new_column_names() -> None:
    indicators = load_indicators()
    assert list(indicators) == ["permanent_exclusions", "suspensions", "pupils_suspended"]
    assert indicators["suspensions"].columns == ("fixed_excl", "suspension", "susp")
    assert indicators["pupils_suspended"].unit == "pupils"
    assert {indicator.direction for indicator in indicators.values()} == {"lower"}


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('unit = "events"\n', "", "'unit' is missing"),
        ('unit = "events"', 'unit = "children"', "Use one of: events, pupils"),
        ('direction = "lower"', 'direction = "down"', "Use one of: lower, higher"),
        ('columns = ["perm_excl"]', 'columns = "perm_excl"', "not a list of names"),
        ('unit = "events"', 'unit = "events"\ncolour = "red"', "unknown key 'colour'"),
        ("[permanent_exclusions]", "[permanent_exclusions", "not valid TOML"),
    ],
)
def test_incomplete_table_is_refused(tmp_path: Path, old: str, new: str, message: str) -> None:
    text = (models_dir() / "indicators.toml").read_text()
    path = tmp_path / "indicators.toml"
    path.write_text(text.replace(old, new, 1))
    with pytest.raises(DataError, match=message):
        load_indicators(path)


def test_all_faults_are_listed_at_once(tmp_path: Path) -> None:
    text = (models_dir() / "indicators.toml").read_text()
    path = tmp_path / "indicators.toml"
    path.write_text(text.replace("unit =", "units ="))
    with pytest.raises(DataError) as refusal:
        load_indicators(path)
    assert len(refusal.value.faults) == 6  # one missing and one unknown key in each of three tables
    assert "indicators.toml, suspensions" in str(refusal.value)
