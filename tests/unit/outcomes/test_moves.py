"""Placements and transitions: by hand, against peers, and nothing small told."""

from __future__ import annotations

import json
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from averting import cli
from averting.data.disclosure import load_rules
from averting.errors import DataError, EvaluationError
from averting.evaluation.moves import where_pupils_went
from averting.outcomes.moves import compared, placement_table, read_placements, transitions, wilson

EXACT, ROUNDED = load_rules("under_five_exact"), load_rules("under_five")


def _send() -> pd.DataFrame:
    """Salford's excluded pupils without SEND, in hundreds: 63 % to SEN support, 9 % to a plan; and an invented comparison."""
    rows = [
        ("excluded", "none", then) for then, n in (("support", 63), ("plan", 9), ("none", 28)) for _ in range(n)
    ]
    rows += [
        ("others", "none", then) for then, n in (("support", 20), ("plan", 10), ("none", 170)) for _ in range(n)
    ]
    return pd.DataFrame(rows, columns=["who", "before", "after"])


def test_shares_and_their_difference_are_those_of_the_peer(peer):
    table = transitions(_send(), before="before", after="after", group="who", rules=EXACT)
    at = table.set_index(["group", "after"])
    assert at.loc[("excluded", "support"), "share"] == 0.63
    assert at.loc[("excluded", "plan"), "share"] == 0.09
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        proportion = peer("statsmodels.stats.proportion")
    low, high = proportion.proportion_confint(63, 100, method="wilson")
    assert (
        at.loc[("excluded", "support"), "share_lower"],
        at.loc[("excluded", "support"), "share_upper"],
    ) == pytest.approx((low, high))
    gap = compared(table, one="excluded", other="others").set_index("after")
    low, high = proportion.confint_proportions_2indep(63, 100, 20, 200, method="newcomb")
    assert gap.loc["support", "difference"] == pytest.approx(0.53)
    assert gap.loc["support", ["difference_lower", "difference_upper"]].tolist() == pytest.approx(
        [low, high], abs=1e-3
    )
    with pytest.raises(DataError, match="No group 'nobody'"):
        compared(table, one="nobody", other="others")


def test_a_small_cell_and_what_gives_it_away_are_withheld():
    rows = [
        ("school", then)
        for then, n in (("provision", 40), ("home", 3), ("other school", 60), ("missing", 12))
        for _ in range(n)
    ]
    table = transitions(
        pd.DataFrame(rows, columns=["from", "to"]), before="from", after="to", rules=ROUNDED
    ).set_index("after")
    assert table.loc["home", "withheld"]
    assert np.isnan(table.loc["home", "share"])
    assert table["withheld"].sum() >= 2


def test_states_that_are_none_are_refused():
    many = pd.DataFrame({"from": [f"school {i}" for i in range(40)], "to": "x"})
    with pytest.raises(DataError, match="it has 40 states"):
        transitions(many, before="from", after="to", rules=EXACT)
    with pytest.raises(DataError, match="1 rows are blank"):
        transitions(pd.DataFrame({"from": ["a", ""], "to": ["x", "y"]}), before="from", after="to", rules=EXACT)


def test_wilson_stays_within_0_and_1():
    assert wilson(0, 10, 0.95)[0] == 0
    assert wilson(10, 10, 0.95)[1] == pytest.approx(1)


def _placements(folder: Path, numbers: dict[str, int]) -> Path:
    rows = []
    for reason, number in numbers.items():
        for i in range(number):
            end = "" if i % 3 == 0 else f"2023-{2 + i % 5:02d}-01"
            rows.append((f"p{i}", "2023-01-01", end, reason, 100, 60 + i % 20))
    path = folder / "placements.csv"
    columns = ["pupil", "start", "end", "reason", "sessions_possible", "sessions_attended"]
    pd.DataFrame(rows, columns=columns).to_csv(path, index=False)
    return path


def test_placements_last_as_long_as_the_product_limit_says(tmp_path, peer):
    records = read_placements(_placements(tmp_path, {"behaviour": 45, "exclusion": 30}))
    table = placement_table(records, until="2023-07-31", rules=EXACT).set_index("reason")
    part = records[records["reason"] == "behaviour"]
    ended = part["end"].notna()
    days = (part["end"].fillna(pd.Timestamp("2023-07-31")) - part["start"]).dt.days
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        theirs = peer("statsmodels.api").SurvfuncRight(days.to_numpy(), ended.astype(int).to_numpy())
    assert table.loc["behaviour", "median_days"] == theirs.quantile(0.5)
    assert table.loc["behaviour", "attendance"] == pytest.approx(part["attended"].sum() / part["possible"].sum())
    assert table.loc["behaviour", "still_placed"] == pytest.approx(1 / 3)
    assert table.loc["all", "placements"] == 75


def test_reasons_of_few_placements_are_withheld_with_the_total(tmp_path):
    records = read_placements(_placements(tmp_path, {"behaviour": 45, "illness": 3}))
    table = placement_table(records, until="2023-07-31", rules=ROUNDED).set_index("reason")
    assert table.loc["illness"].isna().all()
    assert table["placements"].isna().sum() == 2  # else the one is the rest


@pytest.mark.parametrize(
    ("row", "told"),
    [
        ("p1,2023-01-01,2022-01-01,x,10,5", "row 2, end"),
        ("p1,1 Jan,,x,10,5", "row 2, start"),
        ("p1,2023-01-01,,,10,5", "row 2, reason"),
        ("p1,2023-01-01,,x,10,15", "row 2, sessions_attended"),
    ],
)
def test_placements_that_cannot_be_read_are_refused_without_the_pupil(tmp_path, row, told):
    path = tmp_path / "placements.csv"
    path.write_text(f"pupil,start,end,reason,sessions_possible,sessions_attended\n{row}\n", encoding="utf-8")
    with pytest.raises(DataError, match=told) as refused:
        read_placements(path)
    assert "p1" not in str(refused.value)


def test_the_command_prints_tables_and_says_that_they_are_no_effects(tmp_path, capsys):
    _placements(tmp_path, {"behaviour": 45, "exclusion": 30})
    _send().to_csv(tmp_path / "send.csv", index=False)
    asked = (
        '[placements]\npath = "placements.csv"\nuntil = 2023-07-31\n[[transitions]]\nname = "needs recorded after"\n'
        'path = "send.csv"\nbefore = "before"\nafter = "after"\ngroup = "who"\none = "excluded"\nother = "others"\n'
    )
    (tmp_path / "moves.toml").write_text(asked, encoding="utf-8")
    with pytest.raises(SystemExit) as ended:
        cli.main(["moves", str(tmp_path / "moves.toml")])
    assert not ended.value.code
    printed = capsys.readouterr().out
    assert "are no effects" in printed
    assert "needs recorded after: excluded less others" in printed
    json.dumps(where_pupils_went(tmp_path / "moves.toml").to_dict())
    (tmp_path / "moves.toml").write_text(asked.replace('other = "others"\n', ""), encoding="utf-8")
    with pytest.raises(EvaluationError, match="it needs group, one and other"):
        where_pupils_went(tmp_path / "moves.toml")
