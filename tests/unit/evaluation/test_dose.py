"""``[dose]`` of a file on delivery: from records and an evaluation to what may be said, without a school's dose."""

from __future__ import annotations

import json
import re

import pandas as pd
import pytest

from averting.data import simulate_pilot
from averting.errors import EvaluationError
from averting.evaluation.delivery import what_was_delivered
from averting.evaluation.settings import FILE


@pytest.fixture
def here(quick_text, tmp_path):
    """Make an evaluation with some pilots, records of contacts by school, and a file that asks for dose."""

    def make(pilots, schools=None):
        made = simulate_pilot(seed=3, pilots=pilots, comparison=14)
        text = re.sub(r"(?m)^pilots = .*", f"pilots = {json.dumps(list(made.pilots))}", quick_text)
        (tmp_path / "mine" / "data").mkdir(parents=True)
        (tmp_path / "mine" / FILE).write_text(text, encoding="utf-8")
        made.frame.to_csv(tmp_path / "mine" / "data" / "simulated_schools.csv", index=False)
        rows = [
            (f"{school}-{i}", "contact", "2021-11-09", "2021/22", school)
            for at, school in enumerate(schools or made.pilots)
            for i in range(10 + 7 * at)
        ]
        columns = ["case", "kind", "date", "period", "school"]
        pd.DataFrame(rows, columns=columns).to_csv(tmp_path / "records.csv", index=False)
        asked = 'records = "records.csv"\n[dose]\nevaluation = "mine"\nindicator = "permanent_exclusions"\nof = ["contact"]\n'
        (tmp_path / "delivery.toml").write_text(asked, encoding="utf-8")
        return tmp_path / "delivery.toml"

    return make


def test_five_pilots_have_a_slope_with_its_caveat_and_no_dose_of_a_school(here):
    found = what_was_delivered(here(5))
    *_, said = found.statements  # after what is said of counts
    assert said.startswith("By dose (contacts per 100 pupils), between 5 pilots")
    assert "association between pilots and no effect of dose" in said
    (row,) = found.tables["by dose, between pilots"].to_dict("records")
    assert row["pilots"] == 5
    assert row["lower"] <= row["ratio"] <= row["upper"]


def test_three_pilots_have_none(here):
    found = what_was_delivered(here(3))
    assert "it cannot be told" in found.statements[-1]
    assert "by dose, between pilots" not in found.tables


def test_schools_that_are_no_pilots_or_not_named_are_refused(here, tmp_path):
    path = here(3, schools=["800001", "800002"])
    with pytest.raises(EvaluationError, match="2 schools of the records are no pilots"):
        what_was_delivered(path)
    records = pd.read_csv(tmp_path / "records.csv").drop(columns="school")
    records.to_csv(tmp_path / "records.csv", index=False)
    with pytest.raises(EvaluationError, match="name no school"):
        what_was_delivered(path)
    path.write_text(path.read_text(encoding="utf-8").replace('["contact"]', '["hug"]'), encoding="utf-8")
    with pytest.raises(EvaluationError, match="'hug' is no kind of record"):
        what_was_delivered(path)
