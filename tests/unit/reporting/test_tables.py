"""Tables show text as text, whatever it is, and every number a reader needs with its unit."""

from __future__ import annotations

import html
import re

import pandas as pd
import pypandoc
import pytest

from averting.checks import CheckResult
from averting.reporting import cost_tables, diagnostics, funders, open_results, summary, tables
from averting.reporting.tables import ReportTable

HOSTILE = [
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "a | b || c",
    "`{=html}`",
    "```\n<script>x</script>\n```{=html}\n",
    "a\n```\n\n# heading\n\n<script>x</script>\n\n```\n",
    "````````\n\n# heading\n\n",
    "{{< include /etc/passwd >}}",
    "</td></table><h1>",
    "&lt;b&gt; & \"quotes\" 'too'",
    "\u202egnirts detrevni\u202c",
    "x" * 300,
    "🏫👩‍🏫 École Ñandú",
    "*stars* _lines_ $math$ [link](http://example.org) ![i](http://example.org/i.png)",
    "line\nbreak\ttab",
    "`{python} 1 + 1`",
    "",
]
MONEY = [(tables, "scenarios"), (tables, "payers"), (cost_tables, "sources")]
TABLES = [*((tables, name) for name in ("estimates", "averted", "balance", "suppression", "provenance")), *MONEY]


def cells(page):
    return [html.unescape(cell) for cell in re.findall(r"<t[hd](?:\s[^>]*)?>(.*?)</t[hd]>", page, re.DOTALL)]


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_stays_text(text):
    table = ReportTable((text, "n"), [(text, text)], numeric=(1,))
    page = table.html()
    assert cells(page) == [text, "n", text, text]
    assert set(re.findall(r"<(\w+)", page)) == {"table", "thead", "tr", "th", "tbody", "td"}


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_stays_text_on_its_way_through_markdown(monkeypatch, text):
    monkeypatch.setenv("AVERTING_RENDER", "1")
    bundle = ReportTable((text, "n"), [(text, text)])._repr_mimebundle_()
    assert set(bundle) == {"text/markdown", "text/plain"}
    page = pypandoc.convert_text(
        f"before\n\n{bundle['text/markdown']}\n\nafter", "html", format="markdown", extra_args=["--preserve-tabs"]
    )
    assert cells(page) == [text, "n", text, text]
    assert set(re.findall(r"<(\w+)", page)) == {"p", "table", "thead", "tr", "th", "tbody", "td"}


def test_a_notebook_gets_html(monkeypatch):
    monkeypatch.delenv("AVERTING_RENDER", raising=False)
    monkeypatch.delenv("QUARTO_DOCUMENT_PATH", raising=False)
    bundle = ReportTable(("a",), [("<b>",)])._repr_mimebundle_()
    assert "&lt;b&gt;" in bundle["text/html"]
    assert bundle["text/plain"] == "a\n<b>"


def test_headers_have_scopes_and_numbers_a_class():
    page = ReportTable(("name", "n"), [("one", "1")], numeric=(1,)).html()
    assert page.count('scope="col"') == 2
    assert page.count('scope="row"') == 1
    assert page.count('class="numeric"') == 2


@pytest.mark.parametrize(("module", "name"), TABLES, ids=[name for _, name in TABLES])
def test_every_table_is_whole(quick_run, module, name):
    table = getattr(module, name)(open_results(quick_run / "results"))
    assert table.rows
    assert all(len(row) == len(table.columns) for row in table.rows)
    assert all(isinstance(cell, str) and cell.strip() for row in (table.columns, *table.rows) for cell in row)
    assert set(table.numeric) < set(range(len(table.columns)))
    for cell in (cell for row in table.rows for cell in row):
        assert not re.search(r"\bnan\b|\binf\b|None", cell), cell
        assert not re.match(r"-\d", cell), cell


@pytest.mark.parametrize(("module", "name"), MONEY, ids=[name for _, name in MONEY])
def test_without_an_appraisal_money_tables_say_so(results_folder, module, name):
    (results_folder / "appraisal" / "appraisal.json").unlink()
    table = getattr(module, name)(open_results(results_folder))
    assert "does not value" in table.rows[0][0]


def test_an_interval_that_is_not_defined_is_said_so(results_folder, rewrite):
    rewrite(results_folder / "estimates" / "main" / "effect.json", interval=["nan", "nan"])
    row = tables.estimates(open_results(results_folder)).rows[0]
    assert "not defined to not defined" in row
    assert "not estimable" in row


def test_an_interval_without_limit_is_said_so(results_folder, rewrite):
    rewrite(results_folder / "estimates" / "main" / "effect.json", interval=[0.5, "inf"])
    row = tables.estimates(open_results(results_folder)).rows[0]
    assert "0.50 to no limit" in row
    assert "too uncertain to tell" in row


@pytest.mark.parametrize(
    ("kind", "status", "expected"),
    [("posterior", "pass", True), ("posterior", "fail", False), ("confidence", "pass", False), ("bootstrap", "pass", False)],
)  # fmt: skip
def test_a_probability_heads_a_column_only_for_a_sound_posterior(results_folder, rewrite, kind, status, expected):
    checks = [{"key": "k", "status": status, "message": "m", "guidance": ""}]
    rewrite(results_folder / "estimates" / "main" / "effect.json", draw_kind=kind, checks=checks)
    rewrite(results_folder / "appraisal" / "appraisal.json", draw_kind=kind)
    columns = " ".join(tables.scenarios(open_results(results_folder)).columns)
    assert ("robability" in columns) == expected
    assert ("raws" in columns) != expected


def test_without_a_programme_cost_no_ratio_is_shown(results_folder, rewrite):
    rewrite(results_folder / "appraisal" / "appraisal.json", has_programme_cost=False)
    table = tables.scenarios(open_results(results_folder))
    assert "atio" not in " ".join(table.columns)
    assert "Savings" in " ".join(table.columns)


def test_scenario_rows_show_the_numbers_of_the_file(results_folder):
    path = results_folder / "appraisal" / "summary.csv"
    summary = pd.read_csv(path)
    summary.loc[summary["scenario"] == "central", "bcr"] = 7.77
    summary.loc[summary["scenario"] == "central", "npv_mean"] = -123_456.0
    summary.to_csv(path, index=False)
    rows = [row for row in tables.scenarios(open_results(results_folder)).rows if row[0] == "Central"]
    assert len(rows) == 2
    for row in rows:
        assert "7.77" in row
        assert any("−\u2060£123,000" in cell for cell in row)


def test_an_interval_has_a_column_of_its_own(results_folder):
    results = open_results(results_folder)
    table = tables.scenarios(results)
    at = list(table.columns).index("95% interval")
    shown = {(row[0], row[at]) for row in table.rows}
    assert all(" to " in between for scenario, between in shown if scenario == "Central")
    assert not any(" to " in row[at - 1] for row in table.rows)


def test_every_declared_cost_is_listed_with_its_source(results_folder):
    sources = pd.read_csv(results_folder / "appraisal" / "sources.csv")
    rows = cost_tables.sources(open_results(results_folder)).rows
    assert [row[0] for row in rows] == list(sources["label"])
    for row, locator in zip(rows, sources["locator"], strict=True):
        assert any(locator in cell for cell in row)


def test_hostile_labels_from_an_evaluation_stay_text(results_folder, rewrite):
    record = open_results(results_folder).record("appraisal/appraisal")
    labelled = [{**one, "label": "<script>x</script>"} for one in record["scenarios"]]
    rewrite(results_folder / "appraisal" / "appraisal.json", scenarios=labelled)
    page = tables.scenarios(open_results(results_folder)).html()
    assert "<script" not in page
    assert "&lt;script&gt;" in page


def test_the_serious_checks_come_first_and_none_twice():
    found = [
        CheckResult("a", "pass", "fine"),
        CheckResult("b", "fail", "bad", "Mend it."),
        CheckResult("a", "pass", "fine"),
    ]
    table = tables.checks({"data": found})
    assert [row[1:] for row in table.rows] == [("data", "bad Mend it."), ("data", "fine")]
    assert table.rows[0][0] != table.rows[1][0]


def test_a_check_says_of_which_estimate_it_is(quick_run):
    """Two estimates have checks that contradict each other unless one sees which is whose."""
    results = open_results(quick_run / "results")
    rows = diagnostics.checks(results).rows
    assert len(rows) == len({row[2] for row in rows if row[1] == "data"}) + len(
        {check for key in results.estimates for check in results.effect(key).checks}
    )
    for key in results.estimates:
        others = {check for other in results.estimates if other != key for check in results.effect(other).checks}
        name = results.name(key)
        for check in set(results.effect(key).checks) - others:
            assert [row[1] for row in rows if row[2].startswith(check.message)] == [name]
    shared = set.intersection(*(set(results.effect(key).checks) for key in results.estimates))
    assert shared
    assert {row[1] for row in rows if any(row[2].startswith(check.message) for check in shared)} == {
        "all estimates"
    }


PRICED = [
    (tables, "scenarios"), (tables, "payers"), (summary, "who_when"), (funders, "strength"), (funders, "cash_by_year"),
    (cost_tables, "programme"), (cost_tables, "unit_costs"),
]  # fmt: skip


@pytest.mark.parametrize(("module", "name"), PRICED, ids=[name for _, name in PRICED])
def test_headers_say_the_price_year(quick_run, module, name):
    results = open_results(quick_run / "results")
    year = results.record("appraisal/appraisal")["price_year"]
    assert f"{year} prices" in " ".join(getattr(module, name)(results).columns)


def test_declared_costs_are_whole_in_four_columns(quick_run):
    results = open_results(quick_run / "results")
    short, long = cost_tables.declared(results), cost_tables.sources(results)
    assert len(short.columns) == 4
    for row, wide in zip(short.rows, long.rows, strict=True):
        text = " ".join(row)
        label, mean, unit, evidence, cited, review, beware = wide
        assert all(part in text for part in (label, mean, unit, evidence, cited, review[:4]))
        assert beware == "–" or beware in text


def test_provenance_names_hashes_seed_and_versions(quick_run):
    text = " ".join(" ".join(row) for row in tables.provenance(open_results(quick_run / "results")).rows)
    manifest = open_results(quick_run / "results").manifest
    assert manifest["inputs"]["data"]["sha256"][:16] in text
    assert manifest["inputs"]["versions"]["numpy"] in text
    assert "simulated_schools.csv" in text
