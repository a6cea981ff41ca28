"""Findings: sentences and tables that have passed disclosure control, whichever command made them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field

import pandas as pd

from averting.data.disclosure import WITHHELD, DisclosureRecord, PublicTable

HIDDEN = "withheld"
"""Column that says of a row that its numbers must not be told; it is not shown itself."""


@dataclass(frozen=True)
class Forest:
    """Which columns of a table a picture of intervals is drawn from.

    Parameters
    ----------
    table, label, middle, lower, upper : str
        Name of the table, and its columns; ratios, with no effect at 1.
    """

    table: str
    label: str
    middle: str
    lower: str
    upper: str


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

    def shown(self, name: str) -> pd.DataFrame:
        """Return a table as text, as it is read."""
        table = self.tables[name]
        kept = [name for name in table.columns if name != HIDDEN]
        return pd.DataFrame(
            {name: [written(value, str(name), blank=self.blank) for value in table[name]] for name in kept}
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
    """Write one value of a table with the digits it bears."""
    if not isinstance(value, float):
        return str(value)
    if value != value:
        return blank
    if column.startswith("p_"):
        return f"{value:.3f}"
    return f"{value:,.0f}" if abs(value) >= 100 or (value == round(value) and value > 1) else f"{value:.2f}"
