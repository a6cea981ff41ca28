"""How numbers are written: rounded to what they can bear, with units said."""

from __future__ import annotations

import math

MINUS = "−\u2060"
"""A true minus sign, and a word joiner that keeps a line from breaking after it."""

_UNITS = {"per_year": "per year", "GBP": "£", "GBP/pupil": "£ per pupil", "GBP/pupil/year": "£ per pupil a year"}


def count(value: float) -> str:
    """Write a number of pupils or events: whole, with a true minus sign."""
    rounded = math.floor(abs(value) + 0.5)
    return f"{MINUS}{rounded:,}" if value < 0 and rounded else f"{rounded:,}"


def pounds(value: float) -> str:
    """Write an amount to three significant figures, for example £1,230,000 or −£45,600."""
    if not math.isfinite(value):
        return "not defined"
    digits = 2 - math.floor(math.log10(abs(value))) if value else 0
    rounded = round(value, min(digits, 0))
    return f"{MINUS if rounded < 0 else ''}£{abs(rounded):,.0f}"


def ratio(value: float) -> str:
    """Write a ratio to two decimals; infinity as no limit."""
    if math.isnan(value):
        return "not defined"
    return "no limit" if math.isinf(value) else f"{value:.2f}"


def percent(value: float) -> str:
    """Write a share as a whole percentage, never 0 % or 100 % for what is not."""
    if math.isnan(value):
        return "not defined"
    if 0 < value <= 0.005:
        return "under 1%"
    if 0.995 <= value < 1:
        return "over 99%"
    return f"{100 * value:.0f}%"


def chance(value: float) -> str:
    """Write a share of draws as a chance: that none or all of them agree does not make it impossible or certain."""
    if value == 0:
        return "under 1%"
    return "over 99%" if value == 1 else percent(value)


def change(ratio_value: float) -> str:
    """Write a ratio as a change in words, for example 40% lower."""
    if math.isinf(ratio_value):
        return "higher without limit"
    shift = ratio_value - 1
    if abs(shift) < 0.005:
        return "no different"
    return f"{100 * abs(shift):.0f}% {'lower' if shift < 0 else 'higher'}"


def effect_size(value: float, scale: str) -> str:
    """Write an estimate or an end of its interval: a ratio, or a difference in events per 100 pupils."""
    if scale == "ratio":
        return ratio(value)
    return "no limit" if math.isinf(value) else decimal(value, 3 if abs(value) < 0.1 else 2)


def effect_change(value: float, scale: str) -> str:
    """Write an estimate as a change in words, to stand before "than": 40% lower, 0.05 per 100 pupils higher."""
    if scale == "ratio":
        return change(value)
    if math.isinf(value):
        return "higher without limit" if value > 0 else "lower without limit"
    return (
        f"{decimal(abs(value), 3 if abs(value) < 0.1 else 2)} per 100 pupils {'lower' if value < 0 else 'higher'}"
    )


def p_value(value: float | None) -> str:
    """Write a p-value to two decimals, and a small one to two significant figures."""
    if value is None:
        return "–"
    if value < 0.001:
        return "under 0.001"
    return f"{value:.2g}" if value < 0.095 else f"{value:.2f}"


def decimal(value: float, digits: int = 2) -> str:
    """Write a number to some decimals, with a true minus sign."""
    text = f"{abs(value):,.{digits}f}"
    return f"{MINUS}{text}" if value < 0 and float(text.replace(",", "")) else text


def unbroken(text: str) -> str:
    """Keep a short text on one line, such as a distribution with its numbers."""
    return text.replace(" ", "\u00a0").replace("-", "\u2011")


def parameter(value: float) -> str:
    """Write a declared value with the digits it bears: whole from 100 up, three significant below."""
    if abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.3g}"


def unit(key: str) -> str:
    """Write a unit in words."""
    return _UNITS.get(key, key.replace("_", " "))


def interval(low: str, high: str) -> str:
    """Join two ends, in words because a dash beside minus signs is misread."""
    return f"{low} to {high}"
