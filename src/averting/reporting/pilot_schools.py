"""Whether a report's rates, taken together, tell the count of a single pilot school."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from averting.data import Panel
from averting.data.disclosure import Rules, System, complementary, primary
from averting.data.disclosure.protection import Floats
from averting.reporting.results import Results

_MOST = 6
"""With more pilots, two sums to two decimals leave single counts open."""

_HALF = 0.005  # rates and ratios are printed to two decimals
_NO_LIMIT = 1e6


class _Pilots(NamedTuple):
    """Before the start, by pilot school: events, pupils; and pupils from the start."""

    events: Floats
    pupils: Floats
    pupils_after: Floats


def rates_that_tell(results: Results, indicator: str, rules: Rules) -> tuple[bool, bool]:
    """Find whether the pilots' mean rate must be withheld, and whether that is enough.

    A reader is taken to know every school's pupils, the pilots' total before the start and, by way of the estimate,
    the total weighted by how each school grew.

    Returns
    -------
    told : bool
        Whether the mean rate, with the rest, tells a small count of a single school.
    safe : bool
        Whether no small count is told when the mean rate is withheld, if it must be.
    """
    pilots = _before(results, indicator)
    small = primary(pilots.events, pilots.events, rules)
    if len(small) > _MOST or not small.any():
        return False, True
    ratios = [
        results.effect(e["id"]).estimate for e in results.manifest["estimates"] if e["indicator"] == indicator
    ]
    system = _system(pilots, small, ratios)
    hidden = complementary(system, rules.protection, cost=np.ones(len(system.must)))
    return (True, False) if hidden is None else (bool(hidden[-1]), True)


def _before(results: Results, indicator: str) -> _Pilots:
    design = results.record("design/design")
    starts = {pilot: about["start"] for pilot, about in design["pilots"].items()}
    cells = Panel.from_netcdf(results.folder / "data" / "panel.nc").data.sel(
        indicator=indicator, school=list(starts), period=design["periods"]
    )
    known = np.isfinite(cells["upper"]) & (cells["exposure"] > 0)
    events, pupils = (cells[name].where(known, 0.0).to_numpy() for name in ("lower", "exposure"))
    early = np.array([[period < min(starts.values()) for period in design["periods"]]])
    return _Pilots((events * early).sum(1), (pupils * early).sum(1), (pupils * ~early).sum(1))


def _system(
    pilots: _Pilots, small: np.ndarray[tuple[int, ...], np.dtype[np.bool_]], ratios: list[float]
) -> System:
    """Cells: each school's events, their total, the total by growth, the mean rate."""
    n, total = len(small), float(pilots.events.sum())
    growth = pilots.pupils_after / np.maximum(pilots.pupils, 1.0)
    rate = 100 / (n * np.maximum(pilots.pupils, 1.0))
    weights = np.array([np.ones(n), growth, rate])
    truth = weights @ pilots.events
    # the estimate divides by the total by growth, and is printed with so much relative error
    error = min((_HALF / max(ratio, _HALF) for ratio in ratios if np.isfinite(ratio)), default=1.0)
    shown = np.array(
        [
            [*np.zeros(n), total, truth[1] / (1 + error), truth[2] - _HALF],
            [*np.full(n, total), total, truth[1] * (1 + error), truth[2] + _HALF],
        ]
    )
    withheld = shown.copy()
    withheld[:, -1] = 0.0, _NO_LIMIT
    is_rate = np.arange(n + 3) == n + 2
    schools = np.arange(n + 3) < n
    return System(
        relations=np.hstack([weights, -np.eye(3)]),
        shown=shown,
        withheld=withheld,
        must=np.concatenate([small, np.zeros(3, dtype=bool)]),
        may=is_rate,
        guarded=schools,
        whole=schools | (np.arange(n + 3) == n),
    )
