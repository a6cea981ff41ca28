from __future__ import annotations

from pathlib import Path

import pytest

from averting.data import load_indicators
from averting.errors import DataError
from averting.resources import models_dir
from averting.units import UNITS

DISPLACEMENT = {
    "managed_moves",
    "off_site_direction",
    "ap_placements",
    "elective_home_education",
    "part_time_timetables",
    "unexplained_exits",
}


def test_declared_indicators_know_old_and_new_column_names() -> None:
    indicators = load_indicators()
    assert list(indicators)[:3] == ["permanent_exclusions", "suspensions", "pupils_suspended"]
    assert indicators["suspensions"].columns == ("fixed_excl", "suspension", "susp")
    assert indicators["pupils_suspended"].unit == "pupils"
    assert {indicators[key].direction for key in list(indicators)[:3]} == {"lower"}


def test_the_common_outcomes_framework_is_whole() -> None:
    indicators = load_indicators()
    wanted = DISPLACEMENT | {
        "days_lost",
        "persistent_absence",
        "severe_absence",
        "attendance",
        "english_and_maths",
        "neet",
        "send_after_exclusion",
    }
    assert wanted <= set(indicators)
    assert {indicators[key].domain for key in DISPLACEMENT} == {"displacement"}
    assert any(indicator.domain == "output" for indicator in indicators.values())
    assert {indicator.level for indicator in indicators.values()} == {"pupil", "school", "system"}
    assert {indicator.kind for indicator in indicators.values()} == {"count", "share", "mean"}


def test_managed_moves_have_no_better_direction() -> None:
    assert load_indicators()["managed_moves"].direction == "none"


def test_every_shipped_indicator_says_where_the_founding_documents_ask_for_it() -> None:
    for indicator in load_indicators().values():
        assert indicator.reference.startswith("seed_facts 3, "), indicator.key


def test_every_unit_of_an_indicator_is_a_unit_of_averting() -> None:
    assert {indicator.unit for indicator in load_indicators().values()} <= UNITS


def test_a_column_name_belongs_to_one_indicator() -> None:
    columns = [column for indicator in load_indicators().values() for column in indicator.columns]
    assert len(columns) == len(set(columns))


OWN = """
[{key}]
label = "Detentions"
definition = "After-school detentions given."
level = "pupil"
domain = "behaviour"
kind = "count"
unit = "events"
exposure = "headcount"
direction = "lower"
data_source = "school records"
source = "the evaluation's own definition"
"""


@pytest.mark.parametrize("key", ["detentions", "indicators.detentions"])
def test_an_evaluations_own_table_joins_the_shipped_ones(tmp_path: Path, key: str) -> None:
    own = tmp_path / "indicators.toml"
    own.write_text(OWN.format(key=key))
    found = load_indicators(own=own)
    assert list(found) == [*load_indicators(), "detentions"]
    assert (found["detentions"].columns, found["detentions"].reference) == ((), "")


def test_an_evaluation_cannot_redefine_a_shipped_indicator(tmp_path: Path) -> None:
    own = tmp_path / "indicators.toml"
    own.write_text(OWN.format(key="suspensions"))
    with pytest.raises(DataError, match="Give yours another name"):
        load_indicators(own=own)


def test_an_evaluation_without_its_own_file_has_the_shipped_indicators(tmp_path: Path) -> None:
    assert load_indicators(own=tmp_path / "indicators.toml") == load_indicators()


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('unit = "events"\n', "", "'unit' is missing"),
        ('unit = "events"', 'unit = "children"', "Use one of: events, pupils"),
        ('direction = "lower"', 'direction = "down"', "Use one of: lower, higher, none"),
        ('columns = ["perm_excl"]', 'columns = "perm_excl"', "not a list of names"),
        ('unit = "events"', 'unit = "events"\ncolour = "red"', "unknown key 'colour'"),
        ('kind = "count"', 'kind = "rate"', "Use one of: count, share, mean"),
        ('exposure = "headcount"', 'exposure = "head count"', "Use one word"),
        ('domain = "exclusion"', "domain = 3", "domain is not text"),
        ("[permanent_exclusions]", "[Permanent]", "cannot be a key"),
        ("[permanent_exclusions]", "[permanent_exclusions", "not valid TOML"),
    ],
)
def test_incomplete_table_is_refused(tmp_path: Path, old: str, new: str, message: str) -> None:
    text = (models_dir() / "indicators.toml").read_text(encoding="utf-8")
    path = tmp_path / "indicators.toml"
    path.write_text(text.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(DataError, match=message):
        load_indicators(path)


def test_all_faults_are_listed_at_once(tmp_path: Path) -> None:
    text = (models_dir() / "indicators.toml").read_text(encoding="utf-8")
    path = tmp_path / "indicators.toml"
    path.write_text(text.replace("\nunit =", "\nunits ="), encoding="utf-8")
    with pytest.raises(DataError) as refusal:
        load_indicators(path)
    # one missing and one unknown key in each table
    assert len(refusal.value.faults) == 2 * len(load_indicators())
    assert "indicators.toml, suspensions" in str(refusal.value)
