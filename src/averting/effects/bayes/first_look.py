"""A first look at schools and years, which tells the sampler where to walk and never what the answer is.

A school's shock and the spread of all shocks hang together: the larger the spread, the closer each shock comes to the
change that its school's counts show. Sampled in standard units, all shocks must then move whenever the spread does.
Written about the place where the counts put them, they need not. That is a change of variables: the posterior is the
same whatever the look finds, so a rough one is enough. (Papaspiliopoulos and others, 2007, on parametrisations;
Gorinova and others, 2020, on choosing them by the data.) Schools' levels and years' shocks are the same case.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import helmert

from averting.effects.bayes.cells import Cells, subset

Array = NDArray[np.float64]
Values = NDArray[np.floating[Any]]
_SMOOTH = 1.0  # events added to both sides of a ratio, so that its log is finite where a school has none
_OTHERS = 2.0  # what other schools say of a school's level before: one over the square of a spread of 0.7
_DISPERSION = (0.02, 5.0)
_NOTHING = 1e-9


@dataclass(frozen=True)
class FirstLook:
    """What each school's counts say of its own level and lasting shock, each (school,).

    Parameters
    ----------
    change : array
        Log of the school's rate after the start over its rate before, relative to all schools'.
    information : array
        One over the squared standard error of that; 0 where nothing is known.
    late : array
        Share of what is known of the school's level that comes from after the start; 0 where nothing is known.
    level : array
        Log of the school's rate over all its untreated years, relative to the centre.
    known : array
        One over the squared standard error of that.
    """

    change: Array
    information: Array
    late: Array
    level: Array
    known: Array


def look(cells: Cells, schools: int) -> FirstLook:
    """Compare each school's counts after the start with those before; a suppressed count stands at its middle.

    Pilots' treated years are left aside, so that nothing is known of their change: it holds the programme's effect.
    """
    seen = subset(cells, cells.treated == 0)
    exposure, count = np.exp(seen.log_exposure), 0.5 * (seen.lower + seen.upper)
    year = np.log((np.bincount(seen.period, count) + _SMOOTH) / (np.bincount(seen.period, exposure) + _NOTHING))
    year -= year[np.unique(seen.period)].mean()
    expected = exposure * np.exp(seen.centre + year[seen.period])
    half = 2 * seen.school + (seen.after > 0)  # a school before, and after

    def total(values: Values) -> Array:
        return np.bincount(half, values, 2 * schools).reshape(schools, 2)

    events, likely = total(count), total(expected)
    ratio = (events + _SMOOTH) / (likely + _SMOOTH)
    information = total(_information(count, expected * ratio.ravel()[half]))
    known = information.sum(axis=1)
    level = np.log((events.sum(axis=1) + _SMOOTH) / (likely.sum(axis=1) + _SMOOTH))
    information[:, 0] += _OTHERS
    late = information[:, 1] / information.sum(axis=1)
    return FirstLook(np.log(ratio[:, 1] / ratio[:, 0]), information[:, 0] * late, late, level, known)


def look_at_years(cells: Cells, periods: int) -> Array:
    """Compare the years' counts with what their schools would lead one to expect; treated cells are left aside.

    Returns
    -------
    array (2, periods - 1)
        Of each Helmert contrast between years, the log of the rates, and one over its squared standard error; 0 where a year is
        not known.
    """
    seen = subset(cells, cells.treated == 0)
    exposure, count = np.exp(seen.log_exposure), 0.5 * (seen.lower + seen.upper)
    # pupils among whom the smoothing events are expected
    prior = _SMOOTH * exposure.sum() / max(count.sum(), _SMOOTH)
    rate = (np.bincount(seen.school, count) + _SMOOTH) / (np.bincount(seen.school, exposure) + prior)
    expected = exposure * rate[seen.school]

    def total(values: Values) -> Array:
        return np.bincount(seen.period, values, periods)

    ratio = (total(count) + _SMOOTH) / (total(expected) + _SMOOTH)
    known = total(_information(count, expected * ratio[seen.period]))
    turn = helmert(periods)
    return np.array([turn @ np.log(ratio), 1.0 / (np.square(turn) @ (1.0 / np.maximum(known, _NOTHING)))])


def _information(count: Values, mean: Values) -> Array:
    """Return one over the squared standard error of the log of each cell's rate, with the dispersion that counts show."""
    excess = (np.square(count - mean) - mean).sum() / np.maximum(np.square(mean).sum(), _NOTHING)
    return np.asarray(mean / (1.0 + np.clip(excess, *_DISPERSION) * mean))
