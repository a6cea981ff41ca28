"""Places where schools are, before anything changes hands: size, authority, neighbours and expected counts."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import special, stats
from scipy.spatial import cKDTree

from averting.data.cells import Bools, Floats, Ints
from averting.data.simulate import facts
from averting.data.simulate.options import Authorities, Programme
from averting.data.simulate.pilot import COVID
from averting.draws import stream
from averting.errors import DataError

# as in simulate_pilot, after DfE's school-level file: how much of the rate lasts, how slowly the rest drifts, and how
# the two indicators go together
_LASTING_SHARE = {"permanent_exclusions": 0.35, "suspensions": 0.40}
_DRIFT = {"permanent_exclusions": 0.80, "suspensions": 0.70}
_CORRELATION = 0.5


@dataclass(frozen=True, eq=False)
class Sites:
    """Schools by position, over all years.

    Parameters
    ----------
    headcount : array of int, shape (site, period)
        Pupils on roll.
    authority : array of int, shape (site,)
        Position of its authority.
    primary : array of bool, shape (site,)
        Whether it is a primary school; a secondary one otherwise.
    place : array of float, shape (site, 2)
        Kilometres east and north.
    lasting : array of float, shape (site,)
        Lasting log-free standing in permanent exclusions, authority included; larger is higher.
    expected : mapping of str to array of float, shape (site, period)
        Expected counts without a programme.
    """

    headcount: Ints
    authority: Ints
    primary: Bools
    place: Floats
    lasting: Floats
    expected: dict[str, Floats]


def draw_sites(
    seed: int, schools: int, primary_share: float, years: tuple[str, ...], authorities: Authorities
) -> Sites:
    """Draw schools without a programme."""
    # every k-th school is primary, so that all authorities have some
    ranks = np.arange(1, schools + 1)
    primary = np.floor(ranks * primary_share) > np.floor((ranks - 1) * primary_share)
    # in turn within each phase, or a regular mix would give some authorities one phase only
    authority = np.empty(schools, dtype=np.int64)
    for group in (primary, ~primary):
        authority[group] = np.arange(group.sum()) % authorities.number
    headcount = _headcount(seed, primary, len(years))
    standing, noise = _normals(seed, schools, len(years))
    expected = {}
    lasting = np.zeros(schools)
    for indicator in facts.INDICATORS:
        factor = _authority_factor(seed, indicator, authorities, len(years))[authority]
        rate = _rates(indicator, standing[indicator], noise[indicator], primary, authorities.log_sd)
        covid = np.array([COVID[indicator].get(year, 1.0) for year in years])
        expected[indicator] = rate * factor * headcount * covid
        if indicator == "permanent_exclusions":
            lasting = standing[indicator] + np.log(_lasting_authority(seed, indicator, authorities))[authority]
    return Sites(headcount, authority, primary, _places(seed, authority, authorities), lasting, expected)


def _headcount(seed: int, primary: Bools, years: int) -> Ints:
    """Draw log-normal headcounts that drift slowly, shape (site, period)."""
    draw = stream(seed, "simulate_schools/headcount")
    median = np.where(primary, facts.PRIMARY.headcount, facts.SECONDARY.headcount)
    spread = np.where(primary, facts.PRIMARY.headcount_log_sd, facts.SECONDARY.headcount_log_sd)
    level = spread[:, None] * draw.normal(size=(len(primary), 1))
    drift = draw.normal(0.0, facts.HEADCOUNT_DRIFT_SD, (len(primary), years)).cumsum(axis=1)
    return np.maximum(np.rint(median[:, None] * np.exp(level + drift)), 30).astype(np.int64)


def _normals(seed: int, schools: int, years: int) -> tuple[dict[str, Floats], dict[str, Floats]]:
    """Draw standard normal lasting (site) and drifting (site, period) parts, correlated over indicators."""
    shared_level = stream(seed, "simulate_schools/shared/lasting").normal(size=schools)
    shared_noise = stream(seed, "simulate_schools/shared/noise").normal(size=(schools, years))
    own, common = np.sqrt(1 - _CORRELATION), np.sqrt(_CORRELATION)
    lasting, drifting = {}, {}
    for indicator, phi in _DRIFT.items():
        draw = stream(seed, f"simulate_schools/{indicator}/own")
        lasting[indicator] = common * shared_level + own * draw.normal(size=schools)
        path = common * shared_noise + own * draw.normal(size=(schools, years))
        for year in range(1, years):
            path[:, year] = phi * path[:, year - 1] + np.sqrt(1 - phi**2) * path[:, year]
        drifting[indicator] = path
    return lasting, drifting


def _rates(indicator: str, lasting: Floats, drifting: Floats, primary: Bools, authority_sd: float) -> Floats:
    """Return expected counts for each pupil, shape (site, period), without the authority's part."""
    share = _LASTING_SHARE[indicator]
    normal = np.sqrt(share) * lasting[:, None] + np.sqrt(1 - share) * drifting
    rate = np.empty_like(normal)
    for phase, where in ((facts.PRIMARY, primary), (facts.SECONDARY, ~primary)):
        if where.any():
            mean, shape = _gamma(indicator, phase, authority_sd)
            rate[where] = mean * _gamma_quantile(normal[where], shape) / shape
    return np.asarray(rate, dtype=float)


def _gamma(indicator: str, phase: facts.Phase, authority_sd: float) -> tuple[float, float]:
    """Return mean and shape of schools' rates within an authority."""
    if indicator == "suspensions":
        mean, spread = phase.suspensions, 1 + 1 / phase.suspensions_shape
    else:
        # the spread of headcounts is part of the spread of counts: the rates carry the rest
        mean = phase.exclusions / (phase.headcount * np.exp(phase.headcount_log_sd**2 / 2))
        spread = (1 + 1 / phase.size) / np.exp(phase.headcount_log_sd**2)
    within = spread / np.exp(authority_sd**2) - 1
    if within <= 0:
        raise DataError(
            f"simulate_schools: authorities with log_sd {authority_sd} differ more than all schools do. "
            f"Use less than {np.sqrt(np.log(spread)):.2f}."
        )
    return float(mean), float(1 / within)


def _gamma_quantile(normal: Floats, shape: float) -> Floats:
    """Return gamma quantiles at normal scores, by a table of logarithms: a thousand times faster, to six digits."""
    grid = np.linspace(-7.0, 7.0, 8001)
    table = np.log(np.maximum(stats.gamma.ppf(special.ndtr(grid), shape), 1e-300))
    return np.asarray(np.exp(np.interp(normal, grid, table)), dtype=float)


def _mean_one(normal: Floats, log_sd: float) -> Floats:
    return np.asarray(np.exp(log_sd * normal - log_sd**2 / 2), dtype=float)


def _lasting_authority(seed: int, indicator: str, authorities: Authorities) -> Floats:
    """Return each authority's lasting factor, mean 1 over authorities that could be drawn."""
    own = stream(seed, f"simulate_schools/{indicator}/authority").normal(size=authorities.number)
    both = stream(seed, "simulate_schools/shared/authority").normal(size=authorities.number)
    return _mean_one(np.sqrt(_CORRELATION) * both + np.sqrt(1 - _CORRELATION) * own, authorities.log_sd)


def _authority_factor(seed: int, indicator: str, authorities: Authorities, years: int) -> Floats:
    """Return factors on rates, shape (authority, period)."""
    lasting = np.repeat(_lasting_authority(seed, indicator, authorities)[:, None], years, axis=1)
    if authorities.shock_log_sd == 0:
        return lasting
    shocks = stream(seed, f"simulate_schools/{indicator}/shocks").normal(size=lasting.shape)
    return np.asarray(lasting * _mean_one(shocks, authorities.shock_log_sd), dtype=float)


def _places(seed: int, authority: Ints, authorities: Authorities) -> Floats:
    draw = stream(seed, "simulate_schools/places")
    centres = draw.uniform(0.0, facts.COUNTRY_KM, (authorities.number, 2))
    return np.asarray(centres[authority] + draw.normal(0.0, facts.AUTHORITY_KM, (len(authority), 2)), dtype=float)


def choose_pilots(seed: int, sites: Sites, programme: Programme) -> Ints:
    """Draw pilots from the schools with the higher lasting rate, and without regard to any single year.

    Raises
    ------
    DataError
        If there are too few such schools.
    """
    group = ~sites.primary if (~sites.primary).any() else sites.primary
    eligible = np.flatnonzero(group & (sites.lasting >= np.median(sites.lasting[group])))
    if programme.one_authority:
        tallies = np.bincount(sites.authority[eligible])
        eligible = eligible[sites.authority[eligible] == tallies.argmax()]
    if programme.pilots > len(eligible):
        raise DataError(
            f"simulate_schools: {programme.pilots} pilots, yet only {len(eligible)} schools are in the higher half"
            f"{' of one authority' if programme.one_authority else ''}. Ask for more schools or fewer pilots."
        )
    draw = stream(seed, "simulate_schools/pilots")
    return np.sort(draw.choice(eligible, size=programme.pilots, replace=False))


def nearest(sites: Sites, pilots: Ints, number: int) -> Ints:
    """Return the schools of the pilots' phase that are among the nearest to any pilot, without the pilots."""
    if number == 0:
        return np.empty(0, dtype=np.int64)
    others = np.setdiff1d(np.flatnonzero(np.isin(sites.primary, sites.primary[pilots])), pilots)
    if number > len(others):
        raise DataError(
            f"simulate_schools: {number} neighbours for each pilot, yet there are {len(others)} other schools. "
            "Ask for fewer neighbours or more schools."
        )
    _, found = cKDTree(sites.place[others]).query(sites.place[pilots], k=np.arange(1, number + 1))
    return np.unique(others[found])
