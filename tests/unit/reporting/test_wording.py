"""No sentence claims more than its number: what may be said, by verdict, kind of draws and checks."""

from __future__ import annotations

import json
import re
from html import unescape

import pytest

from averting.reporting import open_results, wording

NAME, UNITS = "permanent exclusions", "schools"
KINDS = ["posterior", "bootstrap", "confidence"]
INF, NAN = float("inf"), float("nan")
SURE = re.compile(r"\bprobab|\bchance|\blikel|\bcertain", re.IGNORECASE)


# interval, checks, what the answer must say, what it must not say
ANSWERS = [
    ((0.4, 0.9), "", ["evidence", "reduced"], ["cannot", "rose"]),
    ((0.4, 0.9), "warn", ["evidence", "reduced"], ["cannot"]),
    ((0.0, 0.9), "", ["evidence", "reduced"], ["cannot"]),
    ((1.1, 2.0), "", ["evidence", "rose"], ["reduced", "cannot"]),
    ((1.1, INF), "", ["evidence", "rose"], ["reduced", "cannot"]),
    ((0.4, 1.2), "", ["cannot tell", "does not show that"], ["evidence", "reduced", "no difference"]),
    ((0.4, 1.0), "", ["cannot tell"], ["evidence"]),
    ((1.0, 1.6), "", ["cannot tell"], ["evidence"]),
    ((0.3, INF), "", ["cannot tell", "without limit"], ["evidence", "inf"]),
    ((0.0, INF), "", ["cannot be estimated"], ["evidence", "cannot tell", "%"]),
    ((NAN, NAN), "", ["cannot be estimated"], ["evidence", "nan", "%"]),
    ((0.4, 0.9), "fail", ["cannot be estimated"], ["evidence", "reduced", "%"]),
    ((1.1, 2.0), "fail", ["cannot be estimated"], ["evidence", "rose", "%"]),
]  # fmt: skip


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(("interval", "checks", "says", "never"), ANSWERS)
def test_the_answer_follows_the_verdict(effect, interval, checks, kind, says, never):
    sentence = wording.answer(effect(interval, kind, checks=checks), NAME, UNITS)
    for words in says:
        assert words in sentence
    for words in never:
        assert words not in sentence
    assert not SURE.search(sentence)
    assert NAME in sentence


@pytest.mark.parametrize(("checks", "interval"), [("", (0.4, 0.9)), ("warn", (0.4, 1.9)), ("fail", (0.4, 0.9))])
@pytest.mark.parametrize("kind", KINDS)
def test_a_probability_is_worded_only_from_a_sound_posterior(effect, kind, checks, interval):
    made = effect(interval, kind, checks=checks)
    sentence = wording.probability(made, NAME)
    sound = kind == "posterior" and checks != "fail"
    assert bool(sentence) == sound == wording.has_probability(made)
    if sound:
        assert "probability" in sentence
        assert "priors" in sentence


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("checks", ["", "fail"])
def test_too_small_to_matter_and_at_least_one_are_probabilities(effect, kind, checks):
    made = effect(draw_kind=kind, checks=checks, averted=1.0)
    small, one = wording.negligible(made, NAME, (0.9, 1.1)), wording.averted_at_all(made, NAME)
    assert bool(small) == bool(one) == wording.has_probability(made) == (kind == "posterior" and not checks)
    if small:
        # of 40 draws between 0.3 and 0.95, three lie above 0.9; the number averted lies evenly about 1
        assert "between 0.9 and 1.1" in small
        assert re.search(r"\b8%", small)
        assert re.search(r"\b50%", one)


def test_without_a_region_nothing_is_too_small_to_matter(effect):
    assert wording.negligible(effect(draw_kind="posterior"), NAME, ()) == ""


def test_all_draws_agreeing_is_not_certainty(effect):
    # every draw of this effect lies below one
    assert "over 99%" in wording.probability(effect(draw_kind="posterior"), NAME)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("averted", [5.0, -5.0, 0.0])
def test_what_was_averted_comes_with_its_interval_and_its_kind(effect, kind, averted):
    sentence = wording.averted(effect((0.4, 1.9), kind, averted=averted), NAME, UNITS)
    expected = {5.0: ("5 fewer", "2 to 8"), -5.0: ("5 more", "8 to −\u20602"), 0.0: ("0 fewer", "3 to 3")}[averted]
    for words in expected:
        assert words in sentence
    assert "95%" in sentence
    assert ("probability interval" in sentence) == (kind == "posterior")
    assert ("negative number" in sentence) == (averted < 5)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(("interval", "checks"), [((0.4, 0.9), "fail"), ((NAN, NAN), ""), ((0.0, INF), "")])
def test_nothing_is_counted_from_what_is_not_estimable(effect, kind, interval, checks):
    sentence = wording.averted(effect(interval, kind, checks=checks), NAME, UNITS)
    assert "cannot be said" in sentence
    assert not re.search(r"\d", sentence)


def test_what_could_have_been_detected(effect):
    assert wording.detected(effect()) == ""
    some = wording.detected(effect(chances=[0.02, 0.05, 0.1, 0.2, 0.3, 0.5, 0.7, 0.9, 1.0, 1.0]))
    assert "chance of 50%" in some
    assert "65%" in some  # halfway between 60% (0.7) and 70% (0.9)
    none = wording.detected(effect(chances=[0.02] * 9 + [0.5]))
    assert "chance of 2%" in none
    assert "even a fall of 90%" in none
    assert "missed" in none
    sure = wording.detected(effect(chances=[0.0] * 5 + [1.0] * 5))
    assert "over 99%" in sure


def test_where_nothing_could_be_found_out_no_number_is_made_up(effect):
    sentence = wording.detected(effect(chances=[NAN] * 10))
    assert "too few" in sentence
    assert "nan" not in sentence
    assert "%" not in sentence


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("fails", [False, True])
def test_money_is_worded_by_the_kind_of_draws(results_folder, rewrite, kind, fails):
    path = results_folder / "estimates" / "main" / "effect.json"
    failed = [{"key": "k", "status": "fail", "message": "m", "guidance": ""}] if fails else []
    rewrite(path, draw_kind=kind, checks=failed)
    rewrite(results_folder / "appraisal" / "appraisal.json", draw_kind=kind)
    sentences = wording.money(open_results(results_folder))
    if fails:
        assert "cannot be estimated" in sentences[0]
        assert len(sentences) == 1
        assert "£" not in sentences[0]
        return
    assert len(sentences) == 2
    for sentence in sentences:
        assert "£" in sentence
        assert "95%" in sentence
        assert ("not a probability" in sentence) == (kind != "posterior")
        assert ("the probability that" in sentence) == (kind == "posterior")


def test_without_a_programme_cost_nothing_is_said_to_pay(results_folder, rewrite):
    rewrite(results_folder / "appraisal" / "appraisal.json", has_programme_cost=False)
    for sentence in wording.money(open_results(results_folder)):
        assert "was not given" in sentence
        assert not SURE.search(sentence)
        assert "draws" not in sentence


def test_suppression_is_said_with_its_share(results_folder):
    results = open_results(results_folder)
    table = results.table("data/suppression")
    hidden = int(table.loc[table["indicator"] == "permanent_exclusions", "suppressed"].sum())
    sentence = wording.suppression(results, "permanent_exclusions")
    assert hidden > 0
    assert sentence.startswith(f"{hidden} of ")
    assert "never as zero" in sentence


def test_left_out_periods_are_said_with_their_reason(results_folder, rewrite):
    sentence = wording.excluded(open_results(results_folder))
    assert "2019/20, 2020/21" in sentence
    assert "by default" in sentence
    rewrite(results_folder / "manifest.json", exclude_reason="A flood.")
    assert unescape(wording.excluded(open_results(results_folder))).endswith("2020/21. A flood.")
    rewrite(results_folder / "design" / "design.json", excluded=[])
    assert unescape(wording.excluded(open_results(results_folder))) == "No period is left out. A flood."


def test_units_are_named_by_their_level(results_folder, rewrite):
    assert wording.unit(open_results(results_folder)) == "schools"
    rewrite(results_folder / "design" / "design.json", level="local authority")
    assert wording.unit(open_results(results_folder)) == "local authorities"


def test_every_sentence_is_free_of_code_words(results_folder):
    results = open_results(results_folder)
    primary = results.primary
    sentences = [
        wording.answer(primary, NAME, UNITS), wording.averted(primary, NAME, UNITS), wording.detected(primary),
        wording.suppression(results, "suspensions"), wording.excluded(results), *wording.money(results),
    ]  # fmt: skip
    for sentence in sentences:
        assert not re.search(r"_|\bnan\b|\binf\b|None|\{|\}|-\d", sentence), sentence
        assert sentence.endswith(".")


def test_the_words_follow_the_file(results_folder, rewrite):
    path = results_folder / "estimates" / "main" / "effect.json"
    record = json.loads(path.read_text(encoding="utf-8"))
    before = wording.answer(open_results(results_folder).primary, NAME, UNITS)
    rewrite(path, estimate=record["estimate"] / 4, interval=[0.05, 0.4])
    after = wording.answer(open_results(results_folder).primary, NAME, UNITS)
    assert "60% lower" in after
    assert after != before
