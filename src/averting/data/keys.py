"""Which school and which period each row of a table is of."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from averting.data.cells import Ints, all_plain, distinct
from averting.data.faults import FaultLog, safe
from averting.errors import UnitError
from averting.years import Period

NO_PERIOD = Period.at(-1).label
_YEAR_LIKE = re.compile(r"(19|20)\d\d")
_WHOLE = re.compile(r"\d+\.0+")
# what files write where the id of a school would be
_TOTALS = frozenset({"total", "totals", "grand total", "all", "all schools", "england", "national", "sum"})


@dataclass(frozen=True)
class Keys:
    """Positions of each row in the panel, and the labels they stand for."""

    school: Ints
    period: Ints
    schools: npt.NDArray[np.str_]
    periods: tuple[str, ...]

    @property
    def cell(self) -> Ints:
        """Place of each row in the panel, schools by periods laid flat."""
        return self.school * len(self.periods) + self.period


def read_keys(frame: pd.DataFrame, school: str, period: str, log: FaultLog) -> Keys:
    """Read which school and period each row is of, from the columns so named; what cannot be is logged."""
    school_codes, written = distinct(frame[school])
    school_texts = written if all_plain(written) else _ids(school_codes, written, school, log)
    period_codes, period_texts = distinct(frame[period])
    ordinals = np.array([_ordinal(text) for text in period_texts])
    for record in np.flatnonzero((ordinals < 0)[period_codes]).tolist():
        text = period_texts[period_codes[record]]
        # a number that is no year may be a count in the wrong column
        shown = f"'{text[:40]}'" if _YEAR_LIKE.search(text) else f"'{safe(text)}'"
        found = f"{shown} is not an academic year or one term"
        log.add("period", period, found, "Write it like 2016/17 or 2016/17 Autumn", records=[record])
    whole = {Period.at(ordinal).term is None for ordinal in ordinals[ordinals >= 0].tolist()}
    if len(whole) > 1:
        log.add("mixed", period, "there are whole years and single terms", "Keep one kind of row")
    schools, school_of_text = np.unique(np.array(school_texts, dtype=str), return_inverse=True)
    periods, period_of_text = np.unique(ordinals, return_inverse=True)
    labels = tuple(Period.at(int(period)).label for period in periods)
    return Keys(school_of_text[school_codes], period_of_text[period_codes], schools, labels)


def _ids(codes: Ints, written: list[str], school: str, log: FaultLog) -> list[str]:
    """Return ids as they are meant; what cannot be one is logged."""
    texts = [_id(text) for text in written]
    blank = np.array([text == "" for text in texts])[codes]
    log.each("school", school, np.flatnonzero(blank), "there is no school id", "Give every row its id")
    hidden = np.array([not text.isprintable() for text in texts])[codes]
    found = "the school id holds a character that does not print"
    log.each("hidden", school, np.flatnonzero(hidden), found, "Type the id anew")
    formulas = np.array([text.startswith("=") for text in texts])[codes]
    found = "a spreadsheet's formula where the school id would be"
    log.each("formula", school, np.flatnonzero(formulas), found, "Write the id itself")
    sums = np.array([text.casefold() in _TOTALS for text in texts])[codes]
    log.each("total", school, np.flatnonzero(sums), "a row of totals among schools", "Leave it out")
    return texts


def _id(text: str) -> str:
    """Return an id without what a spreadsheet or a keyboard added: ``.0``, full-width digits."""
    if text.isascii() and text.isdecimal():
        return text
    plain = unicodedata.normalize("NFKC", text).strip()
    return plain.partition(".")[0] if _WHOLE.fullmatch(plain) else plain


def _ordinal(text: str) -> int:
    try:
        return Period.parse(text).ordinal
    except UnitError:
        return -1
