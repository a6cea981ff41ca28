"""Academic and financial years: two types, and the one place that converts between them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import total_ordering
from typing import Self

from averting.errors import UnitError

_LABEL = re.compile(r"^(?P<start>(?:19|20)\d\d)\s*[/\-–]?\s*(?P<end>\d\d|(?:19|20)\d\d)$")


def _start_year(text: str, kind: str, example: str) -> int:
    match = _LABEL.match(text.strip())
    if match is None:
        raise UnitError(f"'{text}' is not {kind}. Write it like {example}.")
    start, end = int(match["start"]), match["end"]
    if int(end) % 100 != (start + 1) % 100 or (len(end) == 4 and int(end) != start + 1):
        raise UnitError(f"'{text}' is not {kind}: it must span two consecutive years, like {example}.")
    return start


@total_ordering
@dataclass(frozen=True)
class AcademicYear:
    """An English school year, 1 September to 31 August.

    Parameters
    ----------
    start : int
        Calendar year in which it starts.

    Examples
    --------
    >>> AcademicYear.parse("201617").label
    '2016/17'
    """

    start: int

    @classmethod
    def parse(cls, text: str | int) -> Self:
        """Read ``2016/17``, ``2016-17``, ``2016/2017`` or DfE's ``201617``; anything else is a UnitError."""
        return cls(_start_year(str(text), "an academic year", "2016/17"))

    @property
    def label(self) -> str:
        """The year as DfE writes it, for example ``2016/17``."""
        return f"{self.start}/{(self.start + 1) % 100:02d}"

    def __lt__(self, other: AcademicYear) -> bool:
        return self.start < other.start

    def __str__(self) -> str:
        return self.label


@total_ordering
@dataclass(frozen=True)
class FinancialYear:
    """A UK financial year, 1 April to 31 March.

    Parameters
    ----------
    start : int
        Calendar year in which it starts.

    Examples
    --------
    >>> FinancialYear.parse("2021-22").label
    '2021-22'
    """

    start: int

    @classmethod
    def parse(cls, text: str | int) -> Self:
        """Read ``2021-22``, ``2021/22`` or ``2021/2022``; anything else is a UnitError."""
        return cls(_start_year(str(text), "a financial year", "2021-22"))

    @property
    def label(self) -> str:
        """The year as HM Treasury writes it, for example ``2021-22``."""
        return f"{self.start}-{(self.start + 1) % 100:02d}"

    def __lt__(self, other: FinancialYear) -> bool:
        return self.start < other.start

    def __str__(self) -> str:
        return self.label


def financial_year(value: FinancialYear | str | int) -> FinancialYear:
    """Return a financial year given as itself, as text (``2021-22``) or by the year it starts in (2021)."""
    if isinstance(value, FinancialYear):
        return value
    return FinancialYear(value) if isinstance(value, int) else FinancialYear.parse(value)


def financial_years_of(year: AcademicYear) -> dict[FinancialYear, float]:
    """Split an academic year over financial years by months of overlap.

    Parameters
    ----------
    year : AcademicYear
        September to August.

    Returns
    -------
    dict of FinancialYear to float
        Shares that sum to one: seven months (September to March) fall in the first, five in the second.
    """
    return {FinancialYear(year.start): 7 / 12, FinancialYear(year.start + 1): 5 / 12}


def financial_year_at(year: AcademicYear, months: float) -> FinancialYear:
    """Financial year in which the moment ``months`` after 1 September of an academic year falls."""
    return FinancialYear(year.start + int((months + 5) // 12))
