"""How often a model has been right in simulation, said beside every fit of it."""

from __future__ import annotations

from averting.checks import CheckResult

MEASURED = {
    "bayes_count": "Without an effect, the 95 % interval held the truth in 96.7 % of 300 simulated panels with three pilots of "
    "60 schools (Monte Carlo error 1.0), and 2.3 % (0.9) were called 95 % sure of a reduction; with pilots at 2.5 times the rate "
    "of the rest, in 96.0 % (1.1) and 2.7 % (0.9) of 300; at 0.4 times, in 96.7 % (1.0) and 4.7 % (1.2) of 300; with 300 rarer "
    "schools, in 98.0 % (0.8) and 3.0 % (1.0) of 300 (benchmarks/bayes_calibration.py, 23 November 2026).",
}
"""Rates of the shipped model by its estimator's key; docs/bayes-calibration.md has the whole table."""


def check_calibration(key: str) -> CheckResult:
    """Quote the measured rates of a model, or say that there are none."""
    if key in MEASURED:
        return CheckResult(f"{key}/calibration", "info", MEASURED[key])
    return CheckResult(
        f"{key}/calibration",
        "info",
        "How often this model's interval holds the truth has not been measured in simulation.",
        "Show a method whose rates have been measured beside it.",
    )
