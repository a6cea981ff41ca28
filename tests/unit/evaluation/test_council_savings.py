"""What averting one exclusion would save a council: the appraisal's own arithmetic, in words and as numbers."""

from __future__ import annotations

import json

import numpy as np
import pytest

from averting.appraisal.unit_savings import savings_per_exclusion
from averting.cli import main
from averting.costs import load_parameters
from averting.errors import ParameterError
from averting.evaluation.council_savings import council_savings
from averting.years import FinancialYear


def test_sums_are_those_of_savings_per_exclusion() -> None:
    found = council_savings("Salford", averted=3, draws=500)
    year = FinancialYear(2023)
    draws = load_parameters("after_exclusion", la="Salford").draw(500, seed=1)
    each = savings_per_exclusion(draws, price_year=year, payers_as_of=year)
    for kind in ("cashable", "capacity"):
        total = 3 * each.sum("year").sel(line=each["kind"] == kind).sum(("line", "payer")).to_numpy()
        (row,) = [row for row in found.rows if row["kind"] == kind and row["payer"] == "all"]
        low, middle, high = np.quantile(total, [0.05, 0.5, 0.95])
        # rounded to pounds
        assert [row["low"], row["middle"], row["high"]] == pytest.approx([low, middle, high], abs=0.51)


def test_a_council_without_figures_is_told_what_to_do() -> None:
    with pytest.raises(ParameterError, match=r"costs are then spread over all authorities"):
        council_savings("Isles of Scilly")


def test_the_command_says_it_in_words_and_as_json(capsys: pytest.CaptureFixture[str]) -> None:
    said = []
    for options in (["--json"], []):
        with pytest.raises(SystemExit) as ended:
            main(["savings", *options])
        assert ended.value.code in (0, None)
        said.append(capsys.readouterr().out)
    as_json = json.loads(said[0])
    assert as_json["local_authority"] is None
    assert "transport" in as_json["you_must_give"]
    assert said[1].startswith("What one averted permanent exclusion would save an authority of England")
    assert "Kinds are never added up." in said[1]
