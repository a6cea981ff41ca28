"""Directory of What Works: every shipped entry, a user's own, and what an entry feeds."""

from __future__ import annotations

import json
import math
import re
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

import averting as av
from averting import cli
from averting.appraisal.what_works import GRADES, directory_prior, forecast, updated, what_works
from averting.effects.bayes.priors import Prior, load_priors, prior_table
from averting.errors import EstimationError, Fault, ParameterError
from averting.evaluation.estimate_settings import read_estimate
from averting.evaluation.toml_table import TomlTable
from averting.outcomes import outcome_sets
from averting.resources import without_locators

OWN = """
[our_mentors]
label = "Our mentors"
what = "Weekly mentoring by trained adults."
needs = ["engagement"]
phases = ["secondary"]
outcomes = ["suspensions"]
delivered_by = "a charity"
dose = "one hour a week for a year"
grade = "{grade}"
evidence = "Measured by us against four other schools."
source = "our own report, 2025"
locator = "page 3"
review_by = 2027-09-01
"""
EFFECT = """
[[our_mentors.effect]]
indicator = "suspensions"
ratio = 0.8
lower = 0.5
upper = 1.28
level = 0.95
population = "four schools"
"""


@pytest.fixture
def own(tmp_path: Path) -> Path:
    path = tmp_path / "own.toml"
    path.write_text(OWN.format(grade="comparison") + EFFECT, encoding="utf-8")
    return path


def test_every_shipped_entry_says_how_much_is_known():
    entries = what_works()
    assert len(entries) == 20
    assert all(one.grade in GRADES and one.source and one.locator for one in entries)
    assert [one.key for one in entries if one.effect] == ["social_workers_in_schools"]
    # more evidence first
    places = [list(GRADES).index(one.grade) for one in entries]
    assert places == sorted(places)


def test_the_measured_effect_is_that_of_the_worked_evaluation(shared, tmp_path):
    """The directory's one effect is averting's own: estimated again from the file here."""
    panel = av.read_panel(
        shared / "data" / "dfe_exclusions" / "local_authorities_200607_202324.csv.gz",
        source="dfe_exclusions",
        level="local authority",
        phase="Secondary",
    )
    panel = panel.select(periods=[one for one in panel.periods if "2013/14" <= str(one) <= "2019/20"])
    effect = av.estimate(
        av.Design(panel, pilots=["208", "852", "356"], start="2018/19", comparison="all"),
        "suspensions",
        method="ratio_did",
        seed=1,
    )
    declared = what_works("social_workers_in_schools")[0].effect_on("suspensions")
    assert declared is not None
    assert declared.ratio == pytest.approx(effect.estimate, abs=0.01)
    # permutations are drawn at random
    assert (declared.lower, declared.upper) == pytest.approx(effect.interval, abs=0.03)


def test_search_by_words_need_phase_and_outcome():
    assert {one.key for one in what_works("TRANSITION")} >= {
        "week_at_new_school",
        "summer_transition_programme",
    }
    assert all("attendance" in one.needs for one in what_works(need="attendance"))
    assert all("managed_moves" in one.outcomes for one in what_works(outcome="managed_moves"))
    assert what_works("no such words at all") == ()
    with pytest.raises(ParameterError, match="Did you mean 'attendance'"):
        what_works(need="atendance")


def test_own_entries_are_searched_with_the_shipped_ones(own):
    found = what_works("mentoring", own=own)
    assert [one.key for one in found] == ["our_mentors"]
    assert found[0].own
    assert "(your own entry)" in found[0].lines()[0]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (OWN.format(grade="practice") + EFFECT, "it has an effect and is of grade 'practice'"),
        (OWN.format(grade="comparison"), "has no effect"),
        (OWN.format(grade="gold"), "grade is 'gold'"),
        (OWN.format(grade="practice").replace('dose = "one hour a week for a year"\n', ""), "'dose' is missing"),
        (OWN.format(grade="practice").replace("suspensions", "happiness"), "'happiness' is no indicator"),
        (OWN.format(grade="practice").replace("our_mentors", "rooted"), "an entry of this name"),
        (
            OWN.format(grade="comparison") + EFFECT.replace("upper = 1.28", "upper = 0.7"),
            "no ratio within its interval",
        ),
        (OWN.format(grade="practice").replace("2027-09-01", '"soon"'), "'review_by' is of another kind"),
    ],
)
def test_an_entry_that_says_too_little_or_too_much_is_refused(tmp_path, text, told):
    path = tmp_path / "own.toml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ParameterError, match=told):
        what_works(own=path)


def test_prior_is_the_measured_effect_widened_for_another_place(own):
    entry = what_works("our_mentors", own=own)[0]
    prior = directory_prior(entry, "suspensions")
    assert prior.mean == pytest.approx(math.log(0.8))
    assert prior.sd == pytest.approx(math.hypot(math.log(1.28 / 0.5) / (2 * 1.959964), 0.3), rel=1e-6)
    nothing = directory_prior(entry, "permanent_exclusions")
    assert (nothing.mean, nothing.sd) == (0.0, 0.2)  # sceptical: most programmes change little
    assert "no effect" in nothing.source


def test_forecast_feeds_an_appraisal(own):
    entry = what_works("rooted")[0]
    averted = forecast(entry, without=6.0, years=["2023/24", "2024/25"], seed=3)
    total = averted.total().to_numpy()
    # the mean of a lognormal ratio with sd 0.2 is exp(0.02): a sceptic expects nothing, and slightly less
    assert total.mean() == pytest.approx(12 * (1 - math.exp(0.02)), abs=3 * 12 * 0.21 / math.sqrt(4_000))
    params = av.load_parameters("high_needs_block")
    year = av.FinancialYear.parse("2023-24")
    spend = av.ProgrammeCost(
        year, 50_000, "la_general_fund", year, "invented for this test", element="delivery_partner"
    )
    appraisal = av.appraise(averted, params, programme=[spend], base_year=year, seed=1)
    assert np.isfinite(appraisal.npv()).all()
    with pytest.raises(EstimationError, match="above 0"):
        forecast(entry, without=0, years=["2026/27"])


def test_a_pilot_and_the_directory_are_weighed_by_their_precision(own):
    entry = what_works("our_mentors", own=own)[0]
    simulated = av.simulate_pilot(seed=1, start="2022/23")
    panel = av.Panel.from_frame(
        simulated.frame,
        school="urn",
        period="time_period",
        counts={"suspensions": "fixed_excl"},
        exposure="headcount",
        symbols={"x": (1, 2)},
    )
    effect = av.estimate(
        av.Design(panel, pilots=simulated.pilots, start="2022/23"), "suspensions", method="ratio_did", seed=1
    )
    found = updated(effect, entry)
    prior = directory_prior(entry, "suspensions")
    data = math.log(effect.interval[1] / effect.interval[0]) / (2 * 1.959964)
    # the conjugate normal by hand
    weight = prior.sd**-2 / (prior.sd**-2 + data**-2)
    assert found.prior_weight == pytest.approx(weight)
    assert math.log(found.ratio) == pytest.approx(weight * prior.mean + (1 - weight) * math.log(effect.estimate))
    assert found.upper / found.lower < effect.interval[1] / effect.interval[0]
    assert isinstance(effect.draws, xr.DataArray)


def test_the_command_prints_entries_and_json(capsys):
    for arguments, told in (
        (["what-works", "fair_access_panel"], "1 entry"),
        (["what-works", "--need", "transition", "--json"], '"key": "week_at_new_school"'),
    ):
        with pytest.raises(SystemExit) as ended:
            cli.main(arguments)
        assert not ended.value.code
        out = capsys.readouterr().out
        assert told in out
        if "--json" in arguments:
            assert all("source" in one for one in json.loads(out))


def test_what_is_printed_names_sources_and_no_place_in_files_that_readers_do_not_have():
    for one in what_works():
        said = "\n".join(one.lines())
        assert not re.search(r"\b00\d:\d", said + str(one.to_dict()["source"]))
        assert "Source: " in said and "timpson_2019" not in said
    assert "Timpson review of school exclusion" in what_works("fair_access_panel")[0].lines()[-1]
    assert without_locators("Timpson Review [001:1-2, 5]; 004:15-16; a page [3]") == "Timpson Review; a page [3]"
    assert all("001:" not in one.source for one in outcome_sets().values())


def test_an_entry_is_the_prior_of_a_bayesian_estimate_and_its_source_is_in_the_report(own):
    prior = directory_prior(what_works("our_mentors", own=own)[0], "suspensions")
    priors = load_priors("bayes_count", prior)
    assert (priors["log_ratio"].mean, priors["log_ratio"].sd) == (prior.mean, prior.sd)
    others = load_priors("bayes_count")
    assert {name for name in others if priors[name] != others[name]} == {"log_ratio"}
    printed = prior_table(priors).set_index("parameter").loc["log_ratio", "source"]
    assert "Our mentors: our own report, 2025 [page 3]" in printed
    with pytest.raises(EstimationError, match="bayes_gaussian takes no prior of 'log_ratio'"):
        load_priors("bayes_gaussian", prior)
    made = av.simulate_pilot(seed=1, pilots=2, comparison=12)
    design = av.Design(made.panel(), pilots=list(made.pilots), start="2021/22", comparison="all")
    with pytest.raises(EstimationError, match="it is not Bayesian"):
        av.estimate(design, "permanent_exclusions", method="ratio_did", prior=prior)


def test_an_evaluation_names_an_entry_as_its_prior(own):
    def read(**more: object) -> tuple[Prior | str, list[Fault]]:
        faults: list[Fault] = []
        values = {"id": "main", "role": "primary", "indicator": "suspensions", "method": "bayes_count", **more}
        return read_estimate(TomlTable(values, "evaluation.toml", faults), own.parent).prior, faults

    prior, faults = read(prior="directory:our_mentors", directory=own.name)
    assert not faults
    assert prior == directory_prior(what_works("our_mentors", own=own)[0], "suspensions")
    assert read(prior="sceptical") == ("sceptical", [])
    assert "no entry 'our_mentors'" in read(prior="directory:our_mentors")[1][0].found
    assert "'hopeful' is not known" in read(prior="hopeful")[1][0].found
