"""Delivery: counts by hand, waits against a peer, and nothing small told."""

from __future__ import annotations

import json
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from averting import cli
from averting.appraisal.programme_tables import read_ledger
from averting.data.disclosure import load_rules
from averting.errors import DataError, EvaluationError
from averting.evaluation.delivery import DESCRIPTION, what_was_delivered
from averting.outcomes.delivery import read_delivery, waiting_quantile
from averting.outcomes.tidier import Version, versions_table

EXACT, ROUNDED = load_rules("under_five_exact"), load_rules("under_five")


def _records(cases: dict[str, int], folder: Path) -> Path:
    rows = []
    for period, number in cases.items():
        year = int(period[:4])
        for i in range(number):
            case = f"{period}-{i}"
            rows.append((case, "referral", f"{year}-10-01", period, ""))
            rows += [(case, "contact", f"{year}-11-{day:02d}", period, "") for day in range(1, 4)]
            rows.append((case, "spend", f"{year}-11-09", period, "50"))
            if i % 2:
                rows.append((case, "decision", f"{year}-10-{11 + i:02d}", period, ""))
    path = folder / "records.csv"
    pd.DataFrame(rows, columns=["case", "kind", "date", "period", "amount"]).to_csv(path, index=False)
    return path


def test_what_was_delivered_by_hand(tmp_path):
    table = read_delivery(_records({"2022/23": 14, "2023/24": 18}, tmp_path)).by_period(EXACT).set_index("period")
    assert table.loc["2022/23", ["cases", "referrals", "contacts", "decisions"]].tolist() == [14, 14, 42, 7]
    assert table.loc["all", ["cases", "contacts", "decisions", "meetings"]].tolist() == [32, 96, 16, 16]
    assert table.loc["all", "contacts_per_case"] == 3
    assert table.loc["2023/24", ["spend", "spend_per_case"]].tolist() == [900, 50]


def test_small_counts_and_what_would_give_them_away_are_withheld(tmp_path):
    table = read_delivery(_records({"2021/22": 3, "2022/23": 14, "2023/24": 18}, tmp_path)).by_period(ROUNDED)
    table = table.set_index("period")
    assert table.loc["2021/22", ["cases", "referrals", "contacts_per_case", "spend_per_case"]].isna().all()
    assert table["cases"].isna().sum() == 2  # else the small one is the rest
    assert table.loc["2023/24", "cases"] == 20  # rounded to five


def test_waits_are_the_product_limit_of_statsmodels(peer):
    rng = np.random.default_rng(1)
    days, happened = np.round(rng.exponential(20, 200)), rng.random(200) < 0.7
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        theirs = peer("statsmodels.api").SurvfuncRight(days, happened.astype(int))
    for share in (0.25, 0.5, 0.75):
        assert waiting_quantile(days, happened, share) == theirs.quantile(share)


def test_waits_of_few_are_withheld(tmp_path):
    waits = read_delivery(_records({"2022/23": 14}, tmp_path)).waits(ROUNDED).set_index("until")
    assert waits.loc["decision", "share_reached"] == 0.5
    assert waits.loc["decision", "median_days"] == 23  # the seventh of fourteen, on 11 + 13 October
    few = read_delivery(_records({"2022/23": 6}, tmp_path)).waits(ROUNDED).set_index("until")
    assert few.loc["decision", "withheld"]
    assert np.isnan(few.loc["decision", "median_days"])


def test_versions_say_what_changed():
    versions = [
        Version("Team Around the School", "2019/20", who="statutory agencies", how="pooled budget"),
        Version("RootED", "2022/23", who="Power2", how="local response fund", where="three secondary schools"),
    ]
    table = versions_table(versions).set_index("item")
    assert table.loc["how", "changed"] == "yes"
    assert table.loc["where", "changed"] == "cannot be told"
    assert "materials" in versions[0].missing
    with pytest.raises(EvaluationError, match="in order of time"):
        versions_table(versions[::-1])


@pytest.mark.parametrize(
    ("row", "told"),
    [
        ("c1,hug,2022-10-01,2022/23,", "row 2, kind: it is none of"),
        ("c1,contact,01/10/2022,2022/23,", "row 2, date: it is no date"),
        ("c1,contact,2022-10-01,2022,", "row 2, period"),
        ("c1,contact,3022-10-01,2022/23,", "row 2, date"),
        ("c1,contact,2202-10-01,2022/23,", "row 2, date and period"),
        (",contact,2022-10-01,2022/23,", "row 2, case: it is blank"),
        ("c1,spend,2022-10-01,2022/23,", "no amount"),
    ],
)
def test_records_that_cannot_be_read_are_refused_without_the_case(tmp_path, row, told):
    path = tmp_path / "records.csv"
    path.write_text(f"case,kind,date,period,amount\n{row}\n", encoding="utf-8")
    with pytest.raises(DataError, match=told) as refused:
        read_delivery(path)
    assert "c1" not in str(refused.value)


def test_the_command_describes_and_says_that_it_is_no_effect(tmp_path, capsys):
    _records({"2022/23": 14, "2023/24": 18}, tmp_path)
    asked = (
        'records = "records.csv"\n[plan]\ncontacts_per_case = 4\ndays_to_decision = 30\nmeetings_per_period = 5\n'
        '[[version]]\nname = "RootED"\nsince = "2022/23"\nwho = "Power2"\n'
    )
    (tmp_path / "delivery.toml").write_text(asked, encoding="utf-8")
    with pytest.raises(SystemExit) as ended:
        cli.main(["delivery", str(tmp_path / "delivery.toml")])
    assert not ended.value.code
    printed = capsys.readouterr().out
    assert printed.startswith(DESCRIPTION)
    assert "RootED: not stated: why" in printed
    kept = (
        what_was_delivered(tmp_path / "delivery.toml")
        .tables["planned and delivered"]
        .set_index("planned_for")["kept"]
    )
    assert kept.tolist() == ["no", "yes", "yes"]
    json.dumps(what_was_delivered(tmp_path / "delivery.toml").to_dict())
    (tmp_path / "delivery.toml").write_text("[plan]\ncontacts_per_case = 4\n", encoding="utf-8")
    with pytest.raises(EvaluationError, match="no records to hold it against"):
        what_was_delivered(tmp_path / "delivery.toml")


def test_spending_is_a_ledger_of_the_programme_by_financial_year(tmp_path):
    rows = [("c1", "spend", "2023-03-31", "2022/23", "10"), ("c2", "spend", "2023-04-01", "2022/23", "20")]
    rows += [("c2", "spend", "2023-06-01", "2022/23", "5"), ("c2", "contact", "2023-06-01", "2022/23", "")]
    columns = ["case", "kind", "date", "period", "amount"]
    pd.DataFrame(rows, columns=columns).to_csv(tmp_path / "records.csv", index=False)
    ledger = read_delivery(tmp_path / "records.csv").spending(
        payer="la_general_fund", element="local_response_fund"
    )
    ledger.to_csv(tmp_path / "ledger.csv", index=False)
    costs = read_ledger(tmp_path / "ledger.csv", source="delivery records")
    assert [(cost.year.label, cost.amount) for cost in costs] == [("2022-23", 10.0), ("2023-24", 25.0)]
    assert {cost.element for cost in costs} == {"local_response_fund"}
