"""Invented panels of school counts with few pilots, for size, coverage and power; ``tests/simulation`` uses them too.

Numbers of pupils are log-normal and drift a little, schools differ for good, a shock of each school persists from
year to year (first-order autoregression), years share shocks, and counts are negative binomial. Pilots come first
and are treated in the second half of the years, unless each has a start of its own.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

PUPILS_MEDIAN, PUPILS_LOG_SD, PUPILS_DRIFT_SD = 900.0, 0.35, 0.01
SCHOOL_SD, SHOCK_SD, PERSISTENCE, YEAR_SD, DISPERSION = 0.5, 0.3, 0.6, 0.1, 0.3


class Setting(NamedTuple):
    """One kind of panel.

    How many schools, pilots among them, mean count a year, years, the pilots' level and size (pupils) beside the
    others', persistence of schools' shocks, local authorities (pilots fill the first; 0: none) and the standard
    deviation of each one's shock after the start, and the chance that a count of 1 or 2 is suppressed.
    ``lasting`` is the spread of a shock that each school keeps from the start on, beside those that fade.
    ``starts`` are the pilots' own first treated years, where they differ.
    """

    schools: int
    pilots: int
    mean: float = 2.0
    years: int = 8
    level: float = 1.0
    size: float = 1.0
    persistence: float = PERSISTENCE
    areas: int = 0
    area_sd: float = 0.0
    suppressed: float = 0.0
    lasting: float = 0.0
    starts: tuple[int, ...] = ()

    def treated(self) -> NDArray[np.bool_]:
        """Return which years each pilot is treated in, (pilot, year)."""
        starts = np.array(self.starts or [self.years // 2] * self.pilots)
        return np.asarray(np.arange(self.years) >= starts[:, None])

    def area(self) -> NDArray[np.intp]:
        """Return the number of each school's local authority."""
        return np.arange(self.schools) * max(self.areas, 1) // self.schools


SETTINGS = {
    "A: 3 of 60": Setting(60, 3),
    "B: pilots at 2.5 times the rate": Setting(60, 3, level=2.5),
    "C: pilots at 0.4 times the rate": Setting(60, 3, level=0.4),
    "D: 3 of 300, mean 0.5": Setting(300, 3, mean=0.5),
    "2 of 60": Setting(60, 2),
    "1 of 20": Setting(20, 1),
    "3 with 20 comparison schools": Setting(23, 3),
    "pilots twice the size": Setting(60, 3, size=2.0),
    "AR(1) of 0.9": Setting(60, 3, persistence=0.9),
    "one LA of 10, its shock sd 0.2": Setting(60, 3, areas=10, area_sd=0.2),
    "one LA of 10, its shock sd 0.3": Setting(60, 3, areas=10, area_sd=0.3),
    "30 % of cells suppressed": Setting(60, 3, suppressed=0.65),
    "A, three starts": Setting(60, 3, starts=(3, 4, 5)),
    "B, three starts": Setting(60, 3, level=2.5, starts=(3, 4, 5)),
    "C, three starts": Setting(60, 3, level=0.4, starts=(3, 4, 5)),
}


class Panels(NamedTuple):
    """Counts and pupils, each (panel, school, year), and the first treated year."""

    events: NDArray[np.int64]
    pupils: Floats
    start: int
    hidden: NDArray[np.bool_]

    def fills(self, pilots: int) -> list[Panels]:
        """Return panels with every suppressed count (1 or 2) in the middle, for and against the programme."""
        if not self.hidden.any():
            return [self]
        late = np.arange(self.events.shape[-1]) >= self.start
        raises = (np.arange(self.events.shape[1]) < pilots)[:, None] == late
        filled = (1.5, np.where(raises, 1, 2), np.where(raises, 2, 1))
        return [self._replace(events=np.where(self.hidden, value, self.events)) for value in filled]

    def totals(self) -> tuple[Floats, Floats, Floats]:
        """Events before, events after, and log of pupils after over pupils before, each (panel, school)."""
        early, late = slice(None, self.start), slice(self.start, None)
        before, after = (self.events[..., part].sum(-1).astype(float) for part in (early, late))
        offset = np.log(self.pupils[..., late].sum(-1) / self.pupils[..., early].sum(-1))
        return before, after, offset


def draw_panels(setting: Setting, panels: int, *, ratio: float, rng: np.random.Generator) -> Panels:
    """Draw panels in which the pilots' expected counts after the start are ``ratio`` times what they would be."""
    shape = (panels, setting.schools, setting.years)
    start = setting.years // 2
    size = rng.normal(0.0, PUPILS_LOG_SD, shape[:2])[..., None]
    drift = rng.normal(0.0, PUPILS_DRIFT_SD, shape).cumsum(-1)
    pupils = np.rint(PUPILS_MEDIAN * np.exp(size + drift)).clip(100.0)
    pupils[:, : setting.pilots] *= setting.size
    shock = rng.normal(size=shape)
    for year in range(1, setting.years):
        lasting = setting.persistence * shock[..., year - 1]
        shock[..., year] = lasting + np.sqrt(1 - setting.persistence**2) * shock[..., year]
    school = rng.normal(-(SCHOOL_SD**2) / 2, SCHOOL_SD, shape[:2])[..., None]
    common = rng.normal(0.0, YEAR_SD, (panels, 1, setting.years))
    mean = setting.mean * pupils / PUPILS_MEDIAN * np.exp(school + common + SHOCK_SD * shock - SHOCK_SD**2 / 2)
    mean[:, : setting.pilots] *= setting.level
    mean[:, : setting.pilots] *= np.where(setting.treated(), ratio, 1.0)
    if setting.lasting:  # drawn only where asked for, so that panels without it stay as they were
        mean[:, :, start:] *= np.exp(rng.normal(0.0, setting.lasting, shape[:2])[..., None])
    if setting.areas:
        struck = rng.normal(0.0, setting.area_sd, (panels, setting.areas))[:, setting.area()]
        mean[..., start:] *= np.exp(struck - setting.area_sd**2 / 2)[..., None]
    events = rng.poisson(rng.gamma(1 / DISPERSION, mean * DISPERSION))
    hidden = np.zeros(events.shape, dtype=bool)
    if setting.suppressed:
        hidden = np.isin(events, (1, 2)) & (rng.random(events.shape) < setting.suppressed)
    return Panels(events, pupils, start, hidden)
