"""The general simulation: authorities, schools, pupils and terms, with known effects and everyday trouble."""

from __future__ import annotations

import gzip
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from averting.data.cells import Ints
from averting.data.panel import Panel
from averting.data.simulate import facts, frames
from averting.data.simulate.changes import Identity, change, leaving
from averting.data.simulate.events import Exposed, draw_counts, expose, known
from averting.data.simulate.options import Authorities, Changes, Programme, Pupils, Suppression
from averting.data.simulate.pupils import Roll, draw_happenings, draw_roll, occupants
from averting.data.simulate.sites import Sites, choose_pilots, draw_sites, nearest
from averting.data.simulate.truth import Truth
from averting.data.written import csv_text
from averting.draws import stream
from averting.errors import DataError, UnitError
from averting.years import AcademicYear

_WIDE_ENOUGH = 45_000


@dataclass(frozen=True, eq=False)
class SimulatedSchools:
    """What :func:`simulate_schools` drew.

    Parameters
    ----------
    frame : DataFrame
        One row per URN and year, all text: ``urn``, ``time_period``, ``region_name``, ``la_code``, ``la_name``,
        ``school_name``, ``phase``, ``headcount``, each indicator's counts, and ``simulation``, which tells it from
        a real file.
    terms : DataFrame or None
        The same with a column ``term``, for permanent exclusions and suspensions, where terms were asked for.
    enrolments : DataFrame or None
        One row per pupil and year: ``pupil``, ``urn``, ``time_period``, ``year_group``, ``sex``, ``fsm``, ``sen``,
        ``looked_after``, ``ethnicity``; where pupils were asked for.
    events : DataFrame or None
        One row per exclusion and suspension: ``pupil``, ``urn``, ``time_period``, ``term``, ``date``,
        ``indicator``. Never suppressed: the school's counts are sums of these.
    links : DataFrame
        ``URN``, ``LinkURN``, ``LinkName``, ``LinkType``, ``LinkEstablishedDate``, as in Get Information About
        Schools, from both ends; empty where no school converts or merges.
    places : DataFrame
        ``urn`` (a school's first), ``east_km``, ``north_km``.
    pilots, neighbours : tuple of str
        URNs, as they are in the year of the start.
    left : mapping of str to str
        Pilots that left the programme, and the first year without it.
    start : str or None
        First academic year of the programme.
    truth : Truth
        What an estimate should find.
    suppression : Suppression or None
        How counts in the tables of schools are hidden.
    """

    frame: pd.DataFrame
    terms: pd.DataFrame | None
    enrolments: pd.DataFrame | None
    events: pd.DataFrame | None
    links: pd.DataFrame
    places: pd.DataFrame
    pilots: tuple[str, ...]
    neighbours: tuple[str, ...]
    left: dict[str, str]
    start: str | None
    truth: Truth
    suppression: Suppression | None

    @property
    def indicators(self) -> tuple[str, ...]:
        """What is counted in ``frame``."""
        counts = (*facts.INDICATORS, "pupils_suspended", *facts.EXITS)
        return tuple(name for name in counts if name in self.frame.columns)

    @property
    def columns(self) -> dict[str, str]:
        """What ``read_panel(..., source="tidy", columns=...)`` needs to read a written ``frame``."""
        roles = {"school": "urn", "period": "time_period", "exposure": "headcount", "name": "school_name"}
        roles |= {"phase": "phase", "region": "region_name", "la": "la_name"}
        return roles | {name: name for name in self.indicators}

    @property
    def symbols(self) -> dict[str, tuple[float, float]]:
        """What the suppression symbol stands for, as ``read_panel`` takes it."""
        hidden = self.suppression
        return {} if hidden is None else {hidden.symbol: (hidden.lower, hidden.upper)}

    def panel(self) -> Panel:
        """Return the schools by year as a panel."""
        return Panel.from_frame(
            self.frame,
            school="urn",
            period="time_period",
            counts=self.indicators,
            exposure="headcount",
            name="school_name",
            phase="phase",
            region="region_name",
            la="la_name",
            symbols=self.symbols,
            source="simulated schools",
        )

    def write(self, path: str | Path) -> None:
        """Write ``frame`` as ``.csv`` or ``.csv.gz``; equal simulations give equal bytes."""
        path = Path(path)
        content = csv_text(self.frame).encode()
        # no time in the gzip header
        path.write_bytes(gzip.compress(content, mtime=0) if path.suffix == ".gz" else content)


def simulate_schools(
    *,
    seed: int,
    schools: int = 200,
    primary_share: float = 0.0,
    first_year: str = "2013/14",
    last_year: str = "2024/25",
    programme: Programme | None = None,
    authorities: Authorities | None = None,
    changes: Changes | None = None,
    pupils: Pupils | None = None,
    suppression: Suppression | None = None,
    terms: bool = False,
    exits: bool = False,
) -> SimulatedSchools:
    """Draw schools of several authorities with known effects.

    Every part has draws of its own, named by seed and part: leaving one out, or adding it, moves no other.

    Parameters
    ----------
    seed : int
        Names the draws.
    schools : int
        How many, up to 45,000.
    primary_share : float
        Share that is primary; pilots are secondary schools unless all are primary.
    first_year, last_year : str
        Academic years.
    programme : Programme, optional
        Pilots, their effect, who else it reaches, and what averted exclusions become. None by default.
    authorities : Authorities, optional
        Ten, with lasting differences, by default.
    changes : Changes, optional
        Conversions, mergers, closures and pilots that leave. None by default.
    pupils : Pupils, optional
        Draw pupils, and share events out among them. None by default; the yearly counts are the same either way.
    suppression : Suppression, optional
        Hide small counts in the tables of schools. None by default.
    terms : bool
        Count by term too.
    exits : bool
        Count other exits too; they are also counted where a programme displaces exclusions into them.

    Returns
    -------
    SimulatedSchools

    Raises
    ------
    DataError
        If years are out of order, or there are too few schools for what is asked.
    """
    years, since = _years(first_year, last_year, None if programme is None else programme.start)
    authorities = Authorities() if authorities is None else authorities
    changes = Changes() if changes is None else changes
    _check(schools, primary_share, authorities)
    sites = draw_sites(seed, schools, primary_share, years, authorities)
    exposed, left = _expose(seed, sites, programme, changes, since)
    kept = np.union1d(exposed.pilots, exposed.neighbours)
    identity = change(seed, changes, sites.authority, sites.primary, years, kept)
    displaces = programme is not None and any(programme.displacement.values())
    counts = draw_counts(seed, sites, programme, exposed, exits=exits or displaces)
    mark = f"averting seed {seed}"
    roll, enrolments, events, by_term = None, None, None, None
    if pupils is not None:
        roll = draw_roll(seed, sites.headcount, sites.primary, pupils)
        enrolments, events, by_term = _pupils(seed, years, roll, sites, counts, identity, pupils)
    if terms:
        by_term = _by_term(seed, counts) if by_term is None else by_term
    table = frames.school_frame(years, sites, identity, counts, suppression, mark=mark)
    termly = (
        frames.term_frame(years, sites, identity, by_term, suppression, mark=mark) if terms and by_term else None
    )
    at_start = identity.urn[:, since]
    return SimulatedSchools(
        frame=table,
        terms=termly,
        enrolments=enrolments,
        events=events,
        links=identity.links,
        places=frames.place_frame(sites),
        pilots=tuple(str(urn) for urn in at_start[exposed.pilots]),
        neighbours=tuple(str(urn) for urn in at_start[exposed.neighbours]),
        left={str(at_start[pilot]): years[year] for pilot, year in sorted(left.items())},
        start=None if programme is None else years[since],
        truth=known(sites, programme, exposed, since, identity.there),
        suppression=suppression,
    )


def _years(first_year: str, last_year: str, start: str | None) -> tuple[tuple[str, ...], int]:
    """Return the labels of all years, and the position of the first treated one (the last year without any)."""
    try:
        first, last = (AcademicYear.parse(text).start for text in (first_year, last_year))
        begin = last if start is None else AcademicYear.parse(start).start
    except UnitError as error:
        raise DataError(f"simulate_schools: {error}") from error
    if first > last or (start is not None and not first < begin <= last):
        raise DataError(
            f"simulate_schools: first_year is {first_year}, last_year {last_year} and start {start}. "
            "The start must come after the first year and not after the last."
        )
    return tuple(AcademicYear(year).label for year in range(first, last + 1)), begin - first


def _check(schools: int, primary_share: float, authorities: Authorities) -> None:
    if not 1 <= schools <= _WIDE_ENOUGH:
        raise DataError(f"simulate_schools: {schools} schools. Use 1 to {_WIDE_ENOUGH:,}, one URN for each.")
    if not 0 <= primary_share <= 1:
        raise DataError(f"simulate_schools: primary_share is {primary_share}. Use a share from 0 to 1.")
    if authorities.number > schools:
        raise DataError(
            f"simulate_schools: {authorities.number} authorities for {schools} schools. Give each authority a school."
        )


def _expose(
    seed: int, sites: Sites, programme: Programme | None, changes: Changes, since: int
) -> tuple[Exposed, dict[int, int]]:
    nobody = np.empty(0, dtype=np.int64)
    if programme is None:
        if changes.leavers:
            raise DataError("simulate_schools: leavers leave a programme, and there is none. Give programme too.")
        return Exposed(nobody, nobody, np.zeros(sites.headcount.shape)), {}
    pilots = choose_pilots(seed, sites, programme)
    neighbours = nearest(sites, pilots, programme.neighbours)
    left = leaving(seed, changes, pilots, since, sites.headcount.shape[1])
    return expose(sites, programme, pilots, neighbours, since, left), left


def _by_term(seed: int, counts: dict[str, Ints]) -> dict[str, Ints]:
    return {
        name: frames.split_by_term(counts[name], name, stream(seed, f"simulate_schools/{name}/terms"))
        for name in facts.INDICATORS
    }


def _pupils(
    seed: int,
    years: tuple[str, ...],
    roll: Roll,
    sites: Sites,
    counts: dict[str, Ints],
    identity: Identity,
    options: Pupils,
) -> tuple[pd.DataFrame, pd.DataFrame, dict[str, Ints]]:
    happenings = draw_happenings(seed, roll, counts, sites.primary, options)
    pupil = occupants(roll, happenings)
    shape = (sites.headcount.shape[0], sites.headcount.shape[1])
    return (
        frames.enrolment_frame(years, roll, pupil, identity),
        frames.event_frame(years, roll, happenings, pupil, identity),
        frames.terms_of(happenings, roll, shape),
    )
