"""A first run is forecast by the words that it will say."""

from __future__ import annotations

from averting.effects.estimator import silent
from averting.evaluation import check
from averting.evaluation.sequence import READING, in_order
from averting.evaluation.settings import FILE
from averting.evaluation.usual import demo_seconds, usual_seconds
from averting.parallel import HERE


def test_stages_are_forecast_by_the_words_that_tell_of_them(quick_run):
    usual = usual_seconds(quick_run)
    stages = in_order(
        check(quick_run), kept=lambda _: True, estimated=lambda _: None, workers=HERE, progress=silent
    )
    assert [READING, *(stage.doing for stage in stages)] == list(usual)
    assert all(seconds > 0 for seconds in usual.values())
    # the demonstration fits a Bayesian model besides, which takes longer than all the rest
    with_bayes = demo_seconds()
    assert set(usual) < set(with_bayes)
    bayesian = with_bayes["estimating the effect on permanent_exclusions (bayes_count)"]
    assert bayesian > sum(usual.values())


def test_an_evaluation_that_cannot_be_read_has_no_forecast(tmp_path):
    assert usual_seconds(tmp_path) == {}
    (tmp_path / FILE).write_text("schema = ", encoding="utf-8")
    assert usual_seconds(tmp_path) == {}
