"""What an evaluation.toml may say of shares, weights, adjustments and a wider programme, and what is refused."""

from __future__ import annotations

import pytest

from averting.errors import EvaluationError
from averting.evaluation import load_evaluation
from averting.evaluation.settings import FILE
from averting.resources import analyses_dir

SCALE_UP = """
[scale_up]
start = "2024/25"
years = 3
schools = 20
ramp_up = [0.5, 1]
fixed_cost = 1000
cost_per_school = 10.5
payer = "school"
price_year = "2023-24"
source = "invented"
"""
SHARES = """
[[contribution]]
payer = "school"
share = 0.25
[[contribution]]
payer = "dfe"
share = 0.75
"""
STUDY = """
[[study]]
label = "Two more years"
adds = "years"
amount = 2
"""
ADJUSTED = """
[[scenario]]
key = "cautious"
label = "Cautious"
[[scenario.adjust]]
kind = "lag"
amount = 1
reason = "Places are commissioned a year ahead."
"""


def loaded(folder, text):
    demo = (analyses_dir() / "demo" / FILE).read_text(encoding="utf-8")
    (folder / FILE).write_text(demo + text, encoding="utf-8")
    return load_evaluation(folder).appraisal


def test_all_of_it_is_read(tmp_path):
    weight = '\n[[weight]]\npayer = "school"\nweight = 1.2\nreason = "invented"\n'
    settings = loaded(tmp_path, SHARES + ADJUSTED + weight + SCALE_UP)
    assert settings.contributions == {"school": 0.25, "dfe": 0.75}
    assert (settings.weights, settings.weight_reasons) == ({"school": 1.2}, {"school": "invented"})
    assert settings.scale_up.taking_part.tolist() == [10, 20, 20]
    (lag,) = settings.scenarios[-1].adjustments
    assert (lag.kind, lag.amount) == ("lag", 1.0)
    assert settings.pupils_supported == 90
    assert settings.timing == "start"
    year, schools = settings.studies
    assert (year.adds, year.amount, year.cost, year.decisions, year.wait) == ("years", 1.0, 20_000.0, 5.0, 1)
    assert (schools.adds, schools.amount, schools.years) == ("schools", 10.0, 3)


def test_timing_and_pupils_are_checked(tmp_path):
    demo = (analyses_dir() / "demo" / FILE).read_text(encoding="utf-8")
    (tmp_path / FILE).write_text(demo.replace("pupils_supported = 90", 'timing = "mid"'), encoding="utf-8")
    assert load_evaluation(tmp_path).appraisal.timing == "mid"
    wrong = demo.replace("pupils_supported = 90", 'timing = "late"\npupils_supported = 0')
    (tmp_path / FILE).write_text(wrong, encoding="utf-8")
    with pytest.raises(EvaluationError) as error:
        load_evaluation(tmp_path)
    assert "'late' is not known" in str(error.value)
    assert "above zero" in str(error.value)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (SHARES.replace("0.75", "0.5"), "add up to 0.75"),
        (SHARES.replace('"dfe"', '"school"'), "stands in two tables"),
        (SHARES.replace('"dfe"', '"bank"'), "'bank' is not a payer"),
        (ADJUSTED.replace("lag", "luck"), "'luck' is not known"),
        (ADJUSTED.replace("= 1", "= 0.5"), "not whole"),
        (ADJUSTED.replace("Places are commissioned a year ahead.", ""), "reason"),
        ('\n[[weight]]\npayer = "school"\nweight = 0\nreason = "x"\n', "0.0 is not a weight"),
        (STUDY.replace("years", "months"), "'months' is not known"),
        (STUDY.replace("= 2", "= 0"), "above zero"),
        (STUDY + "cost = 5\n", "and a source"),
        (STUDY + "price = 5\n", "price"),
        (SCALE_UP.replace("[0.5, 1]", "[1, 0.5]"), "rising shares"),
        (SCALE_UP.replace("[0.5, 1]", '["half"]'), "not every entry is a number"),
        (SCALE_UP.replace("schools = 20", "schools = 0"), "schools: it is 0"),
        (SCALE_UP + "fade = 0.1\n", "Did you mean 'fade_out'?"),
    ],
)
def test_what_cannot_be_is_refused_with_its_place(tmp_path, text, said):
    with pytest.raises(EvaluationError) as caught:
        loaded(tmp_path, text)
    assert said in str(caught.value)
