"""A small file of schools with a known effect, drawn after the founding documents.

In 2016/17, 43 % of England's secondary schools permanently excluded nobody and 47 excluded more than ten pupils
(Timpson Review, 2019): a negative binomial count with mean 1.73 and size 0.65. Each school has a standing that
lasts and a part that drifts from year to year; a Gaussian copula turns their sum into a gamma rate, so that a
school-year's count keeps that distribution however strong the persistence. How much persists, how suspensions go
with exclusions and how many pupils share them follow DfE's school-level file for 2010/11 to 2016/17.
"""

from __future__ import annotations

import gzip
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

import numpy as np
import pandas as pd
from scipy import special, stats

from averting.data.cells import Floats, Ints
from averting.data.panel import Panel
from averting.data.read import panel_from_dfe
from averting.data.simulate.truth import Truth
from averting.data.written import csv_text
from averting.draws import stream
from averting.errors import DataError, UnitError
from averting.years import AcademicYear

MEAN_EXCLUSIONS = 1.73
SIZE_EXCLUSIONS = 0.65
SUSPENSIONS_PER_PUPIL = 0.10
# of the gamma rate: variance over squared mean of school rates about 1, near DfE's file
SUSPENSIONS_SHAPE = 1.0
# chance that a suspension after the first is of a pupil not suspended before; DfE's file has 0.53 pupils to each
PUPILS_PER_FURTHER_SUSPENSION = 0.5
HEADCOUNT_MEDIAN, HEADCOUNT_LOG_SD, HEADCOUNT_DRIFT_SD = 1000.0, 0.30, 0.02
COVID = MappingProxyType(
    {
        # secondary schools' national counts over those of 2018/19, from DfE's local-authority series
        "permanent_exclusions": MappingProxyType({"2019/20": 0.63, "2020/21": 0.52}),
        "suspensions": MappingProxyType({"2019/20": 0.71, "2020/21": 0.83}),
    }
)
_PERSISTENT_SHARE = {"permanent_exclusions": 0.35, "suspensions": 0.40}
_DRIFT = {"permanent_exclusions": 0.80, "suspensions": 0.70}
_CORRELATION = 0.5
_AUTHORITIES = tuple(f"Simulated Borough {number}" for number in range(1, 5))


@dataclass(frozen=True, eq=False)
class SimulatedPilot:
    """Simulated schools, of which some had a programme.

    Parameters
    ----------
    frame : DataFrame
        One row per school and year, all text, in DfE's school-level layout until 2016/17, with a column
        ``simulation`` that tells it from a real file.
    pilots : tuple of str
        URNs of the schools with the programme.
    start : str
        First academic year of the programme.
    truth : Truth
        Effect and expected count averted, for permanent exclusions and suspensions. Pupils suspended follow
        suspensions and have no factor of their own.
    """

    frame: pd.DataFrame
    pilots: tuple[str, ...]
    start: str
    truth: Truth

    def write(self, path: str | Path) -> None:
        """Write the frame as ``.csv`` or ``.csv.gz``; equal simulations give equal bytes."""
        path = Path(path)
        content = csv_text(self.frame).encode()
        # no time in the gzip header
        path.write_bytes(gzip.compress(content, mtime=0) if path.suffix == ".gz" else content)

    def panel(self) -> Panel:
        """Return the frame as a panel, read as its file would be."""
        return panel_from_dfe(self.frame, source="simulated schools")


def simulate_pilot(
    *,
    seed: int,
    pilots: int = 3,
    comparison: int = 40,
    first_year: str = "2013/14",
    last_year: str = "2024/25",
    start: str = "2021/22",
    effect: Mapping[str, float] | None = None,
    suppress: bool = True,
) -> SimulatedPilot:
    """Draw pilot and comparison schools with a known effect.

    Parameters
    ----------
    seed : int
        Names the draws.
    pilots, comparison : int
        Numbers of schools. Pilots are drawn from the half of schools whose lasting rate of permanent exclusion is
        higher, and without regard to any single year: no regression to the mean is built in.
    first_year, last_year, start : str
        Academic years; the programme runs from ``start`` to the end.
    effect : mapping of str to float, optional
        Factor on ``permanent_exclusions`` and ``suspensions``; 0.6 and 0.8 by default.
    suppress : bool
        Write counts of 1 and 2 as ``x``.

    Returns
    -------
    SimulatedPilot

    Raises
    ------
    DataError
        If the years are out of order, there are too few schools, or a factor is unknown or not positive.

    Examples
    --------
    >>> made = av.simulate_pilot(seed=1, pilots=2, comparison=12)
    >>> len(made.pilots), len(made.panel().schools)
    (2, 14)
    """
    factors = {"permanent_exclusions": 0.6, "suspensions": 0.8} if effect is None else dict(effect)
    years, since = _years(first_year, last_year, start)
    _check_request(pilots, comparison, factors)
    schools = pilots + comparison
    headcount = _headcount(seed, schools, len(years))
    lasting, drifting = _normals(seed, schools, len(years))
    chosen = _choose(seed, pilots, lasting["permanent_exclusions"])
    treated = np.zeros((schools, len(years)), dtype=bool)
    treated[chosen, since:] = True
    counts: dict[str, Ints] = {}
    averted = {}
    for indicator in COVID:
        untreated = _expected(indicator, headcount, lasting[indicator], drifting[indicator], years)
        factor = factors.get(indicator, 1.0)
        counts[indicator] = _counts(seed, indicator, untreated, np.where(treated, factor, 1.0))
        averted[indicator] = float(((1 - factor) * untreated)[treated].sum())
    counts["pupils_suspended"] = _pupils(seed, counts["suspensions"], headcount)
    frame = _frame(seed, years, headcount, counts, chosen, suppress=suppress)
    truth = Truth(MappingProxyType({key: factors.get(key, 1.0) for key in COVID}), MappingProxyType(averted))
    return SimulatedPilot(frame, tuple(_urns(chosen)), years[since], truth)


def _years(first_year: str, last_year: str, start: str) -> tuple[tuple[str, ...], int]:
    """Return the labels of all years, and the position of the first treated one."""
    try:
        first, last, begin = (AcademicYear.parse(text).start for text in (first_year, last_year, start))
    except UnitError as error:
        raise DataError(f"simulate_pilot: {error}") from error
    if not first < begin <= last:
        raise DataError(
            f"simulate_pilot: start is {start}, first_year {first_year} and last_year {last_year}. "
            "The start must come after the first year and not after the last."
        )
    return tuple(AcademicYear(year).label for year in range(first, last + 1)), begin - first


def _check_request(pilots: int, comparison: int, factors: Mapping[str, float]) -> None:
    if pilots < 1 or comparison < pilots:
        raise DataError(
            f"simulate_pilot: {pilots} pilots and {comparison} comparison schools. "
            "Pilots come from the higher half: ask for one or more, and for as many comparison schools."
        )
    bad = [key for key, factor in factors.items() if key not in COVID or not 0 < factor < np.inf]
    if bad:
        raise DataError(f"simulate_pilot: effect on {', '.join(bad)}. Use {' and '.join(COVID)}, each above 0.")


def _headcount(seed: int, schools: int, years: int) -> Ints:
    """Draw log-normal headcounts that drift slowly, shape (school, period)."""
    draw = stream(seed, "simulate/headcount")
    level = draw.normal(0.0, HEADCOUNT_LOG_SD, (schools, 1))
    drift = draw.normal(0.0, HEADCOUNT_DRIFT_SD, (schools, years)).cumsum(axis=1)
    return np.maximum(np.rint(HEADCOUNT_MEDIAN * np.exp(level + drift)), 100).astype(np.int64)


def _normals(seed: int, schools: int, years: int) -> tuple[dict[str, Floats], dict[str, Floats]]:
    """Draw standard normal lasting (school) and drifting (school, period) parts, correlated over indicators."""
    lasting: dict[str, Floats] = {}
    drifting: dict[str, Floats] = {}
    shared_level = stream(seed, "simulate/shared/lasting").normal(size=schools)
    shared_noise = stream(seed, "simulate/shared/noise").normal(size=(schools, years))
    own, common = np.sqrt(1 - _CORRELATION), np.sqrt(_CORRELATION)
    for indicator, phi in _DRIFT.items():
        draw = stream(seed, f"simulate/{indicator}/own")
        lasting[indicator] = common * shared_level + own * draw.normal(size=schools)
        noise = common * shared_noise + own * draw.normal(size=(schools, years))
        path = noise.copy()
        for year in range(1, years):
            path[:, year] = phi * path[:, year - 1] + np.sqrt(1 - phi**2) * noise[:, year]
        drifting[indicator] = path
    return lasting, drifting


def _choose(seed: int, pilots: int, lasting: Floats) -> Ints:
    higher = np.flatnonzero(lasting >= np.median(lasting))
    return np.sort(stream(seed, "simulate/pilots").choice(higher, size=pilots, replace=False))


def _expected(
    indicator: str, headcount: Ints, lasting: Floats, drifting: Floats, years: tuple[str, ...]
) -> Floats:
    """Return expected counts without a programme, shape (school, period)."""
    share = _PERSISTENT_SHARE[indicator]
    normal = np.sqrt(share) * lasting[:, None] + np.sqrt(1 - share) * drifting
    mean_headcount = HEADCOUNT_MEDIAN * np.exp(HEADCOUNT_LOG_SD**2 / 2)
    if indicator == "permanent_exclusions":
        # the spread of headcounts is part of the spread of counts: the gamma rate carries the rest of it
        shape = 1 / ((1 + 1 / SIZE_EXCLUSIONS) / np.exp(HEADCOUNT_LOG_SD**2) - 1)
        mean = MEAN_EXCLUSIONS / mean_headcount
    else:
        shape, mean = SUSPENSIONS_SHAPE, SUSPENSIONS_PER_PUPIL
    rate = mean * stats.gamma.ppf(special.ndtr(normal), shape) / shape
    covid = np.array([COVID[indicator].get(year, 1.0) for year in years])
    return np.asarray(rate * headcount * covid, dtype=float)


def _counts(seed: int, indicator: str, untreated: Floats, factor: Floats) -> Ints:
    """Draw Poisson counts with mean ``untreated * factor`` that differ only where a factor differs from one.

    A programme strikes out, or adds to, what would have happened without it, so that simulations with and without
    an effect share every other draw.
    """
    without = stream(seed, f"simulate/{indicator}/counts").poisson(untreated)
    kept = stream(seed, f"simulate/{indicator}/averted").binomial(without, np.minimum(factor, 1.0))
    added = stream(seed, f"simulate/{indicator}/added").poisson(untreated * np.maximum(factor - 1.0, 0.0))
    return np.asarray(kept + added, dtype=np.int64)


def _pupils(seed: int, suspensions: Ints, headcount: Ints) -> Ints:
    """Pupils suspended at least once: never more than suspensions or pupils, and one where there is one."""
    further = stream(seed, "simulate/pupils").binomial(
        np.maximum(suspensions - 1, 0), PUPILS_PER_FURTHER_SUSPENSION
    )
    return np.minimum(np.where(suspensions > 0, further + 1, 0), headcount)


def _urns(schools: Ints) -> list[str]:
    return [str(900001 + int(school)) for school in schools]


def _frame(
    seed: int,
    years: tuple[str, ...],
    headcount: Ints,
    counts: Mapping[str, Ints],
    chosen: Ints,
    *,
    suppress: bool,
) -> pd.DataFrame:
    """Lay the draws out as DfE's school-level file did until 2016/17, all cells text."""
    schools = np.arange(len(headcount))
    # all pilots in one borough, as a council's own programme would have them
    borough = schools % len(_AUTHORITIES)
    borough[chosen] = 0
    region = np.where(borough < len(_AUTHORITIES) // 2, "Simulated North", "Simulated South")

    def by_school(values: list[str]) -> list[str]:
        return [value for value in values for _ in years]

    def cells(values: Ints) -> list[str]:
        return ["x" if suppress and value in (1, 2) else str(value) for value in values.ravel().tolist()]

    return pd.DataFrame(
        {
            "time_period": [year.replace("/", "") for year in years] * len(schools),
            "region_name": by_school(region.tolist()),
            "la_name": by_school([_AUTHORITIES[number] for number in borough]),
            "urn": by_school(_urns(schools)),
            "laestab": by_school([str(9994001 + int(school)) for school in schools]),
            "school_name": by_school([f"Simulated School {int(school) + 1:02d}" for school in schools]),
            "school_type": "State-funded secondary",
            "headcount": [str(value) for value in headcount.ravel().tolist()],
            "perm_excl": cells(counts["permanent_exclusions"]),
            "fixed_excl": cells(counts["suspensions"]),
            "one_plus_fixed": cells(counts["pupils_suspended"]),
            "simulation": f"averting seed {seed}",
        },
        dtype=object,
    )
