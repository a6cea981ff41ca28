"""From data to a page: the report says what the results say, loads nothing, and is the same every time."""

from __future__ import annotations

import json
import re
import shutil

import pandas as pd
import pytest

from averting.evaluation import render
from averting.evaluation.settings import FILE
from averting.reporting import cost_tables, numbers, open_results, tables, wording
from averting.resources import analyses_dir

FIGURES, TABLES = 11, 22


def declared_headings():
    body = (analyses_dir() / "_template" / "_body.qmd").read_text(encoding="utf-8")
    return re.findall(r"(?m)^# (.*?)(?: \{.*\})?$", body)


def test_every_section_has_its_heading(quick_report):
    wanted = declared_headings()
    assert len(wanted) >= 9
    for heading in wanted:
        assert any(found.endswith(heading) for found in quick_report.headings), heading


def test_the_answer_is_the_first_thing_said(quick_report, quick_run):
    results = open_results(quick_run / "results")
    effect, units = results.primary, wording.unit(results)
    answer = wording.answer(effect, "permanent exclusions", units)
    assert quick_report.says(answer)
    assert quick_report.says(results.manifest["question"])
    assert quick_report.says(wording.detected(effect))
    start = quick_report.text.index("The short answer", quick_report.text.index("The short answer") + 1)
    assert 0 < quick_report.text.index(answer[:60]) - start < 400


def test_every_table_of_the_results_is_on_the_page(quick_report, quick_run):
    results = open_results(quick_run / "results")
    assert quick_report.html.count("<table") >= TABLES - 1
    names = ("estimates", "averted", "balance", "suppression", "scenarios", "payers", "provenance")
    made = {name: getattr(tables, name)(results) for name in names} | {"sources": cost_tables.declared(results)}
    for name, table in made.items():
        for row in table.rows:
            for cell in row:
                assert quick_report.says(cell), (name, cell)


def test_every_check_and_declared_source_is_on_the_page(quick_report, quick_run):
    results = open_results(quick_run / "results")
    for check in (*results.checks("data"), *results.primary.checks):
        assert quick_report.says(check.message)
    bibliography = quick_report.html[quick_report.html.index('id="refs"') :]
    for key in set(results.table("appraisal/sources")["source"]):
        assert f"ref-{key}" in bibliography


def test_every_picture_has_words(quick_report):
    assert len(quick_report.images) == FIGURES
    for image in quick_report.images:
        assert len(image["alt"] or "") > 60


def test_nothing_is_loaded_from_elsewhere(quick_report):
    for address in quick_report.loaded:
        assert address.startswith(("data:", "#")), address[:80]
    assert not re.search(r"@import|url\((?!['\"]?(?:data:|#))", quick_report.html)


def test_the_page_says_it_is_a_draft_and_in_which_language(quick_report):
    assert "not for publication" in quick_report.text
    assert re.search(r"<html[^>]* lang=\"en-GB\"", quick_report.html)


def test_no_leftovers_of_code_are_on_the_page(quick_report):
    assert not re.search(
        r"\bnan\b|\{python\}|Traceback|None\b|<function|Markdown object|\bTrue\b|\bFalse\b", quick_report.text
    )


def test_no_probability_is_worded_without_a_posterior(quick_report):
    text = quick_report.text
    assert "the probability that" not in text
    assert "not a probability" in text


def test_nothing_of_this_machine_is_on_the_page(quick_report):
    assert str(quick_report.path.parent.parent) not in quick_report.html
    assert not re.search(r"(?<![\w.])/(?:home|root|tmp|Users)/", quick_report.text)


def test_rendering_again_elsewhere_gives_the_same_bytes(quick_report, quick_run, tmp_path):
    folder = shutil.copytree(quick_run, tmp_path / "elsewhere")
    again = render(folder, engine="embedded", cache=False)
    assert again.read_bytes() == quick_report.path.read_bytes()


def test_the_report_follows_the_results(cli, quick_copy, quick_report, report_of):
    """Change numbers on file: the old ones are gone from the page, in words, tables and alternative texts."""
    results = open_results(quick_copy / "results")
    old = _told(results)
    assert all(map(quick_report.says, old))
    path = quick_copy / "results" / "estimates" / "main" / "effect.json"
    record = json.loads(path.read_text(encoding="utf-8"))
    record |= {"estimate": 0.1234, "interval": [0.0567, 0.789], "p_value": 0.00123}
    path.write_text(json.dumps(record), encoding="utf-8")
    summary = quick_copy / "results" / "appraisal" / "summary.csv"
    frame = pd.read_csv(summary)
    money = ["savings_mean", "npv_mean", "npv_median", "npv_lower", "npv_upper"]
    frame[money] = frame[money] * 1.37 + 1_000
    frame.to_csv(summary, index=False)
    for name, columns in (("payers", ["mean", "lower", "upper"]), ("tornado", ["npv", "npv_low", "npv_high"])):
        table = pd.read_csv(summary.with_name(f"{name}.csv"))
        table[columns] = table[columns] * 1.37 + 1_000
        table.to_csv(summary.with_name(f"{name}.csv"), index=False)
    model = summary.with_name("what_if.json")
    cases = json.loads(model.read_text(encoding="utf-8"))
    for case in cases["checks"]:
        case |= {key: case[key] * 1.37 + 1_000 for key in ("npv", "lower", "upper")}
    model.write_text(json.dumps(cases), encoding="utf-8")
    said = cli("render", quick_copy, "--engine", "embedded", "--quiet")
    assert said.code == 0
    page = report_of(quick_copy / "report.html")
    for text in old:
        assert not page.says(text)
    new = _told(open_results(quick_copy / "results"))
    assert "88% lower" in new[0]
    assert "0.12" in page.text
    for text in new:
        assert page.says(text)


def _told(results):
    """Texts that rest on the primary estimate and the summary of money."""
    units = wording.unit(results)
    answer = wording.answer(results.primary, results.indicator("permanent_exclusions"), units)
    summary = results.table("appraisal/summary")
    net = summary.loc[summary["scenario"] == "central", "npv_mean"]
    return [answer, *wording.money(results), *map(numbers.pounds, net)]


def test_an_evaluation_without_money_permutation_or_power_has_a_report(quick_copy, report_of):
    """As one whose only estimate is Bayesian and whose averted exclusions are not valued."""
    shutil.rmtree(quick_copy / "results" / "appraisal")
    for key in ("main", "suspensions"):
        path = quick_copy / "results" / "estimates" / key / "effect.json"
        record = json.loads(path.read_text(encoding="utf-8"))
        path.write_text(json.dumps({**record, "tables": []}), encoding="utf-8")
    page = report_of(render(quick_copy, engine="embedded"))
    assert "does not value" in page.text
    assert "£" not in page.text
    assert len(page.images) == 5  # what is suppressed, balance, funnel, paths and single schools left out
    for heading in declared_headings():
        assert any(found.endswith(heading) for found in page.headings), heading


@pytest.mark.slow
def test_the_demonstration_from_one_command(cli, tmp_path, report_of):
    said = cli("demo", tmp_path / "demo")
    assert said.code == 0
    demo = (tmp_path / "demo").resolve()
    schools = [f"profiles/simulated-school-{number}" for number in ("07", "17", "39")]
    made = [demo / f"{name}.html" for name in ("report", *schools, "scenarios", "summary")]
    assert said.out.splitlines()[-6:] == [f"{path.stem}: {path}" for path in made]
    for stage in ("simulating", "reading", "estimating", "sampling", "valuing", "rendering"):
        assert stage in said.err
    page = report_of(tmp_path / "demo" / "report.html")
    results = open_results(tmp_path / "demo" / "results")
    assert results.estimates == ("main", "bayes", "suspensions")
    valued = results.valued
    assert valued.draw_kind == "posterior"
    assert not [check for check in valued.checks if check.status == "fail"]
    assert page.says(wording.probability(valued, "permanent exclusions"))
    assert page.says(wording.money(results)[0])
    assert "priors" in page.text
    # the truth lies in every interval, and is on the page for readers to judge by
    for key, truth in (("main", 0.6), ("bayes", 0.6), ("suspensions", 0.8)):
        low, high = results.effect(key).interval
        assert low < truth < high
    assert "0.60" in page.text
    assert "8.9" in page.text
    before = (tmp_path / "demo" / "report.html").read_bytes()
    told = cli("run", tmp_path / "demo").err
    assert told.count("kept from an earlier run") == 8
    shutil.rmtree(tmp_path / "demo" / "results")
    cli("demo", tmp_path / "demo", "--quiet")
    assert (tmp_path / "demo" / "report.html").read_bytes() == before


def test_a_new_evaluation_goes_from_template_to_report(cli, quick_run, tmp_path, report_of):
    folder = tmp_path / "my-pilot"
    said = cli("new", folder)
    assert said.code == 0
    assert str(folder) in said.out
    assert sorted(path.name for path in folder.iterdir()) == [
        ".gitignore", "README.md", "_body.qmd", "data", "evaluation.toml", "profiles.qmd", "report.qmd",
        "scenarios.qmd", "summary.qmd",
    ]  # fmt: skip
    shutil.copyfile(quick_run / "data" / "simulated_schools.csv", folder / "data" / "schools.csv")
    path = folder / FILE
    text = path.read_text(encoding="utf-8")
    for old, new in {
        '["100001", "100002", "100003"]': '["900007", "900017", "900039"]',
        'start = "2022/23"': 'start = "2021/22"',
        'base_year = "2022-23"': 'base_year = "2021-22"',
        'on = ["phase", "region"]': 'on = ["phase"]',
    }.items():
        assert text.count(old) == 1, old
        text = text.replace(old, new)
    path.write_text(text, encoding="utf-8")
    checked = cli("check", folder, "--json")
    assert checked.code == 0
    assert {"key", "status", "message", "guidance"} == set(json.loads(checked.out)[0])
    assert cli("run", folder, "--quiet").out == f"results: {folder / 'results'}\n"
    said = cli("render", folder, "--engine", "embedded", "--quiet", "--output", tmp_path / "page.html")
    assert (said.code, said.err) == (0, "")
    page = report_of(tmp_path / "page.html")
    assert "was not given" in page.text
    assert "saved more than it cost" not in page.text
    assert "which it pays" not in page.text
