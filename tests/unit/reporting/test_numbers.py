"""How numbers are written: no more digits than they bear, no hyphen for a minus, no certainty that is not there."""

from __future__ import annotations

import math
import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from averting.reporting import numbers
from averting.reporting.numbers import MINUS


@pytest.mark.parametrize(
    ("write", "value", "text"),
    [
        (numbers.count, 0.0, "0"),
        (numbers.count, 0.49, "0"),
        (numbers.count, 0.5, "1"),
        (numbers.count, -0.4, "0"),
        (numbers.count, -0.0, "0"),
        (numbers.count, -0.5, f"{MINUS}1"),
        (numbers.count, 2.5, "3"),
        (numbers.count, -1234.6, f"{MINUS}1,235"),
        (numbers.pounds, 0.0, "£0"),
        (numbers.pounds, -0.2, "£0"),
        (numbers.pounds, 7.4, "£7"),
        (numbers.pounds, 999.6, "£1,000"),
        (numbers.pounds, 1234.0, "£1,230"),
        (numbers.pounds, 1235.1, "£1,240"),
        (numbers.pounds, -45_649.0, f"{MINUS}£45,600"),
        (numbers.pounds, 1_234_567.0, "£1,230,000"),
        (numbers.pounds, 1e12, "£1,000,000,000,000"),
        (numbers.pounds, math.nan, "not defined"),
        (numbers.pounds, math.inf, "not defined"),
        (numbers.ratio, 0.885, "0.89"),
        (numbers.ratio, 1.0, "1.00"),
        (numbers.ratio, 0.0, "0.00"),
        (numbers.ratio, math.inf, "no limit"),
        (numbers.ratio, math.nan, "not defined"),
        (numbers.percent, 0.0, "0%"),
        (numbers.percent, 0.0001, "under 1%"),
        (numbers.percent, 0.0049, "under 1%"),
        (numbers.percent, 0.005, "under 1%"),
        (numbers.percent, 0.0051, "1%"),
        (numbers.percent, 0.5, "50%"),
        (numbers.percent, 0.994, "99%"),
        (numbers.percent, 0.996, "over 99%"),
        (numbers.percent, 1.0, "100%"),
        (numbers.percent, math.nan, "not defined"),
        (numbers.chance, 0.0, "under 1%"),
        (numbers.chance, 1.0, "over 99%"),
        (numbers.chance, 0.5, "50%"),
        (numbers.change, 0.6, "40% lower"),
        (numbers.change, 1.25, "25% higher"),
        (numbers.change, 1.0, "no different"),
        (numbers.change, 0.997, "no different"),
        (numbers.change, 0.0, "100% lower"),
        (numbers.change, 3.0, "200% higher"),
        (numbers.change, math.inf, "higher without limit"),
        (numbers.p_value, None, "–"),
        (numbers.p_value, 0.0009, "under 0.001"),
        (numbers.p_value, 0.0123, "0.012"),
        (numbers.p_value, 1.0, "1.00"),
            (numbers.p_value, 0.6, "0.60"),
            (numbers.p_value, 0.0951, "0.10"),
            (numbers.p_value, 0.09, "0.09"),
        (numbers.decimal, -0.004, "0.00"),
        (numbers.decimal, -1.005, f"{MINUS}1.00"),
        (numbers.decimal, 1234.5, "1,234.50"),
        (numbers.parameter, 0.186, "0.186"),
        (numbers.parameter, 23456.7, "23,457"),
        (numbers.unit, "GBP/pupil/year", "£ per pupil a year"),
        (numbers.unit, "pupil_years", "pupil years"),
    ],
)  # fmt: skip
def test_cases(write, value, text):
    assert write(value) == text


@given(st.floats(0, 1, exclude_min=True, exclude_max=True))
def test_a_share_is_never_rounded_to_nothing_or_to_all(share):
    assert numbers.percent(share) not in ("0%", "100%")


@given(st.floats(-1e12, 1e12))
def test_amounts_have_three_figures_and_a_true_minus(value):
    text = numbers.pounds(value)
    assert "-" not in text
    digits = re.sub(r"\D", "", text).lstrip("0")
    assert len(digits.rstrip("0")) <= 3
    back = float(re.sub(r"[^\d]", "", text)) * (-1 if text.startswith(MINUS) else 1)
    assert back == pytest.approx(value, rel=0.005, abs=0.5)


@given(st.floats(-1e12, 1e12))
def test_counts_are_whole_and_never_minus_nothing(value):
    text = numbers.count(value)
    assert re.fullmatch(rf"(?:{MINUS})?\d[\d,]*", text)
    assert text != f"{MINUS}0"
    back = int(text.replace(MINUS, "-").replace(",", ""))
    assert abs(back - value) <= 0.5 + 1e-4


@given(st.floats(0, 1e6))
def test_changes_keep_their_direction(value):
    words = numbers.change(value)
    assert ("lower" in words) == (value <= 0.995 and words != "no different")
    assert "-" not in words


def test_an_interval_is_joined_in_words():
    assert numbers.interval(f"{MINUS}3", "5") == f"{MINUS}3 to 5"


@pytest.mark.parametrize(
    ("value", "scale", "size", "change"),
    [
        (0.6, "ratio", "0.60", "40% lower"),
        (-0.046, "difference", f"{numbers.MINUS}0.046", "0.046 per 100 pupils lower"),
        (1.234, "difference", "1.23", "1.23 per 100 pupils higher"),
        (-np.inf, "difference", "no limit", "lower without limit"),
    ],
)
def test_effects_are_written_on_their_scale(value: float, scale: str, size: str, change: str) -> None:
    assert numbers.effect_size(value, scale) == size
    assert numbers.effect_change(value, scale) == change
