"""Pupils on roll, and which of them the counted events happen to.

Counts come first and are shared out among pupils, so a simulation with pupils has the same yearly counts as one
without. Whom an event falls on depends on characteristics, through ratios of rates, and on a lasting leaning of
the pupil's own.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from averting.data.cells import Bools, Floats, Ints
from averting.data.simulate import facts
from averting.data.simulate.options import Pupils
from averting.draws import stream

# more than any exponential draw over any weight
_LAST = 1e12


@dataclass(frozen=True, eq=False)
class Roll:
    """One row per pupil and year, sorted by site and year.

    Parameters
    ----------
    cell : array of int, shape (enrolment,)
        Position of site and year: site times years plus year.
    place : array of int, shape (enrolment,)
        Position of a place in a school's cohort; whoever sits on it keeps it from year to year.
    year_group : array of int, shape (enrolment,)
        National-curriculum year, 0 is Reception.
    traits : mapping of str to array of int, shape (place,)
        Code of each characteristic.
    start : array of int, shape (cells + 1,)
        First enrolment of each cell, and their number.
    """

    cell: Ints
    place: Ints
    year_group: npt.NDArray[np.int8]
    traits: Mapping[str, npt.NDArray[np.int8]]
    start: Ints


@dataclass(frozen=True, eq=False)
class Happenings:
    """Events, each at one enrolment.

    Parameters
    ----------
    enrolment : array of int, shape (event,)
        Position in the roll.
    exclusion : array of bool, shape (event,)
        A permanent exclusion; a suspension otherwise.
    moment : array of float, shape (event,)
        When in the year: 0 to 1, 1 to 2 and 2 to 3 are the terms.
    """

    enrolment: Ints
    exclusion: Bools
    moment: Floats


def draw_roll(seed: int, headcount: Ints, primary: Bools, options: Pupils) -> Roll:
    """Fill schools with pupils in year groups of about one size."""
    years = headcount.shape[1]
    groups = np.where(primary, len(facts.PRIMARY.years), len(facts.SECONDARY.years))
    most = int(groups.max())
    # pupils in each (site, year, year group), the remainder in the youngest groups
    group = np.arange(most)
    size = headcount[..., None] // groups[:, None, None] + (group < headcount[..., None] % groups[:, None, None])
    size = np.where(group < groups[:, None, None], size, 0)
    # a cohort is whoever is in group g in year t: t - g, moved to start from 0
    cohort = np.arange(years)[:, None] - group + most - 1
    widest = np.zeros((len(headcount), years + most - 1), dtype=np.int64)
    for year, number in np.ndindex(*cohort.shape):
        column = widest[:, cohort[year, number]]
        np.maximum(column, size[:, year, number], out=column)
    offset = (np.cumsum(widest) - widest.ravel()).reshape(widest.shape)
    flat = size.ravel()
    first = np.cumsum(flat) - flat
    within = np.arange(flat.sum()) - np.repeat(first, flat)
    place = np.repeat(offset[:, cohort].ravel(), flat) + within
    lowest = np.where(primary, facts.PRIMARY.years[0], facts.SECONDARY.years[0])
    year_group = np.broadcast_to(lowest[:, None, None] + group, size.shape).ravel().astype(np.int8)
    cells = headcount.ravel()
    site_of_place = np.repeat(np.arange(len(headcount)), widest.sum(axis=1))
    return Roll(
        cell=np.repeat(np.arange(len(cells)), cells),
        place=place,
        year_group=np.repeat(year_group, flat),
        traits=_traits(seed, site_of_place, len(headcount), options),
        start=np.concatenate([[0], np.cumsum(cells)]),
    )


def _traits(seed: int, site: Ints, sites: int, options: Pupils) -> dict[str, npt.NDArray[np.int8]]:
    leaning = facts.FSM_LOGIT_SD * stream(seed, "simulate_schools/pupils/fsm_share").normal(size=sites)
    # the mean of a logistic-normal share is not the logistic of its mean: rescale to the share asked for
    share = 1 / (1 + np.exp(-(np.log(options.fsm_share / (1 - options.fsm_share)) + leaning)))
    share = np.clip(share * options.fsm_share / share.mean(), 0.0, 0.95)

    def codes(name: str, shares: tuple[float, ...]) -> npt.NDArray[np.int8]:
        cumulative = np.cumsum(shares)[:-1] / sum(shares)
        uniform = stream(seed, f"simulate_schools/pupils/{name}").random(len(site))
        return np.searchsorted(cumulative, uniform, side="right").astype(np.int8)

    eligible = stream(seed, "simulate_schools/pupils/fsm").random(len(site)) < share[site]
    return {
        "sex": codes("sex", (1 - facts.MALE_SHARE, facts.MALE_SHARE)),
        "fsm": eligible.astype(np.int8),
        "sen": codes("sen", facts.SEN_SHARES),
        "looked_after": codes("looked_after", (1 - facts.LOOKED_AFTER_SHARE, facts.LOOKED_AFTER_SHARE)),
        "ethnicity": codes("ethnicity", facts.ETHNIC_SHARES),
    }


def draw_happenings(
    seed: int, roll: Roll, counts: Mapping[str, Ints], primary: Bools, options: Pupils
) -> Happenings:
    """Share the counted events out among pupils, and give each its moment.

    Nobody is permanently excluded twice in a year, and nobody is suspended after that in the same year.
    """
    exclusions, suspensions, suspended = (
        counts[name].ravel() for name in ("permanent_exclusions", "suspensions", "pupils_suspended")
    )
    weights = {name: _weights(roll, name, primary, counts[name].shape[1], options) for name in facts.INDICATORS}
    chance = stream(seed, "simulate_schools/pupils/suspended").exponential(size=len(roll.cell))
    once = _race(chance / weights["suspensions"], roll.cell, roll.start, suspended)
    again = _repeats(seed, once, weights["suspensions"][once], suspended, suspensions - suspended)
    out = _excluded(seed, roll, once, suspended, exclusions, weights, options.prior_suspension)
    out_at = _moments(seed, "permanent_exclusions", len(out))
    at = np.concatenate([once, again])
    moment = _moments(seed, "suspensions", len(at))
    last = np.full(len(roll.cell), np.inf)
    last[out] = out_at
    before = last[at] < np.inf
    # spread over the part of the year before the exclusion, of which there is always some
    earlier = stream(seed, "simulate_schools/pupils/before").random(int(before.sum()))
    moment[before] = last[at[before]] * earlier
    enrolment = np.concatenate([at, out])
    exclusion = np.arange(len(enrolment)) >= len(at)
    moments = np.concatenate([moment, out_at])
    order = np.lexsort((exclusion, moments, enrolment))
    return Happenings(enrolment[order], exclusion[order], moments[order])


def _weights(roll: Roll, indicator: str, primary: Bools, years: int, options: Pupils) -> Floats:
    """Return each enrolment's relative rate."""
    weight = np.ones(len(roll.traits["sex"]))
    for name, codes in roll.traits.items():
        weight *= np.array(options.ratios[indicator][name])[codes]
    by_year = np.concatenate([facts.PRIMARY.by_year[indicator], facts.SECONDARY.by_year[indicator]])
    return np.asarray(weight[roll.place] * by_year[roll.year_group], dtype=float)


def _race(key: Floats, cell: Ints, start: Ints, wanted: Ints) -> Ints:
    """Return the rows with the smallest keys, ``wanted[cell]`` of each cell; rows are sorted by cell.

    Where keys are exponential over weights, this draws without replacement in proportion to the weights.
    """
    order = np.lexsort((key, cell))
    rank = np.arange(len(order), dtype=np.int64) - start[cell]
    return np.asarray(order[rank < wanted[cell]], dtype=np.int64)


def _repeats(seed: int, once: Ints, weight: Floats, suspended: Ints, further: Ints) -> Ints:
    """Draw whom further suspensions fall on, among those suspended."""
    leaning = stream(seed, "simulate_schools/pupils/leaning").gamma(facts.REPEAT_SHAPE, size=len(once))
    cumulative = np.cumsum((leaning + 1e-12) * weight**facts.REPEAT_POWER)
    start = np.concatenate([[0], np.cumsum(suspended)])
    below = np.concatenate([[0.0], cumulative])
    cell = np.repeat(np.arange(len(further)), further)
    uniform = stream(seed, "simulate_schools/pupils/further").random(len(cell))
    low, high = below[start[cell]], below[start[cell + 1]]
    found = np.searchsorted(cumulative, low + uniform * (high - low), side="right")
    return np.asarray(once[np.clip(found, start[cell], start[cell + 1] - 1)], dtype=np.int64)


def _excluded(
    seed: int, roll: Roll, once: Ints, suspended: Ints, wanted: Ints, weights: Mapping[str, Floats], prior: float
) -> Ints:
    """Draw who is permanently excluded, mostly among those suspended in the year."""
    known = stream(seed, "simulate_schools/pupils/known").binomial(wanted, prior)
    known = np.minimum(known, suspended)
    # those suspended are already there in proportion to the other weights
    ratio = (weights["permanent_exclusions"] / weights["suspensions"])[once]
    start = np.concatenate([[0], np.cumsum(suspended)])
    chance = stream(seed, "simulate_schools/pupils/excluded/known").exponential(size=len(once))
    first = once[_race(chance / ratio, roll.cell[once], start, known)]
    chance = stream(seed, "simulate_schools/pupils/excluded/others").exponential(size=len(roll.cell))
    key = chance / weights["permanent_exclusions"]
    # the suspended only where nobody else is left; nobody twice, for at most half of a roll is excluded
    key[once] += _LAST
    key[first] = np.inf
    return np.concatenate([first, _race(key, roll.cell, roll.start, wanted - known)])


def _moments(seed: int, indicator: str, number: int) -> Floats:
    """Draw moments in the year: term by term's share, and evenly within a term."""
    uniform = stream(seed, f"simulate_schools/pupils/{indicator}/moment").random(number)
    edges = np.concatenate([[0.0], np.cumsum(facts.TERM_SHARES[indicator])])
    return np.asarray(np.interp(uniform, edges / edges[-1], np.arange(len(edges))), dtype=float)


def occupants(roll: Roll, happenings: Happenings) -> Ints:
    """Return a pupil number for each enrolment: a place has a new pupil from the year after an exclusion.

    The new pupil has the characteristics of the one before, so that exclusions change no school's make-up.
    """
    out = np.zeros(len(roll.cell), dtype=np.int64)
    out[happenings.enrolment[happenings.exclusion]] = 1
    order = np.argsort(roll.place, kind="stable")
    place, left = roll.place[order], out[order]
    new_place = np.concatenate([[1], (np.diff(place) != 0).astype(np.int64)])
    after = np.concatenate([[0], left[:-1]])
    # a new number wherever the place is another one, or its pupil left the year before
    number = np.empty(len(order), dtype=np.int64)
    number[order] = np.cumsum(np.maximum(new_place, after))
    return number
