"""What schools looked like before the start: one number per school and measure."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from averting.data import Panel
from averting.design.events import COVARIATE as EVENT
from averting.errors import DesignError

SIZE = "size"


def known_measures(panel: Panel) -> tuple[str, ...]:
    """Return what schools can be compared on: each indicator's rate, size, and every covariate that describes them."""
    return (*panel.indicators, SIZE, *descriptions(panel))


def descriptions(panel: Panel) -> tuple[str, ...]:
    """Return the covariates that describe schools: all but those of events, which happened to them."""
    return tuple(name for name in panel.covariates if not name.startswith(EVENT))


def measure(
    panel: Panel, schools: Sequence[str], before: Sequence[str], on: Sequence[str] = ()
) -> tuple[NDArray[np.float64], tuple[str, ...]]:
    """Measure schools over the periods before the start.

    Parameters
    ----------
    panel : Panel
        With covariates, where they are asked for.
    schools, before : sequence of str
        Which, and over which periods; nothing later is looked at.
    on : sequence of str
        Any of :func:`known_measures`; all of them where empty.

    Returns
    -------
    values : array (school, measure)
        Indicators: events per 100 pupils over all these periods, suppressed counts at the middle of their bounds.
        ``size``: mean pupils. Covariates: mean over these periods. NaN where nothing is known.
    names : tuple of str
        What the columns are.

    Raises
    ------
    DesignError
        If a measure is not known, or no period precedes the start.
    """
    known = known_measures(panel)
    unknown = [name for name in on if name not in known]
    if unknown:
        raise DesignError(
            f"Schools cannot be compared on {', '.join(unknown)}. The data have: {', '.join(known)}. Read further "
            "numbers as covariates."
        )
    if not before:
        raise DesignError("Schools can be compared only on periods before the start, and there are none.")
    names = tuple(on) or known
    cells = panel.data.sel(school=list(schools), period=list(before))
    exposure = cells["exposure"].transpose("school", "period").to_numpy()
    columns = [_column(cells, name, panel, exposure) for name in names]
    return np.stack(columns, axis=1), names


def measured_schools(values: NDArray[np.float64], names: Sequence[str], pilots: int) -> NDArray[np.intp]:
    """Return the positions, among donors, of those with every measure.

    Parameters
    ----------
    values : array (school, measure)
        Of :func:`measure`, the pilots first.
    names : sequence of str
        What the columns are.
    pilots : int
        How many schools are pilots.

    Raises
    ------
    DesignError
        If a pilot lacks a measure, or fewer than two donors have all.
    """
    unknown = np.isnan(values)
    lacking = [name for name, absent in zip(names, unknown[:pilots].any(axis=0), strict=True) if absent]
    if lacking:
        raise DesignError(f"A pilot has no {', '.join(lacking)} before the start. Add it, or leave it out of on.")
    kept = np.flatnonzero(~unknown[pilots:].any(axis=1))
    if len(kept) < 2:
        raise DesignError(f"Fewer than two schools of the donor pool have {', '.join(names)} before the start.")
    return kept


def _column(cells: xr.Dataset, name: str, panel: Panel, exposure: NDArray[np.float64]) -> NDArray[np.float64]:
    if name in panel.indicators:
        part = cells.sel(indicator=name)
        lower, upper = (part[end].transpose("school", "period").to_numpy() for end in ("lower", "upper"))
        middle = 0.5 * (lower + upper)
        known = np.isfinite(middle) & (exposure > 0)
        events, pupils = (np.where(known, array, 0.0).sum(axis=1) for array in (middle, exposure))
        return np.asarray(np.where(pupils > 0, 100 * events / np.maximum(pupils, 1.0), np.nan))
    values = exposure
    if name != SIZE:
        values = cells["covariates"].sel(covariate=name).transpose("school", "period").to_numpy()
    seen = np.isfinite(values)
    mean = np.where(seen, values, 0.0).sum(axis=1) / np.maximum(seen.sum(axis=1), 1)
    return np.asarray(np.where(seen.any(axis=1), mean, np.nan))
