"""Counts of events at each school and year, with a programme, its neighbours' share and other exits."""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
from scipy import stats

from averting.data.cells import Bools, Floats, Ints
from averting.data.simulate import facts
from averting.data.simulate.options import Programme
from averting.data.simulate.sites import Sites
from averting.data.simulate.truth import Truth
from averting.draws import stream


@dataclass(frozen=True, eq=False)
class Exposed:
    """Who has the programme when.

    Parameters
    ----------
    pilots, neighbours : array of int
        Positions of schools.
    strength : array of float, shape (site, period)
        Share of the log factor in force; at neighbours, the share that spills over.
    """

    pilots: Ints
    neighbours: Ints
    strength: Floats


def expose(
    sites: Sites, programme: Programme, pilots: Ints, neighbours: Ints, since: int, until: dict[int, int]
) -> Exposed:
    """Lay the programme over schools and years; ``until`` holds the first year without it of pilots that leave."""
    strength = np.zeros(sites.headcount.shape)
    path = np.array(programme.strength(strength.shape[1] - since))
    strength[pilots, since:] = path
    for pilot, year in until.items():
        strength[pilot, year:] = 0.0
    if programme.spill_over:
        strength[neighbours, since:] = programme.spill_over * path
    return Exposed(pilots, neighbours, strength)


def draw_counts(
    seed: int, sites: Sites, programme: Programme | None, exposed: Exposed, *, exits: bool
) -> dict[str, Ints]:
    """Draw each indicator's counts, shape (site, period).

    A programme strikes out, or adds to, what would have happened without it, so that simulations with and without
    an effect share every other draw. Averted exclusions may turn into another exit.
    """
    counts: dict[str, Ints] = {}
    struck = np.zeros(sites.headcount.shape, dtype=np.int64)
    for indicator in facts.INDICATORS:
        expected = sites.expected[indicator]
        without = stream(seed, f"simulate_schools/{indicator}/counts").poisson(expected)
        if indicator == "permanent_exclusions":
            # a pupil is excluded once; half of a roll is far out in the tail, but could be drawn
            without = np.minimum(without, sites.headcount // 2)
        factor = _factor(programme, indicator, exposed.strength)
        counts[indicator] = _with_programme(seed, indicator, without, expected, factor)
        if indicator == "permanent_exclusions":
            counts[indicator] = np.minimum(counts[indicator], sites.headcount // 2)
            struck = np.maximum(without - counts[indicator], 0)
    counts["pupils_suspended"] = _pupils(seed, counts["suspensions"], sites.headcount)
    if exits:
        counts |= _exits(seed, sites, programme, exposed, struck)
    return counts


def _factor(programme: Programme | None, indicator: str, strength: Floats) -> Floats:
    full = 1.0 if programme is None else programme.effect.get(indicator, 1.0)
    return np.asarray(full**strength, dtype=float)


def _with_programme(seed: int, indicator: str, without: Ints, expected: Floats, factor: Floats) -> Ints:
    """Strike out or add events where a factor differs from one.

    Each school-year has a uniform draw of its own, so that what one is given moves no other.
    """
    counts = without.astype(np.int64)
    less, more = factor < 1, factor > 1
    uniform = stream(seed, f"simulate_schools/{indicator}/programme").random(factor.shape)
    kept = np.asarray(stats.binom.ppf(uniform[less], without[less], factor[less]))
    added = np.asarray(stats.poisson.ppf(uniform[more], expected[more] * (factor[more] - 1.0)))
    # a uniform draw of exactly 0 has the quantile -1
    counts[less] = np.maximum(kept, 0.0)
    counts[more] += np.maximum(added, 0.0).astype(np.int64)
    return counts


def _pupils(seed: int, suspensions: Ints, headcount: Ints) -> Ints:
    """Pupils suspended at least once: never more than suspensions or pupils, and one where there is one."""
    draw = stream(seed, "simulate_schools/pupils_suspended")
    further = draw.binomial(np.maximum(suspensions - 1, 0), facts.PUPILS_PER_FURTHER_SUSPENSION)
    return np.minimum(np.where(suspensions > 0, further + 1, 0), headcount)


def _exits(
    seed: int, sites: Sites, programme: Programme | None, exposed: Exposed, struck: Ints
) -> dict[str, Ints]:
    exits = {
        name: stream(seed, f"simulate_schools/{name}").poisson(rate * sites.headcount).astype(np.int64)
        for name, rate in facts.EXIT_RATES.items()
    }
    shares = [0.0 if programme is None else programme.displacement.get(name, 0.0) for name in exits]
    if sum(shares) > 0:
        pilots = exposed.pilots
        draw = stream(seed, "simulate_schools/displacement")
        moved = draw.multinomial(struck[pilots], [*shares, max(0.0, 1.0 - sum(shares))])
        for position, name in enumerate(exits):
            exits[name][pilots] += moved[..., position]
    return exits


def known(sites: Sites, programme: Programme | None, exposed: Exposed, since: int, there: Bools) -> Truth:
    """Return what an estimate should find; ``there`` (site, period) is where a school exists."""
    if programme is None:
        ones = dict.fromkeys(facts.INDICATORS, 1.0)
        zeros = dict.fromkeys(facts.INDICATORS, 0.0)
        return Truth(MappingProxyType(ones), MappingProxyType(zeros))
    effect: dict[str, float] = {}
    averted: dict[str, float] = {}
    spilled: dict[str, float] = {}
    path: dict[str, tuple[float, ...]] = {}
    for indicator in facts.INDICATORS:
        effect[indicator] = programme.effect.get(indicator, 1.0)
        fewer = (1 - _factor(programme, indicator, exposed.strength)) * sites.expected[indicator] * there
        averted[indicator] = float(fewer[exposed.pilots].sum())
        spilled[indicator] = float(fewer[exposed.neighbours].sum())
        strength = programme.strength(there.shape[1] - since)
        path[indicator] = tuple(effect[indicator] ** share for share in strength)
    lost = max(averted["permanent_exclusions"], 0.0)
    displaced = {name: share * lost for name, share in programme.displacement.items() if share}
    return Truth(
        effect=MappingProxyType(effect),
        averted=MappingProxyType(averted),
        path=MappingProxyType(path),
        spilled=MappingProxyType(spilled),
        displaced=MappingProxyType(displaced),
    )
