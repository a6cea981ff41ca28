"""Tables about costs in a report, each cell against the table it is read from."""

from __future__ import annotations

import html
import json

import pandas as pd
import pytest

from averting.reporting import cost_tables
from averting.reporting.numbers import pounds
from averting.reporting.results import Results

PROGRAMME = pd.DataFrame(
    {
        "element": ["school_liaison_officer", "school_liaison_officer", "evaluation"],
        "element_label": ["School Liaison Officer", "School Liaison Officer", "Evaluation"],
        "phase": ["running", "start_up", "running"],
        "in_kind": [False, True, False],
        "year": ["2022-23", "2022-23", "2023-24"],
        "payer": ["school", "school", "dfe"],
        "payer_label": ["School", "School", "Department for Education"],
        "amount": [40_000.0, 5_000.0, 10_000.0],
    }
)
UNIT = pd.DataFrame(
    {
        "measure": ["in all", "running, a year", "in all, a school", "running, a pupil supported and year"],
        "amount": [55_000.0, 25_000.0, 18_333.33, 277.78],
        "band": ["", "", "", "£££ (moderate)"],
    }
)
ASLEEP = pd.DataFrame(
    [{"line": "Transport", "key": "transport", "label": "Transport", "unit": "GBP/pupil/year", "ask": "Ask them."}]
)
LATER = pd.DataFrame(
    {
        "scenario": ["central", "central", "other"],
        "line_label": ["Earnings", "Tax", "Earnings"],
        "present_mean": [1_000.0, 0.0, 9.0],
        "present_lower": [-200.0, 0.0, 9.0],
        "present_upper": [3_000.0, 0.0, 9.0],
        "causal_share": [0.25, 0.0, 0.5],
        "present_if_all": [4_000.0, 800.0, 9.0],
        "break_even_share": [0.5, float("nan"), 2.0],
    }
)


@pytest.fixture
def results(tmp_path):
    folder = tmp_path / "appraisal"
    folder.mkdir()
    (folder / "appraisal.json").write_text(json.dumps({"estimate": "main", "price_year": "2023-24"}))
    tables = {"programme": PROGRAMME, "programme_unit_costs": UNIT, "asleep": ASLEEP, "later_life": LATER}
    for name, table in tables.items():
        table.to_csv(folder / f"{name}.csv", index=False)
    return Results(tmp_path, {})


def with_cost_per(results, value, note=""):
    row = {"scenario": ["central"], "cost_per_averted": [value], "note": [note]}
    pd.DataFrame(row).to_csv(results.folder / "appraisal" / "cost_per_averted.csv", index=False)


def test_the_programme_by_its_parts_adds_up(results):
    rows = cost_tables.programme(results).rows
    assert rows[0] == ("School Liaison Officer", "£45,000", "£5,000", "£5,000", "School")
    assert rows[1] == ("Evaluation", "£10,000", "£0", "£0", "Department for Education")
    assert rows[2] == ("In all", "£55,000", "£5,000", "£5,000", "")


def test_what_a_pupil_costs_has_its_band_and_what_an_averted_exclusion_costs_may_be_no_number(results):
    rows = {row[0]: row[1:] for row in cost_tables.unit_costs(results).rows}
    assert rows["Running cost, for each pupil supported and year"] == (pounds(277.78), "£££ (moderate)")
    assert rows["In all, for each pilot school"] == (pounds(18_333.33), "–")
    assert not any("averted" in name for name in rows)
    with_cost_per(results, float("nan"), "Not defined: uncertain.")
    assert cost_tables.unit_costs(results).rows[-1][1] == "Not defined: uncertain."
    with_cost_per(results, 21_000.0)
    assert cost_tables.unit_costs(results).rows[-1][1] == "£21,000"


def test_lines_left_out_say_what_to_give(results):
    assert cost_tables.asleep(results).rows[0][0] == "Transport"
    assert cost_tables.asleep(results).rows[0][2] == "Ask them."


def test_later_life_is_central_and_printed_with_its_share(results):
    first, second = cost_tables.later_life(results).rows
    assert first[0] == "Earnings"
    assert first[1].startswith("£1,000 (")
    assert first[2:] == ("0.25", "£4,000", "0.50")
    assert second[4] == "–"
    dear = LATER.assign(break_even_share=1.5)
    dear.to_csv(results.folder / "appraisal" / "later_life.csv", index=False)
    assert cost_tables.later_life(results).rows[0][4] == "none: more than all of it"


def test_a_source_of_the_council_s_own_is_named_and_not_cited(results):
    """A local figure's source is free text: as a citation it has no entry, and the whole report would not render."""
    path = results.folder / "appraisal" / "sources.csv"
    pd.DataFrame({"source": ["transport team, ledger", "timpson_2019", "timpson_2019"]}).to_csv(path, index=False)
    assert html.unescape(cost_tables.references(results)) == (
        "Full references: @timpson_2019. Sources of this evaluation's own: transport team, ledger."
    )
    pd.DataFrame({"source": ["the @finance team"]}).to_csv(path, index=False)
    assert "@" not in cost_tables.references(results)
    assert "Full references" not in cost_tables.references(results)


def test_an_evaluation_that_values_nothing_has_tables_all_the_same(tmp_path):
    for table in (cost_tables.programme, cost_tables.asleep, cost_tables.later_life):
        assert table(Results(tmp_path, {})).rows[0][0] == "none"
