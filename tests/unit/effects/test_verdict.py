from __future__ import annotations

import numpy as np
import pytest

from averting.checks import CheckResult
from averting.effects import CAUTIONS, RULES, Verdict, cautions
from averting.effects.verdict import verdict

INF, NAN = np.inf, np.nan
DOWN, UP, UNSURE, NONE = Verdict.REDUCTION, Verdict.INCREASE, Verdict.UNCERTAIN, Verdict.NOT_ESTIMABLE


@pytest.mark.parametrize(
    ("interval", "expected"),
    [
        ((0.5, 0.9), DOWN),
        ((0.0, 0.99), DOWN),
        ((1.01, 2.0), UP),
        ((1.2, INF), UP),
        ((0.5, 2.0), UNSURE),
        ((0.5, 1.0), UNSURE),
        ((1.0, 2.0), UNSURE),
        ((0.2, INF), UNSURE),
        ((0.0, 3.0), UNSURE),
        ((0.0, INF), NONE),
        ((NAN, NAN), NONE),
        ((NAN, 0.5), NONE),
    ],
)
def test_ratios(interval: tuple[float, float], expected: Verdict) -> None:
    assert verdict(interval, no_effect=1.0) is expected


@pytest.mark.parametrize(
    ("interval", "expected"),
    [
        ((-3.0, -0.1), DOWN),
        ((-INF, -0.1), DOWN),
        ((0.1, 4.0), UP),
        ((0.1, INF), UP),
        ((-3.0, 1.0), UNSURE),
        ((-3.0, INF), UNSURE),
        ((-INF, 2.0), UNSURE),
        ((-INF, INF), NONE),
        ((NAN, NAN), NONE),
    ],
)
def test_differences(interval: tuple[float, float], expected: Verdict) -> None:
    assert verdict(interval, no_effect=0.0) is expected


@pytest.mark.parametrize(("status", "expected"), [("pass", DOWN), ("info", DOWN), ("warn", DOWN), ("fail", NONE)])
def test_only_a_failed_check_takes_the_word_away(status: str, expected: Verdict) -> None:
    checks = (CheckResult("a", "pass", "."), CheckResult("b", status, "."))  # type: ignore[arg-type]
    assert verdict((0.5, 0.9), no_effect=1.0, checks=checks) is expected


def test_every_verdict_has_a_rule() -> None:
    assert [rule.split(":")[0] for rule in RULES] == [str(NONE), str(DOWN), str(UP), str(UNSURE)]


@pytest.mark.parametrize(
    ("statuses", "expected"),
    [([], 0), (["pass", "info"], 0), (["warn"], 1), (["warn", "fail", "pass"], 2), (["warn", "warn"], 2)],
)
def test_checks_that_call_for_care_stand_beside_the_verdict(statuses: list[str], expected: int) -> None:
    checks = [CheckResult(f"d/{i}", status, f"Message {i}.", "Do.") for i, status in enumerate(statuses)]  # type: ignore[arg-type]
    said = cautions(checks)
    assert len(said) == expected
    assert all(text.endswith(". Do.") for text in said)
    assert cautions([*checks, *checks]) == said
    assert all("verdict" in rule or "caution" in rule for rule in CAUTIONS)
