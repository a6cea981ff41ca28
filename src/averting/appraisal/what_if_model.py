"""Write the explorer's model as plain numbers: what the page computes with, and the points it checks itself against."""

from __future__ import annotations

import math
from dataclasses import asdict, replace
from itertools import product

import numpy as np
from numpy.typing import NDArray

from averting.appraisal.appraisal import VIEW_LABELS, VIEWS
from averting.appraisal.sensitivity import Case
from averting.appraisal.what_if import (
    DRAWN,
    SLOPE,
    Basis,
    Point,
    evidence,
    slots,
    states,
    unit_costs,
    year_labels,
)
from averting.costs import known_payers
from averting.costs.pathways import RETURN_HAZARD

type Array = NDArray[np.float64]

SCHEDULES = {
    "standard": "Green Book {edition}: {rate:.2g}% a year",
    "reduced": "Green Book {edition} without catastrophic risk: {rate:.2g}% a year",
    "none": "Not discounted",
}
_UNITS = {"GBP/pupil/year": "£ per pupil a year", "GBP/pupil": "£ per pupil", "share": "share"}


def what_if(case: Case, *, level: float = 0.95) -> dict[str, object]:
    """Return the model of one case for :func:`averting.reporting.explorer.panel`.

    Parameters
    ----------
    case : Case
        What is appraised; its view is the one a page opens with.
    level : float
        Level of the interval of what was averted.

    Returns
    -------
    dict
        Numbers, texts and lists only. Means at every setting are exact to ten digits; the chance of paying back is
        counted over up to 400 of the draws, with durations between two points of the grid interpolated.
    """
    basis = Basis(case)
    keys = unit_costs(basis)
    return {
        "prices": case.price_year.label,
        "rules": case.rules_of.label,
        "years": year_labels(basis),
        "posterior": case.averted.draw_kind == "posterior",
        "level": level,
        "draws_all": case.draws,
        "views": [{"key": key, "label": VIEW_LABELS[key], "kinds": list(kinds)} for key, kinds in VIEWS.items()],
        "view": case.view,
        "schedules": [
            {
                "key": key,
                "label": name.format(edition=case.discounting, rate=_rate(basis, key)),
                "factors": _rounded(basis.factors(key), 12),
            }
            for key, name in SCHEDULES.items()
        ],
        "payers": {key: name for key, name in known_payers().items() if key in _payers(basis)},
        "spend": {payer: _rounded(by_year, 10) for payer, by_year in basis.spend.items()},
        "durations": _rounded(basis.durations, 10),
        "controls": _controls(basis, keys, level),
        **_streams(basis, keys),
        "checks": [
            {"name": name, "at": _plain(point), **basis.results(point)}
            for name, point in _points(basis, keys, level)
        ],
    }


def _rate(basis: Basis, schedule: str) -> float:
    """Return the first year's discount rate in percent."""
    found = basis.factors(schedule)
    return 100 * (1 / float(found[1]) - 1) if len(found) > 1 else 0.0


def _payers(basis: Basis) -> set[str]:
    return {*basis.streams.payers, *basis.spend}


def _rounded(values: Array, digits: int) -> list[float]:
    return [float(f"{float(value):.{digits}g}") for value in values]


def _plain(point: Point) -> dict[str, object]:
    return {**asdict(point), "values": dict(point.values)}


def _streams(basis: Basis, keys: list[str]) -> dict[str, object]:
    """Write every stream's terms: means by year for each duration, and which column of draws it goes with."""
    durations: list[int | None] = [None, *range(len(basis.hazards))]
    found = {duration: states(basis, keys, duration) for duration in durations}
    slot, needs = slots(basis, keys), {line.key: set(line.needs) for line in basis.case.parameters.lines}
    columns: list[list[float]] = []
    streams = []
    for at, line in enumerate(basis.streams.lines):
        if not any(basis.streams.kinds[at] in kinds for kinds in VIEWS.values()):
            continue
        own = [key for key in keys if key in needs[line]]
        terms = []
        for setting in product((DRAWN, "0", SLOPE), repeat=len(own)):
            by_slot = {slot[key]: mark for key, mark in zip(own, setting, strict=True)}
            count = len(next(iter(found[None])))
            combination = tuple(by_slot.get(i, DRAWN) for i in range(count))
            by_duration = [found[duration][combination][at] for duration in durations]
            if any(bool((values != 0).any()) for values in by_duration):
                terms.append({"on": "".join(setting), **_term(basis, by_duration, columns)})
        streams.append(
            {
                "payer": basis.streams.payers[at],
                "kind": basis.streams.kinds[at],
                "controls": own,
                "terms": terms,
            }
        )
    chosen = basis.representatives
    return {
        "streams": streams,
        "averted_draws": _rounded(basis.sample.sum("period").to_numpy()[chosen], 6),
        "positions": _positions(basis, chosen),
        "columns": columns,
    }


def _term(basis: Basis, by_duration: list[Array], columns: list[list[float]]) -> dict[str, object]:
    """Means by year with averted as drawn and for one averted exclusion, at every duration; same rows are kept once."""
    averted = basis.sample.to_numpy()
    even = np.full_like(averted, 1 / averted.shape[1])
    rows: dict[str, list[list[float]]] = {"drawn": [], "each": []}
    for values in by_duration:
        for name, weights in (("drawn", averted), ("each", even)):
            laid = laid_out_means(basis, values, weights)
            rows[name].append(_rounded(laid, 12))
    moves = any(not np.array_equal(values, by_duration[0]) for values in by_duration[1:])
    middle = by_duration[1 + len(by_duration[1:]) // 2] if moves else by_duration[0]
    totals = middle.sum(axis=1)
    ratios = (
        totals[basis.representatives] / totals.mean() if totals.mean() else np.zeros(len(basis.representatives))
    )
    return {**{name: row if moves else row[:1] for name, row in rows.items()}, "column": _column(ratios, columns)}


def laid_out_means(basis: Basis, values: Array, averted: Array) -> Array:
    """Return mean flows by year from the base year, shape (year,), of savings per exclusion (draw, offset)."""
    total = np.zeros(basis.years)
    per_period = averted.T @ values / len(values)
    for row, start in zip(per_period, basis.starts, strict=True):
        at = start - basis.case.base_year.start
        total[at : at + len(row)] += row
    return total


def _column(ratios: Array, columns: list[list[float]]) -> int | None:
    """Return where a column of draws stands, adding it where it is new; None where all draws are alike."""
    if np.allclose(ratios, 1.0, atol=1e-9):
        return None
    rounded = _rounded(ratios, 4)
    if rounded not in columns:
        columns.append(rounded)
    return columns.index(rounded)


def _positions(basis: Basis, chosen: NDArray[np.intp]) -> list[float]:
    """Return where each draw's duration lies in the grid; draws beyond it are taken to lie at its end."""
    if not len(basis.hazards):
        return []
    hazard = basis.drawn[RETURN_HAZARD].to_numpy()[chosen]
    place = np.interp(-hazard, -basis.hazards, np.arange(len(basis.hazards)))
    return [float(f"{value:.3f}") for value in place]


def _controls(basis: Basis, keys: list[str], level: float) -> list[dict[str, object]]:
    case, tail = basis.case, (1 - level) / 2
    total = basis.sample.sum("period").to_numpy()
    low, high = (float(value) for value in np.quantile(total, [tail, 1 - tail]))
    reach = np.quantile(total, [0.005, 0.995])
    step = 0.5
    controls: list[dict[str, object]] = [
        {
            "key": "averted",
            "label": "Permanent exclusions averted",
            "unit": "",
            "start": float(total.mean()),
            "low": min(0.0, math.floor(float(reach[0]))),
            "high": max(1.0, math.ceil(float(reach[1]))),
            "step": step,
            "evidence": [low, high],
            "span": f"the {level:.0%} interval",
            "hint": "In all, spread evenly over the years. A negative number: more than there would have been.",
        }
    ]
    controls += [_parameter_control(basis, key) for key in keys]
    if len(basis.durations):
        controls.append(_duration_control(basis))
    spent = sum((float(by_year.sum()) for by_year in basis.spend.values()), 0.0)
    if spent:
        controls.append(
            {
                "key": "spend",
                "label": "Programme cost",
                "unit": "£",
                "start": spent,
                "low": 0.0,
                "high": _nice(3 * spent),
                "step": _nice(spent / 200),
                "evidence": None,
                "span": "",
                "hint": f"In all, not discounted, in {case.price_year.label} prices.",
            }
        )
    return controls


def _parameter_control(basis: Basis, key: str) -> dict[str, object]:
    parameter = basis.case.parameter(key)
    low, high = evidence(basis.case, key)
    share = parameter.unit == "share"
    top = 1.0 if share else _nice(min(parameter.plausible[1], parameter.distribution.quantile(0.995)))
    prices = f", {parameter.price_year.label} prices" if parameter.price_year else ""
    return {
        "key": key,
        "label": parameter.label,
        "unit": "" if share else "£",
        "start": parameter.central,
        "low": max(0.0, parameter.plausible[0]) if share else 0.0,
        "high": top,
        "step": 0.01 if share else max(1.0, _nice(top / 200)),
        "evidence": [low, high],
        "span": "what the declared evidence supports (5% to 95%)",
        "hint": f"{_UNITS[parameter.unit]}{prices}".capitalize() if not share else "Share, 0 to 1",
    }


def _duration_control(basis: Basis) -> dict[str, object]:
    low, high = evidence(basis.case, RETURN_HAZARD)
    span = np.interp([-high, -low], -basis.hazards, basis.durations)
    mean = float(basis.case.parameter(RETURN_HAZARD).central)
    return {
        "key": "duration",
        "label": "Years out of mainstream school after an exclusion",
        "unit": "",
        "start": float(np.interp(-mean, -basis.hazards, basis.durations)),
        "low": float(basis.durations[0]),
        "high": float(basis.durations[-1]),
        "step": 0.2,
        "evidence": [float(value) for value in span],
        "span": "what the declared evidence supports (5% to 95%)",
        "hint": "On average. It follows from the yearly rate of return and the ages at exclusion.",
    }


def _nice(value: float) -> float:
    """Round up to 1, 2, 2.5 or 5 times a power of ten."""
    if value <= 0:
        return 1.0
    power = 10.0 ** math.floor(math.log10(value))
    return next(float(k * power) for k in (1, 2, 2.5, 5, 10) if k * power >= value * (1 - 1e-9))


def _points(basis: Basis, keys: list[str], level: float) -> list[tuple[str, Point]]:
    """Return the settings whose results Python works out: the cases a printed page shows, and one with all moved."""
    case, start = basis.case, Point(view=basis.case.view)
    found = [("As estimated", start)]
    total = basis.sample.sum("period").to_numpy()
    ends = [float(f"{v:.3g}") for v in np.quantile(total, [(1 - level) / 2, (1 + level) / 2])]
    found += [(f"Exclusions averted: {end:,.3g}".replace("-", "−"), replace(start, averted=end)) for end in ends]
    for key in keys:
        label, money = case.parameter(key).label, case.parameter(key).unit != "share"
        for end in (float(f"{v:.3g}") for v in evidence(case, key)):
            shown = f"£{end:,.0f}" if money else f"{end:g}"
            found.append((f"{label}: {shown}", replace(start, values=((key, end),))))
    if len(basis.durations):
        for at in (0, len(basis.durations) - 1):
            name = f"Years out of mainstream school: {basis.durations[at]:.1f}"
            found.append((name, replace(start, duration=at)))
    spent = sum((float(by_year.sum()) for by_year in basis.spend.values()), 0.0)
    if spent:
        found += [
            (f"Programme cost: £{part * spent:,.0f}", replace(start, spend=part * spent)) for part in (0.5, 2.0)
        ]
    other = next(key for key in VIEWS if key != case.view)
    found += [
        ("Not discounted", replace(start, schedule="none")),
        (f"{(basis.years + 1) // 2} years counted", replace(start, horizon=(basis.years + 1) // 2)),
        (VIEW_LABELS[other], replace(start, view=other)),
    ]
    moved = Point(
        ends[1] or 1.0,
        tuple((key, float(f"{case.parameter(key).central * 1.25:.4g}")) for key in keys),
        len(basis.durations) // 2 if len(basis.durations) else None,
        0.75 * spent if spent else None,
        "reduced",
        basis.years - 1,
        other,
    )
    return [*found, ("All of these moved", moved)]
