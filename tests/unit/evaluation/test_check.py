"""`check` finds what is wrong between evaluation.toml, the data and the models, before anything slow is done."""

from __future__ import annotations

import copy
import math
from collections.abc import Iterator
from typing import Any

import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from averting.checks import worst
from averting.data import simulate_pilot
from averting.errors import AvertingError, DataError, DesignError, EvaluationError, ParameterError, UnitError
from averting.evaluation import check, load_evaluation
from averting.evaluation.settings import FILE


@pytest.fixture(scope="module")
def schools(tmp_path_factory):
    """The demonstration's data, written once."""
    path = tmp_path_factory.mktemp("data") / "schools.csv"
    simulate_pilot(seed=1).write(path)
    return path


def test_a_sound_evaluation_holds_together_and_nothing_is_written(values, write, schools):
    folder = write(values)
    checked = check(folder, data=schools)
    assert len(checked.design.comparison) == 40
    assert worst(checked.checks) != "fail"
    assert {one.key.split("/")[0] for one in checked.checks} >= {"data", "design"}
    assert [path.name for path in folder.iterdir()] == [FILE]


# what is changed, the error, and what it must say
WRONG = [
    (("data", "phase"), "Tertiary", DataError, "Tertiary"),
    (("data", "first_period"), "2030/31", DataError, "no period lies between 2030/31"),
    (("data", "level"), "local authority", DataError, "local authority"),
    (("design", "pilots"), ["111111", "900007"], DesignError, "pilot 111111: this school is not in the data"),
    (("design", "pilots"), [], DesignError, "no pilots"),
    (("design", "start"), "2031/32", DesignError, "2031/32 is not in the data. The data run from 2013/14"),
    (("design", "start"), "2013/14", DesignError, "no period before 2013/14"),
    (("design", "comparison"), {"rule": "list", "schools": ["1", "2"]}, DesignError, "comparison school 1: not in"),
    (("estimate", 1, "indicator"), "truancy", DataError, "truancy"),
    (("costs", "families"), ["gold"], ParameterError, "no family of parameters 'gold'"),
    (("costs", "families"), [], ParameterError, "at least one family"),
    (("costs", "local_authority"), "Atlantis", ParameterError, "no figures of 'Atlantis'"),
    (("costs", "price_year"), "2041-42", UnitError, "no 2041-42"),
    (("appraisal", "base_year"), "2022-23", EvaluationError, "money moves from 2021-22"),
    (("appraisal", "discounting"), "1066", ParameterError, "no Green Book edition '1066'"),
    (("programme", 0, "year"), "2020-21", EvaluationError, "money moves from 2020-21"),
    (("programme", 1, "price_year"), "1066-67", EvaluationError, "not a financial year"),
    (("programme", 1, "price_year"), "2041-42", UnitError, "no 2041-42"),
    (("costs", "override"), {"gold": {"value": 1, "reason": "r"}}, ParameterError, "override 'gold': there is no"),
    (("scenario", 0, "override"), {"gold": {"value": 1, "reason": "r"}}, ParameterError, "override 'gold': there is no"),
    (
        ("scenario", 0, "override", "return_to_mainstream_hazard", "value"), 500, ParameterError,
        "outside plausible",
    ),
]  # fmt: skip


@pytest.mark.parametrize(("path", "value", "error", "words"), WRONG, ids=lambda part: str(part)[:50])
def test_what_does_not_fit_is_refused_before_anything_slow(values, write, schools, path, value, error, words):
    *above, last = path
    target: Any = values
    for step in above:
        target = target[step]
    target[last] = value
    with pytest.raises(error) as caught:
        check(write(values), data=schools)
    assert words in str(caught.value)


def test_missing_data_say_where_they_were_looked_for(values, write):
    with pytest.raises(DataError, match=r"data.simulated_schools\.csv does not exist.*--data"):
        check(write(values))


def test_data_given_on_the_side_replace_the_path(values, write, schools, tmp_path):
    frame = pd.read_csv(schools, dtype=str)
    few = frame[frame["urn"].isin(["900007", "900017", "900039", "900001", "900002"])]
    few.to_csv(tmp_path / "few.csv", index=False)
    checked = check(write(values), data=tmp_path / "few.csv")
    assert checked.design.comparison == ("900001", "900002")
    assert checked.evaluation.data.path == tmp_path / "few.csv"


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Every key and position of a nested value."""
    pairs = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in pairs:
        yield (*path, key)
        yield from places(item, (*path, key))


ODD = st.sampled_from(
    ["", " ", "x", "2021/22", "2021-22", "../../x", "<script>", "é\u202e", "a" * 300, 0, 1, -1, 7, 2021, 10**12, 0.5,
     -0.5, 1e300, math.nan, math.inf, True, False, [], ["x"], [1, 2], [[]], [{}], {}, {"x": 1}, {"value": 1}]
)  # fmt: skip


@settings(max_examples=250, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_no_edit_of_the_file_ends_in_a_traceback(values, write, schools, data):
    changed = copy.deepcopy(values)
    for _ in range(data.draw(st.integers(1, 3))):
        found = list(places(changed))
        if not found:
            break
        *above, last = data.draw(st.sampled_from(found))
        target = changed
        for step in above:
            target = target[step]
        match data.draw(st.sampled_from(["drop", "rename", "retype", "double"])):
            case "drop":
                del target[last]
            case "rename" if isinstance(target, dict):
                target[data.draw(st.sampled_from(["", "odd key", f"{last}s", "id", "value"]))] = target.pop(last)
            case "double" if isinstance(target, list):
                target.append(target[last])
            case _:
                target[last] = copy.deepcopy(data.draw(ODD))
    folder = write(changed)
    try:
        load_evaluation(folder)
        check(folder, data=schools)
    except AvertingError as error:
        assert str(error)
