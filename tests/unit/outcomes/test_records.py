"""Rolls term by term, and suspensions by reason and pupil: by hand, and nothing small told."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from averting.data.disclosure import load_rules, protect
from averting.errors import DataError
from averting.outcomes.moves import transitions
from averting.outcomes.rolls import NOWHERE, TERM, read_rolls, roll_changes
from averting.outcomes.suspensions import read_suspensions, suspension_counts, suspension_tables

EXACT = load_rules("under_five_exact")


def _rolls(folder, rows):
    path = folder / "rolls.csv"
    pd.DataFrame(rows, columns=["pupil", "period", "setting"]).to_csv(path, index=False)
    return path


def test_rolls_are_compared_term_by_term(tmp_path):
    terms = ("2022/23 Autumn", "2022/23 Spring", "2022/23 Summer")
    rows = [(f"p{i}", term, "mainstream") for i in range(40) for term in terms[: 3 - (i < 10)]]  # ten leave
    rows += [(f"q{i}", terms[2], "alternative provision") for i in range(6)]  # six join
    changes = roll_changes(read_rolls(_rolls(tmp_path, rows)))
    table = transitions(changes, before="from", after="to", group=TERM, rules=EXACT).set_index(
        ["group", "before", "after"]
    )
    last = f"{terms[1]} and {terms[2]}"
    assert table.loc[(last, "mainstream", NOWHERE), "share"] == 10 / 40
    assert table.loc[(last, NOWHERE, "alternative provision"), "share"] == 1
    assert table.loc[(f"{terms[0]} and {terms[1]}", "mainstream", "mainstream"), "share"] == 1


@pytest.mark.parametrize(
    ("rows", "told"),
    [
        ([("p", "2022/23", "home")], "it holds one period"),
        ([("p", "2022/23", "home"), ("p", "2022/23", "home")], "row 3, pupil and period: they stand twice"),
        ([("", "2022/23", "home"), ("p", "soon", "")], "row 2, pupil"),
    ],
)
def test_rolls_that_cannot_be_compared_are_refused(tmp_path, rows, told):
    with pytest.raises(DataError, match=told):
        read_rolls(_rolls(tmp_path, rows))


def _suspensions(folder, often, reasons=("disruption",)):
    rows = [
        (f"p{i}", "suspension", reasons[i % len(reasons)], 2)
        for i, times in enumerate(often)
        for _ in range(times)
    ]
    path = folder / "suspensions.csv"
    pd.DataFrame(rows, columns=["pupil", "kind", "reason", "days"]).to_csv(path, index=False)
    return read_suspensions(path)


def test_suspensions_a_pupil_and_days_lost_by_hand(tmp_path):
    records = _suspensions(tmp_path, [1] * 20 + [2] * 10 + [12] * 5, ("disruption", "assault"))
    (public,), _ = protect([suspension_counts(records)], EXACT)
    tables = suspension_tables(records, public)
    repeat = tables["repeat suspensions"].set_index("suspended")
    assert repeat.loc["once", ["pupils", "share", "days_each"]].tolist() == [20, 20 / 35, 2]
    assert repeat.loc["10 times or more", ["pupils", "days_each"]].tolist() == [5, 24]
    assert repeat.loc["all", ["pupils", "days_each"]].tolist() == [35, 2 * (20 + 20 + 60) / 35]
    reasons = tables["reasons"].set_index("reason")
    assert reasons["events"].sum() == 100
    assert reasons["share"].sum() == 1


def test_few_pupils_suspended_often_are_withheld_and_not_the_rest_of_all(tmp_path):
    records = _suspensions(tmp_path, [1] * 20 + [2] * 10 + [12] * 2)
    (public,), _ = protect([suspension_counts(records)], EXACT)
    repeat = suspension_tables(records, public)["repeat suspensions"].set_index("suspended")
    assert repeat.loc["10 times or more"].isna().all()
    assert repeat["pupils"].isna().sum() >= 2
    assert np.isnan(repeat.loc["all", "days_each"])


def test_suspensions_that_cannot_be_read_are_refused_without_the_pupil(tmp_path):
    path = tmp_path / "suspensions.csv"
    path.write_text("pupil,kind,reason,days\nAda,suspension,,60\n", encoding="utf-8")
    with pytest.raises(DataError, match="row 2, reason") as refused:
        read_suspensions(path)
    assert "Ada" not in str(refused.value)
    assert "row 2, days" in str(refused.value)
