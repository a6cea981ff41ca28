"""A number as it was printed: its value, and how far it may lie from what was meant."""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal
from typing import Self

from averting.errors import ParameterError

_WORDS = {
    "": 0, "k": 3, "thousand": 3, "m": 6, "mn": 6, "million": 6, "bn": 9, "billion": 9,
    "%": -2, "per cent": -2, "percent": -2,
}  # fmt: skip
_FIGURE = re.compile(
    r"£?\s*(?P<digits>\d{1,3}(?:,\d{3})+|\d+)(?P<decimals>\.\d+)?\s*(?P<word>[a-z]+(?: [a-z]+)?|%|)", re.IGNORECASE
)


@dataclass(frozen=True)
class Figure:
    """A printed number.

    Parameters
    ----------
    text : str
        As printed, for example ``"£2.1bn"``.
    value : float
        What it says, in pounds, pupils, years or as a share.
    low, high : float
        What it may stand for: half a unit of the last printed digit either way. Zeros before a decimal point count as
        printed, so ``"£370,000"`` is exact to the pound and ``"£0.37m"`` to £5,000.
    """

    text: str
    value: float
    low: float
    high: float

    @classmethod
    def parse(cls, text: str | int | float) -> Self:
        """Read a printed number: ``"£2.1bn"``, ``"£822,535"``, ``"50 %"``, ``"2.5"``; a number is read as its text.

        Raises
        ------
        ParameterError
            For anything else.
        """
        printed = str(text).replace("\u00a0", " ").strip()
        match = _FIGURE.fullmatch(printed)
        word = match["word"].lower() if match else ""
        if match is None or word not in _WORDS:
            raise ParameterError(
                f"'{printed}' is not a figure. Write it as printed: £2.1bn, £822,535, 6,685 or 50 %."
            )
        decimals = match["decimals"] or ""
        scale = Decimal(10) ** _WORDS[word]
        value = Decimal(match["digits"].replace(",", "") + decimals) * scale
        half = scale * Decimal(10) ** -max(len(decimals) - 1, 0) / 2
        return cls(printed, float(value), float(value - half), float(value + half))

    def covers(self, value: float) -> bool:
        """Whether a number, printed the same way, could have been this one."""
        return self.low <= value <= self.high
