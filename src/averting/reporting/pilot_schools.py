"""Whether a report's rates, taken together, tell the count of a single pilot school."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from averting.data import Panel
from averting.data.disclosure import Rules, System, complementary, primary
from averting.data.disclosure.protection import Bools, Floats, unsafe
from averting.reporting.results import Results

_MOST = 6
"""With more pilots, two sums to two decimals leave single counts open."""

_HALF = 0.005  # rates and ratios are printed to two decimals
_NO_LIMIT = 1e6


class _Pilots(NamedTuple):
    """By pilot school: events and pupils before the first start, and from it on."""

    events: Floats
    pupils: Floats
    events_after: Floats
    pupils_after: Floats


def rates_that_tell(results: Results, indicator: str, rules: Rules) -> tuple[bool, tuple[str, ...]]:
    """Find whether the pilots' mean rate must be withheld, and what is told all the same.

    A reader is taken to know every school's pupils, the pilots' totals before and from the start and, by way of
    estimates, the total before weighted by how each school grew (from a ratio) and the mean rate from the start
    (from a difference, the comparison schools' part of which is taken as known as well as rates are printed).

    Returns
    -------
    told : bool
        Whether the mean rate, with the rest, tells a small count of a single school.
    exposed : tuple of str
        Sides of the start on which a small count of a single school is told though the mean rate is withheld.
    """
    pilots = _events(results, indicator)
    effects = [results.effect(e["id"]) for e in results.manifest["estimates"] if e["indicator"] == indicator]
    told, exposed = _before_tells(pilots, rules, [e.estimate for e in effects if e.estimand.scale == "ratio"])
    after = any(e.estimand.scale == "difference" for e in effects) and _difference_tells(pilots, rules)
    return told, (*exposed, *["from the start"] * after)


def _before_tells(pilots: _Pilots, rules: Rules, ratios: list[float]) -> tuple[bool, tuple[str, ...]]:
    small = primary(pilots.events, pilots.events, rules)
    if len(small) > _MOST or not small.any():
        return False, ()
    system = _system(pilots, small, ratios)
    hidden = complementary(system, rules.protection, cost=np.ones(len(system.must)))
    return (True, ("before the start",)) if hidden is None else (bool(hidden[-1]), ())


def _difference_tells(pilots: _Pilots, rules: Rules) -> bool:
    """Whether total and mean rate from the start tell a small count of a single school."""
    small = primary(pilots.events_after, pilots.events_after, rules)
    if len(small) > _MOST or not small.any():
        return False
    system = after_system(pilots.events_after, pilots.pupils_after, small)
    return bool(unsafe(system, system.must, rules.protection))


def _events(results: Results, indicator: str) -> _Pilots:
    design = results.record("design/design")
    starts = {pilot: about["start"] for pilot, about in design["pilots"].items()}
    cells = Panel.from_netcdf(results.folder / "data" / "panel.nc").data.sel(
        indicator=indicator, school=list(starts), period=design["periods"]
    )
    known = np.isfinite(cells["upper"]) & (cells["exposure"] > 0)
    events, pupils = (cells[name].where(known, 0.0).to_numpy() for name in ("lower", "exposure"))
    early = np.array([[period < min(starts.values()) for period in design["periods"]]])
    sides = [(part * side).sum(1) for side in (early, ~early) for part in (events, pupils)]
    return _Pilots(*sides)


def after_system(events: Floats, pupils: Floats, small: Bools) -> System:
    """Return what total and mean rate say of schools' counts. Cells: each school's, their total, the mean rate."""
    n = len(small)
    weights = np.array([np.ones(n), 100 / (n * np.maximum(pupils, 1.0))])
    total, rate = weights @ events
    shown = np.array([[*np.zeros(n), total, rate - _HALF], [*np.full(n, total), total, rate + _HALF]])
    schools = np.arange(n + 2) < n
    return System(
        relations=np.hstack([weights, -np.eye(2)]),
        shown=shown,
        withheld=shown.copy(),
        must=np.concatenate([small, np.zeros(2, dtype=bool)]),
        may=np.zeros(n + 2, dtype=bool),
        guarded=schools,
        whole=schools | (np.arange(n + 2) == n),
    )


def _system(pilots: _Pilots, small: Bools, ratios: list[float]) -> System:
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
