"""Add up the rows of schools that are one series: bounds as intervals, and missing where a part is."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import xarray as xr

from averting.data.cells import MISSING, NOT_APPLICABLE, OBSERVED, SUPPRESSED, Bools, Floats, Ints

_DIMS = ("indicator", "school", "period")


class Presence(NamedTuple):
    """Where schools have rows; ``first`` and ``last`` are positions of periods, -1 and -2 for none at all."""

    row: Bools
    first: Ints
    last: Ints


def presence(data: xr.Dataset) -> Presence:
    """Return in which periods each school has a row, shape (school, period), and the first and last of them."""
    row = np.isfinite(data["exposure"].to_numpy()) | (data["status"].to_numpy() != MISSING).any(axis=0)
    if "aside_upper" in data:
        row = row | ~np.isnan(data["aside_upper"].to_numpy()).all(axis=0)
    some = row.any(axis=1)
    first = np.where(some, row.argmax(axis=1), -1)
    last = np.where(some, row.shape[1] - 1 - row[:, ::-1].argmax(axis=1), -2)
    return Presence(np.asarray(row), first.astype(np.int64), last.astype(np.int64))


def add_up(
    data: xr.Dataset, order: Ints, starts: Ints
) -> dict[str, tuple[tuple[str, ...], npt.NDArray[np.generic]]]:
    """Sum groups of schools.

    Parameters
    ----------
    data : Dataset
        Of a panel.
    order : array of int, shape (members,)
        Positions of schools, those of one group next to each other.
    starts : array of int, shape (groups,)
        Where in ``order`` each group begins.

    Returns
    -------
    dict
        Variables of a panel over (indicator, group, period). A cell is missing where a part that was open then (had
        rows before or then, and then or after) is missing; a count that was set aside for want of pupils counts
        towards those of the others. Where the panel has covariates
        or measures, their means over the parts' pupils.
    """
    part = data.isel(school=order)
    seen = presence(part)
    periods = np.arange(part.sizes["period"])
    open_ = (periods >= seen.first[:, None]) & (periods <= seen.last[:, None])
    status = part["status"].to_numpy()
    lower, upper, aside = _counts(part)
    told = (status == OBSERVED) | (status == SUPPRESSED) | aside
    nobody = status == NOT_APPLICABLE

    def total(values: npt.NDArray[np.generic], axis: int) -> Floats:
        return np.asarray(np.add.reduceat(values.astype(np.float64), starts, axis=axis))

    exposure = part["exposure"].to_numpy()
    pupils = total(np.where(np.isfinite(exposure), exposure, 0.0), 0)
    # a part that was open has pupils, or had none to count, or moved its events to another's pupils
    unknown = open_ & ~np.isfinite(exposure) & ~(aside | nobody).all(axis=0)
    pupils = np.where((pupils == 0) | (total(unknown, 0) > 0), np.nan, pupils)
    lost = (total(open_ & ~told & ~nobody, 1) > 0) | (np.isnan(pupils) & (total(told, 1) > 0))
    hidden = total((status == SUPPRESSED) | (aside & (lower != upper)), 1) > 0
    some = total(told, 1) > 0
    empty = ~lost & ~some & (total(nobody, 1) > 0)
    code = np.select([lost, some & hidden, some, empty], [MISSING, SUPPRESSED, OBSERVED, NOT_APPLICABLE], MISSING)
    low, high = (total(np.where(told, end, 0.0), 1) for end in (lower, upper))
    bounds = [
        np.select([code == MISSING, code == NOT_APPLICABLE], [none, np.nan], end)
        for end, none in ((low, 0.0), (high, np.inf))
    ]
    return {
        **_described(part, exposure, starts),
        "value": (_DIMS, np.where(code == OBSERVED, low, np.nan)),
        "lower": (_DIMS, bounds[0]),
        "upper": (_DIMS, bounds[1]),
        "status": (_DIMS, code.astype(np.int8)),
        "exposure": (_DIMS[1:], pupils),
    }


def _counts(part: xr.Dataset) -> tuple[Floats, Floats, npt.NDArray[np.bool_]]:
    """Return bounds of every count, also of those that were set aside, and which those are."""
    lower, upper = part["lower"].to_numpy(), part["upper"].to_numpy()
    if "aside_upper" not in part:
        return lower, upper, np.zeros(lower.shape, dtype=bool)
    aside_upper = part["aside_upper"].to_numpy()
    aside = np.isfinite(aside_upper)
    return np.where(aside, part["aside_lower"].to_numpy(), lower), np.where(aside, aside_upper, upper), aside


def _described(
    part: xr.Dataset, pupils: Floats, starts: Ints
) -> dict[str, tuple[tuple[str, ...], npt.NDArray[np.generic]]]:
    """Average covariates and measures, where a panel has them."""
    found: dict[str, tuple[tuple[str, ...], npt.NDArray[np.generic]]] = {}
    for dim in ("covariate", "measure"):
        if f"{dim}s" in part:
            dims = (dim, "school", "period")
            found[f"{dim}s"] = (dims, _weighted(part[f"{dim}s"].transpose(*dims).to_numpy(), pupils, starts))
    return found


def _weighted(values: Floats, pupils: Floats, starts: Ints) -> Floats:
    """Average covariates or measures (first dim, member, period) over each group's pupils (member, period).

    Members without pupils take no part. Where one with pupils has no value, the group's is not known (NaN).
    """
    weight = np.where(np.isfinite(pupils) & (pupils > 0), pupils, 0.0)
    counted = np.where(weight > 0, values * weight, 0.0)
    total = np.add.reduceat(weight, starts, axis=0)
    return np.asarray(np.add.reduceat(counted, starts, axis=1) / np.where(total > 0, total, np.nan))
