"""From arrays over schools and years to tables of text, as a file would hold them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from averting.data.cells import Floats, Ints
from averting.data.simulate import facts
from averting.data.simulate.changes import FIRST_URN, Identity
from averting.data.simulate.options import Suppression
from averting.data.simulate.pupils import Happenings, Roll
from averting.data.simulate.sites import Sites
from averting.years import AcademicYear

Objects = npt.NDArray[np.object_]


def _texts(values: Ints) -> Objects:
    """Return whole numbers as text, by a table: the same few occur again and again."""
    table = np.array([str(number) for number in range(int(values.max(initial=0)) + 1)], dtype=object)
    return np.asarray(table[values], dtype=object)


def _cells(values: Ints, suppression: Suppression | None) -> Objects:
    texts = _texts(values)
    if suppression is not None:
        texts[(suppression.lower <= values) & (values <= suppression.upper)] = suppression.symbol
    return texts


def _rows(identity: Identity) -> tuple[Ints, Ints]:
    """Return each site-year's row in the table of URNs and years (-1 where it has none), and a site-year of each."""
    years = identity.urn.shape[1]
    flat = identity.urn.astype(np.int64).ravel() * years + np.tile(np.arange(years), len(identity.urn))
    open_ = np.flatnonzero(identity.there.ravel())
    _, first, position = np.unique(flat[open_], return_index=True, return_inverse=True)
    row = np.full(identity.urn.size, -1)
    row[open_] = position
    return row, open_[first]


def school_frame(
    years: Sequence[str],
    sites: Sites,
    identity: Identity,
    counts: Mapping[str, Ints],
    suppression: Suppression | None,
    *,
    mark: str,
) -> pd.DataFrame:
    """Return one row per URN and year, sorted by both, all text; pupils of merged schools are counted together."""
    row, cell = _rows(identity)
    table = _described(years, sites, identity, cell)
    for name, values in {"headcount": sites.headcount, **counts}.items():
        summed = _summed(row, values, len(cell))
        table[name] = _texts(summed) if name == "headcount" else _cells(summed, suppression)
    table["simulation"] = np.full(len(cell), mark, dtype=object)
    return pd.DataFrame(table, dtype=object)


def _summed(row: Ints, values: Ints, rows: int) -> Ints:
    kept = row >= 0
    # sums of counts are whole and far below 2**53
    return np.bincount(row[kept], values.ravel()[kept].astype(float), minlength=rows).astype(np.int64)


def _described(years: Sequence[str], sites: Sites, identity: Identity, cell: Ints) -> dict[str, Objects]:
    owner = identity.owner.ravel()[cell]
    authority = sites.authority[owner]
    number = int(sites.authority.max()) + 1
    codes = np.array([f"S{code + 1:03d}" for code in range(number)], dtype=object)
    names = np.array([f"Simulated Borough {code + 1}" for code in range(number)], dtype=object)
    regions = np.array(["Simulated North", "Simulated South"], dtype=object)
    phases = np.array([facts.SECONDARY.label, facts.PRIMARY.label], dtype=object)
    schools = np.array([f"Simulated School {site + 1:02d}" for site in range(len(sites.authority))], dtype=object)
    return {
        "urn": _urn_texts(identity.urn.ravel()[cell]),
        "time_period": np.array(years, dtype=object)[cell % len(years)],
        "region_name": regions[(authority >= number / 2).astype(int)],
        "la_code": codes[authority],
        "la_name": names[authority],
        "school_name": schools[owner],
        "phase": phases[sites.primary[owner].astype(int)],
    }


def _urn_texts(urns: Ints) -> Objects:
    known, position = np.unique(urns, return_inverse=True)
    return np.array([str(urn) for urn in known.tolist()], dtype=object)[position]


def split_by_term(counts: Ints, indicator: str, draw: np.random.Generator) -> Ints:
    """Divide each count over terms, shape (..., term)."""
    return np.asarray(draw.multinomial(counts, facts.TERM_SHARES[indicator]), dtype=np.int64)


def terms_of(happenings: Happenings, roll: Roll, shape: tuple[int, int]) -> dict[str, Ints]:
    """Count events by school, year and term, shape (site, period, term)."""
    terms = len(facts.TERMS)
    at = roll.cell[happenings.enrolment] * terms + happenings.moment.astype(np.int64)
    found = {}
    for name, which in zip(facts.INDICATORS, (happenings.exclusion, ~happenings.exclusion), strict=True):
        found[name] = np.bincount(at[which], minlength=shape[0] * shape[1] * terms).reshape(*shape, terms)
    return found


def term_frame(
    years: Sequence[str],
    sites: Sites,
    identity: Identity,
    counts: Mapping[str, Ints],
    suppression: Suppression | None,
    *,
    mark: str,
) -> pd.DataFrame:
    """Return one row per URN, year and term; counts are (site, period, term)."""
    row, cell = _rows(identity)
    terms = len(facts.TERMS)
    described = _described(years, sites, identity, cell)
    table = {name: np.repeat(texts, terms) for name, texts in described.items()}
    table["term"] = np.tile(np.array(facts.TERMS, dtype=object), len(cell))
    table["headcount"] = np.repeat(_texts(_summed(row, sites.headcount, len(cell))), terms)
    for name, values in counts.items():
        summed = [_summed(row, values[..., term], len(cell)) for term in range(terms)]
        table[name] = _cells(np.stack(summed, axis=1).ravel(), suppression)
    table["simulation"] = np.full(len(cell) * terms, mark, dtype=object)
    return pd.DataFrame(table, dtype=object)


def place_frame(sites: Sites) -> pd.DataFrame:
    """Return where each school is, by its first URN, in kilometres."""
    places = {"urn": _urn_texts(np.arange(len(sites.place)) + FIRST_URN)}
    return pd.DataFrame({**places, "east_km": sites.place[:, 0].round(3), "north_km": sites.place[:, 1].round(3)})


def enrolment_frame(years: Sequence[str], roll: Roll, pupil: Ints, identity: Identity) -> pd.DataFrame:
    """Return one row per pupil and year, at schools that are open."""
    kept = identity.there.ravel()[roll.cell]
    cell, place = roll.cell[kept], roll.place[kept]
    traits = roll.traits

    return pd.DataFrame(
        {
            "pupil": pupil[kept],
            **_whose(years, cell, identity),
            "year_group": roll.year_group[kept],
            "sex": _category(traits["sex"][place], ("female", "male")),
            "fsm": traits["fsm"][place].astype(bool),
            "sen": _category(traits["sen"][place], facts.SEN_LEVELS),
            "looked_after": traits["looked_after"][place].astype(bool),
            "ethnicity": _category(traits["ethnicity"][place], facts.ETHNIC_GROUPS),
        }
    )


def _category(codes: npt.NDArray[np.integer], labels: Sequence[str], *, ordered: bool = False) -> Any:
    # pandas-stubs know codes of one numeric type only
    return pd.Categorical.from_codes(codes, pd.Index(list(labels)), ordered=ordered)


def _whose(years: Sequence[str], cell: Ints, identity: Identity) -> dict[str, Any]:
    urns, position = np.unique(identity.urn.ravel()[cell], return_inverse=True)
    return {
        "urn": _category(position, [str(urn) for urn in urns.tolist()]),
        "time_period": _category(cell % len(years), years, ordered=True),
    }


def event_frame(
    years: Sequence[str], roll: Roll, happenings: Happenings, pupil: Ints, identity: Identity
) -> pd.DataFrame:
    """Return one row per event, at schools that are open, each pupil's in order."""
    kept = identity.there.ravel()[roll.cell[happenings.enrolment]]
    at, moment = happenings.enrolment[kept], happenings.moment[kept]
    cell = roll.cell[at]
    term = moment.astype(np.int64)
    return pd.DataFrame(
        {
            "pupil": pupil[at],
            **_whose(years, cell, identity),
            "term": _category(term, facts.TERMS, ordered=True),
            "date": _dates(years, cell % len(years), term, moment),
            "indicator": _category((~happenings.exclusion[kept]).astype(np.int8), facts.INDICATORS),
        }
    )


def _dates(years: Sequence[str], year: Ints, term: Ints, moment: Floats) -> npt.NDArray[np.datetime64]:
    """Return the day of each moment: within its term, and never on a weekend."""
    starts = [
        [
            np.datetime64(f"{AcademicYear.parse(label).start + later}-{month:02d}-{day:02d}", "D")
            for month, day, later in facts.TERM_STARTS
        ]
        for label in years
    ]
    begin = np.array(starts, dtype="datetime64[D]")
    # counted in working days, five to seven calendar days, so that order is kept
    working = np.array(facts.TERM_DAYS) * 5 // 7
    days = np.floor((moment - term) * working[term]).astype(np.int64)
    found = np.busday_offset(begin[year, term], days, roll="forward")
    return found.astype("datetime64[s]")
