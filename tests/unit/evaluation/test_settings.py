"""evaluation.toml is read strictly: every fault is named with its place, and all are told at once."""

from __future__ import annotations

import copy
import math
import tomllib

import pytest

from averting.costs import load_parameters
from averting.data import simulate_pilot
from averting.design import SameAsPilots
from averting.errors import EvaluationError
from averting.evaluation import load_evaluation
from averting.evaluation.scaffold import DEMO_SEED
from averting.evaluation.settings import FILE
from averting.resources import analyses_dir
from averting.years import FinancialYear

MISSING = "<missing>"  # a text, so that tests are called the same in every process


def put(values, path, value):
    """Set, or drop, what a path of keys and positions leads to."""
    *above, last = path
    for step in above:
        values = values[step]
    if value is MISSING:
        del values[last]
    else:
        values[last] = value


def refused(folder):
    with pytest.raises(EvaluationError) as caught:
        load_evaluation(folder)
    return str(caught.value)


# place in the file, what is put there, what must be said: the place first, then the words
FAULTS = [
    (("schema",), MISSING, f"{FILE} schema", "missing"),
    (("schema",), 0, "schema = 0", "no longer reads"),
    (("schema",), "1", f"{FILE} schema", "this is text"),
    (("question",), MISSING, f"{FILE} question", "missing"),
    (("question",), "  ", f"{FILE} question", "empty"),
    (("title",), 5, f"{FILE} title", "this is a whole number"),
    (("seed",), -1, f"{FILE} seed", "too small"),
    (("seed",), True, f"{FILE} seed", "this is true or false"),
    (("draws",), 99, f"{FILE} draws", "too small"),
    (("draws",), 4000.5, f"{FILE} draws", "this is a number"),
    (("drawz",), 5, f"{FILE} drawz", "Did you mean 'draws'?"),
    (("estimates",), [], f"{FILE} estimates", "Did you mean 'estimate'?"),
    (("data",), MISSING, "[data]", "missing"),
    (("data",), "schools.csv", f"{FILE} data", "this is text"),
    (("data", "path"), MISSING, "[data] path", "missing"),
    (("data", "path"), "", "[data] path", "empty"),
    (("data", "source"), "excel", "[data] source", "'excel' is not known. Use one of: dfe_exclusions, dfe_absence, dfe_ap, tidy"),
    (("data", "source"), "", "[data] source", "empty"),
    (("data", "level"), "trust", "[data] level", "'trust' is not known"),
    (("data", "level"), "", "[data] level", "'' is not known"),
    (("data", "first_period"), "2016", "[data] first_period", "'2016' is not an academic year"),
    (("data", "last_period"), 2016, "[data] last_period", "this is a whole number"),
    (("data", "pathh"), "x", "[data] pathh", "Did you mean 'path'?"),
    (("data", "symbols"), {"c": [1]}, "[data] [symbols] c", "two bounds"),
    (("data", "symbols"), {"c": "1-4"}, "[data] [symbols] c", "this is text"),
    (("data", "columns"), ["urn"], "[data] columns", "this is a list"),
    (("design",), MISSING, "[design]", "missing"),
    (("design", "pilots"), MISSING, "[design] pilots", "missing"),
    (("design", "pilots"), "900007", "[design] pilots", "this is text"),
    (("design", "pilots"), [1.5], "[design] pilots", "not every entry is text"),
    (("design", "start"), "next year", "[design] start", "'next year' is not an academic year"),
    (("design", "start"), "", "[design] start", "empty"),
    (("design", "exclude_periods"), [], "[design] exclude_reason", "Say why"),
    (("design", "exclude_periods"), ["2019/20"], "[design] exclude_reason", "Say why"),
    (("design", "comparison"), "all", "[design] comparison", "this is text"),
    (("design", "comparison", "rule"), "closest", "[comparison] rule", "Use one of: all, same, list, nearest"),
    (("design", "comparison", "rule"), "", "[comparison] rule", "empty"),
    (("design", "comparison", "on"), ["colour"], "[comparison] on", "colour is not a trait"),
    (("design", "comparison", "schools"), ["1"], "[comparison] schools", "this key is not known"),
    (("design", "comparison", "balanced"), "yes", "[comparison] balanced", "this is text. Give true or false"),
    (("estimate",), [], f"{FILE} estimate", "nothing to estimate"),
    (("estimate",), MISSING, f"{FILE} estimate", "nothing to estimate"),
    (("estimate",), {"id": "main"}, f"{FILE} estimate", "this is a table"),
    (("estimate", 0, "id"), MISSING, "[[estimate]] number 1 id", "missing"),
    (("estimate", 0, "id"), "", "[[estimate]] number 1 id", "empty"),
    (("estimate", 0, "id"), "../main", "[[estimate]] number 1 id", "cannot name a folder"),
    (("estimate", 1, "id"), "main", "[[estimate]] id", "ids repeat: main, main"),
    (("estimate", 0, "role"), "main", "[[estimate]] number 1 role", "Use one of: primary, secondary"),
    (("estimate", 1, "role"), "primary", "[[estimate]] role", "2 estimates are primary"),
    (("estimate", 0, "role"), "secondary", "[[estimate]] role", "0 estimates are primary"),
    (("estimate", 1, "indicator"), MISSING, "[[estimate]] number 2 indicator", "missing"),
    (("estimate", 1, "method"), "magic", "[[estimate]] number 2 method", "'magic' is not known. Use one of: auto"),
    (("estimate", 1, "method"), "", "[[estimate]] number 2 method", "'' is not known"),
    (("estimate", 0, "level"), 95, "[[estimate]] number 1 level", "95.0 is not a level"),
    (("estimate", 0, "level"), math.nan, "[[estimate]] number 1 level", "nan is not a level"),
    (("estimate", 0, "negligible"), [0.9], "[[estimate]] number 1 negligible", "one below 1 and one above"),
    (("estimate", 0, "negligible"), [0.8, 0.9], "[[estimate]] number 1 negligible", "one below 1 and one above"),
    (("estimate", 0, "negligible"), [0.9, "1.1"], "[[estimate]] number 1 negligible", "one below 1 and one above"),
    (("estimate", 0, "alongside"), "suspensions", "[[estimate]] number 1 alongside", "models one indicator"),
    (("estimate", 0, "method"), "bayes_joint", "[[estimate]] number 1 alongside", "no second one is named"),
    (("estimate", 0, "levle"), 0.9, "[[estimate]] number 1 levle", "Did you mean 'level'?"),
    (("costs",), MISSING, "[appraisal]", "there is no [costs] table"),
    (("costs", "families"), MISSING, "[costs] families", "missing"),
    (("costs", "price_year"), "2023", "[costs] price_year", "'2023' is not a financial year"),
    (("costs", "price_year"), "", "[costs] price_year", "empty"),
    (("costs", "deflator"), {"calendar": {"2023": 1.0}}, "[costs] deflator", "it has no vintage"),
    (("costs", "deflator"), "ours.toml", "[costs] deflator", "this is text"),
    (("appraisal",), MISSING, f"{FILE} [appraisal]", "missing"),
    (("appraisal", "estimate"), "suspensions", "[appraisal] estimate", "not an estimate of permanent exclusions"),
    (("appraisal", "estimate"), "none", "[appraisal] estimate", "not an estimate of permanent exclusions"),
    (("appraisal", "base_year"), "", "[appraisal] base_year", "empty"),
    (("appraisal", "base_year"), MISSING, "[appraisal] base_year", "missing"),
    (("programme", 0, "source"), MISSING, "[[programme]] number 1 source", "missing"),
    (("programme", 0, "source"), " ", "[[programme]] number 1 source", "empty"),
    (("programme", 1, "payer"), "the mayor", "[[programme]] number 2", "'the mayor' is not a payer"),
    (("programme", 0, "amount"), -1.0, "[[programme]] number 1", "zero or more"),
    (("programme", 0, "amount"), math.nan, "[[programme]] number 1", "zero or more"),
    (("programme", 0, "amount"), "60,000", "[[programme]] number 1 amount", "this is text"),
    (("programme", 0, "year"), "", "[[programme]] number 1 year", "empty"),
    (("programme", 1, "price_year"), "2022", "[[programme]] number 2 price_year", "not a financial year"),
    (("programme", 0, "paid_by"), "school", "[[programme]] number 1 paid_by", "Known keys: amount, element"),
    (("scenario", 0, "key"), "sooner back", "[[scenario]] number 1", "letters, digits and underscores"),
    (("scenario", 0, "key"), "central", "[[scenario]] key", "keys repeat: central"),
    (("scenario", 0, "label"), MISSING, "[[scenario]] number 1 label", "missing"),
    (("costs", "override"), {"ap_place": {"value": 9000}}, "override", "has no reason"),
    (("costs", "override"), 3, "override", ""),
    (("scenario", 0, "override", "return_to_mainstream_hazard", "reason"), MISSING, "override", "has no reason"),
    (("scenario", 0, "override", "return_to_mainstream_hazard", "reason"), 5, "override", "reason"),
    (("scenario", 0, "override", "return_to_mainstream_hazard", "source"), 5, "override", "source"),
    (("scenario", 0, "override", "return_to_mainstream_hazard", "valeu"), 1, "override", "unknown key 'valeu'"),
    (("scenario", 0, "override", "return_to_mainstream_hazard", "value"), "0.5", "override", "not a number"),
    (("scenario", 0, "override", "return_to_mainstream_hazard"), 0.5, "override", "is not a table"),
]  # fmt: skip


@pytest.mark.parametrize(("path", "value", "where", "words"), FAULTS, ids=lambda part: str(part)[:60])
def test_a_fault_is_named_with_its_place(values, write, path, value, where, words):
    put(values, path, value)
    message = refused(write(values))
    lines = [line for line in message.splitlines() if where in line and words in line]
    assert lines, message


def test_all_faults_are_told_at_once(values, write):
    put(values, ("title",), MISSING)
    put(values, ("data", "source"), "excel")
    put(values, ("design", "strat"), "2021/22")
    put(values, ("estimate", 1, "method"), "magic")
    put(values, ("costs", "price_year"), "then")
    put(values, ("programme", 0, "amount"), -5.0)
    put(values, ("scenario", 0, "override", "return_to_mainstream_hazard", "reason"), "")
    message = refused(write(values))
    assert message.splitlines()[0].endswith(f"{FILE} cannot be used: 7 faults")
    for words in ("title", "excel", "strat", "magic", "price_year", "-5", "reason"):
        assert words in message


def test_contradictions_are_told_at_once(values, write):
    put(values, ("estimate", 1, "id"), "main")
    put(values, ("estimate", 1, "role"), "primary")
    put(values, ("costs",), MISSING)
    message = refused(write(values))
    assert "3 faults" in message or "4 faults" in message
    for words in ("ids repeat", "2 estimates are primary", "no [costs]"):
        assert words in message


def test_money_without_an_appraisal_is_not_ignored(values, write):
    put(values, ("appraisal",), MISSING)
    message = refused(write(values))
    assert "[[programme]]" in message
    assert "[[scenario]]" in message
    assert "[[study]]" in message
    for key in ("programme", "scenario", "study"):
        put(values, (key,), MISSING)
    assert load_evaluation(write(values)).appraisal is None


def test_invalid_toml_is_said_with_its_line(write):
    assert "line 2" in refused(write("schema = 1\ntitle = \n"))
    assert "not valid TOML" in refused(write("a = 1\na = 2\n"))


def test_a_file_that_is_not_text_is_refused(tmp_path):
    (tmp_path / FILE).write_bytes(b'title = "caf\xe9"\n')
    assert "not valid TOML" in refused(tmp_path)


def test_a_folder_without_the_file_says_how_to_make_one(tmp_path):
    message = refused(tmp_path / "my-study")
    assert "does not exist" in message
    assert "averting new my-study" in message


def test_a_data_file_given_as_the_folder_is_refused(tmp_path):
    (tmp_path / "schools.csv").write_text("urn\n", encoding="utf-8")
    assert "schools.csv" in refused(tmp_path / "schools.csv")


def test_the_file_itself_may_be_named(values, write):
    folder = write(values)
    assert load_evaluation(folder / FILE) == load_evaluation(folder)


def test_what_the_file_says_is_what_is_read(values, write):
    read = load_evaluation(write(values))
    assert (read.seed, read.draws, read.primary.id) == (1, 4000, "main")
    assert read.data.path == read.folder / "data" / "simulated_schools.csv"
    assert read.design.comparison == SameAsPilots(on=("phase",))
    assert read.design.exclude_periods == ()
    assert [(event.periods, event.treatment) for event in read.events] == [
        (("2019/20",), "exclude"), (("2020/21",), "exclude"),
    ]  # fmt: skip
    assert [scenario.key for scenario in read.appraisal.scenarios] == ["central", "sooner_back"]
    assert [cost.amount for cost in read.appraisal.programme] == [60_000.0, 60_000.0]
    assert read.costs.price_year == FinancialYear(2023)


def test_a_deflator_of_ones_own_reaches_years_that_the_shipped_one_does_not(values, write):
    levels = {f"{year}-{(year + 1) % 100:02d}": 100.0 + year - 2016 for year in range(2016, 2026)}
    put(values, ("costs", "deflator"), {"vintage": "ours", "source": "our finance team", "financial": levels})
    put(values, ("costs", "price_year"), "2025-26")
    deflator = load_evaluation(write(values)).costs.parameters().deflator
    assert (deflator.vintage, deflator.latest) == ("ours", FinancialYear(2025))
    assert deflator.ratio(FinancialYear(2023), FinancialYear(2025)) == 109.0 / 107.0


def test_numbers_in_lists_of_schools_are_read_as_text(values, write):
    put(values, ("design", "pilots"), [900007, "900017"])
    put(values, ("design", "comparison"), {"rule": "list", "schools": [900001]})
    design = load_evaluation(write(values)).design
    assert design.pilots == ("900007", "900017")
    assert design.comparison == ("900001",)


def test_pilots_may_start_apart(values, write):
    put(values, ("design", "pilots"), {"900007": "2021/22", "900017": "2022/23"})
    put(values, ("design", "start"), MISSING)
    assert load_evaluation(write(values)).design.pilots == {"900007": "2021/22", "900017": "2022/23"}


def test_other_excluded_periods_are_read_with_their_reason(values, write):
    put(values, ("design", "exclude_periods"), [])
    put(values, ("design", "exclude_reason"), "Schools stayed open here.")
    assert load_evaluation(write(values)).design.exclude_periods == ()


@pytest.mark.parametrize("spelled", [["2019-20", "2020-21"], ["202021", "201920"]])
def test_covid_years_spelled_otherwise_are_the_default_still(values, write, spelled):
    before = load_evaluation(write(values)).events
    put(values, ("design", "exclude_periods"), spelled)
    evaluation = load_evaluation(write(values))
    assert set(evaluation.design.exclude_periods) == {"2019/20", "2020/21"}
    assert evaluation.events == before


@pytest.mark.parametrize("name", ["_template", "demo", "2020-social-workers-in-schools"])
def test_shipped_evaluations_load(name):
    assert load_evaluation(analyses_dir() / name).title


def test_the_template_shows_every_table_and_its_comments_load(tmp_path):
    text = (analyses_dir() / "_template" / FILE).read_text(encoding="utf-8")
    # uncomment everything that looks like TOML: what the template offers must be what the reader accepts
    lines = [
        line[2:] if line.startswith(("# [", "# [[")) or _is_pair(line) else line for line in text.splitlines()
    ]
    (tmp_path / FILE).write_text("\n".join(lines), encoding="utf-8")
    read = load_evaluation(tmp_path)
    assert read.data.columns["school"] == "urn"
    assert read.data.symbols == {"x": (1.0, 2.0)}
    assert len(read.appraisal.programme) == 1
    assert {"bayes"} < {estimate.id for estimate in read.estimates}


def _is_pair(line):
    try:
        return line.startswith("# ") and bool(tomllib.loads(line[2:]))
    except tomllib.TOMLDecodeError:
        return False


def test_the_demonstration_names_its_pilots_and_tells_its_truth():
    shipped = load_evaluation(analyses_dir() / "demo")
    simulated = simulate_pilot(seed=DEMO_SEED)
    assert shipped.design.pilots == simulated.pilots
    assert shipped.design.start == simulated.start
    text = (analyses_dir() / "demo" / FILE).read_text(encoding="utf-8")
    for key in ("permanent_exclusions", "suspensions"):
        assert f"{simulated.truth.effect[key]:.2f}" in shipped.data.note
        assert f"{simulated.truth.averted[key]:.1f}" in shipped.data.note
        assert f"{simulated.truth.effect[key]:.2f}" in text.split("schema")[0]


def test_reading_changes_nothing(values, write):
    before = copy.deepcopy(values)
    folder = write(values)
    assert load_evaluation(folder) == load_evaluation(folder)
    assert values == before


def test_local_costs_are_read_and_change_no_shared_file(write, values):
    put(values, ("costs", "override"), {"ap_place": {"value": 11_000, "reason": "our contract"}})
    costs = load_evaluation(write(values)).costs
    assert costs is not None
    shared = load_parameters("high_needs_block")
    assert shared.under(costs.overrides)["ap_place"].central == 11_000
    assert shared["ap_place"].central == 10_000


def test_a_second_indicator_is_read_too(values, write):
    put(values, ("estimate", 0, "method"), "bayes_joint")
    put(values, ("estimate", 0, "alongside"), "suspensions")
    put(values, ("estimate", 0, "negligible"), [0.9, 1.1])
    del values["estimate"][1:]
    evaluation = load_evaluation(write(values))
    assert evaluation.estimated == ("permanent_exclusions", "suspensions")
    assert evaluation.primary.negligible == (0.9, 1.1)
