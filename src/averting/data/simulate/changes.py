"""Schools that convert, merge, close or leave the programme, and the links between their URNs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from averting.data.cells import Bools, Ints
from averting.data.simulate.options import Changes
from averting.draws import stream
from averting.errors import DataError
from averting.years import AcademicYear

LINK_COLUMNS = ("URN", "LinkURN", "LinkName", "LinkType", "LinkEstablishedDate")
FIRST_URN, FIRST_NEW_URN = 900001, 950001
GONE = -1


@dataclass(frozen=True, eq=False)
class Identity:
    """Under which URN each school is known in each year.

    Parameters
    ----------
    urn : array of int, shape (site, period)
        The URN; ``GONE`` from the year a school has closed.
    owner : array of int, shape (site, period)
        Position of the school whose name, authority and phase the URN has: another one's after a merger.
    links : DataFrame
        Columns as in Get Information About Schools; each link from both ends.
    """

    urn: Ints
    owner: Ints
    links: pd.DataFrame

    @property
    def there(self) -> Bools:
        """Where a school is open, shape (site, period)."""
        return np.asarray(self.urn != GONE, dtype=bool)


def unchanged(schools: int, years: int) -> Identity:
    """Return schools that stay as they are."""
    owner = np.repeat(np.arange(schools)[:, None], years, axis=1)
    return Identity(owner + FIRST_URN, owner, _links([]))


def change(
    seed: int, changes: Changes, authority: Ints, primary: Bools, years: Sequence[str], kept: Ints
) -> Identity:
    """Draw which schools change and when; ``kept`` (pilots and neighbours) neither merge nor close.

    Raises
    ------
    DataError
        If there are too few schools for the changes, or one year only.
    """
    identity = unchanged(len(authority), len(years))
    if changes.conversions + changes.mergers + changes.closures == 0:
        return identity
    if len(years) < 2:
        raise DataError("simulate_schools: schools change between years. Ask for two years or more.")
    urn, owner, links = identity.urn.copy(), identity.owner.copy(), []
    free = np.setdiff1d(np.arange(len(authority)), kept)
    closing = _some(seed, "closures", free, changes.closures)
    for site, year in zip(closing, _when(seed, "closures", len(closing), len(years)), strict=True):
        urn[site, year:] = GONE
    free = np.setdiff1d(free, closing)
    pairs = _pairs(seed, changes.mergers, free, authority * 2 + primary)
    for (stays, goes), year in zip(pairs, _when(seed, "mergers", len(pairs), len(years)), strict=True):
        urn[goes, year:], owner[goes, year:] = urn[stays, year:], stays
        old, new = FIRST_URN + goes, FIRST_URN + stays
        links.append((old, new, _name(stays), "Successor - merged", years[year]))
        links.append((new, old, _name(goes), "Predecessor - merged", years[year]))
    # neither part of a merger converts: what became of a school would then depend on which came first
    free = np.setdiff1d(np.union1d(free, kept), np.array(pairs, dtype=np.int64).ravel())
    converting = _some(seed, "conversions", free, changes.conversions)
    for site, year in zip(converting, _when(seed, "conversions", len(converting), len(years)), strict=True):
        old, new = FIRST_URN + site, FIRST_NEW_URN + site
        urn[site, year:] = new
        links.append((old, new, _name(site), "Successor", years[year]))
        links.append((new, old, _name(site), "Predecessor", years[year]))
    return Identity(urn, owner, _links(links))


def leaving(seed: int, changes: Changes, pilots: Ints, since: int, years: int) -> dict[int, int]:
    """Draw the pilots that leave the programme, and the position of their first year without it."""
    if changes.leavers == 0:
        return {}
    if since + 1 >= years:
        raise DataError(
            "simulate_schools: pilots leave a year or more after the start. Ask for a later last_year."
        )
    chosen = _some(seed, "leavers", pilots, changes.leavers)
    when = stream(seed, "simulate_schools/leavers/when").integers(since + 1, years, size=len(chosen))
    return {int(pilot): int(year) for pilot, year in zip(chosen, when, strict=True)}


def _name(site: int) -> str:
    return f"Simulated School {site + 1:02d}"


def _some(seed: int, what: str, among: Ints, number: int) -> list[int]:
    if number > len(among):
        raise DataError(
            f"simulate_schools: {number} {what}, yet {len(among)} schools can be drawn. Ask for fewer, or more schools."
        )
    draw = stream(seed, f"simulate_schools/{what}/which")
    return [int(site) for site in draw.permutation(among)[:number]]


def _when(seed: int, what: str, number: int, years: int) -> list[int]:
    draw = stream(seed, f"simulate_schools/{what}/when")
    return [int(year) for year in draw.integers(1, years, size=number)]


def _pairs(seed: int, number: int, free: Ints, group: Ints) -> list[tuple[int, int]]:
    """Pair schools of one authority and phase."""
    order = stream(seed, "simulate_schools/mergers/which").permutation(free)
    waiting: dict[int, int] = {}
    pairs: list[tuple[int, int]] = []
    for site in order.tolist():
        if len(pairs) == number:
            break
        partner = waiting.pop(int(group[site]), None)
        if partner is None:
            waiting[int(group[site])] = site
        else:
            pairs.append((partner, site))
    if len(pairs) < number:
        raise DataError(
            f"simulate_schools: {number} mergers, yet {len(pairs)} pairs of one authority and phase can be drawn. "
            "Ask for fewer, or more schools."
        )
    return pairs


def _links(found: list[tuple[int, int, str, str, str]]) -> pd.DataFrame:
    rows = [
        (str(urn), str(link), name, kind, f"01-09-{AcademicYear.parse(year).start}")
        for urn, link, name, kind, year in sorted(found)
    ]
    return pd.DataFrame(rows, columns=list(LINK_COLUMNS), dtype=object)
