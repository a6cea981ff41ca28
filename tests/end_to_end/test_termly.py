"""A council's own termly table, with a school that changed its URN, an event that is modelled and a Covid term left out."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from averting.data.disclosure import load_rules
from averting.evaluation import run
from averting.reporting import open_results, tables
from averting.reporting.controlled import control, write_controlled

TERMS = [f"{year}/{year - 1999} {term}" for year in range(2018, 2024) for term in ("Autumn", "Spring", "Summer")]
START = TERMS.index("2022/23 Spring")
SHUT = "2020/21 Spring"

EVALUATION = """
schema = 1
title = "By term"
question = "Did the pilot avert suspensions?"
seed = 1
draws = 200

[data]
path = "panel.csv"
source = "tidy"
succession = "links.csv"
[data.columns]
school = "URN"
period = "Term"
exposure = "Roll"
name = "School"
suspensions = "Susp"
permanent_exclusions = "Perm"
[data.symbols]
x = [1, 2]

[design]
pilots = ["1000", "1001", "1002"]
start = "2022/23 Spring"
exclude_periods = ["2020/21 Spring"]
exclude_reason = "Schools were shut to most pupils in that term."

[[event]]
id = "workers"
label = "Social workers in schools"
kind = "co_intervention"
from = "2022/23 Autumn"
to = "2023/24"
schools = ["1002", "1010", "1011", "1012", "1013"]
treatment = "model"

[[estimate]]
id = "main"
role = "primary"
indicator = "permanent_exclusions"

[[estimate]]
id = "adjusted"
role = "secondary"
indicator = "suspensions"
method = "poisson_fe"
covariates = ["event:workers"]

[diagnostics]
run = []

[costs]
families = ["high_needs_block"]
price_year = "2023-24"

[appraisal]
estimate = "main"
base_year = "2022-23"
discounting = "2022"
"""


@pytest.fixture
def folder(tmp_path, cli):
    """An evaluation of 30 schools whose 1001 became 2001 in January 2022; the programme halves suspensions."""
    rng = np.random.default_rng(5)
    rows = []
    for school in range(30):
        rate = rng.gamma(9, 20 / 9)
        for at, term in enumerate(TERMS):
            urn = 2001 if school == 1 and at >= TERMS.index("2021/22 Spring") else 1000 + school
            events = rate * (0.1 if term == SHUT else 1) * (0.5 if school < 3 and at >= START else 1)
            events *= 2 if school in (2, 10, 11, 12, 13) and at >= START - 1 else 1
            few = rng.poisson(events / 20)
            rows.append((urn, f"School {school}", term, 900, rng.poisson(events), "x" if few in (1, 2) else few))
    folder = tmp_path / "termly"
    assert cli("new", folder).code == 0
    columns = ["URN", "School", "Term", "Roll", "Susp", "Perm"]
    pd.DataFrame(rows, columns=columns).to_csv(folder / "panel.csv", index=False)
    links = "URN,LinkURN,LinkName,LinkType,LinkEstablishedDate\n2001,1001,,Predecessor,01-01-2022\n"
    (folder / "links.csv").write_text(links, encoding="utf-8")
    (folder / "evaluation.toml").write_text(EVALUATION, encoding="utf-8")
    return folder


def test_by_term_from_a_file_to_a_page(folder, cli, report_of):
    checked = cli("check", folder)
    assert checked.code == 0, checked.err
    assert "3 pilots from 2022/23 Spring, 27 comparison schools, 17 periods used, 1 left out" in checked.out
    assert "2 schools are joined to 1 series (1 by conversion)" in " ".join(checked.out.split())
    assert cli("run", folder).code == 0
    results = open_results(folder / "results")
    assert "2001" in results.record("design/design")["pilots"]
    assert results.table("data/succession")["year"].tolist() == ["2021/22 Spring"]
    # the truth is a halving; a comparison whose schools' own events are not allowed for finds less
    low, high = results.effect("adjusted").interval
    assert low < 0.5 < high < 1
    assert results.has_appraisal
    assert cli("render", folder, "--report", "report", "--engine", "embedded").code == 0
    page = report_of(folder / "report.html")
    assert page.says("Left out: 2020/21 Spring. Schools were shut to most pupils in that term.")
    assert page.says("2022/23 Autumn to 2023/24 Summer 5 named kept, and adjusted for where an estimate says so")
    assert page.says("suspensions, adjusted for Social workers in schools (secondary)")
    assert page.says("1001 School 1 2001 School 1 conversion 2021/22 Spring a pilot")
    assert "all terms" in page.text
    assert "a year" not in page.text.partition("What changed")[0].partition("Before the start")[2][:400]


def test_what_leaves_where_the_primary_estimate_adjusts_for_an_event(folder, tmp_path):
    indicator = "permanent_exclusions"
    toml = folder / "evaluation.toml"
    before, _, after = toml.read_text(encoding="utf-8").partition('[[estimate]]\nid = "main"')
    primary = f"""[[estimate]]
id = "main"
role = "primary"
indicator = "{indicator}"
method = "poisson_fe"
covariates = ["event:workers"]

[diagnostics]
run = ["anticipation"]
"""
    assert after
    toml.write_text(before + primary, encoding="utf-8")
    inside = open_results(run(folder))
    assert inside.table("diagnostics/anticipation")["label"].tolist()[0] == "all terms"
    (tmp_path / "controlled").mkdir()
    public = write_controlled(control(inside, load_rules("under_five")), tmp_path / "controlled")
    named = tables.estimates(public).rows[0][0]
    assert named == f"{public.indicator(indicator)}, adjusted for an event of named schools (primary)"
    assert tables.estimates(public).rows[0][2] == tables.estimates(inside).rows[0][2]
    assert tables.events(public).rows[-1][1] == "An event of named schools, withheld"
    for file in public.folder.rglob("*.*"):
        if file.is_file() and file.suffix != ".nc":
            told = file.read_text(encoding="utf-8")
            assert not any(word in told for word in ("Social workers", "1010", "School 1", "2001")), file.name
    counts = public.table(f"design/paths_{indicator}")
    assert set(counts["period"]) <= set(TERMS)
