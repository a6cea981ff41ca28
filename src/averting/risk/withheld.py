"""Which levels of a characteristic must not be told, because few pupils stand behind them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from averting.data.disclosure import CountTable, Rules, protect
from averting.risk.cells import RiskCells

_HAPPENED = ("happened", "did not")
_ALWAYS = ("characteristic", "level", "reference", "set", "among", "of", "profile")


def withheld_levels(
    cells: RiskCells, rules: Rules, pairs: Sequence[tuple[str, str]] = ()
) -> Mapping[str, frozenset[str]]:
    """Return, for each characteristic, the levels whose counts or complements are small, or would give one away.

    Every table of pupils by characteristic and outcome is protected, and every table by two characteristics of which a
    model has an interaction; a level that is withheld in one is withheld in all. An odds ratio against a known
    reference gives its count away, so a withheld level's estimates are withheld with it.
    """
    found: dict[str, set[str]] = {name: set() for name in cells.characteristics}
    for names in [*((name,) for name in cells.characteristics), *pairs]:
        labels = [*(cells.levels[name] for name in names), _HAPPENED]
        table = CountTable.from_counts(" by ".join(names), labels, cells.counts(*names))
        (public,), _ = protect([table], rules)
        for key in public.withheld:
            for name, text in zip(names, key, strict=False):
                if text in cells.levels[name]:
                    found[name].add(text)
    return {name: frozenset(texts) for name, texts in found.items()}


def withhold(table: pd.DataFrame, hidden: Mapping[str, frozenset[str]]) -> pd.DataFrame:
    """Return a table of associations with what must not be told as NaN, and a column ``withheld``.

    A row goes where its level or its reference is withheld, or that of the characteristic it is among.
    """
    rows = table.to_dict("records")
    gone = np.array(
        [
            bool({row["level"], row.get("reference")} & hidden.get(row["characteristic"], frozenset()))
            or row.get("among") in hidden.get(row.get("of", ""), frozenset())
            for row in rows
        ],
        dtype=bool,
    )
    numbers = [name for name in table.columns if name not in _ALWAYS]
    shown = table.copy()
    shown[numbers] = shown[numbers].astype(float).mask(pd.Series(gone, index=shown.index), axis=0)
    return shown.assign(withheld=gone)


def withhold_small(table: pd.DataFrame, rules: Rules) -> pd.DataFrame:
    """Return a table with ``pupils`` and ``events`` without rows of small counts, and without the counts themselves.

    Where one row alone is small, the one with the fewest events besides goes too, for their sum is known.
    """
    small = np.zeros(len(table), dtype=bool)
    for counts in (table["events"], table["pupils"] - table["events"]):
        small |= ((counts < rules.threshold) & (counts >= rules.smallest)).to_numpy()
    if small.sum() == 1:  # what all rows add up to is known: one gap is no gap
        left = table["events"].where(~small, np.inf)
        small[int(np.argmin(left.to_numpy()))] = True
    numbers = [name for name in table.columns if name not in (*_ALWAYS, "tenth")]
    shown = table.copy()
    shown[numbers] = shown[numbers].astype(float).mask(pd.Series(small, index=shown.index), axis=0)
    return shown.drop(columns=["pupils", "events"]).assign(withheld=small)


def withhold_flagged(table: pd.DataFrame, rules: Rules) -> pd.DataFrame:
    """Return a table of fairness without counts, and without the shares of flagged pupils where few stand behind one."""
    cells = (
        table["events_flagged"],
        table["events"] - table["events_flagged"],
        table["pupils_flagged"] - table["events_flagged"],
        table["pupils"] - table["events"] - (table["pupils_flagged"] - table["events_flagged"]),
    )
    small = np.zeros(len(table), dtype=bool)
    for counts in cells:
        small |= ((counts < rules.threshold) & (counts >= rules.smallest)).to_numpy()
    shares = ["flagged", "found", "right"]
    shown = table.copy()
    shown[shares] = shown[shares].mask(pd.Series(small, index=shown.index), axis=0)
    return shown.drop(columns=["pupils", "events", "pupils_flagged", "events_flagged"])
