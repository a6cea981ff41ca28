"""Findings: one way to print them, to write and read them for a page, and to draw their intervals."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from averting.errors import DisclosureError, RenderError
from averting.reporting.findings import Findings, Forest, earlier_counts, forest_of, open_findings, page_table
from averting.reporting.findings.files import write_findings, write_tables

FOREST = Forest("ratios", "cohort", "ratio", "lower", "upper", "times")


@pytest.fixture
def findings():
    ratios = pd.DataFrame(
        {
            "cohort": ["meals", "SEN", "care"],
            "ratio": [0.5, 1.2, np.nan],
            "lower": [0.25, 0.9, np.nan],
            "upper": [1.0, 1.6, np.nan],
            "p_value": [0.0004, 0.25, np.nan],
            "finding": ["fell", "cannot tell", "none"],
            "note": ["", "", "not estimable"],
        }
    )
    waits = pd.DataFrame({"until": ["decision", "action"], "median_days": [np.nan] * 2, "withheld": [True, False]})
    money = pd.DataFrame({"cohort": ["meals"], "averted": [2.61], "savings": [1_162_732.0]})
    tables = {"waits": waits, "ratios": ratios, "money": money}
    return Findings("equity", "Whom?", "About.", ("One.",), tables, forests=(FOREST,))


def test_what_is_withheld_is_not_what_is_not_known(findings):
    assert findings.shown("waits")["median_days"].tolist() == ["c", "–"]
    assert "withheld" not in findings.shown("waits")
    assert findings.lines()[:2] == ["About.", "One."]
    assert findings.to_dict()["tables"]["waits"][0]["median_days"] is None


def test_a_page_has_an_estimate_and_its_interval_in_one_cell(findings):
    table = page_table(findings, "ratios")
    assert list(table.columns) == ["cohort", "finding", "ratio", "p"]
    cells = [cell.replace("\u00a0", " ") for cell in table.rows[0]]
    assert cells == ["meals", "fell", "0.50 (0.25 to 1.00)", "under 0.001"]
    assert table.rows[2][1] == "none: not estimable"
    assert list(page_table(findings, "money").rows[0]) == ["meals", "3", "£1,160,000"]


def test_a_forest_says_in_words_what_it_draws(findings):
    figure = forest_of(findings, FOREST)
    assert "meals 0.50 (0.25 to 1.00); SEN 1.20 (0.90 to 1.60)" in figure.alt
    assert "care" not in figure.alt
    assert forest_of(findings, Forest("none", "a", "b", "c", "d")) is None


def test_what_was_written_is_read_again_in_its_order(findings, tmp_path):
    write_tables(findings, tmp_path)
    again = open_findings(tmp_path)
    assert list(again.tables) == ["waits", "ratios", "money"]
    assert again.lines() == findings.lines()
    with pytest.raises(RenderError, match="no findings"):
        open_findings(tmp_path / "elsewhere")
    with pytest.raises(DisclosureError, match="is not a release"):
        earlier_counts("equity", [tmp_path])


def test_names_that_users_give_are_text_on_a_page(findings, tmp_path):
    hostile = "<script>alert(1)</script> <img src=x onerror=alert(1)> *x* `{python} 1/0`"
    table = pd.DataFrame({"cohort": [hostile], "averted": [2.0]})
    page = write_findings(Findings("equity", "Whom?", hostile, (hostile,), {hostile: table}), tmp_path)
    text = page.read_text(encoding="utf-8")
    assert "<script>alert" not in text
    assert "<img src=x" not in text
    # description, statement, heading and cell show what was typed: neither HTML nor the names of its characters
    assert text.count("&lt;script&gt;alert(1)&lt;/script&gt;") >= 4
    assert "&amp;#" not in text
