"""The summary's words: by verdict, never more than the numbers, and easy to read."""

from __future__ import annotations

import html
import re
from pathlib import Path

import pandas as pd
import pytest

from averting.effects import Verdict
from averting.reporting import open_results, summary
from averting.reporting.results import Results
from averting.resources import analyses_dir


@pytest.fixture
def told(results_folder, monkeypatch):
    """Results whose primary effect has a verdict of choice."""

    def make(verdict: Verdict | None = None) -> Results:
        results = open_results(results_folder)
        if verdict is not None:
            monkeypatch.setattr("averting.effects.Effect.verdict", verdict)
        return results

    return make


@pytest.mark.parametrize(
    ("verdict", "says", "never"),
    [
        (Verdict.REDUCTION, "Yes: there is evidence", "cannot tell"),
        (Verdict.INCREASE, "rose with the programme", "Yes"),
        (Verdict.UNCERTAIN, "We cannot tell yet", "evidence"),
        (Verdict.NOT_ESTIMABLE, "cannot show whether", "evidence"),
    ],
)
def test_headline(told, verdict, says, never):
    sentence = summary.headline(told(verdict))
    assert says in sentence
    assert never not in sentence


def test_no_size_where_nothing_can_be_estimated(told):
    results = told(Verdict.NOT_ESTIMABLE)
    assert not re.search(r"\d", summary.size(results))
    assert not any("middle estimate" in sentence for sentence in summary.can_say(results))


def test_size_is_the_effects_own(told):
    results = told(Verdict.UNCERTAIN)
    low, high = results.primary.interval
    assert f"{100 * abs(1 - low):.0f}% lower" in summary.size(results)
    assert f"to {100 * abs(high - 1):.0f}% {'lower' if high < 1 else 'higher'}" in summary.size(results)


@pytest.mark.parametrize(
    ("verdict", "says"), [(Verdict.UNCERTAIN, "that it failed"), (Verdict.REDUCTION, "certain")]
)
def test_what_cannot_be_said(told, verdict, says):
    assert any(says in sentence for sentence in summary.cannot_say(told(verdict)))


@pytest.mark.parametrize("verdict", list(Verdict))
def test_only_evidence_of_a_fall_speaks_for_extending(told, verdict):
    rows = {row[0]: row[2] for row in summary.choices(told(verdict)).rows}
    assert ("It worked here" in rows["Extend to all"]) is (verdict is Verdict.REDUCTION)
    assert ("against stopping" in rows["Stop"]) is (verdict is Verdict.REDUCTION)


def test_years_cover_the_flows(told):
    results = told()
    flows = results.table("appraisal/flows")
    central = flows[flows["scenario"] == "central"]
    first = int(central["year"].min())
    assert any(row[3].startswith(f"{first}-") for row in summary.who_when(results).rows)
    assert (
        len(summary.who_when(results).rows) == (results.table("appraisal/payers")["scenario"] == "central").sum()
    )


def test_half_of_the_money():
    # 10 + 20 reach half of 60 in the second year
    assert (
        summary._when(pd.Series([10.0, 20.0, 30.0], index=[2023, 2024, 2025]))
        == "2023-24 to 2025-26; half by 2024-25"
    )
    assert summary._when(pd.Series([5.0], index=[2099])) == "2099-00"


def test_grade_of_known_texts(grade):
    # by hand: 6 words of one syllable in one sentence
    assert grade("The cat sat on the mat.") == pytest.approx(0.39 * 6 + 11.8 - 15.59)
    assert grade("Notwithstanding considerable heterogeneity, generalisability remains questionable.") > 16


@pytest.mark.parametrize("verdict", list(Verdict))
def test_reading_age(told, grade, verdict):
    results = told(verdict)
    prose = re.sub(r"(?s)^---.*?---|```.*?```|`.*?`|#.*?\n|\*", "", _template().read_text(encoding="utf-8"))
    table = [f"{cell.rstrip('.')}." for row in summary.choices(results).rows for cell in row]
    words = [
        summary.headline(results), summary.size(results), *summary.can_say(results), *summary.cannot_say(results),
        summary.power(results), *summary.money(results), summary.prices(results), *table, prose,
    ]  # fmt: skip
    # grade 8 is an age of 13 to 14; government asks for 9 to 12 where the subject allows
    assert grade(" ".join(words).replace("permanent exclusions", "exclusions")) < 8


JARGON = r"prior|posterior|Bayesian model,|interval|estimand|net present|credib|confidence|permut|\.qmd|draws"


@pytest.mark.parametrize("verdict", list(Verdict))
def test_no_jargon(told, effect, verdict, monkeypatch):
    results = told(verdict)
    for valued in (results.valued, effect(draw_kind="posterior")):
        monkeypatch.setattr(Results, "valued", property(lambda _, made=valued: made))
        words = [
            summary.headline(results), summary.size(results), *summary.can_say(results), *summary.cannot_say(results),
            summary.power(results), *summary.money(results), summary.prices(results), summary.marks(results),
        ]  # fmt: skip
        assert not re.findall(JARGON, " ".join(words))
        assert not re.search(r"\bnan\b|\binf\b|None|\b1 schools\b", " ".join(words))


def test_a_likely_fall_is_not_called_evidence(told, effect, monkeypatch):
    results = told()
    made = effect(interval=(0.4, 1.2), draw_kind="posterior")
    monkeypatch.setattr(Results, "valued", property(lambda _: made))
    (sentence,) = (one for one in summary.can_say(results) if "the chance that" in one)
    assert "a second method" in sentence
    assert "But its range, too, includes no change" in sentence
    assert "it put that chance at 50%" in sentence


@pytest.mark.parametrize(
    ("ends", "says"),
    [
        ((-5e4, 1e4, 9e4), "a gain of £10,000. The range runs from a loss of £50,000 to a gain of £90,000"),
        ((-9e4, -4e4, -1e4), "a loss of £40,000. The range runs from a loss of £90,000 to a loss of £10,000"),
    ],
)
def test_money_in_plain_words(told, results_folder, ends, says):
    path = results_folder / "appraisal" / "summary.csv"
    frame = pd.read_csv(path)
    frame.loc[frame["scenario"] == "central", ["npv_lower", "npv_median", "npv_upper"]] = ends
    frame.to_csv(path, index=False)
    assert any(says in sentence for sentence in summary.money(told()))


def test_a_chance_is_said_only_of_a_posterior(told, effect, monkeypatch):
    results = told()
    for kind, expected in (("confidence", False), ("posterior", True)):
        made = effect(draw_kind=kind)
        monkeypatch.setattr(Results, "valued", property(lambda _, made=made: made))
        said = " ".join([*summary.money(results), *summary.can_say(results)])
        assert ("chance" in said) is expected


def test_marks_of_the_figure_are_explained(told):
    results = told()
    said = html.unescape(summary.marks(results))
    for label in results.table("design/events")["label"]:
        assert label in said
    assert ("grey" in said) is bool(results.record("design/design")["excluded"])


def _template() -> Path:
    return analyses_dir() / "_template" / "summary.qmd"
