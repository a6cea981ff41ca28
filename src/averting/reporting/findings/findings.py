"""Findings: sentences and tables that have passed disclosure control, whichever command made them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field

import pandas as pd

from averting.data.disclosure import WITHHELD, DisclosureRecord, PublicTable
from averting.reporting import numbers
from averting.reporting.numbers import decimal, percent

HIDDEN = "withheld"
"""Column that says of a row that its numbers must not be told; it is not shown itself."""


UNKNOWN = "–"
_SHARES = ("share", "share_reached", "attendance", "still_placed", "borrowed", "weight")
_TENTHS = ("contacts_per_case", "days_each")
_POUNDS = ("savings", "spend", "net", "programme")
_WHOLE = (
    "cases",
    "referrals",
    "contacts",
    "decisions",
    "actions",
    "meetings",
    "placements",
    "pupils",
    "events",
    "pilots",
)


@dataclass(frozen=True)
class Forest:
    """Which columns of a table a picture of intervals is drawn from.

    Parameters
    ----------
    table, label, middle, lower, upper : str
        Name of the table, and its columns; ratios, with no effect at 1.
    axis : str
        What the ratio is.
    """

    table: str
    label: str
    middle: str
    lower: str
    upper: str
    axis: str = "times the rate without the programme (1: no difference)"


@dataclass(frozen=True, eq=False)
class Findings:
    """What is to be said; nothing in it must be withheld any more.

    Parameters
    ----------
    kind, title : str
        The command that made it, and what its page is called.
    description : str
        What kind of statement this is, and what it is not.
    statements : tuple of str
        Sentences, in order.
    tables : mapping of str to DataFrame
        By name. NaN where a number is withheld, where a column ``withheld`` or ``blank`` says so, or is not known.
    record : DisclosureRecord or None
        What was withheld, and why; None where nothing was checked, and nothing may leave.
    counts : tuple of PublicTable
        Public counts behind the tables, which later releases are held against.
    forests : tuple of Forest
        Pictures of a page.
    blank : str
        What stands in place of a number that is not there.
    level : float
        Of the intervals.
    """

    kind: str
    title: str
    description: str
    statements: tuple[str, ...] = ()
    tables: Mapping[str, pd.DataFrame] = field(default_factory=dict)
    record: DisclosureRecord | None = None
    counts: tuple[PublicTable, ...] = ()
    forests: tuple[Forest, ...] = ()
    blank: str = WITHHELD
    level: float = 0.95

    def shown(self, name: str) -> pd.DataFrame:
        """Return a table as text, as it is read: where a row says that it is not withheld, what is not there is not known."""
        table = self.tables[name]
        gone = table[HIDDEN].astype(bool).tolist() if HIDDEN in table else [True] * len(table)
        blanks = [self.blank if hidden else UNKNOWN for hidden in gone]
        return pd.DataFrame(
            {
                column: [
                    written(value, str(column), blank=blank)
                    for value, blank in zip(table[column], blanks, strict=True)
                ]
                for column in table.columns
                if column != HIDDEN
            }
        )

    def lines(self) -> list[str]:
        """Return sentences and tables, a line each."""
        said = [self.description, *self.statements]
        for name in self.tables:
            said += ["", name, *self.shown(name).to_string(index=False).splitlines()]
        return said

    def to_dict(self) -> dict[str, object]:
        """Return everything as plain values, for JSON; null where a number is not told."""
        tables = {name: json.loads(table.to_json(orient="records")) for name, table in self.tables.items()}
        return {"description": self.description, "statements": list(self.statements), "tables": tables}


def written(value: object, column: str = "", *, blank: str = WITHHELD) -> str:
    """Write one value of a table with the digits that its column bears."""
    if not isinstance(value, float):
        return str(value)
    if value != value:
        return blank
    first, whole = column.partition("_")[0], column.removesuffix("_lower").removesuffix("_upper")
    if column.startswith("p_"):
        return numbers.p_value(value)
    if first in _POUNDS:
        return numbers.pounds(value)
    if column in _WHOLE or first == "averted":
        return numbers.count(value)
    if whole in _SHARES:
        return percent(value)
    if whole == "difference":
        return f"{decimal(100 * value, 0)} points" if whole == column else decimal(100 * value, 0)
    if column in _TENTHS:
        return decimal(value, 1)
    if column in ("planned", "delivered"):  # of all units: days beside contacts
        return decimal(value, 0 if value == round(value) else 1)
    return decimal(value, 0 if abs(value) >= 100 or (value == round(value) and value != 1) else 2)
