"""Add up counts of one panel: what fell in one column may stand in another."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import xarray as xr

from averting.data.cells import STATUS_NAMES
from averting.data.panel import Panel
from averting.errors import DataError

_OBSERVED, _SUPPRESSED, _MISSING = (STATUS_NAMES.index(name) for name in ("observed", "suppressed", "missing"))


def add_up(panel: Panel, indicators: Sequence[str], *, key: str) -> Panel:
    """Return a panel with one indicator, the sum of several.

    A cell is observed where all are, missing where any is missing or not applicable, else suppressed between the
    sums of bounds.

    Parameters
    ----------
    panel : Panel
        Has the indicators, over its one exposure.
    indicators : sequence of str
        Which to add up; the same events must not be in two of them.
    key : str
        Key of the sum.

    Raises
    ------
    DataError
        If the panel lacks one of them.
    """
    absent = [name for name in indicators if name not in panel.indicators]
    if absent or not indicators:
        raise DataError(
            f"add_up: {', '.join(absent) or 'nothing'} is not in the panel: {', '.join(panel.indicators)}."
        )
    parts = panel.data.sel(indicator=list(indicators))
    status = parts["status"].to_numpy()
    gone = (~np.isin(status, (_OBSERVED, _SUPPRESSED))).any(axis=0)
    hidden = (status == _SUPPRESSED).any(axis=0) & ~gone
    lower, upper = (parts[end].to_numpy().sum(axis=0) for end in ("lower", "upper"))
    made = {
        "value": np.where(gone | hidden, np.nan, lower),
        "lower": np.where(gone, 0.0, lower),
        "upper": np.where(gone, np.inf, upper),
        "status": np.where(gone, _MISSING, np.where(hidden, _SUPPRESSED, _OBSERVED)).astype(np.int8),
    }
    data = parts.isel(indicator=[0]).assign_coords(indicator=[key])
    data = data.assign({name: data[name].copy(data=values[None]) for name, values in made.items()})
    return Panel(data, panel.checks)


def summed(panel: Panel, parts: Mapping[str, Sequence[str]]) -> Panel:
    """Return a panel of indicators each of which is the sum of several; see :func:`add_up`."""
    made = [add_up(panel, names, key=key).data for key, names in parts.items()]
    data = made[0] if len(made) == 1 else xr.concat(made, dim="indicator", data_vars="minimal")
    return Panel(data, panel.checks)
