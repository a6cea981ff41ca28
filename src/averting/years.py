"""Academic years, their terms, and financial years, and the one place that converts between them."""

from __future__ import annotations

import datetime
import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import total_ordering
from typing import ClassVar, Self

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


@dataclass(frozen=True, order=True)
class _Year:
    """A year that starts in one calendar year and ends in the next; years of one kind are in order."""

    kind: ClassVar[str]
    example: ClassVar[str]

    start: int

    @classmethod
    def parse(cls, text: str | int) -> Self:
        """Read ``2016/17``, ``2016-17``, ``2016/2017`` or DfE's ``201617``; anything else is a UnitError."""
        return cls(_start_year(str(text), cls.kind, cls.example))

    @property
    def label(self) -> str:
        """The year as its kind is written, with the mark between years of ``example``."""
        return f"{self.start}{self.example[4]}{(self.start + 1) % 100:02d}"

    def __str__(self) -> str:
        return self.label


class AcademicYear(_Year):
    """An English school year, 1 September to 31 August, which DfE writes ``2016/17``.

    Parameters
    ----------
    start : int
        Calendar year in which it starts.

    Examples
    --------
    >>> AcademicYear.parse("201617").label
    '2016/17'
    """

    kind = "an academic year"
    example = "2016/17"


TERMS = ("Autumn", "Spring", "Summer")
"""Terms of an academic year, in order."""

_PERIOD = re.compile(r"^(?P<year>[^a-z]+?)(?:\s+(?P<term>autumn|spring|summer)(?:\s+term)?)?$", re.IGNORECASE)


@total_ordering
@dataclass(frozen=True)
class Period:
    """An academic year, or one term of it.

    Parameters
    ----------
    year : AcademicYear
        The year, or the year a term belongs to.
    term : {None, "Autumn", "Spring", "Summer"}
        None for the whole year.

    Notes
    -----
    Periods are in order of their first term, a whole year before its terms. Labels sort in the same order as text, so
    that a label may stand for its period wherever only one kind of period occurs, as in a panel.

    Examples
    --------
    >>> Period.parse("202122 Spring term").label
    '2021/22 Spring'
    """

    year: AcademicYear
    term: str | None = None

    @classmethod
    def parse(cls, text: str | int) -> Self:
        """Read an academic year, or one followed by its term: ``2021/22 Autumn``, ``202122 Autumn term``.

        Raises
        ------
        UnitError
            For anything else; several terms together, such as DfE's "Autumn and spring term", are no period,
            because they overlap with others.
        """
        match = _PERIOD.match(str(text).strip())
        if match is None:
            raise UnitError(
                f"'{text}' is not an academic year or one term. Write it like 2016/17 or 2016/17 Autumn."
            )
        year = AcademicYear.parse(match["year"])
        return cls(year, match["term"].capitalize() if match["term"] else None)

    @classmethod
    def at(cls, ordinal: int) -> Self:
        """Return the period of an ordinal."""
        year, place = divmod(ordinal, len(TERMS) + 1)
        return cls(AcademicYear(year), TERMS[place - 1] if place else None)

    @property
    def ordinal(self) -> int:
        """A whole number that orders periods; see :meth:`at`."""
        return self.year.start * (len(TERMS) + 1) + (TERMS.index(self.term) + 1 if self.term else 0)

    @property
    def label(self) -> str:
        """The period as averting writes it, for example ``2021/22`` or ``2021/22 Autumn``."""
        return f"{self.year.label} {self.term}" if self.term else self.year.label

    @property
    def first_day(self) -> datetime.date:
        """First day: 1 September; of a spring term 1 January, of a summer term Easter Monday."""
        if self.term == "Spring":
            return datetime.date(self.year.start + 1, 1, 1)
        if self.term == "Summer":
            return easter(self.year.start + 1) + datetime.timedelta(days=1)
        return datetime.date(self.year.start, 9, 1)

    @property
    def last_day(self) -> datetime.date:
        """Last day: 31 August; of an autumn term 31 December, of a spring term Easter Sunday."""
        if self.term == "Autumn":
            return datetime.date(self.year.start, 12, 31)
        if self.term == "Spring":
            return easter(self.year.start + 1)
        return datetime.date(self.year.start + 1, 8, 31)

    def covers(self, other: Period) -> bool:
        """Whether another period is this one, or a term of it."""
        return self == other or (self.term is None and self.year == other.year)

    def __lt__(self, other: Period) -> bool:
        return self.ordinal < other.ordinal

    def __str__(self) -> str:
        return self.label


def easter(year: int) -> datetime.date:
    """Return Easter Sunday, by the anonymous Gregorian algorithm (Nature, 20 April 1876)."""
    century, place = divmod(year, 100)
    golden = year % 19
    lunar = (19 * golden + century - century // 4 - (century - (century + 8) // 25 + 1) // 3 + 15) % 30
    weekday = (32 + 2 * (century % 4) + 2 * (place // 4) - lunar - place % 4) % 7
    late = (golden + 11 * lunar + 22 * weekday) // 451
    month, day = divmod(lunar + weekday - 7 * late + 114, 31)
    return datetime.date(year, month, day + 1)


def covered(period: str, known: Iterable[str]) -> tuple[str, ...]:
    """Return which labels a period stands for: itself, or the terms of a year; empty where none is known.

    Raises
    ------
    UnitError
        If ``period`` is neither an academic year nor a term of one.
    """
    asked = Period.parse(period)
    return tuple(label for label in known if asked.covers(Period.parse(label)))


class FinancialYear(_Year):
    """A UK financial year, 1 April to 31 March, which HM Treasury writes ``2021-22``.

    Parameters
    ----------
    start : int
        Calendar year in which it starts.

    Examples
    --------
    >>> FinancialYear.parse("2021/22").label
    '2021-22'
    """

    kind = "a financial year"
    example = "2021-22"


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
