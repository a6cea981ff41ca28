"""What may leave of areas that are put together: what may leave of each, and no yearly cash that a withheld year rests on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import pandas as pd

from averting.data.disclosure import Decision, DisclosureRecord, Rules
from averting.reporting.controlled import control
from averting.reporting.results import Results

ALL = "all areas"
_DIGITS = 2


def controlled_areas(
    areas: Mapping[str, Results], tables: Mapping[str, pd.DataFrame], rules: Rules
) -> tuple[DisclosureRecord, dict[str, pd.DataFrame]]:
    """Return the record of every area's own disclosure control, and tables that say no more than their own releases.

    Ratios keep the digits that an area's own report prints. Where a year of an area's pilots is withheld, its savings by
    year are too, and those of all areas together.

    Parameters
    ----------
    areas : mapping of str to Results
        Results of each area's evaluation.
    tables : mapping of str to DataFrame
        Of :func:`averting.evaluation.areas.areas_together`.
    rules : Rules
        Rule set.
    """
    record, hidden = DisclosureRecord(rules), []
    for name, results in areas.items():
        made = control(results, rules)
        decisions = [replace(one, table=f"{name}: {one.table}") for one in made.record.decisions]
        record = record.with_decisions(decisions, exposed=[(name, *cell) for cell in made.record.exposed])
        if made.money_base is not None:
            hidden.append(name)
    shown = {name: _rounded(table) if name != "cash" else table for name, table in tables.items()}
    if hidden and "cash" in shown:
        gone = shown["cash"]["area"].isin([*hidden, ALL])
        shown["cash"] = shown["cash"].assign(
            **{column: shown["cash"][column].mask(gone) for column in ("savings", "net")}
        )
        cells = [(name, "savings by year") for name in [*hidden, ALL]]
        record = record.with_decisions([Decision("cash", cell, "derived") for cell in cells])
    return record, shown


def _rounded(table: pd.DataFrame) -> pd.DataFrame:
    numbers = table.select_dtypes(include=[np.floating]).columns
    return table.assign(**{name: table[name].round(_DIGITS) for name in numbers})
