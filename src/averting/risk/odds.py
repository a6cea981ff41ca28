"""Odds ratios are not risk ratios: what two published risks say, and how far the one is from the other."""

from __future__ import annotations

import re
from dataclasses import dataclass

from averting.errors import EstimationError

APART = 0.1
"""An odds ratio further than this from the risk ratio, as a share of it, must not be read as one."""

_PERCENT = re.compile(r"(\d+(?:\.(\d+))?)\s*%")


@dataclass(frozen=True)
class PrintedRisk:
    """A risk as it was printed.

    Parameters
    ----------
    text : str
        For example ``2.3%``.
    low, value, high : float
        From 0 to 1: what it is, and half a unit of its last digit to either side.
    """

    text: str
    low: float
    value: float
    high: float

    @classmethod
    def parse(cls, text: str) -> PrintedRisk:
        """Read a printed percentage.

        Raises
        ------
        EstimationError
            If it is none, or not above 0 % and below 100 %.
        """
        found = _PERCENT.fullmatch(text.strip())
        value = float(found[1]) / 100 if found else 0.0
        if not found or not 0 < value < 1:
            raise EstimationError(
                f"'{text}' is no risk. Give a percentage above 0% and below 100% as printed, such as 2.3%."
            )
        half = 0.5 * 10 ** -len(found[2] or "") / 100
        return cls(text.strip(), max(value - half, 1e-9), value, min(value + half, 1 - 1e-9))


@dataclass(frozen=True)
class Compared:
    """Two risks, compared in both ways.

    Parameters
    ----------
    outcome, one, other : str
        What happened, and to whom.
    risk, other_risk : PrintedRisk
        Of the one and of the other.
    """

    outcome: str
    one: str
    other: str
    risk: PrintedRisk
    other_risk: PrintedRisk

    @property
    def odds_ratio(self) -> float:
        """How many times the other's odds the one's are."""
        return odds_ratio_of(self.risk.value, self.other_risk.value)

    @property
    def risk_ratio(self) -> float:
        """How many times the other's risk the one's is."""
        return self.risk.value / self.other_risk.value

    @property
    def odds_ratio_range(self) -> tuple[float, float]:
        """What the odds ratio can be, as the risks are rounded."""
        low, high = self.risk, self.other_risk
        return odds_ratio_of(low.low, high.high), odds_ratio_of(low.high, high.low)

    @property
    def misleading(self) -> bool:
        """Whether the odds ratio must not be read as 'times as likely'."""
        return reads_wrong(self.odds_ratio, self.risk_ratio)

    def lines(self) -> list[str]:
        """Return what is to be said, a sentence a line."""
        low, high = self.odds_ratio_range
        said = [
            f"{self.outcome}: {self.one} {self.risk.text}, {self.other} {self.other_risk.text}.",
            f"  odds ratio {self.odds_ratio:.1f} ({low:.1f} to {high:.1f} as the risks are rounded), "
            f"risk ratio {self.risk_ratio:.1f}.",
        ]
        if self.misleading:
            said.append(
                f"  WARNING: an odds ratio of {self.odds_ratio:.1f} does not mean {self.odds_ratio:.1f} times as likely: "
                f"{self.one} is {self.risk_ratio:.1f} times as likely. Read the risk ratio."
            )
        else:
            said.append("  The outcome is rare enough for the odds ratio to be read as a risk ratio.")
        return said


def odds_ratio_of(risk: float, other: float) -> float:
    """Return the odds ratio of two risks, each above 0 and below 1."""
    return risk / (1 - risk) / (other / (1 - other))


def reads_wrong(odds_ratio: float, risk_ratio: float) -> bool:
    """Return whether an odds ratio is too far from the risk ratio to be read as one."""
    return abs(odds_ratio / risk_ratio - 1) > APART


def risk_ratio_of(odds_ratio: float, reference_risk: float) -> float:
    """Return the risk ratio of an odds ratio, given the risk of the reference [zhang_yu_1998]_.

    Right for an unadjusted odds ratio; for an adjusted one it depends on whom the reference risk is of.

    .. [zhang_yu_1998] Zhang, J. and Yu, K. F. (1998). What's the relative risk? JAMA, 280(19), 1690-1691.

    Raises
    ------
    EstimationError
        If the odds ratio is not above 0, or the risk not above 0 and below 1.
    """
    if odds_ratio <= 0 or not 0 < reference_risk < 1:
        raise EstimationError("An odds ratio must be above 0, and the reference risk above 0 and below 1.")
    return odds_ratio / (1 - reference_risk + reference_risk * odds_ratio)
