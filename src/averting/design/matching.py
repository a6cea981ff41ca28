"""Rules that choose comparison schools because they are like the pilots, or because their authorities are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

from averting.data import Panel
from averting.data.neighbours import Neighbours
from averting.design.comparison import SameAsPilots
from averting.design.features import measure, measured_schools
from averting.errors import DesignError

Distance = Literal["standardised", "mahalanobis"]
_TOO_FAR = 1e6  # in the assignment only: no real distance comes near it
_ANY = SameAsPilots(on=())


@dataclass(frozen=True)
class NearestNeighbours:
    """The schools most like each pilot before the start.

    Parameters
    ----------
    k : int
        Schools for each pilot, 1 or more.
    on : sequence of str
        Measures: indicators (their rate over all periods before the start), ``size``, covariates; all where empty.
    distance : {"standardised", "mahalanobis"}
        Root of the sum of squared differences in standard deviations; or the same after allowing for what measures
        share (Rubin, 1980).
    replace : bool
        Whether a school may be near several pilots; it counts once in the comparison, which then has fewer than
        k schools a pilot. Else the sets are disjoint, with the least total distance.
    caliper : float, optional
        Schools further away than this, in units of the distance, are not taken.
    pool : SameAsPilots
        Donor pool: which schools may be taken at all, and which are left out because of spill-over.

    Notes
    -----
    Rates are averaged over all years before the start and never matched on the last one alone: schools that match
    in one bad year do not stay alike. Ties go to the school that comes first in the panel.

    References
    ----------
    Rubin, D. B. (1980). Bias reduction using Mahalanobis-metric matching. Biometrics 36, 293-298.
    """

    k: int = 10
    on: Sequence[str] = ()
    distance: Distance = "standardised"
    replace: bool = True
    caliper: float | None = None
    pool: SameAsPilots = field(default=_ANY)

    def __post_init__(self) -> None:
        if self.k < 1:
            raise DesignError(f"comparison rule: k is {self.k}. Take at least one school for each pilot.")
        if self.distance not in ("standardised", "mahalanobis"):
            raise DesignError(f"comparison rule: distance '{self.distance}'. Use standardised or mahalanobis.")
        if self.caliper is not None and not self.caliper > 0:
            raise DesignError(f"comparison rule: caliper is {self.caliper}. Give a distance above 0.")

    def select(
        self, panel: Panel, pilots: tuple[str, ...], periods: tuple[str, ...], before: tuple[str, ...] = ()
    ) -> dict[str, float]:
        """Return the schools the rule keeps, in the panel's order, all of weight 1."""
        donors = tuple(self.pool.select(panel, pilots, periods, before))
        values, names = measure(panel, (*pilots, *donors), before, self.on)
        kept = measured_schools(values, names, len(pilots))
        apart = distances(values[: len(pilots)], values[len(pilots) :][kept], names, kind=self.distance)
        near = self._nearest(apart, pilots)
        chosen = {donors[kept[i]] for i in near}
        return {school: 1.0 for school in donors if school in chosen}

    def _nearest(self, apart: NDArray[np.float64], pilots: tuple[str, ...]) -> set[int]:
        allowed = apart <= (np.inf if self.caliper is None else self.caliper)
        alone = [pilot for pilot, near in zip(pilots, allowed.any(axis=1), strict=True) if not near]
        if alone:
            raise DesignError(
                f"No school lies within the caliper of {', '.join(alone)}. Widen the caliper or the donor pool."
            )
        if self.replace:
            order = np.argsort(apart, axis=1, kind="stable")[:, : self.k]
            return {int(i) for row, near in zip(order, allowed, strict=True) for i in row if near[i]}
        cost = np.repeat(np.where(allowed, apart, _TOO_FAR), self.k, axis=0)
        rows, columns = linear_sum_assignment(cost)
        return {int(column) for row, column in zip(rows, columns, strict=True) if cost[row, column] < _TOO_FAR}

    def describe(self) -> str:
        """Return the rule in words."""
        on = ", ".join(self.on) if self.on else "every measure in the data"
        limit = f", no further than {self.caliper:g}" if self.caliper is not None else ""
        shared = "" if self.replace else ", none near two pilots"
        return (
            f"the {self.k} schools nearest to each pilot before the start on {on} ({self.distance} distance"
            f"{limit}{shared}), from: {self.pool.describe()}"
        )


@dataclass(frozen=True)
class StatisticalNeighbours:
    """Schools of the authorities most like the pilots' own.

    Parameters
    ----------
    neighbours : Neighbours
        From :func:`averting.data.read_neighbours`.
    most : int
        How many neighbours of each authority, closest first.
    pool : SameAsPilots
        Donor pool within those authorities: which schools may be taken at all. Schools of the pilots' own
        authorities are not among them, unless their authority is a neighbour of another pilot's.
    """

    neighbours: Neighbours
    most: int = 10
    pool: SameAsPilots = field(default=_ANY)

    def __post_init__(self) -> None:
        if self.most < 1:
            raise DesignError(f"comparison rule: most is {self.most}. Take at least one neighbour.")

    def select(
        self, panel: Panel, pilots: tuple[str, ...], periods: tuple[str, ...], before: tuple[str, ...] = ()
    ) -> dict[str, float]:
        """Return the schools the rule keeps, in the panel's order, all of weight 1."""
        authority = dict(zip(panel.schools, panel.data["la"].to_numpy().astype(str).tolist(), strict=True))
        codes = {name: self.neighbours.code_of(name) for name in set(authority.values()) if name}
        wanted: set[str] = set()
        for pilot in pilots:
            code = codes.get(authority[pilot])
            if code is None or code not in self.neighbours.ranked:
                found = authority[pilot] or "blank in the data"
                raise DesignError(
                    f"The local authority of pilot {pilot} ({found}) is not in the table of statistical neighbours. "
                    "Use its name or code as the table has it; authorities change with reorganisation."
                )
            wanted |= set(self.neighbours.ranked[code][: self.most])
        donors = self.pool.select(panel, pilots, periods, before)
        return {school: weight for school, weight in donors.items() if codes.get(authority[school]) in wanted}

    def describe(self) -> str:
        """Return the rule in words."""
        return (
            f"schools in the {self.most} statistical neighbours of the pilots' authorities, from: "
            f"{self.pool.describe()}"
        )


def distances(
    pilots: NDArray[np.float64], donors: NDArray[np.float64], names: Sequence[str], *, kind: Distance
) -> NDArray[np.float64]:
    """Return how far each donor is from each pilot.

    Parameters
    ----------
    pilots, donors : array (pilot, measure), (donor, measure)
        Without NaN. Donors alone set the scale, so that extreme pilots do not shrink their own distances.
    names : sequence of str
        Measures, for messages.
    kind : {"standardised", "mahalanobis"}

    Returns
    -------
    array (pilot, donor)

    Raises
    ------
    DesignError
        If a measure does not vary among donors, or, for ``mahalanobis``, measures repeat one another.
    """
    spread = donors.std(axis=0, ddof=1)
    flat = [name for name, sd in zip(names, spread, strict=True) if not sd > 0]
    if flat:
        raise DesignError(f"All donor schools are alike in {', '.join(flat)}. Leave it out of on.")
    gaps = (pilots[:, None, :] - donors[None, :, :]) / spread
    if kind == "standardised":
        return np.asarray(np.sqrt((gaps**2).sum(axis=2)))
    correlation = np.atleast_2d(np.corrcoef(donors, rowvar=False))
    if np.linalg.matrix_rank(correlation, hermitian=True) < len(names):
        raise DesignError(f"{', '.join(names)} repeat one another. Leave one out, or use distance = standardised.")
    return np.asarray(np.sqrt(np.einsum("pdi,ij,pdj->pd", gaps, np.linalg.inv(correlation), gaps)))
