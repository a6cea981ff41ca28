"""The money of an appraisal, held by stream: most lines touch one payer or two, so most pairs of the two hold nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import NDArray

from averting.errors import EvaluationError

type Array = NDArray[np.float64]

_DIMS = ("draw", "scenario", "stream", "year")


@dataclass(frozen=True, eq=False)
class Account:
    """Flows of money of every scenario.

    Parameters
    ----------
    streams : DataArray, dims (draw, scenario, stream, year)
        A stream is what one line brings to one payer; ``line``, ``payer`` and ``kind`` are coordinates on it. Units,
        price year and basis are in the attributes.
    grid : DataArray, dims (line, payer)
        All lines and payers with their labels, those without a stream among them: True where there is one. Streams
        are in its order, payers within lines.
    """

    streams: xr.DataArray
    grid: xr.DataArray

    def with_streams(self, streams: xr.DataArray) -> Account:
        """Return the account with other amounts in the same streams."""
        return Account(streams, self.grid)

    def of_kinds(self, kinds: Sequence[str], *, without: str = "", also: str = "") -> xr.DataArray:
        """Return the streams of some kinds, leaving out one line or taking one in whatever its kind."""
        line = self.streams["line"].to_numpy()
        counted = np.isin(self.streams["kind"].to_numpy(), kinds) & (line != without) | (line == also)
        return self.streams.isel(stream=np.flatnonzero(counted))

    def full(self, amounts: xr.DataArray | None = None) -> xr.DataArray:
        """Lay streams out over (line, payer), zero where there is none: dims (..., line, payer[, year]).

        Parameters
        ----------
        amounts : DataArray, dims (..., stream[, year]), optional
            Something worked out of all streams; by default the streams themselves.
        """
        held = self.streams if amounts is None else amounts
        axis = held.dims.index("stream")
        before, after = held.dims[:axis], held.dims[axis + 1 :]
        laid = np.zeros((*held.shape[:axis], *self.grid.shape, *held.shape[axis + 1 :]))
        lines, payers = np.nonzero(self.grid.to_numpy())
        laid[(slice(None),) * axis + (lines, payers)] = held.to_numpy()
        coords = {name: held[name] for name in (*before, *after)} | dict(self.grid.coords)
        return xr.DataArray(laid, dims=(*before, *self.grid.dims, *after), coords=coords, attrs=held.attrs)

    def by_payer(self, amounts: xr.DataArray) -> xr.DataArray:
        """Add up some streams over lines: dims (..., stream[, year]) to (..., payer[, year]), every payer of the grid."""
        payers = self.grid["payer"].to_numpy().tolist()
        each = amounts.transpose("stream", ...).to_numpy()
        added = np.zeros((len(payers), *each.shape[1:]))
        for payer, values in zip(amounts["payer"].to_numpy(), each, strict=True):
            added[payers.index(payer)] += values
        dims = [dim for dim in amounts.dims if dim != "stream"]
        coords = {dim: amounts[dim] for dim in dims} | {name: self.grid[name] for name in ("payer", "payer_label")}
        laid = xr.DataArray(added, dims=("payer", *dims), coords=coords)
        return laid.transpose(*(str(dim).replace("stream", "payer") for dim in amounts.dims))


class Part(NamedTuple):
    """Some lines of one scenario: what holds money is kept, the rest of the (line, payer) grid is only named.

    ``lines`` are (key, kind, label), ``payers`` labels by key, and ``held`` arrays (draw, year) by line and payer.
    """

    lines: tuple[tuple[str, str, str], ...]
    payers: dict[str, str]
    years: tuple[int, ...]
    held: dict[tuple[str, str], Array]


def part_of(flows: xr.DataArray) -> Part:
    """Take what holds money out of flows, dims (draw, line, payer, year)."""
    values = flows.transpose("draw", "line", "payer", "year").to_numpy()
    lines, kinds, labels, payers = (
        [str(each) for each in flows[name].to_numpy()] for name in ("line", "kind", "line_label", "payer")
    )
    named = [str(each) for each in flows["payer_label"].to_numpy()]
    cells = np.argwhere((values != 0).any(axis=(0, 3)))
    held = {(lines[line], payers[payer]): values[:, line, payer].copy() for line, payer in cells}
    years = tuple(int(year) for year in flows["year"].to_numpy())
    return Part(tuple(zip(lines, kinds, labels, strict=True)), dict(zip(payers, named, strict=True)), years, held)


def account_of(scenarios: Mapping[str, Sequence[Part]], *, draws: Array, attrs: Mapping[str, object]) -> Account:
    """Join the parts of scenarios into one account; what a scenario lacks in a stream or year is zero.

    Parameters
    ----------
    scenarios : mapping of str to sequence of Part
        By scenario, in order.
    draws : array, shape (draw,)
        Labels of the joint draws.
    attrs : mapping
        Units, price year and basis.

    Raises
    ------
    EvaluationError
        If scenarios do not have the same lines and payers: their totals would not be of the same things.
    """
    grid = _grid(scenarios)
    parts = [part for each in scenarios.values() for part in each]
    years = sorted({year for part in parts for year in part.years})
    money = {cell for part in parts for cell in part.held}
    lines, payers = (grid[name].to_numpy() for name in ("line", "payer"))
    cells = [(line, payer) for line in lines for payer in payers if (line, payer) in money]
    grid[:] = [[(line, payer) in money for payer in payers] for line in lines]
    values = np.zeros((len(draws), len(scenarios), len(cells), len(years)))
    for at, each in enumerate(scenarios.values()):
        for part in each:
            columns = [years.index(year) for year in part.years]
            for cell, amounts in part.held.items():
                values[:, at, cells.index(cell), columns] = amounts
    kind = dict(zip(lines, grid["kind"].to_numpy(), strict=True))
    coords = {
        "draw": draws,
        "scenario": pd.Index(list(scenarios), name="scenario"),
        "line": ("stream", [line for line, _ in cells]),
        "payer": ("stream", [payer for _, payer in cells]),
        "kind": ("stream", [kind[line] for line, _ in cells]),
        "year": years,
    }
    return Account(xr.DataArray(values, dims=_DIMS, coords=coords, attrs=dict(attrs)), grid)


def _grid(scenarios: Mapping[str, Sequence[Part]]) -> xr.DataArray:
    """All lines and payers, refused where scenarios differ in them; no cell marked yet."""
    lines = {key: tuple(line for part in parts for line in part.lines) for key, parts in scenarios.items()}
    payers = {key: frozenset(name for part in parts for name in part.payers) for key, parts in scenarios.items()}
    first = next(iter(scenarios))
    for key in scenarios:
        if lines[key] != lines[first] or payers[key] != payers[first]:
            raise EvaluationError(
                f"Scenarios '{first}' and '{key}' differ in their lines or payers, so they cannot be compared. Give "
                "both the same families of costs and the same lines."
            )
    parts = scenarios[first]
    labels = {name: label for part in reversed(parts) for name, label in part.payers.items()}
    # one part keeps its order; several are brought into one by name
    order = list(parts[0].payers) if all(part.payers == parts[0].payers for part in parts) else sorted(labels)
    keys, kinds, names = zip(*lines[first], strict=True)
    return xr.DataArray(
        np.zeros((len(keys), len(order)), dtype=np.bool_),
        dims=("line", "payer"),
        coords={
            "line": list(keys),
            "kind": ("line", list(kinds)),
            "line_label": ("line", list(names)),
            "payer": order,
            "payer_label": ("payer", [labels[name] for name in order]),
        },
    )
