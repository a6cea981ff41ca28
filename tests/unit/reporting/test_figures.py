"""Figures: the same bytes every time, with words for those who cannot see them, from the numbers on file."""

from __future__ import annotations

import html
import re
import xml.etree.ElementTree as ElementTree

import numpy as np
import pandas as pd
import pytest

from averting.reporting import figures, open_results
from averting.reporting.figures import ReportFigure

FIGURES = {
    "paths": lambda results: figures.paths(results, "main"),
    "permutation": lambda results: figures.permutation(results, "main"),
    "detectable": lambda results: figures.detectable(results, "main"),
    "cash_flow": figures.cash_flow,
}


@pytest.fixture(scope="module")
def drawn(quick_run):
    results = open_results(quick_run / "results")
    return {name: draw(results) for name, draw in FIGURES.items()}


@pytest.mark.parametrize("name", FIGURES)
def test_the_same_figure_gives_the_same_bytes(quick_run, drawn, name):
    again = FIGURES[name](open_results(quick_run / "results"))
    assert again.svg == drawn[name].svg
    assert again == drawn[name]


@pytest.mark.parametrize("name", FIGURES)
def test_a_figure_says_in_words_and_numbers_what_it_shows(drawn, name):
    alt = drawn[name].alt
    assert len(alt) > 60
    assert re.search(r"\d", alt)
    assert not re.search(r"\bnan\b|\binf\b|None|_", alt)
    assert alt.endswith(".")


@pytest.mark.parametrize("name", FIGURES)
def test_a_figure_is_sound_and_loads_nothing(drawn, name):
    svg = drawn[name].svg
    root = ElementTree.fromstring(svg)
    assert root.tag.endswith("svg")
    for element in root.iter():
        for attribute, value in element.attrib.items():
            if attribute.endswith(("href", "src")):
                assert value.startswith("#")
    assert "<script" not in svg
    assert "<dc:date>" not in svg


@pytest.mark.parametrize("text", ['"><script>x</script>', "a & b < c", "'quotes' \"too\""])
def test_hostile_alternative_text_stays_text(monkeypatch, text):
    monkeypatch.delenv("AVERTING_RENDER", raising=False)
    image = ReportFigure("<svg/>", text)._repr_mimebundle_()["text/html"]
    assert image.count("<") == 3  # the picture, and the box it scrolls in
    assert html.unescape(re.search(r'alt="([^"]*)"', image)[1]) == text


def test_the_paths_follow_the_file(results_folder, drawn):
    path = results_folder / "design" / "paths_permanent_exclusions.csv"
    table = pd.read_csv(path)
    for column in ("rate", "rate_lower", "rate_upper"):
        table[column] *= 2
    table.to_csv(path, index=False)
    changed = figures.paths(open_results(results_folder), "main")
    numbers = [[float(n) for n in re.findall(r"\d+\.\d+", alt)] for alt in (drawn["paths"].alt, changed.alt)]
    np.testing.assert_allclose(numbers[1], 2 * np.array(numbers[0]), atol=0.011)
    assert changed.svg != drawn["paths"].svg


def test_the_permutation_figure_tells_the_p_value_of_its_table(results_folder):
    path = results_folder / "estimates" / "main" / "permutation.csv"
    table = pd.DataFrame({"statistic": [3.0, 1.0, -3.5, 0.0], "is_pilots": [True, False, False, False]})
    table.to_csv(path, index=False)
    alt = figures.permutation(open_results(results_folder), "main").alt
    assert "3.0" in alt
    assert "50%" in alt  # the pilots themselves, and the set at -3.5


def test_what_could_not_be_found_out_is_not_drawn_as_numbers(results_folder):
    path = results_folder / "estimates" / "main" / "detectable.csv"
    table = pd.read_csv(path)
    table.assign(chance=float("nan")).to_csv(path, index=False)
    alt = figures.detectable(open_results(results_folder), "main").alt
    assert "nan" not in alt


def test_money_figures_leave_out_transfers(results_folder, drawn):
    flows = pd.read_csv(results_folder / "appraisal" / "flows.csv")
    transfers = flows.loc[flows["kind"] == "transfer", "line_label"].unique()
    assert len(transfers)
    for label in transfers:
        assert label not in drawn["cash_flow"].alt
    assert "Programme" in drawn["cash_flow"].alt
