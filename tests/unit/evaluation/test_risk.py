"""A file of questions about who is at risk, from TOML to what is printed."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy.special import expit

from averting import cli
from averting.errors import EvaluationError
from averting.evaluation.risk import ASSOCIATION, who_is_at_risk
from averting.reporting.findings import open_findings
from averting.reporting.findings.files import write_tables
from averting.risk.cells import in_order

COMPARE = """
[[compare]]
outcome = "permanent exclusion"
one = "Nathan"
other = "Rachel"
risk = "2.3%"
other_risk = "0.3%"

[[compare]]
outcome = "suspension"
one = "Nathan"
other = "Rachel"
risk = "58%"
other_risk = "11%"
"""

PUPILS = """
[pupils]
path = "pupils.csv"
outcome = "suspended"
characteristics = ["sex", "ethnicity", "care", "year"]
demographics = ["sex", "ethnicity"]
interactions = [["sex", "care"]]
over = "year"

[pupils.reference]
sex = "Girls"

[[profile]]
name = "Rachel"

[[profile]]
name = "Nathan"
sex = "Boys"
care = "In need"
"""


@pytest.fixture
def here(tmp_path: Path) -> Path:
    rng = np.random.default_rng(1)
    n = 6_000
    sex, care, year = rng.random(n) < 0.5, rng.random(n) < 0.15, rng.choice(["7", "8", "9"], n)
    ethnicity = rng.choice(["White British", "Black Caribbean", "Indian"], n, p=[0.8, 0.12, 0.08]).astype(object)
    y = rng.random(n) < expit(-1.8 + 0.8 * sex + 0.9 * care)
    ethnicity[:40], y[:40] = "Roma", np.arange(40) < 3  # a small count, that must not be told
    pd.DataFrame(
        {
            "sex": np.where(sex, "Boys", "Girls"),
            "ethnicity": ethnicity,
            "care": np.where(care, "In need", "None"),
            "year": year,
            "suspended": y.astype(int),
        }
    ).to_csv(tmp_path / "pupils.csv", index=False)
    return tmp_path


def _ask(folder: Path, text: str) -> Path:
    path = folder / "question.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_nathan_and_rachel_are_printed_with_the_warning(tmp_path, capsys):
    with pytest.raises(SystemExit) as ended:
        cli.main(["risk", str(_ask(tmp_path, COMPARE))])
    assert not ended.value.code
    printed = capsys.readouterr().out
    assert printed.startswith(ASSOCIATION)
    assert "odds ratio 7.8 (6.6 to 9.6 as the risks are rounded), risk ratio 7.7." in printed
    assert "odds ratio 11.2 (10.4 to 12.0 as the risks are rounded), risk ratio 5.3." in printed
    assert printed.count("WARNING") == 1


def test_pupils_are_answered_without_a_small_count(here):
    found = who_is_at_risk(_ask(here, PUPILS))
    assert list(found.tables) == [
        "associations by adjustment set",
        "interactions",
        "profiles over all of year",
        "calibration, on pupils held out",
        "how well it holds, on pupils held out",
        "fairness by group, on pupils held out",
    ]
    said = "\n".join(found.lines())
    assert "association" in said
    assert "effect of" not in said.replace("never an effect, of a characteristic", "")
    roma = found.tables["associations by adjustment set"].query("level == 'Roma'")
    assert roma["withheld"].all()
    assert roma["odds_ratio"].isna().all()
    assert "ethnicity: 2 of 4 levels are withheld" in said
    assert not [name for table in found.tables.values() for name in table.columns if name in ("pupils", "events")]
    assert "WARNING" in said  # a fifth are suspended: odds ratios are not risk ratios
    json.dumps(found.to_dict())


def test_scores_are_written_with_who_answers_for_them(here):
    asked = PUPILS + (
        '\n[scores]\nwrite = "scores.csv"\nwho = "A. Head, director"\npurpose = "offer of support"\n'
        'lawful_basis = "public task, DPIA 12"\nseen_by = "liaison officers"\ndelete_by = 2027-08-31\n'
    )
    found = who_is_at_risk(_ask(here, asked))
    assert "scores.opt-in.json" in " ".join(found.statements)
    assert json.loads((here / "scores.opt-in.json").read_text())["who"] == "A. Head, director"
    scores = pd.read_csv(here / "scores.csv")
    assert len(scores) == 6_000
    assert scores["risk"].between(0, 1).all()
    with pytest.raises(EvaluationError, match="delete_by"):
        who_is_at_risk(_ask(here, asked.replace("delete_by = 2027-08-31\n", "")))


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "it asks nothing"),
        (COMPARE.replace("58%", "half"), "'half' is no risk"),
        (COMPARE + "\nfoo = 1\n", "this key is not known"),
        (PUPILS.replace('["sex", "ethnicity"]', '["sex", "nobody"]'), "'nobody' is not among characteristics"),
        ("[[profile]]\nname = 'x'\n" + COMPARE, "there are no pupils for it"),
    ],
)
def test_a_question_that_cannot_be_read_is_refused(tmp_path, text, told):
    with pytest.raises(EvaluationError, match=told):
        who_is_at_risk(_ask(tmp_path, text))


def test_dfe_aggregates_are_answered_without_pupils(shared, tmp_path):
    path = shared / "data" / "dfe_exclusions" / "exclusions_by_characteristic.zip"
    text = f'[by_characteristic]\npath = "{path}"\nyear = "2016/17"\noutcome = "pupils_suspended"\n'
    found = who_is_at_risk(_ask(tmp_path, text))
    assert {"unadjusted associations", "with sex held equal", "over Years 7 to 11"} <= set(found.tables)
    assert "suppressed" in " ".join(found.statements)
    over = found.tables["over Years 7 to 11"]
    assert (over["least"] <= over["risk"]).all()
    assert (over["risk"] <= over["most"]).all()


def test_a_page_says_who_in_words_and_in_order(here):
    frame = pd.read_csv(here / "pupils.csv", keep_default_na=False).rename(columns={"year": "year_group"})
    frame["year_group"] = frame["year_group"].replace({9: 10})
    frame.to_csv(here / "pupils.csv", index=False)
    asked = PUPILS.replace('"year"', '"year_group"')
    page = who_is_at_risk(_ask(here, asked)).page()
    write_tables(page, here / "tables")  # as a page reads them: "None" is a level, not an empty cell
    page = open_findings(here / "tables")
    table = page.tables["associations by adjustment set"]
    who = list(dict.fromkeys(table["who"]))
    assert "year group: 10, against 7" in who[-2:]
    assert sum("In need, against None" in one for one in who) == 1
    assert page.tables["interactions"]["among"].tolist() == ["care: None", "care: In need"]
    assert page.tables["interactions"].iloc[0, -1] == "1 (reference)"
    assert page.statements[0] == "Outcome: suspended, of about 6,000 pupils (rounded)."
    assert "profiles over all of year group" in page.tables


def test_years_are_in_order_of_their_numbers():
    assert sorted(["Year 10", "Year 9", "11", "7"], key=in_order) == ["7", "11", "Year 9", "Year 10"]
