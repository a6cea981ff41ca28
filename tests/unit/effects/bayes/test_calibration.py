from __future__ import annotations

import re
from pathlib import Path

from averting.effects.bayes.calibration import MEASURED, check_calibration

PAGE = Path(__file__).resolve().parents[4] / "docs" / "bayes-calibration.md"


def test_rates_quoted_are_those_of_the_published_table() -> None:
    rows = [line for line in PAGE.read_text("utf-8").splitlines() if re.match(r"\| [ABD]: ", line)]
    assert len(rows) == 3
    for row in rows:
        cells = [cell.strip().partition(" (")[0] for cell in row.strip("|").split("|")]
        fits, covered, sure = cells[1], cells[2], cells[4]
        assert f"{covered} %" in MEASURED["bayes_count"]
        assert f"{sure} %" in MEASURED["bayes_count"]
        assert f" of {fits}" in MEASURED["bayes_count"]


def test_a_model_without_rates_says_so() -> None:
    check = check_calibration("bayes_unheard_of")
    assert (check.key, check.status) == ("bayes_unheard_of/calibration", "info")
    assert "has not been measured" in check.message
    assert check.guidance
