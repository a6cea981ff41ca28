"""Effects by cohort: found where they are, told together, and withheld where counts are small."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest

from averting.cli import main
from averting.effects.guardrails import holm
from averting.errors import AvertingError, DataError, EvaluationError
from averting.evaluation.equity import effects_by_cohort

YEARS = [f"20{year}/{year + 1}" for year in (13, 14, 15, 16, 17, 21, 22, 23)]
ASKED = """
data = "cohorts.csv"
school = "urn"
period = "year"
count = "all"
exposure = "roll"
pilots = ["1", "2", "3", "4"]
start = "2021/22"
indicator = "suspensions"
draws = 200
symbols = {x = [1, 4]}
"""


def cohort(label, key):
    return f'[[cohort]]\nlabel = "{label}"\ncount = "{key}"\nexposure = "{key}_roll"\n'


COHORTS = cohort("free school meals", "fsm") + cohort("SEN", "sen") + cohort("looked after", "lac")


@pytest.fixture(scope="module")
def frame():
    """Twenty-four schools; in four pilots the programme halves suspensions of pupils on free school meals, and of no others."""
    rng = np.random.default_rng(7)
    rows = []
    for school in range(1, 25):
        for year in YEARS:
            treated = school <= 4 and year >= "2021/22"
            counts = {"fsm": rng.poisson(60 * (0.5 if treated else 1)), "sen": rng.poisson(40), "lac": 0}
            other = rng.poisson(100)
            rows.append(
                {"urn": str(school), "year": year, "all": sum(counts.values()) + other, "roll": 1000}
                | counts
                | {"fsm_roll": 200, "sen_roll": 150, "lac_roll": 10}
            )
    return pd.DataFrame(rows)


@pytest.fixture
def ask(frame, tmp_path):
    def write(text=ASKED + COHORTS, changed=None):
        (frame if changed is None else changed).to_csv(tmp_path / "cohorts.csv", index=False)
        (tmp_path / "equity.toml").write_text(text, encoding="utf-8")
        return tmp_path / "equity.toml"

    return write


def test_the_cohort_that_was_helped_is_found_and_the_others_are_not(ask):
    tables = effects_by_cohort(ask()).tables
    own = tables["cohorts"].set_index("cohort")
    assert own["finding"].to_dict() == {
        "free school meals": "fell",
        "SEN": "cannot tell",
        "looked after": "not estimable",
    }
    row = own.loc["free school meals"]
    assert row["lower"] < 0.5 < row["upper"]
    p = own["p_value"].astype(float).to_numpy()
    assert own["p_adjusted"].to_numpy() == pytest.approx(holm(p), nan_ok=True)
    beside = tables["beside the rest"].set_index("cohort")
    assert beside.loc["free school meals", "lower"] < 0.5 < beside.loc["free school meals", "upper"] < 1
    assert "fell by more than the rest" in beside.loc["free school meals", "finding"]
    assert beside.loc["looked after", "finding"] == "not estimable"


def test_small_counts_give_no_estimate_and_are_not_told(ask):
    note = effects_by_cohort(ask()).tables["cohorts"].set_index("cohort").loc["looked after", "note"]
    assert note == "pilots may have had fewer than 5 before the start, or after it"


def test_where_a_count_is_hidden_the_rest_is_known_between_bounds(ask, frame):
    """Where few cells are hidden the answer is near that without hiding, and no surer."""
    hidden = frame.assign(sen=[3] * len(frame)).astype({"sen": object})
    known = effects_by_cohort(ask(ASKED + cohort("SEN", "sen"), hidden)).tables["beside the rest"].iloc[0]
    hidden.loc[[0, 7, 30], "sen"] = "x"
    found = effects_by_cohort(ask(ASKED + cohort("SEN", "sen"), hidden)).tables["beside the rest"].iloc[0]
    assert found["ratio"] == pytest.approx(known["ratio"], rel=0.05)
    assert found["upper"] / found["lower"] >= 0.999 * known["upper"] / known["lower"]


def test_a_cohort_is_a_part_of_all_pupils(ask, frame):
    with pytest.raises(DataError, match="sen is more than all in some row"):
        effects_by_cohort(ask(ASKED + cohort("SEN", "sen"), frame.assign(all=1)))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (ASKED, "it names no cohort"),
        (ASKED + cohort("SEN", "sen") * 2, "is there twice"),
        (ASKED + cohort("SEN", "other"), "lacks other, other_roll"),
        (ASKED.replace("[1, 4]", "3") + COHORTS, "no pair of bounds"),
        (ASKED.replace("draws = 200", "draws = 2") + COHORTS, "too few"),
        (ASKED + "colour = 1\n" + COHORTS, "this key is not known"),
        ("not toml", "not valid TOML"),
    ],
)
def test_a_file_that_cannot_be_used_is_refused(ask, text, said):
    with pytest.raises(EvaluationError, match=said):
        effects_by_cohort(ask(text))


def test_the_command_prints_words_and_json(ask, capsys):
    path = ask(ASKED + cohort("SEN", "sen"))
    for arguments in (["equity", str(path)], ["equity", str(path), "--json"]):
        with pytest.raises(SystemExit) as ended:
            main(arguments)
        assert not ended.value.code
    said = capsys.readouterr().out
    assert "judged together" in said
    assert json.loads(said[said.index("{") :])["tables"]["cohorts"][0]["cohort"] == "SEN"


COSTS = """
[costs]
base_year = "2021-22"
price_year = "2023-24"
payer = "la_general_fund"
source = "invented for this test"
"""


def test_savings_by_cohort_are_averted_times_what_one_saves(ask):
    asked = ASKED.replace('"suspensions"', '"permanent_exclusions"') + COSTS
    found = effects_by_cohort(
        ask(asked + cohort("free school meals", "fsm") + "spend = 60000\n" + cohort("SEN", "sen"))
    )
    table = found.tables["savings by cohort"].set_index(["cohort", "view"])
    assert len(table) == 4
    cash = table.loc[("free school meals", "Cash, and places freed")]
    assert cash["averted_lower"] < 30 * 4 * 3 < cash["averted_upper"]  # truly thirty a school and year
    assert cash["savings"] > 0
    # spent in the base year, in prices of the price year: no discount
    assert cash["spend"] == pytest.approx(60_000)
    assert cash["net"] == pytest.approx(cash["savings"] - 60_000)
    assert cash["finding"] in ("cannot tell", "saves more than was spent")
    assert table.loc["SEN", "net"].isna().all()
    assert any("net amount: SEN" in said for said in found.statements)
    assert any("same unit costs" in said for said in found.statements)
    # two cohorts, so each interval is wider than one alone
    alone = effects_by_cohort(ask(asked + cohort("free school meals", "fsm") + "spend = 60000\n"))
    one = alone.tables["savings by cohort"].set_index("view").loc["Cash, and places freed"]
    assert one["savings_upper"] - one["savings_lower"] < cash["savings_upper"] - cash["savings_lower"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (ASKED + COSTS + COHORTS, "Savings are known of permanent_exclusions"),
        (ASKED + cohort("SEN", "sen") + "spend = 5\n", "there is no .costs."),
        (ASKED + COSTS + cohort("SEN", "sen") + "spend = -5\n", "Give pounds, 0 or more"),
        (
            ASKED + COSTS.replace("la_general_fund", "nobody") + cohort("SEN", "sen") + "spend = 5\n",
            "who paid or the source is not known",
        ),
    ],
)
def test_costs_that_cannot_be_used_are_refused(ask, text, said):
    with pytest.raises(EvaluationError, match=said):
        effects_by_cohort(ask(text))


@pytest.mark.parametrize(
    ("given", "instead"), [('start = "2021/22"', 'start = "1821/22"'), ('pilots = ["1",', 'pilots = ["4000",')]
)
def test_a_design_that_the_file_does_not_bear_is_refused(ask, given, instead):
    assert given in ASKED
    with pytest.raises(AvertingError, match=r"4000|1821/22"):
        effects_by_cohort(ask(ASKED.replace(given, instead) + COHORTS))


def test_a_file_that_is_no_text_is_refused(ask, tmp_path):
    path = ask()
    (tmp_path / "cohorts.csv").write_bytes(b"urn,year\n1,\xff\xfe\n")
    with pytest.raises(DataError, match="not UTF-8"):
        effects_by_cohort(path)
