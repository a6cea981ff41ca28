"""Rules that choose comparison schools from a panel."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from averting.data import Panel
from averting.errors import DesignError

TRAITS = ("phase", "region", "la")


@dataclass(frozen=True)
class SameAsPilots:
    """Schools that share traits with at least one pilot.

    Parameters
    ----------
    on : sequence of {"phase", "region", "la"}
        Traits in which a comparison school must equal a pilot, all at once. Empty: every school.
    balanced : bool
        Keep only schools with a value, or bounds, and an exposure for every indicator in every period used.
    exclude : sequence of str
        Schools never to compare with, for example neighbours that pupils may move to.
    """

    on: Sequence[str] = ("phase", "region")
    balanced: bool = True
    exclude: Sequence[str] = ()

    def __post_init__(self) -> None:
        unknown = [trait for trait in self.on if trait not in TRAITS]
        if unknown:
            raise DesignError(
                f"comparison rule: {', '.join(unknown)} is not a trait of schools. Use {', '.join(TRAITS)}."
            )

    def select(self, panel: Panel, pilots: tuple[str, ...], periods: tuple[str, ...]) -> tuple[str, ...]:
        """Return the identifiers of the schools the rule keeps, in the panel's order."""
        data = panel.data
        traits = np.stack(
            [data[trait].to_numpy().astype(str) for trait in self.on]
            or [np.full(len(panel.schools), "any school")],
            axis=1,
        )
        position = {school: i for i, school in enumerate(panel.schools)}
        wanted = {tuple(traits[position[pilot]]) for pilot in pilots}
        if any("" in want for want in wanted):
            raise DesignError(
                f"comparison rule: a pilot has no {' or '.join(self.on)} in the data. Add it, or choose "
                "comparison schools by a list."
            )
        complete = complete_schools(panel, periods) if self.balanced else set(panel.schools)
        barred = {*pilots, *panel.ids(self.exclude)}
        return tuple(
            school
            for i, school in enumerate(panel.schools)
            if school not in barred and school in complete and tuple(traits[i]) in wanted
        )

    def describe(self) -> str:
        """Return the rule in words."""
        traits = f"the same {' and '.join(self.on)} as a pilot" if self.on else "all others in the data"
        parts = [traits]
        if self.balanced:
            parts.append("data in every period used")
        if self.exclude:
            parts.append(f"{len(self.exclude)} named schools left out")
        return "; ".join(parts)


def complete_schools(panel: Panel, periods: tuple[str, ...]) -> set[str]:
    """Return the schools with exposure and with a value or bounds for every indicator in every period."""
    part = panel.select(periods=periods)
    bounded = np.isfinite(part.data["upper"].transpose("school", "period", "indicator").to_numpy()).all(axis=2)
    exposed = np.isfinite(part.exposure.transpose("school", "period").to_numpy())
    kept = (bounded & exposed).all(axis=1)
    return {school for school, keep in zip(part.schools, kept, strict=True) if keep}
