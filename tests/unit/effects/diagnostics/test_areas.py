from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
import pytest

from averting.data import Panel
from averting.design import Design
from averting.effects import Effect, Verdict, estimate


def design_in(authorities: Sequence[str], *, level: str = "school", pilots: int = 3) -> Design:
    """Build a design of schools in the authorities named, pilots first."""
    rng = np.random.default_rng(1)
    years, schools = 6, len(authorities)
    frame = pd.DataFrame(
        {
            "school": np.repeat([f"s{number:03d}" for number in range(schools)], years),
            "period": np.tile([f"{2006 + year}/{(7 + year) % 100:02d}" for year in range(years)], schools),
            "la": np.repeat(list(authorities), years),
            "events": rng.poisson(8.0, schools * years),
            "pupils": 900,
        }
    )
    panel = Panel.from_frame(
        frame, school="school", period="period", counts=["events"], exposure="pupils", la="la", level=level
    )
    return Design(panel, panel.schools[:pilots], start="2009/10", exclude_periods=())


def judged(design: Design, **options: str) -> tuple[Effect, str, str]:
    effect = estimate(design, "events", draws=100, **options)  # type: ignore[arg-type]
    (check,) = [check for check in effect.checks if check.key == "ratio_did/areas"]
    return effect, check.status, check.message


TEN = [f"authority {number}" for number in range(10) for _ in range(6)]


def test_pilots_of_one_authority_are_compared_with_schools_of_one_authority() -> None:
    effect, status, message = judged(design_in(TEN))
    assert status == "pass"
    assert "The pilots lie in 1 local authority." in message
    assert "the pilots' split over local authorities" in effect.inference
    assert (effect.interval[0] <= 1 <= effect.interval[1]) == (effect.p_value > 0.05)


def test_redrawn_panels_know_nothing_of_authorities() -> None:
    _, status, message = judged(design_in(TEN), inference="bootstrap")
    assert status == "warn"
    assert "redrawn panels know nothing" in message


def test_pilots_spread_over_authorities_are_compared_with_all() -> None:
    spread = [f"authority {number % 10}" for number in range(50)]
    effect, status, _ = judged(design_in(spread))
    assert status == "pass"
    assert "split" not in effect.inference


def test_too_few_other_authorities_are_warned_of() -> None:
    names = ["own"] * 3 + [f"authority {number % 12}" for number in range(24)]
    effect, status, message = judged(design_in(names))
    assert status == "warn"
    assert "could pass for an effect" in message
    assert effect.verdict is not Verdict.NOT_ESTIMABLE


def test_one_authority_against_another_is_not_estimable() -> None:
    effect, status, message = judged(design_in(["own"] * 3 + ["other"] * 30))
    assert status == "fail"
    assert "All comparison schools lie in one other" in message
    assert effect.verdict is Verdict.NOT_ESTIMABLE


def test_one_authority_for_all_is_no_matter() -> None:
    assert judged(design_in(["own"] * 33))[1] == "pass"


@pytest.mark.parametrize("names", [["", *TEN[1:]], [""] * 60])
def test_unknown_authorities_are_said(names: list[str]) -> None:
    _, status, message = judged(design_in(names))
    assert status == "info"
    assert "not known" in message


def test_checks_name_the_units_of_the_design() -> None:
    effect, status, _ = judged(design_in(TEN, level="local authority"))
    assert status == "info"
    (check,) = [check for check in effect.checks if check.key == "ratio_did/permutations"]
    assert "sets of 3 local authorities were compared" in check.message
    assert "pilot local authorities" in effect.estimand.population
    assert "which local authorities are pilots" in effect.inference
